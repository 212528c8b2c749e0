package audit

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// Head stands for a whole log: the number of its last entry and that entry's hash. The weekly report prints one.
type Head struct {
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"` // sha256 in hex; one that a person wrote down may be shortened to its first 16 characters
}

// shortest is how much of a hash has to be written down: 64 bits, which nobody can aim at.
const shortest = 16

// String is the head as people write it down: 12:3f2a…
func (h Head) String() string { return strconv.FormatUint(h.Seq, 10) + ":" + h.Hash }

// ParseHead reads what String wrote, or the beginning of it with 16 characters of the hash or more.
func ParseHead(text string) (Head, error) {
	n, hash, ok := strings.Cut(strings.TrimSpace(text), ":")
	seq, err := strconv.ParseUint(n, 10, 64)
	hash = strings.ToLower(strings.TrimSpace(hash))
	if !ok || err != nil || seq == 0 || len(hash) < shortest || len(hash) > 64 || strings.Trim(hash, "0123456789abcdef") != "" {
		return Head{}, fmt.Errorf("%.100q is not a head of an audit log: write it as the weekly report does, 12:3f2a… with at least %d characters of the hash", text, shortest)
	}
	return Head{Seq: seq, Hash: hash}, nil
}

// is reports whether a hash is the one that the head names, perhaps by its beginning.
func (h Head) is(hash string) bool {
	return len(h.Hash) >= shortest && strings.HasPrefix(hash, h.Hash)
}

// Tamper says what is wrong with an entry of a log.
type Tamper string

// What can be wrong with an entry.
const (
	Changed        Tamper = "changed"         // its content is not what was sealed, or it was replaced
	Missing        Tamper = "missing"         // it was taken out
	Moved          Tamper = "moved"           // it stands elsewhere: at another place, or in another log
	Inserted       Tamper = "inserted"        // it was put between others
	Cut            Tamper = "cut"             // it and everything after it is gone
	HeadWrong      Tamper = "head"            // the store's own memory of the end disagrees with the entry
	AnotherHistory Tamper = "another history" // the chain is sound, and not the one whose head was written down
)

// Unreadable is what an entry of a store says that cannot be read any more: no entry was ever written so.
const Unreadable = "unreadable"

// Error names the first entry of a log that is not as it was written.
type Error struct {
	Project string // empty: the team's own log
	Seq     uint64 // the entry
	Tamper  Tamper
	Detail  string // what was found, in words
}

// Error names the log, the entry and what is wrong with it.
func (e *Error) Error() string {
	log := "the team's log"
	if e.Project != "" {
		log = "the log of " + e.Project
	}
	return fmt.Sprintf("audit: %s: entry %d: %s: %s", log, e.Seq, e.Tamper, e.Detail)
}

// Verify walks a log, oldest entry first, and returns its end, or an *Error for the first entry that is wrong. An
// error of the walk itself is returned as it is.
//
// head is what the store remembers of the end; nil where nobody does, in an exported file. marks are heads that somebody
// wrote down. A chain alone cannot tell that its end was cut off, or that all of it was written anew: marks can.
func Verify(project string, entries iter.Seq2[Entry, error], head *Head, marks ...Head) (Head, error) {
	return verify(project, entries, func() *Head { return head }, marks)
}

// verify asks for the head after the last entry.
func verify(project string, entries iter.Seq2[Entry, error], head func() *Head, marks []Head) (Head, error) {
	next, stop := iter.Pull2(entries)
	defer stop()
	p := proof{project: project, next: next}
	for {
		e, err, more := next()
		if err != nil {
			return Head{}, err
		}
		if !more {
			break
		}
		if err := p.step(e, head); err != nil {
			return Head{}, err
		}
		for _, m := range marks {
			if m.Seq == e.Seq && !m.is(e.Hash) {
				return Head{}, p.wrong(e.Seq, AnotherHistory, "its hash is %s, and %s was written down: it or something before it was written anew", e.Hash, m.Hash)
			}
		}
		p.before, p.end = p.end, Head{Seq: e.Seq, Hash: e.Hash}
	}
	if err := p.finish(head(), marks); err != nil {
		return Head{}, err
	}
	return p.end, nil
}

