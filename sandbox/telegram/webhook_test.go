package telegram_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"towline/sandbox/telegram"
)

// hook is the bot's side of a webhook: it hands over what arrives and answers as the test tells it.
type hook struct {
	*httptest.Server
	got chan string // "text secret" of each update
	// answers holds the status codes to answer with, and 200 once it is empty.
	answers chan int
	after   string // Retry-After
}

func newHook(t *testing.T) *hook {
	h := &hook{got: make(chan string, 100), answers: make(chan int, 100)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var u updateOf
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &u)
		}
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("webhook got %s %v %s: %v", r.Method, r.Header, body, err)
		}
		h.got <- strings.TrimSpace(texts([]updateOf{u}) + " " + r.Header.Get("X-Telegram-Bot-Api-Secret-Token"))
		status := http.StatusOK
		select {
		case status = <-h.answers:
		default:
		}
		if h.after != "" {
			w.Header().Set("Retry-After", h.after)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(h.Close)
	return h
}

// waits records the pauses that the server makes.
type waits struct {
	mu  sync.Mutex
	all []time.Duration
}

func (w *waits) wait(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, d)
	return ctx.Err()
}

func (w *waits) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprint(w.all)
}

func hookWorld(t *testing.T) (*world, *hook, *waits) {
	h, pauses := newHook(t), &waits{}
	w := newWorld(t, func(o *telegram.Options) { o.LocalWebhooks, o.Wait = true, pauses.wait })
	return w, h, pauses
}

// settled waits until no update is pending.
func (w *world) settled() {
	w.t.Helper()
	var info struct {
		Pending int `json:"pending_update_count"`
	}
	for {
		version, _ := w.Changes(-1)
		w.ok("getWebhookInfo", `{}`, &info)
		if info.Pending == 0 {
			return
		}
		_, changed := w.Changes(version + 1) // the request itself was one change
		select {
		case <-changed:
		case <-w.ctx.Done():
			w.t.Fatal("updates stay pending")
		}
	}
}

