package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/handlers"
	"towline/usage"
	"towline/usage/alert"
	"towline/usage/tariff"
)

// meter is a usage.Reader whose subjects store as much as a test says, now: nothing is known of before.
type meter struct {
	mu      sync.Mutex
	stored  map[usage.Subject]float64
	names   map[string]usage.Subject
	changed chan struct{}
	now     func() time.Time
	passed  time.Time // the last look; zero: there was none
	err     error
}

func (m *meter) Days(_ context.Context, s usage.Subject, _, to time.Time) ([]usage.Sample, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.stored[s]
	if !ok || m.err != nil {
		return nil, m.err
	}
	day := usage.Sample{At: usage.Day(to)}
	day.Cover(usage.Storage, v, 1)
	return []usage.Sample{day}, nil
}

func (m *meter) Hours(context.Context, usage.Subject, time.Time, time.Time) ([]usage.Sample, error) {
	return nil, nil
}

func (m *meter) State(context.Context) (usage.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return usage.State{Listed: m.now(), LastPass: m.passed}, nil
}

func (m *meter) Subject(name string) (usage.Subject, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.names[name]
	return s, ok
}

func (m *meter) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

// counts says how much the account stores, or a database, and tells those who wait.
func (m *meter) counts(name string, bytes float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := usage.Whole()
	if name != "" {
		s = usage.Subject{Kind: usage.Database, ID: "id of " + name}
		m.names[name] = s
	}
	m.stored[s], m.passed = bytes, m.now()
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *meter) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

// shelf keeps alerts. It can fail from the next change on, as a store does that is killed.
type shelf struct {
	mu   sync.Mutex
	all  map[string]alert.Alert
	most int
	err  error
}

func (s *shelf) Alerts(context.Context) ([]alert.Alert, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []alert.Alert
	for _, id := range slices.Sorted(maps.Keys(s.all)) {
		out = append(out, s.all[id])
	}
	return out, nil
}

func (s *shelf) PutAlerts(_ context.Context, put []alert.Alert, drop []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.most = max(s.most, len(put)+len(drop))
	for _, a := range put {
		s.all[a.ID] = a
	}
	for _, id := range drop {
		delete(s.all, id)
	}
	return nil
}

func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// owners is an engine whose projects have databases of their own.
type owners struct{ *engine }

func (owners) Project(name string) (deploy.Project, bool) {
	return deploy.Project{Name: name, Production: name + "-live", Preview: name + "-preview"}, true
}

// guard is a bot whose alerts are looked at, on fake time, which begins on Saturday 1 January 2000, 00:00 UTC.
type guard struct {
	*desk
	meter *meter
	shelf *shelf
	rules alert.Rules
}

func newGuard(t *testing.T) *guard {
	t.Helper()
	table, err := tariff.Of(tariff.Free, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := &guard{
		meter: &meter{stored: map[usage.Subject]float64{}, names: map[string]usage.Subject{}, changed: make(chan struct{}), now: time.Now},
		shelf: &shelf{all: map[string]alert.Alert{}},
		rules: alert.Rules{Table: table, Percents: []int{50, 80, 95}, Zone: zone(t, "Europe/Berlin"), BillingDay: 1},
	}
	g.starts(nil)
	return g
}

// starts is the bot after it was started again: what it had in memory is gone, what it stored and posted is not.
func (g *guard) starts(was *desk) {
	g.desk = arranged(func(d *desk, o *handlers.Options) {
		if was != nil {
			d.box, o.Outbox = was.box, was.box
		}
		o.Engine, o.Now, o.Usage, o.AlertStore = owners{d.engine}, time.Now, g.meter, g.shelf
		o.Team = func(context.Context) handlers.Team {
			team := people()
			team.Alerts, team.Zone = g.rules, g.rules.Zone
			return team
		}
	})
}

// works runs the alerts for a time.
func (g *guard) works(t *testing.T, span time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	if err := g.Alerts(ctx); err != nil {
		t.Error(err)
	}
}

// shown are the alerts' messages, by key.
func (g *guard) shown() map[string]bot.Frame {
	g.box.mu.Lock()
	defer g.box.mu.Unlock()
	out := map[string]bot.Frame{}
	for key, f := range g.box.frames {
		if strings.HasPrefix(key, "alert/") {
			out[key] = f
		}
	}
	return out
}

// only is the one message in a chat.
func (g *guard) only(t *testing.T, chat int64) (key string, f bot.Frame) {
	t.Helper()
	n := 0
	for k, frame := range g.shown() {
		if frame.Place.Chat == chat {
			key, f, n = k, frame, n+1
		}
	}
	if n != 1 {
		t.Fatalf("%d alerts in chat %d: %v", n, chat, g.shown())
	}
	return key, f
}

func TestAnAlertOfTheAccountIsOneMessageInEveryChat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t)
		g.meter.counts("", 2e9)
		g.works(t, time.Hour)
		if got := g.shown(); len(got) > 0 {
			t.Fatalf("at 40 %%: %v", got)
		}
		g.meter.counts("", 3e9)
		g.works(t, time.Hour)
		if got := g.shown(); len(got) != 3 { // team, forum and shared: a forum's two topics are one chat
			t.Fatalf("%d messages: %v", len(got), got)
		}
		_, f := g.only(t, team)
		if f.Kind != bot.KindAlert || f.Notify || f.Final || f.Repost != 0 || !strings.Contains(f.HTML, "3 GB of 5 GB (60 %)") || len(f.Buttons) != 1 {
			t.Errorf("%+v", f)
		}
	})
}

