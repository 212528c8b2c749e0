package usage_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"towline/sandbox/parts"
	"towline/usage"
	"towline/usage/storetest"
)

func TestMain(m *testing.M) { parts.Main(m) }

const day = 24 * time.Hour

// world is an account at Cloudflare: what happened in it is known for each hour, and its analytics tell it late and forget it.
type world struct {
	mu      sync.Mutex
	now     time.Time
	skew    time.Duration // of the bot's clock
	lag     time.Duration
	back    time.Duration
	stored  []usage.Stored
	busy    func(s usage.Subject, hour time.Time) bool // whether anything happens; nil: always
	bounds  map[usage.Dataset]usage.Bounds
	fails   map[usage.Dataset]error
	listing error
	asking  error
	lacks   map[usage.Figure]bool // figures that this account's schema does not have
	asked   []string
	longest time.Duration // of the stretches that were asked for
	hook    func()        // before each question about hours
}

// began is a Monday in the week before Europe changes to summer time.
func began() time.Time { return time.Date(2026, 3, 23, 9, 20, 0, 0, time.UTC) }

func newWorld() *world {
	w := &world{
		now: began(), lag: 10 * time.Minute, back: 31 * day, fails: map[usage.Dataset]error{}, lacks: map[usage.Figure]bool{},
		stored: []usage.Stored{{ID: "id-shop", Name: "shop", Size: 4000}, {ID: "id-preview", Name: "shop-preview", Size: 300}, {ID: "id-other", Name: "other", Size: 70}},
	}
	w.bounds = map[usage.Dataset]usage.Bounds{}
	for _, d := range usage.AllDatasets() {
		w.bounds[d] = usage.Bounds{Enabled: true, Back: w.back, Longest: 7 * day, Page: 10000}
	}
	return w
}

// forgetting changes how far back Cloudflare's memory goes.
func (w *world) forgetting(back time.Duration) *world {
	w.back = back
	for d, b := range w.bounds {
		b.Back = back
		w.bounds[d] = b
	}
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now.Add(w.skew)
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func shop() usage.Subject    { return usage.Subject{Kind: usage.Database, ID: "id-shop"} }
func preview() usage.Subject { return usage.Subject{Kind: usage.Database, ID: "id-preview"} }
func api() usage.Subject     { return usage.Subject{Kind: usage.Worker, ID: "api"} }

// rows is what a subject reads in an hour, a number of its own for each.
func rows(s usage.Subject, hour time.Time) float64 {
	n := float64(hour.Unix()/3600%1000) + 1
	switch s.Kind {
	case usage.Account:
		return 10 * n
	case usage.Worker:
		return n
	case usage.Database:
	}
	if s == preview() {
		return n / 2
	}
	return 3 * n
}

// happened is what a dataset will once tell of a subject's hour.
func (w *world) happened(d usage.Dataset, s usage.Subject, hour time.Time) usage.Sample {
	out := usage.Sample{At: hour, Hours: 1}
	if w.busy != nil && !w.busy(s, hour) {
		return out
	}
	set := func(f usage.Figure, v float64) {
		if !w.lacks[f] {
			out.Set(f, v)
		}
	}
	n := rows(s, hour)
	switch {
	case d == usage.Activity && s.Kind != usage.Worker:
		set(usage.RowsRead, n)
		set(usage.RowsWritten, n/4)
		set(usage.ReadQueries, 2)
		set(usage.WriteQueries, 1)
		if s.Kind == usage.Database {
			set(usage.BatchP90, n/100)
		}
	case d == usage.Sizes && s.Kind != usage.Worker && hour.Hour()%6 == 0: // measured now and then
		set(usage.Storage, 1000+n)
	case d == usage.Queries && s.Kind == usage.Database:
		set(usage.Errors, float64(hour.Hour()%3))
	case d == usage.Invocations && s.Kind != usage.Database:
		set(usage.Requests, n)
		set(usage.Errors, 1)
		if s.Kind == usage.Worker {
			set(usage.CPUP99, n*10)
		}
	}
	return out
}

func (w *world) Datasets(context.Context) (map[usage.Dataset]usage.Bounds, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.bounds), w.asking
}

