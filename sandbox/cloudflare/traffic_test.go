package cloudflare_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"towline/sandbox/cloudflare"
	"towline/sandbox/cloudflare/wrangler"
)

// told is one group of an answer.
type told struct {
	Count      float64
	Sum        map[string]float64
	Avg        map[string]float64
	Max        map[string]float64
	Quantiles  map[string]float64
	Dimensions map[string]any
}

// asked sends a question about one dataset: what stands between its parentheses and its braces.
func asked(t testing.TB, s wrangler.Server, set, args, fields string) (groups []told, trouble string) {
	t.Helper()
	query := fmt.Sprintf("{ viewer { accounts(filter: {accountTag: %q}) { %s(%s) { %s } } } }", s.AccountID, set, args, fields)
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data struct {
			Viewer struct{ Accounts []map[string]json.RawMessage }
		}
		Errors []message
	}
	if err := json.Unmarshal([]byte(must(t, s, "POST", "/graphql", string(body)).text), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Errors) > 0 {
		return nil, answer.Errors[0].Message
	}
	if err := json.Unmarshal(answer.Data.Viewer.Accounts[0][set], &groups); err != nil {
		t.Fatal(err)
	}
	return groups, ""
}

// groupsOf is asked where nothing may be wrong.
func groupsOf(t testing.TB, s wrangler.Server, set, args, fields string) []told {
	t.Helper()
	groups, trouble := asked(t, s, set, args, fields)
	if trouble != "" {
		t.Fatalf("%s(%s): %s", set, args, trouble)
	}
	return groups
}

const (
	activitySet = "d1AnalyticsAdaptiveGroups"
	storageSet  = "d1StorageAdaptiveGroups"
	queriesSet  = "d1QueriesAdaptiveGroups"
	workersSet  = "workersInvocationsAdaptive"
)

// noon is the time of these tests, a Thursday.
func noon() time.Time { return time.Date(2026, 3, 12, 12, 0, 0, 0, time.UTC) }

// lively is an account with traffic, at noon.
func lively(t testing.TB, like cloudflare.Analytics, traffic ...cloudflare.Traffic) (wrangler.Server, *served) {
	t.Helper()
	now := noon()
	s := serve(t, cloudflare.Options{Now: func() time.Time { return now }, Traffic: traffic})
	s.server.SetAnalytics(like)
	server := wrangler.Server{URL: s.url(), AccountID: account(), Token: token}
	for _, tr := range traffic {
		for _, d := range tr.Databases {
			create(t, server, d.Name)
		}
	}
	return server, s
}

func between(from, to time.Time) string {
	return fmt.Sprintf("datetime_geq: %q, datetime_lt: %q", from.Format(time.RFC3339), to.Format(time.RFC3339))
}

// busy is a shop whose traffic has everything that traffic can have.
func busy() cloudflare.Traffic {
	return cloudflare.Traffic{
		Seed: 7, Since: noon().AddDate(0, 0, -30),
		Databases: []cloudflare.DatabaseTraffic{{
			Name: "shop", Size: 1 << 20, SizePerDay: 1 << 16,
			Course: cloudflare.Course{
				Weekdays: cloudflare.Workdays(), Nights: 0.8, Growth: 0.01, Noise: 0.1,
				Spikes: []cloudflare.Spike{{At: noon().Add(-50*time.Hour - 17*time.Minute), For: 40 * time.Minute, Factor: 6}},
				Shifts: []cloudflare.Shift{{At: noon().Add(-20*time.Hour - 23*time.Minute), Factor: 1.5}},
			},
			Queries: []cloudflare.QueryTraffic{
				{SQL: "SELECT * FROM orders WHERE customer = ?", PerDay: 9000, RowsRead: 400, RowsReadGrowth: 3.5, RowsReturned: 4, Failing: 0.013},
				{SQL: "INSERT INTO orders VALUES (?, ?)", PerDay: 700, RowsWritten: 2, Time: 3 * time.Millisecond},
				{SQL: "SELECT * FROM item ORDER BY price", PerDay: 300, RowsRead: 5000, From: noon().Add(-20*time.Hour - 23*time.Minute)},
			},
		}},
		Workers: []cloudflare.WorkerTraffic{{Script: "shop", PerDay: 4000, Failing: 0.02, Course: cloudflare.Course{Noise: 0.2}}},
	}
}

