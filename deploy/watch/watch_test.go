package watch_test

import (
	"slices"
	"testing"
	"time"

	"towline/deploy/watch"
)

func n(v int64) *int64 { return &v }

func ms(v float64) *time.Duration {
	d := time.Duration(v * float64(time.Millisecond))
	return &d
}

// calm is an hour of a shop in which nothing is wrong.
func calm() watch.Stretch {
	return watch.Stretch{
		Queries: n(10_000), Failed: n(12), RowsRead: n(340_000), BatchP90: ms(12), Requests: n(4000), Errors: n(8), CPUP99: ms(6), Listed: true,
		Top: []watch.Query{
			{SQL: "SELECT * FROM orders WHERE id = ?", Runs: 6000, Failed: 0, RowsRead: 6000, P95: 4 * time.Millisecond},
			{SQL: "SELECT * FROM items WHERE order_id = ?", Runs: 3500, RowsRead: 334_000, P95: 9 * time.Millisecond},
			{SQL: "INSERT INTO users (name) VALUES (?)", Runs: 400, Failed: 12, P95: 6 * time.Millisecond},
		},
	}
}

// after is the time after a promote: half an hour as calm as before, but for a change.
func after(change func(*watch.Stretch)) watch.Stretch {
	s := calm()
	s.Queries, s.Failed, s.RowsRead, s.Requests, s.Errors = n(5000), n(6), n(170_000), n(2000), n(4)
	for i := range s.Top {
		s.Top[i].Runs, s.Top[i].Failed, s.Top[i].RowsRead = s.Top[i].Runs/2, s.Top[i].Failed/2, s.Top[i].RowsRead/2
	}
	if change != nil {
		change(&s)
	}
	return s
}

func weeks(count int) (list []watch.Stretch) {
	for range count {
		list = append(list, calm())
	}
	return list
}

// found are the things that are worse, by what they are about.
func found(r watch.Result) (all []string) {
	for _, f := range r.Worse {
		all = append(all, f.What)
	}
	return all
}

func TestWhatIsClearlyWorseIsFoundAndNothingElse(t *testing.T) {
	query := func(q watch.Query) func(*watch.Stretch) {
		return func(s *watch.Stretch) { s.Top = append(s.Top, q) }
	}
	for _, c := range []struct {
		name   string
		change func(*watch.Stretch)
		want   []string
	}{
		{"nothing changed", nil, nil},
		{"one query in fifty fails", func(s *watch.Stretch) { s.Failed = n(100) }, []string{watch.Errors}},
		{"a few more fail than usual", func(s *watch.Stretch) { s.Failed = n(14) }, nil},
		{"batches take three times as long", func(s *watch.Stretch) { s.BatchP90 = ms(40) }, []string{watch.Latency}},
		{"batches take a little longer", func(s *watch.Stretch) { s.BatchP90 = ms(16) }, nil},
		{"three times a hardly measurable time is nothing", func(s *watch.Stretch) { s.BatchP90 = ms(31) }, nil},
		{"an index is gone", func(s *watch.Stretch) {
			s.RowsRead = n(6_000_000)
			s.Top[1].RowsRead = 5_997_000
		}, []string{watch.Rows}},
		{"somebody looked at everything three times", func(s *watch.Stretch) {
			s.RowsRead = n(6_000_000)
			s.Top = append(s.Top, watch.Query{SQL: "SELECT * FROM orders", Runs: 3, RowsRead: 5_830_000, P95: 2 * time.Second})
		}, nil},
		{"a new query fails", query(watch.Query{SQL: "SELECT vat FROM items", Runs: 40, Failed: 40}), []string{watch.Failing}},
		{"a new query fails now and then", query(watch.Query{SQL: "INSERT INTO tags VALUES (?)", Runs: 400, Failed: 12}), nil},
		{"a query fails that did not", func(s *watch.Stretch) { s.Top[0].Failed = 60 }, []string{watch.Failing}},
		{"a query fails as often as ever", func(s *watch.Stretch) { s.Top[2].Failed = 11 }, nil},
		{"a new query is slow", query(watch.Query{SQL: "SELECT sum(total) FROM orders", Runs: 12, RowsRead: 900, P95: 800 * time.Millisecond}), []string{watch.Slow}},
		{"a new query is slow, twice", query(watch.Query{SQL: "SELECT sum(total) FROM orders", Runs: 2, P95: 800 * time.Millisecond}), nil},
		{"a query takes thirty times as long", func(s *watch.Stretch) { s.Top[0].P95 = 120 * time.Millisecond }, []string{watch.Slow}},
		{"a new query reads a table each time", query(watch.Query{SQL: "SELECT * FROM items WHERE sku = ?", Runs: 20, RowsRead: 400_000, P95: 40 * time.Millisecond}), []string{watch.Scans}},
		{"a Worker fails", func(s *watch.Stretch) { s.Errors = n(90) }, []string{watch.WorkerErrors}},
		{"a Worker needs three times the CPU", func(s *watch.Stretch) { s.CPUP99 = ms(19) }, []string{watch.WorkerCPU}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := watch.Judge(watch.Case{After: after(c.change), Weeks: weeks(4), Workers: true})
			want := watch.Well
			if len(c.want) > 0 {
				want = watch.Worse
			}
			if got := found(r); !slices.Equal(got, c.want) || r.Verdict != want || r.Weeks != 4 || !r.ByWeeks {
				t.Errorf("%s: %q, by %d weeks", r.Verdict, got, r.Weeks)
			}
		})
	}
}

