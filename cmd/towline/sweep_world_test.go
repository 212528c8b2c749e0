package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"towline/bot"
	"towline/cloudflare"
	"towline/deploy"
	"towline/deploy/gate"
	sandboxcloudflare "towline/sandbox/cloudflare"
	"towline/sandbox/telegram"
	"towline/source"
	"towline/store"
)

// scene is a team with the whole service, on fake time: a strict Telegram, a Cloudflare with faults in front, and the files that
// outlive the process. It lives in a bubble of package synctest.
type scene struct {
	t      *testing.T
	dir    string
	plan   trip
	tg     *telegram.Server
	cf     *sandboxcloudflare.Server
	faults *sandboxcloudflare.Faults
	tape   *tape
	log    lockedBuffer

	life    *life
	looked  look
	store   *store.Store
	service *service
	stop    context.CancelFunc
	ended   chan error
	ghosts  sync.WaitGroup // dead processes that have not noticed yet

	healthy  bool        // the outside works: nothing but deaths disturb the journey
	contrary bool        // where there are two copies of a message, people press on the older one
	twice    bool        // two lives end
	over     func() bool // while people do something again: what they wanted has come after all
	second   string      // at which it did
	relapse  int         // the instant at which the second life ends
	lives    int
	did      map[string]bool // presses on messages as they were
	repeats  int             // presses and words that people had to repeat, and buttons that they had to take instead
	doubles  int             // copies of messages whose sending was in doubt
	seen     int             // the newest message of before
	problems []string
}

// look is what was seen in the store of a life after so many commits.
type look struct {
	life    *life
	commits int64
	settled bool
}

// origin is a world as it was left on disk, for others to go on from.
type origin struct {
	dir  string
	tape *tape
	at   time.Time
	seen int
}

// tape keeps what Cloudflare was asked, with the time, so that another one can be brought to the same state: ids and bookmarks
// come from a source that gives the same each time.
type tape struct {
	next  http.Handler
	mu    sync.Mutex
	calls []taped
}

type taped struct {
	at           time.Time
	method, path string
	body         []byte
}

// ServeHTTP implements http.Handler.
func (t *tape) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if r.Method != http.MethodGet {
		t.mu.Lock()
		t.calls = append(t.calls, taped{time.Now(), r.Method, r.URL.RequestURI(), body})
		t.mu.Unlock()
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	t.next.ServeHTTP(w, r)
}

