package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/release"
)

// found says how a watch ended: its verdict, why, and when after its beginning.
func found(w release.Run) string {
	out := fmt.Sprintf("%s %s", w.Phase, w.Watch.Verdict)
	if w.Watch.Why != "" {
		out += " " + string(w.Watch.Why)
	}
	for _, f := range w.Watch.Worse {
		out += " " + f.What
	}
	return fmt.Sprintf("%s after %s", out, w.EndedAt.Sub(w.Watch.From).Round(time.Minute))
}

func TestAPromoteIsWatchedForItsTimeAndWhatIsAsUsualIsWell(t *testing.T) {
	inFakeTime(t, func(t *testing.T, s *shop) {
		s.version("v1", counted)
		shipped := s.send("v1")
		begun := s.watchOf(shipped)
		if s.state(release.Production).Lease != nil || begun.Phase != release.Executing || begun.Was != shipped.Was || begun.Watch.To.Sub(begun.Watch.From) != 30*time.Minute {
			t.Errorf("lease %v, watch %+v", s.state(release.Production).Lease, begun.Watch)
		}
		w := s.endedAtLast(begun)
		if got := found(w); got != "done well after 36m0s" {
			t.Errorf("%s", got)
		}
		is := *w.Watch
		if is.Against != release.AgainstWeeks || is.Weeks != 4 || is.Queries != 6000 || len(is.Aside) != 0 || !slices.Contains(is.Well, release.WatchFigure{What: "rows", Now: 34, Usual: 34}) {
			t.Errorf("found %+v", is)
		}
		if n := s.toldOf(deploy.WatchAlarm); n != 0 {
			t.Errorf("%d alarms", n)
		}
		if open, err := s.engine.OpenRuns(context.Background(), "shop"); err != nil || len(open) > 0 {
			t.Errorf("open %v: %v", open, err)
		}
	}, watching(newAnalytics(calmly)))
}

func TestWhatIsWorseIsToldOnceAndAtOnceIfItStaysSo(t *testing.T) {
	for _, c := range []struct {
		name  string
		after time.Duration // the promote
		want  string
	}{
		{"from the beginning", 0, "done worse errors failing after 10m0s"},
		{"after twelve minutes", 12 * time.Minute, "done worse errors failing after 25m0s"},
		{"shortly before its end", 26 * time.Minute, "done worse errors failing after 36m0s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var since time.Time
			a := newAnalytics(failingFrom(func() time.Time { return since }))
			inFakeTime(t, func(t *testing.T, s *shop) {
				s.version("v1", counting)
				s.send("v1")
				s.version("v2", counted)
				shipped := s.send("v2")
				begun := s.watchOf(shipped)
				a.set(func(*analytics) { since = begun.Watch.From.Add(c.after) })
				w := s.endedAtLast(begun)
				if got := found(w); got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
				if w.Watch.Early != w.EndedAt.Before(w.Watch.To) || w.Was != 1 {
					t.Errorf("early %v, was #%d", w.Watch.Early, w.Was)
				}
				time.Sleep(3 * time.Hour)
				if n := s.toldOf(deploy.WatchAlarm); n != 1 {
					t.Errorf("%d alarms", n)
				}
			}, watching(a))
		})
	}
}

func TestTheSameFiguresTwiceAreNoSecondLook(t *testing.T) {
	var since time.Time
	a := newAnalytics(failingFrom(func() time.Time { return since }))
	inFakeTime(t, func(t *testing.T, s *shop) {
		s.version("v1", counted)
		begun := s.watchOf(s.send("v1"))
		a.set(func(*analytics) { since = begun.Watch.From })
		time.Sleep(5*time.Minute + time.Second)
		a.set(func(a *analytics) { a.now = func() time.Time { return begun.Watch.From.Add(5 * time.Minute) } }) // nothing is counted any more
		if w := s.endedAtLast(begun); w.Watch.Early || w.Watch.Verdict != release.WatchWorse || w.EndedAt.Before(w.Watch.To.Add(deploy.WatchPatience)) {
			t.Errorf("%s, early %v", found(w), w.Watch.Early)
		}
	}, watching(a))
}

