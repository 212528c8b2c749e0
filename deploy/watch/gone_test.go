package watch_test

import (
	"slices"
	"testing"

	"towline/deploy/watch"
)

// counts is a stretch of so many queries and a third as many requests.
func counts(queries int64) watch.Stretch {
	return watch.Stretch{Queries: n(queries), Requests: n(queries / 3)}
}

// around are the same minutes of so many other days, each after a busy hour.
func around(queries ...int64) (list []watch.Around) {
	for _, q := range queries {
		list = append(list, watch.Around{Same: counts(q), Before: counts(3000)})
	}
	return list
}

func TestTrafficThatHasGoneIsToldAtTheEnd(t *testing.T) {
	busy := func(weeks ...int64) *watch.Course {
		return &watch.Course{Weeks: around(weeks...), Before: counts(2900)}
	}
	young := func(day watch.Around, hours ...int64) *watch.Course {
		c := &watch.Course{Weeks: make([]watch.Around, 4), Before: counts(2900), Day: day}
		for _, h := range hours {
			c.Hours = append(c.Hours, counts(h))
		}
		return c
	}
	none := watch.Around{}
	for _, c := range []struct {
		name   string
		now    int64
		course *watch.Course
		want   []string
	}{
		{"nothing is left", 0, busy(1240, 1100, 1300, 1400), []string{watch.Gone}},
		{"three queries are left", 3, busy(1240, 1100, 1300, 1400), []string{watch.Gone}},
		{"a hundred of many thousands are left", 100, busy(9000, 9100, 8800, 9400), []string{watch.Gone}},
		{"a tenth is left", 110, busy(1240, 1100, 1300, 1400), nil},
		{"the time is not over, or not counted", 3, nil, nil},
		{"one of the weeks was quiet as well", 3, busy(1240, 40, 1300, 1400), nil},
		{"one of the weeks had nothing, and an earlier one had", 3, busy(1240, 1100, 0, 1400), nil},
		{"there never were that many", 3, busy(190, 220, 240, 230), nil},
		{"the minutes are always quiet though their hour is not", 3, busy(2, 0, 4, 1), nil},
		{"an app of two weeks", 3, &watch.Course{Weeks: append(around(1240, 1100), none, none), Before: counts(2900)}, []string{watch.Gone}},
		{"an app of one week, and the hours before were quiet", 3, &watch.Course{Weeks: append(around(1240), none, none, none), Hours: []watch.Stretch{counts(20), counts(30), counts(40)}}, nil},
		{"an app of a day", 3, young(none, 700, 650, 640), []string{watch.Gone}},
		{"an app of a day with little to do", 3, young(none, 700, 650, 240), nil},
		{"an app of a week that closes at five", 3, young(around(4)[0], 700, 650, 640), nil},
		{"an app of a week that does not", 3, young(around(800)[0], 700, 650, 640), []string{watch.Gone}},
		{"an app of which nothing is known", 3, young(none), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := watch.Judge(watch.Case{After: counts(c.now), Weeks: weeks(4), Course: c.course})
			if got := found(r); !slices.Equal(got, c.want) || (r.Verdict == watch.Worse) != (c.want != nil) {
				t.Errorf("%s: %q, well %+v", r.Verdict, got, r.Well)
			}
		})
	}
}

func TestWhatHasGoneIsSaidWithWhatIsUsual(t *testing.T) {
	quiet := counts(3)
	course := &watch.Course{Weeks: around(1240, 1100, 1300, 1400), Before: counts(2900)}
	r := watch.Judge(watch.Case{After: quiet, Weeks: weeks(4), Workers: true, Course: course})
	want := []watch.Figure{{What: watch.Gone, Now: 3, Usual: 1270}, {What: watch.WorkerGone, Now: 1, Usual: 423}}
	if !slices.Equal(r.Worse, want) || r.Weeks != 4 || !r.ByWeeks {
		t.Errorf("%+v, by %d weeks", r.Worse, r.Weeks)
	}
	quiet.Requests = nil // of no requests at all there is no figure
	r = watch.Judge(watch.Case{After: quiet, Weeks: weeks(4), Workers: true, Course: course})
	if want[1].Now = 0; !slices.Equal(r.Worse, want) {
		t.Errorf("%+v", r.Worse)
	}
	quiet.Requests = n(420)
	if r = watch.Judge(watch.Case{After: quiet, Weeks: weeks(4), Workers: true, Course: course}); !slices.Equal(r.Worse, want[:1]) {
		t.Errorf("%+v", r.Worse)
	}
}

func TestWhatHadGoneBeforeThePromoteIsNotItsDoing(t *testing.T) {
	course := &watch.Course{Weeks: around(9000, 9100, 8800, 9400), Before: counts(60)}
	for _, now := range []int64{3, 100} {
		r := watch.Judge(watch.Case{After: counts(now), Weeks: weeks(4), Course: course})
		if want := (watch.Figure{What: watch.Gone, Now: float64(now), Usual: 9050}); r.Verdict != watch.Little || r.Well[0] != want {
			t.Errorf("%s: worse %+v, well %+v", r.Verdict, r.Worse, r.Well)
		}
	}
}

func TestOnlyWhereHardlyAnythingIsLeftIsItsCourseAskedFor(t *testing.T) {
	for _, c := range []struct {
		name    string
		now     int64
		workers bool
		weeks   []watch.Stretch
		hours   *watch.Stretch
		want    bool
	}{
		{"as usual", 5000, true, weeks(4), nil, false},
		{"less than a twentieth", 400, false, weeks(4), nil, true},
		{"requests less than a twentieth", 5000, true, []watch.Stretch{{Queries: n(5000), Requests: n(9000)}}, nil, true},
		{"requests, of which the project has none", 5000, false, []watch.Stretch{{Queries: n(5000), Requests: n(9000)}}, nil, false},
		{"hours before", 3, false, nil, &weeks(1)[0], true},
		{"a quiet app", 3, true, []watch.Stretch{counts(150)}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := watch.Stretch{Queries: n(c.now), Requests: n(400)}
			if got := watch.Suspect(watch.Case{After: s, Weeks: c.weeks, Hours: c.hours, Workers: c.workers}); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
}
