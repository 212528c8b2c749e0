// Package storetest holds the suites that every implementation of usage.Store and alert.Store passes, and a store in memory.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"towline/usage"
	"towline/usage/alert"
)

// Store is what one store keeps for this room and its alerts.
type Store interface {
	usage.Store
	alert.Store
}

// Run runs the suites. open returns the store of a test's own, empty at first; called again by the same test it opens the same one again, as a new
// process would.
func Run(t *testing.T, open func(t *testing.T) (reopen func() Store)) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, reopen func() Store)
	}{
		{"an hour comes back as it was counted", roundTrip},
		{"a day is made of its hours, and anew when one of them changes", daysOfHours},
		{"a day goes with the last of its hours", dayGone},
		{"a day keeps its figures when its hours are pruned", pruned},
		{"days are pruned by the month, and a subject is forgotten with its last sample", forgotten},
		{"subjects are apart, whatever they are called", subjects},
		{"a stretch is cut at the hour", stretches},
		{"a change that is refused changes nothing", refused},
		{"changes of one day do not overwrite each other", concurrent},
		{"marks are set one by one", marks},
		{"the state comes back as it was stored", state},
		{"any changes leave what a list of hours would have", anyChanges},
		{"alerts are kept by their ID, and go when they are dropped", alerts},
		{"too many alerts at once are refused whole", manyAlerts},
		{"a cancelled context stops every method", cancelled},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// at is an hour of some days around a month's end.
func at(day, hour int) time.Time { return time.Date(2026, 2, day, hour, 0, 0, 0, time.UTC) }

func hour(day, hour int, rows float64) usage.Sample {
	s := usage.Sample{At: at(day, hour), Hours: 1}
	s.Set(usage.RowsRead, rows)
	return s
}

func shop() usage.Subject { return usage.Subject{Kind: usage.Database, ID: "8f2c"} }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b usage.Sample) bool { return a == b })); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// set puts hours in the place of those of their days.
func set(t *testing.T, s usage.Store, of usage.Subject, m usage.Marks, from, to time.Time, hours ...usage.Sample) {
	t.Helper()
	must(t, s.Change(t.Context(), of, from, to, m, func([]usage.Sample) []usage.Sample { return hours }))
}

// forever is a stretch with everything in it.
func forever() (from, to time.Time) {
	return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
}

func hoursOf(t *testing.T, s usage.Store, of usage.Subject) []usage.Sample {
	t.Helper()
	from, to := forever()
	all, err := s.Hours(t.Context(), of, from, to)
	must(t, err)
	return all
}

func daysOf(t *testing.T, s usage.Store, of usage.Subject) []usage.Sample {
	t.Helper()
	from, to := forever()
	all, err := s.Days(t.Context(), of, from, to)
	must(t, err)
	return all
}

func roundTrip(t *testing.T, reopen func() Store) {
	full := usage.Sample{At: at(1, 0), Hours: 1}
	for _, f := range usage.Figures() {
		full.Set(f, float64(f)*1e9+1)
	}
	odd := usage.Sample{At: at(1, 3)}
	odd.Cover(usage.RowsRead, 0, 1)
	odd.Cover(usage.Errors, 7, 0)
	odd.Cover(usage.BatchP90, 3.14159265358979, 1)
	odd.Cover(usage.CPUP50, 812.125, 1)
	odd.Cover(usage.Storage, 1<<53, 0)
	odd.Cover(usage.CPUP99, 1e300, 0)
	level := usage.Sample{At: at(1, 23)}
	level.Cover(usage.Storage, 5e8, 1)
	want := []usage.Sample{full, odd, level}
	set(t, reopen(), shop(), nil, at(1, 0), at(2, 0), want...)
	s := reopen()
	same(t, "hours", hoursOf(t, s, shop()), want)
	same(t, "days", daysOf(t, s, shop()), []usage.Sample{usage.RollUp(at(1, 0), want)})
}

