package deploy_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/release"
)

// shelf holds backups of which nothing but their being checked is of interest.
type shelf struct {
	mu      sync.Mutex
	all     []deploy.Backup // newest first
	checked []string
	pruned  chan struct{} // gets one for each look for old backups; nil: nobody wants to know
	problem error
	hold    chan struct{} // a check waits for it; nil: none does
}

func (b *shelf) Keep(context.Context, deploy.Backup, func(io.Writer, *deploy.Backup) error) (deploy.Backup, error) {
	return deploy.Backup{}, errors.New("nothing is kept here")
}

func (b *shelf) Open(context.Context, string) (io.ReadCloser, error) { return nil, deploy.ErrNoBackup }

func (b *shelf) Find(context.Context, string) (deploy.Backup, error) {
	return deploy.Backup{}, deploy.ErrNoBackup
}

func (b *shelf) List(_ context.Context, _ string, env release.Environment, limit int) ([]deploy.Backup, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if env != release.Production {
		return nil, nil
	}
	return b.all[:min(limit, len(b.all))], nil
}

func (b *shelf) Drop(context.Context, string) error { return nil }

func (b *shelf) Prune(context.Context) ([]string, error) {
	if b.pruned != nil {
		b.pruned <- struct{}{}
	}
	return nil, nil
}

func (b *shelf) Check(ctx context.Context, id string) (deploy.Backup, error) {
	if b.hold != nil {
		select {
		case <-b.hold:
		case <-ctx.Done():
			return deploy.Backup{}, ctx.Err()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.checked = append(b.checked, id)
	for _, k := range b.all {
		if k.ID == id {
			return k, b.problem
		}
	}
	return deploy.Backup{}, deploy.ErrNoBackup
}

// drilled is a shop with a shelf of backups.
func drilled(t *testing.T, all ...deploy.Backup) (*shop, *shelf) {
	t.Helper()
	w := newWorld(t)
	b := &shelf{all: all}
	w.backups = b
	return w.open(t), b
}

// working waits until the engine is at work, which a run shows.
func (s *shop) working() {
	s.t.Helper()
	s.version("v0", files{})
	s.deploy("v0")
}

func TestADrillRestoresTheLastBackupAndSaysHowItWent(t *testing.T) {
	at := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
	s, b := drilled(t, deploy.Backup{ID: "b2", TakenAt: at, Rows: map[string]int64{"orders": 3, "count": 1}}, deploy.Backup{ID: "b1"})
	s.working()
	r := s.request(dana)
	r.ReplyTo = "-1/0/5"
	if _, begun, err := s.engine.Drill(t.Context(), r); err != nil || !begun {
		t.Fatalf("begun %v, %v", begun, err)
	}
	s.eventually(func() bool { return s.state(release.Production).Drill != nil })
	d := s.state(release.Production).Drill
	if !d.Passed || d.Backup != "b2" || d.Rows != 4 || !d.Taken.Equal(at) || d.By != dana.Person || s.state(release.Production).Wanted != nil {
		t.Errorf("drill %+v", d)
	}
	if again, begun, err := s.engine.Drill(t.Context(), r); err != nil || begun || !again.Passed || len(b.checked) != 1 {
		t.Errorf("the same update, handled twice: %+v, begun %v, %v, %q", again, begun, err, b.checked)
	}
	if s.toldOf(deploy.DrillEnded) != 1 || !slices.Contains(s.audited(), "drill passed, backup of 2026-11-20T03:00:00Z") {
		t.Errorf("told %d times, log %q", s.toldOf(deploy.DrillEnded), s.audited())
	}
	b.problem = errors.New("orders has 2 rows, and had 3")
	if _, _, err := s.engine.Drill(t.Context(), s.request(dana)); err != nil {
		t.Fatal(err)
	}
	s.eventually(func() bool { return !s.state(release.Production).Drill.Passed })
	if d := s.state(release.Production).Drill; d.Words != "orders has 2 rows, and had 3" {
		t.Errorf("drill %+v", d)
	}
}

func TestADrillNeedsABackupAndOneAtATime(t *testing.T) {
	s, b := drilled(t)
	s.working()
	refused(t, third(s.engine.Drill(t.Context(), s.request(dana))), release.CodeNoBackup)
	refused(t, third(s.engine.Drill(t.Context(), s.request(sam))), release.CodeUnknownPerson)
	b.mu.Lock()
	b.all, b.hold = []deploy.Backup{{ID: "b1"}}, make(chan struct{})
	b.mu.Unlock()
	if _, begun, err := s.engine.Drill(t.Context(), s.request(dana)); err != nil || !begun {
		t.Fatalf("begun %v, %v", begun, err)
	}
	r := refused(t, third(s.engine.Drill(t.Context(), s.request(robin))), release.CodeDrilling)
	if r.Facts["by"] != "Dana" {
		t.Errorf("facts %v", r.Facts)
	}
	s.restart() // in the middle of it
	if d := s.state(release.Production).Drill; d != nil {
		t.Errorf("a drill that was stopped says %+v", d)
	}
	close(b.hold)
	s.eventually(func() bool { return s.state(release.Production).Drill != nil })
	if !s.state(release.Production).Drill.Passed {
		t.Errorf("drill %+v", s.state(release.Production).Drill)
	}
	none := newShop(t)
	refused(t, third(none.engine.Drill(t.Context(), none.request(dana))), release.CodeNoBackups)
}

func TestTheLightIsRedWhereProductionsDatabaseIsGoneOrAnotherOne(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("v1", notes)
		s.ship("v1")
		s.version("v2", tidied)
		s.ship("v2")
		production := func() deploy.EnvironmentStatus {
			t.Helper()
			status, err := s.engine.Status(t.Context(), "shop")
			if err != nil {
				t.Fatal(err)
			}
			return status.Environments[1]
		}
		if p := production(); p.Lost || slices.Contains(p.Light.Why, deploy.LightLost) {
			t.Errorf("while all is well: %+v", p.Light)
		}
		if err := s.direct.Delete(t.Context(), s.id(release.Production)); err != nil {
			t.Fatal(err)
		}
		if p := production(); !p.Lost || p.Exists || p.Light.Color != deploy.Red || p.Light.Why[0] != deploy.LightLost || !p.Light.Oldest.IsZero() {
			t.Errorf("without the database: %+v", p.Light)
		}
		if _, err := s.direct.Create(t.Context(), production().Database); err != nil {
			t.Fatal(err)
		}
		if p := production(); !p.Lost || !p.Exists || p.Light.Color != deploy.Red {
			t.Errorf("with another database of its name: %+v", p.Light)
		}
	})
}

