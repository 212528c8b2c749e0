package usage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"towline/usage"
)

// wantTruth compares the whole days of a subject, from one to another (exclusive), with what happened.
func wantTruth(t interface {
	Helper()
	Errorf(string, ...any)
}, days map[time.Time]usage.Sample, of usage.Subject, from, to time.Time) {
	t.Helper()
	for at := from; at.Before(to); at = at.Add(day) {
		if got, want := figure(days[at], usage.RowsRead), fmt.Sprintf("%g of 24", truth(of, at)); got != want {
			t.Errorf("%s: %s, want %s", at.Format(time.DateOnly), got, want)
		}
	}
}

func TestAWeekWithAChangeToSummerTimeIsCountedOnce(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	w := newWorld().forgetting(3 * day)
	s := w.sampler(newStore())
	sample(t, s)
	w.now = w.now.In(berlin)
	for range 8 * 24 {
		w.pass(time.Hour)
		sample(t, s)
	}
	wantTruth(t, daysOf(t, s, shop()), shop(), usage.Day(began()), usage.Day(began()).Add(8*day))
	seen := map[time.Time]bool{}
	for _, h := range hoursOf(t, s, shop()) {
		if seen[h.At] || h.At.Location() != time.UTC {
			t.Errorf("the hour %s is there twice, or in another zone", h.At)
		}
		seen[h.At] = true
	}
}

func TestAClockThatWasAheadLeavesNothingBehind(t *testing.T) {
	w, store, s := start(t)
	w.busy = func(s usage.Subject, hour time.Time) bool { return s != preview() || hour.Hour() > 11 }
	w.skew = 30 * time.Hour
	sample(t, s)
	w.skew = 0
	sample(t, s)
	for _, of := range []usage.Subject{usage.Whole(), shop(), preview(), api()} {
		all := hoursOf(t, s, of)
		if last := all[len(all)-1]; last.At.After(usage.Hour(w.now)) {
			t.Errorf("%v has an hour of the future, %s", of, last.At)
		}
		if d, there := daysOf(t, s, of)[usage.Day(w.now).Add(day)]; there {
			t.Errorf("%v has a day of the future: %+v", of, d)
		}
	}
	w.pass(50 * time.Hour)
	s = w.sampler(store)
	sample(t, s)
	wantTruth(t, daysOf(t, s, shop()), shop(), usage.Day(began()), usage.Day(w.now))
	want := 0.0
	for h := 12; h < 24; h++ {
		want += rows(preview(), usage.Day(w.now).Add(time.Duration(h-24)*time.Hour))
	}
	wantFigure(t, "one that works half the day", daysOf(t, s, preview())[usage.Day(w.now).Add(-day)], usage.RowsRead, fmt.Sprintf("%g of 24", want))
}

func TestAClockThatWentBackCostsNothing(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, -26 * time.Hour, -20 * day} {
		t.Run(skew.String(), func(t *testing.T) {
			w, store, s := start(t)
			w.pass(day)
			sample(t, s)
			w.skew = skew
			sample(t, s)
			w.skew = 0
			w.pass(day)
			s = w.sampler(store)
			sample(t, s)
			wantTruth(t, daysOf(t, s, shop()), shop(), usage.Day(began().Add(-30*day)), usage.Day(w.now))
		})
	}
}

func TestAClockFarAheadPrunesNothing(t *testing.T) {
	w, _, s := start(t)
	before := len(hoursOf(t, s, shop()))
	w.skew = 3 * 366 * day
	sample(t, s)
	w.skew = 0
	sample(t, s)
	if after := len(hoursOf(t, s, shop())); after < before {
		t.Errorf("%d hours became %d", before, after)
	}
}

