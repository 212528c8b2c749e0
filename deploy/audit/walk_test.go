package audit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"towline/deploy/audit"
)

// shelf is a store with one log, whose transactions can do no more than a walk needs.
type shelf struct {
	log    []audit.Entry
	looked int // how many transactions there were
	fails  int // which of them does; 0: none
}

var errShelf = errors.New("the shelf is broken")

func (s *shelf) View(_ context.Context, fn func(*shelf) error) error {
	if s.looked++; s.looked == s.fails {
		return errShelf
	}
	return fn(s)
}

func (s *shelf) EntriesAfter(_ string, after uint64, limit int) []audit.Entry {
	from := min(int(after), len(s.log))
	return s.log[from:min(from+limit, len(s.log))]
}

func (s *shelf) Head(string) (uint64, string) {
	h := headOf(s.log)
	return h.Seq, h.Hash
}

func TestALogInAStoreIsWalkedPageByPageToItsEnd(t *testing.T) {
	for _, c := range []struct{ entries, looks int }{{0, 1}, {1, 1}, {249, 1}, {250, 2}, {600, 3}} {
		t.Run(fmt.Sprint(c.entries, " entries"), func(t *testing.T) {
			s := &shelf{log: chain("shop", c.entries)}
			n := 0
			for e, err := range audit.Walk(t.Context(), s, "shop") {
				if n++; err != nil || e.Seq != uint64(n) {
					t.Fatalf("step %d: entry %d, %v", n, e.Seq, err)
				}
			}
			if n != c.entries || s.looked != c.looks {
				t.Errorf("%d entries in %d transactions", n, s.looked)
			}
			if head, err := audit.VerifyLog(t.Context(), s, "shop"); err != nil || head != headOf(s.log) {
				t.Errorf("%v, %v", head, err)
			}
		})
	}
}

func TestAWalkEndsWhereTheStoreFailsAndSaysSo(t *testing.T) {
	s := &shelf{log: chain("shop", 600), fails: 2}
	n := 0
	var last error
	for _, err := range audit.Walk(t.Context(), s, "shop") {
		if last = err; err == nil {
			n++
		}
	}
	if n != 250 || !errors.Is(last, errShelf) {
		t.Errorf("%d entries, then %v", n, last)
	}
	if _, err := audit.VerifyLog(t.Context(), &shelf{log: chain("shop", 600), fails: 3}, "shop"); !errors.Is(err, errShelf) {
		t.Errorf("proved in a store that fails: %v", err)
	}
}

func TestALogWhoseEntriesLostTheirNumbersIsWalkedToAnEnd(t *testing.T) {
	s := &shelf{log: chain("shop", 600)}
	for i := range s.log {
		s.log[i].Seq = 1
	}
	n := 0
	for range audit.Walk(t.Context(), s, "shop") {
		n++
	}
	if n != 600 {
		t.Errorf("%d entries", n)
	}
	if _, err := audit.VerifyLog(t.Context(), s, "shop"); err == nil {
		t.Error("it is taken for sound")
	}
}

func TestAWalkThatIsLeftReadsNoFurther(t *testing.T) {
	s := &shelf{log: chain("shop", 600)}
	for e := range audit.Walk(t.Context(), s, "shop") {
		if e.Seq == 3 {
			break
		}
	}
	if s.looked != 1 {
		t.Errorf("%d transactions", s.looked)
	}
}
