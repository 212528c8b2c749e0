package cloudflare

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"towline/usage"
)

var _ usage.Source = (*D1)(nil)

// counting is how the hours of one dataset are counted.
type counting struct {
	kind usage.Kind // of the single subjects
	key  string     // the dimension that tells them apart
	// time is the dimension that is compared with a stretch's first and last unit, which is an hour or a second.
	time string
	unit time.Duration
	// single and whole are the figures of a single subject and of the account, by what Cloudflare calls them. A dataset that has none is
	// counted in another way: see failures and storage.
	single, whole map[figure]usage.Figure
}

func countings() map[usage.Dataset]counting {
	rows := map[figure]usage.Figure{
		{"sum", "rowsRead"}: usage.RowsRead, {"sum", "rowsWritten"}: usage.RowsWritten,
		{"sum", "readQueries"}: usage.ReadQueries, {"sum", "writeQueries"}: usage.WriteQueries,
	}
	activity := map[figure]usage.Figure{{"quantiles", "queryBatchTimeMsP90"}: usage.BatchP90}
	for f, as := range rows {
		activity[f] = as
	}
	requests := map[figure]usage.Figure{{"sum", "requests"}: usage.Requests, {"sum", "errors"}: usage.Errors}
	return map[usage.Dataset]counting{
		usage.Activity: {kind: usage.Database, key: "databaseId", time: "datetimeHour", unit: time.Hour, single: activity, whole: rows},
		usage.Sizes: {kind: usage.Database, key: "databaseId", time: "datetimeHour", unit: time.Hour,
			single: map[figure]usage.Figure{{"max", "databaseSizeBytes"}: usage.Storage}},
		usage.Queries: {kind: usage.Database, key: "databaseId", time: "datetimeHour", unit: time.Hour},
		usage.Invocations: {kind: usage.Worker, key: "scriptName", time: "datetime", unit: time.Second, whole: requests,
			single: map[figure]usage.Figure{
				{"sum", "requests"}: usage.Requests, {"sum", "errors"}: usage.Errors,
				{"quantiles", "cpuTimeP50"}: usage.CPUP50, {"quantiles", "cpuTimeP99"}: usage.CPUP99, // both in microseconds
			}},
	}
}

// names lists the figures of a map, always in the same order.
func names(of map[figure]usage.Figure) []figure {
	var all []figure
	for f := range of {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b figure) int { return cmp.Or(strings.Compare(a.part, b.part), strings.Compare(a.name, b.name)) })
	return all
}

// Hours implements usage.Source. The account's storage in an hour is that of all databases, each as large as it was when it was last
// measured in the three days before; hours after the last measurement of all have none.
func (d *D1) Hours(ctx context.Context, set usage.Dataset, subjects []usage.Subject, from, to time.Time) ([]usage.Counted, error) {
	c, ok := countings()[set]
	if !ok {
		return nil, fmt.Errorf("cloudflare: no dataset %q is counted", set)
	}
	from, to = usage.Hour(from), usage.Hour(to)
	var ids []string
	account := false
	for _, s := range subjects {
		switch s.Kind {
		case c.kind:
			ids = append(ids, s.ID)
		case usage.Account:
			account = true
		case usage.Database, usage.Worker: // of another dataset
		}
	}
	if !from.Before(to) || len(ids) == 0 && !account {
		return nil, nil
	}
	bounds, err := d.boundsOf(ctx, set)
	if err != nil {
		return nil, told(err)
	}
	n := &notes{from: from, to: to, samples: map[noted]*usage.Sample{}}
	if err := d.count(ctx, n, counted{set: set, counting: c, bounds: bounds, ids: ids, account: account}); err != nil {
		return nil, told(err)
	}
	return n.inOrder(), nil
}

// counted is what is to be counted.
type counted struct {
	set usage.Dataset
	counting
	bounds  usage.Bounds
	ids     []string
	account bool
}

func (d *D1) count(ctx context.Context, n *notes, c counted) error {
	if c.set == usage.Queries {
		if len(c.ids) == 0 {
			return nil
		}
		return d.failures(ctx, n, c)
	}
	if len(c.ids) > 0 {
		err := d.stretch(ctx, c.walk(c.ids, question{set: c.set, figures: names(c.single), by: []string{"datetimeHour", c.key}}), n.from, n.to, func(g group) error {
			if !slices.Contains(c.ids, g.dimension(c.key)) {
				return nil
			}
			return n.note(usage.Subject{Kind: c.kind, ID: g.dimension(c.key)}, g, c.single)
		})
		if err != nil {
			return err
		}
	}
	switch {
	case c.account && c.set == usage.Sizes:
		return d.storage(ctx, n, c)
	case c.account:
		return d.stretch(ctx, c.walk(nil, question{set: c.set, figures: names(c.whole), by: []string{"datetimeHour"}}), n.from, n.to, func(g group) error {
			return n.note(usage.Whole(), g, c.whole)
		})
	}
	return nil
}

// failures counts the queries that failed. A query's error is empty or null where there was none.
func (d *D1) failures(ctx context.Context, n *notes, c counted) error {
	q := question{set: c.set, count: true, by: []string{"datetimeHour", c.key, "error"}}
	return d.stretch(ctx, c.walk(c.ids, q), n.from, n.to, func(g group) error {
		id := g.dimension(c.key)
		if !slices.Contains(c.ids, id) {
			return nil
		}
		if g.Count == nil {
			return strange("a group without a count")
		}
		failed := float64(*g.Count)
		if g.dimension("error") == "" {
			failed = 0
		}
		return n.add(usage.Subject{Kind: c.kind, ID: id}, g, usage.Errors, failed)
	})
}

// notes are the samples of a stretch of time, as they come in.
type notes struct {
	from, to time.Time
	samples  map[noted]*usage.Sample
}

type noted struct {
	subject usage.Subject
	at      time.Time
}

// sample is the one that a group belongs to.
func (n *notes) sample(s usage.Subject, g group) (*usage.Sample, error) {
	at, err := g.at("datetimeHour")
	switch {
	case err != nil:
		return nil, err
	case at != usage.Hour(at) || at.Before(n.from) || !at.Before(n.to):
		return nil, strange("a group of an hour that was not asked for: %s", at.Format(time.RFC3339))
	}
	key := noted{s, at}
	if n.samples[key] == nil {
		n.samples[key] = &usage.Sample{At: at, Hours: 1}
	}
	return n.samples[key], nil
}

func (n *notes) note(s usage.Subject, g group, as map[figure]usage.Figure) error {
	sample, err := n.sample(s, g)
	if err != nil {
		return err
	}
	for f, name := range as {
		if v, ok := g.get(f); ok {
			sample.Set(name, v)
		}
	}
	return nil
}

func (n *notes) add(s usage.Subject, g group, f usage.Figure, v float64) error {
	sample, err := n.sample(s, g)
	if err != nil {
		return err
	}
	was, _ := sample.Get(f)
	sample.Set(f, was+v)
	return nil
}

// inOrder lists what was noted, by time and then by subject.
func (n *notes) inOrder() []usage.Counted {
	var all []usage.Counted
	for key, s := range n.samples {
		if !s.Empty() {
			all = append(all, usage.Counted{Subject: key.subject, Sample: *s})
		}
	}
	slices.SortFunc(all, func(a, b usage.Counted) int {
		return cmp.Or(a.Sample.At.Compare(b.Sample.At), cmp.Compare(a.Subject.Kind, b.Subject.Kind), strings.Compare(a.Subject.ID, b.Subject.ID))
	})
	return all
}