func (w *world) Inventory(context.Context) ([]usage.Stored, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.stored), w.listing
}

func (w *world) Hours(ctx context.Context, d usage.Dataset, subjects []usage.Subject, from, to time.Time) ([]usage.Counted, error) {
	if w.hook != nil {
		w.hook()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, fmt.Sprintf("%s %d %s", d, len(subjects), from.Format("01-02T15")))
	w.longest = max(w.longest, to.Sub(from))
	if err := w.fails[d]; err != nil {
		return nil, err
	}
	if !w.bounds[d].Enabled {
		return nil, errors.New("it is disabled")
	}
	var out []usage.Counted
	for hour := from; hour.Before(to); hour = hour.Add(time.Hour) {
		if hour.Before(w.now.Add(-w.back)) {
			continue // forgotten, the hour that is being forgotten too
		}
		for _, s := range subjects {
			told := w.happened(d, s, hour)
			known := w.now.Add(-w.lag).Sub(hour)
			if told.Empty() || known <= 0 {
				continue
			}
			if known < time.Hour { // it is not over, or not all of it is counted
				for _, f := range usage.Figures() {
					if v, ok := told.Get(f); ok && f.Counts() {
						told.Set(f, v/2)
					}
				}
			}
			out = append(out, usage.Counted{Subject: s, Sample: told})
		}
	}
	return out, ctx.Err()
}

func (w *world) sampler(store usage.Store) *usage.Sampler {
	return usage.New(usage.Options{
		Store: store, Source: w, Now: w.clock,
		Watch: func() usage.Watched {
			return usage.Watched{Databases: []string{"shop", "shop-preview", "not-made-yet"}, Workers: []string{"api"}}
		},
		Calls: func() (int, bool) { return 42, true },
	})
}

func sample(t *testing.T, s *usage.Sampler) {
	t.Helper()
	if err := s.Sample(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// start is a world of which a new store has had its first pass.
func start(t *testing.T) (*world, *storetest.Memory, *usage.Sampler) {
	t.Helper()
	w, store := newWorld(), storetest.NewMemory()
	s := w.sampler(store)
	sample(t, s)
	return w, store, s
}

func hoursOf(t *testing.T, r usage.Reader, of usage.Subject) []usage.Sample {
	t.Helper()
	all, err := r.Hours(t.Context(), of, began().AddDate(-1, 0, 0), began().AddDate(3, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func daysOf(t *testing.T, r usage.Reader, of usage.Subject) map[time.Time]usage.Sample {
	t.Helper()
	all, err := r.Days(t.Context(), of, began().AddDate(-1, 0, 0), began().AddDate(3, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	out := map[time.Time]usage.Sample{}
	for _, d := range all {
		out[d.At] = d
	}
	return out
}

func stateOf(t *testing.T, r usage.Reader) usage.State {
	t.Helper()
	s, err := r.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// figure is a figure with what it covers, as a test reads it.
func figure(s usage.Sample, f usage.Figure) string {
	v, ok := s.Get(f)
	if !ok {
		return "not counted"
	}
	return fmt.Sprintf("%g of %d", v, s.Covers(f))
}

func wantFigure(t *testing.T, what string, s usage.Sample, f usage.Figure, want string) {
	t.Helper()
	if got := figure(s, f); got != want {
		t.Errorf("%s: %s is %s, want %s", what, f, got, want)
	}
}

// truth is a whole day's sum.
func truth(s usage.Subject, day time.Time) (sum float64) {
	for h := range 24 {
		sum += rows(s, day.Add(time.Duration(h)*time.Hour))
	}
	return sum
}

func newStore() *storetest.Memory { return storetest.NewMemory() }
