package deploy_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/backups"
	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
	"towline/store"
)

// preview is the preview database of that name, as people are shown it.
func (s *shop) preview(name string) deploy.Preview {
	s.t.Helper()
	p, err := s.engine.Preview(s.t.Context(), name)
	if err != nil {
		s.t.Fatalf("preview %s: %v", name, err)
	}
	return p
}

// asks is somebody's wish about a preview that they were just shown.
func (s *shop) asks(name string) deploy.DropRequest {
	s.t.Helper()
	return deploy.DropRequest{Request: s.request(dana), Database: name, Seen: s.preview(name).Digest()}
}

// deletes asks for a deletion and waits for its end.
func (s *shop) deletes(r deploy.DropRequest) release.Run {
	s.t.Helper()
	run, err := s.engine.DeletePreview(s.t.Context(), r)
	if err != nil {
		s.t.Fatalf("delete %s: %v", r.Database, err)
	}
	return s.ended(run)
}

// refusesDrop checks that neither emptying nor deleting is begun.
func (s *shop) refusesDrop(r deploy.DropRequest, code release.Code) {
	s.t.Helper()
	for act, do := range map[string]func(context.Context, deploy.DropRequest) (release.Run, error){"delete": s.engine.DeletePreview, "empty": s.engine.EmptyPreview} {
		_, err := do(s.t.Context(), r)
		if why, ok := deploy.IsRefusal(err); !ok || why.Code != code {
			s.t.Errorf("%s %s: %v, want %s", act, r.Database, err, code)
		}
	}
}

// live is a shop with rows on both databases.
func live(s *shop) {
	s.t.Helper()
	s.version("v1", notes.and(files{"seed.sql": "INSERT INTO notes (body) VALUES ('seed');\n"}))
	s.ship("v1")
	s.exec(release.Preview, "INSERT INTO notes (body) VALUES ('only on preview')")
}

func deletions(s *shop) (n int) {
	for _, c := range s.api.Calls() {
		if c.Method == "DELETE" {
			n++
		}
	}
	return n
}

func TestAPreviewIsDeletedAfterACopyOfItWasKeptAndProved(t *testing.T) {
	onBothKeeping(t, func(t *testing.T, s *shop, f *backups.Folder) {
		live(s)
		name := s.project.Preview
		p := s.preview(name)
		if !p.Made || p.Stale || p.LeftOver || p.Project != "shop" || p.Size <= 0 || p.Release != 1 || p.Deployed.IsZero() || p.Counted != (time.Time{}) {
			t.Errorf("%+v", p)
		}
		run := s.deletes(s.asks(name))
		s.wants(run, release.Done)
		if got := stepNames(run); !slices.Equal(got, []string{release.StepBackup, release.StepDelete}) {
			t.Errorf("steps %q", got)
		}
		if s.id(release.Preview) != "" {
			t.Error("it is still there")
		}
		kept := listed(t, f, release.Preview)
		if len(kept) != 1 || kept[0].CheckedAt.IsZero() || kept[0].Problem != "" || run.Backup.ID != kept[0].ID || !strings.Contains(textOf(t, f, kept[0].ID), "only on preview") {
			t.Errorf("%+v", kept)
		}
		s.holds(release.Production, "SELECT body FROM notes ORDER BY id", "keep", "give up")
		if st := s.state(release.Preview); st.Live != 0 || st.DatabaseID != "" || st.Lease != nil || len(st.Queue) != 0 {
			t.Errorf("state %+v", st)
		}
		if all, err := s.engine.Previews(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("%+v, %v", all, err)
		}
		s.refusesDrop(deploy.DropRequest{Request: s.request(dana), Database: name, Seen: p.Digest()}, release.CodeNoPreview)
		// The next deploy makes it anew, and it is Towline's again.
		s.wants(s.deploy("v1"), release.Done)
		if again := s.preview(name); !again.Made || again.ID == p.ID || again.Digest() == p.Digest() {
			t.Errorf("%+v", again)
		}
	})
}

