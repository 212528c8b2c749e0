package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/robfig/cron/v3"

	"towline/bot"
	"towline/deploy/delivery"
	"towline/handlers"
)

// remembered is a Cursor that outlives the handlers.
type remembered struct {
	mu  sync.Mutex
	at  map[string]uint64
	err error
}

func (r *remembered) Cursor(_ context.Context, follower string) (uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at[follower], r.err
}

func (r *remembered) SetCursor(_ context.Context, follower string, seq uint64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.at[follower] = seq
	}
	return r.err
}

func (r *remembered) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

// newsroom is a bot whose reports are looked at, on fake time, which begins on Saturday 1 January 2000.
type newsroom struct {
	*desk
	cursor   *remembered
	mu       sync.Mutex
	schedule handlers.Schedule
}

func newNewsroom(t *testing.T, spec string) *newsroom {
	t.Helper()
	n := &newsroom{cursor: &remembered{at: map[string]uint64{}}}
	n.on(t, spec)
	berlin := zone(t, "Europe/Berlin")
	n.desk = arranged(func(_ *desk, o *handlers.Options) {
		o.Now = time.Now
		o.Team = func(context.Context) handlers.Team {
			n.mu.Lock()
			defer n.mu.Unlock()
			team := people()
			team.Report, team.Zone = n.schedule, berlin
			return team
		}
	})
	return n
}

// on changes the schedule, as a reload does. "": there is none.
func (n *newsroom) on(t *testing.T, spec string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.schedule = nil
	if spec == "" {
		return
	}
	s, err := cron.ParseStandard("CRON_TZ=Europe/Berlin " + spec)
	if err != nil {
		t.Fatal(err)
	}
	n.schedule = s
}

// works runs the reports for a time.
func (n *newsroom) works(t *testing.T, span time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	if err := n.Report(ctx, n.cursor); err != nil {
		t.Error(err)
	}
}

// posted are the keys of the reports so far.
func (n *newsroom) posted() []string {
	n.box.mu.Lock()
	defer n.box.mu.Unlock()
	var out []string
	for _, key := range n.box.order {
		if strings.HasPrefix(key, "report/") {
			out = append(out, key)
		}
	}
	return out
}

const (
	day    = 24 * time.Hour
	places = 4 // where people() has projects
)

// monday is when the first report is due: 3 January 2000, 09:00 in Berlin.
var monday = time.Date(2000, 1, 3, 8, 0, 0, 0, time.UTC)

func TestTheReportComesWhenItIsDueToEveryPlaceOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNewsroom(t, "0 9 * * MON")
		n.works(t, time.Until(monday)-time.Minute)
		if got := n.posted(); len(got) > 0 {
			t.Fatalf("too early: %q", got)
		}
		n.works(t, 2*time.Minute)
		got := n.posted()
		if len(got) != places {
			t.Fatalf("posted %q", got)
		}
		n.works(t, 7*day-2*time.Minute)
		if again := n.posted(); len(again) != places {
			t.Fatalf("again within the week: %q", again)
		}
		n.works(t, 4*time.Minute)
		if next := n.posted(); len(next) != 2*places {
			t.Fatalf("after a week: %q", next)
		}
		f, ok := n.box.frame(fmt.Sprintf("report/%d/%d/0/1", monday.Unix(), shared))
		if !ok || f.Kind != bot.KindReport || !f.Final || f.Notify || f.Place.Chat != shared || !strings.Contains(f.HTML, "<b>api</b>") || !strings.Contains(f.HTML, "<b>web</b>") {
			t.Errorf("posted %q: %+v", got, f)
		}
		if f, _ := n.box.frame(fmt.Sprintf("report/%d/%d/7/1", monday.Unix(), forum)); f.Place.Topic != 7 || strings.Contains(f.HTML, "forum-blog") {
			t.Errorf("in a topic: %+v", f)
		}
		if want := "week shop from 1999-12-27T09:00:00+01:00 to 2000-01-03T09:00:00+01:00"; !strings.Contains(strings.Join(n.engine.asked, ";"), want) {
			t.Errorf("asked %q, want %q", n.engine.asked, want)
		}
	})
}

// weekly is a schedule whose slots are a week apart, wherever in a second they are.
type weekly struct{ first time.Time }

func (w weekly) Next(t time.Time) time.Time {
	for slot := w.first; ; slot = slot.Add(7 * day) {
		if slot.After(t) {
			return slot
		}
	}
}

func TestAReportThatIsDueWithinASecondIsMadeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNewsroom(t, "")
		n.schedule = weekly{monday.Add(1500 * time.Millisecond)}
		n.works(t, time.Until(monday)+time.Hour)
		n.works(t, time.Hour)
		if got := strings.Count(strings.Join(n.engine.asked, ";"), "week shop from"); got != 1 || len(n.posted()) != places {
			t.Errorf("made %d times, posted %d times", got, len(n.posted()))
		}
	})
}

