package migrations_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
)

const plansTable = "CREATE TABLE plans(id INTEGER PRIMARY KEY, name TEXT);"

func TestAnAssertionIsAskedAtItsPlace(t *testing.T) {
	two := "-- towline:assert SELECT count(*) = 2 FROM plans\n"
	fill := "INSERT INTO plans(name) VALUES ('free'), ('team');\n"
	for _, c := range []struct {
		name, sql string
		line      int // of the assertion that fails; 0: none
	}{
		{"true before a statement", fill + two + "DELETE FROM plans;", 0},
		{"asked before what makes it true", "\n" + two + fill, 2},
		{"behind the last statement", fill + "DELETE FROM plans;\n" + two, 3},
		{"the second of two", fill + two + "-- towline:assert SELECT 0\nSELECT 1;", 3},
		{"NULL is not true", "-- towline:assert SELECT NULL\nSELECT 1;", 1},
		{"no row is not true", "-- towline:assert SELECT 1 WHERE 0\nSELECT 1;", 1},
		{"nor is another number", "-- towline:assert SELECT 2\nSELECT 1;", 1},
		{"a semicolon and a remark behind it", fill + "-- towline:assert SELECT count(*) = 2 FROM plans; -- both of them\nSELECT 1;", 0},
		{"CRLF, in capitals", fill + "-- TOWLINE:ASSERT SELECT 0\r\nSELECT 1;\r\n", 2},
		{"after a byte order mark", "\uFEFF-- towline:assert SELECT 0\nSELECT 1;", 1},
		{"while CHECK is ignored", "PRAGMA ignore_check_constraints = ON;\n-- towline:assert SELECT 0\nSELECT 1;", 2},
		{"a file of nothing else", "-- towline:assert SELECT 0\n", 1},
		{"in a text it is a text", "INSERT INTO plans(name) VALUES ('\n-- towline:assert SELECT 0\n');", 0},
		{"another word is no assertion", "-- towline:asserted SELECT 0\nSELECT 1;", 0},
		{"it asks how many rows changed", fill + "-- towline:assert SELECT changes() = 2\nSELECT 1;", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := openDatabase(t).must(plansTable)
			before := d.state()
			err := d.apply(migrations.Options{}, file("0007_it's_line_3.sql", c.sql))
			if c.line == 0 {
				if err != nil {
					t.Error(err)
				}
				if left := d.rows("SELECT name FROM sqlite_master WHERE name LIKE 'assertion%'"); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
				return
			}
			if err == nil {
				t.Fatal("it passed")
			}
			if at, line, ok := migrations.AssertionFailed(err.Error()); !ok || at != "0007_it's_line_3.sql" || line != c.line {
				t.Errorf("%v names %s line %d", err, at, line)
			}
			if diff := cmp.Diff(before, d.state()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnAssertionThatCannotBeAskedIsRefusedWithItsLine(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT 1;\n-- towline:assert\nSELECT 1;":               "no query",
		"SELECT 1;\n-- towline:assert DELETE FROM t\nSELECT 1;": "only read",
		"SELECT\n-- towline:assert SELECT 1\n1;":                "inside a statement",
		"\n-- towline:assert SELECT 1; SELECT 0\nSELECT 1;":     "more than one query",
		"\n  -- towline:assert SELECT 0) IS 0 OR (1\nSELECT 1;": "parentheses",
		"\n-- towline:assert SELECT 'x\nSELECT 1;":              "never closed",
	} {
		_, err := migrations.Apply([]migrations.File{file("0007.sql", sql)}, migrations.Options{})
		var refused *migrations.SyntaxError
		if !errors.As(err, &refused) || refused.Line != 2 || !strings.Contains(refused.Reason, want) {
			t.Errorf("%q: %v", sql, err)
		}
	}
}

func TestHistoryIsCarriedOutAgainWithoutItsAssertions(t *testing.T) {
	d := openDatabase(t).must(plansTable)
	if err := d.apply(migrations.Options{Unasserted: true}, file("2.sql", "-- towline:assert SELECT count(*) > 0 FROM plans\nSELECT 1;")); err != nil {
		t.Error(err)
	}
}

func TestTheWayBackIsHeldToItsAssertionsToo(t *testing.T) {
	d := openDatabase(t).must(plansTable)
	f := file("0007.sql", "ALTER TABLE plans ADD COLUMN price INTEGER;")
	f.Down = []byte("-- towline:assert SELECT count(*) = 0 FROM plans WHERE price > 0\nALTER TABLE plans DROP COLUMN price;")
	if err := d.apply(migrations.Options{}, f); err != nil {
		t.Fatal(err)
	}
	d.must("INSERT INTO plans(price) VALUES (9)")
	plan, err := migrations.Undo([]migrations.File{f}, migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = d.carryOutAll(plan)
	if err == nil {
		t.Fatal("it went back")
	}
	if at, line, ok := migrations.AssertionFailed(err.Error()); !ok || at != "down/0007.sql" || line != 1 {
		t.Errorf("%v", err)
	}
}

func TestAnOrdinaryFailureIsNoFailedAssertion(t *testing.T) {
	for _, message := range []string{
		"NOT NULL constraint failed: users.ok", "NOT NULL constraint failed: assertion_of_x.ok", "NOT NULL constraint failed: assertion_of_x_line_y.ok", "",
		"NOT NULL constraint failed: assertion_of_x_line_3.no",
	} {
		if file, line, ok := migrations.AssertionFailed(message); ok {
			t.Errorf("%q is taken for one of %s line %d", message, file, line)
		}
	}
	if file, line, ok := migrations.AssertionFailed("D1_ERROR: NOT NULL constraint failed: assertion_of_a/b.sql_line_12.ok: SQLITE_CONSTRAINT"); !ok || file != "a/b.sql" || line != 12 {
		t.Errorf("%s line %d, %t", file, line, ok)
	}
}