func TestAProductionDatabaseIsNeverEmptiedOrDeletedWhateverTheConfigSaysNow(t *testing.T) {
	s, _ := keeping(t, newWorld(t))
	live(s)
	seen := s.preview("shop-preview").Digest()
	try := func(name, when string) {
		t.Helper()
		for _, twice := range []bool{false, true} {
			if _, err := s.engine.Preview(t.Context(), name); err == nil {
				t.Errorf("%s: %s is shown as a preview", when, name)
			}
			s.refusesDrop(deploy.DropRequest{Request: s.request(dana), Database: name, Seen: seen, Twice: twice}, release.CodeProduction)
		}
		all, err := s.engine.Previews(t.Context())
		if err != nil || slices.ContainsFunc(all, func(p deploy.Preview) bool { return p.Database == name }) {
			t.Errorf("%s: %+v, %v", when, all, err)
		}
	}
	try("shop", "as it is")
	s.configure(func(p *deploy.Project) { p.Preview, p.Production = "shop", "shop-next" })
	try("shop", "named as the preview")
	try("shop-next", "before it exists")
	s.configure(func(p *deploy.Project) {
		p.Name, p.Preview, p.Production = "other", "other-preview", "other-production"
	})
	try("shop", "its project is gone")
	try("shop-next", "named once, and never again")
	s.restart()
	try("shop", "after a restart")
	try("shop-next", "after a restart")
	if deletions(s) != 0 {
		t.Error("something was deleted")
	}
}

func TestADatabaseThatBecomesProductionWhileADeletionWaitsIsKept(t *testing.T) {
	s, _ := keeping(t, newWorld(t))
	live(s)
	held := make(chan struct{})
	s.api.Inject(sandbox.Fault{Path: "/export", Before: wait(held)})
	run, err := s.engine.DeletePreview(t.Context(), s.asks("shop-preview"))
	if err != nil {
		t.Fatal(err)
	}
	s.until(run, func(r release.Run) bool { return len(r.Steps) > 0 && r.Steps[0].State == release.StepIntent })
	s.configure(func(p *deploy.Project) { p.Preview, p.Production = "another", "shop-preview" })
	close(held)
	run = s.ended(run)
	s.wants(run, release.Broken)
	if run.Failure.Step != release.StepDelete || !strings.Contains(run.Failure.Words, string(release.CodeProduction)) || deletions(s) != 0 {
		t.Errorf("%+v, %d deletions", run.Failure, deletions(s))
	}
}

