package deploy_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"towline/backups"
	"towline/deploy"
	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
)

// notes is a table with two rows, and tidied what a later release does to it.
var (
	notes  = files{"0001_notes.sql": "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, old INTEGER NOT NULL DEFAULT 0);\nINSERT INTO notes (body, old) VALUES ('keep', 0), ('give up', 1);\n"}
	tidied = notes.and(files{"0002_tidy.sql": "DELETE FROM notes WHERE old = 1;\n"})
)

// keeping is a shop that keeps backups, and their folder.
func keeping(t *testing.T, w *world) (*shop, *backups.Folder) {
	t.Helper()
	f, err := backups.Open(backups.Options{Dir: filepath.Join(t.TempDir(), "copies"), Now: w.now})
	if err != nil {
		t.Fatal(err)
	}
	w.backups = f
	return w.open(t), f
}

func onBothKeeping(t *testing.T, test func(t *testing.T, s *shop, f *backups.Folder)) {
	t.Run("local Cloudflare", func(t *testing.T) { s, f := keeping(t, newWorld(t)); test(t, s, f) })
	t.Run("real engine", func(t *testing.T) { s, f := keeping(t, realWorld(t)); test(t, s, f) })
}

func stepNames(r release.Run) (names []string) {
	for _, s := range r.Steps {
		names = append(names, s.Name)
	}
	return names
}

