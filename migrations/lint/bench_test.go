package lint_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"towline/migrations"
	"towline/migrations/lint"
	folders "towline/migrations/lint/sample"
	"towline/migrations/rehearse"
)

// BenchmarkLint800FilesOf45Projects lints and rehearses them all, each folder from nothing, on all processors. It reports the statements and
// the most memory that the process has had, which is to stay under 200 MB; the time is to stay under 2 seconds.
func BenchmarkLint800FilesOf45Projects(b *testing.B) {
	all := folders.Projects(45, 800)
	statements := 0
	for b.Loop() {
		statements = lintAll(b, all, 0)
	}
	b.ReportMetric(float64(statements), "statements")
	if peak := peakMemory(); peak > 0 {
		b.ReportMetric(float64(peak)/1024, "MB-peak")
	}
}

// BenchmarkLint800FilesHalfOfThemApplied does so where the first half of each folder is there: the other half is rehearsed on rows too.
func BenchmarkLint800FilesHalfOfThemApplied(b *testing.B) {
	all := folders.Projects(45, 800)
	for b.Loop() {
		lintAll(b, all, 9)
	}
}

// BenchmarkASmallReleaseOn50Tables is what a plan of the bot costs: a file with three statements on a live schema of 50 tables with indexes,
// foreign keys and rows to be made up.
func BenchmarkASmallReleaseOn50Tables(b *testing.B) {
	target, in := fiftyTables(b)
	in.Target = target
	for b.Loop() {
		report, err := lint.Run(b.Context(), in, lint.Options{})
		if err != nil || report.Files != 1 || report.Rehearsal.Failure != nil {
			b.Fatal(err, report.Files, report.Rehearsal.Failure)
		}
	}
}

// fiftyTables is a live database, and a release for it.
func fiftyTables(tb testing.TB) (*rehearse.Target, lint.Input) {
	var schema strings.Builder
	for i := range 50 {
		fmt.Fprintf(&schema, "CREATE TABLE t%d(id INTEGER PRIMARY KEY, name TEXT NOT NULL, state TEXT CHECK (state IN ('a', 'b')), n INTEGER DEFAULT 0, at TEXT, up INTEGER REFERENCES t%d(id) ON DELETE CASCADE);\n", i, max(i-1, 0))
		fmt.Fprintf(&schema, "CREATE INDEX t%d_up ON t%d(up);\nCREATE INDEX t%d_state ON t%d(state, at);\n", i, i, i, i)
	}
	target := live(tb, schema.String())
	change := "ALTER TABLE t7 ADD COLUMN email TEXT;\nCREATE INDEX t7_email ON t7(email);\nUPDATE t7 SET email = lower(name) WHERE id = 1;\n"
	return target, lint.Input{Files: []migrations.File{{Name: "0001_base.sql", SQL: []byte(schema.String())}, {Name: "0002_email.sql", SQL: []byte(change)}}}
}

// lintAll lints folders of which the first files count as applied.
func lintAll(tb testing.TB, list [][]migrations.File, applied int) (statements int) {
	work := make(chan []migrations.File)
	var all sync.WaitGroup
	var mu sync.Mutex
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for files := range work {
				in := lint.Input{Files: files}
				for _, f := range files[:applied] {
					in.Known = append(in.Known, f.Name)
				}
				report, err := lint.Run(tb.Context(), in, lint.Options{})
				mu.Lock()
				statements += report.Statements
				if err != nil {
					tb.Error(err)
				}
				mu.Unlock()
			}
		})
	}
	for _, files := range list {
		work <- files
	}
	close(work)
	all.Wait()
	return statements
}

// peakMemory is the most memory that the process has had, in kB; 0 where the system does not say.
func peakMemory() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, found := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(fields[0])
	return n
}

func TestTheSampleFoldersRunOnD1(t *testing.T) {
	files := 30
	if testing.Short() {
		files = 3
	}
	for i := range 3 {
		for _, f := range run(t, lint.Input{Files: folders.Project(i, files)}, lint.Options{}).Findings {
			if strings.HasPrefix(f.Code, "D1-SQL") && f.Severity == lint.Error {
				t.Errorf("project %d: %s: %s", i, f.Statement, f.Text)
			}
		}
	}
}