func TestAnalyticsThatLagAreWaitedFor(t *testing.T) {
	a := newAnalytics(calmly)
	a.lag = 50 * time.Minute
	inFakeTime(t, func(t *testing.T, s *shop) {
		s.version("v1", counted)
		w := s.endedAtLast(s.watchOf(s.send("v1")))
		// 24 minutes of its time, three quarters, were counted 74 minutes after its beginning
		if got := found(w); got != "done well after 1h20m0s" || w.Watch.Counted.IsZero() {
			t.Errorf("%s, counted until %s", got, w.Watch.Counted.Sub(w.Watch.From))
		}
	}, watching(a))
}

func TestWhatCannotBeSeenIsNotWell(t *testing.T) {
	forbidden := errors.New("the API token may not read the account's analytics")
	never := func(began time.Time) func(time.Time) minute {
		return func(at time.Time) minute {
			if at.After(began) {
				return minute{}
			}
			return calmly(at)
		}
	}
	until := func(end time.Time) func(time.Time) int64 {
		return func(at time.Time) int64 {
			if at.After(end) {
				return 0
			}
			return 10
		}
	}
	for _, c := range []struct {
		name string
		with func(a *analytics)
		want string
	}{
		{"Cloudflare counts nothing of any database from its first minute on", func(a *analytics) {
			a.at = never(a.now().Add(-time.Minute))
			a.others = until(a.now())
		}, "done unseen uncounted after 2h30m0s"},
		{"Cloudflare counts nothing of any database any more", func(a *analytics) { a.at, a.others = never(a.now()), until(a.now()) }, "done unseen uncounted after 2h30m0s"},
		{"no permission", func(a *analytics) { a.err = forbidden }, "done unseen trouble after 2h30m0s"},
		{"one query a minute", func(a *analytics) {
			a.at = func(time.Time) minute { return minute{queries: 1, rows: 1, p90: time.Second} }
		}, "done little after 36m0s"},
		{"nothing is ever asked", func(a *analytics) { a.at = func(time.Time) minute { return minute{} } }, "done little after 50m0s"},
		{"nothing was there before", func(a *analytics) {
			began := a.now()
			a.at = func(at time.Time) minute {
				if at.Before(began.Add(time.Minute)) {
					return minute{}
				}
				return calmly(at)
			}
		}, "done alone after 36m0s"},
		{"single queries cannot be listed", func(a *analytics) { a.listed = forbidden }, "done well after 50m0s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAnalytics(calmly)
			inFakeTime(t, func(t *testing.T, s *shop) {
				s.version("v1", counted)
				w := s.endedAtLast(s.watchOf(s.send("v1")))
				if got := found(w); got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
				if w.Watch.Why == release.BlindTrouble && w.Watch.Words != forbidden.Error() {
					t.Errorf("because %q", w.Watch.Words)
				}
				if n := s.toldOf(deploy.WatchAlarm); n != 0 {
					t.Errorf("%d alarms", n)
				}
			}, watching(a), func(*world) { c.with(a) })
		})
	}
}

func TestAPermissionThatComesLateIsInTime(t *testing.T) {
	a := newAnalytics(calmly)
	a.err = errors.New("not yours")
	inFakeTime(t, func(t *testing.T, s *shop) {
		s.version("v1", counted)
		begun := s.watchOf(s.send("v1"))
		time.Sleep(40 * time.Minute)
		if w := s.watchOf(release.Run{ID: begun.Watch.Of}); w.Watch.Trouble != "not yours" {
			t.Errorf("nothing is said of it: %+v", w.Watch)
		}
		a.set(func(a *analytics) { a.err = nil })
		if w := s.endedAtLast(begun); w.Watch.Verdict != release.WatchWell || w.Watch.Trouble != "" {
			t.Errorf("%s, trouble %q", found(w), w.Watch.Trouble)
		}
	}, watching(a))
}

func TestTheHoursBeforeThePromoteAreComparedWithWhereTheWeeksSayTooLittle(t *testing.T) {
	a := newAnalytics(nil)
	inFakeTime(t, func(t *testing.T, s *shop) {
		s.version("v1", counted)
		w := s.endedAtLast(s.watchOf(s.send("v1")))
		if w.Watch.Verdict != release.WatchWell || w.Watch.Against != release.AgainstHours || w.Watch.Weeks != 0 {
			t.Errorf("%s against %s", found(w), w.Watch.Against)
		}
	}, watching(a), func(*world) {
		opened := a.now().Add(-5 * time.Hour)
		a.at = func(at time.Time) minute {
			if at.Before(opened) {
				return minute{}
			}
			return calmly(at)
		}
	})
}

