package cloudflare_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/cloudflare"
	"towline/deploy"
	"towline/deploy/queries"
	sandbox "towline/sandbox/cloudflare"
	"towline/usage"
)

// countedAt is the time of the tests here: half past eleven.
func countedAt() time.Time { return time.Date(2026, 3, 12, 11, 30, 0, 0, time.UTC) }

// watched is an account with a shop whose queries and Worker do the same all the time, its clock standing still.
func watched(t *testing.T, like sandbox.Analytics, change func(*sandbox.Traffic)) (d *cloudflare.D1, server *sandbox.Server, id string) {
	t.Helper()
	traffic := sandbox.Traffic{
		Since: countedAt().Add(-30 * 24 * time.Hour).Truncate(time.Hour),
		Databases: []sandbox.DatabaseTraffic{{Name: "shop", Size: 5000, Queries: []sandbox.QueryTraffic{
			{SQL: "SELECT * FROM item WHERE name = ?", PerDay: 24 * 600, RowsRead: 1000, RowsReturned: 2, Time: 8 * time.Millisecond},
			{SQL: "SELECT * FROM item WHERE id = ?;", PerDay: 24 * 6000, RowsRead: 1, RowsReturned: 1, Time: time.Millisecond},
			{SQL: "INSERT INTO item (name) VALUES (?)", PerDay: 24 * 60, RowsWritten: 3, Time: 2 * time.Millisecond, Failing: 0.5, Error: "UNIQUE constraint failed: item.name"},
		}}},
		Workers: []sandbox.WorkerTraffic{{Script: "shop", PerDay: 24 * 1200, Failing: 0.05, CPU: 3 * time.Millisecond}, {Script: "till", PerDay: 24 * 60, CPU: 5 * time.Millisecond}},
	}
	if change != nil {
		change(&traffic)
	}
	server, err := sandbox.New(sandbox.Options{AccountID: account, Token: token, Now: countedAt, Traffic: []sandbox.Traffic{traffic}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	server.SetAnalytics(like)
	d = open(t, cloudflare.Options{APIURL: behind(t, server), Now: countedAt})
	db, err := d.Create(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	return d, server, db.ID
}

func TestTheCostliestQueriesComeFirstInTheOrderThatIsAskedFor(t *testing.T) {
	d, _, id := watched(t, sandbox.Analytics{}, nil)
	const hour = time.Hour
	list := queries.Count{SQL: "SELECT * FROM item WHERE name = ?", Runs: 600, RowsRead: 600_000, RowsReturned: 1200, Time: 4800 * time.Millisecond, P95: 16 * time.Millisecond}
	get := queries.Count{SQL: "SELECT * FROM item WHERE id = ?", Runs: 6000, RowsRead: 6000, RowsReturned: 6000, Time: 6 * time.Second, P95: 2 * time.Millisecond}
	insert := queries.Count{SQL: "INSERT INTO item (name) VALUES (?)", Runs: 60, Failed: 30, RowsWritten: 90, Time: 60 * time.Millisecond, P95: 2400 * time.Microsecond}
	for order, want := range map[queries.Order][]queries.Count{
		queries.ByRowsRead: {list, get, insert}, queries.ByTime: {get, list, insert}, queries.ByRowsWritten: {insert},
	} {
		got, err := d.Queries(t.Context(), id, countedAt().Add(-90*time.Minute), countedAt().Add(-90*time.Minute+hour), order, len(want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", order, diff)
		}
	}
	if _, err := d.Queries(t.Context(), id, countedAt().Add(-hour), countedAt(), "whim", 3); err == nil {
		t.Error("an order that does not exist is taken")
	}
	if got, err := d.Queries(t.Context(), id, countedAt(), countedAt().Add(-hour), queries.ByTime, 3); err != nil || got != nil {
		t.Errorf("of no time: %v, %v", got, err)
	}
	for ago, refused := range map[time.Duration]bool{31*24*hour - 3*time.Minute: false, 31 * 24 * hour: false, 31*24*hour + 30*time.Second: false, 31*24*hour + hour: true} {
		if got, err := d.Queries(t.Context(), id, countedAt().Add(-ago), countedAt(), queries.ByTime, 3); (err != nil) != refused || !refused && len(got) != 3 {
			t.Errorf("%s ago: %d queries, %v", ago, len(got), err)
		}
	}
	if _, err := d.Queries(t.Context(), "../x", countedAt().Add(-hour), countedAt(), queries.ByTime, 3); !errors.Is(err, deploy.ErrNoDatabase) {
		t.Error(err)
	}
}

func TestQueriesThatWereReallyAskedAreCountedWithoutTheirValues(t *testing.T) {
	_, url := embedded(t)
	id, _ := shop(t, url)
	d := open(t, cloudflare.Options{APIURL: url})
	from := time.Now().Add(-time.Minute)
	for range 3 {
		if _, err := d.Read(t.Context(), id, []string{"SELECT  count(*) FROM item; "}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Read(t.Context(), id, []string{"SELECT nothing FROM item"}); err == nil {
		t.Fatal("a column that does not exist was read")
	}
	got, err := d.Queries(t.Context(), id, from, time.Now().Add(time.Minute), queries.ByRowsRead, 100)
	if err != nil {
		t.Fatal(err)
	}
	runs := map[string][2]int64{}
	for _, q := range got {
		runs[q.SQL] = [2]int64{q.Runs, q.Failed}
	}
	if runs["SELECT  count(*) FROM item"] != [2]int64{3, 0} || runs["SELECT nothing FROM item"] != [2]int64{1, 1} {
		t.Errorf("%v", runs)
	}
}

// read is a traffic's figures as text; a figure that was not counted is a dash.
func read(tr deploy.Traffic) string {
	n := func(v *int64) string {
		if v == nil {
			return "-"
		}
		return fmt.Sprint(*v)
	}
	took := func(v *time.Duration) string {
		if v == nil {
			return "-"
		}
		return v.String()
	}
	return fmt.Sprintf("queries %s failed %s read %s written %s p90 %s; requests %s errors %s p99 %s",
		n(tr.Queries), n(tr.Failed), n(tr.RowsRead), n(tr.RowsWritten), took(tr.BatchP90), n(tr.Requests), n(tr.Errors), took(tr.CPUP99))
}

func TestTrafficIsWhatADatabaseAndItsWorkersDid(t *testing.T) {
	from, to := countedAt().Add(-90*time.Minute), countedAt().Add(-30*time.Minute) // an hour
	for _, c := range []struct {
		name    string
		like    sandbox.Analytics
		workers []string
		change  func(*sandbox.Traffic)
		want    string
		asOf    time.Time
	}{
		{
			name: "the database and two Workers", workers: []string{"shop", "till"}, asOf: to.Add(-time.Minute),
			want: "queries 6660 failed 30 read 606000 written 90 p90 3ms; requests 1260 errors 60 p99 20ms",
		},
		{name: "the database alone", want: "queries 6660 failed 30 read 606000 written 90 p90 3ms; requests - errors - p99 -", asOf: to.Add(-time.Minute)},
		{
			name: "analytics that lag behind", like: sandbox.Analytics{Lag: 31 * time.Minute}, asOf: to.Add(-2 * time.Minute),
			want: "queries 6549 failed 30 read 595900 written 87 p90 3ms; requests - errors - p99 -",
		},
		{name: "analytics that are not there yet", like: sandbox.Analytics{Lag: 2 * time.Hour}, workers: []string{"shop"}, want: "queries - failed - read - written - p90 -; requests - errors - p99 -"},
		{
			name: "an account without quantiles", like: sandbox.Analytics{Missing: []string{"quantiles"}}, workers: []string{"till"}, asOf: to.Add(-time.Minute),
			want: "queries 6660 failed 30 read 606000 written 90 p90 -; requests 60 errors 0 p99 -",
		},
		{
			name: "an account without single queries", like: sandbox.Analytics{Missing: []string{"d1QueriesAdaptiveGroups"}}, asOf: to.Add(-time.Minute),
			want: "queries 6660 failed - read 606000 written 90 p90 3ms; requests - errors - p99 -",
		},
		{
			name: "an account that may not list single queries", like: sandbox.Analytics{Disabled: []string{"d1QueriesAdaptiveGroups"}}, asOf: to.Add(-time.Minute),
			want: "queries 6660 failed - read 606000 written 90 p90 3ms; requests - errors - p99 -",
		},
		{
			name: "an account whose queries have no errors", like: sandbox.Analytics{Missing: []string{"error"}}, asOf: to.Add(-time.Minute),
			want: "queries 6660 failed - read 606000 written 90 p90 3ms; requests - errors - p99 -",
		},
		{
			name: "an account without Workers", like: sandbox.Analytics{Missing: []string{"workersInvocationsAdaptive"}}, workers: []string{"shop"}, asOf: to.Add(-time.Minute),
			want: "queries 6660 failed 30 read 606000 written 90 p90 3ms; requests - errors - p99 -",
		},
		{
			name: "a Worker that stopped half way", workers: []string{"shop"}, asOf: to.Add(-31 * time.Minute),
			change: func(t *sandbox.Traffic) {
				t.Workers[0].Shifts = []sandbox.Shift{{At: to.Add(-30 * time.Minute), Factor: 0}}
			},
			want: "queries 6660 failed 30 read 606000 written 90 p90 3ms; requests 600 errors 30 p99 12ms",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, _, id := watched(t, c.like, c.change)
			got, asOf, err := d.Traffic(t.Context(), id, c.workers, from, to)
			if err != nil {
				t.Fatal(err)
			}
			if read(got) != c.want || !asOf.Equal(c.asOf) {
				t.Errorf("got  %s, as of %s\nwant %s, as of %s", read(got), asOf, c.want, c.asOf)
			}
		})
	}
}

func TestOtherDatabasesTellWhetherATimeWasCounted(t *testing.T) {
	of := func(name string, perDay float64) sandbox.DatabaseTraffic {
		return sandbox.DatabaseTraffic{Name: name, Queries: []sandbox.QueryTraffic{{SQL: "SELECT 1", PerDay: perDay, RowsRead: 1}}}
	}
	for _, c := range []struct {
		name   string
		others []sandbox.DatabaseTraffic
		like   sandbox.Analytics
		want   int64
	}{
		{name: "there are none"},
		{name: "two of them", others: []sandbox.DatabaseTraffic{of("till", 24*600), of("stock", 24*60)}, want: 660},
		{name: "they are not counted yet", others: []sandbox.DatabaseTraffic{of("till", 24*600)}, like: sandbox.Analytics{Lag: 2 * time.Hour}},
		{name: "an account that does not count them", others: []sandbox.DatabaseTraffic{of("till", 24*600)}, like: sandbox.Analytics{Missing: []string{"d1AnalyticsAdaptiveGroups"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, _, id := watched(t, c.like, func(t *sandbox.Traffic) { t.Databases = append(t.Databases, c.others...) })
			for _, o := range c.others {
				if _, err := d.Create(t.Context(), o.Name); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := d.Others(t.Context(), id, countedAt().Add(-90*time.Minute), countedAt().Add(-30*time.Minute)); err != nil || got != c.want {
				t.Errorf("%d queries, %v", got, err)
			}
		})
	}
	d, _, id := watched(t, sandbox.Analytics{NotAllowed: true}, nil)
	_, err := d.Others(t.Context(), id, countedAt().Add(-time.Hour), countedAt())
	expectClass(t, "no permission", err, true)
}

func TestWhatCannotBeAskedOfQueriesAndTrafficIsAnErrorOfAPlainRead(t *testing.T) {
	for name, c := range map[string]struct {
		like     sandbox.Analytics
		rejected bool
	}{
		"no permission":      {sandbox.Analytics{NotAllowed: true}, true},
		"too many questions": {sandbox.Analytics{Busy: true}, false},
		"partial data":       {sandbox.Analytics{Partial: true}, false},
	} {
		d, _, id := watched(t, c.like, nil)
		queries, err := d.Queries(t.Context(), id, countedAt().Add(-time.Hour), countedAt(), queries.ByTime, 3)
		if queries != nil {
			t.Errorf("%s: %v", name, queries)
		}
		expectClass(t, name, err, c.rejected)
		_, asOf, err := d.Traffic(t.Context(), id, []string{"shop"}, countedAt().Add(-time.Hour), countedAt())
		if !asOf.IsZero() {
			t.Errorf("%s: as of %s", name, asOf)
		}
		expectClass(t, name, err, c.rejected)
	}
}

func TestAFigureThatTheSchemaLacksIsNotCountedAndTheRestIs(t *testing.T) {
	d, server, id := watched(t, sandbox.Analytics{Missing: []string{"queryBatchTimeMsP90"}}, nil)
	hour := usage.Hour(countedAt()).Add(-2 * time.Hour)
	ask := func() usage.Sample {
		t.Helper()
		got, err := d.Hours(t.Context(), usage.Activity, []usage.Subject{{Kind: usage.Database, ID: id}}, hour, hour.Add(time.Hour))
		if err != nil || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		return got[0].Sample
	}
	s := ask()
	if v, ok := s.Get(usage.BatchP90); ok {
		t.Errorf("a P90 of %g", v)
	}
	if v, ok := s.Get(usage.RowsRead); !ok || v != 606_000 {
		t.Errorf("rows read: %g, %t", v, ok)
	}
	before := d.Calls()
	ask()
	if n := d.Calls() - before; n != 1 {
		t.Errorf("what the schema lacks was asked for again: %d calls", n)
	}
	server.SetAnalytics(sandbox.Analytics{})
	if _, err := d.Datasets(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s = ask(); s.Covers(usage.BatchP90) != 1 {
		t.Error("the schema has the figure again, and it is not counted")
	}
	server.SetAnalytics(sandbox.Analytics{Missing: []string{"sum", "quantiles"}})
	if got, err := d.Hours(t.Context(), usage.Invocations, []usage.Subject{usage.Whole()}, hour, hour.Add(time.Hour)); err == nil || got != nil {
		t.Errorf("of a dataset without figures: %v, %v", got, err)
	}
	server.SetAnalytics(sandbox.Analytics{Missing: []string{"datetimeHour"}})
	if got, err := d.Hours(t.Context(), usage.Sizes, []usage.Subject{{Kind: usage.Database, ID: id}}, hour, hour.Add(time.Hour)); err == nil || got != nil {
		t.Errorf("of a dataset without hours: %v, %v", got, err)
	}
}

func TestTheListTellsNoSizesAndTheDatabasesDo(t *testing.T) {
	const other = "00000000-0000-4000-8000-000000000002"
	for _, c := range []struct {
		name, alone string
		want        int64
	}{
		{"told alone", `{"success":true,"result":{"uuid":"` + anID + `","file_size":4096}}`, 4096},
		{"told nowhere", `{"success":true,"result":{"uuid":"` + anID + `"}}`, -1},
	} {
		d, seen := serving(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, anID) {
				_, _ = w.Write([]byte(c.alone))
				return
			}
			_, _ = w.Write([]byte(`{"success":true,"result":[{"uuid":"` + anID + `","name":"shop","created_at":"2026-01-02T03:04:05.678Z"},{"uuid":"` + other + `","name":"till","file_size":12}],"result_info":{"total_count":2}}`))
		})
		all, err := d.Inventory(t.Context())
		want := []usage.Stored{{ID: anID, Name: "shop", Size: c.want, Created: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)}, {ID: other, Name: "till", Size: 12}}
		if diff := cmp.Diff(want, all); diff != "" || err != nil || len(seen()) != 2 {
			t.Errorf("%s: %v, %v, %s", c.name, err, seen(), diff)
		}
	}
	d, _ := answering(t, 200, `{"success":true,"result":[{"uuid":"../x","name":"shop"}]}`)
	if all, err := d.Inventory(t.Context()); err == nil || all != nil {
		t.Errorf("an id that cannot be one: %v, %v", all, err)
	}
}

// asks asks everything that analytics are asked, and returns the errors.
func asks(t *testing.T, d *cloudflare.D1, id string) []error {
	t.Helper()
	now := time.Now()
	_, err := d.Datasets(t.Context())
	_, listed := d.Inventory(t.Context())
	_, _, rows := d.RowsWritten(t.Context(), id, now.Add(-time.Hour))
	_, queries := d.Queries(t.Context(), id, now.Add(-time.Hour), now, queries.ByTime, 3)
	_, _, traffic := d.Traffic(t.Context(), id, []string{"shop"}, now.Add(-time.Hour), now)
	all := []error{err, listed, rows, queries, traffic}
	for _, set := range usage.AllDatasets() {
		_, err := d.Hours(t.Context(), set, []usage.Subject{usage.Whole(), {Kind: usage.Database, ID: id}, {Kind: usage.Worker, ID: "shop"}}, now.Add(-3*time.Hour), now)
		all = append(all, err)
	}
	return all
}

func TestWhicheverQuestionFailsNothingOfTheAnswerIsKnown(t *testing.T) {
	for name, ask := range map[string]func(d *cloudflare.D1, subjects []usage.Subject) (known bool, err error){
		"activity": func(d *cloudflare.D1, all []usage.Subject) (bool, error) {
			got, err := d.Hours(t.Context(), usage.Activity, all, countedAt().Add(-20*time.Hour), countedAt())
			return got != nil, err
		},
		"storage": func(d *cloudflare.D1, all []usage.Subject) (bool, error) {
			got, err := d.Hours(t.Context(), usage.Sizes, all, countedAt().Add(-6*time.Hour), countedAt())
			return got != nil, err
		},
		"queries": func(d *cloudflare.D1, all []usage.Subject) (bool, error) {
			got, err := d.Queries(t.Context(), all[1].ID, countedAt().Add(-6*time.Hour), countedAt(), queries.ByTime, 3)
			return got != nil, err
		},
		"traffic": func(d *cloudflare.D1, all []usage.Subject) (bool, error) {
			got, asOf, err := d.Traffic(t.Context(), all[1].ID, []string{"shop", "till"}, countedAt().Add(-6*time.Hour), countedAt())
			return !asOf.IsZero() || got != deploy.Traffic{}, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, server, _ := watched(t, sandbox.Analytics{Page: 7}, nil)
			faults := sandbox.NewFaults(server)
			url := behind(t, faults)
			subjects := func(d *cloudflare.D1) []usage.Subject {
				db, err := d.Find(t.Context(), "shop")
				if err != nil {
					t.Fatal(err)
				}
				return []usage.Subject{usage.Whole(), {Kind: usage.Database, ID: db.ID}}
			}
			for k := 0; ; k++ {
				d := open(t, cloudflare.Options{APIURL: url, Now: countedAt})
				all := subjects(d)
				faults.Inject(sandbox.Fault{Path: "/graphql", Skip: k, Reply: sandbox.APIError(429, 0, "slow down")})
				known, err := ask(d, all)
				broke := len(faults.Calls()) > 0 && !faults.Calls()[len(faults.Calls())-1].Executed
				faults.Heal()
				faults.Forget()
				if !broke {
					if err != nil || k < 3 {
						t.Errorf("with %d questions: %v", k, err)
					}
					return
				}
				if err == nil || known {
					t.Errorf("question %d failed, and there is an answer: %v", k, err)
				}
			}
		})
	}
}

func TestStrangeAnswersOfAnalyticsAreNeverHalfAnAnswer(t *testing.T) {
	const at = "2026-03-12T09:00:00Z"
	for name, groups := range map[string]string{
		"another hour":        `[{"sum":{"rowsRead":1},"dimensions":{"datetimeHour":"2026-03-11T09:00:00Z"}}]`,
		"half an hour":        `[{"sum":{"rowsRead":1},"dimensions":{"datetimeHour":"2026-03-12T09:30:00Z"}}]`,
		"no time":             `[{"sum":{"rowsRead":1},"dimensions":{}}]`,
		"a time that is none": `[{"sum":{"rowsRead":1},"dimensions":{"datetimeHour":"today"}}]`,
		"no list":             `{"sum":{"rowsRead":1}}`,
		"words for a number":  `[{"sum":{"rowsRead":"many"},"dimensions":{"datetimeHour":"` + at + `"}}]`,
	} {
		d, _ := answering(t, 200, `{"data":{"viewer":{"accounts":[{"d1AnalyticsAdaptiveGroups":`+groups+`,"settings":{}}]}}}`)
		hour, _ := time.Parse(time.RFC3339, at)
		got, err := d.Hours(t.Context(), usage.Activity, []usage.Subject{usage.Whole()}, hour, hour.Add(time.Hour))
		if unanswered := (*deploy.UnansweredError)(nil); got != nil || !errors.As(err, &unanswered) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestCallsAreCountedByKindAndHowTheyEndedAndTheBusiestFiveMinutesAreKnown(t *testing.T) {
	now := countedAt()
	status := http.StatusOK
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"success":true,"result":[],"data":{"viewer":{"accounts":[]}},"errors":[]}`))
	}))
	t.Cleanup(web.Close)
	d := open(t, cloudflare.Options{APIURL: web.URL + "/client/v4", Now: func() time.Time { return now }})
	began := now
	find := func(times int) {
		for range times {
			_, _ = d.Find(t.Context(), "shop")
		}
	}
	busiest := func(want int) {
		t.Helper()
		if got := d.Stats().Busiest; got != want {
			t.Errorf("at %s: %d, want %d", now.Format(time.TimeOnly), got, want)
		}
	}
	busiest(0)
	find(10)
	now = now.Add(4*time.Minute + 59*time.Second)
	find(5)
	busiest(15)
	now = now.Add(time.Second) // the first ten are five minutes old
	find(7)
	busiest(15)
	now = now.Add(2 * time.Minute)
	find(9)
	busiest(21)
	now = now.Add(57 * time.Minute)
	busiest(21)
	now = now.Add(2 * time.Minute) // all but the nine are older than an hour
	busiest(9)
	now = now.Add(3 * time.Hour)
	busiest(0)
	status = http.StatusTooManyRequests
	_, _ = d.Datasets(t.Context())
	status = 0
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, _ = d.Verify(ctx)
	s := d.Stats()
	want := []cloudflare.CallCount{{Kind: "account", Status: "none", Calls: 4}, {Kind: "analytics", Status: "429", Calls: 1}, {Kind: "d1", Status: "2xx", Calls: 31}}
	if diff := cmp.Diff(want, s.Counts); diff != "" || !s.Since.Equal(began) || d.Calls() != 36 {
		t.Errorf("%s, since %s, %d calls", diff, s.Since, d.Calls())
	}
}
