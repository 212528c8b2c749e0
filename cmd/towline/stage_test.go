package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"towline/backups"
	"towline/bot"
	"towline/cloudflare"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/handlers"
	sandboxcloudflare "towline/sandbox/cloudflare"
	"towline/sandbox/telegram"
	"towline/source"
	"towline/store"
)

// The cast of every script. The first three are the demo's.
const (
	second   = 1004 // another approver
	viewer   = 1005
	teamChat = demoGroup
	// elsewhere is a group that is in no config, and the bot is in it.
	elsewhere = -1009999999999
	botToken  = "4711:a-token-that-nobody-may-see"
	apiToken  = "another-token-that-nobody-may-see"
)

func cast() map[string]int64 {
	return map[string]int64{"deployer": demoDeployer, "approver": demoApprover, "stranger": demoStranger, "second": second, "viewer": viewer}
}

// d1 is the Cloudflare of a stage: the local one, or the real engine.
type d1 struct {
	handler        http.Handler
	account, token string
	close          func() error
}

// stage is a world with the real bot in it: a strict Telegram, a Cloudflare with faults in front, and a state that
// outlives the bot.
type stage struct {
	t      testing.TB
	dir    string
	tg     *telegram.Server
	cf     d1
	faults *sandboxcloudflare.Faults
	server *httptest.Server
	born   time.Time
	skew   atomic.Int64 // how far the clock is from that, in nanoseconds
	log    lockedBuffer

	wiring *wiring
	copies deploy.Backups // nil: none are taken
	engine *service
	store  *store.Store
	stop   context.CancelFunc
	ended  chan error
	quiet  func() // the command line is no longer answered
	up     func() // an outage of Telegram is over

	toast   string
	kept    map[string]kept
	mark    int // messages of the bot that a script has looked at
	holding chan struct{}
	arrived chan struct{} // a call is about to be held
	ctx     context.Context
}

// kept is a button that somebody remembers.
type kept struct {
	message int
	data    string
}

// lockedBuffer is a log that can be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// now is the stage's clock. It stands, but for a microsecond each time that somebody looks, until the script moves it: how long the machine
// takes makes no press too late, no command too old and no watch too short.
func (s *stage) now() time.Time {
	return s.born.Add(time.Duration(s.skew.Add(int64(time.Microsecond))))
}

// newStage builds the world; start brings the bot to life.
func newStage(ctx context.Context, t testing.TB, dir string, cf func(s *stage) (d1, error)) (*stage, error) {
	s := &stage{ctx: ctx, t: t, dir: dir, born: time.Now(), kept: map[string]kept{}, arrived: make(chan struct{}, 1)}
	var err error
	if s.cf, err = cf(s); err != nil {
		return nil, err
	}
	s.faults = sandboxcloudflare.NewFaults(s.cf.handler)
	s.tg = stageTelegram(t, s.now)
	apis := http.NewServeMux()
	apis.Handle("/client/v4/", s.faults)
	apis.Handle("/", s.tg)
	s.server = httptest.NewServer(apis)
	return s, nil
}

func stageTelegram(t testing.TB, now func() time.Time) *telegram.Server {
	tg := telegram.New(telegram.Options{
		Token: botToken, Unlimited: true, Now: now, ReadsAll: true,
		Bot: telegram.User{ID: 1, FirstName: "Towline", Username: "towline_bot", IsBot: true},
	})
	names := map[string]string{"deployer": "Dana", "approver": "Robin", "stranger": "Sam", "second": "Kim", "viewer": "Val"}
	members := []telegram.Member{{User: 1, Status: telegram.Administrator}}
	for who, id := range cast() {
		if err := tg.AddUser(telegram.User{ID: id, FirstName: names[who]}); err != nil {
			t.Error(err)
		}
		status := telegram.Ordinary
		if id == demoApprover {
			status = telegram.Administrator // who may write as the group itself
		}
		members = append(members, telegram.Member{User: id, Status: status})
	}
	topics := []telegram.Topic{{ID: 7, Name: "Deploys"}, {ID: 8, Name: "Other"}}
	for _, g := range []telegram.Group{
		{ID: teamChat, Title: "Shop team", Forum: true, Topics: topics, Members: members}, {ID: elsewhere, Title: "Elsewhere", Members: members},
	} {
		if err := tg.AddGroup(g); err != nil {
			t.Error(err)
		}
	}
	return tg
}

// local is the local Cloudflare, with its state in memory.
func local(s *stage) (d1, error) {
	server, err := sandboxcloudflare.New(sandboxcloudflare.Options{AccountID: demoAccount, Token: apiToken, Now: s.now})
	if err != nil {
		return d1{}, err
	}
	return d1{handler: server, account: demoAccount, token: apiToken, close: server.Close}, nil
}

