package cloudflare

import (
	"context"
	"time"

	"towline/usage"
)

// walk is a question about a stretch of time that may take several: a question spans so much time at most, and an answer has so many
// groups at most. What fills a page may have been cut, and the rest is asked for. The first dimension is the time: the hour or the date.
type walk struct {
	question
	bounds usage.Bounds
	time   string        // the dimension that the stretch is about
	unit   time.Duration // of that dimension
	key    string        // the dimension that tells subjects apart; empty: the groups have none
	ids    []string      // of the subjects that are wanted; none: all
}

func (c counted) walk(ids []string, q question) walk {
	key := c.key
	if ids == nil {
		key = ""
	}
	w := walk{question: q, bounds: c.bounds, time: c.time, unit: c.unit, key: key, ids: ids}
	w.order = q.by[0] + "_ASC"
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

// stretch asks for everything from one moment to another (exclusive), and hands on each group.
func (d *D1) stretch(ctx context.Context, w walk, from, to time.Time, take func(group) error) error {
	longest := max(w.bounds.Longest.Truncate(time.Hour), time.Hour)
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

// part asks for as much time as one question may span. Answers are in the order of time: a full one may lack groups of its last hour (or day), and
// of all that come after it.
func (d *D1) part(ctx context.Context, w walk, from, to time.Time, take func(group) error) error {
	for from.Before(to) {
		groups, err := d.groups(ctx, w.between(from, to))
		if err != nil {
			return err
		}
		if len(groups) < w.bounds.Page {
			return each(groups, take)
		}
		last, err := w.last(groups)
		if err != nil {
			return err
		}
		next := from.Truncate(w.step()).Add(w.step())
		got := int(last.Sub(from) / w.step())
		switch {
		case len(w.ids) > 0 && len(w.ids)*max(got, 1) < int(to.Sub(from)/w.step()):
			return d.oneByOne(ctx, w, from, to, take) // the account has many that are not wanted
		case last.After(from):
			err = each(groups, func(g group) error {
				if at, _ := g.at(w.by[0]); at.Before(last) {
					return take(g)
				}
				return nil
			})
			from = last
		case w.key == "":
			return strange("%s has more than %d groups in the hour of %s", w.set, w.bounds.Page, from.Format(time.RFC3339))
		default:
			if next.After(to) {
				next = to
			}
			err = d.byKey(ctx, w, w.between(from, next), take)
			from = next
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// step is what the walk's groups stand for: an hour, or a day.
func (w walk) step() time.Duration {
	if w.by[0] == "date" {
		return 24 * time.Hour
	}
	return time.Hour
}

// between is the question about a stretch.
func (w walk) between(from, to time.Time) question {
	q := w.question
	q.limit = w.bounds.Page
	q.where = append([]condition{since(w.time, from), until(w.time, to.Add(-w.unit))}, q.where...)
	return q
}

// last is the time of the last group, where the groups are in order.
func (w walk) last(groups []group) (last time.Time, err error) {
	for _, g := range groups {
		at, err := g.at(w.by[0])
		if err != nil {
			return at, err
		}
		if at.Before(last) {
			return at, strange("groups that are not in the order of time")
		}
		last = at
	}
	return last, nil
}

func (d *D1) oneByOne(ctx context.Context, w walk, from, to time.Time, take func(group) error) error {
	for _, id := range w.ids {
		if err := d.part(ctx, w.alone(id), from, to, take); err != nil {
			return err
		}
	}
	return nil
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
