package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"towline/deploy"
	"towline/deploy/audit"
	"towline/store"
)

// audited is a store with n entries in shop's log, and one in the team's.
func audited(t *testing.T, n int) *store.Store {
	t.Helper()
	s := open(t)
	for i := range n {
		if err := s.Deploy().Update(t.Context(), func(tx deploy.Tx) error {
			tx.Audit(audit.Entry{Project: "shop", What: "step", Detail: fmt.Sprint("the ", i+1)})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Deploy().Update(t.Context(), func(tx deploy.Tx) error { tx.Audit(audit.Entry{What: "config"}); return nil }); err != nil {
		t.Fatal(err)
	}
	return s
}

func entryKey(n int) string { return fmt.Sprintf("deploy/audit/shop/%020d", n) }

func TestATamperedStoreIsNamedByEntry(t *testing.T) {
	for name, c := range map[string]struct {
		tamper func(tx store.Tx)
		seq    uint64
		what   audit.Tamper
	}{
		"a word":                {func(tx store.Tx) { replace(tx, entryKey(4), "the 4", "the 5") }, 4, audit.Changed},
		"a record that is none": {func(tx store.Tx) { tx.Put(entryKey(4), []byte("garbage")) }, 4, audit.Changed},
		"a record gone":         {func(tx store.Tx) { tx.Delete(entryKey(4)) }, 4, audit.Missing},
		"the first gone":        {func(tx store.Tx) { tx.Delete(entryKey(1)) }, 1, audit.Missing},
		"the last gone":         {func(tx store.Tx) { tx.Delete(entryKey(9)) }, 9, audit.Cut},
		"two exchanged": {func(tx store.Tx) {
			a, _ := tx.Get(entryKey(4))
			b, _ := tx.Get(entryKey(6))
			tx.Put(entryKey(4), b)
			tx.Put(entryKey(6), a)
		}, 4, audit.Moved},
		"one copied":       {func(tx store.Tx) { a, _ := tx.Get(entryKey(4)); tx.Put(entryKey(5), a) }, 4, audit.Inserted},
		"one at the end":   {func(tx store.Tx) { a, _ := tx.Get(entryKey(4)); tx.Put(entryKey(10), a) }, 4, audit.Inserted},
		"the head gone":    {func(tx store.Tx) { tx.Delete("deploy/audit-head/shop") }, 1, audit.HeadWrong},
		"the head lowered": {func(tx store.Tx) { replace(tx, "deploy/audit-head/shop", `"seq":9`, `"seq":8`) }, 9, audit.HeadWrong},
	} {
		t.Run(name, func(t *testing.T) {
			s := audited(t, 9)
			if err := s.Update(t.Context(), func(tx store.Tx) error { c.tamper(tx); return nil }); err != nil {
				t.Fatal(err)
			}
			var wrong *audit.Error
			if _, err := audit.VerifyLog(t.Context(), s.Deploy(), "shop"); !errors.As(err, &wrong) || wrong.Seq != c.seq || wrong.Tamper != c.what {
				t.Errorf("%v, want entry %d %s", err, c.seq, c.what)
			}
			if _, err := audit.VerifyLog(t.Context(), s.Deploy(), ""); err != nil {
				t.Errorf("the team's own: %v", err)
			}
		})
	}
}

// replace changes text within a record.
func replace(tx store.Tx, k, old, with string) {
	v, _ := tx.Get(k)
	if !strings.Contains(string(v), old) {
		panic(fmt.Sprintf("%s holds no %s: %s", k, old, v))
	}
	tx.Put(k, []byte(strings.Replace(string(v), old, with, 1)))
}

func TestALogWhoseEndIsInDoubtIsNotWrittenTo(t *testing.T) {
	for name, tamper := range map[string]func(tx store.Tx){
		"the head is gone":           func(tx store.Tx) { tx.Delete("deploy/audit-head/shop") },
		"the head is set back":       func(tx store.Tx) { replace(tx, "deploy/audit-head/shop", `"seq":3`, `"seq":2`) },
		"the head cannot be read":    func(tx store.Tx) { tx.Put("deploy/audit-head/shop", []byte("{")) },
		"the project has a bad name": nil,
	} {
		t.Run(name, func(t *testing.T) {
			s := audited(t, 3)
			e := audit.Entry{Project: "shop", Detail: "new"}
			if tamper == nil {
				e.Project = "_team"
			} else if err := s.Update(t.Context(), func(tx store.Tx) error { tamper(tx); return nil }); err != nil {
				t.Fatal(err)
			}
			if err := s.Deploy().Update(t.Context(), func(tx deploy.Tx) error { tx.Audit(e); return nil }); err == nil {
				t.Error("it was")
			}
			_ = s.View(t.Context(), func(tx store.Tx) error {
				n := 0
				for _, v := range tx.Scan("deploy/audit/", "", 0, false) {
					if n++; strings.Contains(string(v), "new") {
						t.Errorf("stored: %s", v)
					}
				}
				if n != 4 {
					t.Errorf("%d entries are left of 4", n)
				}
				return nil
			})
		})
	}
}

func TestALogWithoutAHeadIsListedAllTheSame(t *testing.T) {
	s := audited(t, 2)
	if err := s.Update(t.Context(), func(tx store.Tx) error { tx.Delete("deploy/audit-head/shop"); return nil }); err != nil {
		t.Fatal(err)
	}
	_ = s.Deploy().View(t.Context(), func(tx deploy.Tx) error {
		if got := tx.Logs(); len(got) != 2 || got[1] != "shop" {
			t.Errorf("%q", got)
		}
		return nil
	})
}
