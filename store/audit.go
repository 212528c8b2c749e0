package store

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"towline/deploy/audit"
)

// The audit log is a chain (deploy/audit). Beside its entries lies a head, the number and the hash of the last one, so
// that adding one reads and writes two records however long the log is:
//
//	deploy/audit/LOG/SEQ     an entry
//	deploy/audit-head/LOG    the head
//
// LOG is the project, or teamLog.
const (
	auditKind = "audit"
	headKind  = "audit-head"
	// teamLog is the key segment of the team's own log: of entries that belong to no project. It is no project's name.
	teamLog = "_team"
)

// headRecord is the end of a log.
type headRecord struct {
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"`
}

// segment is a log's part of a key.
func segment(project string) string {
	if project == "" {
		return teamLog
	}
	return project
}

// logPrefix is what the keys of a log's entries begin with.
func logPrefix(project string) string { return key(auditKind, segment(project)) + "/" }

func (t *deployTx) Audit(e audit.Entry) {
	if e.Project == teamLog {
		t.errs = append(t.errs, fmt.Errorf("audit: a project cannot be named %s", teamLog))
		return
	}
	head, _ := t.head(e.Project)
	e.Seq = head.Seq + 1
	k := logPrefix(e.Project) + number(e.Seq)
	if _, taken := t.tx.Get(k); taken { // whatever is wrong, it is not made worse
		t.errs = append(t.errs, fmt.Errorf("record %s is there, and the head of the log says %d: towline audit verify names the entry", k, head.Seq))
		return
	}
	e = e.Sealed(head.Hash)
	put(t, k, e)
	put(t, key(headKind, segment(e.Project)), headRecord{Seq: e.Seq, Hash: e.Hash})
}

// head reads the end of a log.
func (t *deployTx) head(project string) (headRecord, bool) {
	return get[headRecord](t, key(headKind, segment(project)))
}

func (t *deployTx) Head(project string) (seq uint64, hash string) {
	head, _ := t.head(project)
	return head.Seq, head.Hash
}

func (t *deployTx) Entries(project string, limit int) []audit.Entry {
	return list[audit.Entry](t, logPrefix(project), "", limit, true)
}

// EntriesAfter is for those who walk the whole log, and who want to know which entry is not as it was: one that cannot be
// read any more is handed on as such. A record of a newer version is an error here as well.
func (t *deployTx) EntriesAfter(project string, after uint64, limit int) []audit.Entry {
	prefix := logPrefix(project)
	from := prefix + number(after)
	var out []audit.Entry
	for k, raw := range t.tx.Scan(prefix, from, limit+1, false) {
		if k == from {
			continue
		}
		if len(out) == limit {
			break
		}
		var e audit.Entry
		err := decode(raw, &e)
		if _, newer := errors.AsType[newerRecord](err); newer {
			t.errs = append(t.errs, fmt.Errorf("record %s: %w", k, err))
			continue
		}
		if err != nil {
			seq, _ := strconv.ParseUint(strings.TrimPrefix(k, prefix), 10, 64) // 0 where the key is none of a log's
			e = audit.Entry{Seq: seq, Project: project, What: audit.Unreadable, Detail: err.Error()}
		}
		out = append(out, e)
	}
	return out
}

func (t *deployTx) Logs() []string { return logs(t.tx) }

// logs lists the logs that have an entry or a head. Of the entries it reads one in each log: from the first it goes on at
// the first key that is not of the same log.
func logs(tx Tx) []string {
	found := map[string]bool{}
	heads := key(headKind) + "/"
	for k := range tx.Scan(heads, "", 0, false) {
		found[strings.TrimPrefix(k, heads)] = true
	}
	entries := key(auditKind) + "/"
	for from, more := "", true; more; {
		more = false
		for k := range tx.Scan(entries, from, 1, false) {
			name, _, _ := strings.Cut(strings.TrimPrefix(k, entries), "/")
			found[name] = true
			from, more = prefixEnd(entries+name+"/"), true
		}
	}
	return projects(found)
}

// projects turns key segments into the names of their projects, in order.
func projects(segments map[string]bool) []string {
	var names []string
	for name := range segments {
		if name == teamLog {
			name = ""
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
