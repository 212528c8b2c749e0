package usage_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"towline/usage"
)

// ticking is a world on a bubble's clock, which writes down when a pass begins.
type ticking struct {
	*world
	mu      sync.Mutex
	began   time.Time
	passes  []string
	failing int // how many passes fail
	changed chan struct{}
}

func newTicking() *ticking {
	k := &ticking{world: newWorld(), began: time.Now(), changed: make(chan struct{})}
	k.now = k.began
	return k
}

func (k *ticking) Datasets(ctx context.Context) (map[usage.Dataset]usage.Bounds, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.passes = append(k.passes, time.Since(k.began).String())
	if k.failing > 0 {
		k.failing--
		return nil, errors.New("no answer")
	}
	return k.world.Datasets(ctx)
}

func (k *ticking) fail(passes int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failing = passes
}

func (k *ticking) wake() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.changed
}

func (k *ticking) change() {
	k.mu.Lock()
	defer k.mu.Unlock()
	close(k.changed)
	k.changed = make(chan struct{})
}

// want waits for some of the bubble's time, and says which passes there must have been in it.
func (k *ticking) want(t *testing.T, wait time.Duration, passes ...string) {
	t.Helper()
	time.Sleep(wait)
	synctest.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	if fmt.Sprint(k.passes) != fmt.Sprint(passes) {
		t.Errorf("passes at %v, want %v", k.passes, passes)
	}
	k.passes = nil
}

// running runs a sampler until stop is called.
func running(t *testing.T, s *usage.Sampler) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
	}
}

func TestAPassIsMadeEachHourAndSoonerAfterOneThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTicking()
		stop := running(t, usage.New(usage.Options{Store: newStore(), Source: k, Now: time.Now}))
		k.want(t, 2*time.Hour, "0s", "10m0s", "1h10m0s")
		k.fail(5)
		k.want(t, 3*time.Hour, "2h10m0s", "2h11m0s", "2h13m0s", "2h17m0s", "2h25m0s", "2h41m0s", "3h10m0s", "4h10m0s")
		k.fail(1000)
		k.want(t, 2*time.Hour, "5h10m0s", "5h11m0s", "5h13m0s", "5h17m0s", "5h25m0s", "5h41m0s", "6h10m0s")
		stop()
	})
}

func TestTheBotsOfManyTeamsAskAtDifferentMoments(t *testing.T) {
	seen := map[time.Duration]bool{}
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			k := newTicking()
			stop := running(t, usage.New(usage.Options{Store: newStore(), Source: k, Now: time.Now, Rand: rand.New(rand.NewPCG(seed, 1))})) //nolint:gosec // a test's
			time.Sleep(3 * time.Hour)
			stop()
			for i, pass := range k.passes[1:] {
				at, err := time.ParseDuration(pass)
				if after := at % time.Hour; err != nil || after < 10*time.Minute || after >= 15*time.Minute || at/time.Hour != time.Duration(i) {
					t.Errorf("pass %d is %s after the start", i, pass)
				}
				seen[at%time.Hour] = true
			}
			if len(k.passes) != 4 {
				t.Errorf("passes: %v", k.passes)
			}
		})
	}
	if len(seen) < 10 {
		t.Errorf("they ask at %d moments", len(seen))
	}
}

func TestADatabaseThatIsMadeIsCountedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTicking()
		s := usage.New(usage.Options{
			Store: newStore(), Source: k, Now: time.Now, Wake: k.wake,
			Watch: func() usage.Watched { return usage.Watched{Databases: []string{"shop", "late"}} },
		})
		stop := running(t, s)
		k.want(t, 5*time.Second, "0s")
		k.change()
		k.change()
		k.want(t, 30*time.Second, "20s") // the first pass found shop; late is still missing
		k.want(t, time.Minute)           // nothing changed
		k.change()
		k.want(t, time.Second, "1m35s") // a pass was long enough ago
		k.change()
		k.want(t, 79*time.Second, "2m55s") // and again, but later and later
		k.world.mu.Lock()
		k.stored = append(k.stored, usage.Stored{ID: "id-late", Name: "late"})
		k.world.mu.Unlock()
		k.change()
		k.want(t, 160*time.Second, "5m35s")
		if _, ok := s.Subject("late"); !ok {
			t.Error("it is not known")
		}
		k.change()
		k.want(t, 4*time.Minute) // none is missing
		stop()
	})
}
