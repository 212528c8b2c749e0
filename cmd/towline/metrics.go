package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"net"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"towline/admin"
	"towline/deploy"
	"towline/deploy/release"
	"towline/usage"
)

// figures are what programs read of the service, as package admin asks for it.
type figures struct {
	service *service
	account account
	now     func() time.Time

	mu       sync.Mutex // guards the counts
	runs     map[admin.Runs]uint64
	refusals map[release.Code]uint64
	verdicts map[admin.Verdicts]uint64

	limits limitsRead
}

// limitsRead is what was last found out about the limits. It costs a forecast for each of them, which is not made at each scrape.
type limitsRead struct {
	mu      sync.Mutex // held while they are found out: others wait for the same answer
	at      time.Time
	changed <-chan struct{}
	all     []admin.Limit
}

// limitsFor is how long it counts where nothing was counted meanwhile: a config that was read again may have other limits.
const limitsFor = 5 * time.Minute

func newFigures(s *service, a account, now func() time.Time) *figures {
	f := &figures{
		service: s, account: a, now: now,
		runs: map[admin.Runs]uint64{}, refusals: map[release.Code]uint64{}, verdicts: map[admin.Verdicts]uint64{},
	}
	// A counter that begins at 1 hides its first step from Prometheus, so that the usual ones are there from the start.
	for _, kind := range release.Kinds() {
		env := release.Production
		if slices.Contains([]release.Kind{release.Deploy, release.Reset, release.Delete}, kind) {
			env = release.Preview
		}
		for _, phase := range release.Phases() {
			if !phase.Open() {
				f.runs[admin.Runs{Kind: string(kind), Environment: string(env), Outcome: string(phase)}] = 0
			}
		}
	}
	return f
}

// refused counts a refusal.
func (f *figures) refused(code release.Code) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refusals[code]++
}

// follow counts the runs that end, until ctx ends. It begins where the cards had come to: what ended before that was before this process.
func (f *figures) follow(ctx context.Context) error {
	seq, err := f.service.cursor.Cursor(ctx, "cards")
	if err != nil {
		return fmt.Errorf("read the cursor of the cards: %w", err)
	}
	for ctx.Err() == nil {
		changed := f.service.engine.Changed()
		events, err := f.service.engine.Events(ctx, seq, 200)
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		if len(events) == 0 {
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		for _, e := range events {
			if err := f.take(ctx, e); err != nil {
				return err
			}
		}
		seq = events[len(events)-1].Seq
	}
	return nil
}

// take counts the run that an event says has ended, and what refused it.
func (f *figures) take(ctx context.Context, e deploy.Event) error {
	if e.Kind != deploy.RunEnded {
		return nil
	}
	run, ok, err := f.service.engine.FindRun(ctx, e.Run)
	if err != nil {
		return fmt.Errorf("read a run that ended: %w", err)
	}
	if !ok || run.Phase.Open() { // somebody looked at it again meanwhile: it will end once more
		return nil
	}
	f.count(run)
	return nil
}

// count takes a run that has ended into the counts.
func (f *figures) count(run release.Run) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.runs[admin.Runs{Kind: string(run.Kind), Environment: string(run.Environment), Outcome: string(run.Phase)}]++
	if run.Refusal != nil {
		f.refusals[run.Refusal.Code]++
	}
	if run.Watch != nil && run.Watch.Over() { // one that the next change ended has no verdict
		f.verdicts[admin.Verdicts{Project: run.Project, Verdict: string(run.Watch.Verdict)}]++
	}
}

// Alive implements admin.Source: the store answers.
func (f *figures) Alive(ctx context.Context) error {
	_, err := f.service.engine.Events(ctx, math.MaxUint64-1, 1)
	return err
}

// Ready implements admin.Source.
func (f *figures) Ready() error { return f.service.bot.Ready() }

// Runs implements admin.Source.
func (f *figures) Runs() []admin.Runs {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]admin.Runs, 0, len(f.runs))
	for key, n := range f.runs {
		key.Ended = n
		list = append(list, key)
	}
	return list
}

// Refusals implements admin.Source.
func (f *figures) Refusals() []admin.Refusals {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []admin.Refusals
	for code, n := range f.refusals {
		list = append(list, admin.Refusals{Code: string(code), Times: n})
	}
	return list
}

