package migrations_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"towline/migrations"
)

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{
		"", ";", corpus, simpleTrigger + ";", "SELECT 1", "/*/", "x'", "[", "\uFEFFSELECT 1;\uFEFF", "CREATE TEMP TRIGGER;END;",
		"1.5e-3;.5;1..2;", "--\r\n;", "SELECT '\r\n';\r", "create trigger begin insert on begin begin select 1;end;", "\xff", "é;",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		list, err := migrations.Split("f", []byte(sql))
		if err != nil {
			var refused *migrations.SyntaxError
			if !errors.As(err, &refused) {
				t.Fatalf("%T: %v", err, err)
			}
			if list != nil || refused.Line < 1 || refused.Col < 1 || refused.Line > 1+strings.Count(sql, "\n") {
				t.Fatalf("%q: %d statements and %v", sql, len(list), err)
			}
			return
		}
		end := 0
		for i, s := range list {
			if s.Index != i+1 || s.Offset < end || sql[s.Offset:s.Offset+len(s.SQL)] != s.SQL {
				t.Fatalf("%q: statement %d is %+v", sql, i+1, s)
			}
			if !insignificant(t, sql[end:s.Offset]) {
				t.Fatalf("%q: %q between two statements is lost", sql, sql[end:s.Offset])
			}
			if line, col := position(sql, s.Offset); s.Line != line || s.Col != col {
				t.Fatalf("%q: statement %d is at %d:%d, not %d:%d", sql, i+1, line, col, s.Line, s.Col)
			}
			end = s.Offset + len(s.SQL)
			again, err := migrations.Split("f", []byte(s.SQL+";"))
			if err != nil || len(again) != 1 || again[0].SQL != s.SQL {
				t.Fatalf("%q alone gives %v, %v", s.SQL, again, err)
			}
			checkCanonical(t, s)
			label := migrations.Describe(s)
			if label == "" || utf8.RuneCountInString(label) > 60 || strings.ContainsAny(label, "\r\n\x00") {
				t.Fatalf("%q is described as %q", s.SQL, label)
			}
		}
		if !insignificant(t, sql[end:]) {
			t.Fatalf("%q: the tail %q is lost", sql, sql[end:])
		}
	})
}

// checkCanonical holds that the canonical form has the same tokens but for case, and is its own canonical form.
func checkCanonical(t *testing.T, s migrations.Statement) {
	t.Helper()
	c := migrations.Canonical(s)
	upper := func(s string) migrations.File { return migrations.File{SQL: []byte(strings.ToUpper(s))} }
	if upper(c).Checksum().Tokens != upper(s.SQL).Checksum().Tokens {
		t.Fatalf("%q has other tokens than %q", c, s.SQL)
	}
	if again := migrations.Canonical(migrations.Statement{SQL: c}); again != c {
		t.Fatalf("%q becomes %q, then %q", s.SQL, c, again)
	}
}

// insignificant reports whether a piece between statements has nothing but blanks, comments and semicolons. It does not
// use the lexer under test.
func insignificant(t *testing.T, s string) bool {
	t.Helper()
	s = strings.TrimPrefix(s, "\uFEFF")
	for s != "" {
		switch {
		case strings.IndexByte(" \t\r\n\f;", s[0]) >= 0:
			s = s[1:]
		case strings.HasPrefix(s, "--"):
			_, s, _ = strings.Cut(s, "\n")
		case strings.HasPrefix(s, "/*"):
			_, after, closed := strings.Cut(s[2:], "*/")
			if !closed {
				return false
			}
			s = after
		default:
			return false
		}
	}
	return true
}

// position counts line and column the slow way.
func position(sql string, offset int) (line, col int) {
	before := strings.TrimPrefix(sql[:offset], "\uFEFF")
	start := strings.LastIndexByte(before, '\n') + 1
	return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[start:])
}

func FuzzLess(f *testing.F) {
	f.Add("0001_a.sql", "0002_b.sql", "a/0001.sql")
	f.Add("0003b_x.sql", "3_x.sql", " 3_x.sql")
	f.Add("-1", "+1", "")
	f.Add("\xff", "\uFFFD", "\U00010000")
	f.Add(strings.Repeat("9", 400), "1", "x")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if migrations.Less(a, a) {
			t.Fatalf("%q is less than itself", a)
		}
		if migrations.Less(a, b) && migrations.Less(b, a) {
			t.Fatalf("%q and %q are less than each other", a, b)
		}
		if a != b && !migrations.Less(a, b) && !migrations.Less(b, a) {
			t.Fatalf("%q and %q have no order", a, b)
		}
		if migrations.Less(a, b) && migrations.Less(b, c) && !migrations.Less(a, c) {
			t.Fatalf("%q < %q < %q, but not first < last", a, b, c)
		}
	})
}

func FuzzCompare(f *testing.F) {
	f.Add("a.sql,b.sql", "a.sql,c.sql", "SELECT 1;")
	f.Add("", "", "")
	f.Add("2.sql,1.sql,3.sql", "2.sql,,2.sql", "-- only")
	f.Fuzz(func(t *testing.T, names, rows, sql string) {
		var files []migrations.File
		for _, n := range strings.Split(names, ",") {
			if !slices.ContainsFunc(files, func(f migrations.File) bool { return f.Name == n }) {
				files = append(files, file(n, sql))
			}
		}
		var ledger []migrations.LedgerRow
		applied := map[string]migrations.Checksum{}
		for i, n := range strings.Split(rows, ",") {
			ledger = append(ledger, migrations.LedgerRow{ID: int64(i), Name: n})
			applied[n] = file(n, sql).Checksum()
		}
		d := migrations.Compare(files, ledger, applied)
		if len(d.Edited) > 0 {
			t.Fatalf("the same content counts as edited: %v", d.Edited)
		}
		pending := map[string]bool{}
		for i, p := range d.Pending {
			pending[p.Name] = true
			if i > 0 && !migrations.Less(d.Pending[i-1].Name, p.Name) {
				t.Fatalf("pending out of order: %q, %q", d.Pending[i-1].Name, p.Name)
			}
		}
		for _, f := range files {
			inLedger := f.Name != "" && slices.ContainsFunc(ledger, func(r migrations.LedgerRow) bool { return r.Name == f.Name })
			if pending[f.Name] == inLedger {
				t.Fatalf("%q: pending %v, in the ledger %v", f.Name, pending[f.Name], inLedger)
			}
		}
		for from, to := range d.Renamed {
			if !slices.Contains(d.Unknown, from) || !pending[to] {
				t.Fatalf("%q renamed to %q", from, to)
			}
		}
		for _, n := range d.OutOfOrder {
			if !pending[n] {
				t.Fatalf("%q is out of order, but not pending", n)
			}
		}
	})
}
