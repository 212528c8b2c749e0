package cloudflare_test

import (
	"strings"
	"testing"

	"towline/sandbox/cloudflare"
	"towline/sandbox/cloudflare/wrangler"
)

func TestWranglersInsightsAreWhatWasAskedHere(t *testing.T) {
	server := serve(t, cloudflare.Options{Traffic: []cloudflare.Traffic{{Databases: []cloudflare.DatabaseTraffic{{
		Name: "shop", Queries: []cloudflare.QueryTraffic{
			{SQL: "SELECT * FROM item WHERE name = ?", PerDay: 2400, RowsRead: 1000, RowsReturned: 2},
			{SQL: "SELECT * FROM item WHERE id = ?", PerDay: 24_000, RowsRead: 1, RowsReturned: 1},
		},
	}}}}})
	s := newShell(t, wrangler.Server{URL: server.url(), AccountID: account(), Token: token})
	create(t, s.server, "shop")
	wrangler.Configure(t, s.dir, "shop", databaseID(t, s.server, "shop"), "migrations")
	var queries []struct {
		Query             string
		TotalRowsRead     float64
		NumberOfTimesRun  float64
		QueryEfficiency   float64
		AvgRowsRead       float64
		TotalRowsReturned float64
	}
	s.json(t, &queries, "d1", "insights", "shop", "--sort-type=sum", "--sort-by=reads", "--limit=2", "--timePeriod=1d", "--json")
	if len(queries) != 2 || !strings.Contains(queries[0].Query, "name = ?") || queries[0].NumberOfTimesRun < 2300 || queries[0].NumberOfTimesRun > 2500 ||
		queries[0].TotalRowsRead != 1000*queries[0].NumberOfTimesRun || queries[0].AvgRowsRead != 1000 {
		t.Errorf("%+v", queries)
	}
	if info := s.run(t, "d1", "info", "shop"); !strings.Contains(info, "rows_read_24h") {
		t.Error(info)
	}
}
