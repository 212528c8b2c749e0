package admin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"towline/admin"
	"towline/sandbox/parts"
)

func TestMain(m *testing.M) { parts.Main(m) }

func noon() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

// bot is a Source that says what it is told to say.
type bot struct {
	alive, ready, broken error
	telegram             admin.Telegram
	counting             admin.Counting
	limits               []admin.Limit
	entered, leave       chan struct{} // where set: Open says that it was entered, and waits
}

// atWork is a bot of which everything is known.
func atWork() *bot {
	return &bot{
		telegram: admin.Telegram{Calls: []admin.Calls{{Kind: "sendMessage", Status: "ok", Calls: 7}}, Waiting: 2, Oldest: noon().Add(-90 * time.Second), Paused: 1},
		counting: admin.Counting{Read: noon(), Datasets: []admin.Dataset{
			{Name: "d1AnalyticsAdaptiveGroups", Available: true, To: noon().Add(-time.Hour)}, {Name: "d1QueriesAdaptiveGroups"},
		}},
		limits: []admin.Limit{
			{Key: "rows_read_per_day", Unit: "rows", Used: 4.2e6, Limit: 5e6, Reached: noon().Add(5 * time.Hour)},
			{Key: "database_size", Unit: "bytes", Database: "shop", Used: 12288, Limit: 500e6},
		},
	}
}

func (b *bot) Alive(context.Context) error { return b.alive }
func (b *bot) Ready() error                { return b.ready }
func (b *bot) Runs() []admin.Runs {
	return []admin.Runs{{Kind: "promote", Environment: "production", Outcome: "done", Ended: 3}, {Kind: "deploy", Environment: "preview", Outcome: "failed"}}
}
func (b *bot) Refusals() []admin.Refusals {
	return []admin.Refusals{{Code: "not_on_preview", Times: 2}}
}
func (b *bot) Verdicts() []admin.Verdicts {
	return []admin.Verdicts{{Project: "shop", Verdict: "well", Watches: 2}, {Project: "shop", Verdict: "worse"}}
}
func (b *bot) Cloudflare() admin.Cloudflare {
	return admin.Cloudflare{Calls: []admin.Calls{{Kind: "d1", Status: "2xx", Calls: 41}, {Kind: "d1", Status: "429", Calls: 1}}, Busiest: 17}
}
func (b *bot) Telegram() admin.Telegram { return b.telegram }
func (b *bot) Open(ctx context.Context) ([]admin.Open, error) {
	if b.entered != nil {
		b.entered <- struct{}{}
		select {
		case <-b.leave:
		case <-ctx.Done():
		}
	}
	return []admin.Open{{Project: "shop", Environment: "production", Phase: "waiting", Runs: 1}}, b.broken
}
func (b *bot) Limits(context.Context) ([]admin.Limit, error)    { return b.limits, b.broken }
func (b *bot) Counting(context.Context) (admin.Counting, error) { return b.counting, b.broken }

func server(b *bot) *admin.Server {
	s := admin.New(admin.Options{Source: b, Now: noon, Build: admin.Build{Version: "1.2.3", Revision: "abc", Go: "go1.26"}})
	s.SetPatience(4 * time.Minute)
	return s
}

// get asks a server for a page.
func get(s *admin.Server, method, path string) (status int, body string) {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w.Code, w.Body.String()
}

// samples are the lines of a page that are Towline's own.
func samples(page string) string {
	var list []string
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "towline_") {
			list = append(list, line)
		}
	}
	return strings.Join(list, "")
}