func TestHoursArePrunedAfterFiveWeeksAndDaysAfterTwoYears(t *testing.T) {
	w := newWorld().forgetting(8 * day)
	s := w.sampler(newStore())
	sample(t, s)
	for range 13 {
		w.pass(7 * day)
		sample(t, s)
	}
	hours := hoursOf(t, s, shop())
	if oldest := hours[0].At; oldest.Before(w.now.Add(-36*day)) || oldest.After(w.now.Add(-35*day)) {
		t.Errorf("the oldest hour is %s old", w.now.Sub(oldest))
	}
	wantTruth(t, daysOf(t, s, shop()), shop(), usage.Day(began().Add(-7*day)), usage.Day(w.now))
	for range 14 {
		w.pass(60 * day)
		sample(t, s)
	}
	oldest := w.now
	for at := range daysOf(t, s, shop()) {
		if at.Before(oldest) {
			oldest = at
		}
	}
	if age := w.now.Sub(oldest); age < usage.DaysKept-60*day || age > usage.DaysKept+32*day {
		t.Errorf("the oldest day is %s old", age)
	}
}

// TestWhateverHappensNothingIsCountedTwice lets passes, restarts, downtime, failures and wrong clocks follow one another.
func TestWhateverHappensNothingIsCountedTwice(t *testing.T) {
	most := 12
	if testing.Short() {
		most = 4
	}
	rapid.Check(t, func(r *rapid.T) {
		w, store := newWorld().forgetting(6*day), newStore()
		s, ctx := w.sampler(store), context.Background()
		if err := s.Sample(ctx); err != nil {
			r.Fatal(err)
		}
		for range rapid.IntRange(1, most).Draw(r, "steps") {
			switch rapid.SampledFrom([]string{"an hour", "some hours", "days", "restart", "failure", "wrong clock", "lag"}).Draw(r, "step") {
			case "an hour":
				w.pass(time.Hour)
			case "some hours":
				w.pass(time.Duration(rapid.IntRange(1, 60).Draw(r, "minutes")) * 17 * time.Minute)
			case "days":
				w.pass(time.Duration(rapid.IntRange(1, 3).Draw(r, "days")) * day)
			case "restart":
				s = w.sampler(store)
			case "failure":
				d := rapid.SampledFrom(usage.AllDatasets()).Draw(r, "dataset")
				w.fails[d] = rapid.SampledFrom([]error{usage.ErrBusy, usage.ErrNotAllowed, errors.New("half an answer")}).Draw(r, "error")
				_ = s.Sample(ctx)
				delete(w.fails, d)
				w.pass(time.Hour)
			case "wrong clock":
				w.skew = time.Duration(rapid.IntRange(-47, 47).Draw(r, "hours")) * time.Hour
				_ = s.Sample(ctx)
				w.skew = 0
			case "lag":
				w.lag = time.Duration(rapid.IntRange(0, 300).Draw(r, "minutes")) * time.Minute
			}
			if err := s.Sample(ctx); err != nil {
				r.Fatal(err)
			}
		}
		w.pass(12 * time.Hour)
		if err := s.Sample(ctx); err != nil {
			r.Fatal(err)
		}
		for _, of := range []usage.Subject{usage.Whole(), shop(), preview()} {
			all, err := s.Days(ctx, of, began().AddDate(0, -2, 0), w.now)
			if err != nil {
				r.Fatal(err)
			}
			days := map[time.Time]usage.Sample{}
			for _, d := range all {
				days[d.At] = d
			}
			wantTruth(r, days, of, usage.Day(began()).Add(-5*day), usage.Day(w.now.Add(-6*time.Hour)))
		}
	})
}

func TestThoseWhoWaitAreToldOfEachPassThatStored(t *testing.T) {
	w := newWorld()
	s := w.sampler(newStore())
	first := s.Changed()
	told := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	if told(first) {
		t.Error("told of nothing")
	}
	w.listing, w.asking = errors.New("gone"), errors.New("gone")
	if err := s.Sample(t.Context()); err == nil {
		t.Error("the pass had no trouble")
	}
	w.listing, w.asking = nil, nil
	sample(t, s)
	second := s.Changed()
	if !told(first) || told(second) {
		t.Errorf("told %v of the first pass, and %v of one that was not", told(first), told(second))
	}
	sample(t, s)
	if !told(second) {
		t.Error("not told of the second pass")
	}
}

