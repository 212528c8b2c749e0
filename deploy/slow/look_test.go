package slow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/deploy/queries"
	"towline/deploy/slow"
)

// released is the shop with a release that went live some time ago, and the queries since and before.
func released(t *testing.T, ago time.Duration) (*shop, slow.App) {
	t.Helper()
	s := open(t, shopping)
	s.before, s.after = sold()
	s.turn = noon().Add(-ago)
	return s, slow.App{Project: "shop", Database: "shop", Release: 1, LiveSince: s.turn}
}

func look(t *testing.T, s *shop, app slow.App) slow.Report {
	t.Helper()
	r, err := slow.Look(t.Context(), app, s, slow.Options{Now: noon(), Within: endless})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheCostliestQueriesSinceTheReleaseAreBesideThoseBeforeIt(t *testing.T) {
	s, app := released(t, 48*time.Hour)
	r := look(t, s, app)
	texts := func(places []int) (list []string) {
		for _, i := range places {
			list = append(list, strings.Join(strings.Fields(r.Queries[i].SQL)[:4], " "))
		}
		return list
	}
	for _, tt := range []struct {
		what      string
		got, want []string
	}{
		{"by rows read", texts(r.ByRead), []string{"SELECT * FROM orders", "SELECT id FROM users", "SELECT name FROM users"}},
		{"by time", texts(r.ByTime), []string{"SELECT name FROM users", "SELECT * FROM orders", "SELECT id FROM users"}},
		{"by rows read for one returned", texts(r.ByRatio), []string{"SELECT * FROM orders", "SELECT id FROM users"}},
	} {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s: %q", tt.what, tt.got)
		}
	}
	mine, byEmail, key := r.Queries[0], r.Queries[1], r.Queries[2]
	if !mine.New || mine.Was != nil || !byEmail.Worse || byEmail.Was == nil || key.New || key.Worse {
		t.Errorf("new %v %v %v, worse %v %v %v", mine.New, byEmail.New, key.New, mine.Worse, byEmail.Worse, key.Worse)
	}
	i := mine.Index
	if i == nil || !slices.Equal(i.SQL, []string{"CREATE INDEX orders_user_id_created_at ON orders (user_id, created_at);"}) || !slices.Equal(i.Down, []string{"DROP INDEX orders_user_id_created_at;"}) {
		t.Fatalf("index %+v", i)
	}
	// 300 runs in two days read 2,000 each and return 4; the stretch is a fifteenth of a month. 40 rows were inserted.
	if !i.AtLeast || i.Each != 4 || i.Spares != 300*1996*15 || i.Writes != 40*15 {
		t.Errorf("each %v, at least %v, spares %d, writes %d", i.Each, i.AtLeast, i.Spares, i.Writes)
	}
	if key.Index != nil || !strings.Contains(key.Plan[0], "INTEGER PRIMARY KEY") {
		t.Errorf("a key was given %+v", key.Index)
	}
}

func TestAStretchIsTheTimeSinceTheReleaseAndAsLongBeforeIt(t *testing.T) {
	const hour, day = time.Hour, 24 * time.Hour
	for what, tt := range map[string]struct {
		live, from, beforeFrom, beforeTo time.Duration // ago; 0: none
		questions                        int
	}{
		"two days ago":                     {live: 2 * day, from: 2 * day, beforeFrom: 4 * day, beforeTo: 2 * day, questions: 5},
		"just an hour ago":                 {live: hour, from: hour, beforeFrom: 2 * hour, beforeTo: hour, questions: 5},
		"too little since":                 {live: hour - 1, from: day, questions: 3},
		"a week is looked at":              {live: 10 * day, from: 7 * day, beforeFrom: 17 * day, beforeTo: 10 * day, questions: 5},
		"Cloudflare tells of 31 days":      {live: 28 * day, from: 7 * day, beforeFrom: 31 * day, beforeTo: 28 * day, questions: 5},
		"there is nothing to compare with": {live: 32 * day, from: 7 * day, questions: 3},
		"nothing is live":                  {from: 7 * day, questions: 3},
	} {
		t.Run(what, func(t *testing.T) {
			s, app := released(t, tt.live)
			if tt.live == 0 {
				app = slow.App{Project: "shop", Database: "shop"}
				s.turn = time.Time{}
			}
			r := look(t, s, app)
			at := func(ago time.Duration) time.Time {
				if ago == 0 {
					return time.Time{}
				}
				return noon().Add(-ago)
			}
			if !r.To.Equal(noon()) || !r.From.Equal(at(tt.from)) || !r.BeforeFrom.Equal(at(tt.beforeFrom)) || !r.BeforeTo.Equal(at(tt.beforeTo)) {
				t.Errorf("from %s to %s, before from %s to %s", r.From, r.To, r.BeforeFrom, r.BeforeTo)
			}
			if compared := r.Queries[0].New; compared != !r.BeforeTo.IsZero() || s.questions != tt.questions {
				t.Errorf("compared %t, %d questions", compared, s.questions)
			}
		})
	}
}

