package cloudflare_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"towline/sandbox/cloudflare"
	"towline/sandbox/cloudflare/wrangler"
)

// faulty puts faults in front of both servers in turn, with a table t in a database of its own.
func faulty(t *testing.T, test func(t *testing.T, f *cloudflare.Faults, s wrangler.Server, path string)) {
	for name, open := range map[string]func(testing.TB) (http.Handler, string, string){
		"local Cloudflare": func(t testing.TB) (http.Handler, string, string) {
			return serve(t, cloudflare.Options{}).server, account(), token
		},
		"real engine": func(t testing.TB) (http.Handler, string, string) {
			i := engine.Get(t)
			proxy, err := cloudflare.NewProxy(i.URL)
			if err != nil {
				t.Fatal(err)
			}
			return proxy, i.AccountID, i.Token
		},
	} {
		t.Run(name, func(t *testing.T) {
			next, account, token := open(t)
			f := cloudflare.NewFaults(next)
			server := httptest.NewServer(f)
			t.Cleanup(server.Close)
			s := wrangler.Server{URL: server.URL + "/client/v4", AccountID: account, Token: token}
			path := create(t, s, "faulty")
			t.Cleanup(func() {
				f.Heal()
				req, _ := http.NewRequest("DELETE", s.URL+path, nil)
				req.Header.Set("Authorization", "Bearer "+token)
				req.Close = true
				if res, err := http.DefaultClient.Do(req); err == nil {
					_ = res.Body.Close()
				}
			})
			query(t, s, path, "CREATE TABLE t(a)")
			f.Forget()
			test(t, f, s, path)
		})
	}
}

const insert = "INSERT INTO t VALUES (1)"

func rows(t *testing.T, s wrangler.Server, path string) string {
	t.Helper()
	g := query(t, s, path, "SELECT count(*) AS n FROM t")
	_, rest, _ := strings.Cut(g.text, `"n":`)
	n, _, _ := strings.Cut(rest, "}")
	return n
}

func TestAnAnswerCanBeInventedWithOrWithoutCarryingOutTheRequest(t *testing.T) {
	faulty(t, func(t *testing.T, f *cloudflare.Faults, s wrangler.Server, path string) {
		inserted := 0
		for _, tc := range []struct {
			name    string
			reply   cloudflare.Reply
			execute bool
			status  int
			text    string
		}{
			{"overload without execution", cloudflare.APIError(429, 7500, "D1 DB is overloaded. Too many requests queued."), false, 429, `"message":"D1 DB is overloaded.`},
			{"an internal error after the commit", cloudflare.APIError(500, 7500, "internal error; reference = e_1"), true, 500, "e_1"},
			{"a gateway's page after the commit", cloudflare.HTML(504), true, 504, "<h1>Gateway Timeout</h1>"},
			{"a gateway's page without execution", cloudflare.HTML(502), false, 502, "<h1>Bad Gateway</h1>"},
			{"success false with status 200", cloudflare.Unsuccessful(7500, "it went wrong"), false, 200, `"success":false`},
			{"success false with status 200 after the commit", cloudflare.Unsuccessful(7500, "it went wrong"), true, 200, `"success":false`},
			{"a pause to keep", cloudflare.Reply{Status: 429, Header: http.Header{"Retry-After": {"300"}}, Body: "{}"}, false, 429, "{}"},
		} {
			t.Run(tc.name, func(t *testing.T) {
				f.Inject(cloudflare.Fault{Writes: true, Execute: tc.execute, Reply: tc.reply})
				g := query(t, s, path, insert)
				if g.status != tc.status || !strings.Contains(g.text, tc.text) {
					t.Errorf("got %d %s", g.status, g.text)
				}
				if tc.execute {
					inserted++
				}
				if n := rows(t, s, path); n != string(rune('0'+inserted)) {
					t.Errorf("%s rows, want %d", n, inserted)
				}
			})
		}
		if g := query(t, s, path, insert); !g.Success {
			t.Errorf("with all faults used up: %s", g.text)
		}
	})
}

func TestAConnectionCanBreakAfterTheCommit(t *testing.T) {
	faulty(t, func(t *testing.T, f *cloudflare.Faults, s wrangler.Server, path string) {
		f.Inject(cloudflare.Fault{Body: "INSERT", Execute: true, Reply: cloudflare.Drop()})
		if _, err := call(t, s, "POST", path+"/query", sqlBody(insert)); err == nil {
			t.Error("a dropped connection gave an answer")
		}
		f.Inject(cloudflare.Fault{Body: "INSERT", Execute: true, Reply: cloudflare.Truncated(20)})
		g, err := call(t, s, "POST", path+"/query", sqlBody(insert))
		if !errors.Is(err, io.ErrUnexpectedEOF) || len(g.text) != 20 {
			t.Errorf("a truncated answer: %d bytes, %v", len(g.text), err)
		}
		f.Inject(cloudflare.Fault{Body: "INSERT", Reply: cloudflare.Drop()})
		if _, err := call(t, s, "POST", path+"/query", sqlBody(insert)); err == nil {
			t.Error("a dropped connection gave an answer")
		}
		if n := rows(t, s, path); n != "2" {
			t.Errorf("%s rows, want the two that were executed", n)
		}
		writes := f.Writes()
		if len(writes) != 3 || !writes[0].Executed || !writes[1].Executed || writes[2].Executed || writes[0].Status != 0 {
			t.Errorf("the writes were noted as %+v", writes)
		}
	})
}

