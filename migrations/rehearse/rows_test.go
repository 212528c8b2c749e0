package rehearse_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations/rehearse"
)

// members is a table with values of every kind that a copy may shorten.
func members() []string {
	return []string{
		`CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT, price REAL, code TEXT, big INTEGER, photo BLOB, email TEXT)`,
		`INSERT INTO people VALUES
			(1, 'Bartholomew Cubbins of Didd', 19.99, '00123', 9007199254740993, x'00010203', 'A@example.com'),
			(2, 'Ann', 20.0, '42', 12, x'00', 'b@example.com'),
			(3, 'Bo', 0.5, '12 pieces', 13, NULL, 'c@example.com'),
			(4, NULL, NULL, '12345678901234567890', NULL, NULL, 'C@example.com')`,
	}
}

func onPeople(t *testing.T, sql string) rehearse.Report {
	t.Helper()
	path, target := withData(t, members()...)
	report, err := rehearse.Run(t.Context(), target, bare(t, sql), rehearse.Data(path), rehearse.Temporary(t.TempDir()))
	if err != nil || report.Failed != nil || report.Failure != nil {
		t.Fatal(err, report.Failed, report.Failure)
	}
	return report
}

const rebuiltPeople = `CREATE TABLE people_new(id INTEGER PRIMARY KEY, name TEXT, price INTEGER, code INTEGER, big REAL, photo BLOB, email TEXT);
INSERT INTO people_new SELECT id, substr(name, 1, 10), CAST(price AS INTEGER), code, big, substr(photo, 2), email FROM people;
DROP TABLE people;
ALTER TABLE people_new RENAME TO people;`

