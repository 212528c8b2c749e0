package cloudflare

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// asked is one question about a dataset, read and found good.
type asked struct {
	dataset
	window
	limit  int
	keep   func(row) bool
	fields map[string][]string // by part: "sum", "dimensions"; "count" has none
	order  []ordering
}

// ordering is one entry of orderBy: a dimension, "count", or a part with a figure.
type ordering struct {
	part, name string
	descending bool
}

// group is what adds up to one line of an answer.
type group struct {
	dimensions []string // as asked for, in that order
	null       []bool
	count      float64
	sum        [sums]float64
	max        float64
	times      []timing
}

// groups answers a question about a dataset.
func (s *Server) groups(f field) ([]any, error) {
	like, _ := s.analytics.look()
	set, ok := datasetOf(f.name, like)
	if !ok {
		return nil, unknownField(f.name)
	}
	if slices.Contains(like.Disabled, f.name) {
		return nil, errors.New("the account does not have access to the path")
	}
	q, err := s.read(f, set, like)
	if err != nil {
		return nil, err
	}
	found, err := s.gather(q)
	if err != nil {
		return nil, err
	}
	for _, o := range slices.Backward(q.order) {
		slices.SortStableFunc(found, func(a, b *group) int { return q.compare(o, a, b) })
	}
	out := []any{}
	for _, g := range found[:min(q.limit, len(found))] {
		out = append(out, q.show(g))
	}
	return out, nil
}

// read understands a question, or says what is wrong with it.
func (s *Server) read(f field, set dataset, like Analytics) (asked, error) {
	q := asked{dataset: set, fields: map[string][]string{}}
	limit, _ := f.args["limit"].(json.Number)
	n, err := limit.Int64()
	if err != nil || n < 1 || n > int64(set.page) {
		return q, fmt.Errorf("limit must be positive number and not greater than %d", set.page)
	}
	q.limit = int(n)
	if err := q.choose(f, like); err != nil {
		return q, err
	}
	now := s.now()
	q.window = window{from: now.Add(-set.back), to: now}
	if q.keep, err = q.filter(f.args["filter"], now); err != nil {
		return q, err
	}
	if q.to.Sub(q.from) > set.longest && set.longest < set.back {
		return q, fmt.Errorf("query time range is too large. Time range can't be wider than %ds", int(set.longest.Seconds()))
	}
	if newest := now.Add(-like.Lag); !q.to.Before(newest) {
		q.to = newest.Add(1) // what happened at this very moment is told
	}
	for _, name := range q.fields["dimensions"] {
		q.minutes = q.minutes || buckets()[name] > 0 && buckets()[name] < time.Hour
	}
	return q, q.orderBy(f.args["orderBy"])
}

// choose reads which fields are wanted.
func (q *asked) choose(f field, like Analytics) error {
	fields := 0
	for _, part := range f.fields {
		if slices.Contains(like.Missing, part.name) {
			return unknownField(part.name)
		}
		if part.name == "count" && q.count && len(part.fields) == 0 {
			q.fields["count"] = []string{}
			continue
		}
		if len(part.fields) == 0 {
			return unknownField(part.name)
		}
		for _, inner := range part.fields {
			if !q.has(part.name, inner.name) || slices.Contains(like.Missing, inner.name) {
				return unknownField(inner.name)
			}
			q.fields[part.name] = append(q.fields[part.name], inner.name)
			fields++
		}
	}
	if fields > maxFields {
		return fmt.Errorf("number of fields can't be more than %d", maxFields)
	}
	return nil
}

// filter reads a filter: a dimension, alone or with _geq, _gt, _leq, _lt, and AND of several. Times narrow the window besides.
func (q *asked) filter(arg any, now time.Time) (func(row) bool, error) {
	object, ok := arg.(map[string]any)
	if !ok {
		return nil, errors.New("error parsing args: filter must be an object")
	}
	var all []func(row) bool
	for key, value := range object {
		if list, ok := value.([]any); ok && key == "AND" {
			for _, inner := range list {
				keep, err := q.filter(inner, now)
				if err != nil {
					return nil, err
				}
				all = append(all, keep)
			}
			continue
		}
		keep, err := q.condition(key, value, now)
		if err != nil {
			return nil, err
		}
		all = append(all, keep)
	}
	return func(r row) bool {
		return !slices.ContainsFunc(all, func(keep func(row) bool) bool { return !keep(r) })
	}, nil
}

// holds says what a comparison makes of an order.
func holds(comparison string) func(c int) bool {
	return map[string]func(c int) bool{
		"": func(c int) bool { return c == 0 }, "geq": func(c int) bool { return c >= 0 }, "gt": func(c int) bool { return c > 0 },
		"leq": func(c int) bool { return c <= 0 }, "lt": func(c int) bool { return c < 0 },
	}[comparison]
}

func (q *asked) condition(key string, value any, now time.Time) (func(row) bool, error) {
	name, comparison, _ := strings.Cut(key, "_")
	want, ok := value.(string)
	compare := holds(comparison)
	switch {
	case !ok:
		return nil, fmt.Errorf("error parsing args: %s must be a string", key)
	case compare == nil || !q.has("dimensions", name):
		return nil, fmt.Errorf("error parsing args: %s", key)
	case buckets()[name] > 0:
		return q.moment(name, comparison, want, now)
	}
	if name == q.key && comparison == "" {
		q.only = want
	}
	return func(r row) bool {
		got, null := q.dimension(r, name)
		return !null && compare(strings.Compare(got, want))
	}, nil
}

