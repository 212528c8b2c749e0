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

// storage adds up the sizes of all databases, hour by hour.
func (d *D1) storage(ctx context.Context, n *notes, c counted) error {
	begin, first := n.from.Add(-sizesBack), n.from
	if oldest := usage.Hour(d.now().Add(-c.bounds.Back)).Add(time.Hour); c.bounds.Back > 0 && begin.Before(oldest) {
		begin, first = oldest, oldest.Add(sizesBack) // before that, databases are missing that were measured earlier
	}
	size := figure{"max", "databaseSizeBytes"}
	measured := map[time.Time]map[string]float64{} // by hour and database
	q := question{set: c.set, figures: []figure{size}, by: []string{"datetimeHour", c.key}}
	w := c.walk([]string{}, q)
	err := d.stretch(ctx, w, begin, n.to, func(g group) error {
		at, err := g.at("datetimeHour")
		if err != nil {
			return err
		}
		if v, ok := g.get(size); ok {
			if measured[at] == nil {
				measured[at] = map[string]float64{}
			}
			measured[at][g.dimension(c.key)] = v
		}
		return nil
	})
	if err != nil {
		return err
	}
	var last time.Time
	for at := range measured {
		if at.After(last) {
			last = at
		}
	}
	type kept struct {
		at   time.Time
		size float64
	}
	known := map[string]kept{}
	for at := begin; !at.After(last); at = at.Add(time.Hour) {
		for id, v := range measured[at] {
			known[id] = kept{at, v}
		}
		sum, any := 0.0, false
		for id, k := range known {
			if at.Sub(k.at) >= sizesBack {
				delete(known, id)
				continue
			}
			sum, any = sum+k.size, true
		}
		if !any || at.Before(n.from) || at.Before(first) {
			continue
		}
		sample := &usage.Sample{At: at, Hours: 1}
		sample.Set(usage.Storage, sum)
		n.samples[noted{usage.Whole(), at}] = sample
	}
	return nil
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
