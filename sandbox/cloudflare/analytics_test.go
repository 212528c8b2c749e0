package cloudflare_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"towline/sandbox/cloudflare"
	"towline/sandbox/cloudflare/wrangler"
)

func TestTheSettingsNodeTellsWhatMayBeAsked(t *testing.T) {
	s, _ := lively(t, cloudflare.Analytics{Disabled: []string{workersSet}, Page: 77, Longest: time.Hour, Back: 48 * time.Hour})
	query := `{"query":"{ viewer { accounts(filter: {accountTag: \"` + s.AccountID + `\"}) { settings { ` + activitySet +
		` { enabled maxDuration maxPageSize maxNumberOfFields notOlderThan } ` + workersSet + ` { enabled } } } } }"}`
	got := must(t, s, "POST", "/graphql", query).text
	for _, want := range []string{`"enabled":true,"maxDuration":3600,"maxNumberOfFields":40,"maxPageSize":77,"notOlderThan":172800`, `"workersInvocationsAdaptive":{"enabled":false}`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

func TestAnalyticsRefuseWhatCloudflareRefuses(t *testing.T) {
	last := func(d time.Duration) string { return "filter: {" + between(noon().Add(-d), noon()) + "}" }
	for _, c := range []struct {
		name, set, args, fields, trouble string
		like                             cloudflare.Analytics
	}{
		{name: "more groups than a page has", set: activitySet, args: "limit: 10001, " + last(time.Hour), fields: "sum { rowsRead }", trouble: "limit must be positive number and not greater than 10000"},
		{name: "no limit", set: activitySet, args: last(time.Hour), fields: "sum { rowsRead }", trouble: "limit must be"},
		{name: "older than is kept", set: activitySet, args: "limit: 1, " + last(31*24*time.Hour+time.Second), fields: "sum { rowsRead }", trouble: "cannot request data older than 2678400s"},
		{name: "as old as is kept", set: activitySet, args: "limit: 1, " + last(31*24*time.Hour), fields: "sum { rowsRead }"},
		{name: "more time of Workers than a week", set: workersSet, args: "limit: 1, " + last(7*24*time.Hour+time.Second), fields: "sum { requests }", trouble: "time range is too large"},
		{name: "a week of Workers", set: workersSet, args: "limit: 1, " + last(7*24*time.Hour), fields: "sum { requests }"},
		{name: "all of Workers", set: workersSet, args: "limit: 1, filter: {scriptName: \"shop\"}", fields: "sum { requests }", trouble: "time range is too large"},
		{name: "a field of another dataset", set: storageSet, args: "limit: 1, " + last(time.Hour), fields: "sum { rowsRead }", trouble: `unknown field "rowsRead"`},
		{name: "a dimension of another dataset", set: workersSet, args: "limit: 1, " + last(time.Hour), fields: "dimensions { datetimeMinute }", trouble: `unknown field "datetimeMinute"`},
		{name: "a condition of another dataset", set: storageSet, args: "limit: 1, " + last(time.Hour), fields: "dimensions { date }", trouble: "error parsing args: datetime"},
		{name: "a dataset that does not exist", set: "d1EverythingAdaptiveGroups", args: "limit: 1, " + last(time.Hour), fields: "count", trouble: `unknown field "d1EverythingAdaptiveGroups"`},
		{name: "an order that does not exist", set: queriesSet, args: "limit: 1, orderBy: [sum_rowsEaten_DESC], " + last(time.Hour), fields: "count", trouble: "error parsing args: orderBy"},
		{name: "an order by what is not asked for", set: queriesSet, args: "limit: 1, orderBy: [query_ASC], " + last(time.Hour), fields: "count", trouble: "error parsing args: orderBy"},
		{name: "a filter that is none", set: queriesSet, args: "limit: 1, filter: 5", fields: "count", trouble: "filter must be an object"},
		{name: "a dataset that is not enabled", set: queriesSet, args: "limit: 1, " + last(time.Hour), fields: "count", like: cloudflare.Analytics{Disabled: []string{queriesSet}}, trouble: "does not have access"},
		{name: "a figure that the account lacks", set: queriesSet, args: "limit: 1, " + last(time.Hour), fields: "quantiles { queryDurationMsP95 }", like: cloudflare.Analytics{Missing: []string{"queryDurationMsP95"}}, trouble: `unknown field "queryDurationMsP95"`},
		{name: "a token that may not", set: queriesSet, args: "limit: 1, " + last(time.Hour), fields: "count", like: cloudflare.Analytics{NotAllowed: true}, trouble: "not authorized for that account"},
	} {
		s, _ := lively(t, c.like, busy())
		_, trouble := asked(t, s, c.set, c.args, c.fields)
		if trouble != "" && c.trouble == "" || !strings.Contains(trouble, c.trouble) {
			t.Errorf("%s: %q, want %q", c.name, trouble, c.trouble)
		}
	}
}

func TestATokenHasThreeHundredQuestionsInFiveMinutes(t *testing.T) {
	now := noon()
	server := serve(t, cloudflare.Options{Now: func() time.Time { return now }})
	s := wrangler.Server{URL: server.url(), AccountID: account(), Token: token}
	ask := func() int { return must(t, s, "POST", "/graphql", `{"query":"{ viewer { nothing } }"}`).status }
	for range 299 {
		ask()
	}
	now = now.Add(2 * time.Minute)
	if status := ask(); status != http.StatusOK {
		t.Errorf("the 300th question: %d", status)
	}
	if status := ask(); status != http.StatusTooManyRequests {
		t.Errorf("the 301st question: %d", status)
	}
	now = now.Add(3 * time.Minute)
	if status := ask(); status != http.StatusOK {
		t.Errorf("five minutes after the first: %d", status)
	}
	server.server.SetAnalytics(cloudflare.Analytics{Busy: true})
	if status := ask(); status != http.StatusTooManyRequests {
		t.Errorf("on a busy account: %d", status)
	}
}

func TestFiguresComeLateAndOnlyInWholeMinutes(t *testing.T) {
	args := "limit: 1000, filter: {" + between(noon().Add(-time.Hour), noon().Add(time.Hour)) + "}, orderBy: [datetimeMinute_DESC]"
	for _, lag := range []time.Duration{0, 90 * time.Second, 20 * time.Minute} {
		s, _ := lively(t, cloudflare.Analytics{Lag: lag}, cloudflare.Traffic{Databases: []cloudflare.DatabaseTraffic{{
			Name: "shop", Queries: []cloudflare.QueryTraffic{{SQL: "SELECT 1", PerDay: 144_000}},
		}}})
		got := groupsOf(t, s, activitySet, args, "dimensions { datetimeMinute }")
		want := noon().Add(-lag).Truncate(time.Minute).Add(-time.Minute)
		if len(got) == 0 || got[0].Dimensions["datetimeMinute"] != want.Format(time.RFC3339) {
			t.Errorf("%s late: %+v, want %s first", lag, got[:min(1, len(got))], want)
		}
	}
}

func TestWhatIsReallyAskedCountsBesideTheTraffic(t *testing.T) {
	now := noon().Add(-time.Hour)
	server := serve(t, cloudflare.Options{Now: func() time.Time { return now }})
	s := wrangler.Server{URL: server.url(), AccountID: account(), Token: token}
	path := create(t, s, "shop")
	query(t, s, path, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
	query(t, s, path, "INSERT INTO item (name) VALUES ('tea'), ('cup')")
	now = now.Add(5 * time.Second)
	for range 2 {
		query(t, s, path, "SELECT * FROM item;")
		query(t, s, path, "SELECT 1; INSERT INTO item (name) VALUES ('tea')") // fails, and is undone
	}
	now = noon()
	args := "limit: 100, filter: {" + between(noon().Add(-2*time.Hour), noon()) + "}"
	got := groupsOf(t, s, queriesSet, args, "count sum { rowsRead rowsWritten rowsReturned } dimensions { query error }")
	lines := map[string]string{}
	for _, g := range got {
		lines[fmt.Sprint(g.Dimensions["query"], " / ", g.Dimensions["error"])] = fmt.Sprint(g.Count, g.Sum["rowsReturned"], g.Sum["rowsWritten"] > 0)
	}
	for text, want := range map[string]string{
		"SELECT * FROM item / <nil>":                              "2 4 false",
		"INSERT INTO item (name) VALUES ('tea'), ('cup') / <nil>": "1 0 true",
		"SELECT 1 / <nil>":                                        "2 0 false",
		"INSERT INTO item (name) VALUES ('tea') / UNIQUE constraint failed: item.name: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)": "2 0 false",
	} {
		if lines[text] != want {
			t.Errorf("%s: %q, want %q", text, lines[text], want)
		}
	}
	sums := groupsOf(t, s, activitySet, args, "sum { readQueries writeQueries }")
	if len(sums) != 1 || sums[0].Sum["readQueries"] != 4 || sums[0].Sum["writeQueries"] != 4 {
		t.Errorf("%+v", sums)
	}
	sizes := groupsOf(t, s, storageSet, `limit: 100, filter: {datetimeHour_geq: "2026-03-12T00:00:00Z"}`, "max { databaseSizeBytes } dimensions { datetimeHour }")
	if len(sizes) != 2 || sizes[0].Max["databaseSizeBytes"] < 4096 || sizes[0].Max["databaseSizeBytes"] != sizes[1].Max["databaseSizeBytes"] {
		t.Errorf("%+v", sizes)
	}
}

func TestFiguresOfWeeksOfUseAreKeptInLittleRoom(t *testing.T) {
	now := noon().AddDate(0, 0, -33)
	server := serve(t, cloudflare.Options{Now: func() time.Time { return now }})
	s := wrangler.Server{URL: server.url(), AccountID: account(), Token: token}
	path := create(t, s, "shop")
	cloudflare.Used(server.server, path[strings.LastIndex(path, "/")+1:], noon(), 5*time.Minute, 3) // moves no clock
	now = noon()
	args := "limit: 10000, filter: {" + between(noon().AddDate(0, 0, -20), noon().AddDate(0, 0, -10)) + "}"
	sum := groupsOf(t, s, activitySet, args, "sum { rowsRead readQueries }")
	if len(sum) != 1 || sum[0].Sum["readQueries"] != 10*24*12 || sum[0].Sum["rowsRead"] != 3*10*24*12 {
		t.Errorf("%+v", sum)
	}
	if got := groupsOf(t, s, queriesSet, args, "count dimensions { query }"); len(got) != 1 || got[0].Count != 10*24*12 {
		t.Errorf("%+v", got)
	}
	if n := cloudflare.Records(server.server, path[strings.LastIndex(path, "/")+1:]); n > 9000 {
		t.Errorf("%d records for 33 days", n)
	}
}
