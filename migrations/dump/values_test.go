package dump_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
	"towline/migrations/dump"
	"towline/migrations/sqlite"
)

// literals are values as dumps write them, and some that only look so.
func literals() []string {
	return []string{
		"1, 'a'", "-1,NULL", "1.5,-2e10", "9e999,-9e999", "x'00ff',X''", "'it''s','''", "replace('a\\nb','\\n',char(10)),1",
		"replace(replace('a\\rb','\\r',char(13)),'\\n',char(10)), 1", "REPLACE ( 'x' , 'x' , char ( 65 ) ) , null", "9223372036854775807,9223372036854775808",
		"-9223372036854775808,0x10", "1e,1", "1.,.5", "-,1", "--1\n1,2", "1 2,3", "nullx,1", "x'0',1", "'a' || 'b', 2", "1),(2", "1,2),(3,4", "0001,-0", "-0.0,1e-400",
		"replace('a','',char(1)),1", "char(65),1", "'\x00',1", "replace(1,'1',char(50)),1", "1_000,2", "true,1", "1/*x*/,2", "1e5x,2", "replace('é','é',char(233)),2",
	}
}

// same loads the values and has SQLite read them, and compares.
func same(t *testing.T, values string) {
	t.Helper()
	sql := "INSERT INTO t VALUES(" + values + ")"
	if list, err := migrations.Split("x.sql", []byte(sql+";")); err != nil || len(list) != 1 || list[0].SQL != sql {
		return
	}
	c, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const look = "SELECT typeof(a), a, typeof(b), b FROM t ORDER BY rowid"
	if _, err := c.Exec(t.Context(), "CREATE TABLE t(a, b)"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(t.Context(), sql); err != nil {
		return // whether that is a fault of the text or a limit of D1's
	}
	want, err := c.Exec(t.Context(), look)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if _, err := dump.Load(context.Background(), strings.NewReader("CREATE TABLE t(a, b);"+sql+";"), path); err != nil {
		t.Fatalf("%q: %v", values, err)
	}
	d, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	got, err := d.Exec(t.Context(), look)
	if err != nil {
		t.Fatal(err)
	}
	// SQLite may read the last digit of a long real number otherwise.
	about := cmp.Comparer(func(x, y float64) bool { return x == y || x-y < 1e-12*max(x, -x) && y-x < 1e-12*max(x, -x) })
	if difference := cmp.Diff(want.Rows, got.Rows, about); difference != "" && !strings.Contains(values, "random") {
		t.Errorf("%q: %s", values, difference)
	}
}

func TestValuesAreReadAsSQLiteReadsThem(t *testing.T) {
	for _, values := range literals() {
		same(t, values)
	}
}

func FuzzValuesAreReadAsSQLiteReadsThem(f *testing.F) {
	for _, values := range literals() {
		f.Add(values)
	}
	f.Fuzz(same)
}
