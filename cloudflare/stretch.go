package cloudflare

import (
	"context"
	"time"

	"towline/usage"
)

// walk is a question about a stretch of time that may take several: a question spans so much time at most, and an answer has so many
// groups at most. Whatever fills a page may have been cut, and is asked again in parts.
type walk struct {
	question
	bounds usage.Bounds
	time   string        // the dimension that the stretch is about
	unit   time.Duration // of that dimension, and
	least  time.Duration // the shortest part that a stretch is cut into
	key    string        // the dimension that tells subjects apart; empty: the groups have none
	ids    []string      // of the subjects that are wanted; none: all
}

func (c counted) walk(ids []string, q question) walk {
	key := c.key
	if ids == nil {
		key = ""
	}
	w := walk{question: q, bounds: c.bounds, time: c.time, unit: c.unit, least: time.Hour, key: key, ids: ids}
	w.order = "datetimeHour_ASC"
	if len(ids) == 1 {
		return w.alone(ids[0])
	}
	return w
}

// alone narrows a walk to one subject.
func (w walk) alone(id string) walk {
	w.where = []condition{is(w.key, id)}
	w.ids, w.key = nil, ""
	return w
}

// askedAlone is up to how many subjects are asked after one by one where the account has so many that their groups fill a page.
const askedAlone = 40

// stretch asks for everything from one moment to another (exclusive), and hands on each group.
func (d *D1) stretch(ctx context.Context, w walk, from, to time.Time, take func(group) error) error {
	longest := max(w.bounds.Longest.Truncate(w.least), w.least)
	for at := from; at.Before(to); at = at.Add(longest) {
		end := at.Add(longest)
		if end.After(to) {
			end = to
		}
		if err := d.part(ctx, w, at, end, take); err != nil {
			return err
		}
	}
	return nil
}

func (d *D1) part(ctx context.Context, w walk, from, to time.Time, take func(group) error) error {
	q := w.question
	q.limit = w.bounds.Page
	q.where = append([]condition{since(w.time, from), until(w.time, to.Add(-w.unit))}, q.where...)
	groups, err := d.groups(ctx, q)
	units := int64(to.Sub(from) / w.least)
	switch {
	case err != nil:
		return err
	case len(groups) < w.bounds.Page:
		return each(groups, take)
	case len(w.ids) > 0 && len(w.ids) <= askedAlone:
		for _, id := range w.ids {
			if err := d.part(ctx, w.alone(id), from, to, take); err != nil {
				return err
			}
		}
		return nil
	case units > 1:
		middle := from.Add(time.Duration(units/2) * w.least)
		if err := d.part(ctx, w, from, middle, take); err != nil {
			return err
		}
		return d.part(ctx, w, middle, to, take)
	case w.key != "":
		return d.byKey(ctx, w, q, take)
	}
	return strange("%s has more than %d groups from %s to %s", w.set, w.bounds.Page, from.Format(time.RFC3339), to.Format(time.RFC3339))
}

// byKey pages through the subjects of one hour in the order of their ids. The last subject of a page may have been cut: the next page begins
// with it.
func (d *D1) byKey(ctx context.Context, w walk, q question, take func(group) error) error {
	q.order = w.key + "_ASC"
	where, begin := q.where, ""
	for {
		q.where = append(append([]condition{}, where...), condition{w.key + "_geq", "string!", begin})
		groups, err := d.groups(ctx, q)
		if err != nil {
			return err
		}
		if len(groups) < q.limit {
			return each(groups, take)
		}
		last := groups[len(groups)-1].dimension(w.key)
		if last <= begin {
			return strange("%s has more than %d groups of %s in one hour", w.set, q.limit, last)
		}
		for _, g := range groups {
			if g.dimension(w.key) != last {
				if err := take(g); err != nil {
					return err
				}
			}
		}
		begin = last
	}
}

func each(groups []group, take func(group) error) error {
	for _, g := range groups {
		if err := take(g); err != nil {
			return err
		}
	}
	return nil
}