func daysOfHours(t *testing.T, reopen func() Store) {
	s := reopen()
	first := []usage.Sample{hour(27, 5, 10), hour(28, 0, 1), hour(28, 23, 2), hour(29, 4, 100)} // the 29th is the 1st of March
	set(t, s, shop(), nil, at(27, 0), at(30, 0), first...)
	days := func(want ...usage.Sample) {
		t.Helper()
		same(t, "days", daysOf(t, s, shop()), want)
	}
	days(usage.RollUp(at(27, 0), first[:1]), usage.RollUp(at(28, 0), first[1:3]), usage.RollUp(at(29, 0), first[3:]))
	s = reopen()
	must(t, s.Change(t.Context(), shop(), at(28, 0), at(29, 0), nil, func(hours []usage.Sample) []usage.Sample {
		same(t, "what is there", hours, first[1:3])
		return append(hours[:1], hour(28, 7, 50), hour(28, 23, 3))
	}))
	changed := []usage.Sample{hour(28, 0, 1), hour(28, 7, 50), hour(28, 23, 3)}
	days(usage.RollUp(at(27, 0), first[:1]), usage.RollUp(at(28, 0), changed), usage.RollUp(at(29, 0), first[3:]))
	day := usage.RollUp(at(28, 0), changed)
	if v, _ := day.Get(usage.RowsRead); v != 54 {
		t.Errorf("the day has %v rows", v)
	}
}

func dayGone(t *testing.T, reopen func() Store) {
	s := reopen()
	set(t, s, shop(), nil, at(1, 0), at(3, 0), hour(1, 4, 10), hour(2, 4, 20))
	set(t, s, shop(), nil, at(1, 0), at(2, 0))
	s = reopen()
	same(t, "hours", hoursOf(t, s, shop()), []usage.Sample{hour(2, 4, 20)})
	same(t, "days", daysOf(t, s, shop()), []usage.Sample{usage.RollUp(at(2, 0), []usage.Sample{hour(2, 4, 20)})})
}

func pruned(t *testing.T, reopen func() Store) {
	s := reopen()
	all := []usage.Sample{hour(1, 4, 10), hour(2, 4, 20), hour(3, 4, 30)}
	set(t, s, shop(), nil, at(1, 0), at(4, 0), all...)
	days := daysOf(t, s, shop())
	must(t, s.Prune(t.Context(), at(3, 23), at(3, 23).AddDate(-2, 0, 0)))
	s = reopen()
	same(t, "hours", hoursOf(t, s, shop()), all[2:])
	same(t, "days", daysOf(t, s, shop()), days)
	set(t, s, shop(), nil, at(1, 0), at(4, 0), hour(3, 4, 31))
	same(t, "days after a change of them all", daysOf(t, s, shop()), append(days[:2:2], usage.RollUp(at(3, 0), []usage.Sample{hour(3, 4, 31)})))
}

func forgotten(t *testing.T, reopen func() Store) {
	s := reopen()
	gone := usage.Subject{Kind: usage.Worker, ID: "gone"}
	set(t, s, gone, usage.Marks{usage.Invocations: at(28, 4)}, at(28, 0), at(29, 0), hour(28, 4, 10))
	set(t, s, shop(), usage.Marks{usage.Activity: at(29, 4)}, at(28, 0), at(30, 0), hour(28, 4, 10), hour(29, 4, 20))
	must(t, s.Prune(t.Context(), at(60, 0), at(28, 12))) // the month is not over
	same(t, "days", len(daysOf(t, s, gone)), 1)
	must(t, s.Prune(t.Context(), at(60, 0), at(29, 0)))
	s = reopen()
	same(t, "days of the one that is gone", len(daysOf(t, s, gone)), 0)
	same(t, "days of the other", len(daysOf(t, s, shop())), 1)
	left, err := s.Marks(t.Context())
	must(t, err)
	same(t, "marks", left, map[usage.Subject]usage.Marks{shop(): {usage.Activity: at(29, 4)}})
	must(t, s.Prune(t.Context(), at(60, 0), at(29, 0)))
	// One of which nothing was ever counted need not be asked about again.
	set(t, s, gone, usage.Marks{usage.Invocations: at(61, 0), usage.Activity: at(1, 0)}, at(28, 0), at(29, 0))
	must(t, s.Prune(t.Context(), at(60, 0), at(29, 0)))
	left, err = s.Marks(t.Context())
	must(t, err)
	same(t, "marks with the fresh one", len(left), 2)
}

