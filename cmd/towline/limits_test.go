package main

import (
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"towline/cloudflare"
	"towline/config"
	sandboxcloudflare "towline/sandbox/cloudflare"
	"towline/usage"
	"towline/usage/alert"
	"towline/usage/storetest"
	"towline/usage/tariff"
)

func TestTheConfigKnowsTheLimitsAndPricesOfTheTable(t *testing.T) {
	sorted := func(keys []string) []string { return slices.Sorted(slices.Values(keys)) }
	if got, want := sorted(config.LimitKeys()), sorted(tariff.LimitKeys()); !slices.Equal(got, want) {
		t.Errorf("limits %q, the table has %q", got, want)
	}
	if got, want := sorted(config.PriceKeys()), sorted(tariff.PriceKeys()); !slices.Equal(got, want) {
		t.Errorf("prices %q, the table has %q", got, want)
	}
}

func TestAConfigsLimitsBecomeRules(t *testing.T) {
	c := &config.Config{}
	c.Cloudflare.Plan, c.Cloudflare.BillingDay = "paid", 7
	c.Usage.Alerts, c.Usage.Quiet, c.Usage.Timezone = []int{50, 90}, "22:00-07:00", time.UTC
	c.Usage.Limits = config.Pairs{{Name: "account_storage", Value: "2TB"}}
	r, err := rulesOf(c)
	if err != nil {
		t.Fatal(err)
	}
	e, _ := r.Table.Limit(tariff.AccountStorage)
	if e.Value != 2e12 || r.Table.Plan() != tariff.Paid || r.BillingDay != 7 || !slices.Equal(r.Percents, []int{50, 90}) || r.Quiet.From != 22*time.Hour || r.Quiet.To != 7*time.Hour {
		t.Errorf("%+v", r)
	}
	c.Cloudflare.Plan = "gold"
	if _, err := rulesOf(c); err == nil {
		t.Error("a plan of which nothing is known has limits")
	}
}

// growing is an account whose database grows, and reads more rows each day.
func growing(t *testing.T, now time.Time) *cloudflare.D1 {
	t.Helper()
	clock := func() time.Time { return now }
	local, err := sandboxcloudflare.New(sandboxcloudflare.Options{AccountID: demoAccount, Token: apiToken, Now: clock, Traffic: []sandboxcloudflare.Traffic{{
		Seed: 1, Since: now.AddDate(0, 0, -40),
		Databases: []sandboxcloudflare.DatabaseTraffic{{
			Name: "shop", Size: 300e6, SizePerDay: 3e6,
			Course:  sandboxcloudflare.Course{Weekdays: sandboxcloudflare.Workdays(), Nights: 0.8, Noise: 0.05, Growth: 0.005},
			Queries: []sandboxcloudflare.QueryTraffic{{SQL: "SELECT * FROM orders WHERE customer = ?", PerDay: 5000, RowsRead: 700, RowsReturned: 3}},
		}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(local)
	t.Cleanup(func() {
		server.Close()
		if err := local.Close(); err != nil {
			t.Error(err)
		}
	})
	d1, err := cloudflare.New(cloudflare.Options{AccountID: demoAccount, Token: apiToken, APIURL: server.URL + "/client/v4", Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d1.Create(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	return d1
}

// TestALimitIsSeenComingInWhatCloudflareCounts goes the whole way: the local Cloudflare's analytics, the sampler, measures, alerts.
func TestALimitIsSeenComingInWhatCloudflareCounts(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 20, 0, 0, time.UTC)
	d1 := growing(t, now)
	sampler := usage.New(usage.Options{Store: storetest.NewMemory(), Source: d1, Now: func() time.Time { return now }, Watch: func() usage.Watched { return usage.Watched{Databases: []string{"shop"}} }})
	if err := sampler.Sample(t.Context()); err != nil {
		t.Fatal(err)
	}
	known := func(s usage.Subject, name string) alert.Known {
		k := alert.Known{Subject: s, Name: name}
		var err error
		if k.Days, err = sampler.Days(t.Context(), s, now.Add(-alert.DaysBack), now); err != nil {
			t.Fatal(err)
		}
		if k.Hours, err = sampler.Hours(t.Context(), s, now.Add(-alert.HoursBack), now); err != nil {
			t.Fatal(err)
		}
		return k
	}
	shop, ok := sampler.Subject("shop")
	if !ok {
		t.Fatal("the sampler does not know shop")
	}
	table, err := tariff.Of(tariff.Free, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := alert.Rules{Table: table, Percents: []int{50, 80, 95}, BillingDay: 1}
	measures := alert.Measures(r, now, known(usage.Whole(), ""), []alert.Known{known(shop, "shop")})
	if missing := alert.Unmeasured(r, measures); len(missing) != 1 || missing[0].Key != tariff.APICallsPer5m { // nobody counted our own calls
		t.Errorf("not measured: %+v", missing)
	}
	warned := map[string]alert.Alert{}
	for _, a := range alert.Judge(nil, measures, nil, r, now) {
		warned[a.Limit] = a
	}
	size, reads := warned[tariff.DatabaseSize], warned[tariff.RowsReadPerDay]
	// 420 MB and 3 MB more each day: 27 days. 3.5 M rows, half a per cent more each day, a fifth more on Tuesdays: the next one.
	if size.Used != 420e6 || size.Percent != 80 || size.Reaches.Format(time.DateOnly) != "2026-12-17" {
		t.Errorf("the size: %+v", size)
	}
	if reads.Last < 4.2e6 || reads.Last > 5e6 || reads.Reaches.Format(time.DateOnly) != "2026-11-24" || !reads.Counted.Equal(now.Truncate(time.Hour)) {
		t.Errorf("the rows: %+v", reads)
	}
	if len(warned) != 2 {
		t.Errorf("%+v", warned)
	}
}