func TestAnAlertOfADatabaseIsForItsProjectsChat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t)
		g.meter.counts("api-live", 490e6)
		g.meter.counts("forum-blog-preview", 300e6)
		g.meter.counts("somebody-elses", 490e6)
		g.works(t, time.Hour)
		if got := g.shown(); len(got) != 2 {
			t.Fatalf("%v", got)
		}
		if _, f := g.only(t, shared); !strings.Contains(f.HTML, "Size of api-live") || !f.Notify {
			t.Errorf("%+v", f)
		}
		if _, f := g.only(t, forum); f.Place.Topic != 8 || f.Notify {
			t.Errorf("%+v", f)
		}
	})
}

func TestAnAlertIsEditedPostedAnewWhenItIsUrgentAndTurnsGreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t)
		steps := func(bytes float64, span time.Duration) bot.Frame {
			g.meter.counts("shop-live", bytes)
			g.works(t, span)
			_, f := g.only(t, team)
			return f
		}
		if f := steps(260e6, time.Hour); f.Notify || f.Repost != 0 {
			t.Errorf("%+v", f)
		}
		if f := steps(410e6, time.Hour); !strings.Contains(f.HTML, "82 %") || f.Notify || f.Repost != 0 {
			t.Errorf("%+v", f)
		}
		f := steps(500e6, time.Hour)
		if !strings.Contains(f.HTML, "the limit is reached") || !f.Notify || f.Repost != 1 || !strings.Contains(f.Left, "newer message") {
			t.Errorf("%+v", f)
		}
		if f = steps(100e6, 2*time.Hour); !f.Final || len(f.Buttons) != 0 || !strings.Contains(f.HTML, "✅") || f.Repost != 1 {
			t.Errorf("%+v", f)
		}
		before := len(g.box.order)
		g.works(t, 24*time.Hour)
		if after := len(g.box.order); after != before {
			t.Errorf("what was told is told again: %q", g.box.order[before:])
		}
		g.works(t, 9*24*time.Hour)
		if all, _ := g.shelf.Alerts(t.Context()); len(all) != 0 {
			t.Errorf("kept for ever: %+v", all)
		}
	})
}

func TestAnAlertIsShownAfterACrashAtAnyPoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("killed")
		for _, c := range []struct {
			name string
			kill func(g *guard)
			mend func(g *guard)
		}{
			{"before it was stored", func(g *guard) { g.shelf.fail(broken) }, func(g *guard) { g.shelf.fail(nil) }},
			{"after it was stored", func(g *guard) { g.box.err = broken }, func(g *guard) { g.box.err = nil }},
			{"while it was read", func(g *guard) { g.meter.fail(broken) }, func(g *guard) { g.meter.fail(nil) }},
		} {
			g := newGuard(t)
			g.meter.counts("shop-live", 300e6)
			c.kill(g)
			g.works(t, 5*time.Minute)
			if got := g.shown(); len(got) > 0 {
				t.Fatalf("%s: %v", c.name, got)
			}
			c.mend(g)
			g.starts(g.desk)
			g.works(t, time.Minute)
			key, f := g.only(t, team)

			// The last word is not lost either, and there is one message all the while.
			g.meter.counts("shop-live", 1e6)
			g.works(t, 30*time.Minute)
			g.box.err = broken
			g.works(t, 2*time.Hour)
			g.box.err = nil
			g.starts(g.desk)
			g.works(t, time.Minute)
			again, f2 := g.only(t, team)
			if key != again || !f2.Final || f.Repost != f2.Repost {
				t.Errorf("%s: %s %+v", c.name, again, f2)
			}
		}
	})
}

func TestWhatCouldNotBeReadIsTriedAgainWithinAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t)
		g.meter.counts("shop-live", 300e6)
		g.meter.fail(errors.New("the store is busy"))
		ended := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { ended <- g.Alerts(ctx) }()
		<-time.After(5 * time.Minute)
		g.meter.fail(nil)
		<-time.After(61 * time.Second)
		g.only(t, team)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestQuietHoursEndWithoutAnythingBeingCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t) // 01:00 in Berlin
		g.rules.Quiet = alert.Quiet{From: 22 * time.Hour, To: 7 * time.Hour}
		g.meter.counts("shop-live", 490e6)
		g.meter.counts("web-live", 500e6)
		g.works(t, 6*time.Hour-time.Second)
		if _, f := g.only(t, shared); !f.Notify || !strings.Contains(f.HTML, "web-live") {
			t.Errorf("what stops production waits for nobody: %+v", f)
		}
		if got := g.shown(); len(got) != 1 {
			t.Fatalf("at night: %v", got)
		}
		g.works(t, 2*time.Second)
		if _, f := g.only(t, team); !f.Notify {
			t.Errorf("%+v", f)
		}
	})
}

func TestAnAlertIsMutedByADeployerForATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t)
		g.now = time.Now()
		g.meter.counts("shop-live", 300e6)
		g.works(t, time.Minute)
		key, f := g.only(t, team)
		action, err := cards.ParseAction(f.Buttons[0][0].Data)
		if err != nil {
			t.Fatal(err)
		}
		tap := func(by int64, action cards.Action, card string) bot.Toast {
			t.Helper()
			g.now = time.Now()
			p := on(team, action, true)
			p.Card = card
			return g.press(t, by, p)
		}
		if toast := tap(1, action, key); !toast.Alert || !strings.Contains(toast.Text, "deployer") {
			t.Errorf("a viewer: %+v", toast)
		}
		if toast := tap(2, action, "alert/other/1/0"); !toast.Alert {
			t.Errorf("from another card: %+v", toast)
		}
		if toast := tap(2, action, key); toast.Alert || toast.Text != "Silent until Sun 2 Jan 01:01 CET." {
			t.Errorf("%+v", toast)
		}
		_, f = g.only(t, team)
		if !strings.Contains(f.HTML, "Silent until") || !strings.Contains(f.HTML, "Somebody") || len(f.Buttons[0]) != 1 {
			t.Errorf("%+v", f)
		}
		if heard := strings.Join(g.engine.heard, "\n"); !strings.Contains(heard, "mute database_size/database/id of shop-live") || !strings.Contains(heard, "refused with not_allowed") {
			t.Errorf("%s", heard)
		}

		// It is reached meanwhile: nobody hears of it, until the mute ends, by itself or by hand.
		g.meter.counts("shop-live", 500e6)
		g.works(t, 23*time.Hour)
		if _, f = g.only(t, team); f.Repost != 0 || !strings.Contains(f.HTML, "reached") {
			t.Errorf("while muted: %+v", f)
		}
		unmute, err := cards.ParseAction(f.Buttons[0][0].Data)
		if err != nil {
			t.Fatal(err)
		}
		if toast := tap(2, unmute, key); toast.Text != cards.Loudly {
			t.Errorf("%+v", toast)
		}
		g.works(t, time.Minute)
		if _, f = g.only(t, team); f.Repost != 1 || !f.Notify {
			t.Errorf("unmuted: %+v", f)
		}
		g.meter.counts("shop-live", 1e6)
		g.works(t, 3*time.Hour)
		if toast := tap(2, action, key); !toast.Alert {
			t.Errorf("of an alert that is over: %+v", toast)
		}
	})
}

func TestAMuteEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t)
		g.meter.counts("shop-live", 300e6)
		g.works(t, time.Minute)
		key, f := g.only(t, team)
		action, err := cards.ParseAction(f.Buttons[0][1].Data)
		if err != nil {
			t.Fatal(err)
		}
		g.now = time.Now()
		p := on(team, action, true)
		p.Card = key
		g.press(t, 2, p)
		g.meter.counts("shop-live", 500e6)
		g.works(t, 7*24*time.Hour-2*time.Minute)
		if _, f = g.only(t, team); f.Repost != 0 {
			t.Fatalf("%+v", f)
		}
		g.works(t, 3*time.Minute)
		if _, f = g.only(t, team); f.Repost != 1 || strings.Contains(f.HTML, "Silent") {
			t.Errorf("%+v", f)
		}
	})
}

func TestManyAlertsAreStoredInSmallChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t)
		g.desk = arranged(func(d *desk, o *handlers.Options) {
			o.Engine, o.Now, o.Usage, o.AlertStore = owners{d.engine}, time.Now, g.meter, g.shelf
			o.Team = func(context.Context) handlers.Team {
				all := handlers.Team{Alerts: g.rules}
				for i := range 55 {
					all.Projects = append(all.Projects, handlers.Home{Project: fmt.Sprintf("p%03d", i), Place: bot.Place{Chat: team}})
				}
				return all
			}
		})
		for i := range 55 {
			g.meter.counts(fmt.Sprintf("p%03d-live", i), 300e6)
			g.meter.counts(fmt.Sprintf("p%03d-preview", i), 300e6)
		}
		g.works(t, time.Minute)
		if n := len(g.shown()); n != 110 || g.shelf.most > alert.MostStored {
			t.Errorf("%d messages, %d in one change", n, g.shelf.most)
		}
	})
}

func TestAFrameThatTelegramWouldRefuseHindersNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t)
		g.meter.counts("", 3e9)
		g.box.refuse = fmt.Sprintf("alert/account_storage/account/%d/%d/0", time.Now().Unix(), int64(team))
		g.works(t, time.Minute)
		if got := g.shown(); len(got) != 2 {
			t.Errorf("%v", got)
		}
	})
}

func TestWithoutCountingThereAreNoAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := d.Alerts(ctx); err != nil || len(d.box.order) != 0 {
			t.Errorf("%v, %q", err, d.box.order)
		}
	})
}
