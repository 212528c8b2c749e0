package rehearse_test

import (
	"fmt"
	"testing"
	"time"

	"towline/migrations/rehearse"
)

const timeLimit = 5 * time.Second

// fortyFiles is a year of an ordinary team: tables with a foreign key, columns, indexes, backfills, and one rebuild.
func fortyFiles() []string {
	var files []string
	for i := range 40 {
		switch i % 4 {
		case 0:
			files = append(files, fmt.Sprintf("CREATE TABLE t%d(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE, name TEXT);\nCREATE INDEX t%d_user ON t%d(user_id);", i, i, i))
		case 1:
			files = append(files, fmt.Sprintf("ALTER TABLE t%d ADD COLUMN note TEXT;\nUPDATE t%d SET note = name WHERE note IS NULL;", i-1, i-1))
		case 2:
			files = append(files, fmt.Sprintf("INSERT INTO t%d(user_id, name) SELECT id, name FROM users;", i-2))
		default:
			files = append(files, fmt.Sprintf("CREATE TRIGGER t%d_ai AFTER INSERT ON t%d BEGIN UPDATE t%d SET note = new.name WHERE id = new.id; END;", i-3, i-3, i-3))
		}
	}
	return files
}

func BenchmarkRehearse40Migrations(b *testing.B) {
	schema := people + cascade + grand
	for i := range 30 {
		schema += fmt.Sprintf("CREATE TABLE s%d(id INTEGER PRIMARY KEY, u INTEGER REFERENCES users(id), c);\nCREATE INDEX s%d_u ON s%d(u);\n", i, i, i)
	}
	was := target(b, schema)
	txs := applied(b, fortyFiles()...)
	for b.Loop() {
		if report := run(b, was, txs); report.Failure != nil || len(report.Losses) > 0 {
			b.Fatalf("%+v %+v", report.Failure, report.Losses)
		}
	}
}

func TestTheDurationIsThatOfTheGivenClock(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { now = now.Add(time.Second); return now }
	report, err := rehearse.Run(t.Context(), rehearse.Target{}, bare(t, "CREATE TABLE a(x);\nCREATE TABLE b(x);"), rehearse.Clock(clock))
	if err != nil {
		t.Fatal(err)
	}
	if report.Duration != time.Second || report.Statements != 2 {
		t.Errorf("%v for %d statements", report.Duration, report.Statements)
	}
}
