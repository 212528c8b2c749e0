package queries_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/deploy/queries"
	"towline/migrations/rehearse"
)

// analytics tell what a test wrote there.
type analytics struct {
	list  []queries.Count
	err   error
	times int
	from  time.Time // of the last question
}

func (a *analytics) ask(from time.Time, limit int) ([]queries.Count, error) {
	a.times, a.from = a.times+1, from
	return a.list[:min(limit, len(a.list))], a.err
}

func noon() time.Time { return time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC) }

func TestARehearsalsQueriesAreThoseSinceTheReleaseOrOfAWeek(t *testing.T) {
	for what, tt := range map[string]struct {
		live queries.Live
		ago  time.Duration
		name string
	}{
		"nothing is live":                 {ago: queries.Longest, name: "in a week"},
		"since the release":               {live: queries.Live{Release: 7, Since: noon().Add(-3 * time.Hour)}, ago: 3 * time.Hour, name: "since #7"},
		"an hour is the least":            {live: queries.Live{Release: 7, Since: noon().Add(-59 * time.Minute)}, ago: queries.Longest, name: "in a week"},
		"a release that is weeks old":     {live: queries.Live{Release: 7, Since: noon().Add(-20 * 24 * time.Hour)}, ago: queries.Longest, name: "in a week"},
		"a release of just an hour":       {live: queries.Live{Release: 7, Since: noon().Add(-time.Hour)}, ago: time.Hour, name: "since #7"},
		"a moment, and no release's name": {live: queries.Live{Since: noon().Add(-3 * time.Hour)}, ago: queries.Longest, name: "in a week"},
	} {
		t.Run(what, func(t *testing.T) {
			var top queries.Top
			a := &analytics{list: []queries.Count{{SQL: "SELECT *\n FROM users WHERE email = 'lead@example.com'", Runs: 1}, {SQL: "SELECT " + strings.Repeat("x", 100), Runs: 12}}}
			got, err := top.Of(t.Context(), "shop", tt.live, noon(), a.ask)
			want := []rehearse.Query{
				{Name: "SELECT * FROM users WHERE email = '…' (1 run " + tt.name + ")", SQL: a.list[0].SQL},
				{Name: "SELECT " + strings.Repeat("x", 72) + "… (12 runs " + tt.name + ")", SQL: a.list[1].SQL},
			}
			if err != nil || !slices.Equal(got, want) || !a.from.Equal(noon().Add(-tt.ago)) {
				t.Errorf("from %s: %q, %v", a.from, got, err)
			}
		})
	}
}

func TestARehearsalsQueriesAreRememberedForHalfAnHour(t *testing.T) {
	var top queries.Top
	a := &analytics{list: []queries.Count{{SQL: "SELECT 1 FROM a"}}}
	live := queries.Live{Release: 7, Since: noon().Add(-3 * time.Hour)}
	of := func(ctx context.Context, project string, live queries.Live, later time.Duration, want string, times int) {
		t.Helper()
		got, err := top.Of(ctx, project, live, noon().Add(later), a.ask)
		if len(got) != 1 || got[0].SQL != want || a.times != times {
			t.Errorf("%s after %s: %q, %d questions", project, later, got, a.times)
		}
		if failed := a.err != nil && a.times > 0; err != nil && (!failed || !errors.Is(err, a.err)) {
			t.Error(err)
		}
	}
	first, second := "SELECT 1 FROM a", "SELECT 1 FROM b"
	of(t.Context(), "shop", live, 0, first, 1)
	a.list[0].SQL = second
	of(t.Context(), "shop", live, 29*time.Minute, first, 1)
	of(t.Context(), "blog", live, 29*time.Minute, second, 2) // each project has its own
	next := queries.Live{Release: 8, Since: noon().Add(-2 * time.Hour)}
	of(t.Context(), "shop", next, 29*time.Minute, second, 3)

	a.err, a.list[0].SQL = errors.New("not authorized"), first
	of(t.Context(), "shop", next, 59*time.Minute, second, 4) // what is known, for lack of better
	of(t.Context(), "shop", next, 63*time.Minute, second, 4)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	of(stopped, "shop", next, 64*time.Minute, second, 5)
	a.err = nil
	of(t.Context(), "shop", next, 64*time.Minute, first, 6) // a stop says nothing of analytics
}

func TestWhatAnOlderReleaseAskedIsNeverCountedAsTheNewOnes(t *testing.T) {
	var top queries.Top
	a := &analytics{list: []queries.Count{{SQL: "SELECT 1 FROM a"}}}
	older, newer := queries.Live{Release: 7, Since: noon().Add(-3 * time.Hour)}, queries.Live{Release: 8, Since: noon().Add(-2 * time.Hour)}
	if got, err := top.Of(t.Context(), "shop", older, noon(), a.ask); len(got) != 1 || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if got, err := top.Of(stopped, "shop", newer, noon(), a.ask); len(got) != 0 || err != nil {
		t.Errorf("a stop gives the newer release %q, %v", got, err)
	}
	a.err = errors.New("not authorized")
	if got, err := top.Of(t.Context(), "shop", newer, noon(), a.ask); len(got) != 0 || !errors.Is(err, a.err) {
		t.Errorf("the newer release has %q, %v", got, err)
	}
	times := a.times // that nobody could tell is remembered for five minutes
	if got, err := top.Of(t.Context(), "shop", newer, noon().Add(4*time.Minute), a.ask); len(got) != 0 || err != nil || a.times != times {
		t.Errorf("the newer release has %q, %v, after %d more questions", got, err, a.times-times)
	}
	a.err = nil
	if got, err := top.Of(t.Context(), "shop", newer, noon().Add(5*time.Minute), a.ask); len(got) != 1 || err != nil {
		t.Errorf("five minutes later it has %q, %v", got, err)
	}
}

func TestPlansOfAnalyticsQueriesAreNoneOfTheProjects(t *testing.T) {
	own, known, broken := rehearse.Query{Name: "list", SQL: "SELECT 1"}, rehearse.Query{Name: "a", SQL: "SELECT 2"}, rehearse.Query{Name: "b", SQL: "SELECT 3"}
	plans := []rehearse.PlanChange{{Query: known, Before: []string{"SCAN t"}}, {Query: own}, {Query: broken}}
	mine, others := queries.Divide(plans, []rehearse.Query{known, broken})
	if len(mine) != 1 || mine[0].Query != own || len(others) != 1 || others[0].Query != known {
		t.Errorf("%+v and %+v", mine, others)
	}
}