func TestQueriesThatDifferInTheirValuesAloneAreOne(t *testing.T) {
	s, app := released(t, 48*time.Hour)
	s.before, s.after = nil, nil
	for i := range 150 {
		s.before = append(s.before, queries.Count{SQL: fmt.Sprintf("SELECT * FROM orders WHERE user_id = %d", i+100), Runs: 1, RowsRead: 900})
		s.after = append(s.after, queries.Count{SQL: fmt.Sprintf("SELECT * FROM orders WHERE user_id = %d", i+1000), Runs: 2, RowsRead: 2000, Time: time.Second})
	}
	r := look(t, s, app)
	if len(r.Queries) != 1 {
		t.Fatalf("%+v", r.Queries)
	}
	if q := r.Queries[0]; q.Runs != 300 || q.RowsRead != 300_000 || q.New || q.Was == nil || q.Was.Runs != 150 || q.Index == nil {
		t.Errorf("%+v", q)
	}
}

func TestWithACopyOfTheDataItIsCountedWhatAnIndexLeavesToBeRead(t *testing.T) {
	s, app := released(t, 48*time.Hour)
	s.data, s.copied = s.holds(shopping+rows), noon().Add(-time.Hour)
	r := look(t, s, app)
	if i := r.Queries[0].Index; !r.Copied.Equal(s.copied) || i == nil || i.AtLeast || i.Each != 5 { // four orders of somebody, and the end
		t.Errorf("copied %s, index %+v", r.Copied, i)
	}
}

func TestNoValueOfATextIsInAReport(t *testing.T) {
	s, app := released(t, 48*time.Hour)
	s.after = []queries.Count{{SQL: "SELECT * FROM users WHERE name LIKE '%Ada Lead%' -- for Reviewer", Runs: 9, RowsRead: 4500, RowsReturned: 9}}
	s.before = []queries.Count{{SQL: "SELECT * FROM users WHERE name LIKE '%Bo Reviewer%'", Runs: 9, RowsRead: 4500, RowsReturned: 9}}
	r := look(t, s, app)
	q := r.Queries[0]
	if q.Was == nil || len(q.Notes) == 0 || q.Refused != "" {
		t.Fatalf("%+v", q)
	}
	for _, text := range []string{q.SQL, q.Was.SQL, q.Notes[0].Part} {
		if strings.Contains(text, "Lead") || strings.Contains(text, "Reviewer") || !strings.Contains(text, "'%…%'") {
			t.Errorf("%s", text)
		}
	}
}

func TestWhatCannotBeTriedIsSaidBesideTheFigures(t *testing.T) {
	s, app := released(t, 48*time.Hour)
	s.err = errors.New("read database shop: D1 is busy")
	if r := look(t, s, app); r.Untried != s.err.Error() || len(r.Queries) != 3 || r.Queries[0].Index != nil {
		t.Errorf("%+v", r)
	}
	s.err = nil
	r, err := slow.Look(t.Context(), app, s, slow.Options{Now: noon(), Within: func(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, 0)
	}})
	if err != nil || r.Untried != "it takes more than 20s here" || len(r.Queries) != 3 {
		t.Errorf("%+v, %v", r, err)
	}
	s.uncounted = errors.New("not authorized")
	if r, err := slow.Look(t.Context(), app, s, slow.Options{Now: noon()}); !errors.Is(err, s.uncounted) || r.App != app {
		t.Errorf("%+v, %v", r, err)
	}
	s.uncounted = nil
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := slow.Look(stopped, app, s, slow.Options{Now: noon()}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}