func TestValuesThatACopyCutsOrRoundsAreListedWithTheirKeys(t *testing.T) {
	got := onPeople(t, rebuiltPeople).RowLosses
	want := []rehearse.RowLosses{{Table: "people", Key: []string{"id"}, Columns: []rehearse.ColumnLosses{
		{Name: "name", Cut: 1, Shown: []rehearse.LostValue{
			{Key: []string{"1"}, Loss: rehearse.ValueCut, Was: "'Bartholomew Cubbins of Didd'", Is: "'Bartholome'", WasSize: 27, IsSize: 10}}},
		{Name: "price", Rounded: 2, Shown: []rehearse.LostValue{
			{Key: []string{"1"}, Loss: rehearse.ValueRounded, Was: "19.99", Is: "19"}, {Key: []string{"3"}, Loss: rehearse.ValueRounded, Was: "0.5", Is: "0"}}},
		{Name: "code", Cut: 1, Rounded: 1, Shown: []rehearse.LostValue{
			{Key: []string{"1"}, Loss: rehearse.ValueCut, Was: "'00123'", Is: "123"},
			{Key: []string{"4"}, Loss: rehearse.ValueRounded, Was: "'12345678901234567890'", Is: "1.2345678901234567e+19"}}},
		{Name: "big", Rounded: 1, Shown: []rehearse.LostValue{{Key: []string{"1"}, Loss: rehearse.ValueRounded, Was: "9007199254740993", Is: "9.007199254740992e+15"}}},
		{Name: "photo", Cut: 2, Shown: []rehearse.LostValue{
			{Key: []string{"1"}, Loss: rehearse.ValueCut, Was: "x'00010203'", Is: "x'010203'", WasSize: 4, IsSize: 3},
			{Key: []string{"2"}, Loss: rehearse.ValueCut, Was: "x'00'", Is: "x''", WasSize: 1}}},
	}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestWhatRowsLose(t *testing.T) {
	tests := []struct {
		name, sql, want string // the counts, one line for a column
	}{
		{"an UPDATE that shortens a text", "UPDATE people SET name = substr(name, 1, 3);", "name cut 1"},
		{"a CAST to INTEGER of a text with words behind it", "UPDATE people SET code = CAST(code AS INTEGER) WHERE id = 3;", "code cut 1"},
		{"a value that becomes NULL", "UPDATE people SET name = NULL WHERE id < 4;", "name nulled 3"},
		{"an UPDATE that rounds to one digit", "UPDATE people SET price = round(price, 1);", "price rounded 1"},
		{"rows that go and come back fewer", "CREATE TABLE k AS SELECT * FROM people;\nDELETE FROM people;\nINSERT INTO people SELECT * FROM k WHERE id <> 2;\nDROP TABLE k;\nINSERT INTO people(id) VALUES (9);", "gone 1"},
		{"INSERT OR REPLACE that meets another row's unique value", "CREATE UNIQUE INDEX one ON people(email);\nINSERT OR REPLACE INTO people(id, email) VALUES (9, 'b@example.com');", "gone 1"},
		{"a trigger that deletes", "CREATE TRIGGER x AFTER UPDATE ON people BEGIN DELETE FROM people WHERE id = 2; END;\nUPDATE people SET email = 'z' || email WHERE id = 1;", "gone 1"},

		{"other texts, NULLs filled in and prices changed are none", "UPDATE people SET name = upper(coalesce(name, 'nobody')), price = price * 2 + 1, email = lower(email);", ""},
		{"the same numbers in another type are none", "UPDATE people SET price = CAST(price AS INTEGER) WHERE id = 2;\nUPDATE people SET code = 42 WHERE id = 2;\nUPDATE people SET big = big + 1;", ""},
		{"a yes and no that becomes a number is none", "UPDATE people SET email = CASE name WHEN 'Ann' THEN 1 ELSE 0 END;", ""},
		{"rows that come are none", "INSERT INTO people(id, name) VALUES (7, 'Cy');", ""},
	}
	for _, tt := range some(tests) {
		t.Run(tt.name, func(t *testing.T) {
			report := onPeople(t, tt.sql)
			if got := counted(report.RowLosses); got != tt.want {
				t.Errorf("%q, want %q: %+v", got, tt.want, report.RowLosses)
			}
		})
	}
}

// counted writes the counts of losses alone.
func counted(list []rehearse.RowLosses) string {
	var parts []string
	add := func(what string, n int64) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", what, n))
		}
	}
	for _, l := range list {
		add("gone", l.Gone)
		for _, c := range l.Columns {
			add(c.Name+" cut", c.Cut)
			add(c.Name+" rounded", c.Rounded)
			add(c.Name+" nulled", c.Nulled)
		}
	}
	return strings.Join(parts, ", ")
}

func TestRowsAreFoundAgainByWhateverKeyTheyHave(t *testing.T) {
	const fill = "INSERT INTO t VALUES (1, '7', 'abc'), (2, 'x', 'abcd')"
	tests := []struct {
		name, table, fill, sql, want, not string
	}{
		{"a text", "CREATE TABLE t(a, b TEXT PRIMARY KEY, c)", fill, "UPDATE t SET c = 'ab' WHERE a = 2;", "c cut 1", ""},
		{"a key whose type becomes another one", "CREATE TABLE t(a, b TEXT PRIMARY KEY, c)", fill,
			"CREATE TABLE n(a, b PRIMARY KEY, c);\nINSERT INTO n SELECT a, CASE b WHEN '7' THEN 7 ELSE b END, substr(c, 1, 3) FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;", "gone 1, c cut 1", ""},
		{"a text that becomes an INTEGER PRIMARY KEY", "CREATE TABLE t(a, b TEXT PRIMARY KEY, c)", "INSERT INTO t VALUES (1, '7', 'abc'), (2, '8', 'abcd')",
			"CREATE TABLE n(a, b INTEGER PRIMARY KEY, c);\nINSERT INTO n SELECT a, b, substr(c, 1, 3) FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;", "c cut 1", ""},
		{"two columns", "CREATE TABLE t(a, b, c, PRIMARY KEY (b, a)) WITHOUT ROWID", fill, "UPDATE t SET c = 'cd' WHERE a = 2;\nDELETE FROM t WHERE b = '7';", "gone 1, c cut 1", ""},
		{"a rowid", "CREATE TABLE t(a, b, c)", fill, "UPDATE t SET c = 'ab' WHERE a = 2;\nDELETE FROM t WHERE b = '7';", "gone 1, c cut 1", ""},
		{"a rowid under another name", "CREATE TABLE t(rowid, b, c)", fill, "UPDATE t SET c = 'ab' WHERE rowid = 2;", "c cut 1", ""},
		{"a rowid that is not kept", "CREATE TABLE t(a, b, c)", fill, "CREATE TABLE n(a, b, c);\nINSERT INTO n SELECT a, b, 'a' FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;", "",
			"it has no primary key, and its rows may have been written anew"},
		{"a key that an UPDATE writes", "CREATE TABLE t(a PRIMARY KEY, b, c)", fill, "UPDATE t SET a = a + 10;", "", "its key is written by an UPDATE"},
		{"another key", "CREATE TABLE t(a PRIMARY KEY, b, c)", fill, "CREATE TABLE n(a, b PRIMARY KEY, c);\nINSERT INTO n SELECT * FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;", "",
			"its primary key is another one afterwards"},
		{"a key that is NULL in some rows", "CREATE TABLE t(a PRIMARY KEY, b, c)", "INSERT INTO t VALUES (NULL, 1, 'abc'), (NULL, 2, 'abc')", "UPDATE t SET c = 'a';", "", ""},
	}
	for _, tt := range some(tests) {
		t.Run(tt.name, func(t *testing.T) {
			path, target := withData(t, tt.table, tt.fill)
			report, err := rehearse.Run(t.Context(), target, bare(t, tt.sql), rehearse.Data(path), rehearse.Temporary(t.TempDir()))
			if err != nil || report.Failed != nil || !report.Data {
				t.Fatal(err, report.Failed)
			}
			not := ""
			for _, u := range report.Uncompared {
				not += u.Why
			}
			if got := counted(report.RowLosses); got != tt.want || not != tt.not {
				t.Errorf("%q and %q, want %q and %q: %+v", got, not, tt.want, tt.not, report.RowLosses)
			}
		})
	}
}

func TestOfManyLossesAHundredAreKeptAndAllCounted(t *testing.T) {
	report := onData(t, "UPDATE users SET email = substr(email, 1, 5);\nDELETE FROM orders WHERE id > 200;")
	if len(report.RowLosses) != 2 {
		t.Fatalf("%+v", report.RowLosses)
	}
	orders, users := report.RowLosses[0], report.RowLosses[1]
	if orders.Gone != 700 || len(orders.GoneRows) != rehearse.MaxRowsShown || cmp.Diff(orders.GoneRows[0], []string{"201", "279", "418.5"}) != "" {
		t.Errorf("%d, %d shown: %v", orders.Gone, len(orders.GoneRows), orders.GoneRows[:1])
	}
	if c := users.Columns[0]; c.Cut != 300 || len(c.Shown) != rehearse.MaxRowsShown {
		t.Errorf("%+v", users.Columns)
	}
}

func TestATableOfAHundredColumnsIsComparedInAll(t *testing.T) {
	names, values := make([]string, 99), make([]string, 99)
	for i := range names {
		names[i], values[i] = fmt.Sprintf("c%d", i), "'long'"
	}
	path, target := withData(t, "CREATE TABLE t(id INTEGER PRIMARY KEY, "+strings.Join(names, ", ")+")", "INSERT INTO t VALUES (1, "+strings.Join(values, ", ")+"), (2, "+strings.Join(values, ", ")+")")
	report, err := rehearse.Run(t.Context(), target, bare(t, "DELETE FROM t WHERE id = 2;\nUPDATE t SET c0 = 'lo', c50 = 'lo', c98 = NULL;"), rehearse.Data(path))
	if err != nil || counted(report.RowLosses) != "gone 1, c0 cut 1, c50 cut 1, c98 nulled 1" {
		t.Error(err, report.RowLosses)
	}
}

func TestWithoutACopyOfTheDataNothingIsSaidOfWhatRowsLose(t *testing.T) {
	_, target := withData(t, members()...)
	report, err := rehearse.Run(t.Context(), target, bare(t, rebuiltPeople))
	if err != nil || report.RowLosses != nil || report.Uncompared != nil {
		t.Errorf("%v %+v", err, report.Effects)
	}
}