func TestAReportThatWasMissedComesWithTheStartIfItIsNotOld(t *testing.T) {
	for _, c := range []struct {
		name  string
		down  time.Duration // after the slot
		posts int
	}{
		{"an hour late", time.Hour, places},
		{"almost a day late", 23 * time.Hour, places},
		{"more than a day late", 25 * time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNewsroom(t, "0 9 * * MON")
				n.works(t, time.Hour) // set up on Saturday
				<-time.After(time.Until(monday.Add(c.down)))
				n.works(t, time.Minute)
				n.works(t, time.Minute) // and started once more
				if got := n.posted(); len(got) != c.posts {
					t.Fatalf("posted %q", got)
				}
				n.works(t, 8*day)
				if got := n.posted(); len(got) != c.posts+places {
					t.Errorf("in the week after: %q", got)
				}
				if since := "week shop from 2000-01-01T01:00:00+01:00 to 2000-01-10"; (c.posts == 0) != strings.Contains(strings.Join(n.engine.asked, ";"), since) {
					t.Errorf("what was not reported belongs to the next one: asked %q", n.engine.asked)
				}
			})
		})
	}
}

func TestABotThatIsSetUpHasNothingToReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNewsroom(t, "* * * * *")
		n.works(t, time.Second)
		if got := n.posted(); len(got) > 0 {
			t.Errorf("posted %q", got)
		}
		n.works(t, 3*time.Minute)
		if got := n.posted(); len(got) != 3*places {
			t.Errorf("posted %q", got)
		}
	})
}

func TestTheFirstReportAfterTheSettingUpComesWhenItIsDueAndNotWithTheNextLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNewsroom(t, "* * * * *")
		time.Sleep(50 * time.Second) // fake time: the bubble's clock moves on
		n.works(t, 11*time.Second)
		if got := n.posted(); len(got) != places {
			t.Errorf("posted %q", got)
		}
	})
}

func TestAReportThatCouldNotBeMadeIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNewsroom(t, "0 9 * * MON")
		n.works(t, time.Hour)
		n.box.err = errors.New("the store is busy")
		<-time.After(time.Until(monday))
		n.works(t, 2*time.Minute)
		n.box.err = nil
		n.cursor.fail(errors.New("the store is still busy"))
		n.works(t, 2*time.Minute)
		if got := n.posted(); len(got) > 0 {
			t.Fatalf("posted %q", got)
		}
		n.cursor.fail(nil)
		n.box.refuse = fmt.Sprintf("report/%d/%d/0/1", monday.Unix(), team) // a frame that Telegram would not take
		n.works(t, 2*time.Minute)
		if got := n.posted(); len(got) != places-1 {
			t.Errorf("posted %q", got)
		}
	})
}

func TestTheReportFollowsAScheduleThatWasReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNewsroom(t, "0 9 * * MON")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- n.Report(ctx, n.cursor) }()
		<-time.After(time.Hour)
		n.on(t, "")
		<-time.After(9 * day)
		if got := n.posted(); len(got) > 0 {
			t.Errorf("without a schedule: %q", got)
		}
		n.on(t, "30 * * * *")
		<-time.After(time.Hour + time.Minute)
		if got := n.posted(); len(got) != 2*places { // one that is less than a day old, and the next
			t.Errorf("posted %q", got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestManyProjectsOfOneChatAreSeveralMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNewsroom(t, "0 9 * * MON")
		n.desk = arranged(func(_ *desk, o *handlers.Options) {
			o.Now = time.Now
			o.Team = func(context.Context) handlers.Team {
				all := handlers.Team{Report: n.schedule}
				for i := range 20 {
					all.Projects = append(all.Projects, handlers.Home{Project: fmt.Sprintf("p%02d", i), Place: bot.Place{Chat: team}})
				}
				return all
			}
		})
		n.engine.week = delivery.Week{Seq: 1, Head: strings.Repeat("ab", 32)}
		n.works(t, time.Until(monday)+time.Minute)
		all := ""
		for _, key := range n.posted() {
			f, _ := n.box.frame(key)
			all += f.HTML
		}
		if len(n.posted()) != 3 || strings.Count(all, strings.Repeat("ab", 32)) != 20 {
			t.Errorf("%d messages: %s", len(n.posted()), all)
		}
	})
}

func TestReportShowsTheWeekSoFar(t *testing.T) {
	d := withTeam(func(team *handlers.Team) {
		s, err := cron.ParseStandard("CRON_TZ=Europe/Berlin 0 9 * * MON")
		if err != nil {
			t.Fatal(err)
		}
		team.Report = s
	})
	reply, _ := d.say(t, said{chat: shared, by: 1, text: "/report"})
	if !strings.Contains(reply.HTML, "so far") || !strings.Contains(reply.HTML, "<b>web</b>") {
		t.Errorf("%q", reply.HTML)
	}
	// Friday noon: since Monday.
	if want := "week api from 2026-11-16T08:00:00Z to 2026-11-20T12:00:00Z;week web from"; !strings.HasPrefix(strings.Join(d.engine.asked, ";"), want) {
		t.Errorf("asked %q", d.engine.asked)
	}
	d = newDesk()
	d.say(t, said{chat: shared, by: 1, text: "/report WEB"})
	if want := "week web from 2026-11-13T12:00:00Z to 2026-11-20T12:00:00Z"; strings.Join(d.engine.asked, ";") != want {
		t.Errorf("without a schedule, asked %q", d.engine.asked)
	}
	if reply, _ := d.say(t, said{chat: shared, by: 1, text: "/report blog"}); !strings.Contains(reply.HTML, "unknown_project") {
		t.Errorf("%q", reply.HTML)
	}
}
