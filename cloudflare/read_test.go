package cloudflare_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/cloudflare"
	"towline/deploy"
	sandbox "towline/sandbox/cloudflare"
)

func reads(id string) map[string]func(ctx context.Context, d *cloudflare.D1) error {
	return map[string]func(ctx context.Context, d *cloudflare.D1) error{
		"Read": func(ctx context.Context, d *cloudflare.D1) error {
			_, err := d.Read(ctx, id, []string{"SELECT 1", "PRAGMA table_list"})
			return err
		},
		"Find":     func(ctx context.Context, d *cloudflare.D1) error { _, err := d.Find(ctx, "shop"); return err },
		"Bookmark": func(ctx context.Context, d *cloudflare.D1) error { _, err := d.Bookmark(ctx, id); return err },
	}
}

func TestAReadIsRepeatedUntilItIsAnswered(t *testing.T) {
	server, url := embedded(t)
	id, _ := shop(t, url)
	for _, c := range []struct {
		name  string
		reply sandbox.Reply
	}{
		{"500", sandbox.APIError(500, 7500, "internal error; reference = e_1")},
		{"502 with a page", sandbox.HTML(502)},
		{"429 of the API", sandbox.APIError(429, 971, "Please wait")},
		{"429 of a queue", sandbox.APIError(429, 7500, "D1 DB is overloaded. Requests queued for too long.")},
		{"200 with a page", sandbox.HTML(200)},
		{"a dropped connection", sandbox.Drop()},
		{"an answer that breaks off", sandbox.Truncated(10)},
		{"D1's words for a broken call", sandbox.APIError(400, 7500, "Network connection lost.")},
	} {
		for name, read := range reads(id) {
			d := open(t, cloudflare.Options{APIURL: url})
			server.Forget()
			server.Inject(sandbox.Fault{Times: 3, Reply: c.reply, Execute: true})
			err := read(t.Context(), d)
			server.Heal()
			if n := len(server.Calls()); err != nil || d.Calls() != 4 || n != 4 && n != 5 {
				t.Errorf("%s, %s: %v after %d calls, counted %d; want 4", c.name, name, err, len(server.Calls()), d.Calls())
			}
			server.Forget()
			server.Inject(sandbox.Fault{Times: sandbox.Always, Reply: c.reply, Execute: true})
			err = read(t.Context(), d)
			server.Heal()
			expectClass(t, c.name+", always, "+name, err, false)
			// A GET on a connection that turns out to be dead is sent a second time by net/http itself. A POST is not.
			if n := len(server.Calls()); d.Calls() != 8 || n != 4 && n != 5 {
				t.Errorf("%s, always, %s: %d calls, counted %d; want 4", c.name, name, n, d.Calls()-4)
			}
		}
	}
}

func TestAReadThatIsRefusedForGoodIsNotRepeated(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
	}{
		{"SQLite's words", 400, refusing(7500, "no such table: t: SQLITE_ERROR")},
		{"no permission", 403, refusing(10000, "Authentication error")},
		{"no such database", 404, refusing(7404, "The database does not exist")},
		{"a page that is not Cloudflare's", 404, "<html>"},
		{"free limit", 429, refusing(7500, "Your account has exceeded D1's free tier daily row read limit. Upgrade to a paid plan or wait until tomorrow (midnight UTC) to continue.")},
	} {
		for name, read := range reads(anID) {
			d, seen := answering(t, c.status, c.body)
			if err := read(t.Context(), d); err == nil || len(seen()) != 1 {
				t.Errorf("%s, %s: %v after %q", c.name, name, err, seen())
			}
		}
	}
}

func TestAStatementThatMayWriteIsNotRepeatedEvenWhereItIsReadAs(t *testing.T) {
	for statement, want := range map[string]int{
		"SELECT 1":                             4,
		"  select 1 ; ":                        4,
		"EXPLAIN QUERY PLAN SELECT 1":          4,
		"PRAGMA foreign_key_check":             4,
		"WITH a AS (SELECT 1) DELETE FROM t":   1,
		"DELETE FROM t":                        1,
		"SELECT 1; DELETE FROM t":              1,
		"-- a comment\nSELECT 1":               1,
		"PRAGMA defer_foreign_keys = off":      1,
		"INSERT INTO t VALUES (1) RETURNING n": 1,
	} {
		d, seen := answering(t, 500, refusing(7500, "internal error; reference = e_1"))
		if _, err := d.Read(t.Context(), anID, []string{"SELECT 1", statement}); err == nil || len(seen()) != want {
			t.Errorf("%s: %v after %d calls; want %d", statement, err, len(seen()), want)
		}
	}
}

// roundTripper answers without a network, so that a test can run on fake time.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func limited(retryAfter string) *http.Response {
	return &http.Response{
		StatusCode: 429, Header: http.Header{"Retry-After": {retryAfter}, "Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(refusing(971, "Please wait and consider throttling your request speed"))),
	}
}