// Verdicts implements admin.Source.
func (f *figures) Verdicts() []admin.Verdicts {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := maps.Clone(f.verdicts)
	for _, p := range f.service.wiring.Load().projects {
		for _, v := range release.WatchVerdicts() {
			all[admin.Verdicts{Project: p.Name, Verdict: string(v)}] += 0 // so that its first step is not hidden
		}
	}
	list := make([]admin.Verdicts, 0, len(all))
	for key, n := range all {
		key.Watches = n
		list = append(list, key)
	}
	return list
}

// Open implements admin.Source.
func (f *figures) Open(ctx context.Context) ([]admin.Open, error) {
	var list []admin.Open
	for _, p := range f.service.wiring.Load().projects {
		runs, err := f.service.engine.OpenRuns(ctx, p.Name)
		if err != nil {
			return nil, err
		}
		for _, env := range []release.Environment{release.Preview, release.Production} {
			for _, phase := range release.Phases() {
				if phase.Open() {
					n := len(slices.DeleteFunc(slices.Clone(runs), func(r release.Run) bool { return r.Environment != env || r.Phase != phase }))
					list = append(list, admin.Open{Project: p.Name, Environment: string(env), Phase: string(phase), Runs: n})
				}
			}
		}
	}
	return list, nil
}

// Cloudflare implements admin.Source.
func (f *figures) Cloudflare() admin.Cloudflare {
	s := f.account.Stats()
	c := admin.Cloudflare{Busiest: s.Busiest}
	for _, n := range s.Counts {
		c.Calls = append(c.Calls, admin.Calls{Kind: n.Kind, Status: n.Status, Calls: n.Calls})
	}
	return c
}

// Telegram implements admin.Source.
func (f *figures) Telegram() admin.Telegram {
	s := f.service.bot.Stats()
	t := admin.Telegram{Waiting: s.Waiting, Oldest: s.Oldest, Paused: s.Paused}
	for _, n := range s.Calls {
		t.Calls = append(t.Calls, admin.Calls{Kind: n.Method, Status: n.Status, Calls: n.Calls})
	}
	return t
}

// Limits implements admin.Source.
func (f *figures) Limits(ctx context.Context) ([]admin.Limit, error) {
	r := &f.limits
	r.mu.Lock()
	defer r.mu.Unlock()
	if age := f.now().Sub(r.at); r.changed != nil && age >= 0 && age < limitsFor {
		select {
		case <-r.changed:
		default:
			return slices.Clone(r.all), nil
		}
	}
	changed := f.service.usage.Changed()
	measures, err := f.service.chat.Measures(ctx)
	if err != nil {
		return nil, err
	}
	var all []admin.Limit
	for _, m := range measures {
		all = append(all, admin.Limit{
			Key: m.Limit.Key, Unit: string(m.Limit.Unit), Database: m.Name, Used: m.Used, Limit: m.Limit.Value, Reached: m.Reach.Likely,
		})
	}
	r.at, r.changed, r.all = f.now(), changed, all
	return slices.Clone(all), nil
}

// Counting implements admin.Source.
func (f *figures) Counting(ctx context.Context) (admin.Counting, error) {
	state, err := f.service.usage.State(ctx)
	if err != nil {
		return admin.Counting{}, err
	}
	c := admin.Counting{Read: state.LastPass}
	for _, d := range usage.AllDatasets() {
		if s, ok := state.Datasets[d]; ok {
			c.Datasets = append(c.Datasets, admin.Dataset{Name: string(d), Available: s.Available, To: s.CountedTo})
		}
	}
	return c, nil
}

// adminAt opens the listener that the config names; nil where it names none.
func adminAt(ctx context.Context, address string) (net.Listener, error) {
	if address == "" {
		return nil, nil //nolint:nilnil // there is none, and nothing is wrong
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, &exitError{code: exitRefused, text: fmt.Sprintf("admin.listen: %v. Free the port, or choose another one.", err)}
	}
	return l, nil
}

// administer answers programs until ctx ends.
func (s *service) administer(ctx context.Context) error {
	return admin.New(admin.Options{Source: s.figures, Build: build(), Now: s.figures.now, Log: s.log}).Serve(ctx, s.admin)
}

// build is which Towline this is.
func build() admin.Build {
	b := admin.Build{Version: version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Revision = s.Value[:min(12, len(s.Value))]
			}
		}
	}
	b.Revision = cmp.Or(b.Revision, "unknown")
	b.Version = strings.TrimPrefix(b.Version, "v")
	return b
}
