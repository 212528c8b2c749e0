package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"towline/cloudflare"
	"towline/config"
	"towline/usage"
)

// datasetWords are what people call a dataset of analytics, and what is missing without it.
func datasetWords(d usage.Dataset) (name, without string) {
	switch d {
	case usage.Activity:
		return "rows and queries", "use of rows, its limits and forecasts, and the watch after a promote"
	case usage.Sizes:
		return "storage", "how storage grew"
	case usage.Queries:
		return "single queries", "/slow, and failed queries"
	case usage.Invocations:
		return "Workers", "requests and CPU times of Workers"
	}
	return string(d), string(d)
}

// checkAnalytics says what may be counted. Nothing of it is wrong: Towline works without.
func checkAnalytics(ctx context.Context, v *verdicts, c *config.Config, d1 *cloudflare.D1) {
	switch p := d1.AnalyticsPermission(ctx); p.Held {
	case cloudflare.HeldYes:
		v.right("the token has %s", p.Name)
	case cloudflare.HeldNo:
		v.note("the token lacks %s, which is optional; with it Towline can %s", p.Name, p.For)
		return
	default:
		v.note("whether the token has %s, which is optional, could not be found out: %v", p.Name, p.Err)
		return
	}
	bounds, err := d1.Datasets(ctx)
	if err != nil {
		v.note("which analytics the account has could not be found out: %v", err)
		return
	}
	var there []string
	least := time.Duration(0)
	for _, d := range usage.AllDatasets() {
		name, without := datasetWords(d)
		switch b, exists := bounds[d]; {
		case !exists:
			v.note("analytics of %s (%s) do not exist for this account; without: %s", name, d, without)
		case !b.Enabled:
			v.note("analytics of %s (%s) are not enabled for this account; without: %s", name, d, without)
		default:
			there = append(there, name)
			if b.Back > 0 && (least == 0 || b.Back < least) {
				least = b.Back
			}
		}
	}
	const day = 24 * time.Hour
	switch days := int((least + day - 1) / day); { // the source takes hours off for safety
	case len(there) == 0:
	case days == 0:
		v.right("analytics: %s", strings.Join(there, ", "))
	default:
		v.right("analytics: %s, %s back", strings.Join(there, ", "), number(days, "day", "days"))
	}
	if bounds[usage.Invocations].Enabled {
		checkWorkers(ctx, v, c, d1)
	}
}

// checkWorkers looks whether the Workers of the config were ever asked anything: a name that is misspelt looks like a Worker at rest.
func checkWorkers(ctx context.Context, v *verdicts, c *config.Config, d1 *cloudflare.D1) {
	var subjects []usage.Subject
	for _, p := range c.Projects {
		for _, script := range p.Workers {
			if s := (usage.Subject{Kind: usage.Worker, ID: script}); !slices.Contains(subjects, s) {
				subjects = append(subjects, s)
			}
		}
	}
	if len(subjects) == 0 {
		return
	}
	now := usage.Hour(time.Now())
	counted, err := d1.Hours(ctx, usage.Invocations, subjects, now.Add(-6*24*time.Hour), now.Add(time.Hour))
	if err != nil {
		v.note("what the Workers do could not be found out: %v", err)
		return
	}
	for _, s := range subjects {
		if slices.ContainsFunc(counted, func(c usage.Counted) bool { return c.Subject == s }) {
			v.right("Worker %s was asked something in the last six days", s.ID)
		} else {
			v.note("Worker %s was asked nothing in the last six days; if it was, projects.workers has another name than Cloudflare", s.ID)
		}
	}
}
