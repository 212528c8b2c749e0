package bot_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
	"towline/sandbox/telegram"
)

// outcomes is a store that shows how updates ended.
type outcomes struct {
	bot.Store
	mu    sync.Mutex
	ended map[int64]bot.Outcome
}

func (o *outcomes) Finish(ctx context.Context, id int64, how bot.Outcome) error {
	o.mu.Lock()
	o.ended[id] = how
	o.mu.Unlock()
	return o.Store.Finish(ctx, id, how)
}

func TestWhatGoesWrongCostsItsUpdateAndLeavesATrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, hooked)
		journal := &outcomes{ended: map[int64]bot.Outcome{}}
		r.port = func(s bot.Store) bot.Store { journal.Store = s; return journal }
		r.handler.onCommand = func(_ context.Context, c bot.Command) error {
			switch c.Name {
			case "panic":
				panic("in a handler")
			case "fail":
				return errors.New("no luck")
			}
			return nil
		}
		r.start()
		synctest.Wait()
		post := r.poster(hookSecret)
		say := func(id int, text string) string {
			return strings.NewReplacer(`"update_id":5`, fmt.Sprintf(`"update_id":%d`, id), "/x", text).Replace(hookBody)
		}
		for _, body := range []string{say(1, "/before"), `{"update_id":2,"message":"no message"}`, say(3, "/panic"), say(4, "/fail"), say(5, "/after")} {
			if code := post(body); code != 200 {
				t.Errorf("%s was answered %d", body, code)
			}
		}
		r.heard(4)
		synctest.Wait()
		want := map[int64]bot.Outcome{1: bot.Done, 2: bot.Garbled, 3: bot.Failed, 4: bot.Failed, 5: bot.Done}
		if !maps.Equal(journal.ended, want) {
			t.Errorf("the journal says %v, want %v", journal.ended, want)
		}
		for id := 2; id <= 4; id++ {
			if !strings.Contains(r.logs.String(), fmt.Sprintf("update=%d", id)) {
				t.Errorf("the log says nothing of update %d", id)
			}
		}
	})
}

// cracked is a store that panics when it is asked for a token.
type cracked struct{ bot.Store }

func (cracked) CardByToken(context.Context, string) (bot.Card, bot.Token, bool, error) {
	panic("in a store")
}

func TestAPanicBeforeTheHandlerCostsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		journal := &outcomes{ended: map[int64]bot.Outcome{}}
		r.port = func(s bot.Store) bot.Store { journal.Store = cracked{s}; return journal }
		r.start()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one", Buttons: buttons("x")})
		r.settle()
		if a := r.press(lead, group, r.posts(group)[0].ID, "x"); !strings.HasPrefix(a.Text, "That did not work") {
			t.Errorf("answered %+v", a)
		}
		r.say(lead, group, "/after")
		r.heard(1)
		synctest.Wait()
		how := map[bot.Outcome]int{}
		for _, o := range journal.ended {
			how[o]++
		}
		if how[bot.Failed] != 1 || how[bot.Done] != 1 || !strings.Contains(r.logs.String(), "in a store") {
			t.Errorf("the journal says %v", how)
		}
	})
}

func TestAPauseThatTelegramAsksForDoesNotCostThePressItsAnswer(t *testing.T) {
	for _, c := range []struct {
		pause    time.Duration
		answered bool
	}{{4 * time.Second, true}, {14 * time.Second, true}, {20 * time.Second, false}} {
		t.Run(c.pause.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				r.start()
				r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one", Buttons: buttons("x")})
				r.settle()
				r.server.Fault(telegram.Fault{Kind: telegram.TooManyRequests, Method: "answerCallbackQuery", RetryAfter: c.pause})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				a, err := r.server.Press(ctx, telegram.PressOptions{Chat: group, Message: r.posts(group)[0].ID, From: lead, Text: "x"})
				if c.answered != (err == nil && a.Text == "noted x") {
					t.Errorf("answered %+v, %v", a, err)
				}
				synctest.Wait() // the server notes a call once it is answered
				if n := r.calls("answerCallbackQuery"); c.answered != (n == 2) {
					t.Errorf("%d attempts", n)
				}
			})
		})
	}
}