func TestADatabaseThatTowlineDidNotMakeIsNamedTwice(t *testing.T) {
	s, f := keeping(t, newWorld(t))
	if _, err := s.direct.Create(t.Context(), "shop-preview"); err != nil {
		t.Fatal(err)
	}
	live(s)
	if p := s.preview("shop-preview"); p.Made || !p.Foreign {
		t.Fatalf("%+v", p)
	}
	r := s.asks("shop-preview")
	s.refusesDrop(r, release.CodeNotMade)
	// One that Towline made, and somebody else replaced, is theirs as well.
	r.Twice = true
	s.wants(s.deletes(r), release.Done)
	s.wants(s.deploy("v1"), release.Done)
	if err := s.direct.Delete(t.Context(), s.id(release.Preview)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.direct.Create(t.Context(), "shop-preview"); err != nil {
		t.Fatal(err)
	}
	s.refusesDrop(s.asks("shop-preview"), release.CodeNotMade)
	if len(listed(t, f, release.Preview)) != 1 {
		t.Errorf("%+v", listed(t, f, release.Preview))
	}
}

func TestADatabaseThatIsNobodysPreviewIsNotTowlinesBusiness(t *testing.T) {
	s, _ := keeping(t, newWorld(t))
	live(s)
	if _, err := s.direct.Create(t.Context(), "accounting"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"accounting", "shop-previe", "", "nothing"} {
		s.refusesDrop(deploy.DropRequest{Request: s.request(dana), Database: name, Seen: s.preview("shop-preview").Digest(), Twice: true}, release.CodeNoPreview)
	}
}

func TestWhatWasShownIsWhatIsDeleted(t *testing.T) {
	s, _ := keeping(t, newWorld(t))
	live(s)
	r := s.asks("shop-preview")
	s.later(time.Minute)
	s.version("v2", tidied)
	s.wants(s.deploy("v2"), release.Done)
	s.refusesDrop(r, release.CodePreviewChanged)
	// A deploy that comes first in the queue changes it as well.
	held := make(chan struct{})
	s.api.Inject(sandbox.Fault{Path: "/query", Body: "0003_more", Before: wait(held)})
	s.version("v3", tidied.and(files{"0003_more.sql": "CREATE TABLE more (id INTEGER);\n"}))
	first := s.deployNow("v3")
	s.until(first, func(r release.Run) bool { return r.Phase == release.Executing })
	s.later(time.Minute)
	run, err := s.engine.DeletePreview(t.Context(), s.asks("shop-preview"))
	if err != nil {
		t.Fatal(err)
	}
	close(held)
	s.wants(s.ended(first), release.Done)
	s.wantsRefusal(s.ended(run), release.CodePreviewChanged)
	if deletions(s) != 0 {
		t.Error("it was deleted")
	}
}

func TestAPreviewForWhichNothingIsLiveSaysThatItCannotBeEmptied(t *testing.T) {
	s, _ := keeping(t, newWorld(t))
	live(s)
	deployed, err := s.engine.Preview(t.Context(), "shop-preview")
	if err != nil || deployed.NoRelease {
		t.Errorf("%+v, %v", deployed, err)
	}
	if _, err := s.direct.Create(t.Context(), "by-hand"); err != nil {
		t.Fatal(err)
	}
	s.configure(func(p *deploy.Project) { p.Name, p.Preview, p.Production = "other", "by-hand", "other" })
	p, err := s.engine.Preview(t.Context(), "by-hand")
	if err != nil || !p.NoRelease || !p.Foreign || p.LeftOver {
		t.Fatalf("%+v, %v", p, err)
	}
	_, err = s.engine.EmptyPreview(t.Context(), deploy.DropRequest{Request: deploy.Request{By: dana, Key: "empty"}, Database: "by-hand", Seen: p.Digest(), Twice: true})
	if !isCode(err, release.CodeNothingToReset) {
		t.Errorf("empty: %v", err)
	}
}

func TestAPreviewWhoseProjectIsGoneIsLeftOverAndCanBeDeleted(t *testing.T) {
	s, f := keeping(t, newWorld(t))
	live(s)
	s.configure(func(p *deploy.Project) {
		p.Name, p.Preview, p.Production = "other", "other-preview", "other-production"
	})
	stale, err := s.engine.StalePreviews(t.Context())
	if err != nil || len(stale) != 1 || !stale[0].LeftOver || !stale[0].NoRelease || stale[0].Project != "shop" || stale[0].Database != "shop-preview" || stale[0].LeftAt.IsZero() || !stale[0].Made {
		t.Fatalf("%+v, %v", stale, err)
	}
	if _, err := s.engine.EmptyPreview(t.Context(), s.asks("shop-preview")); !isCode(err, release.CodeNothingToReset) {
		t.Errorf("empty: %v", err)
	}
	run := s.deletes(s.asks("shop-preview"))
	s.wants(run, release.Done)
	if run.Project != "shop" || len(listed(t, f, release.Preview)) != 1 {
		t.Errorf("%+v", run)
	}
	if stale, err = s.engine.StalePreviews(t.Context()); err != nil || len(stale) != 0 {
		t.Errorf("%+v, %v", stale, err)
	}
	log, err := s.engine.Log(t.Context(), "shop", 20)
	if err != nil || !slices.ContainsFunc(log, func(e audit.Entry) bool { return e.Run == run.ID && e.What == "ended" }) {
		t.Errorf("%+v, %v", log, err)
	}
}

func isCode(err error, code release.Code) bool {
	r, ok := deploy.IsRefusal(err)
	return ok && r.Code == code
}

// counted is somebody who counts use: of every database the same.
type useOf struct {
	at, since time.Time
	known     bool
}

func (u useOf) LastUse(context.Context, string) (time.Time, time.Time, bool) {
	return u.at, u.since, u.known
}

func TestAPreviewIsStaleWhenNobodyTouchedItForAsLongAsTheConfigSays(t *testing.T) {
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		after, later time.Duration
		use          func(now time.Time) useOf
		stale        bool
	}{
		"deployed to, not long ago":                        {14 * day, 13 * day, nil, false},
		"deployed to long ago, and its use is not counted": {14 * day, 15 * day, nil, true},
		"deployed to long ago, and used since":             {14 * day, 30 * day, func(now time.Time) useOf { return useOf{now.Add(-day), now.Add(-30 * day), true} }, false},
		"deployed to long ago, and not used since":         {14 * day, 30 * day, func(now time.Time) useOf { return useOf{time.Time{}, now.Add(-30 * day), true} }, true},
		"used long ago":                {14 * day, 30 * day, func(now time.Time) useOf { return useOf{now.Add(-15 * day), now.Add(-30 * day), true} }, true},
		"the config wants none listed": {0, 300 * day, nil, false},
		"a shorter time":               {day, 25 * time.Hour, nil, true},
		"counted, but not that it was used, and new enough": {14 * day, day, func(now time.Time) useOf { return useOf{time.Time{}, now.Add(-day), true} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := keeping(t, newWorld(t))
			s.stale = func() time.Duration { return c.after }
			live(s)
			s.later(c.later)
			if c.use != nil {
				s.uses = c.use(s.now())
			}
			s.start()
			all, err := s.engine.StalePreviews(t.Context())
			if err != nil || len(all) == 1 != c.stale {
				t.Errorf("%+v, %v", all, err)
			}
		})
	}
}