func TestFaultsPickTheirRequests(t *testing.T) {
	faulty(t, func(t *testing.T, f *cloudflare.Faults, s wrangler.Server, path string) {
		f.Inject(cloudflare.Fault{Method: "GET", Path: "time_travel/bookmark", Skip: 1, Times: 2, Reply: cloudflare.APIError(503, 1, "later")})
		var statuses []int
		for range 4 {
			statuses = append(statuses, must(t, s, "GET", path+"/time_travel/bookmark", "").status)
		}
		if want := [4]int{200, 503, 503, 200}; [4]int(statuses) != want {
			t.Errorf("got %v, want %v", statuses, want)
		}
		f.Inject(cloudflare.Fault{Times: cloudflare.Always, Reply: cloudflare.HTML(503)})
		for range 3 {
			if g := must(t, s, "GET", path, ""); g.status != 503 {
				t.Errorf("got %d", g.status)
			}
		}
		f.Heal()
		if g := must(t, s, "GET", path, ""); g.status != 200 {
			t.Errorf("healed, got %d", g.status)
		}
	})
}

func TestCallsAreNotedInOrderWithWhetherTheyWrite(t *testing.T) {
	faulty(t, func(t *testing.T, f *cloudflare.Faults, s wrangler.Server, path string) {
		for _, tc := range []struct {
			name, method, path, body string
			write                    bool
		}{
			{"a list", "GET", databases(s), "", false},
			{"a select", "POST", path + "/query", sqlBody("-- reads\nSELECT 1; PRAGMA table_list"), false},
			{"a raw select", "POST", path + "/raw", sqlBody("(SELECT 1)"), true},
			{"an insert behind a select", "POST", path + "/query", sqlBody("SELECT 1; " + insert), true},
			{"a batch of reads", "POST", path + "/query", `{"batch":[{"sql":"SELECT 1"},{"sql":"EXPLAIN SELECT 1"}]}`, false},
			{"a batch with a write", "POST", path + "/query", `{"batch":[{"sql":"SELECT 1"},{"sql":"DELETE FROM t"}]}`, true},
			{"a WITH, which may write", "POST", path + "/query", sqlBody("WITH x AS (SELECT 1) SELECT * FROM x"), true},
			{"PRAGMA optimize", "POST", path + "/query", sqlBody("PRAGMA optimize"), true},
			{"what is no JSON", "POST", path + "/query", "{", true},
			{"a restore", "POST", path + "/time_travel/restore?bookmark=x", "", true},
		} {
			f.Forget()
			g := must(t, s, tc.method, tc.path, tc.body)
			calls := f.Calls()
			if len(calls) != 1 {
				t.Fatalf("%s: %d calls", tc.name, len(calls))
			}
			want := cloudflare.Call{Method: tc.method, Path: "/client/v4" + tc.path, Body: tc.body, Write: tc.write, Status: g.status, Executed: true}
			if calls[0] != want {
				t.Errorf("%s: got %+v, want %+v", tc.name, calls[0], want)
			}
		}
	})
}

func TestARequestCanBeHeld(t *testing.T) {
	faulty(t, func(t *testing.T, f *cloudflare.Faults, s wrangler.Server, path string) {
		arrived, release := make(chan struct{}), make(chan struct{})
		f.Inject(cloudflare.Fault{Writes: true, Before: func(ctx context.Context) {
			close(arrived)
			select {
			case <-release:
			case <-ctx.Done():
			}
		}})
		done := make(chan got)
		go func() {
			g, err := call(t, s, "POST", path+"/query", sqlBody(insert))
			if err != nil {
				t.Error(err)
			}
			done <- g
		}()
		<-arrived
		if n := rows(t, s, path); n != "0" {
			t.Errorf("%s rows while the insert is held", n)
		}
		close(release)
		if g := <-done; !g.Success || rows(t, s, path) != "1" {
			t.Errorf("released: %s", g.text)
		}
	})
}

func TestLatencyAndDelayHoldARequestBack(t *testing.T) {
	f := cloudflare.NewFaults(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	f.SetLatency(20 * time.Millisecond)
	f.Inject(cloudflare.Fault{Delay: 20 * time.Millisecond})
	began := time.Now()
	f.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if took := time.Since(began); took < 40*time.Millisecond {
		t.Errorf("the delayed request took %v", took)
	}
	f.SetLatency(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil))
	if calls := f.Calls(); calls[1].Executed {
		t.Error("a request whose client has gone was carried out")
	}
}
