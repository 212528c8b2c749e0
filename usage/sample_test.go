package usage_test

import (
	"fmt"
	"testing"
	"time"

	"towline/usage"
)

func TestADayAddsUpCountsAndKeepsTheMostOfLevels(t *testing.T) {
	at := began()
	var hours []usage.Sample
	for h := range 24 {
		s := usage.Sample{At: usage.Day(at).Add(time.Duration(h) * time.Hour), Hours: 1}
		s.Set(usage.RowsRead, 10)
		if h < 20 {
			s.Set(usage.Requests, 5) // four hours are a gap of another dataset
		}
		if h%12 == 3 {
			s.Set(usage.Storage, float64(100+h))
		}
		if h == 23 {
			s.Cover(usage.RowsRead, 4, 0) // so far
		}
		hours = append(hours, s)
	}
	d := usage.RollUp(at, hours)
	if d.Hours != 20 || !d.At.Equal(usage.Day(at)) {
		t.Errorf("the day at %s covers %d hours", d.At, d.Hours)
	}
	for f, want := range map[usage.Figure]string{
		usage.RowsRead: "234 of 23", usage.Requests: "100 of 20", usage.Storage: "115 of 2", usage.RowsWritten: "not counted",
	} {
		wantFigure(t, "the day", d, f, want)
	}
	week := d
	week.Add(d)
	wantFigure(t, "two days", week, usage.RowsRead, "468 of 46")
	wantFigure(t, "two days", week, usage.Storage, "115 of 4")
	wantFigure(t, "what they are made of", d, usage.RowsRead, "234 of 23")
	var none usage.Sample
	none.Add(usage.Sample{At: at})
	if !none.Empty() || none.Hours != 0 {
		t.Errorf("nothing and nothing is %+v", none)
	}
}

func TestADayOfLevelsAloneCoversNoCounts(t *testing.T) {
	s := usage.Sample{At: usage.Hour(began()), Hours: 1}
	s.Set(usage.Storage, 7)
	d := usage.RollUp(began(), []usage.Sample{s})
	if d.Hours != 0 || d.Covers(usage.Storage) != 1 || d.Covers(usage.RowsRead) != 0 {
		t.Errorf("%+v", d)
	}
}

func TestFiguresHaveNamesThatStay(t *testing.T) {
	want := "[rows_read rows_written read_queries write_queries errors storage_bytes batch_p90_ms requests cpu_p50_us cpu_p99_us databases api_calls]"
	if got := fmt.Sprint(usage.Figures()); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := usage.Figure(200).String(); got != "figure 200" {
		t.Errorf("an unknown one is %s", got)
	}
	var s usage.Sample
	s.Set(200, 1)
	s.Cover(200, 1, 1)
	if _, ok := s.Get(200); ok || !s.Empty() || s.Covers(200) != 0 {
		t.Errorf("an unknown figure was noted: %+v", s)
	}
}

func TestTheLastUseIsTheLastHourInWhichRowsWereReadOrWritten(t *testing.T) {
	w := newWorld()
	last := usage.Hour(began()).Add(-100 * time.Hour)
	w.busy = func(s usage.Subject, hour time.Time) bool { return s != preview() || !hour.After(last) }
	s := w.sampler(newStore())
	if _, _, known := s.LastUse(t.Context(), "shop"); known {
		t.Error("known before anything was counted")
	}
	sample(t, s)
	want := func(name string, at, since time.Time, known bool) {
		t.Helper()
		gotAt, gotSince, gotKnown := s.LastUse(t.Context(), name)
		if !gotAt.Equal(at) || !gotSince.Equal(since) || gotKnown != known {
			t.Errorf("%s: last used %s, counted since %s, known %v", name, gotAt, gotSince, gotKnown)
		}
	}
	first := usage.Day(began().Add(-31 * day))
	want("shop-preview", last, first, true)
	want("shop", usage.Hour(began()), first, true)
	want("not-made-yet", time.Time{}, time.Time{}, false)
	for range 3 {
		w.pass(20 * day)
		sample(t, s)
	}
	want("shop-preview", usage.Day(last), first, true) // its hours are gone
}

func TestADatabaseThatIsOnlyLookedAtIsNotUsed(t *testing.T) {
	w := newWorld()
	store := newStore()
	w.busy = func(s usage.Subject, _ time.Time) bool { return s.Kind == usage.Account }
	s := w.sampler(store)
	sample(t, s)
	look := usage.Sample{At: usage.Day(began()).Add(-day), Hours: 1}
	look.Set(usage.RowsRead, 0)
	look.Set(usage.ReadQueries, 2)
	if err := store.Change(t.Context(), preview(), look.At, look.At.Add(day), nil, func(hours []usage.Sample) []usage.Sample {
		return append([]usage.Sample{look}, hours[1:]...)
	}); err != nil {
		t.Fatal(err)
	}
	at, since, known := s.LastUse(t.Context(), "shop-preview")
	if !at.IsZero() || !since.Equal(usage.Day(began().Add(-31*day))) || !known {
		t.Errorf("last used %s, counted since %s, known %v", at, since, known)
	}
}