func TestAFigureSaysWhatItIsAndWhatIsUsual(t *testing.T) {
	r := watch.Judge(watch.Case{After: after(func(s *watch.Stretch) {
		s.Failed, s.RowsRead = n(100), n(6_000_000)
		s.Top[1].RowsRead = 5_997_000
	}), Weeks: weeks(3), Workers: true})
	want := []watch.Figure{
		{What: watch.Errors, Now: 0.02, Usual: 0.0012},
		{What: watch.Rows, Now: 1200, Usual: 34, Query: "SELECT * FROM items WHERE order_id = ?", Runs: 1750},
	}
	if !slices.Equal(r.Worse, want) {
		t.Errorf("worse: %+v", r.Worse)
	}
	if well := (watch.Figure{What: watch.Latency, Now: 12, Usual: 12}); !slices.Contains(r.Well, well) || len(r.Well) != 3 {
		t.Errorf("well: %+v", r.Well)
	}
}

func TestWhatCannotBeSeenIsNeverWell(t *testing.T) {
	quiet := calm()
	quiet.Queries, quiet.Requests = n(20), n(20)
	blind := calm()
	blind.Queries, blind.Failed, blind.RowsRead, blind.BatchP90 = nil, nil, nil, nil
	hours := calm()
	for _, c := range []struct {
		name  string
		of    watch.Case
		want  watch.Verdict
		aside []string
	}{
		{"too little traffic after it", watch.Case{After: quiet, Weeks: weeks(4), Workers: true}, watch.Little, []string{watch.DatabaseLittle, watch.WorkersLittle}},
		{"nothing before it", watch.Case{After: calm(), Workers: true}, watch.Alone, []string{watch.DatabaseAlone, watch.WorkersAlone}},
		{"too little before it", watch.Case{After: calm(), Weeks: []watch.Stretch{quiet, quiet}, Hours: &quiet}, watch.Alone, []string{watch.DatabaseAlone}},
		{"the hours before, where the weeks say too little", watch.Case{After: calm(), Weeks: []watch.Stretch{quiet}, Hours: &hours}, watch.Well, nil},
		{"Workers that are well beside a database that was not counted", watch.Case{After: blind, Weeks: weeks(4), Workers: true}, watch.Unseen, []string{watch.DatabaseUncounted}},
		{"Workers that were not counted", watch.Case{After: after(func(s *watch.Stretch) { s.Requests = nil }), Weeks: weeks(4), Workers: true}, watch.Well, []string{watch.WorkersUncounted}},
		{"queries that were not listed", watch.Case{After: after(func(s *watch.Stretch) { s.Top, s.Listed = nil, false }), Weeks: weeks(4)}, watch.Well, []string{watch.Unlisted}},
		{"a backfill at the same time", watch.Case{After: after(func(s *watch.Stretch) { s.BatchP90, s.RowsRead = ms(90), n(9_000_000) }), Weeks: weeks(4), Busy: true}, watch.Well, []string{watch.Backfilled}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := watch.Judge(c.of); r.Verdict != c.want || !slices.Equal(r.Aside, c.aside) || len(r.Worse) > 0 {
				t.Errorf("%s, aside %q, worse %+v", r.Verdict, r.Aside, r.Worse)
			}
		})
	}
}

