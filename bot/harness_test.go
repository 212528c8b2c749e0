package bot_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"towline/bot"
	"towline/sandbox/parts"
	"towline/sandbox/telegram"
	"towline/store"
)

func TestMain(m *testing.M) { parts.Main(m) }

const (
	token  = "7000000001:a-token-that-must-not-show"
	group  = int64(-1001234567890)
	other  = int64(-1001234567891)
	lead   = int64(1001)
	second = int64(1002)
	botID  = int64(7000000001)
)

// recorder is a handler that notes what it gets and does what it is told.
type recorder struct {
	mu       sync.Mutex
	commands []bot.Command
	presses  []bot.Press
	replies  []bot.Reply
	events   []bot.Event
	came     chan struct{} // closed with the next command; nil while nobody waits

	onCommand func(ctx context.Context, c bot.Command) error
	onPress   func(ctx context.Context, p bot.Press) (bot.Toast, error)
	onReply   func(ctx context.Context, p bot.Reply) error
}

func (r *recorder) Command(ctx context.Context, c bot.Command) error {
	r.mu.Lock()
	r.commands = append(r.commands, c)
	if r.came != nil {
		close(r.came)
		r.came = nil
	}
	r.mu.Unlock()
	if r.onCommand == nil {
		return nil
	}
	return r.onCommand(ctx, c)
}

// next is closed when another command has come. Whoever waits takes it before looking at what is there.
func (r *recorder) next() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.came == nil {
		r.came = make(chan struct{})
	}
	return r.came
}

// elapse moves the clock of the bubble that a test runs in. Nothing waits for it: a bubble's time passes by itself as soon as
// everything in it is idle.
func elapse(d time.Duration) { <-time.After(d) }

func (r *recorder) Press(ctx context.Context, p bot.Press) (bot.Toast, error) {
	r.mu.Lock()
	r.presses = append(r.presses, p)
	r.mu.Unlock()
	if r.onPress == nil {
		return bot.Toast{Text: "noted " + p.Data}, nil
	}
	return r.onPress(ctx, p)
}

func (r *recorder) Reply(ctx context.Context, p bot.Reply) error {
	r.mu.Lock()
	r.replies = append(r.replies, p)
	r.mu.Unlock()
	if r.onReply == nil {
		return nil
	}
	return r.onReply(ctx, p)
}

func (r *recorder) Event(_ context.Context, e bot.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	return nil
}

func (r *recorder) seen() ([]bot.Command, []bot.Press, []bot.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.commands), slices.Clone(r.presses), slices.Clone(r.events)
}

// wire carries requests to the server in memory, so that a test can run on fake
// time. A connection that the server breaks off is an error, as on a socket.
type wire struct{ handler http.Handler }

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	type result struct {
		rec *httptest.ResponseRecorder
		err error
	}
	done := make(chan result, 1)
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	go func() {
		rec := httptest.NewRecorder()
		defer func() {
			if recover() != nil {
				done <- result{err: io.ErrUnexpectedEOF}
			}
		}()
		w.handler.ServeHTTP(rec, in)
		done <- result{rec: rec}
	}()
	select {
	case res := <-done:
		if res.err != nil {
			return nil, res.err
		}
		return res.rec.Result(), nil
	case <-r.Context().Done():
		<-done
		return nil, r.Context().Err()
	}
}

// logs keeps what the bot logs, and shows it when a test fails.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// rig is a bot on a store and a Telegram, any of which a test may replace.
type rig struct {
	t       *testing.T
	server  *telegram.Server
	path    string
	store   *store.Store
	handler *recorder
	bot     *bot.Bot
	logs    *logs
	stop    func() error // stops the bot and returns what Run returned
	adjust  func(*bot.Options)
	port    func(bot.Store) bot.Store
}