func textOf(t *testing.T, f *backups.Folder, id string) string {
	t.Helper()
	r, err := f.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func listed(t *testing.T, f deploy.Backups, env release.Environment) []deploy.Backup {
	t.Helper()
	list, err := f.List(t.Context(), "shop", env, 0)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestADestructiveReleaseTakesABackupFirstAndRestoresItHere(t *testing.T) {
	onBothKeeping(t, func(t *testing.T, s *shop, f *backups.Folder) {
		s.version("v1", notes)
		first := s.ship("v1")
		if first.Backup != nil || slices.Contains(stepNames(first), release.StepBackup) || len(listed(t, f, "")) != 0 {
			t.Errorf("a release that destroys nothing took a backup: %+v", first.Backup)
		}
		s.version("v2", tidied)
		s.wants(s.deploy("v2"), release.Done)
		ask := s.promote(2)
		if !ask.Plan.Backup.Wanted() || ask.Plan.Backup.Seconds < 1 || ask.Plan.Backup.Tables || !strings.Contains(strings.Join(ask.Plan.Backup.Why, " "), "notes") {
			t.Errorf("plan %+v", ask.Plan.Backup)
		}
		run := s.ended(s.approve(ask, robin))
		s.wants(run, release.Done)
		names := stepNames(run)
		if slices.Index(names, release.StepBackup) < 0 || slices.Index(names, release.StepBackup) > slices.Index(names, release.StepPoint) {
			t.Errorf("steps %q", names)
		}
		taken := listed(t, f, release.Production)
		if len(taken) != 1 || run.Backup == nil || run.Backup.ID != taken[0].ID || !run.Backup.Restored || run.Backup.Rows < 3 {
			t.Fatalf("%+v, run %+v", taken, run.Backup)
		}
		b := taken[0]
		if b.Release != 2 || b.Run != run.ID || b.Bookmark == "" || b.CheckedAt.IsZero() || b.Rows["notes"] != 2 || b.Tables || b.DatabaseID != run.Plan.Target.ID {
			t.Errorf("%+v", b)
		}
		if text := textOf(t, f, b.ID); !strings.Contains(text, "'give up'") {
			t.Errorf("the backup lacks what was deleted: %s", text)
		}
		s.holds(release.Production, "SELECT body FROM notes", "keep")
		if len(listed(t, f, release.Preview)) != 1 {
			t.Errorf("preview: %+v", listed(t, f, release.Preview))
		}
	})
}

func TestADatabaseWithFullTextSearchIsBackedUpTableByTable(t *testing.T) {
	onBothKeeping(t, func(t *testing.T, s *shop, f *backups.Folder) {
		search := notes.and(files{"0001_search.sql": "CREATE VIRTUAL TABLE search USING fts5(body);\nINSERT INTO search VALUES ('the tow line');\n"})
		s.version("v1", search)
		s.ship("v1")
		s.version("v2", search.and(files{"0002_tidy.sql": tidied["0002_tidy.sql"]}))
		s.wants(s.deploy("v2"), release.Done)
		ask := s.promote(2)
		if b := ask.Plan.Backup; !b.Wanted() || !b.Tables || b.Seconds != 0 {
			t.Errorf("plan %+v", b)
		}
		s.api.Forget()
		run := s.ended(s.approve(ask, robin))
		s.wants(run, release.Done)
		taken := listed(t, f, release.Production)
		if len(taken) != 1 || !taken[0].Tables || taken[0].CheckedAt.IsZero() || taken[0].Rows["notes"] != 2 {
			t.Fatalf("%+v", taken)
		}
		restored, err := f.Restore(t.Context(), taken[0].ID, filepath.Join(t.TempDir(), "out.db"))
		if err != nil || restored.Rows()["search"] != 1 {
			t.Errorf("%v, %v", restored.Rows(), err)
		}
		for _, c := range s.api.Calls() {
			if strings.Contains(c.Path, "/export") {
				t.Error("an export was asked for, which blocks such a database")
			}
		}
	})
}

func TestAProjectMayTurnBackupsOffWithAReason(t *testing.T) {
	s, f := keeping(t, newWorld(t))
	s.configure(func(p *deploy.Project) { p.NoBackup = "rebuilt from the warehouse" })
	s.version("v1", notes)
	s.ship("v1")
	s.version("v2", tidied)
	run := s.ship("v2")
	if run.Backup != nil || run.Plan.Backup.Off != "rebuilt from the warehouse" || slices.Contains(stepNames(run), release.StepBackup) || len(listed(t, f, "")) != 0 {
		t.Errorf("%+v", run.Plan.Backup)
	}
}

// unsound are backups that cannot be restored.
type unsound struct{ deploy.Backups }

func (unsound) Check(context.Context, string) (deploy.Backup, error) {
	return deploy.Backup{}, errors.New("table notes is not in it")
}

func TestWithoutABackupNothingIsChanged(t *testing.T) {
	for name, spoil := range map[string]func(s *shop){
		"the export is refused": func(s *shop) {
			s.api.Inject(sandbox.Fault{Path: "/export", Times: sandbox.Always, Reply: sandbox.APIError(400, 7500, "no export today: SQLITE_ERROR")})
		},
		"the export is not answered": func(s *shop) {
			s.api.Inject(sandbox.Fault{Path: "/export", Times: sandbox.Always, Reply: sandbox.HTML(502)})
		},
		"the download breaks off": func(s *shop) {
			s.api.Inject(sandbox.Fault{Path: "/r2/", Times: sandbox.Always, Execute: true, Reply: sandbox.Truncated(40)})
		},
		"it cannot be restored":        func(s *shop) { s.backups = unsound{s.backups}; s.start() },
		"the folder cannot be written": func(s *shop) { s.backups = unwritable{s.backups}; s.start() },
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := keeping(t, newWorld(t))
			s.version("v1", notes)
			s.ship("v1")
			s.version("v2", tidied)
			s.wants(s.deploy("v2"), release.Done)
			ask := s.promote(2)
			spoil(s)
			looked := &lookedFor{Backups: s.backups}
			s.backups = looked
			s.start()
			run := s.ended(s.approve(ask, robin))
			s.wants(run, release.Broken)
			if run.Failure == nil || run.Failure.Code != "no_backup" || run.Failure.Words == "" || len(run.Failure.Applied) != 0 || run.Point != nil {
				t.Errorf("%+v", run.Failure)
			}
			if n := looked.times.Load(); n != 1 {
				t.Errorf("it was looked for %d times, though a backup changes nothing", n)
			}
			s.holds(release.Production, "SELECT body FROM notes ORDER BY id", "keep", "give up")
			s.holds(release.Production, ledger, "0001_notes.sql")
		})
	}
}

// lookedFor counts how often a run looks whether its backup is there.
type lookedFor struct {
	deploy.Backups
	times atomic.Int64
}

func (l *lookedFor) List(ctx context.Context, project string, env release.Environment, limit int) ([]deploy.Backup, error) {
	if limit == 0 {
		l.times.Add(1)
	}
	return l.Backups.List(ctx, project, env, limit)
}

// unwritable is a folder on a full disk.
type unwritable struct{ deploy.Backups }

func (unwritable) Keep(context.Context, deploy.Backup, func(io.Writer, *deploy.Backup) error) (deploy.Backup, error) {
	return deploy.Backup{}, errors.New("no space left on device")
}

func TestWhatSomebodyChangesDuringABackupStopsTheRelease(t *testing.T) {
	s, f := keeping(t, newWorld(t))
	s.version("v1", notes)
	s.ship("v1")
	s.version("v2", tidied)
	s.wants(s.deploy("v2"), release.Done)
	ask := s.promote(2)
	s.api.Inject(sandbox.Fault{Path: "/r2/", Before: onceOnly(func() { s.exec(release.Production, "CREATE TABLE of_somebody (x)") })})
	run := s.ended(s.approve(ask, robin))
	s.wants(run, release.Broken)
	if run.Failure.Code != "changed_meanwhile" || len(listed(t, f, release.Production)) != 1 {
		t.Errorf("%+v", run.Failure)
	}
	s.holds(release.Production, "SELECT count(*) FROM notes", "2")
	s.holds(release.Production, ledger, "0001_notes.sql")
}