func TestAWorkerThatFailsIsToldThoughTheDatabaseHadLittleToDo(t *testing.T) {
	a := after(func(s *watch.Stretch) { s.Queries, s.Errors = n(3), n(400) })
	if r := watch.Judge(watch.Case{After: a, Weeks: weeks(2), Workers: true}); r.Verdict != watch.Worse || !slices.Equal(found(r), []string{watch.WorkerErrors}) || r.Weeks != 2 {
		t.Errorf("%+v", r)
	}
}

func TestAFirstReleaseOfWhichATenthFailsIsToldWithoutAnythingToCompareItWith(t *testing.T) {
	a := after(func(s *watch.Stretch) { s.Failed = n(900) })
	if r := watch.Judge(watch.Case{After: a}); r.Verdict != watch.Worse || len(r.Worse) != 1 || !r.Worse[0].New {
		t.Errorf("%+v", r)
	}
	a.Failed = n(60)
	if r := watch.Judge(watch.Case{After: a}); r.Verdict != watch.Alone {
		t.Errorf("%+v", r)
	}
}

func TestOneBadWeekIsNotWhatIsUsual(t *testing.T) {
	bad := calm()
	bad.Failed, bad.BatchP90 = n(900), ms(300)
	list := append(weeks(3), bad)
	r := watch.Judge(watch.Case{After: after(nil), Weeks: list})
	if r.Verdict != watch.Well || r.Well[0].Usual != 0.0012 {
		t.Errorf("%+v", r)
	}
}

func TestFewerSmallQueriesAreNoMoreRows(t *testing.T) {
	spans := func(now time.Duration) (after func(change func(*watch.Stretch)) watch.Stretch, before []watch.Stretch) {
		before = weeks(4)
		for i := range before {
			before[i].Span = time.Hour
		}
		return func(change func(*watch.Stretch)) watch.Stretch {
			s := calm()
			s.Span, s.Failed = now, n(0)
			change(&s)
			return s
		}, before
	}
	for _, c := range []struct {
		name   string
		span   time.Duration
		change func(*watch.Stretch)
		want   []string
	}{
		{"a cache answers the small ones", time.Hour, func(s *watch.Stretch) {
			s.Queries, s.RowsRead, s.Top = n(4000), n(334_000), s.Top[1:]
		}, nil},
		{"one query does what a hundred did", time.Hour, func(s *watch.Stretch) {
			s.Queries, s.RowsRead = n(600), n(334_000)
			s.Top = []watch.Query{{SQL: "SELECT * FROM items WHERE order_id IN (?, …)", Runs: 200, RowsRead: 334_000, P95: 20 * time.Millisecond}, {SQL: s.Top[2].SQL, Runs: 400}}
		}, nil},
		{"the same in a tenth of the time", 6 * time.Minute, func(s *watch.Stretch) {
			s.Queries, s.RowsRead, s.Top = n(4000), n(334_000), s.Top[1:]
		}, []string{"rows"}},
		{"a quiet day on which one that was there reads four times as much", time.Hour, func(s *watch.Stretch) {
			s.Queries, s.RowsRead, s.Top = n(1000), n(133_600), s.Top[1:2]
			s.Top[0].Runs, s.Top[0].RowsRead = 350, 133_600
		}, []string{"rows"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			after, before := spans(c.span)
			if r := watch.Judge(watch.Case{After: after(c.change), Weeks: before}); !slices.Equal(found(r), c.want) {
				t.Errorf("%s: %+v", r.Verdict, r.Worse)
			}
		})
	}
}
