package main

import (
	"fmt"

	"towline/config"
	"towline/usage/alert"
	"towline/usage/tariff"
)

// rulesOf are the limits of an account, and what its team wants to hear of them.
func rulesOf(c *config.Config) (alert.Rules, error) {
	table, err := tariff.Of(tariff.Plan(c.Cloudflare.Plan), c.Usage.Limits.Map(), c.Usage.Prices.Map())
	if err != nil {
		return alert.Rules{}, fmt.Errorf("limits and prices: %w", err)
	}
	from, to := c.Usage.Quiet.Range()
	return alert.Rules{
		Table: table, Percents: c.Usage.Alerts, Zone: c.Usage.Timezone, Quiet: alert.Quiet{From: from, To: to}, BillingDay: c.Cloudflare.BillingDay,
	}, nil
}