func subjects(t *testing.T, reopen func() Store) {
	s := reopen()
	all := []usage.Subject{
		usage.Whole(), shop(), {Kind: usage.Worker, ID: "8f2c"}, {Kind: usage.Database, ID: "8f2"}, {Kind: usage.Database, ID: "8f2c/x"},
		{Kind: usage.Worker, ID: "api"}, {Kind: usage.Worker, ID: "api-2"}, {Kind: usage.Worker, ID: "%2F ü"},
	}
	for i, of := range all {
		set(t, s, of, nil, at(1, 0), at(2, 0), hour(1, i, float64(i)))
	}
	s = reopen()
	for i, of := range all {
		same(t, fmt.Sprint("hours of ", of), hoursOf(t, s, of), []usage.Sample{hour(1, i, float64(i))})
		same(t, fmt.Sprint("days of ", of), len(daysOf(t, s, of)), 1)
	}
	known, err := s.Marks(t.Context())
	must(t, err)
	same(t, "subjects", len(known), len(all))
	same(t, "hours of one that is not there", len(hoursOf(t, s, usage.Subject{Kind: usage.Worker, ID: "ap"})), 0)
}

func stretches(t *testing.T, reopen func() Store) {
	s := reopen()
	all := []usage.Sample{hour(1, 23, 1), hour(2, 0, 2), hour(2, 1, 3), hour(29, 0, 4)}
	set(t, s, shop(), nil, at(1, 0), at(30, 0), all...)
	for _, c := range []struct {
		name     string
		from, to time.Time
		want     []usage.Sample
	}{
		{"the end is not in it", at(1, 23), at(2, 1), all[:2]},
		{"the beginning is", at(2, 0), at(2, 1), all[1:2]},
		{"half an hour later it is not", at(2, 0).Add(30 * time.Minute), at(2, 2), all[2:3]},
		{"another zone is the same moment", at(2, 0).In(time.FixedZone("", -7*3600)), at(2, 1).In(time.FixedZone("", 9*3600)), all[1:2]},
		{"nothing is between two equal moments", at(2, 0), at(2, 0), nil},
		{"nothing is in a stretch that ends before it begins", at(3, 0), at(1, 0), nil},
		{"a gap has nothing", at(3, 0), at(28, 0), nil},
	} {
		got, err := s.Hours(t.Context(), shop(), c.from, c.to)
		must(t, err)
		same(t, c.name, got, c.want)
	}
	days, err := s.Days(t.Context(), shop(), at(2, 0), at(29, 0))
	must(t, err)
	same(t, "days", len(days), 1)
}

func refused(t *testing.T, reopen func() Store) {
	s, ctx := reopen(), t.Context()
	set(t, s, shop(), usage.Marks{usage.Activity: at(1, 1)}, at(1, 0), at(2, 0), hour(1, 4, 10))
	long := hour(1, 5, 1)
	long.Hours = 2
	for name, hours := range map[string][]usage.Sample{
		"of another day":         {hour(2, 0, 1)},
		"of the day before":      {hour(0, 23, 1)},
		"out of order":           {hour(1, 5, 1), hour(1, 4, 1)},
		"twice":                  {hour(1, 5, 1), hour(1, 5, 1)},
		"not a full hour":        {{At: at(1, 5).Add(time.Minute)}},
		"of more than one hour":  {long},
		"good, and then another": {hour(1, 5, 1), hour(9, 5, 1)},
	} {
		err := s.Change(ctx, shop(), at(1, 0), at(2, 0), usage.Marks{usage.Activity: at(1, 9)}, func([]usage.Sample) []usage.Sample { return hours })
		if err == nil {
			t.Errorf("an hour that is %s is taken", name)
		}
	}
	for name, days := range map[string][2]time.Time{"not whole": {at(1, 1), at(2, 0)}, "too many": {at(1, 0), at(33, 0)}} {
		if err := s.Change(ctx, shop(), days[0], days[1], nil, func(h []usage.Sample) []usage.Sample { return h }); err == nil {
			t.Errorf("days that are %s are taken", name)
		}
	}
	s = reopen()
	same(t, "hours", hoursOf(t, s, shop()), []usage.Sample{hour(1, 4, 10)})
	got, err := s.Marks(ctx)
	must(t, err)
	same(t, "marks", got, map[usage.Subject]usage.Marks{shop(): {usage.Activity: at(1, 1)}})
}

