package bot_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"towline/bot"
	"towline/sandbox/telegram"
)

func TestTheTokenIsInNoError(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect carried the token to another host: %s", r.URL)
	}))
	defer elsewhere.Close()
	page := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, strings.NewReplacer("PATH", r.URL.Path, "QUERY", url.QueryEscape(r.URL.Path)).Replace(body))
		}
	}
	for name, c := range map[string]struct {
		transport http.RoundTripper
		handler   http.HandlerFunc
		want      error
		code      int
	}{
		"no connection":                      {transport: failing{errNetwork}, want: errNetwork},
		"an error that holds the address":    {transport: failing{&url.Error{Op: "Post", URL: "https://api.telegram.org/bot" + token + "/getMe", Err: errors.New("x" + token)}}, want: bot.ErrUnavailable},
		"a proxy's page with the address":    {handler: page(502, "<html><p>PATH failed</html>"), want: bot.ErrUnavailable, code: 502},
		"a page with the address in a link":  {handler: page(503, "<a href='/report?path=QUERY'>"), want: bot.ErrUnavailable, code: 503},
		"a refusal that repeats the address": {handler: page(400, `{"ok":false,"error_code":400,"description":"Bad Request: PATH"}`), want: bot.ErrRefused, code: 400},
		"a wrong token":                      {handler: page(401, `{"ok":false,"error_code":401,"description":"Unauthorized"}`), want: bot.ErrUnauthorized, code: 401},
		"a redirect": {handler: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
		}, want: bot.ErrUnavailable, code: 307},
		"an empty body":            {handler: page(200, ""), want: bot.ErrUnavailable, code: 200},
		"a result of another type": {handler: page(200, `{"ok":true,"result":"PATH"}`), want: bot.ErrUnavailable, code: 200},
	} {
		t.Run(name, func(t *testing.T) {
			log := &logs{}
			o := bot.Options{Token: token, APIURL: "http://telegram.test", Transport: c.transport, Pace: bot.Pace{Retry: time.Millisecond}}
			if c.handler != nil {
				server := httptest.NewServer(c.handler)
				defer server.Close()
				defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
				o.APIURL, o.Transport = server.URL, http.DefaultTransport
			}
			b, err := bot.New(o, nil, nil)
			must(t, err)
			_, err = b.Info(t.Context())
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			var e *bot.Error
			if !errors.As(err, &e) || e.Method != "getMe" || e.Code != c.code {
				t.Errorf("got %#v", e)
			}
			for _, text := range append(unwrapAll(err), log.String()) {
				if strings.Contains(text, token) || strings.Contains(text, "a-token-that-must-not-show") {
					t.Errorf("the token shows in %q", text)
				}
			}
		})
	}
}

