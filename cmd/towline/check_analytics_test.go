package main

import (
	"testing"

	sandboxcloudflare "towline/sandbox/cloudflare"
)

func TestCheckSaysWhichAnalyticsThereAre(t *testing.T) {
	for _, c := range []checkCase{
		{name: "the API token may not read analytics", code: exitFine, admin: true, spoil: func(o *outside) { o.cf.SetAnalytics(sandboxcloudflare.Analytics{NotAllowed: true}) }},
		{name: "analytics lack something", code: exitFine, admin: true, spoil: func(o *outside) {
			o.cf.SetAnalytics(sandboxcloudflare.Analytics{Missing: []string{"d1StorageAdaptiveGroups"}, Disabled: []string{"d1QueriesAdaptiveGroups"}})
			o.cf.AddTraffic(sandboxcloudflare.Traffic{Workers: []sandboxcloudflare.WorkerTraffic{{Script: "shop", PerDay: 5000}}})
			o.config(goodConfig, "production: {database: shop}", "production: {database: shop}\n    workers: [shop, shpo]")
		}},
		{name: "analytics are busy", code: exitFine, admin: true, spoil: func(o *outside) { o.cf.SetAnalytics(sandboxcloudflare.Analytics{Busy: true}) }},
	} {
		t.Run(c.name, c.run)
	}
}