func concurrent(t *testing.T, reopen func() Store) {
	s := reopen()
	var group sync.WaitGroup
	for h := range 24 {
		group.Go(func() {
			if err := s.Change(t.Context(), shop(), at(1, 0), at(2, 0), nil, func(hours []usage.Sample) []usage.Sample {
				i := 0
				for i < len(hours) && hours[i].At.Before(at(1, h)) {
					i++
				}
				return append(append(hours[:i:i], hour(1, h, 1)), hours[i:]...)
			}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	days := daysOf(t, s, shop())
	if len(days) != 1 || days[0].Hours != 24 {
		t.Fatalf("%d days %+v", len(days), days)
	}
}

func marks(t *testing.T, reopen func() Store) {
	s := reopen()
	set(t, s, shop(), usage.Marks{usage.Activity: at(1, 1), usage.Sizes: at(1, 2)}, at(1, 0), at(2, 0), hour(1, 0, 1))
	set(t, s, shop(), usage.Marks{usage.Sizes: at(1, 0)}, at(1, 0), at(2, 0), hour(1, 0, 1)) // back as well
	set(t, s, shop(), nil, at(1, 0), at(2, 0), hour(1, 0, 2))
	set(t, s, usage.Whole(), nil, at(1, 0), at(2, 0), hour(1, 0, 1))
	s = reopen()
	got, err := s.Marks(t.Context())
	must(t, err)
	same(t, "marks", got, map[usage.Subject]usage.Marks{shop(): {usage.Activity: at(1, 1), usage.Sizes: at(1, 0)}, usage.Whole(): {}})
	got[shop()][usage.Activity] = at(9, 9)
	again, err := s.Marks(t.Context())
	must(t, err)
	same(t, "a mark that its reader changed", again[shop()][usage.Activity], at(1, 1))
}

func state(t *testing.T, reopen func() Store) {
	s, ctx := reopen(), t.Context()
	empty, err := s.State(ctx)
	must(t, err)
	same(t, "at first", empty, usage.State{Datasets: map[usage.Dataset]usage.Standing{}, Databases: map[string]usage.Stored{}})
	want := usage.State{
		Datasets: map[usage.Dataset]usage.Standing{
			usage.Activity: {Available: true, CountedTo: at(1, 1), Back: 31 * 24 * time.Hour}, usage.Queries: {Why: usage.NotAllowed},
		},
		LastPass: at(1, 2).Add(time.Minute), Trouble: usage.Busy, Listed: at(1, 2), Count: 7, Size: 1 << 40, Unsized: 1,
		Databases: map[string]usage.Stored{"shop": {ID: "8f2c", Name: "shop", Size: 12, Created: at(1, 0)}, "shop-preview": {ID: "9a", Name: "shop-preview"}},
	}
	must(t, s.PutState(ctx, want))
	kept := want
	kept.Databases = maps.Clone(want.Databases)
	want.Databases["shop"] = usage.Stored{}
	s = reopen()
	got, err := s.State(ctx)
	must(t, err)
	same(t, "state", got, kept)
}

// anyChanges compares a store with plain maps, whatever is done to it.
func anyChanges(t *testing.T, reopen func() Store) {
	s, run := reopen(), 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		of := usage.Subject{Kind: usage.Worker, ID: fmt.Sprint(run)}
		hours, days := map[time.Time]usage.Sample{}, map[time.Time]usage.Sample{}
		for range rapid.IntRange(1, 6).Draw(r, "changes") {
			from := rapid.IntRange(20, 40).Draw(r, "from")
			to := from + rapid.IntRange(1, 5).Draw(r, "days")
			var with []usage.Sample
			for _, h := range rapid.SliceOfNDistinct(rapid.IntRange(0, (to-from)*24-1), 0, 8, rapid.ID).Draw(r, "hours") {
				x := usage.Sample{At: at(from, h)}
				x.Cover(usage.RowsRead, float64(rapid.IntRange(0, 9).Draw(r, "rows")), rapid.IntRange(0, 1).Draw(r, "covers"))
				x.Cover(usage.BatchP90, rapid.Float64Range(0, 1e6).Draw(r, "time"), rapid.IntRange(0, 1).Draw(r, "covers"))
				with = append(with, x)
			}
			with = sorted(with)
			if err := s.Change(t.Context(), of, at(from, 0), at(to, 0), nil, func([]usage.Sample) []usage.Sample { return with }); err != nil {
				r.Fatal(err)
			}
			model(hours, days, at(from, 0), at(to, 0), with)
		}
		for what, c := range map[string]struct {
			got  []usage.Sample
			want map[time.Time]usage.Sample
		}{"hours": {hoursOf(t, s, of), hours}, "days": {daysOf(t, s, of), days}} {
			same := len(c.got) == len(c.want)
			for _, x := range c.got {
				same = same && x == c.want[x.At]
			}
			if !same {
				r.Fatalf("%s\n got %v\nwant %v", what, c.got, c.want)
			}
		}
	})
}

func alerts(t *testing.T, reopen func() Store) {
	s, ctx := reopen(), t.Context()
	none, err := s.Alerts(ctx)
	must(t, err)
	same(t, "at first", len(none), 0)
	a := alert.Alert{ID: "rows_read_per_day//2026-02-01", Limit: "rows_read_per_day", Since: at(1, 4), Used: 4.2e6, Most: 5e6, Percent: 80, Shown: true}
	b := alert.Alert{ID: "database_size/ü/2026-02-01", Limit: "database_size", Subject: shop(), Name: "shop", Reaches: at(28, 4)}
	must(t, s.PutAlerts(ctx, []alert.Alert{a, b}, nil))
	a.Over, a.Why = at(2, 0), alert.Reset
	must(t, s.PutAlerts(ctx, []alert.Alert{a}, []string{"not there"}))
	s = reopen()
	got, err := s.Alerts(ctx)
	must(t, err)
	same(t, "alerts", got, []alert.Alert{b, a})
	must(t, s.PutAlerts(ctx, nil, []string{b.ID}))
	got, err = s.Alerts(ctx)
	must(t, err)
	same(t, "after one was dropped", got, []alert.Alert{a})
}

func manyAlerts(t *testing.T, reopen func() Store) {
	s := reopen()
	all := make([]alert.Alert, alert.MostStored)
	for i := range all {
		all[i].ID = fmt.Sprintf("%03d", i)
	}
	must(t, s.PutAlerts(t.Context(), all, nil))
	if err := s.PutAlerts(t.Context(), all, []string{"000"}); err == nil {
		t.Error("one more than the most is taken")
	}
	got, err := s.Alerts(t.Context())
	must(t, err)
	same(t, "alerts", len(got), len(all))
}

func cancelled(t *testing.T, reopen func() Store) {
	s := reopen()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	from, to := forever()
	for name, call := range map[string]func() error{
		"Change": func() error {
			return s.Change(ctx, shop(), at(1, 0), at(2, 0), nil, func([]usage.Sample) []usage.Sample { return []usage.Sample{hour(1, 0, 1)} })
		},
		"Hours":     func() error { _, err := s.Hours(ctx, shop(), from, to); return err },
		"Days":      func() error { _, err := s.Days(ctx, shop(), from, to); return err },
		"Marks":     func() error { _, err := s.Marks(ctx); return err },
		"Prune":     func() error { return s.Prune(ctx, from, from) },
		"State":     func() error { _, err := s.State(ctx); return err },
		"PutState":  func() error { return s.PutState(ctx, usage.State{Count: 1}) },
		"Alerts":    func() error { _, err := s.Alerts(ctx); return err },
		"PutAlerts": func() error { return s.PutAlerts(ctx, []alert.Alert{{ID: "a"}}, nil) },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s returned %v", name, err)
		}
	}
	same(t, "hours", len(hoursOf(t, s, shop())), 0)
}
