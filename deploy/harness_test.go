package deploy_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"towline/cloudflare"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
	"towline/sandbox/cloudflare/workerd"
	"towline/source"
	"towline/store"
)

// engine is the real D1 engine, started once and only if a test asks for it.
var engine workerd.Shared

func TestMain(m *testing.M) { engine.Main(m) }

// The people of the tests.
var (
	dana  = person(1001, "Dana", gate.Deployer)
	robin = person(1002, "Robin", gate.Approver)
	alex  = person(1003, "Alex", gate.Approver)
	sam   = person(1004, "Sam", gate.Stranger)
)

func person(id int64, name string, role gate.Role) gate.Actor {
	return gate.Actor{Person: release.Person{ID: id, Name: name}, Role: role}
}

// files are migrations by name; "down/NAME" is a DOWN file, "seed.sql" the seed, and "../NAME" any other file of the project.
type files map[string]string

// and is these files with others added, or replaced; an empty text takes one away.
func (f files) and(more files) files {
	out := maps.Clone(f)
	maps.Copy(out, more)
	maps.DeleteFunc(out, func(_, text string) bool { return text == "" })
	return out
}

// clock is the tests'. One that stands moves by a millisecond each time that somebody looks at it, and by what a test says: how
// fast the machine is, and what time it is there, is nothing to it. One without a beginning goes as the machine's does, which is
// for those to whom time is fake anyway.
type clock struct {
	began time.Time
	late  atomic.Int64 // what it is ahead of that, in nanoseconds
}

// standing is a clock that stands on a Wednesday's morning.
func standing() *clock { return &clock{began: time.Date(2026, 11, 18, 10, 7, 30, 0, time.UTC)} }

func (c *clock) now() time.Time {
	if c.began.IsZero() {
		return time.Now().Add(time.Duration(c.late.Load()))
	}
	return c.began.Add(time.Duration(c.late.Add(int64(time.Millisecond))))
}

// later moves the clock.
func (c *clock) later(d time.Duration) { c.late.Add(int64(d)) }

// within bounds nothing where the clock stands: how long something takes here says nothing.
func (c *clock) within(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	if c.began.IsZero() {
		return context.WithTimeout(ctx, most)
	}
	return context.WithCancel(ctx)
}

// world is everything outside the engine: an API that can fail, the team's repository, the store's file, the time.
type world struct {
	*clock
	t       *testing.T
	api     *sandbox.Faults
	url     string // of the API behind the faults, for wrangler
	account string
	token   string
	direct  *cloudflare.D1   // past the faults
	inside  deploy.Databases // instead of a connection, where there is to be no socket

	free      bool // of the account's plan
	paid      bool // likewise; neither: nobody told
	analytics deploy.Analytics
	traffic   deploy.TrafficCounts // with which promotes are watched, where the project wants that
	queries   deploy.QueryCounts
	backups   deploy.Backups // with which exports go through the faults as well
	copies    bool           // of production's data are made, likewise
	drills    deploy.Schedule
	uses      deploy.Uses
	stale     func() time.Duration

	mu       sync.Mutex
	project  deploy.Project // changed by configure
	team     []gate.Actor   // whom the config names; nil: every request is trusted with the role that it says
	versions fstest.MapFS
	refs     []string
}

// shop is a team's shop, with an engine at work on it.
type shop struct {
	*world
	t         *testing.T
	path      string
	records   *store.Store
	store     deploy.Store     // replaced where it is to fail
	databases deploy.Databases // likewise
	remote    deploy.Databases // D1 behind the faults
	engine    *deploy.Engine
	cancel    func() // asks the engine to stop
	// stopTimeout is how long a stop waits for a step; 0: the engine's own.
	stopTimeout time.Duration
	stop        func() // and waits until it has
}

const account, token = "0123456789abcdef0123456789abcdef", "local-token"

// newWorld is a world whose Cloudflare is the local one, in memory.
func newWorld(t *testing.T) *world { t.Helper(); return newWorldIn(t, "") }