// newScene opens a world in a folder, where another one may have been left.
func newScene(t *testing.T, plan trip, dir string, was *origin) *scene {
	w := &scene{t: t, dir: dir, plan: plan, did: map[string]bool{}}
	clock := time.Now
	cf, err := sandboxcloudflare.New(sandboxcloudflare.Options{
		AccountID: demoAccount, Token: apiToken, Now: func() time.Time { return clock() }, Random: rand.NewChaCha8([32]byte{1}),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.cf, w.tape = cf, &tape{next: cf}
	if was != nil {
		for _, c := range was.tape.calls {
			clock = func() time.Time { return c.at }
			if res := w.ask(cf, c.method, c.path, c.body); res.StatusCode != http.StatusOK {
				t.Fatalf("the tape does not play: %s %s: %d", c.method, c.path, res.StatusCode)
			}
		}
		clock, w.seen = time.Now, was.seen
		time.Sleep(time.Until(was.at) + time.Hour)
	}
	w.faults = sandboxcloudflare.NewFaults(w.tape)
	if w.tg, err = sweepTelegram(filepath.Join(dir, "telegram.json")); err != nil {
		t.Fatal(err)
	}
	return w
}

// ask makes a request past the faults.
func (w *scene) ask(h http.Handler, method, path string, body []byte) *http.Response {
	r, err := http.NewRequest(method, path, bytes.NewReader(body)) //nolint:noctx // nothing is waited for
	if err != nil {
		w.t.Fatal(err)
	}
	r.RequestURI = r.URL.RequestURI()
	r.Header.Set("Authorization", "Bearer "+apiToken)
	r.Header.Set("Content-Type", "application/json")
	return answerOf(h, r)
}

// sweepTelegram goes on from a state, or begins it with the team.
func sweepTelegram(state string) (*telegram.Server, error) {
	tg, err := telegram.Open(telegram.Options{
		Token: botToken, State: state, ReadsAll: true,
		Bot: telegram.User{ID: 4711, FirstName: "Towline", Username: "towline_bot", IsBot: true},
	})
	if err != nil || len(tg.Groups()) > 0 {
		return tg, err
	}
	members := []telegram.Member{{User: 4711, Status: telegram.Administrator}}
	for id, name := range map[int64]string{demoDeployer: "Dana", demoApprover: "Robin", second: "Kim"} {
		err = errors.Join(err, tg.AddUser(telegram.User{ID: id, FirstName: name}))
		members = append(members, telegram.Member{User: id, Status: telegram.Ordinary})
	}
	return tg, errors.Join(err, tg.AddGroup(telegram.Group{ID: teamChat, Title: "Shop team", Members: members}))
}

// wiring is the team's config.
func (w *scene) wiring() *wiring {
	files, refs := fstest.MapFS{}, []string{}
	for _, v := range w.plan.versions {
		refs = append(refs, v.ref)
		for name, text := range v.files {
			files[v.ref+"/db/migrations/"+name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	made := demoWiring(adapt{source.NewVersions(files, refs)}, actor(demoDeployer, "Dana", gate.Deployer),
		actor(demoApprover, "Robin", gate.Approver), actor(second, "Kim", gate.Approver))
	made.projects[0].Seed = ""
	if w.plan.watched {
		made.projects[0].Watch = 10 * time.Minute
	}
	made.projects[0].ProductionApprovals = deploy.Approvals{Required: max(1, w.plan.approvals)}
	made.team.Projects[0].Place = bot.Place{Chat: teamChat}
	return made
}

// live starts a process on the world's files, which lives until an instant.
func (w *scene) live(l *life) {
	w.lives++
	w.life = l
	var err error
	w.store, err = store.Open(filepath.Join(w.dir, "towline.db"), store.Options{NoSync: true, Watch: l.watch})
	if err != nil {
		w.t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelInfo})).With("life", w.lives)
	databases, err := cloudflare.New(cloudflare.Options{
		AccountID: demoAccount, Token: apiToken, APIURL: "http://localhost/client/v4", Logger: log,
		HTTP: &http.Client{Transport: cable{l, ofCloudflare, w.faults}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.service, err = newService(parts{
		wiring: w.wiring(), store: w.store, databases: databases, now: time.Now, log: log,
		bot: bot.Options{Token: botToken, APIURL: "http://localhost", Transport: cable{l, ofTelegram, w.tg}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(l.over)
	w.stop, w.ended = cancel, make(chan error, 1)
	service, ended := w.service, w.ended
	go func() { ended <- service.run(ctx) }()
}

// bury starts a new process where the last one died. What is left of the dead one runs on until it has noticed; nothing
// of it reaches anything.
func (w *scene) bury() {
	if !w.life.dead() {
		return
	}
	ended, cancel := w.ended, w.stop
	w.ghosts.Go(func() { <-ended; cancel() })
	if w.lives == 2 {
		w.second = w.life.died
	}
	if err := w.store.Close(); err != nil {
		w.problem("the store cannot be closed: %v", err)
	}
	time.Sleep(time.Second)
	last := 0
	if w.lives == 1 {
		last = w.relapse
	}
	w.live(newLife(last))
}

// halt stops the process as ctrl-C would.
func (w *scene) halt() {
	w.stop()
	if err := <-w.ended; err != nil && !w.life.dead() {
		w.problem("the bot ended with %v", err)
	}
	w.ghosts.Wait()
	if err := w.store.Close(); err != nil {
		w.problem("the store cannot be closed: %v", err)
	}
}

// leave stops everything, and returns what others can go on from.
func (w *scene) leave() *origin {
	if err := errors.Join(w.tg.Close(), w.cf.Close()); err != nil {
		w.problem("the outside cannot be stopped: %v", err)
	}
	all := w.tg.Messages(teamChat)
	return &origin{dir: w.dir, tape: w.tape, at: time.Now(), seen: all[len(all)-1].ID}
}

// copyTo makes another folder of what was left.
func (o *origin) copyTo(t *testing.T) string {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(o.dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (w *scene) problem(format string, args ...any) {
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

// query asks a database past the faults, as an administrator would.
func (w *scene) query(database, sql string) ([]string, error) {
	id := ""
	var list struct{ Result []struct{ UUID, Name string } }
	base := "/client/v4/accounts/" + demoAccount + "/d1/database"
	if err := json.NewDecoder(w.ask(w.cf, http.MethodGet, base+"?name="+database, nil).Body).Decode(&list); err != nil {
		return nil, err
	}
	for _, db := range list.Result {
		if db.Name == database {
			id = db.UUID
		}
	}
	if id == "" {
		return nil, fmt.Errorf("there is no database %s", database)
	}
	body, err := json.Marshal(map[string]any{"sql": sql})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Success bool
		Result  []struct{ Results struct{ Rows [][]any } }
	}
	if err := json.NewDecoder(w.ask(w.cf, http.MethodPost, base+"/"+id+"/raw", body).Body).Decode(&answer); err != nil {
		return nil, err
	}
	if !answer.Success {
		return nil, fmt.Errorf("%s is refused", sql)
	}
	var out []string
	for _, row := range answer.Result[0].Results.Rows {
		out = append(out, strings.TrimSpace(fmt.Sprintln(row...)))
	}
	return out, nil
}