// wire makes the project from the folder app of the script: one version in each folder.
func (s *stage) wire(o stageOptions) error {
	if o.backups { // where the config of cmdLine has them, too
		copies, err := backups.Open(backups.Options{Dir: filepath.Join(s.dir, "backups"), Now: s.now})
		if err != nil {
			return err
		}
		s.copies = copies
	}
	var versions *source.Versions
	app := filepath.Join(s.dir, "app")
	if _, err := os.Stat(app); err != nil { // a script without files of its own plays on the demo's
		demo, err := fs.Sub(demoFiles, "demo")
		if err == nil {
			err = os.CopyFS(app, demo)
		}
		if err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(app)
	if err != nil {
		return err
	}
	var refs []string
	for _, e := range entries {
		refs = append(refs, e.Name())
	}
	versions = source.NewVersions(os.DirFS(app), refs)
	s.wiring = demoWiring(adapt{versions}, actor(demoDeployer, "Dana", gate.Deployer), actor(demoApprover, "Robin", gate.Approver),
		actor(second, "Kim", gate.Approver), actor(viewer, "Val", gate.Viewer))
	p := &s.wiring.projects[0]
	p.ProductionApprovals, p.AllowedRefs = deploy.Approvals{Required: max(1, o.approvals)}, o.refs
	if o.watched {
		p.Watch = 30 * time.Minute
	}
	team := &s.wiring.team
	team.Projects[0].Place = bot.Place{Chat: teamChat, Topic: o.topic}
	if o.blog {
		blog := *p
		blog.Name, blog.Preview, blog.Production = "blog", "blog-preview", "blog"
		s.wiring.projects = append(s.wiring.projects, blog)
		team.Projects = append(team.Projects, handlers.Home{Project: "blog", Place: team.Projects[0].Place})
	}
	return nil
}

func actor(id int64, name string, role gate.Role) gate.Actor {
	return gate.Actor{Person: release.Person{ID: id, Name: name}, Role: role}
}

type stageOptions struct {
	approvals, topic int
	refs             []string
	blog             bool
	backups          bool
	watched          bool // promotes are
}

// start opens the state and runs the bot on it.
func (s *stage) start() error {
	var err error
	if s.store, err = store.Open(filepath.Join(s.dir, "towline.db"), store.Options{NoSync: true}); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	databases, err := cloudflare.New(cloudflare.Options{
		AccountID: s.cf.account, Token: s.cf.token, APIURL: s.server.URL + "/client/v4", Logger: log,
	})
	if err != nil {
		return err
	}
	s.engine, err = newService(parts{
		wiring: s.wiring, store: s.store, databases: databases, backups: s.copies, now: s.now, log: log, patience: 20 * time.Millisecond,
		bot: bot.Options{
			Token: botToken, APIURL: s.server.URL, StopTimeout: time.Minute,
			Pace: bot.Pace{Edit: time.Millisecond, Group: -1, Private: -1, All: -1, Retry: 10 * time.Millisecond, RetryMost: 20 * time.Millisecond},
		},
	})
	if err != nil {
		return err
	}
	if s.quiet, err = s.engine.answerLines(s.store, s.now); err != nil {
		return err
	}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(s.ctx)
	s.ended = make(chan error, 1)
	go func() { s.ended <- s.engine.run(ctx) }()
	return nil
}

// halt stops the bot as ctrl-C would. The outside goes on.
func (s *stage) halt() error {
	if s.stop == nil {
		return nil
	}
	s.stop()
	s.stop = nil
	err := <-s.ended
	s.quiet()
	return errors.Join(err, s.store.Close())
}

// end stops everything and judges what was seen.
func (s *stage) end() {
	if s.holding != nil {
		close(s.holding)
		s.holding = nil
	}
	if err := s.halt(); err != nil {
		s.t.Errorf("the bot ended with %v", err)
	}
	for _, v := range s.tg.Violations() {
		s.t.Errorf("Telegram would have refused: %s", v)
	}
	s.noSecrets()
	if err := s.tg.Close(); err != nil {
		s.t.Error(err)
	}
	s.server.Close()
	if err := s.cf.close(); err != nil {
		s.t.Error(err)
	}
}

// noSecrets looks for tokens in everything that a person or a log file gets to see.
func (s *stage) noSecrets() {
	seen := map[string]string{"the log": s.log.String(), "a toast": s.toast}
	for _, chat := range []int64{teamChat, elsewhere} {
		for _, m := range s.tg.Messages(chat) {
			seen[fmt.Sprintf("message %d", m.ID)] += m.Text
			if m.Document != nil {
				_, content, _ := s.tg.Document(m.Document.ID)
				seen[fmt.Sprintf("document %s", m.Document.Name)] = string(content)
			}
		}
	}
	for where, text := range seen {
		for _, secret := range []string{botToken, s.cf.token} {
			if strings.Contains(text, secret) {
				s.t.Errorf("a token is in %s", where)
			}
		}
	}
}

// shown are the bot's messages in a chat as they are now, newest first.
func (s *stage) shown(all []telegram.Message) []telegram.Message {
	var out []telegram.Message
	for _, m := range all {
		if m.FromBot && !m.Deleted {
			out = append(out, m)
		}
	}
	slices.Reverse(out)
	return out
}