func TestABackupThatWasCutOffIsTakenAgain(t *testing.T) {
	s, f := keeping(t, newWorld(t))
	s.version("v1", notes)
	s.ship("v1")
	s.version("v2", tidied)
	s.wants(s.deploy("v2"), release.Done)
	reached := make(chan struct{})
	s.stopTimeout = 10 * time.Millisecond
	s.start()
	s.api.Inject(sandbox.Fault{Path: "/export", Before: func(ctx context.Context) { close(reached); <-ctx.Done() }, Reply: sandbox.Drop()})
	run := s.approve(s.promote(2), robin)
	<-reached
	s.stop()
	if len(listed(t, f, release.Production)) != 0 {
		t.Error("half a backup is listed")
	}
	s.restart()
	ended := s.ended(run)
	s.wants(ended, release.Done)
	if taken := listed(t, f, release.Production); len(taken) != 1 || taken[0].ID != ended.Backup.ID {
		t.Errorf("%+v, %+v", taken, ended.Backup)
	}
	s.holds(release.Production, "SELECT body FROM notes", "keep")
}

// earlier are backups of which only the list matters.
type earlier struct {
	deploy.Backups
	list []deploy.Backup
}

func (e earlier) List(_ context.Context, project string, _ release.Environment, _ int) ([]deploy.Backup, error) {
	var out []deploy.Backup
	for _, b := range e.list {
		if project == "" || b.Project == project {
			out = append(out, b)
		}
	}
	return out, nil
}

func TestTheSecondsOfABackupComeFromEarlierOnes(t *testing.T) {
	took := func(project string, size int64, d time.Duration) deploy.Backup {
		return deploy.Backup{Project: project, Size: size, Took: d}
	}
	for _, c := range []struct {
		name string
		list []deploy.Backup
		size int64
		want time.Duration
	}{
		{"nothing is known of the size", nil, 0, 0},
		{"no backup was taken yet", nil, 8e6, 3 * time.Second},
		{"its own rate", []deploy.Backup{took("shop", 10e6, 10*time.Second), took("blog", 10e6, time.Second)}, 20e6, 20 * time.Second},
		{"that of others", []deploy.Backup{took("shop", 1e3, 2*time.Second), took("blog", 10e6, 2*time.Second)}, 20e6, 4 * time.Second},
		{"a small one takes what small ones take", []deploy.Backup{took("shop", 1e3, 3*time.Second)}, 1e3, 4 * time.Second},
		{"the middle one of several", []deploy.Backup{took("shop", 1e6, time.Second), took("shop", 2e6, time.Second), took("shop", 90e6, time.Second)}, 20e6, 10 * time.Second},
		{"those that say nothing do not count", []deploy.Backup{{Project: "shop", Size: 9e6, Took: time.Hour, Tables: true}, {Project: "shop", Size: 9e6, Took: time.Hour, Problem: "damaged"}}, 8e6, 3 * time.Second},
	} {
		e := deploy.New(deploy.Options{Backups: earlier{list: c.list}})
		if got := e.Expected(t.Context(), "shop", release.Production, c.size); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestABackfillThatDeletesTakesABackupEvenWhereItIsAllThatIsPending(t *testing.T) {
	onBothKeeping(t, func(t *testing.T, s *shop, f *backups.Folder) {
		s.version("v1", notes)
		s.ship("v1")
		s.version("v2", notes.and(files{"0002_purge.sql": "-- towline:backfill name=purge table=notes key=id batch=25\n" +
			"--   count: SELECT count(*) FROM notes WHERE id > 1\n--   done:  SELECT NOT EXISTS (SELECT 1 FROM notes WHERE id > 1)\n" +
			"DELETE FROM notes WHERE id > 1 /* :window */;\n-- towline:end\n"}))
		s.wants(s.deploy("v2"), release.Done)
		run := s.ended(s.approve(s.promote(2), robin))
		s.wants(run, release.Done)
		taken := listed(t, f, release.Production)
		if run.Backup == nil || len(taken) != 1 || taken[0].ID != run.Backup.ID || taken[0].Rows["notes"] != 2 {
			t.Errorf("%+v, run %+v", taken, run.Backup)
		}
	})
}