func TestEverythingKnownIsOnThePage(t *testing.T) {
	status, page := get(server(atWork()), "GET", "/metrics")
	const want = `towline_analytics_available{dataset="d1AnalyticsAdaptiveGroups"} 1
towline_analytics_available{dataset="d1QueriesAdaptiveGroups"} 0
towline_analytics_counted_to_timestamp_seconds{dataset="d1AnalyticsAdaptiveGroups"} 1.7952588e+09
towline_analytics_last_read_timestamp_seconds 1.7952624e+09
towline_build_info{goversion="go1.26",revision="abc",version="1.2.3"} 1
towline_cloudflare_calls_busiest_5m 17
towline_cloudflare_calls_total{kind="d1",status="2xx"} 41
towline_cloudflare_calls_total{kind="d1",status="429"} 1
towline_limit_reached_timestamp_seconds{database="",limit="rows_read_per_day"} 1.7952804e+09
towline_limit_used{database="",limit="rows_read_per_day",unit="rows"} 4.2e+06
towline_limit_used{database="shop",limit="database_size",unit="bytes"} 12288
towline_limit_value{database="",limit="rows_read_per_day",unit="rows"} 5e+06
towline_limit_value{database="shop",limit="database_size",unit="bytes"} 5e+08
towline_open_runs{environment="production",phase="waiting",project="shop"} 1
towline_ready 1
towline_refusals_total{code="not_on_preview"} 2
towline_runs_total{environment="preview",kind="deploy",outcome="failed"} 0
towline_runs_total{environment="production",kind="promote",outcome="done"} 3
towline_scrape_failed{part="analytics"} 0
towline_scrape_failed{part="limits"} 0
towline_scrape_failed{part="runs"} 0
towline_telegram_oldest_waiting_seconds 90
towline_telegram_paused_chats 1
towline_telegram_requests_total{method="sendMessage",status="ok"} 7
towline_telegram_waiting 2
towline_watch_verdicts_total{project="shop",verdict="well"} 2
towline_watch_verdicts_total{project="shop",verdict="worse"} 0
`
	if got := samples(page); status != http.StatusOK || got != want {
		t.Errorf("status %d:\n%s\nwant:\n%s", status, got, want)
	}
	for _, also := range []string{"# TYPE towline_runs_total counter", "# TYPE towline_limit_used gauge", "\ngo_goroutines "} {
		if !strings.Contains(page, also) {
			t.Errorf("the page lacks %q", also)
		}
	}
}

func TestWhatCannotBeToldIsLeftOutAndSaid(t *testing.T) {
	b := atWork()
	b.broken = errors.New("the store is closed")
	var log strings.Builder
	s := admin.New(admin.Options{Source: b, Now: noon, Log: slog.New(slog.NewTextHandler(&log, nil))})
	status, page := get(s, "GET", "/metrics")
	for _, gone := range []string{"towline_limit_used", "towline_open_runs", "towline_analytics_available"} {
		if strings.Contains(page, gone) {
			t.Errorf("%s is told all the same", gone)
		}
	}
	for _, want := range []string{`scrape_failed{part="runs"} 1`, `scrape_failed{part="limits"} 1`, `scrape_failed{part="analytics"} 1`, `towline_runs_total{`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s:\n%s", want, samples(page))
		}
	}
	if status != http.StatusOK || !strings.Contains(log.String(), "the store is closed") {
		t.Errorf("status %d, log %s", status, log.String())
	}
}

func TestWhatIsNotKnownYetIsNotZero(t *testing.T) {
	b := atWork()
	b.counting, b.limits, b.telegram = admin.Counting{}, nil, admin.Telegram{}
	_, page := get(server(b), "GET", "/metrics")
	for _, gone := range []string{"towline_limit", "towline_analytics"} {
		if strings.Contains(samples(page), gone) {
			t.Errorf("%s is told though nothing is known:\n%s", gone, samples(page))
		}
	}
	if !strings.Contains(page, "towline_telegram_oldest_waiting_seconds 0\n") {
		t.Error("nothing waits, and that is known")
	}
}

func TestTwoRowsWithTheSameWordsDoNotHideTheRest(t *testing.T) {
	b := atWork()
	b.limits = append(b.limits, b.limits[0])
	status, page := get(server(b), "GET", "/metrics")
	if status != http.StatusOK || !strings.Contains(page, "towline_ready 1") {
		t.Errorf("status %d:\n%s", status, samples(page))
	}
}

