package bot_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"towline/bot"
	"towline/sandbox/telegram"
)

// poster posts to the bot's webhook and returns the status.
func (r *rig) poster(secret string) func(body string) int {
	h := r.bot.WebhookHandler()
	return func(body string) int {
		req := httptest.NewRequest(http.MethodPost, "/telegram", strings.NewReader(body))
		req.Header.Set("X-Telegram-Bot-Api-Secret-Token", secret)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		return rec.Code
	}
}

const (
	hookSecret = "a-secret-of-the-webhook"
	hookBody   = `{"update_id":5,"message":{"message_id":9,"date":1,"chat":{"id":-1001234567890,"type":"supergroup"},"from":{"id":1001,"first_name":"Lead"},"text":"/x"}}`
)

func hooked(o *bot.Options) {
	o.Webhook = &bot.Webhook{URL: "https://ops.example.com/telegram", Secret: hookSecret}
}

// brokenJournal is a store whose journal fails while it should.
type brokenJournal struct {
	bot.Store
	broken bool
}

var errDisk = errors.New("no space left on device")

func (b *brokenJournal) Journal(ctx context.Context, u []bot.Update) ([]bot.Update, error) {
	if b.broken {
		return nil, errDisk
	}
	return b.Store.Journal(ctx, u)
}

func TestAWebhookTakesOnlyWhatHasTheSecretAndIsJournaled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, hooked)
		var journal *brokenJournal
		r.port = func(s bot.Store) bot.Store { journal = &brokenJournal{Store: s}; return journal }
		r.open()
		for name, c := range map[string]struct {
			code int
			req  *http.Request
		}{
			"a GET":           {http.StatusMethodNotAllowed, httptest.NewRequest(http.MethodGet, "/", nil)},
			"no secret":       {http.StatusUnauthorized, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(hookBody))},
			"a huge body":     {http.StatusRequestEntityTooLarge, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", 1<<20+1)))},
			"another secret":  {http.StatusUnauthorized, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(hookBody))},
			"the right thing": {http.StatusOK, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(hookBody))},
		} {
			switch name {
			case "another secret":
				c.req.Header.Set("X-Telegram-Bot-Api-Secret-Token", hookSecret+"x")
			case "a huge body", "the right thing":
				c.req.Header.Set("X-Telegram-Bot-Api-Secret-Token", hookSecret)
			}
			rec := httptest.NewRecorder()
			r.bot.WebhookHandler().ServeHTTP(rec, c.req)
			if rec.Code != c.code {
				t.Errorf("%s was answered %d, want %d", name, rec.Code, c.code)
			}
		}
		post := r.poster(hookSecret)
		journal.broken = true
		if code := post(strings.Replace(hookBody, "5", "6", 1)); code != http.StatusServiceUnavailable {
			t.Errorf("an update that is not journaled was answered %d", code)
		}
		journal.broken = false
		post(strings.Replace(hookBody, "5", "6", 1))
		r.start() // what came before is handled now, once
		post(hookBody)
		if c := r.heard(2); len(c) != 2 || c[0].UpdateID != 5 || c[1].UpdateID != 6 {
			t.Errorf("got %+v", c)
		}
		must(t, r.bot.Ready())
	})
}

func TestUpdatesArriveByWebhookEndToEnd(t *testing.T) {
	server := telegram.New(telegram.Options{
		Token: token, Bot: telegram.User{ID: botID, FirstName: "Towline", Username: "towline_bot"}, LocalWebhooks: true,
	})
	r := newRig(t, nil)
	r.server = server
	t.Cleanup(func() { _ = server.Close() })
	must(t, server.AddUser(telegram.User{ID: lead, FirstName: "Lead"}))
	must(t, server.AddGroup(telegram.Group{ID: group, Title: "Shop", Members: []telegram.Member{{User: lead, Status: telegram.Creator}}}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	listen := listener.Addr().String()
	arrived := make(chan bot.Command, 10)
	r.handler.onCommand = func(_ context.Context, c bot.Command) error { arrived <- c; return nil }
	r.adjust = func(o *bot.Options) {
		o.Webhook = &bot.Webhook{URL: "http://" + listen + "/telegram", Listen: listen, Secret: hookSecret}
	}
	r.open()
	r.bot.ListenOn(listener)
	r.start()
	for i := range 3 {
		r.say(lead, group, fmt.Sprintf("/c%d@towline_bot", i))
		if c := <-arrived; c.Name != fmt.Sprint("c", i) {
			t.Errorf("got %+v", c)
		}
	}
	must(t, r.bot.Ready())
	must(t, r.stop())
	if strings.Contains(r.logs.String(), hookSecret) {
		t.Error("the log holds the webhook's secret")
	}
}
