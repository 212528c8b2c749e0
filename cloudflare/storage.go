package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"towline/deploy"
	"towline/usage"
)

// sizesBack is how old a database's last measured size may be to count: sizes are measured now and then, and those of three days, the
// most of each database, add up to the account's ("Metrics and analytics", D1).
const sizesBack = 72 * time.Hour

// storage adds up the sizes of all databases, hour by hour. What was measured before the stretch is asked for by the day: it only tells what a
// database has that is not measured at once.
func (d *D1) storage(ctx context.Context, n *notes, c counted) error {
	begin, first := n.from.Add(-sizesBack), n.from
	if oldest := usage.Hour(d.now().Add(-c.bounds.Back)).Add(time.Hour); c.bounds.Back > 0 && begin.Before(oldest) {
		begin, first = oldest, oldest.Add(sizesBack) // before that, databases are missing that were measured earlier
	}
	before, err := d.measured(ctx, c, "date", begin, n.from)
	if err != nil {
		return err
	}
	during, err := d.measured(ctx, c, "datetimeHour", later(begin, n.from), n.to)
	if err != nil {
		return err
	}
	var last time.Time
	for at := range during {
		last = later(last, at)
	}
	known := measurements{}
	for at := usage.Day(begin); at.Before(n.from); at = at.Add(24 * time.Hour) {
		known.learn(later(at, begin), before[at])
	}
	for at := later(begin, n.from); !at.After(last); at = at.Add(time.Hour) {
		known.learn(at, during[at])
		sum, any := known.sum(at)
		if !any || at.Before(first) {
			continue
		}
		sample := &usage.Sample{At: at, Hours: 1}
		sample.Set(usage.Storage, sum)
		n.samples[noted{usage.Whole(), at}] = sample
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// measured asks for the sizes of all databases, by the unit of time that a dimension stands for and by database.
func (d *D1) measured(ctx context.Context, c counted, dimension string, from, to time.Time) (map[time.Time]map[string]float64, error) {
	size := figure{"max", "databaseSizeBytes"}
	w := c.walk([]string{}, question{set: c.set, figures: []figure{size}, by: []string{dimension, c.key}})
	out := map[time.Time]map[string]float64{}
	return out, d.stretch(ctx, w, from, to, func(g group) error {
		at, err := g.at(dimension)
		if err != nil {
			return err
		}
		if v, ok := g.get(size); ok {
			if out[at] == nil {
				out[at] = map[string]float64{}
			}
			out[at][g.dimension(c.key)] = v
		}
		return nil
	})
}

// measurements are what was last known of each database's size.
type measurements map[string]measurement

type measurement struct {
	at   time.Time
	size float64
}

func (m measurements) learn(at time.Time, sizes map[string]float64) {
	for id, size := range sizes {
		m[id] = measurement{at, size}
	}
}

// sum adds up what is not too old, and forgets the rest.
func (m measurements) sum(at time.Time) (sum float64, any bool) {
	for id, one := range m {
		if at.Sub(one.at) >= sizesBack {
			delete(m, id)
			continue
		}
		sum, any = sum+one.size, true
	}
	return sum, any
}

// Inventory implements usage.Source. A size that the list does not tell is asked for.
func (d *D1) Inventory(ctx context.Context) ([]usage.Stored, error) {
	var all []usage.Stored
	for number := 1; number <= maxPages; number++ {
		list, err := d.page(ctx, "", number)
		if err != nil {
			return nil, told(err)
		}
		for _, found := range list.Result {
			if _, err := described(opFind, found.UUID, found.Name, 0); err != nil {
				return nil, err
			}
			s := usage.Stored{ID: found.UUID, Name: found.Name, Size: -1, Created: found.Created}
			if found.Size != nil {
				s.Size = whole(*found.Size)
			}
			all = append(all, s)
		}
		if list.last(len(all)) {
			return d.size(ctx, all)
		}
	}
	return nil, &deploy.UnansweredError{Err: errors.New(opFind.name + ": the list of databases does not end")}
}

// sizedAlone is how many databases are asked for their size one by one where the list does not tell sizes.
const sizedAlone = 50

// size completes what the list of databases told. What is not told of a single database either stays negative.
func (d *D1) size(ctx context.Context, all []usage.Stored) ([]usage.Stored, error) {
	asked := 0
	for i := range all {
		if all[i].Size >= 0 || asked == sizedAlone {
			continue
		}
		asked++
		body, err := d.get(ctx, opFind, "accounts/"+d.account+"/d1/database/"+all[i].ID)
		if err != nil {
			return nil, told(err)
		}
		var answer struct {
			Result struct {
				Size *float64 `json:"file_size"`
			} `json:"result"`
		}
		if json.Unmarshal(body, &answer) == nil && answer.Result.Size != nil {
			all[i].Size = whole(*answer.Result.Size)
		}
	}
	return all, nil
}