func TestHealthAndReadinessSayWhatIsWrong(t *testing.T) {
	b := atWork()
	for name, c := range map[string]struct {
		alive, ready error
		path, want   string
		status       int
	}{
		"alive":                         {nil, nil, "/healthz", "ok\n", 200},
		"ready":                         {nil, nil, "/readyz", "ok\n", 200},
		"not alive":                     {errors.New("the store is closed"), nil, "/healthz", "the store is closed\n", 503},
		"not ready":                     {nil, errors.New("no poll has come back for 5m0s"), "/readyz", "no poll has come back for 5m0s\n", 503},
		"alive though Telegram is down": {nil, errors.New("no poll has come back for 5m0s"), "/healthz", "ok\n", 200},
	} {
		b.alive, b.ready = c.alive, c.ready
		if status, body := get(server(b), "GET", c.path); status != c.status || body != c.want {
			t.Errorf("%s: %d %q", name, status, body)
		}
	}
	b.ready = errors.New("away")
	if _, page := get(server(b), "GET", "/metrics"); !strings.Contains(page, "towline_ready 0\n") {
		t.Error("/metrics says that it is ready")
	}
}

func TestOnlyReadingIsAnswered(t *testing.T) {
	s := server(atWork())
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/", 200}, {"HEAD", "/metrics", 200}, {"POST", "/metrics", 405}, {"DELETE", "/healthz", 405}, {"GET", "/secrets", 404}, {"GET", "/debug/pprof/", 404},
	} {
		if status, _ := get(s, c.method, c.path); status != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, status, c.want)
		}
	}
}

func TestMoreScrapesThanTwoAtOnceComeAgainLater(t *testing.T) {
	b := atWork()
	b.entered, b.leave = make(chan struct{}), make(chan struct{})
	s := server(b)
	done := make(chan int, 2)
	for range 2 {
		go func() {
			status, _ := get(s, "GET", "/metrics")
			done <- status
		}()
	}
	for range 2 {
		<-b.entered
	}
	if status, body := get(s, "GET", "/metrics"); status != http.StatusServiceUnavailable {
		t.Errorf("a third scrape got %d %s", status, body)
	}
	if status, _ := get(s, "GET", "/healthz"); status != http.StatusOK {
		t.Error("scrapes keep /healthz from answering")
	}
	close(b.leave)
	for range 2 {
		if status := <-done; status != http.StatusOK {
			t.Errorf("a scrape got %d", status)
		}
	}
}

// serve answers on a port of this machine until the context ends.
func serve(t *testing.T, ctx context.Context, b *bot) (address string, ended chan error) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended = make(chan error, 1)
	go func() { ended <- server(b).Serve(ctx, l) }()
	return "http://" + l.Addr().String(), ended
}

// read fetches a page over the network.
func read(client *http.Client, url string) (string, error) {
	res, err := client.Get(url)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return "", err
	}
	return fmt.Sprint(res.StatusCode, " ", string(text)), nil
}

func TestAStopWaitsForAnswersUnderWayAndClosesThePort(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b := atWork()
	b.entered, b.leave = make(chan struct{}), make(chan struct{})
	address, ended := serve(t, ctx, b)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	page := make(chan string, 1)
	go func() {
		text, err := read(client, address+"/metrics")
		page <- fmt.Sprint(text, err)
	}()
	<-b.entered
	cancel()
	close(b.leave)
	if text := <-page; !strings.Contains(text, "towline_ready 1") {
		t.Errorf("the answer under way was %s", text)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve returned %v", err)
	}
	if text, err := read(client, address+"/healthz"); err == nil {
		t.Errorf("after the stop it answers %s", text)
	}
}

func TestAListenerThatBreaksIsAnError(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := server(atWork()).Serve(t.Context(), l); err == nil {
		t.Error("serving on a closed listener is no error")
	}
}
