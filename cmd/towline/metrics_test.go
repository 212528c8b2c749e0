package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/release"
)

// listening serves with an admin listener, and returns where that is.
func (o *outside) listening() (s *serving, address string) {
	o.t.Helper()
	// On Linux every address of 127.0.0.0/8 is this machine's: one of this process alone is not given to another one meanwhile.
	pid := os.Getpid()
	own := net.IPv4(127, byte(64+pid>>16&63), byte(pid>>8), byte(pid)).String()
	l, err := (&net.ListenConfig{}).Listen(o.t.Context(), "tcp", net.JoinHostPort(own, "0"))
	if err != nil {
		l, err = (&net.ListenConfig{}).Listen(o.t.Context(), "tcp", "127.0.0.1:0")
	}
	if err != nil {
		o.t.Fatal(err)
	}
	address = l.Addr().String()
	if err := l.Close(); err != nil {
		o.t.Fatal(err)
	}
	o.config(goodConfig + "admin: {listen: " + strconv.Quote(address) + "}\n")
	return o.serve(), address
}

// fetch reads a page of the admin listener; the status is 0 where there is no answer.
func fetch(ctx context.Context, address, path string) (status int, body string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return 0, err.Error()
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	text, err := io.ReadAll(res.Body)
	if err != nil || res.Body.Close() != nil {
		return 0, "cut off"
	}
	return res.StatusCode, string(text)
}

// shows waits until a page has what is looked for, and returns the page.
func (o *outside) shows(address, path, want string) string {
	o.t.Helper()
	ctx, cancel := patient(o.t.Context(), o.t)
	defer cancel()
	looked := regexp.MustCompile("(?m)" + want)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	last := "nothing"
	for {
		status, body := fetch(ctx, address, path)
		if looked.MatchString(body) {
			return body
		}
		if status != 0 {
			last = body
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			o.t.Fatalf("%s never had %q; it has\n%s", path, want, last)
		}
	}
}

func TestProgramsReadWhatTheBotDid(t *testing.T) {
	o := newOutside(t, true)
	s, address := o.listening()
	o.answers(demoDeployer, "/whoami", "person 1001")
	o.shows(address, "/readyz", "^ok$")
	if status, body := fetch(t.Context(), address, "/healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("/healthz says %d %s", status, body)
	}
	o.answers(demoDeployer, "/deploy", "shop → preview · live", "#1")
	o.answers(demoDeployer, "/unhold because", "code: no_hold")
	page := o.shows(address, "/metrics", `^towline_runs_total\{environment="preview",kind="deploy",outcome="done"\} 1$`)
	for _, want := range []string{
		`^towline_build_info\{goversion="go.*",revision=".*",version=".*"\} 1$`,
		`^towline_ready 1$`,
		`^towline_runs_total\{environment="production",kind="promote",outcome="failed"\} 0$`,
		`^towline_refusals_total\{code="no_hold"\} 1$`,
		`^towline_watch_verdicts_total\{project="shop",verdict="worse"\} 0$`,
		`^towline_open_runs\{environment="production",phase="waiting",project="shop"\} 0$`,
		`^towline_cloudflare_calls_total\{kind="d1",status="2xx"\} [1-9]`,
		`^towline_cloudflare_calls_busiest_5m [1-9]`,
		`^towline_telegram_requests_total\{method="sendMessage",status="ok"\} [1-9]`,
		`^towline_telegram_paused_chats 0$`,
		`^towline_scrape_failed\{part="limits"\} 0$`,
		`^towline_scrape_failed\{part="runs"\} 0$`,
		`^go_goroutines `,
	} {
		if !regexp.MustCompile("(?m)" + want).MatchString(page) {
			t.Errorf("no %s in\n%s", want, ours(page))
		}
	}
	o.shows(address, "/metrics", `^towline_analytics_available\{dataset="d1AnalyticsAdaptiveGroups"\} 1$`)
	for _, secret := range []string{botToken, apiToken} {
		if strings.Contains(page, secret) {
			t.Error("a token is on the page")
		}
	}
	s.stop()
	s.end(exitFine)
	if status, _ := fetch(t.Context(), address, "/metrics"); status != 0 {
		t.Errorf("after the end it still answers %d", status)
	}
	s = o.serve()
	o.shows(address, "/metrics", `^towline_limit_used\{database="shop-preview",limit="database_size",unit="bytes"\} [1-9]`)
	if page := o.shows(address, "/metrics", `^towline_ready`); !strings.Contains(page, `towline_runs_total{environment="preview",kind="deploy",outcome="done"} 0`) {
		t.Errorf("what an earlier process did is counted again:\n%s", ours(page))
	}
	s.stop()
	s.end(exitFine)
}

func TestAWatchIsCountedByWhatItFoundAndOneThatWasOvertakenIsNot(t *testing.T) {
	s := &service{}
	s.wiring.Store(&wiring{projects: []deploy.Project{{Name: "shop"}}})
	f := newFigures(s, nil, time.Now)
	for _, run := range []release.Run{
		{Kind: release.Promote, Project: "shop", Phase: release.Done},
		{Kind: release.Watch, Project: "shop", Phase: release.Done, Watch: &release.Watching{Verdict: release.WatchWorse}},
		{Kind: release.Watch, Project: "shop", Phase: release.Overtaken, Watch: &release.Watching{}},
		{Kind: release.Watch, Project: "blog", Phase: release.Done, Watch: &release.Watching{Verdict: release.WatchWell}}, // it left the config since
	} {
		f.count(run)
	}
	var got []string
	for range 2 { // reading changes nothing
		got = nil
		for _, v := range f.Verdicts() {
			got = append(got, fmt.Sprintf("%s %s %d", v.Project, v.Verdict, v.Watches))
		}
	}
	slices.Sort(got)
	want := []string{"blog well 1", "shop alone 0", "shop little 0", "shop unseen 0", "shop well 0", "shop worse 1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// ours are the lines of a page that are Towline's own.
func ours(page string) string {
	var list []string
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "towline_") {
			list = append(list, line)
		}
	}
	return strings.Join(list, "")
}

func TestServeSaysThatTheAdminListenersPortIsTaken(t *testing.T) {
	o := newOutside(t, true)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it is only there to be in the way
	o.config(goodConfig + "admin: {listen: " + strconv.Quote(l.Addr().String()) + "}\n")
	code, _, stderr := o.run(t.Context(), "serve", "-config", o.path())
	if code != exitRefused || !hasAll(stderr, []string{"admin.listen", "address already in use", "Free the port"}) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
