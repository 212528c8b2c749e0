package sqlite_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations/sqlite"
)

func TestRowsAreFedOneByOneAndThoseRefusedNamed(t *testing.T) {
	c := open(t, "CREATE TABLE a(x)", "INSERT INTO a VALUES (1), (NULL), (3), (9)", "CREATE TABLE b(x NOT NULL CHECK (x < 5))")
	var refusals []string
	err := c.Transaction(t.Context(), func() error {
		n, err := c.Feed(t.Context(), "SELECT x FROM a", "INSERT INTO b VALUES (?1)", func(row []any, err *sqlite.Error) error {
			refusals = append(refusals, err.Message)
			return nil
		})
		if n != 4 {
			t.Errorf("%d rows", n)
		}
		return err
	})
	if d := cmp.Diff([]string{"NOT NULL constraint failed: b.x", "CHECK constraint failed: x < 5"}, refusals); d != "" || err != nil {
		t.Error(err, d)
	}
	if d := cmp.Diff([][]any{{int64(1)}, {int64(3)}}, exec(t, c, "SELECT x FROM b").Rows); d != "" {
		t.Error(d)
	}
	stop := errors.New("enough")
	seen := 0
	err = c.Each(t.Context(), "SELECT x FROM a", func([]any) error { seen++; return stop })
	if !errors.Is(err, stop) || seen != 1 {
		t.Errorf("%v after %d", err, seen)
	}
}

func TestThePlanOfAQueryWithParametersIsToldWithItsLevels(t *testing.T) {
	c := open(t, "CREATE TABLE a(x)", "CREATE INDEX a_x ON a(x)")
	got, err := c.Plan(t.Context(), "SELECT * FROM a WHERE x = ?1 UNION SELECT * FROM a WHERE x = :other ORDER BY 1")
	if err != nil || len(got) < 4 || got[0].Level != 0 || got[1].Level != 1 {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := c.Plan(t.Context(), "SELECT * FROM nothing"); err == nil {
		t.Error("a plan for a table that is not there")
	}
}