func TestAWebhookGetsUpdatesWithItsSecret(t *testing.T) {
	w, h, _ := hookWorld(t)
	w.sayAll("before") // waits for the webhook
	w.ok("setWebhook", fmt.Sprintf(`{"url": %q, "secret_token": "s3cret_-"}`, h.URL), nil)
	w.sayAll("after")
	for _, want := range []string{"before s3cret_-", "after s3cret_-"} {
		if got := <-h.got; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	w.settled()
	for _, c := range w.Calls() {
		if strings.Contains(c.Params["secret_token"], "s3cret") {
			t.Error("Calls shows the secret")
		}
	}
	w.clean()
}

func TestAnUpdateIsSentAgainUntilTheWebhookTakesIt(t *testing.T) {
	w, h, pauses := hookWorld(t)
	for _, status := range []int{500, 404, 302, 503} {
		h.answers <- status
	}
	w.ok("setWebhook", fmt.Sprintf(`{"url": %q}`, h.URL), nil)
	w.sayAll("one", "two")
	for _, want := range []string{"one", "one", "one", "one", "one", "two"} {
		if got := <-h.got; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	w.settled()
	if got := pauses.String(); got != "[0s 2s 4s 8s]" {
		t.Errorf("pauses %s", got)
	}
	var info struct {
		Message string `json:"last_error_message"`
		URL     string `json:"url"`
	}
	w.ok("getWebhookInfo", `{}`, &info)
	if info.Message != "Wrong response from the webhook: 503 Service Unavailable" || info.URL != h.URL {
		t.Errorf("info %+v", info)
	}
}

func TestAWebhooksRetryAfterIsHonoured(t *testing.T) {
	w, h, pauses := hookWorld(t)
	h.after = "7"
	h.answers <- http.StatusServiceUnavailable
	w.ok("setWebhook", fmt.Sprintf(`{"url": %q}`, h.URL), nil)
	w.sayAll("one")
	<-h.got
	<-h.got
	w.settled()
	if got := pauses.String(); got != "[7s]" {
		t.Errorf("pauses %s", got)
	}
}

func TestAPressDoesNotWaitBehindTheChatsMessages(t *testing.T) {
	w, _, _ := hookWorld(t)
	block, arrived := make(chan struct{}), make(chan string, 2)
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var u updateOf
		if err := json.NewDecoder(r.Body).Decode(&u); err != nil {
			t.Error(err)
		}
		arrived <- texts([]updateOf{u})
		if u.Message != nil {
			<-block
		}
	}))
	defer slow.Close()
	w.ok("setWebhook", fmt.Sprintf(`{"url": %q}`, slow.URL), nil)
	id := w.send(card(`[[{"text": "Go", "callback_data": "go"}]]`))
	w.sayAll("stuck")
	if got := <-arrived; got != "stuck" {
		t.Errorf("got %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.Press(ctx, telegram.PressOptions{Chat: chat, Message: id, From: lead, Data: "go"})
	if err == nil {
		t.Error("the press was answered")
	}
	if got := <-arrived; got != "pressed go" {
		t.Errorf("got %q", got)
	}
	close(block)
	w.settled()
}

func TestAnUpdateThatNoWebhookTakesIsDroppedWhenItIsTooOld(t *testing.T) {
	h := newHook(t)
	var c *clock
	w := newWorld(t, func(o *telegram.Options) {
		o.LocalWebhooks = true
		o.Wait = func(ctx context.Context, _ time.Duration) error { c.pass(12 * time.Hour); return ctx.Err() }
	})
	c = w.clock
	for range 5 {
		h.answers <- http.StatusInternalServerError
	}
	w.ok("setWebhook", fmt.Sprintf(`{"url": %q}`, h.URL), nil)
	w.sayAll("one")
	w.settled()
	if n := len(h.got); n != 2 {
		t.Errorf("%d attempts in 24 h with 12 h between them", n)
	}
}

func TestAWebhookThatTelegramCouldNotReachIsRefused(t *testing.T) {
	for _, c := range []struct{ name, params, want string }{
		{"no URL", `{"url": "x"}`, "invalid webhook URL specified"},
		{"http", `{"url": "http://ops.example.com/"}`, "bad webhook: An HTTPS URL must be provided for webhook"},
		{"a port of its own", `{"url": "https://ops.example.com:9000/"}`, "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"},
		{"a private address", `{"url": "https://10.0.0.1/"}`, "bad webhook: IP address 10.0.0.1 is reserved"},
		{"a secret with a blank", `{"url": "https://ops.example.com/", "secret_token": "a b"}`, "secret token contains unallowed characters"},
		{"a long secret", `{"url": "https://ops.example.com/", "secret_token": "` + strings.Repeat("x", 257) + `"}`, "secret token is too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			newWorld(t).fails("setWebhook", c.params, http.StatusBadRequest, "Bad Request: "+c.want)
		})
	}
}

func TestDeletingTheWebhookReturnsToPolling(t *testing.T) {
	w, h, _ := hookWorld(t)
	w.ok("setWebhook", fmt.Sprintf(`{"url": %q}`, h.URL), nil)
	w.ok("deleteWebhook", `{}`, nil)
	w.sayAll("one")
	wantTexts(t, w.updates(0), "one")
	w.ok("deleteWebhook", `{"drop_pending_updates": true}`, nil)
	wantTexts(t, w.updates(0), "")
	if len(h.got) != 0 {
		t.Errorf("the webhook got %q", <-h.got)
	}
}

func TestSettingAWebhookEndsALongPoll(t *testing.T) {
	w := newWorld(t, func(o *telegram.Options) { o.PollCap, o.LocalWebhooks = time.Minute, true })
	done := make(chan answer, 1)
	go func() {
		a, err := w.try(w.ctx, "getUpdates", `{"timeout": 50}`)
		if err != nil {
			t.Error(err)
		}
		done <- a
	}()
	w.ok("setWebhook", `{"url": "http://127.0.0.1:1/"}`, nil)
	// The poll began before or after; either way it may not go on.
	if a := <-done; a.Code != http.StatusConflict {
		t.Errorf("poll: %+v", a)
	}
}

func TestAWebhookThatAnswersWithAMethodIsNoted(t *testing.T) {
	w, _, _ := hookWorld(t)
	answering := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if _, err := io.WriteString(rw, `{"method": "sendMessage", "chat_id": 1, "text": "x"}`); err != nil {
			t.Error(err)
		}
	}))
	defer answering.Close()
	w.ok("setWebhook", fmt.Sprintf(`{"url": %q}`, answering.URL), nil)
	w.sayAll("one")
	w.settled()
	if v := w.Violations(); len(v) != 1 || !strings.HasPrefix(v[0], "sendMessage: ") {
		t.Errorf("violations: %q", v)
	}
}
