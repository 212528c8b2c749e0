package deploy

import (
	"context"
	"iter"
)

// auditPage is how many entries one transaction reads when a whole log is walked: some 100 KB.
const auditPage = 250

// AuditLog walks a project's log from its first entry to the last that is there when the walk gets to it. Each page is a
// transaction of its own, so that a long walk holds nobody up; a log only grows at its end, so the pages fit together.
func AuditLog(ctx context.Context, s Store, project string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) { walkLog(ctx, s, project, yield) }
}

// VerifyLog walks a project's log in the store, also while others add to it, and returns its end. Its errors are those of
// VerifyChain, and the store's.
func VerifyLog(ctx context.Context, s Store, project string, marks ...ChainHead) (ChainHead, error) {
	var head ChainHead
	entries := func(yield func(Entry, error) bool) { head = walkLog(ctx, s, project, yield) }
	return verifyChain(project, entries, func() *ChainHead { return &head }, marks)
}

// walkLog yields a log and returns its head, as the transaction saw it that read the last page.
func walkLog(ctx context.Context, s Store, project string, yield func(Entry, error) bool) (head ChainHead) {
	for after := uint64(0); ; {
		var page []Entry
		err := s.View(ctx, func(tx Tx) error {
			page = tx.EntriesAfter(project, after, auditPage)
			head.Seq, head.Hash = tx.Head(project)
			return nil
		})
		if err != nil {
			yield(Entry{}, err)
			return head
		}
		for _, e := range page {
			if !yield(e, nil) {
				return head
			}
		}
		if len(page) < auditPage {
			return head
		}
		// Where somebody changed the numbers of entries, the walk goes on all the same, and comes to an end.
		after = max(after+auditPage, page[len(page)-1].Seq)
	}
}
