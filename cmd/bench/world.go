package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	sandboxcloudflare "towline/sandbox/cloudflare"
	"towline/sandbox/cloudflare/workerd"
	"towline/sandbox/parts"
	"towline/sandbox/telegram"
)

// The cast, none of which exists outside of the bench.
const (
	deployer = 1001
	approver = 1002
	group    = -1001234567890

	account  = "00000000000000000000000000000002"
	apiToken = "local-bench"
	botToken = "1:local-bench"
)

// person is somebody of the team.
type person struct {
	id         int64
	name, role string
}

// scenery is how a world differs from the usual one.
type scenery struct {
	pollCap  time.Duration // ends an idle long poll; 0 is Telegram's own 50 s
	crowd    int           // so many approvers instead of the one
	hook     bool          // updates come by webhook
	embedded bool          // D1 is the embedded server even where there is workerd: nothing of it is measured
}

// people are the team: Dana, who asks, and who approves.
func (s scenery) people() []person {
	all := []person{{deployer, "Dana", "deployer"}}
	for i := range s.crowd {
		all = append(all, person{int64(2001 + i), fmt.Sprintf("Person %02d", i+1), "approver"})
	}
	if s.crowd == 0 {
		all = append(all, person{approver, "Robin", "approver"})
	}
	return all
}

// call is one request, with its times as the server saw them.
type call struct {
	what         string // method and the last part of the path
	begun, ended time.Time
}

// clock stands in front of a server and notes when calls came and when they were answered.
type clock struct {
	next  http.Handler
	mu    sync.Mutex
	calls []*call
}

// ServeHTTP implements [http.Handler].
func (c *clock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	noted := &call{what: r.Method + " " + path.Base(r.URL.Path), begun: time.Now()}
	c.mu.Lock()
	c.calls = append(c.calls, noted)
	c.mu.Unlock()
	defer func() { // where the server breaks off, too
		c.mu.Lock()
		defer c.mu.Unlock()
		noted.ended = time.Now()
	}()
	c.next.ServeHTTP(w, r)
}

// quiet says that every call has its end: an answer can arrive before it is noted here that it was given.
func (c *clock) quiet() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !slices.ContainsFunc(c.calls, func(noted *call) bool { return noted.ended.IsZero() })
}

// since returns the calls that came after t, in the order of their arrival. One that is not answered has no end.
func (c *clock) since(t time.Time) []call {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []call
	for _, noted := range c.calls {
		if !noted.begun.Before(t) {
			out = append(out, *noted)
		}
	}
	return out
}

// world is everything that towline and wrangler take for the outside.
type world struct {
	telegram *telegram.Server
	chat     *clock // in front of telegram
	faults   *sandboxcloudflare.Faults
	api      *clock // in front of faults
	engine   string // what D1 is
	address  string
	people   []person
	hook     string // host:port on which towline is to listen; empty: it polls

	stops []func() error // undone last first
	wait  sync.WaitGroup
}