func TestTrafficIsTheSameHoweverItIsAskedFor(t *testing.T) {
	s, _ := lively(t, cloudflare.Analytics{}, busy())
	same := func(what string, a, b []told) {
		t.Helper()
		for _, g := range [][]told{a, b} {
			if len(g) == 0 {
				t.Fatalf("%s: nothing", what)
			}
		}
		sum := func(groups []told) map[string]float64 {
			out := map[string]float64{}
			for _, g := range groups {
				out["count"] += g.Count
				for name, v := range g.Sum {
					out[name] += v
				}
			}
			return out
		}
		if a, b := fmt.Sprint(sum(a)), fmt.Sprint(sum(b)); a != b {
			t.Errorf("%s: %s and %s", what, a, b)
		}
	}
	from, to := noon().Add(-53*time.Hour), noon().Add(-17*time.Hour) // over the spike and the shift
	const rows = "sum { rowsRead rowsWritten readQueries writeQueries }"
	args := "limit: 10000, filter: {" + between(from, to) + "}"
	hours := groupsOf(t, s, activitySet, "limit: 10000, filter: {"+strings.ReplaceAll(between(from, to), "datetime_", "datetimeHour_")+"}", rows+" dimensions { datetimeHour }")
	if len(hours) != 36 {
		t.Errorf("%d hours", len(hours))
	}
	same("hours and minutes", hours, groupsOf(t, s, activitySet, args, rows+" dimensions { datetimeMinute }"))
	same("hours and all", hours, groupsOf(t, s, activitySet, args, rows))
	same("hours and halves", hours, append(
		groupsOf(t, s, activitySet, "limit: 1, filter: {"+between(from, from.Add(1234*time.Minute))+"}", rows),
		groupsOf(t, s, activitySet, "limit: 1, filter: {"+between(from.Add(1234*time.Minute), to)+"}", rows)...))
	queries := groupsOf(t, s, queriesSet, args, "count sum { rowsRead rowsWritten } dimensions { query error }")
	if len(queries) != 4 {
		t.Errorf("%d kinds of queries: %+v", len(queries), queries)
	}
	all, of := map[string]float64{}, map[string]float64{}
	for _, g := range hours {
		for name, v := range g.Sum {
			all[name] += v
		}
	}
	for _, q := range queries {
		of["rowsRead"] += q.Sum["rowsRead"]
		of["rowsWritten"] += q.Sum["rowsWritten"]
		of["queries"] += q.Count
	}
	if of["rowsRead"] != all["rowsRead"] || of["rowsWritten"] != all["rowsWritten"] || of["queries"] != all["readQueries"]+all["writeQueries"] {
		t.Errorf("the queries are %v, and the activity %v", of, all)
	}
	again, _ := lively(t, cloudflare.Analytics{}, busy())
	same("another start", hours, groupsOf(t, again, activitySet, args, rows))
	same("Workers by hour and by status",
		groupsOf(t, s, workersSet, args, "sum { requests errors } dimensions { datetimeHour scriptName }"),
		groupsOf(t, s, workersSet, args, "sum { requests errors } dimensions { status }"))
}

func TestTrafficHasTheCourseThatItIsGiven(t *testing.T) {
	flat := func(c cloudflare.Course) cloudflare.Traffic {
		return cloudflare.Traffic{Since: noon().AddDate(0, 0, -28), Databases: []cloudflare.DatabaseTraffic{{
			Name: "shop", Course: c, Queries: []cloudflare.QueryTraffic{{SQL: "SELECT 1", PerDay: 14_400, RowsRead: 1}},
		}}}
	}
	for _, c := range []struct {
		name     string
		course   cloudflare.Course
		from, to time.Duration // before noon
		want     float64       // rows, of a flow that has ten a minute
		off      float64       // by how much it may be off, as a share
	}{
		{"even", cloudflare.Course{}, 24 * time.Hour, 0, 14_400, 0.001},
		{"a weekday with twice as much", cloudflare.Course{Weekdays: [7]float64{1, 1, 1, 2, 1, 1, 1}}, 36 * time.Hour, 12 * time.Hour, 28_800, 0.001},
		{"the dead of night", cloudflare.Course{Nights: 1}, 9 * time.Hour, 7 * time.Hour, 20, 1},
		{"the afternoon", cloudflare.Course{Nights: 1}, 20 * time.Hour, 19 * time.Hour, 1200, 0.01},
		{"a whole day with nights", cloudflare.Course{Nights: 0.7}, 24 * time.Hour, 0, 14_400, 0.01},
		{"growth of a tenth a day, after two weeks", cloudflare.Course{Growth: 0.1}, 14*24*time.Hour + 30*time.Minute, 14*24*time.Hour - 30*time.Minute, 600 * math.Pow(1.1, 14), 0.02},
		{"noise evens out", cloudflare.Course{Noise: 0.3}, 20 * 24 * time.Hour, 0, 20 * 14_400, 0.1},
		{"before a shift", cloudflare.Course{Shifts: []cloudflare.Shift{{At: noon().Add(-90 * time.Minute), Factor: 3}}}, 3 * time.Hour, 90 * time.Minute, 900, 0.01},
		{"after a shift", cloudflare.Course{Shifts: []cloudflare.Shift{{At: noon().Add(-90 * time.Minute), Factor: 3}}}, 90 * time.Minute, 0, 2700, 0.01},
		{"a spike of ten minutes", cloudflare.Course{Spikes: []cloudflare.Spike{{At: noon().Add(-40 * time.Minute), For: 10 * time.Minute, Factor: 5}}}, time.Hour, 0, 1000, 0.01},
	} {
		s, _ := lively(t, cloudflare.Analytics{}, flat(c.course))
		got := groupsOf(t, s, activitySet, "limit: 1, filter: {"+between(noon().Add(-c.from), noon().Add(-c.to))+"}", "sum { rowsRead }")
		if len(got) != 1 || math.Abs(got[0].Sum["rowsRead"]-c.want) > c.off*c.want+1 {
			t.Errorf("%s: %+v, want %g", c.name, got, c.want)
		}
	}
}