func TestWithoutBackupsNothingIsEmptiedOrDeleted(t *testing.T) {
	s := newShop(t)
	live(s)
	if p := s.preview("shop-preview"); !p.NoBackup {
		t.Errorf("%+v", p)
	}
	s.refusesDrop(s.asks("shop-preview"), release.CodeNoBackups)
}

func TestWithoutACopyItIsNotDeleted(t *testing.T) {
	for name, fault := range map[string]sandbox.Fault{
		"the export fails":          {Path: "/export", Times: sandbox.Always, Reply: sandbox.APIError(500, 7500, "internal error; reference = e_1")},
		"the text cannot be loaded": {Path: "/r2/", Times: sandbox.Always, Reply: sandbox.HTML(503)},
	} {
		t.Run(name, func(t *testing.T) {
			s, f := keeping(t, newWorld(t))
			live(s)
			s.api.Inject(fault)
			run := s.deletes(s.asks("shop-preview"))
			s.wants(run, release.Broken)
			if run.Failure.Code != "no_backup" || run.Failure.Step != release.StepBackup || deletions(s) != 0 || len(listed(t, f, "")) != 0 {
				t.Errorf("%+v, %d deletions", run.Failure, deletions(s))
			}
			s.api.Heal()
			if st := s.state(release.Preview); st.Live != 1 || st.Lease != nil {
				t.Errorf("%+v", st)
			}
			s.wants(s.deletes(s.asks("shop-preview")), release.Done)
		})
	}
}

func TestALockOrAHoldKeepsAPreview(t *testing.T) {
	s, _ := keeping(t, newWorld(t))
	live(s)
	if _, err := s.engine.LockFor(t.Context(), s.request(robin), release.Preview, time.Hour, "trying things"); err != nil {
		t.Fatal(err)
	}
	s.refusesDrop(s.asks("shop-preview"), release.CodeLock)
	if _, err := s.engine.Unlock(t.Context(), s.request(robin), release.Preview); err != nil {
		t.Fatal(err)
	}
	if _, err := s.engine.DeletePreview(t.Context(), deploy.DropRequest{Request: s.request(sam), Database: "shop-preview"}); !isCode(err, release.CodeNotAllowed) && !isCode(err, release.CodeUnknownPerson) {
		t.Errorf("a stranger: %v", err)
	}
}