// otherHook is a Telegram on which somebody has set a webhook for this bot.
type otherHook struct {
	http.RoundTripper
	set chan struct{}
}

func (o otherHook) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-o.set:
		if path.Base(r.URL.Path) == "getUpdates" {
			const no = `{"ok":false,"error_code":409,"description":"Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"}`
			return &http.Response{StatusCode: 409, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(no)), Request: r}, nil
		}
	default:
	}
	return o.RoundTripper.RoundTrip(r)
}

func TestWhoeverLosesTheUpdatesStillDeliversWhatIsOutstanding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		set := make(chan struct{})
		r.adjust = func(o *bot.Options) { o.Transport = otherHook{o.Transport, set} }
		working := make(chan struct{})
		r.handler.onCommand = func(ctx context.Context, c bot.Command) error {
			close(set)
			close(working)
			elapse(2 * time.Second) // of fake time: the conflict comes meanwhile
			return r.bot.Outbox().Want(ctx, "reply/1", bot.Frame{Place: c.Place, HTML: "did it", Final: true})
		}
		r.start()
		r.say(lead, group, "/deploy")
		<-working
		polls := func() int { return r.calls("getUpdates") }
		elapse(time.Minute)
		before := polls()
		elapse(10 * time.Minute)
		if n := polls() - before; n > 0 {
			t.Errorf("polled %d times after the conflict", n)
		}
		err := r.stop()
		if !errors.Is(err, bot.ErrConflict) || !strings.Contains(err.Error(), "webhook is active") {
			t.Errorf("Run returned %v", err)
		}
		if posts := r.posts(group); len(posts) != 1 || posts[0].Text != "did it" {
			t.Errorf("posted %+v", posts)
		}
	})
}

// broken is a body that ends before its time.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAWebhookSaysWhyItDoesNotTakeARequest(t *testing.T) {
	r := newRig(t, hooked)
	r.open()
	for name, c := range map[string]struct {
		method, secret string
		body           io.Reader
		code           int
	}{
		"a PUT":                      {http.MethodPut, hookSecret, strings.NewReader(hookBody), 405},
		"a HEAD":                     {http.MethodHead, hookSecret, nil, 405},
		"a longer secret":            {http.MethodPost, hookSecret + "x", strings.NewReader(hookBody), 401},
		"a beginning of the secret":  {http.MethodPost, hookSecret[:4], strings.NewReader(hookBody), 401},
		"a large body of a stranger": {http.MethodPost, "", strings.NewReader(strings.Repeat("x", 2<<20)), 401},
		"a body that is too large":   {http.MethodPost, hookSecret, strings.NewReader(strings.Repeat(" ", 1<<20) + hookBody), 413},
		"a body of just that size":   {http.MethodPost, hookSecret, strings.NewReader(strings.Repeat(" ", 1<<20-len(hookBody)) + hookBody), 200},
		"a body that breaks off":     {http.MethodPost, hookSecret, broken{}, 400},
	} {
		req := httptest.NewRequest(c.method, "/telegram", c.body)
		req.Header.Set("X-Telegram-Bot-Api-Secret-Token", c.secret)
		rec := httptest.NewRecorder()
		r.bot.WebhookHandler().ServeHTTP(rec, req)
		if rec.Code != c.code {
			t.Errorf("%s was answered %d, want %d", name, rec.Code, c.code)
		}
		if allow := rec.Header().Get("Allow"); (c.code == 405) != (allow == http.MethodPost) {
			t.Errorf("%s: Allow is %q", name, allow)
		}
	}
	kept, err := r.store.Bot().Unfinished(t.Context())
	if err != nil || len(kept) != 1 {
		t.Errorf("the journal holds %d updates, want the one that was acknowledged: %v", len(kept), err)
	}
}
