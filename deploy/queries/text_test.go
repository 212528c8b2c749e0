package queries_test

import (
	"strings"
	"testing"

	"towline/deploy/queries"
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
		got := queries.Shown(sql)
		if strings.Join(strings.Fields(got), " ") != want {
			t.Errorf("%s\n is shown as %s\n want        %s", sql, got, want)
		}
	}
}

func TestRunsOfOneQueryHaveOneShape(t *testing.T) {
	for want, runs := range map[string][]string{
		"SELECT * FROM orders WHERE user_id = ? AND open = 1": {
			"SELECT * FROM orders WHERE user_id = 17 AND open = 1", "SELECT * FROM orders  WHERE user_id = 4711 /* Lead */ AND open = 1",
		},
		"SELECT * FROM t WHERE id IN (?, …)": {"SELECT * FROM t WHERE id IN (?,?)", "SELECT * FROM t WHERE id IN ( 17, 18, 19 )", "SELECT * FROM t WHERE id IN (?1, ?2, ?13)", "SELECT * FROM t WHERE id IN (?4, ?5)"},
		"SELECT * FROM t WHERE name = '…'":   {"SELECT * FROM t WHERE name = 'Ada Lead'", "SELECT * FROM t WHERE name = 'Bo O''Reviewer'"},
	} {
		for _, sql := range runs {
			if got := queries.Shape(sql); got != want {
				t.Errorf("%s\n has the shape %s\n want          %s", sql, got, want)
			}
		}
	}
	if queries.Shape("SELECT 1 FROM t WHERE state = 'paid'") == queries.Shape("SELECT 1 FROM t WHERE state = 'open'") {
		t.Error("words that say what a query is about are taken for values")
	}
}