func TestOptionsThatCannotWorkAreRefusedWithoutShowingSecrets(t *testing.T) {
	for name, o := range map[string]bot.Options{
		"no token":                {},
		"a token of another form": {Token: "a-token-that-must-not-show"},
		"an API URL without host": {Token: token, APIURL: "telegram"},
		"an API URL with a user":  {Token: token, APIURL: "https://user:a-token-that-must-not-show@host"},
		"a short webhook secret":  {Token: token, Webhook: &bot.Webhook{URL: "https://host/", Secret: "must-not-show"}},
		"a webhook without URL":   {Token: token, Webhook: &bot.Webhook{Secret: "must-not-show-must-not-show"}},
		"a poll without pause":    {Token: token, PollTimeout: time.Millisecond},
	} {
		_, err := bot.New(o, nil, nil)
		if err == nil || strings.Contains(err.Error(), "must-not-show") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// staleListener gives connections that answer one request and break at the first
// byte of the next, as a server does that closes idle connections.
type staleListener struct{ net.Listener }

type staleConn struct {
	net.Conn
	mu       sync.Mutex
	answered bool
}

func (l staleListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &staleConn{Conn: c}, nil
}

func (c *staleConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.answered = true
	c.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *staleConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answered && n > 0 {
		_ = c.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

func TestAStaleConnectionLosesAndRepeatsNothing(t *testing.T) {
	r := newRig(t, nil)
	r.server.Close()
	server := telegram.New(telegram.Options{Token: token, Bot: telegram.User{ID: botID, FirstName: "Towline", Username: "towline_bot"}, Unlimited: true})
	r.server = server
	t.Cleanup(func() { _ = server.Close() })
	must(t, server.AddUser(telegram.User{ID: lead, FirstName: "Lead"}))
	must(t, server.AddGroup(telegram.Group{ID: group, Title: "Shop", Members: []telegram.Member{{User: lead, Status: telegram.Creator}}}))
	front := httptest.NewUnstartedServer(server)
	front.Listener = staleListener{front.Listener}
	front.Start()
	t.Cleanup(front.Close)
	t.Cleanup(func() { _ = server.Close() })
	r.adjust = func(o *bot.Options) {
		o.APIURL, o.Transport = front.URL, nil
		o.Pace = bot.Pace{Edit: -1, Group: -1, Private: -1, All: -1, Retry: time.Millisecond}
	}
	r.start()
	const cards = 30
	for round := range 3 {
		for i := range cards {
			r.want(fmt.Sprint("card/", i), bot.Frame{Place: bot.Place{Chat: group}, HTML: fmt.Sprintf("%d in round %d", i, round)})
		}
		r.settle()
	}
	posts := r.posts(group)
	if len(posts) != cards {
		t.Errorf("%d messages, want %d", len(posts), cards)
	}
	for _, m := range posts {
		if !strings.HasSuffix(m.Text, "round 2") {
			t.Errorf("%q was not edited to the last round", m.Text)
		}
	}
	must(t, r.stop())
}

func TestARequestThatMayBeRepeatedDoesNotWaitBecauseOfAStaleConnection(t *testing.T) {
	r := newRig(t, nil)
	front := httptest.NewUnstartedServer(r.server)
	front.Listener = staleListener{front.Listener}
	front.Start()
	t.Cleanup(front.Close)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	r.adjust = func(o *bot.Options) { o.APIURL, o.Transport, o.Pace.Retry = front.URL, keepIdle{transport}, time.Hour }
	r.open()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // less than a retry
	defer cancel()
	for range 5 {
		_, err := r.bot.Info(ctx)
		must(t, err)
	}
}

// keepIdle hides CloseIdleConnections.
type keepIdle struct{ http.RoundTripper }

func TestARequestCarriesItsLengthAndNoRetryHeader(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	heads := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			heads <- err.Error()
			return
		}
		_ = listener.Close() // what is tried again is refused at once
		defer func() { _ = conn.Close() }()
		var head strings.Builder
		lines := bufio.NewScanner(conn)
		for lines.Scan() && lines.Text() != "" {
			head.WriteString(lines.Text() + "\n")
		}
		heads <- head.String()
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
	}()
	b, err := bot.New(bot.Options{Token: token, APIURL: "http://" + listener.Addr().String(), Pace: bot.Pace{Retry: time.Millisecond}}, nil, nil)
	must(t, err)
	if _, err := b.Info(t.Context()); err == nil {
		t.Error("an answer without ok was taken")
	}
	if head := <-heads; !strings.Contains(head, "Content-Length: ") || strings.Contains(head, "Idempotency") || strings.Contains(head, "chunked") {
		t.Errorf("the request's head:\n%s", head)
	}
}

func TestInfoSaysWhatTheBotMayDoWhere(t *testing.T) {
	r := newRig(t, nil)
	must(t, r.server.SetMember(other, telegram.Member{User: botID, Status: telegram.Administrator}, lead))
	r.open()
	info, err := r.bot.Info(t.Context(), group, other, -1005)
	must(t, err)
	if info.ID != botID || info.Username != "towline_bot" || !info.ReadsAll || len(info.Chats) != 3 {
		t.Fatalf("got %+v", info)
	}
	in, admin, unknown := info.Chats[0], info.Chats[1], info.Chats[2]
	if in.Title != "Shop" || in.Type != "supergroup" || in.Status != "member" || in.Err != nil {
		t.Errorf("got %+v", in)
	}
	if admin.Status != "administrator" {
		t.Errorf("got %+v", admin)
	}
	if !errors.Is(unknown.Err, bot.ErrExcluded) {
		t.Errorf("got %+v", unknown)
	}
}