func TestTheSizeThatTrafficTellsGrowsAndIsWhatTheAPITells(t *testing.T) {
	s, _ := lively(t, cloudflare.Analytics{}, busy())
	got := groupsOf(t, s, storageSet, `limit: 100, filter: {date_geq: "2026-03-09"}, orderBy: [date_ASC]`, "max { databaseSizeBytes } dimensions { date databaseId }")
	if len(got) != 4 {
		t.Fatalf("%+v", got)
	}
	for i, g := range got {
		// The day's most is that of its last hour: 27 days and 11 hours after the beginning at noon; today's is noon's.
		days := 27 + float64(i) + 11.0/24
		if i == 3 {
			days = 30
		}
		if want := math.Floor(1<<20 + (1<<16)*days); g.Max["databaseSizeBytes"] != want {
			t.Errorf("%v: %f, want %f", g.Dimensions["date"], g.Max["databaseSizeBytes"], want)
		}
	}
	var list []struct {
		Size float64 `json:"file_size"`
	}
	if err := json.Unmarshal(must(t, s, "GET", databases(s), "").Result, &list); err != nil || len(list) != 1 || list[0].Size != 1<<20+30*1<<16 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestTrafficIsThatOfTheDatabaseThatHasTheName(t *testing.T) {
	s, server := lively(t, cloudflare.Analytics{})
	tr := busy()
	server.server.AddTraffic(tr)
	args := "limit: 10, filter: {" + between(noon().Add(-time.Hour), noon()) + "}"
	const fields = "sum { rowsRead } dimensions { databaseId }"
	if got := groupsOf(t, s, activitySet, args, fields); len(got) != 0 {
		t.Errorf("before there is a database: %+v", got)
	}
	create(t, s, "shop")
	if got := groupsOf(t, s, activitySet, args, fields); len(got) != 1 || got[0].Dimensions["databaseId"] != databaseID(t, s, "shop") {
		t.Errorf("%+v", got)
	}
	must(t, s, "DELETE", databases(s)+"/"+databaseID(t, s, "shop"), "")
	if got := groupsOf(t, s, activitySet, args, fields); len(got) != 0 {
		t.Errorf("after it is deleted: %+v", got)
	}
}

func TestTimesOfGeneratedQueriesAreSpreadAroundTheirOwn(t *testing.T) {
	s, _ := lively(t, cloudflare.Analytics{}, cloudflare.Traffic{Since: noon().Add(-24 * time.Hour), Databases: []cloudflare.DatabaseTraffic{{
		Name: "shop", Queries: []cloudflare.QueryTraffic{{SQL: "SELECT 1", PerDay: 24_000, Time: 10 * time.Millisecond}},
	}}})
	got := groupsOf(t, s, queriesSet, "limit: 1, filter: {"+between(noon().Add(-5*time.Hour), noon())+"}",
		"count sum { queryDurationMs } avg { queryDurationMs rowsRead } quantiles { queryDurationMsP50 queryDurationMsP95 queryDurationMsP99 }")
	if len(got) != 1 || got[0].Count != 5000 || got[0].Sum["queryDurationMs"] != 50_000 {
		t.Fatalf("%+v", got)
	}
	if q := got[0].Quantiles; q["queryDurationMsP50"] != 10 || q["queryDurationMsP95"] != 20 || q["queryDurationMsP99"] != 30 {
		t.Errorf("%v", q)
	}
	if a := got[0].Avg["queryDurationMs"]; a != 10 {
		t.Errorf("an average of %g", a)
	}
}
