package audit

import (
	"context"
	"iter"
)

// Tx is what a walk reads in one transaction of the store that keeps the logs.
type Tx interface {
	// EntriesAfter lists a log's entries after a sequence number, oldest first, and no more than limit. They belong to the caller.
	EntriesAfter(project string, after uint64, limit int) []Entry
	// Head is the last entry of a log as the store remembers it; 0 and "" where there is none.
	Head(project string) (seq uint64, hash string)
}

// Store reads in transactions, each of which sees one state. T is what the store calls its own, which can do more than a walk needs.
// An error from the function is returned as it is.
type Store[T Tx] interface {
	View(ctx context.Context, fn func(T) error) error
}

// pageSize is how many entries one transaction reads when a whole log is walked: some 100 KB.
const pageSize = 250

// Walk goes through a project's log from its first entry to the last that is there when the walk gets to it. Each page is a
// transaction of its own, so that a long walk holds nobody up; a log only grows at its end, so the pages fit together.
func Walk[T Tx](ctx context.Context, s Store[T], project string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) { walkLog(ctx, s, project, yield) }
}

// VerifyLog walks a project's log in the store, also while others add to it, and returns its end. Its errors are those of
// Verify, and the store's.
func VerifyLog[T Tx](ctx context.Context, s Store[T], project string, marks ...Head) (Head, error) {
	var head Head
	entries := func(yield func(Entry, error) bool) { head = walkLog(ctx, s, project, yield) }
	return verify(project, entries, func() *Head { return &head }, marks)
}

// walkLog yields a log and returns its head, as the transaction saw it that read the last page.
func walkLog[T Tx](ctx context.Context, s Store[T], project string, yield func(Entry, error) bool) (head Head) {
	for after := uint64(0); ; {
		var page []Entry
		err := s.View(ctx, func(tx T) error {
			page = tx.EntriesAfter(project, after, pageSize)
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
		if len(page) < pageSize {
			return head
		}
		// Where somebody changed the numbers of entries, the walk goes on all the same, and comes to an end.
		after = max(after+pageSize, page[len(page)-1].Seq)
	}
}
