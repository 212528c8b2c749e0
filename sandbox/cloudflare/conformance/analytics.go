package conformance

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// ask sends a GraphQL query. The answer has no envelope.
func (c *client) ask(t testing.TB, query string, variables map[string]any) (data map[string]json.RawMessage, errs []problem) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), "POST", c.URL+"/graphql", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	res, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Data *struct {
			Viewer struct{ Accounts []map[string]json.RawMessage }
		}
		Errors []problem
	}
	if err := json.Unmarshal(text, &got); err != nil || res.StatusCode != 200 {
		t.Fatalf("%d, %v: %s", res.StatusCode, err, text)
	}
	if got.Data == nil {
		return nil, got.Errors
	}
	return got.Data.Viewer.Accounts[0], got.Errors
}

// figures is what the queries here select.
type figures struct {
	Sum        map[string]float64
	Dimensions map[string]string
}

func read(t testing.TB, text json.RawMessage) []figures {
	t.Helper()
	var out []figures
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return out
}

const analyticsQuery = `query Q($account: string!, $database: string!, $since: Time!) { # of one database
	viewer { accounts(filter: {accountTag: $account}) {
		total: d1AnalyticsAdaptiveGroups(limit: 1, filter: {databaseId: $database, datetime_geq: $since}) { sum { rowsRead, rowsWritten, readQueries, writeQueries } }
		newest: d1AnalyticsAdaptiveGroups(limit: 1, filter: {AND: [{databaseId: $database}, {datetime_geq: $since}]}, orderBy: [datetimeMinute_DESC]) {
			dimensions { datetimeMinute databaseId } }
	} } }`

func testAnalytics(t *testing.T, c *client) {
	variables := func(db database, since time.Time) map[string]any {
		return map[string]any{"account": c.AccountID, "database": db.id, "since": since.UTC().Format(time.RFC3339)}
	}
	t.Run("rows and queries are counted by database and time", func(t *testing.T) {
		began := time.Now()
		db, other := c.create(t), c.create2(t, "-b")
		other.add(t, 1)
		db.query(t, "CREATE TABLE t(a)")
		db.query(t, "INSERT INTO t VALUES (1), (2), (3)")
		db.query(t, "SELECT * FROM t")
		data, errs := c.ask(t, analyticsQuery, variables(db, began.Add(-time.Minute)))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		total, newest := read(t, data["total"]), read(t, data["newest"])
		if len(total) != 1 || total[0].Sum["rowsWritten"] < 3 || total[0].Sum["rowsWritten"] > 6 || total[0].Sum["rowsRead"] < 3 ||
			total[0].Sum["writeQueries"] != 2 || total[0].Sum["readQueries"] != 1 || total[0].Dimensions != nil {
			t.Errorf("%+v", total)
		}
		at, err := time.Parse(time.RFC3339, newest[0].Dimensions["datetimeMinute"])
		if err != nil || at.Before(began.Truncate(time.Minute)) || at.After(time.Now()) || at.Second() != 0 || newest[0].Dimensions["databaseId"] != db.id || newest[0].Sum != nil {
			t.Errorf("%+v", newest)
		}
	})
	t.Run("a database that nobody used has no figures", func(t *testing.T) {
		began := time.Now()
		db := c.create(t)
		data, errs := c.ask(t, analyticsQuery, variables(db, began.Add(-time.Minute)))
		if len(errs) > 0 || len(read(t, data["total"])) != 0 {
			t.Errorf("%s, %v", data, errs)
		}
	})
	t.Run("what cannot be answered is an error with status 200", func(t *testing.T) {
		db := c.create(t)
		for name, q := range map[string]struct {
			query     string
			variables map[string]any
			words     string
		}{
			"another account": {analyticsQuery, map[string]any{"account": strings.Repeat("f", 32), "database": db.id, "since": time.Now().UTC().Format(time.RFC3339)}, "not authorized for that account"},
			"too long ago":    {analyticsQuery, variables(db, time.Now().Add(-32*24*time.Hour)), "cannot request data older than 2678400s"},
			"a field":         {strings.ReplaceAll(analyticsQuery, "rowsWritten", "rowsEaten"), variables(db, time.Now()), `unknown field "rowsEaten"`},
			"no limit":        {strings.ReplaceAll(analyticsQuery, "limit: 1", "limit: 0"), variables(db, time.Now()), "limit must be positive number and not greater than 10000"},
			"no query":        {"{ viewer { accounts", nil, ""},
		} {
			data, errs := c.ask(t, q.query, q.variables)
			if data != nil || len(errs) != 1 || errs[0].Message == "" || q.words != "" && errs[0].Message != q.words {
				t.Errorf("%s: %s, %+v", name, data, errs)
			}
		}
	})
}

func testRestoreLimit(t *testing.T, db database) {
	db.add(t, 1)
	point := db.bookmark(t, "")
	for range 10 {
		db.restore(t, point)
	}
	db.send(t, "POST", db.path()+"/time_travel/restore?bookmark="+point, nil).refused(t, 429, 7500, "Too many restores: a database can be restored 10 times per 10 minutes.")
	db.has(t, 1)
}
