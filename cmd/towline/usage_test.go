package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"towline/control"
	"towline/deploy"
	sandboxcloudflare "towline/sandbox/cloudflare"
	"towline/store"
	"towline/usage"
	"towline/usage/storetest"
)

// withTraffic gives the world two databases and a Worker with weeks of traffic, and an empty store.
func withTraffic(t *testing.T) *outside {
	t.Helper()
	o := newOutside(t, true)
	o.config(goodConfig+"    workers: [shop-api]\n", "dir: app", "dir: app")
	for _, name := range []string{"shop", "shop-preview"} {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.url+"/client/v4/accounts/"+demoAccount+"/d1/database", strings.NewReader(fmt.Sprintf(`{"name":%q}`, name)))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", "Bearer "+apiToken)
		r, err := http.DefaultClient.Do(q)
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatal(r, err)
		}
		if err := r.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	o.cf.AddTraffic(sandboxcloudflare.Traffic{
		Databases: []sandboxcloudflare.DatabaseTraffic{{
			Name: "shop", Size: 3_000_000, SizePerDay: 100_000,
			Queries: []sandboxcloudflare.QueryTraffic{{SQL: "SELECT * FROM orders WHERE customer = ?", PerDay: 2400, RowsRead: 500, RowsReturned: 3, Failing: 0.1}},
		}},
		Workers: []sandboxcloudflare.WorkerTraffic{{Script: "shop-api", PerDay: 4800}},
	})
	s, err := store.Open(filepath.Join(o.dir, "towline.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return o
}

// usageLine runs `towline usage` and wants an exit code.
func (o *outside) usageLine(want int, args ...string) (stdout, stderr string) {
	o.t.Helper()
	code, stdout, stderr := o.run(o.t.Context(), append([]string{"usage", "-config", o.path()}, args...)...)
	if code != want {
		o.t.Fatalf("towline usage %q: exit code %d\n%s%s", args, code, stdout, stderr)
	}
	return stdout, stderr
}

// table reads CSV into rows by column.
func table(t *testing.T, text string) (rows []map[string]string) {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(all) == 0 {
		t.Fatalf("%v in %q", err, text)
	}
	for _, row := range all[1:] {
		m := map[string]string{}
		for i, name := range all[0] {
			m[name] = row[i]
		}
		rows = append(rows, m)
	}
	return rows
}

func TestUsageIsCountedAndWrittenWhereNoBotRuns(t *testing.T) {
	o := withTraffic(t)
	text, _ := o.usageLine(exitFine, "-format", "csv")
	header, _, _ := strings.Cut(text, "\n")
	if want := "time,project,environment,kind,name,id,hours,rows_read,rows_written,read_queries,write_queries,errors,storage_bytes,batch_p90_ms,requests,cpu_p50_us,cpu_p99_us,databases,api_calls"; header != want {
		t.Errorf("the columns are %s", header)
	}
	rows, yesterday := table(t, text), usage.Day(time.Now()).AddDate(0, 0, -1).Format(time.RFC3339)
	of := func(name, kind string) (days []map[string]string, last map[string]string) {
		for _, row := range rows {
			if row["name"] == name && row["kind"] == kind {
				days = append(days, row)
				if row["time"] == yesterday {
					last = row
				}
			}
		}
		return days, last
	}
	days, shop := of("shop", "database")
	if len(days) != daysShown || shop["hours"] != "24" || shop["project"] != "shop" || shop["environment"] != "production" || shop["id"] == "" || shop["requests"] != "" {
		t.Errorf("shop has %d days; yesterday was %v", len(days), shop)
	}
	for name, about := range map[string]float64{"read_queries": 2400, "errors": 240, "rows_read": 2160 * 500, "storage_bytes": 6_400_000} {
		if v, err := strconv.ParseFloat(shop[name], 64); err != nil || v < 0.8*about || v > 1.2*about {
			t.Errorf("%s is %q, and should be about %g", name, shop[name], about)
		}
	}
	if days, _ := of("shop-preview", "database"); len(days) != 1 || days[0]["hours"] != "0" || days[0]["rows_read"] != "" || days[0]["environment"] != "preview" {
		t.Errorf("a database that is new and did nothing: %v", days)
	}
	if _, worker := of("shop-api", "worker"); worker["requests"] == "" || worker["rows_read"] != "" || worker["project"] != "shop" {
		t.Errorf("the Worker: %v", worker)
	}
	if _, account := of("", "account"); account["rows_read"] != shop["rows_read"] || account["project"] != "" {
		t.Errorf("the account: %v", account)
	}
	o.sameAsJSON(rows)
}

// sameAsJSON compares JSON with the rows of CSV.
func (o *outside) sameAsJSON(rows []map[string]string) {
	t := o.t
	t.Helper()
	text, _ := o.usageLine(exitFine, "-format", "json")
	var got struct {
		LastPass time.Time `json:"last_pass"`
		Datasets map[string]struct {
			Available bool      `json:"available"`
			CountedTo time.Time `json:"counted_to"`
		} `json:"datasets"`
		Samples []map[string]any `json:"samples"`
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if len(got.Samples) != len(rows) || got.LastPass.IsZero() || len(got.Datasets) != 4 || !got.Datasets["d1AnalyticsAdaptiveGroups"].Available {
		t.Fatalf("%d samples and %d rows; %v, %v", len(got.Samples), len(rows), got.LastPass, got.Datasets)
	}
	for i, s := range got.Samples {
		for name, want := range rows[i] {
			is := ""
			if s[name] != nil {
				is = fmt.Sprint(s[name])
			}
			if is != want {
				t.Errorf("sample %d: %s is %q, and %q in CSV", i, name, is, want)
			}
		}
		if len(s) != len(rows[i]) {
			t.Errorf("sample %d has %d names, and %d in CSV", i, len(s), len(rows[i]))
		}
	}
}

func TestUsageIsAskedOfTheBotThatRuns(t *testing.T) {
	o := withTraffic(t)
	s := o.serve()
	o.answers(demoDeployer, "/whoami", "role: deployer")
	ctx, cancel := patient(t.Context(), t)
	defer cancel()
	for {
		stdout, stderr := o.usageLine(exitFine, "-by", "hour", "shop")
		if hasAll(stdout, []string{"shop · production · database shop", "rows read", "shop · Worker shop-api", "Rows, queries and times: counted to"}) {
			if strings.Contains(stdout, "The account") {
				t.Errorf("one project's has the account:\n%s", stdout)
			}
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("the bot counted nothing:\n%s%s", stdout, stderr)
		}
	}
	if _, stderr := o.usageLine(exitRefused, "blog"); !hasAll(stderr, []string{"no project blog", "shop", "code: unknown_project"}) {
		t.Error(stderr)
	}
	stdout, _ := o.usageLine(exitFine, "-store", filepath.Join(o.dir, "towline.db"), "-format", "csv", "shop")
	if len(table(t, stdout)) == 0 {
		t.Error("without the config, the bot has nothing to say")
	}
	s.stop()
	s.end(exitFine)
}

func TestUsageSaysWhatWasNotCounted(t *testing.T) {
	o := withTraffic(t)
	o.cf.SetAnalytics(sandboxcloudflare.Analytics{NotAllowed: true})
	stdout, _ := o.usageLine(exitFine)
	if !hasAll(stdout, []string{"The account", "databases", "Rows, queries and times: not counted: the API token may not read analytics", "Account Analytics: Read"}) {
		t.Error(stdout)
	}
	if strings.Contains(stdout, "rows read") {
		t.Errorf("it has a column of rows:\n%s", stdout)
	}
	o = withTraffic(t)
	o.cf.SetAnalytics(sandboxcloudflare.Analytics{Disabled: []string{"d1QueriesAdaptiveGroups"}, Missing: []string{"workersInvocationsAdaptive"}})
	stdout, _ = o.usageLine(exitFine)
	if !hasAll(stdout, []string{"rows read", "Failed queries: not counted: the account may not query it", "Workers: not counted: Cloudflare does not keep this"}) {
		t.Error(stdout)
	}
	o = withTraffic(t)
	o.cf.SetAnalytics(sandboxcloudflare.Analytics{Busy: true})
	if stdout, _ = o.usageLine(exitFine); !hasAll(stdout, []string{"The last look", "Cloudflare wants fewer questions"}) {
		t.Error(stdout)
	}
}

func TestUsageRefusesWhatItDoesNotUnderstand(t *testing.T) {
	o := withTraffic(t)
	for _, c := range []struct {
		name string
		code int
		says string
		args []string
	}{
		{"a format that is none", exitUsage, "text, json or csv", []string{"-format", "xml"}},
		{"a length that is none", exitUsage, "day or hour", []string{"-by", "week"}},
		{"a day that is none", exitUsage, "is no day", []string{"-from", "Monday"}},
		{"an end before the beginning", exitUsage, "-from is after -to", []string{"-from", "2026-11-09", "-to", "2026-11-01"}},
		{"flags after the project", exitUsage, "after the flags", []string{"shop", "-format", "csv"}},
		{"a project that is none", exitRefused, "there is no project blog; there are: shop", []string{"blog"}},
		{"a project, without the config", exitRefused, "give it -config", []string{"-store", filepath.Join(o.dir, "towline.db"), "shop"}},
	} {
		if _, stderr := o.usageLine(c.code, c.args...); !strings.Contains(stderr, c.says) {
			t.Errorf("%s: %s", c.name, stderr)
		}
	}
}

func TestTheDaysOfUsageAreWholeOnes(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 30, 0, 0, time.FixedZone("", 3600)) // in UTC it is still February
	for _, c := range []struct{ name, by, from, to, want string }{
		{"a month of days", "day", "", "", "2026-01-30 to 2026-03-01"},
		{"two days of hours", "hour", "", "", "2026-02-27 to 2026-03-01"},
		{"from a day on", "day", "2026-02-01", "", "2026-02-01 to 2026-03-01"},
		{"up to a day, which is in it", "day", "", "2026-02-10", "2026-01-12 to 2026-02-11"},
		{"both", "hour", "2026-02-01", "2026-02-10", "2026-02-01 to 2026-02-11"},
		{"one day", "hour", "2026-02-10", "2026-02-10", "2026-02-10 to 2026-02-11"},
	} {
		q := control.UsageQuery{By: c.by}
		if err := usageStretch(&q, now, c.from, c.to); err != nil {
			t.Error(c.name, err)
		}
		if got := q.From.Format(time.DateOnly) + " to " + q.To.Format(time.DateOnly); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// written is a desk with three databases, two projects, one of which has a database in common with the other, and a day and a half of samples.
func written(t *testing.T) *desk {
	t.Helper()
	m, at := storetest.NewMemory(), time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)
	state := usage.State{
		LastPass: at.Add(34 * time.Hour), Trouble: usage.NoAnswer,
		Datasets: map[usage.Dataset]usage.Standing{
			usage.Activity: {Available: true, CountedTo: at.Add(33 * time.Hour)}, usage.Sizes: {Available: true},
			usage.Queries: {Why: usage.NoAnswer, CountedTo: at.Add(30 * time.Hour)}, usage.Invocations: {Why: usage.Disabled},
		},
		Databases: map[string]usage.Stored{"shop": {ID: "a"}, "shared-preview": {ID: "b"}, "old-preview": {ID: "c"}},
	}
	if err := m.PutState(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	put := func(of usage.Subject, hours int, figures map[usage.Figure]float64) {
		var all []usage.Sample
		for h := range hours {
			s := usage.Sample{At: at.Add(time.Duration(h) * time.Hour), Hours: 1}
			for f, v := range figures {
				s.Set(f, v)
			}
			all = append(all, s)
		}
		if err := m.Change(t.Context(), of, at, at.AddDate(0, 0, 2), nil, func([]usage.Sample) []usage.Sample { return all }); err != nil {
			t.Fatal(err)
		}
	}
	put(usage.Whole(), 33, map[usage.Figure]float64{usage.RowsRead: 123456, usage.Storage: 5.25e9, usage.Databases: 3})
	put(usage.Subject{Kind: usage.Database, ID: "a"}, 24, map[usage.Figure]float64{usage.RowsRead: 100000, usage.RowsWritten: 0, usage.BatchP90: 12.5})
	put(usage.Subject{Kind: usage.Database, ID: "b"}, 2, map[usage.Figure]float64{usage.RowsRead: 1})
	put(usage.Subject{Kind: usage.Database, ID: "c"}, 1, map[usage.Figure]float64{usage.Storage: 12})
	put(usage.Subject{Kind: usage.Worker, ID: "api"}, 1, map[usage.Figure]float64{usage.Requests: 1500, usage.CPUP99: 8125})
	return &desk{
		usage: usage.New(usage.Options{Store: m, Now: time.Now}),
		projects: func() []deploy.Project {
			return []deploy.Project{
				{Name: "shop", Production: "shop", Preview: "shared-preview", Workers: []string{"api", "no-such-worker"}},
				{Name: "blog", Production: "not-made-yet", Preview: "shared-preview"},
			}
		},
	}
}

func TestUsageInATerminal(t *testing.T) {
	var out bytes.Buffer
	q := control.UsageQuery{Format: "text", By: "day", From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}
	if err := written(t).Usage(t.Context(), q, &out); err != nil {
		t.Fatal(err)
	}
	golden(t, "usage", out.String())
}

func TestUsageOfOneProjectHasWhatItShares(t *testing.T) {
	var out bytes.Buffer
	q := control.UsageQuery{Project: "blog", Format: "csv", By: "hour", From: time.Date(2026, 3, 28, 1, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)}
	if err := written(t).Usage(t.Context(), q, &out); err != nil {
		t.Fatal(err)
	}
	rows := table(t, out.String())
	if len(rows) != 1 || rows[0]["name"] != "shared-preview" || rows[0]["time"] != "2026-03-28T01:00:00Z" || rows[0]["project"] != "blog" {
		t.Errorf("%v", rows)
	}
	if slices.ContainsFunc(rows, func(r map[string]string) bool { return r["rows_written"] != "" }) {
		t.Error("what was not counted is there")
	}
}