func TestTheSameHourOfTheWeekdayIsThatOfTheTeamsClock(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	a := newAnalytics(calmly)
	inFakeTime(t, func(t *testing.T, s *shop) {
		s.version("v1", counted)
		w := s.endedAtLast(s.watchOf(s.send("v1")))
		if w.Watch.Verdict != release.WatchWell || w.Watch.Weeks != 4 {
			t.Errorf("%s by %d weeks", found(w), w.Watch.Weeks)
		}
		var got []string
		for _, at := range a.asked {
			if text := at.In(berlin).Format("Mon 2006-01-02 15:04 -0700"); at.Before(w.Watch.From) && !slices.Contains(got, text) {
				got = append(got, text)
			}
		}
		want := []string{ // summer time began on 26 March 2000
			"Mon 2000-03-27 09:00 +0200", "Mon 2000-03-20 09:00 +0100", "Mon 2000-03-13 09:00 +0100", "Mon 2000-03-06 09:00 +0100",
		}
		if !slices.Equal(got, want) {
			t.Errorf("compared with %q, want %q", got, want)
		}
	}, watching(a), func(w *world) {
		w.project.Zone = berlin
		time.Sleep(time.Until(time.Date(2000, 4, 3, 9, 10, 0, 0, berlin)))
	})
}

func TestTheNextChangeOfProductionEndsAWatch(t *testing.T) {
	inFakeTime(t, func(t *testing.T, s *shop) {
		s.version("v1", counting)
		first := s.watchOf(s.send("v1"))
		s.version("v2", countDown)
		time.Sleep(10 * time.Minute)
		if w := s.watchOf(release.Run{ID: first.Watch.Of}); !w.Phase.Open() {
			t.Fatalf("it is over: %s", found(w))
		}
		second := s.watchOf(s.send("v2")) // nothing waited for the first one
		if w := s.watchOf(release.Run{ID: first.Watch.Of}); w.Phase != release.Overtaken || w.Watch.Over() {
			t.Errorf("the first is %s", found(w))
		}
		time.Sleep(10 * time.Minute)
		back := s.endedAtLast(s.approve(s.rollback(0), robin))
		s.wants(back, release.Done)
		if w := s.watchOf(release.Run{ID: second.Watch.Of}); w.Phase != release.Overtaken || w.Watch.Over() {
			t.Errorf("the second is %s", found(w))
		}
		if back.Watched != "" || s.state(release.Production).Watch != second.ID {
			t.Errorf("the rollback is watched: %q", back.Watched)
		}
		time.Sleep(5 * time.Hour)
		if got := s.watches(); !slices.Equal(got, []string{"watch", "watch superseded", "watch", "watch superseded"}) {
			t.Errorf("the log has %q", got)
		}
	}, watching(newAnalytics(calmly)))
}

// watches is what the log says of watches, oldest first.
func (s *shop) watches() (out []string) {
	for _, e := range slices.Backward(s.entries("shop")) {
		if e.What == "watch" || e.What == "watched" || e.What == "watch superseded" {
			out = append(out, e.What)
		}
	}
	return out
}

func TestWhatDoesNotChangeProductionDoesNotEndAWatch(t *testing.T) {
	inFakeTime(t, func(t *testing.T, s *shop) {
		s.version("v1", counting)
		w := s.watchOf(s.send("v1"))
		s.version("v2", counted)
		live := s.endedAtLast(s.deployNow("v2"))
		asked := s.promote(live.Release)
		if _, err := s.vote(asked, robin, false); err != nil {
			t.Fatal(err)
		}
		if got := s.endedAtLast(w); got.Watch.Verdict != release.WatchWell {
			t.Errorf("%s", found(got))
		}
	}, watching(newAnalytics(calmly)))
}

func TestARestartGoesOnWithAWatchAndOneThatIsLateStillJudges(t *testing.T) {
	var since time.Time
	a := newAnalytics(failingFrom(func() time.Time { return since }))
	inFakeTime(t, func(t *testing.T, s *shop) {
		s.version("v1", counted)
		begun := s.watchOf(s.send("v1"))
		time.Sleep(7 * time.Minute)
		s.restart()
		if w := s.endedAtLast(begun); found(w) != "done well after 36m0s" {
			t.Errorf("%s", found(w))
		}
		s.version("v2", counted.and(files{"0004_more.sql": "CREATE TABLE more (id INTEGER);\n"}))
		begun = s.watchOf(s.send("v2"))
		a.set(func(*analytics) { since = begun.Watch.From })
		s.stop()
		time.Sleep(9 * 24 * time.Hour)
		s.restart()
		w := s.endedAtLast(begun)
		if w.Watch.Verdict != release.WatchWorse || w.Watch.Early || w.Watch.Queries != 6000 {
			t.Errorf("%s of %d queries", found(w), w.Watch.Queries)
		}
	}, watching(a))
}

