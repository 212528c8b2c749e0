package deploy

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// ChainHead stands for a whole log: the number of its last entry and that entry's hash. The weekly report prints one.
type ChainHead struct {
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"` // sha256 in hex; one that a person wrote down may be shortened to its first 16 characters
}

// shortest is how much of a hash has to be written down: 64 bits, which nobody can aim at.
const shortest = 16

// String is the head as people write it down: 12:3f2a…
func (h ChainHead) String() string { return strconv.FormatUint(h.Seq, 10) + ":" + h.Hash }

// ParseHead reads what String wrote, or the beginning of it with 16 characters of the hash or more.
func ParseHead(text string) (ChainHead, error) {
	n, hash, ok := strings.Cut(strings.TrimSpace(text), ":")
	seq, err := strconv.ParseUint(n, 10, 64)
	hash = strings.ToLower(strings.TrimSpace(hash))
	if !ok || err != nil || seq == 0 || len(hash) < shortest || len(hash) > 64 || strings.Trim(hash, "0123456789abcdef") != "" {
		return ChainHead{}, fmt.Errorf("%.100q is not a head of an audit log: write it as the weekly report does, 12:3f2a… with at least %d characters of the hash", text, shortest)
	}
	return ChainHead{Seq: seq, Hash: hash}, nil
}

// is reports whether a hash is the one that the head names, perhaps by its beginning.
func (h ChainHead) is(hash string) bool {
	return len(h.Hash) >= shortest && strings.HasPrefix(hash, h.Hash)
}

// Tamper says what is wrong with an entry of a log.
type Tamper string

// What can be wrong with an entry.
const (
	EntryChanged  Tamper = "changed"         // its content is not what was sealed, or it was replaced
	EntryMissing  Tamper = "missing"         // it was taken out
	EntryMoved    Tamper = "moved"           // it stands elsewhere: at another place, or in another log
	EntryInserted Tamper = "inserted"        // it was put between others
	ChainCut      Tamper = "cut"             // it and everything after it is gone
	HeadWrong     Tamper = "head"            // the store's own memory of the end disagrees with the entry
	ChainOther    Tamper = "another history" // the chain is sound, and not the one whose head was written down
)

// Unreadable is what an entry of a store says that cannot be read any more: no entry was ever written so.
const Unreadable = "unreadable"

// ChainError names the first entry of a log that is not as it was written.
type ChainError struct {
	Project string // empty: the team's own log
	Seq     uint64 // the entry
	Tamper  Tamper
	Detail  string // what was found, in words
}

// Error names the log, the entry and what is wrong with it.
func (e *ChainError) Error() string {
	log := "the team's log"
	if e.Project != "" {
		log = "the log of " + e.Project
	}
	return fmt.Sprintf("audit: %s: entry %d: %s: %s", log, e.Seq, e.Tamper, e.Detail)
}

// VerifyChain walks a log, oldest entry first, and returns its end, or a *ChainError for the first entry that is wrong. An
// error of the walk itself is returned as it is.
//
// head is what the store remembers of the end; nil where nobody does, in an exported file. marks are heads that somebody
// wrote down. A chain alone cannot tell that its end was cut off, or that all of it was written anew: marks can.
func VerifyChain(project string, entries iter.Seq2[Entry, error], head *ChainHead, marks ...ChainHead) (ChainHead, error) {
	return verifyChain(project, entries, func() *ChainHead { return head }, marks)
}

// verifyChain asks for the head after the last entry.
func verifyChain(project string, entries iter.Seq2[Entry, error], head func() *ChainHead, marks []ChainHead) (ChainHead, error) {
	next, stop := iter.Pull2(entries)
	defer stop()
	w := walk{project: project, next: next}
	for {
		e, err, more := next()
		if err != nil {
			return ChainHead{}, err
		}
		if !more {
			break
		}
		if err := w.step(e, head); err != nil {
			return ChainHead{}, err
		}
		for _, m := range marks {
			if m.Seq == e.Seq && !m.is(e.Hash) {
				return ChainHead{}, w.wrong(e.Seq, ChainOther, "its hash is %s, and %s was written down: it or something before it was written anew", e.Hash, m.Hash)
			}
		}
		w.before, w.end = w.end, ChainHead{Seq: e.Seq, Hash: e.Hash}
	}
	if err := w.finish(head(), marks); err != nil {
		return ChainHead{}, err
	}
	return w.end, nil
}