// newWorld starts both servers.
func newWorld(ctx context.Context, s settings, o scenery) (w *world, err error) {
	w = &world{people: o.people()}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	behind, err := w.database(ctx, s, o.embedded)
	if err != nil {
		return nil, fmt.Errorf("start the local Cloudflare: %w", err)
	}
	w.telegram = telegram.New(telegram.Options{
		Token: botToken, Unlimited: true, PollCap: o.pollCap, LocalWebhooks: o.hook,
		Bot: telegram.User{ID: 1, FirstName: "Towline", Username: "towline_bot", IsBot: true},
	})
	w.stops = append(w.stops, w.telegram.Close)
	if err := w.populate(); err != nil {
		return nil, err
	}
	if o.hook {
		if w.hook, err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	w.faults = sandboxcloudflare.NewFaults(behind)
	w.api, w.chat = &clock{next: w.faults}, &clock{next: w.telegram}
	mux := http.NewServeMux()
	mux.Handle("/client/v4/", w.api)
	mux.Handle("/", w.chat)
	return w, w.listen(mux)
}

// populate puts the team and the bot, its administrator, into the group.
func (w *world) populate() error {
	members := []telegram.Member{{User: 1, Status: telegram.Administrator}}
	for _, p := range w.people {
		if err := w.telegram.AddUser(telegram.User{ID: p.id, FirstName: p.name}); err != nil {
			return err
		}
		members = append(members, telegram.Member{User: p.id, Status: telegram.Ordinary})
	}
	members[len(members)-1].Status = telegram.Creator
	return w.telegram.AddGroup(telegram.Group{ID: group, Title: "Shop team", Members: members})
}

// freeAddress finds an address of this machine on which nobody listens. Where every address of 127.0.0.0/8 is this machine's, as on Linux, it
// is one of this process alone, so that no other one is given the port before towline listens on it.
func freeAddress(ctx context.Context) (string, error) {
	pid := os.Getpid()
	own := net.IPv4(127, byte(64+pid>>16&63), byte(pid>>8), byte(pid)).String() //nolint:gosec // the bytes are what is wanted
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(own, "0"))
	if err != nil {
		l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// database starts D1: workerd where it is installed, else the embedded server.
func (w *world) database(ctx context.Context, s settings, embedded bool) (http.Handler, error) {
	binary := parts.WorkerdIn(s.tools)
	if _, err := os.Stat(binary); err != nil || s.quick || embedded {
		w.engine = "the embedded server"
		server, err := sandboxcloudflare.New(sandboxcloudflare.Options{AccountID: account, Token: apiToken})
		if err != nil {
			return nil, err
		}
		w.stops = append(w.stops, server.Close)
		return server, nil
	}
	w.engine = "workerd"
	dir, err := os.MkdirTemp("/dev/shm", "towline-bench-")
	if err != nil {
		dir, err = os.MkdirTemp("", "towline-bench-")
	}
	if err != nil {
		return nil, err
	}
	w.stops = append(w.stops, func() error { return os.RemoveAll(dir) })
	instance, err := workerd.Launch(ctx, binary, workerd.Options{Dir: dir, AccountID: account, Token: apiToken})
	if err != nil {
		return nil, err
	}
	w.stops = append(w.stops, func() error { instance.Kill(); return nil })
	return sandboxcloudflare.NewProxy(instance.URL)
}

func (w *world) listen(h http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	w.address = "http://" + l.Addr().String()
	w.wait.Go(func() { _ = server.Serve(l) }) // always ErrServerClosed, after close
	w.stops = append(w.stops, server.Close)
	return nil
}

// close ends everything that newWorld started, and waits for it.
func (w *world) close() error {
	var errs []error
	for i := len(w.stops) - 1; i >= 0; i-- {
		errs = append(errs, w.stops[i]())
	}
	w.stops = nil
	w.wait.Wait()
	return errors.Join(errs...)
}

// ask sends a request to the local Cloudflare, as the bench's own, and decodes its result.
func (w *world) ask(ctx context.Context, below string, body, result any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.address+"/client/v4/accounts/"+account+"/d1/database"+below, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Close = true
	req.Header.Set("Authorization", "Bearer "+apiToken)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	envelope := struct {
		Success bool
		Result  any
	}{Result: result}
	if err := json.Unmarshal(answer, &envelope); err != nil {
		return fmt.Errorf("%w in %.200q", err, answer)
	}
	if !envelope.Success {
		return fmt.Errorf("the local Cloudflare answered %.300s", answer)
	}
	return nil
}

// create makes a database that holds the first migration, its ledger row and the customers. It returns the id.
func (w *world) create(ctx context.Context, name string) (string, error) {
	var made struct{ UUID string }
	if err := w.ask(ctx, "", map[string]string{"name": name}, &made); err != nil {
		return "", fmt.Errorf("create %s: %w", name, err)
	}
	row := "INSERT INTO d1_migrations (name) VALUES ('" + first + "');"
	sql := strings.Join([]string{ledger, firstSQL, row, customers}, "\n")
	return made.UUID, w.ask(ctx, "/"+made.UUID+"/query", map[string]string{"sql": sql}, nil)
}

// contents reads what is compared of a database: ledger, schema, and all rows of the features as counts and sums.
func (w *world) contents(ctx context.Context, id string, migrations int) (string, error) {
	queries := []string{
		"SELECT id, name FROM d1_migrations ORDER BY id",
		`SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT LIKE '\_cf\_%' ESCAPE '\' ORDER BY type, name`,
		"SELECT count(*) FROM customers",
	}
	for i := 3; i < migrations; i += 4 {
		queries = append(queries, fmt.Sprintf("SELECT * FROM feature_%02d ORDER BY id", i/4+1))
	}
	var answers []struct{ Results json.RawMessage }
	if err := w.ask(ctx, "/"+id+"/query", map[string]string{"sql": strings.Join(queries, ";\n")}, &answers); err != nil {
		return "", err
	}
	if len(answers) != len(queries) {
		return "", fmt.Errorf("%d answers to %d queries", len(answers), len(queries))
	}
	var b strings.Builder
	for _, a := range answers {
		b.Write(a.Results)
		b.WriteByte('\n')
	}
	return b.String(), nil
}