func TestALongRetryAfterBecomesAnErrorThatSaysWhenToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for header, want := range map[string]time.Duration{
			"300": 5 * time.Minute,
			time.Now().Add(2 * time.Minute).UTC().Format(http.TimeFormat): 2 * time.Minute,
		} {
			calls := 0
			d := open(t, cloudflare.Options{HTTP: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
				calls++
				return limited(header), nil
			})}})
			began := time.Now()
			_, err := d.Bookmark(t.Context(), anID)
			var limit *cloudflare.RateLimitedError
			if !errors.As(err, &limit) || limit.After != want || calls != 1 {
				t.Errorf("Retry-After %s: %v after %d calls; want to come back in %s", header, err, calls, want)
			}
			expectClass(t, "a limited read", err, false)
			if waited := time.Since(began); waited != 0 {
				t.Errorf("Retry-After %s: waited %s", header, waited)
			}
			_, err = d.Apply(t.Context(), anID, []string{"DELETE FROM t"})
			if !errors.As(err, &limit) || limit.After != want || calls != 2 {
				t.Errorf("Retry-After %s, a write: %v after %d calls", header, err, calls-1)
			}
			expectClass(t, "a limited write", err, true)
		}
	})
}

func TestAShortRetryAfterIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		d := open(t, cloudflare.Options{HTTP: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			if calls++; calls < 3 {
				return limited("7"), nil
			}
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"success":true,"result":{"bookmark":"b1"}}`))}, nil
		})}})
		began := time.Now()
		if b, err := d.Bookmark(t.Context(), anID); err != nil || b != "b1" {
			t.Errorf("%q, %v", b, err)
		}
		if waited := time.Since(began); waited != 14*time.Second {
			t.Errorf("waited %s; want twice 7 s", waited)
		}

		calls = 0
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began = time.Now()
		_, err := d.Bookmark(ctx, anID)
		var limit *cloudflare.RateLimitedError
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &limit) || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %s; want the caller's deadline, and what it waited for", err, time.Since(began))
		}
	})
}

func TestThePausesOfAReadGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		began := time.Now()
		d := open(t, cloudflare.Options{Wait: cloudflare.DefaultWait, Random: func() float64 { return 0.5 },
			HTTP: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
				at = append(at, time.Since(began))
				return nil, errors.New("no route to host")
			})}})
		if _, err := d.Find(t.Context(), "shop"); err == nil {
			t.Error("found something")
		}
		want := []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNumbersArriveAsTheyWereSentAndColumnsInTheirOrder(t *testing.T) {
	d, _ := answering(t, 200, `{"success":true,"errors":[],"result":[
		{"success":true,"meta":{"size_after":8192},"results":[{"z":9223372036854775807,"e":1e400}]},{"success":true,"results":[]}]}`)
	if rows, err := d.Read(t.Context(), anID, []string{"SELECT 1", "SELECT 2"}); err == nil {
		t.Errorf("a number that fits nothing was read as %v", rows[0].Values)
	}
	d, _ = answering(t, 200, `{"success":true,"errors":[],"result":[
		{"success":true,"meta":{"size_after":8192},"results":[{"z":9223372036854775807,"b":-9007199254740993,"c":1.5,"d":1e3,"f":true,"a":null}]},
		{"success":true,"results":[]}]}`)
	rows, err := d.Read(t.Context(), anID, []string{"SELECT 1", "SELECT 2"})
	want := []deploy.Rows{
		{Columns: []string{"z", "b", "c", "d", "f", "a"}, Size: 8192, Values: [][]any{{int64(9223372036854775807), int64(-9007199254740993), 1.5, 1000.0, true, nil}}},
		{},
	}
	if diff := cmp.Diff(want, rows); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestAnAnswerOfAnotherShapeIsNoAnswer(t *testing.T) {
	for _, result := range []string{`{}`, `"text"`, `7`, `[{}]`, `[{"success":true}]`, `[{"success":true,"results":{}}]`,
		`[{"success":true,"results":[{"a":[1,2]}]}]`, `[{"success":true,"results":[{"a":1},{"b":1}]}]`, `[{"success":true,"results":[7]}]`} {
		for name, read := range map[string]func(ctx context.Context, d *cloudflare.D1) error{
			"Read": func(ctx context.Context, d *cloudflare.D1) error {
				_, err := d.Read(ctx, anID, []string{"SELECT 1"})
				return err
			},
			"Bookmark": func(ctx context.Context, d *cloudflare.D1) error { _, err := d.Bookmark(ctx, anID); return err },
			"Create":   func(ctx context.Context, d *cloudflare.D1) error { _, err := d.Create(ctx, "shop"); return err },
			"Restore":  func(ctx context.Context, d *cloudflare.D1) error { _, err := d.Restore(ctx, anID, "b"); return err },
		} {
			d, _ := answering(t, 200, `{"success":true,"errors":[],"result":`+result+`}`)
			expectClass(t, name+" "+result, read(t.Context(), d), false)
		}
	}
	for _, body := range []string{
		`{}`, `null`, `[]`, ``, `{"success":true}`, `{"success":true,"result":null}`, `{"success":false,"errors":[],"result":null}`,
		`{"success":false,"errors":[],"result":[]}`, `{"success":true,"result":{}}`, `{"success":true,"result":"text"}`, `{"success":true,"result":[7]}`,
		`{"success":true,"result":[]} and more`, `{"success":true,"result":[{"name":"shop"}]}`, `{"success":true,"result":[{"name":"shop","uuid":"../x"}]}`,
	} {
		d, _ := answering(t, 200, body)
		_, err := d.Find(t.Context(), "shop")
		expectClass(t, "Find "+body, err, false)
		if errors.Is(err, deploy.ErrNoDatabase) {
			t.Errorf("Find %s: %v; an answer that cannot be read does not mean that there is none", body, err)
		}
	}
}