func TestTwoPeopleWhoPressAtOnceDeleteOnce(t *testing.T) {
	s, f := keeping(t, newWorld(t))
	live(s)
	held := make(chan struct{})
	s.api.Inject(sandbox.Fault{Path: "/export", Before: wait(held)})
	r := s.asks("shop-preview")
	run, err := s.engine.DeletePreview(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.engine.DeletePreview(t.Context(), r) // the same press, delivered twice
	if err != nil || again.ID != run.ID {
		t.Errorf("%v, %v", again.ID, err)
	}
	other := r
	other.Request = s.request(robin)
	if _, err := s.engine.DeletePreview(t.Context(), other); !isCode(err, release.CodeAlreadyDone) {
		t.Errorf("%v", err)
	}
	close(held)
	s.wants(s.ended(run), release.Done)
	if deletions(s) != 1 || len(listed(t, f, release.Preview)) != 1 {
		t.Errorf("%d deletions", deletions(s))
	}
}

func TestADeletionThatIsCancelledLeavesTheDatabase(t *testing.T) {
	s, _ := keeping(t, newWorld(t))
	live(s)
	held := make(chan struct{})
	s.api.Inject(sandbox.Fault{Path: "/export", Before: wait(held)})
	run, err := s.engine.DeletePreview(t.Context(), s.asks("shop-preview"))
	if err != nil {
		t.Fatal(err)
	}
	s.until(run, func(r release.Run) bool { return len(r.Steps) > 0 && r.Steps[0].State == release.StepIntent })
	if _, err := s.cancelRun(run, dana); err != nil {
		t.Fatal(err)
	}
	close(held)
	s.wants(s.ended(run), release.Cancelled)
	if st := s.state(release.Preview); deletions(s) != 0 || st.Live != 1 || st.Lease != nil {
		t.Errorf("%+v", st)
	}
}

func TestAPreviewIsEmptiedAfterACopyOfItWasKept(t *testing.T) {
	onBothKeeping(t, func(t *testing.T, s *shop, f *backups.Folder) {
		live(s)
		run, err := s.engine.EmptyPreview(t.Context(), s.asks(s.project.Preview))
		if err != nil {
			t.Fatal(err)
		}
		run = s.ended(run)
		s.wants(run, release.Done)
		if got := stepNames(run); !slices.Equal(got, []string{release.StepBackup, release.StepPoint, release.StepReset, release.StepVerify}) {
			t.Errorf("steps %q", got)
		}
		s.holds(release.Preview, "SELECT body FROM notes", "seed")
		kept := listed(t, f, release.Preview)
		if len(kept) != 1 || !strings.Contains(textOf(t, f, kept[0].ID), "only on preview") || run.Release != 1 || run.Backup == nil {
			t.Errorf("%+v", kept)
		}
		if p := s.preview(s.project.Preview); !p.Made || p.Release != 1 {
			t.Errorf("%+v", p)
		}
	})
}

func TestAStoreThatRemembersNoDatabasesLearnsThemFromItsRuns(t *testing.T) {
	s, _ := keeping(t, newWorld(t))
	live(s)
	s.stop()
	err := s.records.Update(t.Context(), func(tx store.Tx) error {
		for key := range tx.Scan("deploy/known/", "", 0, false) {
			tx.Delete(key)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.configure(func(p *deploy.Project) {
		p.Name, p.Preview, p.Production = "other", "other-preview", "other-production"
	})
	s.start()
	p := s.preview("shop-preview")
	if !p.Made || !p.LeftOver || p.Project != "shop" || p.Deployed.IsZero() {
		t.Errorf("%+v", p)
	}
	s.refusesDrop(deploy.DropRequest{Request: s.request(dana), Database: "shop", Seen: p.Digest(), Twice: true}, release.CodeProduction)
	s.wants(s.deletes(s.asks("shop-preview")), release.Done)
}