// newWorldIn is a world whose Cloudflare keeps its databases in a folder.
func newWorldIn(t *testing.T, dir string) *world {
	t.Helper()
	c := standing()
	server, err := sandbox.New(sandbox.Options{AccountID: account, Token: token, Dir: dir, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	plain := httptest.NewServer(server)
	t.Cleanup(plain.Close)
	w := inWorld(t, server, plain.URL+"/client/v4", account, token)
	w.clock = c
	return w
}

// realWorld is a world whose D1 is the real engine. It skips the test where that is not installed.
func realWorld(t *testing.T) *world {
	t.Helper()
	i := engine.Get(t)
	proxy, err := sandbox.NewProxy(i.URL)
	if err != nil {
		t.Fatal(err)
	}
	w := inWorld(t, proxy, i.URL, i.AccountID, i.Token)
	w.clock = standing()
	name := strings.ToLower(strings.ReplaceAll(filepath.Base(t.TempDir())+t.Name(), "/", "-"))
	w.project.Preview, w.project.Production = fmt.Sprintf("p-%x", name), fmt.Sprintf("x-%x", name)
	w.project.Preview = w.project.Preview[:min(60, len(w.project.Preview))]
	w.project.Production = w.project.Production[:min(60, len(w.project.Production))]
	return w
}

// sampled skips three worlds in four where time is short and the race detector is at work, which makes SQLite twenty times
// slower: always the same ones, by their tests' names. Every world is there without it.
func sampled(t *testing.T) {
	t.Helper()
	if !testing.Short() || !raced() {
		return
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(t.Name()))
	if h.Sum32()%4 != 0 {
		t.Skip("under the race detector one world in four, where time is short")
	}
}

// raced says whether this test was built with the race detector.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func inWorld(t *testing.T, api http.Handler, url, account, token string) *world {
	t.Helper()
	sampled(t)
	w := &world{clock: &clock{}, t: t, api: sandbox.NewFaults(api), url: url, account: account, token: token, versions: fstest.MapFS{}}
	w.direct = w.client(url)
	w.project = deploy.Project{
		Name: "shop", Source: w, Migrations: "db", Preview: "shop-preview", Production: "shop", Seed: "seed.sql", ProductionApprovals: deploy.Approvals{Required: 1, Expire: time.Hour},
	}
	return w
}

func (w *world) client(url string) *cloudflare.D1 {
	w.t.Helper()
	transport := &http.Transport{}
	w.t.Cleanup(transport.CloseIdleConnections)
	d, err := cloudflare.New(cloudflare.Options{
		AccountID: w.account, Token: w.token, APIURL: url, HTTP: &http.Client{Transport: transport}, Wait: time.Microsecond,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// configure changes the config, as a reload would.
func (w *world) configure(change func(*deploy.Project)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.project)
}

func (w *world) projects() []deploy.Project {
	w.mu.Lock()
	defer w.mu.Unlock()
	return []deploy.Project{w.project}
}

// staff makes the config name these people, and nobody else.
func (w *world) staff(people ...gate.Actor) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.team = people
}

func (w *world) people() []gate.Actor {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.team)
}

// version makes, or replaces, what a ref holds.
func (w *world) version(ref string, content files) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := maps.Clone(w.versions)
	maps.DeleteFunc(next, func(name string, _ *fstest.MapFile) bool { return strings.HasPrefix(name, ref+"/") })
	next[ref+"/db"] = &fstest.MapFile{Mode: 0o755 | os.ModeDir}
	for name, text := range content {
		if outside, ok := strings.CutPrefix(name, "../"); ok {
			name = outside
		} else if name != "seed.sql" {
			name = "db/" + name
		}
		next[ref+"/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	w.versions = next
	if !slices.Contains(w.refs, ref) {
		w.refs = append(w.refs, ref)
	}
}

// Fetch implements deploy.Source.
func (w *world) Fetch(ctx context.Context, ref string) (deploy.Snapshot, error) {
	w.mu.Lock()
	v := source.NewVersions(w.versions, w.refs)
	w.mu.Unlock()
	s, err := v.Fetch(ctx, ref)
	if err != nil {
		return deploy.Snapshot{}, err
	}
	return deploy.Snapshot{FS: s.FS, Origin: release.Origin{Ref: s.Ref, Commit: s.Commit}}, nil
}

// Choices implements deploy.Source.
func (w *world) Choices(context.Context) ([]string, error) { return slices.Clone(w.refs), nil }

// newShop starts an engine on the local Cloudflare.
func newShop(t *testing.T) *shop { t.Helper(); return newWorld(t).open(t) }

// onBoth runs a test against the local Cloudflare and against the real engine.
func onBoth(t *testing.T, test func(t *testing.T, s *shop)) {
	t.Run("local Cloudflare", func(t *testing.T) { test(t, newShop(t)) })
	t.Run("real engine", func(t *testing.T) { test(t, realWorld(t).open(t)) })
}

// open makes a shop in a world, and starts its engine.
func (w *world) open(t *testing.T, change ...func(*shop)) *shop {
	t.Helper()
	return w.openAt(t, filepath.Join(t.TempDir(), "towline.db"), change...)
}

// openAt is open with the store at a path.
func (w *world) openAt(t *testing.T, path string, change ...func(*shop)) *shop {
	t.Helper()
	s := &shop{world: w, t: t, path: path, stop: func() {}}
	if s.remote = w.inside; s.remote == nil {
		faulty := httptest.NewServer(w.api)
		t.Cleanup(faulty.Close)
		s.remote = w.client(faulty.URL + "/client/v4")
	}
	s.databases = s.remote
	s.openStore()
	for _, c := range change {
		c(s)
	}
	s.start()
	t.Cleanup(func() {
		s.stop()
		if err := s.records.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *shop) openStore() {
	s.t.Helper()
	var err error
	if s.records, err = store.Open(s.path, store.Options{NoSync: true, Strict: true}); err != nil {
		s.t.Fatal(err)
	}
	s.store = s.records.Deploy()
}

// start makes an engine and lets it work. An engine that is at work is stopped first.
func (s *shop) start() {
	s.t.Helper()
	s.stop()
	o := deploy.Options{
		Store: s.store, Blobs: s.records, Databases: s.databases, Projects: s.projects,
		Now: s.now, Patience: time.Millisecond, Spacing: time.Nanosecond, StopTimeout: s.stopTimeout, Free: s.free, Paid: s.paid, Analytics: s.analytics,
		Backups: s.backups, Drills: s.drills, Uses: s.uses, StalePreviews: s.stale, Traffic: s.traffic, Queries: s.queries, Within: s.within,
	}
	if s.backups != nil {
		o.Exports = s.remote.(deploy.Exports)
	}
	if s.copies {
		o.Exports, o.Scratch = s.remote.(deploy.Exports), s.path+".copies"
	}
	if s.people() != nil {
		o.People = s.people
	}
	s.engine = deploy.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	run := s.engine.Run
	go func() { done <- run(ctx) }()
	s.cancel = cancel
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, errDead) {
			s.t.Errorf("the engine ended with %v", err)
		}
	})
}

// restart ends the engine as a deploy of the bot would, and starts it again on the same file.
func (s *shop) restart() {
	s.t.Helper()
	s.stop()
	if err := s.records.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.openStore()
	s.databases = s.remote
	s.start()
}

func (s *shop) request(by gate.Actor) deploy.Request {
	return deploy.Request{Project: "shop", By: by, Key: rand.Text()}
}

// deploy puts a ref on preview and waits for the end.
func (s *shop) deploy(ref string) release.Run {
	s.t.Helper()
	run, err := s.engine.Deploy(s.t.Context(), s.request(dana), ref, false)
	if err != nil {
		s.t.Fatalf("deploy %s: %v", ref, err)
	}
	return s.ended(run)
}

// reset rebuilds preview, puts a ref on it and waits for the end.
func (s *shop) reset(ref string) release.Run {
	s.t.Helper()
	run, err := s.engine.Deploy(s.t.Context(), s.request(dana), ref, true)
	if err != nil {
		s.t.Fatalf("reset to %s: %v", ref, err)
	}
	return s.ended(run)
}

// promote asks for a release to be put on production.
func (s *shop) promote(number uint64) release.Run {
	s.t.Helper()
	run, err := s.engine.Promote(s.t.Context(), s.request(dana), number)
	if err != nil {
		s.t.Fatalf("promote #%d: %v", number, err)
	}
	return run
}

// rollback asks for production to go back.
func (s *shop) rollback(number uint64) release.Run {
	s.t.Helper()
	run, err := s.engine.Rollback(s.t.Context(), s.request(dana), number)
	if err != nil {
		s.t.Fatalf("roll back to #%d: %v", number, err)
	}
	return run
}

// rollbackBy asks for production to go back in a certain way, choosing it where another is cheaper.
func (s *shop) rollbackBy(number uint64, way release.Way) release.Run {
	s.t.Helper()
	run := s.rollback(number)
	if run.Plan.Back.Way == way {
		return run
	}
	run, err := s.engine.ChooseWay(s.t.Context(), s.request(dana), run.ID, run.Approved, way)
	if err != nil {
		s.t.Fatalf("go back by %s: %v", way, err)
	}
	return run
}

// approve presses Approve below what the run shows.
func (s *shop) approve(run release.Run, by gate.Actor) release.Run {
	s.t.Helper()
	run, err := s.vote(run, by, true)
	if err != nil {
		s.t.Fatalf("approve: %v", err)
	}
	return run
}

func (s *shop) vote(run release.Run, by gate.Actor, yes bool) (release.Run, error) {
	return s.engine.Vote(s.t.Context(), deploy.Ballot{Run: run.ID, Digest: run.Approved, By: by, Yes: yes, Reason: "not like this", Here: gate.Known(true, s.now())})
}

// ship takes a ref through preview to production.
func (s *shop) ship(ref string) release.Run {
	s.t.Helper()
	live := s.deploy(ref)
	s.wants(live, release.Done)
	shipped := s.ended(s.approve(s.promote(live.Release), robin))
	s.wants(shipped, release.Done)
	return shipped
}

// back rolls production back and waits for the end.
func (s *shop) back(number uint64) release.Run {
	s.t.Helper()
	return s.ended(s.approve(s.rollback(number), robin))
}

// unhold lifts a hold.
func (s *shop) unhold() {
	s.t.Helper()
	if err := s.engine.Unhold(s.t.Context(), s.request(dana), release.Production, "the cause is found"); err != nil {
		s.t.Fatal(err)
	}
}

// onceOnly makes a fault's Before of something that is to happen once.
func onceOnly(fn func()) func(context.Context) {
	var once sync.Once
	return func(context.Context) { once.Do(fn) }
}

// wait makes a fault's Before that holds a request until a channel is closed.
func wait(gate <-chan struct{}) func(context.Context) {
	return func(ctx context.Context) {
		select {
		case <-gate:
		case <-ctx.Done():
		}
	}
}