// newRig makes a Telegram with two groups, and a store; start makes the bot.
func newRig(t *testing.T, adjust func(*bot.Options)) *rig {
	t.Helper()
	server := telegram.New(telegram.Options{
		Token: token, Bot: telegram.User{ID: botID, FirstName: "Towline", Username: "towline_bot"}, ReadsAll: true,
		WebhookClient: &http.Client{Transport: failing{errNetwork}}, // tests post what they mean; nothing is dialled
	})
	for _, u := range []telegram.User{{ID: lead, FirstName: "Lead"}, {ID: second, FirstName: "Second", Username: "second"}} {
		must(t, server.AddUser(u))
	}
	members := []telegram.Member{{User: lead, Status: telegram.Creator}, {User: second, Status: telegram.Ordinary}}
	must(t, server.AddGroup(telegram.Group{ID: group, Title: "Shop", Members: members}))
	must(t, server.AddGroup(telegram.Group{ID: other, Title: "Other", Members: members}))
	r := &rig{
		t: t, server: server, path: filepath.Join(t.TempDir(), "towline.db"), handler: &recorder{}, logs: &logs{}, adjust: adjust,
		port: func(s bot.Store) bot.Store { return s },
	}
	t.Cleanup(func() {
		if r.stop != nil {
			_ = r.stop()
		}
		if r.store != nil {
			_ = r.store.Close()
		}
		_ = server.Close()
		for _, v := range server.Violations() {
			t.Errorf("the Bot API was used wrongly: %s", v)
		}
		if strings.Contains(r.logs.String(), token) {
			t.Errorf("the log holds the token:\n%s", r.logs)
		} else if t.Failed() {
			t.Logf("the bot's log:\n%s", r.logs)
		}
	})
	return r
}

// open opens the store and makes the bot without running it.
func (r *rig) open() {
	r.t.Helper()
	var err error
	r.store, err = store.Open(r.path, store.Options{NoSync: true})
	must(r.t, err)
	o := bot.Options{
		Token: token, APIURL: "http://telegram.test", Transport: wire{r.server},
		StopTimeout: 5 * time.Second, Log: slog.New(slog.NewTextHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if r.adjust != nil {
		r.adjust(&o)
	}
	r.bot, err = bot.New(o, r.port(r.store.Bot()), r.handler)
	must(r.t, err)
}

// start opens the store where it is not open and runs the bot.
func (r *rig) start() {
	r.t.Helper()
	if r.store == nil {
		r.open()
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	b := r.bot
	go func() { ended <- b.Run(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
}

// restart stops the bot, closes the store and starts again on it.
func (r *rig) restart() {
	r.t.Helper()
	must(r.t, r.stop())
	must(r.t, r.store.Close())
	r.store = nil
	r.start()
}

func (r *rig) say(from, chat int64, text string) int {
	r.t.Helper()
	id, err := r.server.Say(context.Background(), telegram.SayOptions{Chat: chat, From: from, Text: text})
	must(r.t, err)
	return id
}

func (r *rig) press(from, chat int64, message int, text string) telegram.Answer {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	a, err := r.server.Press(ctx, telegram.PressOptions{Chat: chat, Message: message, From: from, Text: text})
	must(r.t, err)
	return a
}

func (r *rig) want(key string, f bot.Frame) {
	r.t.Helper()
	must(r.t, r.bot.Outbox().Want(context.Background(), key, f))
}

// settle waits until everything wanted is delivered or parked.
func (r *rig) settle() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	must(r.t, r.bot.Outbox().Wait(ctx))
}

// until waits for the chat to look as it should.
func (r *rig) until(chat int64, what string, ok func([]telegram.Message) bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.server.WaitFor(ctx, chat, ok); err != nil {
		r.t.Fatalf("%s: %v", what, err)
	}
}

// posts are the bot's own messages in a chat that were not deleted.
func (r *rig) posts(chat int64) []telegram.Message { return own(r.server.Messages(chat)) }

func own(all []telegram.Message) []telegram.Message {
	return slices.DeleteFunc(slices.Clone(all), func(m telegram.Message) bool { return !m.FromBot || m.Deleted })
}

// calls counts the requests of a method.
func (r *rig) calls(method string) int {
	n := 0
	for _, c := range r.server.Calls() {
		if c.Method == method {
			n++
		}
	}
	return n
}

// live lists the bot's messages in a chat that have buttons.
func (r *rig) live(chat int64) []int {
	var ids []int
	for _, m := range r.posts(chat) {
		if len(m.Buttons) > 0 {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// failing is a transport that never gets through.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

var errNetwork = errors.New("network is unreachable")

// unwrapAll gives every text in an error's tree.
func unwrapAll(err error) []string {
	if err == nil {
		return nil
	}
	texts := []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)}
	switch u := err.(type) {
	case interface{ Unwrap() error }:
		texts = append(texts, unwrapAll(u.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, e := range u.Unwrap() {
			texts = append(texts, unwrapAll(e)...)
		}
	}
	return texts
}
