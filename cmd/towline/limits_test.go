package main

import (
	"slices"
	"testing"
	"time"

	"towline/config"
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