func TestWhatIsNewIsReadableBeforeTheGapsAreFilled(t *testing.T) {
	w := newWorld()
	s := w.sampler(newStore())
	first, seen := s.Changed(), false
	w.hook = func() {
		select {
		case <-first:
			if !seen {
				days := daysOf(t, s, shop())
				wantFigure(t, "today", days[usage.Day(began())], usage.ReadQueries, "13 of 6") // six whole hours and half of this one
				seen = true
			}
		default:
		}
	}
	sample(t, s)
	if !seen {
		t.Error("the gaps were filled first")
	}
}

func TestAPassThatIsStoppedGoesOnWhereItWas(t *testing.T) {
	for stopAt := 1; stopAt <= 12; stopAt++ { // four questions of what is new, and two for each of four gaps
		w, store := newWorld().forgetting(12*day), newStore()
		s := w.sampler(store)
		ctx, stop := context.WithCancel(t.Context())
		n := 0
		w.hook = func() {
			if n++; n == stopAt {
				stop()
			}
		}
		if err := s.Sample(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at question %d of %d, it returned %v", stopAt, n, err)
		}
		stop()
		w.hook = nil
		s = w.sampler(store)
		sample(t, s)
		wantTruth(t, daysOf(t, s, shop()), shop(), usage.Day(began()).Add(-11*day), usage.Day(began()))
		worker := daysOf(t, s, api())[usage.Day(began()).Add(-day)]
		wantFigure(t, "the Worker", worker, usage.Requests, fmt.Sprintf("%g of 24", truth(api(), worker.At)))
	}
}

func TestASamplerWithoutASourceOnlyReads(t *testing.T) {
	_, store, _ := start(t)
	s := usage.New(usage.Options{Store: store, Now: began})
	if err := s.Sample(t.Context()); !errors.Is(err, usage.ErrNoSource) {
		t.Errorf("a pass returned %v", err)
	}
	if of, ok := s.Subject("shop"); !ok || of != shop() || len(hoursOf(t, s, of)) == 0 {
		t.Errorf("shop is %v, %v", of, ok)
	}
}

func TestAProcessThatDiesAtAnyWriteLeavesAStoreToGoOnWith(t *testing.T) {
	for _, done := range []bool{false, true} { // whether the last write took place
		died := true
		for at := 1; died; at++ {
			w, store := newWorld().forgetting(4*day), newStore()
			dying := &mortal{Store: store, left: at, done: done}
			err := w.sampler(dying).Sample(t.Context())
			if died = dying.left <= 0; died != (err != nil) {
				t.Fatalf("write %d: %v", at, err)
			}
			w.pass(2 * time.Hour)
			s := w.sampler(store)
			sample(t, s)
			for _, of := range []usage.Subject{usage.Whole(), shop()} {
				wantTruth(t, daysOf(t, s, of), of, usage.Day(began()).Add(-3*day), usage.Day(began()))
			}
		}
	}
}

// mortal is a store whose process ends at a write, before it or after.
type mortal struct {
	usage.Store
	left int
	done bool
}

var errDead = errors.New("the process is gone")

func (m *mortal) dies(write func() error) error {
	if m.left--; m.left > 0 {
		return write()
	}
	if m.done && m.left == 0 {
		return errors.Join(write(), errDead)
	}
	return errDead
}

func (m *mortal) Change(ctx context.Context, s usage.Subject, from, to time.Time, marks usage.Marks, fn func([]usage.Sample) []usage.Sample) error {
	return m.dies(func() error { return m.Store.Change(ctx, s, from, to, marks, fn) })
}

func (m *mortal) PutState(ctx context.Context, s usage.State) error {
	return m.dies(func() error { return m.Store.PutState(ctx, s) })
}

func (m *mortal) Prune(ctx context.Context, hours, days time.Time) error {
	return m.dies(func() error { return m.Store.Prune(ctx, hours, days) })
}