// proof is how far a verification has come.
type proof struct {
	project     string
	next        func() (Entry, error, bool)
	end, before Head // the last sound entry, and the one before it
}

func (p *proof) wrong(seq uint64, what Tamper, format string, args ...any) error {
	return &Error{Project: p.project, Seq: seq, Tamper: what, Detail: fmt.Sprintf(format, args...)}
}

// step judges the entry that stands after the last sound one.
func (p *proof) step(e Entry, head func() *Head) error {
	place := p.end.Seq + 1
	switch seal := e.seal(); {
	case e.Project != p.project:
		return p.wrong(place, Moved, "entry %d of another log, %q, stands in its place", e.Seq, e.Project)
	case e.What == Unreadable && e.Hash == "":
		return p.wrong(place, Changed, "it cannot be read: %s", e.Detail)
	case e.Hash == "":
		return p.wrong(place, Changed, "it has no hash")
	case e.Hash != seal:
		return p.wrong(place, Changed, "its content has the hash %s, and it was sealed with %s", seal, e.Hash)
	case e.Seq < place:
		return p.wrong(e.Seq, Inserted, "it stands a second time, after entry %d", p.end.Seq)
	case e.Seq > place:
		return p.gap(place, e)
	case e.Prev != p.end.Hash:
		return p.unlinked(e, head)
	}
	return nil
}

// gap says whether the entry that should stand here stands further on, or is gone.
func (p *proof) gap(place uint64, found Entry) error {
	for {
		e, err, more := p.next()
		if err != nil {
			return err
		}
		if !more {
			return p.wrong(place, Missing, "entry %d stands in its place", found.Seq)
		}
		if e.Seq == place && e.Hash == e.seal() {
			return p.wrong(place, Moved, "entry %d stands in its place, and it stands further on", found.Seq)
		}
	}
}

// unlinked judges an entry that is sound in itself and was not sealed on the one before it. One of the two is not the
// original. If what comes next was sealed on this one, it is this one that the rest of the chain stands on.
func (p *proof) unlinked(e Entry, head func() *Head) error {
	after, err, more := p.next()
	if err != nil {
		return err
	}
	original := more && after.Prev == e.Hash
	if h := head(); !more && h != nil {
		original = *h == Head{Seq: e.Seq, Hash: e.Hash}
	}
	switch {
	case original && p.end.Seq == 0:
		return p.wrong(e.Seq, Changed, "it was sealed on an entry before it, and is the first")
	case original:
		return p.wrong(p.end.Seq, Changed, "it was replaced: entry %d was sealed on %s, and its hash is %s", e.Seq, e.Prev, p.end.Hash)
	case e.Prev == p.before.Hash && p.before.Seq != 0:
		return p.wrong(e.Seq, Changed, "it was sealed on entry %d", p.before.Seq)
	}
	return p.wrong(e.Seq, Changed, "it was sealed on %s, and entry %d has the hash %s", e.Prev, p.end.Seq, p.end.Hash)
}

// finish compares the end with what was remembered of it.
func (p *proof) finish(head *Head, marks []Head) error {
	known := marks
	if head != nil {
		known = append([]Head{*head}, marks...)
	}
	for _, h := range known {
		if h.Seq > p.end.Seq {
			return p.wrong(p.end.Seq+1, Cut, "the log ends at %d, and has had an entry %d", p.end.Seq, h.Seq)
		}
	}
	switch {
	case head == nil:
		return nil
	case head.Seq < p.end.Seq:
		return p.wrong(head.Seq+1, HeadWrong, "it stands after the end that the store remembers, entry %d", head.Seq)
	case head.Hash != p.end.Hash:
		return p.wrong(p.end.Seq, HeadWrong, "its hash is %s, and the store remembers %s", p.end.Hash, head.Hash)
	}
	return nil
}
