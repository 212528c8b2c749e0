package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The audit log is a chain: every entry holds the hash of the one before it, so that the last hash stands for the whole
// log. Whoever wrote that one down, from a weekly report, can prove later that nothing before it was touched.
//
// The hash of an entry is the sha256 of its canonical bytes:
//
//	towline audit 1\n
//	NAME:LENGTH:VALUE\n
//
// with one such line for each field that is not empty, in the order of the bytes of its name. LENGTH is the number of bytes
// of VALUE, in decimal. Numbers are decimal, times are RFC 3339 in UTC with as many digits as they need, and a field within
// a field has a name with a dot (who.id). Hash itself is not among them; Prev is.
//
// An empty field has no line, so that a field added to Entry later leaves the hash of every older entry as it was. That is
// all that may happen to it: a name, once used, keeps its meaning and its form. Anything else needs another first line,
// and a verifier that knows both.
const sealVersion = "towline audit 1\n"

// field is one value of an entry as the chain and the exports write it.
type field struct{ name, value string }

// fields are an entry's values but its Hash, in the order of a reader: when, who, what.
func (e Entry) fields() []field {
	return []field{
		{"seq", decimal(e.Seq)},
		{"at", stamp(e.At)},
		{"project", e.Project},
		{"environment", string(e.Environment)},
		{"who.id", signed(e.Who.ID)},
		{"who.name", e.Who.Name},
		{"who.anonymous", truth(e.Who.Anonymous)},
		{"what", e.What},
		{"run", e.Run},
		{"release", decimal(e.Release)},
		{"digest", e.Digest},
		{"detail", e.Detail},
		{"key", e.Key},
		{"prev", e.Prev},
	}
}

// decimal, signed, truth and stamp write a value, and nothing for the zero one.
func decimal(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

func signed(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func truth(b bool) string {
	if !b {
		return ""
	}
	return "true"
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// writeCanonical writes what the hash is of.
func (e Entry) writeCanonical(w io.Writer) {
	fields := e.fields()
	slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	_, _ = io.WriteString(w, sealVersion)
	for _, f := range fields {
		if f.value != "" {
			_, _ = fmt.Fprintf(w, "%s:%d:%s\n", f.name, len(f.value), f.value)
		}
	}
}

// seal is the hash that the entry should have.
func (e Entry) seal() string {
	h := sha256.New()
	e.writeCanonical(h)
	return hex.EncodeToString(h.Sum(nil))
}

// Sealed is the entry as it lies in the log: after the one whose hash is prev (empty: it is the first), with its own hash.
// Seq has to be set before. What JSON could not give back is made plain first: text that is not UTF-8, a time zone.
func (e Entry) Sealed(prev string) Entry {
	for _, text := range []*string{&e.Project, (*string)(&e.Environment), &e.Who.Name, &e.What, &e.Run, &e.Digest, &e.Detail, &e.Key} {
		*text = strings.ToValidUTF8(*text, string(utf8.RuneError))
	}
	e.At = e.At.UTC().Round(0)
	e.Prev = prev
	e.Hash = e.seal()
	return e
}
