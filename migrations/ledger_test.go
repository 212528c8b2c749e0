package migrations_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
)

func TestCompareTellsHowFilesStandToALedger(t *testing.T) {
	a, b, c := file("1_a.sql", "SELECT 1;"), file("2_b.sql", "SELECT 2;"), file("10_c.sql", "SELECT 3;")
	recorded := func(files ...migrations.File) map[string]migrations.Checksum {
		m := map[string]migrations.Checksum{}
		for _, f := range files {
			m[f.Name] = f.Checksum()
		}
		return m
	}
	for _, k := range []struct {
		name    string
		files   []migrations.File
		ledger  []string
		applied map[string]migrations.Checksum
		want    migrations.Difference
	}{
		{name: "nothing at all"},
		{name: "all pending, in wrangler's order", files: []migrations.File{c, b, a}, want: migrations.Difference{Pending: []migrations.File{a, b, c}}},
		{name: "all applied", files: []migrations.File{a, b}, ledger: []string{"1_a.sql", "2_b.sql"}, applied: recorded(a, b)},
		{name: "applied by something else, so content unknown", files: []migrations.File{a}, ledger: []string{"1_a.sql"}},
		{name: "a later number is pending", files: []migrations.File{a, b, c}, ledger: []string{"1_a.sql", "2_b.sql"}, want: migrations.Difference{Pending: []migrations.File{c}}},
		{name: "an earlier number is pending", files: []migrations.File{a, b, c}, ledger: []string{"10_c.sql"},
			want: migrations.Difference{Pending: []migrations.File{a, b}, OutOfOrder: []string{"1_a.sql", "2_b.sql"}}},
		{name: "removed files, in the ledger's order", files: []migrations.File{b}, ledger: []string{"10_c.sql", "1_a.sql", "2_b.sql"},
			want: migrations.Difference{Unknown: []string{"10_c.sql", "1_a.sql"}}},
		{name: "an edited file", files: []migrations.File{file("1_a.sql", "SELECT 9;")}, ledger: []string{"1_a.sql"}, applied: recorded(a),
			want: migrations.Difference{Edited: []string{"1_a.sql"}}},
		{name: "a changed comment, line end or blank", files: []migrations.File{file("1_a.sql", "\uFEFF-- one\r\nSELECT\r\n  1 ; ")}, ledger: []string{"1_a.sql"}, applied: recorded(a)},
		{name: "a changed string is an edit, though it looks like a comment", files: []migrations.File{file("1_a.sql", "SELECT '-- x';")},
			ledger: []string{"1_a.sql"}, applied: recorded(file("1_a.sql", "SELECT '-- y';")), want: migrations.Difference{Edited: []string{"1_a.sql"}}},
		{name: "a renamed file", files: []migrations.File{file("3_a.sql", "SELECT 1;"), b}, ledger: []string{"1_a.sql", "2_b.sql"}, applied: recorded(a, b),
			want: migrations.Difference{Pending: []migrations.File{file("3_a.sql", "SELECT 1;")}, Unknown: []string{"1_a.sql"}, Renamed: map[string]string{"1_a.sql": "3_a.sql"}}},
		{name: "two renamed files of one content", files: []migrations.File{file("5.sql", "SELECT 1;"), file("6.sql", "SELECT 1;")}, ledger: []string{"1.sql", "2.sql"},
			applied: recorded(file("1.sql", "SELECT 1;"), file("2.sql", "SELECT 1;")),
			want: migrations.Difference{Pending: []migrations.File{file("5.sql", "SELECT 1;"), file("6.sql", "SELECT 1;")}, Unknown: []string{"1.sql", "2.sql"},
				Renamed: map[string]string{"1.sql": "5.sql", "2.sql": "6.sql"}}},
		{name: "files of other comments alone are not one file renamed", files: []migrations.File{file("5.sql", "-- new")}, ledger: []string{"1.sql"},
			applied: recorded(file("1.sql", "-- old")), want: migrations.Difference{Pending: []migrations.File{file("5.sql", "-- new")}, Unknown: []string{"1.sql"}}},
		{name: "a row without a name", files: []migrations.File{a}, ledger: []string{""}, want: migrations.Difference{Pending: []migrations.File{a}}},
	} {
		t.Run(k.name, func(t *testing.T) {
			var ledger []migrations.LedgerRow
			for i, n := range k.ledger {
				ledger = append(ledger, migrations.LedgerRow{ID: int64(i + 1), Name: n})
			}
			if k.want.Renamed == nil {
				k.want.Renamed = map[string]string{}
			}
			if diff := cmp.Diff(k.want, migrations.Compare(k.files, ledger, k.applied)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestChecksumsSeeWhatTheyShould(t *testing.T) {
	base := "CREATE TABLE t(a);\nINSERT INTO t VALUES('x  y', x'00', 1.5);\n"
	for _, c := range []struct {
		name, sql                string
		raw, normalized, noToken bool // whether they change
	}{
		{"the same", base, false, false, false},
		{"CRLF", strings.ReplaceAll(base, "\n", "\r\n"), true, false, false},
		{"a byte order mark", "\uFEFF" + base, true, false, false},
		{"blanks at ends of lines and of the file", strings.ReplaceAll(base, "\n", " \t\n") + "\n\n", true, false, false},
		{"a comment", base + "-- more; 'or less", true, true, false},
		{"blanks between tokens", strings.ReplaceAll(base, "(", " (\n"), true, true, false},
		{"blanks in a string", strings.Replace(base, "x  y", "x y", 1), true, true, true},
		{"a blank that makes an alias of a blob", strings.Replace(base, "x'00'", "x '00'", 1), true, true, true},
		{"a blank inside a number", strings.Replace(base, "1.5", "1 .5", 1), true, true, true},
		{"words run together", strings.Replace(base, "TABLE t", "TABLEt", 1), true, true, true},
		{"other case", strings.Replace(base, "TABLE", "table", 1), true, true, true},
		{"a comment that is never closed", base + "/* x", true, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			was, is := file("f", base).Checksum(), file("f", c.sql).Checksum()
			if got := [3]bool{was.Raw != is.Raw, was.Normalized != is.Normalized, was.Tokens != is.Tokens}; got != [3]bool{c.raw, c.normalized, c.noToken} {
				t.Errorf("raw, normalized, tokens changed: %v", got)
			}
			if len(is.Raw) != 64 || len(is.Normalized) != 64 || len(is.Tokens) != 64 {
				t.Errorf("%+v are not sha256 in hex", is)
			}
		})
	}
}

func TestTheLedgerIsReadWhateverItIsCalled(t *testing.T) {
	for _, table := range []string{"", "d1_migrations", `odd "name'; --`} {
		d := openDatabase(t)
		if err := d.apply(migrations.Options{Ledger: table}, file("0001_it's.sql", "-- nothing")); err != nil {
			t.Fatal(err)
		}
		if rows := d.ledger(table); len(rows) != 1 || rows[0].ID != 1 || rows[0].Name != "0001_it's.sql" || len(rows[0].AppliedAt) != len("2026-01-02 15:04:05") {
			t.Errorf("%q: %+v", table, rows)
		}
	}
}
