package usage

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Watched is whose samples are wanted, beside those of the account.
type Watched struct {
	// Databases are names, as the config has them; Workers are script names. A name that Cloudflare does not know is none yet.
	Databases []string
	Workers   []string
}

// Options make a Sampler.
type Options struct {
	Store Store
	// Source counts. Without one the Sampler only reads what is in the store.
	Source Source
	// Watch is asked anew in each pass. nil: only the account is counted.
	Watch func() Watched
	// Calls is the most calls of ours to Cloudflare's API in any five minutes of the last hour; not known right after a start. It may be nil.
	Calls func() (most int, known bool)
	// Wake gives a channel that is closed when a database may have been made; it is asked for another one after that. nil: they are found
	// with the next hour's pass.
	Wake func() <-chan struct{}
	Now  func() time.Time
	Log  *slog.Logger
	// Every is how often a pass is made; 0: once an hour, some minutes after it.
	Every time.Duration
	// Rand spreads the passes of many bots over some minutes; nil: none.
	Rand *rand.Rand
}

// Sampler carries samples from a Source to a Store, and reads them. It is safe for concurrent use.
type Sampler struct {
	o       Options
	passing sync.Mutex // one pass at a time

	mu      sync.Mutex
	changed chan struct{}
	state   State // of the store, once it was read
	known   bool
}

var _ Reader = (*Sampler)(nil)

// New makes a Sampler. Nothing is counted before Run or Sample.
func New(o Options) *Sampler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Watch == nil {
		o.Watch = func() Watched { return Watched{} }
	}
	return &Sampler{o: o, changed: make(chan struct{})}
}

// Hours implements Reader.
func (s *Sampler) Hours(ctx context.Context, of Subject, from, to time.Time) ([]Sample, error) {
	return s.o.Store.Hours(ctx, of, from, to)
}

// Days implements Reader.
func (s *Sampler) Days(ctx context.Context, of Subject, from, to time.Time) ([]Sample, error) {
	return s.o.Store.Days(ctx, of, from, to)
}

// State implements Reader.
func (s *Sampler) State(ctx context.Context) (State, error) { return s.o.Store.State(ctx) }

// Subject implements Reader.
func (s *Sampler) Subject(name string) (Subject, bool) {
	state, err := s.last(context.Background())
	if err != nil {
		s.o.Log.Warn("which databases there are could not be read", "error", err)
		return Subject{}, false
	}
	d, ok := state.Databases[name]
	return Subject{Kind: Database, ID: d.ID}, ok
}

// Changed implements Reader.
func (s *Sampler) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// last is the state as this process knows it: a store has one Sampler that writes.
func (s *Sampler) last(ctx context.Context) (State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known {
		state, err := s.o.Store.State(ctx)
		if err != nil {
			return State{}, err
		}
		s.state, s.known = state, true
	}
	return s.state, nil
}