// vanishing is a folder of backups whose disk can be taken away, or become unreadable.
type vanishing struct {
	deploy.Backups
	mu     sync.Mutex
	gone   bool
	broken error
}

func (b *vanishing) now(gone bool, broken error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone, b.broken = gone, broken
}

func (b *vanishing) List(ctx context.Context, project string, env release.Environment, limit int) ([]deploy.Backup, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone || b.broken != nil {
		return nil, b.broken
	}
	return b.Backups.List(ctx, project, env, limit)
}

func TestABackupThatWasTakenAndIsNotThereAnyMoreFailsTheDrillAndTurnsTheLightRed(t *testing.T) {
	s, f := keeping(t, newWorld(t))
	lost := &vanishing{Backups: f}
	s.backups = lost
	s.restart()
	s.version("v1", notes)
	s.ship("v1")
	s.version("v2", tidied)
	s.ship("v2")
	kept := listed(t, f, release.Production)[0]
	drilled := func() release.Drill {
		t.Helper()
		told := s.toldOf(deploy.DrillEnded)
		if _, begun, err := s.engine.Drill(t.Context(), s.request(dana)); err != nil || !begun {
			t.Fatalf("begun %v, %v", begun, err)
		}
		s.eventually(func() bool { return s.toldOf(deploy.DrillEnded) == told+1 })
		return *s.state(release.Production).Drill
	}
	for words, broken := range map[string]error{"not in the folder": nil, "not a directory": errors.New("not a directory")} {
		lost.now(true, broken)
		d := drilled()
		if d.Passed || !strings.Contains(d.Words, words) || d.Untried != (broken != nil) || d.Backup != kept.ID || !d.Taken.Equal(kept.TakenAt) {
			t.Errorf("drill %+v of %s", d, kept.ID)
		}
		status, err := s.engine.Status(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		if light := status.Environments[1].Light; light.Color != deploy.Red {
			t.Errorf("light %+v", light)
		}
	}
	lost.now(false, nil)
	if d := drilled(); !d.Passed || d.Untried {
		t.Errorf("drill %+v", d)
	}
}

func third(_ release.Drill, _ bool, err error) error { return err }

// daily is a calendar that has something due every day. It says when it is asked.
type daily struct{ asked chan struct{} }

func (d daily) Next(t time.Time) time.Time {
	d.asked <- struct{}{}
	return t.Truncate(24 * time.Hour).Add(24 * time.Hour)
}

func TestTheCalendarsDrillIsToldOnlyWhenItFails(t *testing.T) {
	w := newWorld(t)
	b := &shelf{all: []deploy.Backup{{ID: "b1"}}}
	calendar := daily{make(chan struct{}, 100)}
	w.backups, w.drills = b, calendar
	s := w.open(t)
	<-calendar.asked
	s.later(25 * time.Hour)
	s.poke()
	s.eventually(func() bool { return s.state(release.Production).Drill != nil })
	if d := s.state(release.Production).Drill; !d.Passed || d.By.ID != 0 || s.toldOf(deploy.DrillEnded) != 0 {
		t.Errorf("drill %+v, told %d times", d, s.toldOf(deploy.DrillEnded))
	}
	<-calendar.asked
	b.mu.Lock()
	b.problem = errors.New("unreadable")
	b.mu.Unlock()
	s.later(24 * time.Hour)
	s.poke()
	s.eventually(func() bool { return s.toldOf(deploy.DrillEnded) == 1 })
	if d := s.state(release.Production).Drill; d.Passed || !strings.Contains(d.Words, "unreadable") {
		t.Errorf("drill %+v", d)
	}
}

func TestOldBackupsAreLookedForAtTheStartAndEveryDay(t *testing.T) {
	b := &shelf{pruned: make(chan struct{}, 10)}
	w := newWorld(t)
	w.backups = b
	s := w.open(t)
	<-b.pruned
	s.later(time.Hour)
	s.poke()
	s.later(23*time.Hour + time.Minute)
	s.poke()
	<-b.pruned
	if len(b.pruned) > 0 {
		t.Error("looked for more often")
	}
}

func TestTheLightSaysWhetherAndHowFarProductionCanGoBack(t *testing.T) {
	light := func(s *shop) *deploy.Light {
		t.Helper()
		status, err := s.engine.Status(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		return status.Environments[1].Light
	}
	s, b := drilled(t, deploy.Backup{ID: "b1"})
	if light(s) != nil {
		t.Error("a light where nothing is live")
	}
	s.version("v1", counting)
	first := s.ship("v1")
	if l := light(s); l.Color != deploy.Yellow || !slices.Contains(l.Why, deploy.LightFirst) || l.To != 0 || !l.Oldest.Equal(first.Point.At) || l.Before != 0 {
		t.Errorf("after the first release: %+v", l)
	}
	s.version("v2", more)
	second := s.ship("v2")
	l := light(s)
	if l.Color != deploy.Yellow || !slices.Equal(l.Why, []deploy.LightReason{deploy.LightUntested}) || l.To != 1 || !l.Until.Equal(second.Point.At.Add(release.Retention)) || l.Restores != 10 {
		t.Errorf("untested: %+v", l)
	}
	if _, _, err := s.engine.Drill(t.Context(), s.request(dana)); err != nil {
		t.Fatal(err)
	}
	s.eventually(func() bool { return s.state(release.Production).Drill != nil })
	if l := light(s); l.Color != deploy.Green || len(l.Why) != 0 || !l.Tested.Equal(s.state(release.Production).Drill.At) {
		t.Errorf("after a drill: %+v", l)
	}
	if !light(s).Adds {
		t.Errorf("the second release only added: %+v", light(s))
	}
	s.later(31 * 24 * time.Hour)
	if l := light(s); l.Color != deploy.Yellow || !slices.Equal(l.Why, []deploy.LightReason{deploy.LightUntested}) {
		t.Errorf("without a restore point, where the database may stay as it is: %+v", l)
	}
	renamed := more.and(files{"0003_renamed.sql": "-- towline:allow D1-BC01 reason=\"nobody reads it\"\nALTER TABLE count RENAME COLUMN n TO m;\n"})
	s.version("v2b", renamed)
	s.ship("v2b")
	if _, _, err := s.engine.Drill(t.Context(), s.request(dana)); err != nil {
		t.Fatal(err)
	}
	s.eventually(func() bool { return light(s).Color == deploy.Green })
	s.later(28 * 24 * time.Hour)
	if l := light(s); l.Color != deploy.Yellow || !slices.Equal(l.Why, []deploy.LightReason{deploy.LightExpires}) {
		t.Errorf("shortly before the restore point is gone: %+v", l)
	}
	s.later(3 * 24 * time.Hour)
	if l := light(s); l.Color != deploy.Red || !slices.Contains(l.Why, deploy.LightNoWay) || !l.Oldest.IsZero() {
		t.Errorf("afterwards: %+v", l)
	}
	s.version("v3", renamed.and(files{"0009_x.sql": "CREATE TABLE x (id INTEGER);\n"}))
	s.ship("v3")
	b.problem = errors.New("unreadable")
	if _, _, err := s.engine.Drill(t.Context(), s.request(dana)); err != nil {
		t.Fatal(err)
	}
	s.eventually(func() bool { return !s.state(release.Production).Drill.Passed })
	if l := light(s); l.Color != deploy.Red || !slices.Contains(l.Why, deploy.LightDrillFailed) || l.To != 3 || l.Before != 3 {
		t.Errorf("after a drill that failed: %+v", l)
	}
}
