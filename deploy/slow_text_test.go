package deploy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"towline/deploy"
)

func TestAChatSeesWhatAQueryIsAboutAndNotTheValuesInItsText(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT * FROM users WHERE email = 'lead@example.com'":                                                    "SELECT * FROM users WHERE email = '…'",
		"SELECT * FROM keys WHERE key = 'sk_live_51H8' AND state = 'active'":                                      "SELECT * FROM keys WHERE key = '…' AND state = 'active'",
		"SELECT * FROM users WHERE phone = 49301234567 OR id = 17 LIMIT 20":                                       "SELECT * FROM users WHERE phone = … OR id = 17 LIMIT 20",
		"SELECT * FROM t WHERE name LIKE '%O''Neil%'  -- for Reviewer 4711\n AND a=?":                             "SELECT * FROM t WHERE name LIKE '%…%' AND a=?",
		"SELECT json_extract(meta, '$.lang'), strftime('%Y-%m', at) FROM t WHERE at > datetime('now', '-7 days')": "SELECT json_extract(meta, '$.lang'), strftime('%Y-%m', at) FROM t WHERE at > datetime('now', '-7 days')",
		"/* traceparent='00-abc' */ SELECT x'53454352' , '' FROM \"Odd Name\"":                                    "SELECT x'…' , '' FROM \"Odd Name\"",
		"SELECT * FROM t WHERE token = 'cut off in the mid":                                                       "SELECT * FROM t WHERE token = …",
	} {
		got := deploy.ShownQuery(sql)
		if strings.Join(strings.Fields(got), " ") != want {
			t.Errorf("%s\n is shown as %s\n want        %s", sql, got, want)
		}
	}
}

func TestQueriesThatDifferInTheirValuesAloneAreOne(t *testing.T) {
	s, l := slowShop(t, shopping)
	l.before, l.after = nil, nil
	for i := range 150 {
		l.before = append(l.before, deploy.QueryCount{SQL: fmt.Sprintf("SELECT * FROM orders WHERE user_id = %d", i+100), Runs: 1, RowsRead: 900})
		l.after = append(l.after, deploy.QueryCount{SQL: fmt.Sprintf("SELECT * FROM orders WHERE user_id = %d", i+1000), Runs: 2, RowsRead: 2000, Time: time.Second})
	}
	slow, err := s.engine.Slow(t.Context(), "shop")
	if err != nil || len(slow.Queries) != 1 {
		t.Fatalf("%+v, %v", slow.Queries, err)
	}
	if q := slow.Queries[0]; q.Runs != 300 || q.RowsRead != 300_000 || q.New || q.Was == nil || q.Was.Runs != 150 || q.Index == nil {
		t.Errorf("%+v", q)
	}
}
