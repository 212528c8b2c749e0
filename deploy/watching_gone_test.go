package deploy_test

import (
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/release"
)

// deserted is calm, and from a minute after the promote nobody comes but for so many queries every ten minutes.
func deserted(since func() time.Time, left int64) func(time.Time) minute {
	return func(at time.Time) minute {
		switch from := since(); {
		case from.IsZero() || at.Before(from):
			return calmly(at)
		case at.Minute()%10 == 0:
			return minute{queries: left, rows: left, p90: time.Millisecond}
		default:
			return minute{}
		}
	}
}

func TestTrafficThatHasGoneIsToldOnceItIsKnownToHaveBeenCounted(t *testing.T) {
	always := func(time.Time) int64 { return 1 }
	for _, c := range []struct {
		name   string
		left   int64
		others func(time.Time) int64
		want   string
	}{
		{"nobody comes, and other databases are counted", 0, always, "done worse gone worker_gone after 50m0s"},
		{"hardly anybody comes, and is counted after the watch as well", 2, nil, "done worse gone worker_gone after 50m0s"},
		{"nobody comes, and there is no other database", 0, nil, "done worse gone worker_gone after 2h30m0s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var since time.Time
			a := newAnalytics(deserted(func() time.Time { return since }, c.left))
			a.others = c.others
			inFakeTime(t, func(t *testing.T, s *shop) {
				s.version("v1", counting)
				s.send("v1")
				s.version("v2", counted)
				begun := s.watchOf(s.send("v2"))
				a.set(func(*analytics) { since = begun.Watch.From })
				w := s.endedAtLast(begun)
				if got := found(w); got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
				if is := *w.Watch; is.Early || is.Weeks != 4 || is.Queries != 3*c.left || is.Worse[0].Usual != 6000 || is.Worse[1].Usual != 3000 {
					t.Errorf("found %+v", is)
				}
				if n := s.toldOf(deploy.WatchAlarm); n != 1 {
					t.Errorf("%d alarms", n)
				}
			}, watching(a), func(w *world) { w.project.Workers = []string{"shop-api"} })
		})
	}
}

func TestMinutesThatAreAlwaysQuietAreNotTrafficThatHasGone(t *testing.T) {
	a := newAnalytics(func(at time.Time) minute {
		if at.Minute() == 0 { // a job at each full hour
			return minute{queries: 3000, rows: 3000, p90: time.Millisecond}
		}
		return minute{}
	})
	a.others = func(time.Time) int64 { return 1 }
	inFakeTime(t, func(t *testing.T, s *shop) {
		s.version("v1", counted)
		time.Sleep(10 * time.Minute)
		w := s.endedAtLast(s.watchOf(s.send("v1")))
		if got := found(w); got != "done little after 50m0s" || w.Watch.Weeks != 4 {
			t.Errorf("%s by %d weeks", got, w.Watch.Weeks)
		}
	}, watching(a))
}

func TestAYoungAppsHoursBeforeTellThatItsTrafficHasGone(t *testing.T) {
	var opened, since time.Time
	a := newAnalytics(func(at time.Time) minute {
		if at.Before(opened) || !since.IsZero() && !at.Before(since) {
			return minute{}
		}
		return calmly(at)
	})
	a.others = func(time.Time) int64 { return 1 }
	inFakeTime(t, func(t *testing.T, s *shop) {
		s.version("v1", counted)
		begun := s.watchOf(s.send("v1"))
		a.set(func(*analytics) { since = begun.Watch.From })
		w := s.endedAtLast(begun)
		if got := found(w); got != "done worse gone after 50m0s" || w.Watch.Against != release.AgainstHours {
			t.Errorf("%s against %s", got, w.Watch.Against)
		}
	}, watching(a), func(*world) { opened = a.now().Add(-4 * time.Hour) })
}

func TestTrafficThatHadGoneBeforeThePromoteIsNoAlarm(t *testing.T) {
	var since time.Time
	a := newAnalytics(deserted(func() time.Time { return since }, 0))
	a.others = func(time.Time) int64 { return 1 }
	inFakeTime(t, func(t *testing.T, s *shop) {
		a.set(func(*analytics) { since = time.Now().Add(-2 * time.Hour) })
		s.version("v1", counted)
		w := s.endedAtLast(s.watchOf(s.send("v1")))
		if got := found(w); got != "done little after 50m0s" || w.Watch.Well[0] != (release.WatchFigure{What: "gone", Usual: 6000}) {
			t.Errorf("%s: %+v", got, w.Watch.Well)
		}
		if n := s.toldOf(deploy.WatchAlarm); n != 0 {
			t.Errorf("%d alarms", n)
		}
	}, watching(a))
}