// walk is how far a verification has come.
type walk struct {
	project     string
	next        func() (Entry, error, bool)
	end, before ChainHead // the last sound entry, and the one before it
}

func (w *walk) wrong(seq uint64, what Tamper, format string, args ...any) error {
	return &ChainError{Project: w.project, Seq: seq, Tamper: what, Detail: fmt.Sprintf(format, args...)}
}

// step judges the entry that stands after the last sound one.
func (w *walk) step(e Entry, head func() *ChainHead) error {
	place := w.end.Seq + 1
	switch seal := e.seal(); {
	case e.Project != w.project:
		return w.wrong(place, EntryMoved, "entry %d of another log, %q, stands in its place", e.Seq, e.Project)
	case e.What == Unreadable && e.Hash == "":
		return w.wrong(place, EntryChanged, "it cannot be read: %s", e.Detail)
	case e.Hash == "":
		return w.wrong(place, EntryChanged, "it has no hash")
	case e.Hash != seal:
		return w.wrong(place, EntryChanged, "its content has the hash %s, and it was sealed with %s", seal, e.Hash)
	case e.Seq < place:
		return w.wrong(e.Seq, EntryInserted, "it stands a second time, after entry %d", w.end.Seq)
	case e.Seq > place:
		return w.gap(place, e)
	case e.Prev != w.end.Hash:
		return w.unlinked(e, head)
	}
	return nil
}

// gap says whether the entry that should stand here stands further on, or is gone.
func (w *walk) gap(place uint64, found Entry) error {
	for {
		e, err, more := w.next()
		if err != nil {
			return err
		}
		if !more {
			return w.wrong(place, EntryMissing, "entry %d stands in its place", found.Seq)
		}
		if e.Seq == place && e.Hash == e.seal() {
			return w.wrong(place, EntryMoved, "entry %d stands in its place, and it stands further on", found.Seq)
		}
	}
}

// unlinked judges an entry that is sound in itself and was not sealed on the one before it. One of the two is not the
// original. If what comes next was sealed on this one, it is this one that the rest of the chain stands on.
func (w *walk) unlinked(e Entry, head func() *ChainHead) error {
	after, err, more := w.next()
	if err != nil {
		return err
	}
	original := more && after.Prev == e.Hash
	if h := head(); !more && h != nil {
		original = *h == ChainHead{Seq: e.Seq, Hash: e.Hash}
	}
	switch {
	case original && w.end.Seq == 0:
		return w.wrong(e.Seq, EntryChanged, "it was sealed on an entry before it, and is the first")
	case original:
		return w.wrong(w.end.Seq, EntryChanged, "it was replaced: entry %d was sealed on %s, and its hash is %s", e.Seq, e.Prev, w.end.Hash)
	case e.Prev == w.before.Hash && w.before.Seq != 0:
		return w.wrong(e.Seq, EntryChanged, "it was sealed on entry %d", w.before.Seq)
	}
	return w.wrong(e.Seq, EntryChanged, "it was sealed on %s, and entry %d has the hash %s", e.Prev, w.end.Seq, w.end.Hash)
}

// finish compares the end with what was remembered of it.
func (w *walk) finish(head *ChainHead, marks []ChainHead) error {
	known := marks
	if head != nil {
		known = append([]ChainHead{*head}, marks...)
	}
	for _, h := range known {
		if h.Seq > w.end.Seq {
			return w.wrong(w.end.Seq+1, ChainCut, "the log ends at %d, and has had an entry %d", w.end.Seq, h.Seq)
		}
	}
	switch {
	case head == nil:
		return nil
	case head.Seq < w.end.Seq:
		return w.wrong(head.Seq+1, HeadWrong, "it stands after the end that the store remembers, entry %d", head.Seq)
	case head.Hash != w.end.Hash:
		return w.wrong(w.end.Seq, HeadWrong, "its hash is %s, and the store remembers %s", w.end.Hash, head.Hash)
	}
	return nil
}
