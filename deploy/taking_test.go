package deploy_test

import (
	"path/filepath"
	"strings"
	"testing"

	"towline/backups"
	"towline/deploy/release"
	"towline/migrations/sqlite"
	sandbox "towline/sandbox/cloudflare"
)

// wide is a table whose whole numbers D1's export rounds, and narrowed what a later release does to it.
func wide(values string) files {
	return files{"0001_wide.sql": "CREATE TABLE notes (id INTEGER PRIMARY KEY, big INTEGER, old INTEGER);\nINSERT INTO notes VALUES " + values + ";\n"}
}

const narrowed = "DELETE FROM notes WHERE old = 1;\n"

func restoredRows(t *testing.T, f *backups.Folder, id, query string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.db")
	if _, err := f.Restore(t.Context(), id, path); err != nil {
		t.Fatal(err)
	}
	c, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	res, err := c.Exec(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := res.Rows[0][0].(string)
	return text
}

func TestAKeyThatNoExportHoldsMakesTheBackupACopyOfTheTables(t *testing.T) {
	onBothKeeping(t, func(t *testing.T, s *shop, f *backups.Folder) {
		copiedByTables(t, s, f, wide("(9223372036854775807, 1, 0), (9007199254740993, 2, 1)"))
	})
}

func TestANumberThatAnExportRoundsMakesTheBackupACopyOfTheTables(t *testing.T) {
	onBothKeeping(t, func(t *testing.T, s *shop, f *backups.Folder) {
		copiedByTables(t, s, f, wide("(1, 9007199254740993, 0), (2, 9223372036854775807, 1)"))
	})
}

// copiedByTables ships a release that deletes from the table, and another one that changes it.
func copiedByTables(t *testing.T, s *shop, f *backups.Folder, first files) {
	t.Helper()
	s.version("v1", first)
	s.ship("v1")
	second := first.and(files{"0002_tidy.sql": narrowed})
	s.version("v2", second)
	s.wants(s.deploy("v2"), release.Done)
	s.api.Forget()
	run := s.ended(s.approve(s.promote(2), robin))
	s.wants(run, release.Done)
	taken := listed(t, f, release.Production)
	if len(taken) != 1 || !taken[0].Tables || taken[0].Unexported == "" || taken[0].CheckedAt.IsZero() || len(taken[0].Missing) != 0 {
		t.Fatalf("%+v", taken)
	}
	if run.Backup == nil || run.Backup.ID != taken[0].ID || run.Backup.Unexported == "" {
		t.Errorf("%+v", run.Backup)
	}
	want := "9007199254740993,9223372036854775807"
	if got := restoredRows(t, f, taken[0].ID, "SELECT group_concat(n) FROM (SELECT max(id, big) AS n FROM notes ORDER BY 1)"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if exportsOf(s) == 0 {
		t.Error("nothing was exported at first, though nobody knew")
	}

	s.version("v3", second.and(files{"0003_more.sql": "UPDATE notes SET old = 2;\n"}))
	s.wants(s.deploy("v3"), release.Done)
	s.api.Forget()
	ask := s.promote(3)
	if !ask.Plan.Backup.Wanted() || !ask.Plan.Backup.Tables || ask.Plan.Backup.Seconds != 0 {
		t.Errorf("the next plan: %+v", ask.Plan.Backup)
	}
	s.wants(s.ended(s.approve(ask, robin)), release.Done)
	if n := exportsOf(s); n != 0 {
		t.Errorf("it was exported %d times, though that is known to be of no use", n)
	}
}

// exportsOf counts the calls of an export since the last Forget.
func exportsOf(s *shop) (n int) {
	for _, c := range s.api.Calls() {
		if strings.Contains(c.Path, "/export") {
			n++
		}
	}
	return n
}

func TestAnExportThatIsNotExactIsKeptWhereTheTablesCannotBeCopied(t *testing.T) {
	s, f := keeping(t, newWorld(t))
	first := wide("(1, 9007199254740993, 0), (2, 5, 1)")
	s.version("v1", first)
	s.ship("v1")
	s.version("v2", first.and(files{"0002_tidy.sql": narrowed}))
	s.wants(s.deploy("v2"), release.Done)
	ask := s.promote(2)
	s.api.Inject(sandbox.Fault{Body: "__towline_r", Times: sandbox.Always, Reply: sandbox.APIError(400, 7500, "too busy: SQLITE_ERROR")})
	run := s.ended(s.approve(ask, robin))
	s.wants(run, release.Done)
	taken := listed(t, f, release.Production)
	if len(taken) != 1 || taken[0].Tables || len(taken[0].Missing) != 1 || run.Backup == nil || len(run.Backup.Missing) != 1 {
		t.Errorf("%+v, run %+v", taken, run.Backup)
	}
}
