package rehearse_test

import (
	"strings"
	"testing"
	"time"

	"towline/migrations"
	"towline/migrations/rehearse"
)

const endless = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r)"

// withoutRows is the copy on which an UPDATE has nothing to do, and so ends at once.
const withoutRows = "a copy without rows"

func TestAStatementWithoutEndIsAFailureAndNoHang(t *testing.T) {
	for _, c := range []struct {
		name, sql string
		grows     bool
	}{
		{"that inserts", "CREATE TABLE t (a);\nINSERT INTO t " + endless + " SELECT i FROM r;", true},
		{"that only counts", "CREATE TABLE t (a);\nINSERT INTO t " + endless + " SELECT count(*) FROM r;", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			txs := plan(t, migrations.File{Name: "0001_t.sql", SQL: []byte(c.sql)})
			report, err := rehearse.Run(t.Context(), rehearse.Target{}, txs, rehearse.Within(50*time.Millisecond), rehearse.Limiting(endless, ""))
			if err != nil {
				t.Fatal(err)
			}
			// Rows without end are stopped by their number as well, should the clock be late.
			if f := report.Failure; f == nil || f.Line != 2 || !strings.Contains(f.Message, "not done after 50ms") && (f.Code != "SQLITE_FULL" || !c.grows) {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestRowsWithoutEndAreStoppedBeforeMemoryIs(t *testing.T) {
	txs := plan(t, migrations.File{Name: "0001_t.sql", SQL: []byte("CREATE TABLE t (a);\nINSERT INTO t " + endless + " SELECT zeroblob(1000000) FROM r;")})
	report, err := rehearse.Run(t.Context(), rehearse.Target{}, txs)
	if err != nil {
		t.Fatal(err)
	}
	if f := report.Failure; f == nil || f.Line != 2 || f.Code != "SQLITE_FULL" {
		t.Errorf("%+v", f)
	}
}

func TestAStatementThatIsWithoutEndOnRowsAloneIsAWarning(t *testing.T) {
	first, err := rehearse.Run(t.Context(), rehearse.Target{}, plan(t, migrations.File{Name: "0001_t.sql", SQL: []byte("CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER);")}))
	if err != nil {
		t.Fatal(err)
	}
	sql := "UPDATE t SET a = (" + endless + " SELECT count(*) FROM r);\nALTER TABLE t ADD COLUMN b TEXT;"
	report, err := rehearse.Run(t.Context(), rehearse.Target{Objects: first.After}, plan(t, migrations.File{Name: "0002_u.sql", SQL: []byte(sql)}), rehearse.Within(50*time.Millisecond), rehearse.Limiting(endless, withoutRows))
	if err != nil || report.Failure != nil {
		t.Fatal(err, report.Failure)
	}
	if w := report.Warnings; len(w) != 1 || w[0].Line != 1 || !strings.Contains(w[0].Message, "not done after 50ms") {
		t.Errorf("%+v", w)
	}
}

func TestAStatementThatIsWithoutEndOnTheDataIsRefusedByIt(t *testing.T) {
	report := onData(t, "ALTER TABLE users ADD COLUMN n INTEGER;\nUPDATE users SET n = ("+endless+" SELECT count(*) FROM r);", rehearse.Within(50*time.Millisecond), rehearse.Limiting(endless, withoutRows))
	if f := report.Failed; f == nil || f.Line != 2 || !strings.Contains(f.Message, "on the data") || report.Failure != nil {
		t.Errorf("%+v", report.Failed)
	}
}