// moment is a condition on a dimension of time.
func (q *asked) moment(name, comparison, want string, now time.Time) (func(row) bool, error) {
	form := time.RFC3339
	if name == "date" {
		form = time.DateOnly
	}
	at, err := time.Parse(form, want)
	if err != nil {
		return nil, fmt.Errorf("error parsing args: %s", name)
	}
	if now.Sub(at) > q.back {
		return nil, fmt.Errorf("cannot request data older than %ds", int(q.back.Seconds()))
	}
	width := buckets()[name]
	at = at.Truncate(time.Second)
	switch comparison {
	case "geq":
		q.from = later(q.from, at)
	case "gt":
		q.from = later(q.from, at.Truncate(width).Add(width))
	case "leq":
		q.to = earlier(q.to, at.Truncate(width).Add(width))
	case "lt":
		q.to = earlier(q.to, at)
	default:
		q.from, q.to = later(q.from, at), earlier(q.to, at.Add(width))
	}
	compare := holds(comparison)
	return func(r row) bool { return compare(r.at.Truncate(width).Compare(at)) }, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// orderBy reads [dimension_ASC], [count_DESC] or [sum_rowsRead_DESC].
func (q *asked) orderBy(arg any) error {
	list, _ := arg.([]any)
	for _, entry := range list {
		text, _ := entry.(string)
		i := strings.LastIndex(text, "_")
		if i < 0 || text[i+1:] != "ASC" && text[i+1:] != "DESC" {
			return fmt.Errorf("error parsing args: orderBy %v", entry)
		}
		o := ordering{name: text[:i], descending: text[i+1:] == "DESC"}
		if part, name, ok := strings.Cut(o.name, "_"); ok {
			o.part, o.name = part, name
		} else if o.name != "count" {
			o.part = "dimensions"
		}
		counts := o.part == "" && q.count
		selected := o.part == "dimensions" && slices.Contains(q.fields["dimensions"], o.name)
		if !counts && !selected && (o.part == "dimensions" || !q.has(o.part, o.name)) {
			return fmt.Errorf("error parsing args: orderBy %v", entry)
		}
		q.order = append(q.order, o)
	}
	return nil
}

// gather adds up the rows that are asked for, in the order of their dimensions.
func (s *Server) gather(q asked) ([]*group, error) {
	found := map[string]*group{}
	err := q.rows(s, q.window, func(r row) {
		if r.at.Before(q.from.Truncate(time.Hour)) || !r.at.Before(q.to) || !q.keep(r) {
			return
		}
		dimensions, null := make([]string, len(q.fields["dimensions"])), make([]bool, len(q.fields["dimensions"]))
		for i, name := range q.fields["dimensions"] {
			dimensions[i], null[i] = q.dimension(r, name)
		}
		key := strings.Join(dimensions, "\x00")
		g := found[key]
		if g == nil {
			g = &group{dimensions: dimensions, null: null}
			found[key] = g
		}
		g.count += r.count
		for i, v := range r.sum {
			g.sum[i] += v
		}
		g.max = max(g.max, r.size)
		if q.fields["quantiles"] != nil || q.fields["avg"] != nil {
			g.times = append(g.times, r.times...)
		}
	})
	out := make([]*group, 0, len(found))
	for _, g := range found {
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b *group) int { return slices.Compare(a.dimensions, b.dimensions) })
	return out, err
}

// compare orders two groups. What is null comes last.
func (q asked) compare(o ordering, a, b *group) int {
	c := 0
	if o.part == "dimensions" {
		i := slices.Index(q.fields["dimensions"], o.name)
		if a.null[i] != b.null[i] {
			if a.null[i] {
				return 1
			}
			return -1
		}
		c = strings.Compare(a.dimensions[i], b.dimensions[i])
	} else {
		c = cmp.Compare(q.figure(a, o.part, o.name), q.figure(b, o.part, o.name))
	}
	if o.descending {
		return -c
	}
	return c
}

// figure is one number of a group; count has no part.
func (q asked) figure(g *group, part, name string) float64 {
	switch part {
	case "sum":
		return g.sum[q.sum[name]]
	case "max":
		return g.max
	case "quantiles":
		percent, _ := strconv.Atoi(name[strings.LastIndex(name, "P")+1:])
		return quantile(g.times, float64(percent)/100)
	case "avg":
		if g.count == 0 && name == q.timing {
			return mean(g.times)
		}
		if g.count == 0 {
			return 0
		}
		return g.sum[q.sum[name]] / g.count
	}
	return g.count
}

// show is a group as it is answered.
func (q asked) show(g *group) map[string]any {
	out := map[string]any{}
	if q.fields["count"] != nil {
		out["count"] = g.count
	}
	for part, names := range q.fields {
		if part == "count" {
			continue
		}
		shown := map[string]any{}
		for i, name := range names {
			switch {
			case part != "dimensions":
				shown[name] = q.figure(g, part, name)
			case g.null[i]:
				shown[name] = nil
			default:
				shown[name] = g.dimensions[i]
			}
		}
		out[part] = shown
	}
	return out
}

// quantile is the least value that so great a share does not exceed.
func quantile(times []timing, share float64) float64 {
	sorted := slices.Clone(times)
	slices.SortFunc(sorted, func(a, b timing) int { return cmp.Compare(a.value, b.value) })
	total := 0.0
	for _, t := range sorted {
		total += t.weight
	}
	sum := 0.0
	for _, t := range sorted {
		if sum += t.weight; sum >= share*total*(1-1e-9) {
			return t.value
		}
	}
	return 0
}

func mean(times []timing) float64 {
	total, weight := 0.0, 0.0
	for _, t := range times {
		total, weight = total+t.value*t.weight, weight+t.weight
	}
	if weight == 0 {
		return 0
	}
	return total / weight
}
