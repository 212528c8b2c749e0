package cloudflare_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"towline/cloudflare"
	"towline/deploy"
	sandbox "towline/sandbox/cloudflare"
)

func countsRows(t *testing.T, d *cloudflare.D1) {
	t.Helper()
	db, err := d.Create(t.Context(), "counted")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now().Add(-2 * time.Second)
	if rows, asOf, err := d.RowsWritten(t.Context(), db.ID, began); err != nil || rows != 0 || !asOf.IsZero() {
		t.Errorf("nothing was done: %d, %s, %v", rows, asOf, err)
	}
	if _, err := d.Apply(t.Context(), db.ID, []string{"CREATE TABLE item (id INTEGER)", "INSERT INTO item VALUES (1), (2), (3)"}); err != nil {
		t.Fatal(err)
	}
	rows, asOf, err := d.RowsWritten(t.Context(), db.ID, began)
	if err != nil || rows < 3 || rows > 6 || asOf.After(time.Now()) || asOf.Before(began.Add(-time.Minute)) {
		t.Errorf("%d, %s, %v", rows, asOf, err)
	}
	if rows, _, err := d.RowsWritten(t.Context(), db.ID, time.Now().Add(time.Hour)); err != nil || rows != 0 {
		t.Errorf("of the future: %d, %v", rows, err)
	}
}

func TestRowsWrittenAreThoseOfAnalytics(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		_, url := embedded(t)
		countsRows(t, open(t, cloudflare.Options{APIURL: url}))
	})
	t.Run("real engine", func(t *testing.T) {
		real := engine.Get(t)
		countsRows(t, open(t, cloudflare.Options{APIURL: real.URL, AccountID: real.AccountID, Token: real.Token}))
	})
}

func TestWhatAnalyticsDoNotAnswerIsAPlainError(t *testing.T) {
	graphQL := func(words string) string { return `{"data":null,"errors":[{"message":"` + words + `","path":null}]}` }
	for _, c := range []struct {
		name, body string
		status     int
		missing    bool
		limited    bool
		rejected   bool
	}{
		{name: "no permission", status: 200, body: graphQL("not authorized for that account"), missing: true, rejected: true},
		{name: "no token", status: 403, body: refusing(10000, "Authentication error"), missing: true, rejected: true},
		{name: "too many questions", status: 429, body: graphQL("rate limiter budget depleted, try again after 5 minutes"), limited: true},
		{name: "too many questions, with 200", status: 200, body: graphQL("limit reached, please try reduced time period"), limited: true},
		{name: "too long ago", status: 200, body: graphQL("cannot request data older than 2678400s"), rejected: true},
		{name: "data and errors both", status: 200, body: `{"data":{"viewer":{"accounts":[{"d1AnalyticsAdaptiveGroups":[]}]}},"errors":[{"message":"one shard is missing"}]}`},
		{name: "a part is missing", status: 200, body: `{"data":{"viewer":{"accounts":[{"d1AnalyticsAdaptiveGroups":[{"sum":{"rowsWritten":5}}]}]}},"errors":null}`},
		{name: "no figure", status: 200, body: `{"data":{"viewer":{"accounts":[{"d1AnalyticsAdaptiveGroups":[{"sum":{},"dimensions":{"datetimeMinute":"2026-11-21T10:00:00Z"}}]}]}}}`},
		{name: "no account", status: 200, body: `{"data":{"viewer":{"accounts":[]}}}`},
		{name: "another shape", status: 200, body: `{"data":{"viewer":{"accounts":[{"d1AnalyticsAdaptiveGroups":5}]}}}`},
		{name: "no groups", status: 200, body: `{"data":{"viewer":{"accounts":[{"d1AnalyticsAdaptiveGroups":null}]}}}`},
		{name: "a page", status: 502, body: "<html>"},
		{name: "busy", status: 200, body: graphQL("unable to execute query, please try again later")},
		{name: "nothing", status: 200, body: "{}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, _ := answering(t, c.status, c.body)
			rows, asOf, err := d.RowsWritten(t.Context(), anID, time.Now())
			if err == nil || rows != 0 || !asOf.IsZero() {
				t.Fatalf("%d, %s, %v", rows, asOf, err)
			}
			var missing *cloudflare.PermissionError
			var limited *cloudflare.RateLimitedError
			if errors.As(err, &missing) != c.missing || missing != nil && missing.Permission != "Account > Account Analytics > Read" {
				t.Errorf("permission: %v", err)
			}
			if errors.As(err, &limited) != c.limited {
				t.Errorf("limit: %v", err)
			}
			expectClass(t, c.name, err, c.rejected)
		})
	}
}

func TestAnalyticsAreAskedAgainWhereThatCanHelp(t *testing.T) {
	server, url := embedded(t)
	began := time.Now().Add(-time.Minute)
	id, _ := shop(t, url)
	d := open(t, cloudflare.Options{APIURL: url})
	for _, reply := range []sandbox.Reply{sandbox.Drop(), sandbox.HTML(502), {Status: 200, Body: `{"errors":[{"message":"too many queries in progress, please try again later"}]}`}} {
		server.Inject(sandbox.Fault{Path: "/graphql", Times: 2, Reply: reply})
		if rows, _, err := d.RowsWritten(t.Context(), id, began); err != nil || rows == 0 {
			t.Errorf("%d, %v", rows, err)
		}
		server.Heal()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := d.RowsWritten(ctx, id, time.Now()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, _, err := d.RowsWritten(t.Context(), "../x", time.Now()); !errors.Is(err, deploy.ErrNoDatabase) {
		t.Error(err)
	}
}

func TestAnalyticsComeLateAndSayUpToWhen(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 30, 0, time.UTC)
	clock := func() time.Time { return now }
	server, err := sandbox.New(sandbox.Options{AccountID: account, Token: token, Now: clock, AnalyticsLag: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	url := behind(t, server)
	id, _ := shop(t, url)
	d := open(t, cloudflare.Options{APIURL: url, Now: clock})
	since := now.Add(-time.Minute)
	if _, asOf, err := d.RowsWritten(t.Context(), id, since); err != nil || !asOf.IsZero() {
		t.Errorf("%s, %v", asOf, err)
	}
	now = now.Add(6 * time.Minute)
	rows, asOf, err := d.RowsWritten(t.Context(), id, since)
	if err != nil || rows == 0 || !asOf.Equal(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("%d, %s, %v", rows, asOf, err)
	}
}

func TestThePermissionForAnalyticsIsFoundOutWithoutADatabase(t *testing.T) {
	_, url := embedded(t, sandbox.Token{Value: "without-analytics", Permissions: []sandbox.Permission{sandbox.D1Edit}})
	for value, want := range map[string]cloudflare.Held{token: cloudflare.HeldYes, "without-analytics": cloudflare.HeldNo} {
		got := open(t, cloudflare.Options{APIURL: url, AccountID: account, Token: value}).AnalyticsPermission(t.Context())
		if got.Held != want || got.Name != "Account > Account Analytics > Read" || got.For == "" {
			t.Errorf("%s: %+v", value, got)
		}
	}
}