func TestAWatchThatTheConfigTurnsOffIsOver(t *testing.T) {
	inFakeTime(t, func(t *testing.T, s *shop) {
		s.version("v1", counted)
		begun := s.watchOf(s.send("v1"))
		s.configure(func(p *deploy.Project) { p.Watch = 0 })
		if w := s.endedAtLast(begun); found(w) != "done unseen off after 5m0s" {
			t.Errorf("%s", found(w))
		}
		s.version("v2", counted.and(files{"0004_more.sql": "CREATE TABLE more (id INTEGER);\n"}))
		if shipped := s.send("v2"); shipped.Watched != "" {
			t.Error("it is watched though it is turned off")
		}
	}, watching(newAnalytics(calmly)))
}

func TestABackfillAtTheSameTimeIsNotTheReleasesDoing(t *testing.T) {
	a := newAnalytics(func(at time.Time) minute {
		m := calmly(at)
		if at.Year() == 2000 { // since the world began
			m.p90, m.rows = 90*time.Millisecond, 90_000
		}
		return m
	})
	inFakeTime(t, func(t *testing.T, s *shop) {
		s.version("v1", peopled)
		s.send("v1")
		time.Sleep(time.Hour)
		s.version("v2", lowered)
		shipped := s.send("v2")
		w := s.watchOf(shipped)
		fill := s.endedAtLast(release.Run{ID: s.state(release.Production).Backfill.Run})
		s.wants(fill, release.Done)
		if w = s.endedAtLast(w); w.Watch.Verdict != release.WatchWell || !slices.Equal(w.Watch.Aside, []string{"backfill"}) {
			t.Errorf("%s, aside %q", found(w), w.Watch.Aside)
		}
	}, watching(a))
}

func TestAPromoteThatDiesAnywhereIsWatchedOnce(t *testing.T) {
	a := newAnalytics(calmly)
	everywhere(t, journey{
		before: func(s *shop) {
			s.stop()
			a.now = s.now
			watching(a)(s.world)
			s.restart()
			s.version("v1", counting)
			s.ship("v1")
			s.version("v2", counted)
			s.deploy("v2")
		},
		ask: func(s *shop) (release.Run, error) {
			return s.approved(s.engine.Promote(s.t.Context(), deploy.Request{Project: "shop", By: dana, Key: "promote"}, 2))
		},
		check: func(s *shop, run release.Run) {
			w := s.watchOf(run)
			a.set(func(a *analytics) { a.now = func() time.Time { return s.now().Add(time.Hour) } })
			s.later(time.Hour)
			s.restart()
			if w = s.ended(w); w.Watch.Verdict != release.WatchWell {
				s.t.Errorf("%s", found(w))
			}
			if got := s.watches(); !slices.Equal(got, []string{"watch", "watch superseded", "watch", "watched"}) {
				s.t.Errorf("the log has %q", got)
			}
			s.once(release.Production, run, 2, "11", "0001_count.sql", "0002_up.sql", "0003_up.sql")
		},
	})
}

func TestABotThatDiesWithTheVerdictTellsItOnce(t *testing.T) {
	for last := 1; last <= 2; last++ {
		t.Run(fmt.Sprintf("after act %d", last), func(t *testing.T) {
			w := newWorld(t)
			var since time.Time
			a := newAnalytics(failingFrom(func() time.Time { return since }))
			a.now = w.now
			watching(a)(w)
			s := w.open(t)
			s.version("v1", counting)
			begun := s.watchOf(s.ship("v1"))
			a.set(func(*analytics) { since = begun.Watch.From })
			s.later(45 * time.Minute)
			l := &life{last: last, over: make(chan struct{})}
			s.stop()
			s.store = mortalStore{s.store, l}
			s.start()
			<-l.over
			s.restart()
			over := s.ended(begun)
			if over.Watch.Verdict != release.WatchWorse {
				t.Errorf("%s", found(over))
			}
			if n := s.toldOf(deploy.WatchAlarm); n != 1 {
				t.Errorf("%d alarms", n)
			}
		})
	}
}
