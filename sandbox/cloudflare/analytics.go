package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// counted is what one request to a database counts for.
type counted struct {
	at     time.Time
	fields map[string]int64 // readQueries, writeQueries, rowsRead, rowsWritten
}

// retention is how long Cloudflare keeps figures ("Metrics and analytics", D1 documentation).
const retention = 31 * 24 * time.Hour

// The buckets of time by which figures are grouped. The zero bucket is the moment itself.
func buckets() map[string]time.Duration {
	return map[string]time.Duration{
		"datetime": time.Second, "datetimeMinute": time.Minute, "datetimeFiveMinutes": 5 * time.Minute,
		"datetimeFifteenMinutes": 15 * time.Minute, "datetimeHour": time.Hour, "datetimeSixHours": 6 * time.Hour, "date": 24 * time.Hour,
	}
}

// count notes what was carried out. The caller has the turn.
func (db *database) count(statements []statement, results []statementResult) {
	c := counted{db.now(), map[string]int64{"readQueries": 0, "writeQueries": 0, "rowsRead": 0, "rowsWritten": 0}}
	for i, r := range results {
		kind := "writeQueries"
		if readsOnly(statements[i].sql) {
			kind = "readQueries"
		}
		c.fields[kind]++
		c.fields["rowsRead"] += r.RowsRead
		c.fields["rowsWritten"] += r.RowsWritten
	}
	if n := len(db.counted) - 1; n >= 0 && db.counted[n].at.Truncate(time.Second).Equal(c.at.Truncate(time.Second)) {
		for name, v := range c.fields {
			db.counted[n].fields[name] += v
		}
		return
	}
	db.counted = append(db.counted, c)
}

// graphql is the analytics API: the groups of one account's D1 databases. Its errors come with status 200 and without the
// envelope.
func (s *Server) graphql(r *request) (reply, error) {
	token, ok := s.bearer(r.Request)
	if !ok || token.status(s.now()) != "active" {
		return reply{}, authenticationError(http.StatusUnauthorized)
	}
	var body struct {
		Query     string
		Variables map[string]any
	}
	decoder := json.NewDecoder(strings.NewReader(string(r.body)))
	decoder.UseNumber()
	if err := decoder.Decode(&body); err != nil {
		return reply{}, malformed("the body is not a GraphQL request")
	}
	data, err := s.ask(token, body.Query, body.Variables)
	if err != nil {
		failure := map[string]any{"message": err.Error(), "path": nil, "extensions": map[string]any{"timestamp": s.now().UTC()}}
		return reply{plain: map[string]any{"data": nil, "errors": []any{failure}}}, nil
	}
	return reply{plain: map[string]any{"data": data, "errors": nil}}, nil
}

func (s *Server) ask(token Token, query string, variables map[string]any) (any, error) {
	fields, err := parseGraphQL(query, variables)
	if err != nil {
		return nil, err
	}
	data := map[string]any{}
	for _, viewer := range fields {
		if viewer.name != "viewer" {
			return nil, unknownField(viewer.name)
		}
		accounts := map[string]any{}
		for _, account := range viewer.fields {
			if account.name != "accounts" {
				return nil, unknownField(account.name)
			}
			groups, err := s.datasets(token, account)
			if err != nil {
				return nil, err
			}
			accounts[account.alias] = []any{groups}
		}
		data[viewer.alias] = accounts
	}
	return data, nil
}

func unknownField(name string) error { return fmt.Errorf("unknown field %q", name) }

func (s *Server) datasets(token Token, account field) (map[string]any, error) {
	filter, _ := account.args["filter"].(map[string]any)
	if filter["accountTag"] != s.account || !token.may(AccountAnalyticsRead) {
		return nil, errors.New("not authorized for that account")
	}
	out := map[string]any{}
	for _, f := range account.fields {
		if f.name != "d1AnalyticsAdaptiveGroups" {
			return nil, unknownField(f.name)
		}
		groups, err := s.groups(f)
		if err != nil {
			return nil, err
		}
		out[f.alias] = groups
	}
	return out, nil
}

// group is a group of figures with the values of its dimensions.
type group struct {
	dimensions map[string]string
	sum        map[string]int64
}

func (s *Server) groups(f field) ([]any, error) {
	limit, _ := f.args["limit"].(json.Number)
	n, err := limit.Int64()
	if err != nil || n < 1 || n > 10_000 {
		return nil, errors.New("limit must be positive number and not greater than 10000")
	}
	keep, err := s.filter(f.args["filter"])
	if err != nil {
		return nil, err
	}
	wanted, err := selected(f)
	if err != nil {
		return nil, err
	}
	all, err := s.gather(keep, wanted["dimensions"])
	if err != nil {
		return nil, err
	}
	if err := sortGroups(all, f.args["orderBy"]); err != nil {
		return nil, err
	}
	out := []any{}
	for _, g := range all[:min(int(n), len(all))] {
		shown := map[string]any{}
		if len(wanted["dimensions"]) > 0 {
			shown["dimensions"] = g.dimensions
		}
		if names := wanted["sum"]; len(names) > 0 {
			maps.DeleteFunc(g.sum, func(name string, _ int64) bool { return !slices.Contains(names, name) })
			shown["sum"] = g.sum
		}
		out = append(out, shown)
	}
	return out, nil
}

// selected lists the figures and dimensions that are asked for.
func selected(f field) (map[string][]string, error) {
	known := map[string][]string{
		"sum":        {"readQueries", "writeQueries", "rowsRead", "rowsWritten"},
		"dimensions": append(slices.Collect(maps.Keys(buckets())), "databaseId"),
	}
	out := map[string][]string{}
	for _, part := range f.fields {
		for _, inner := range part.fields {
			if !slices.Contains(known[part.name], inner.name) {
				return nil, unknownField(inner.name)
			}
			out[part.name] = append(out[part.name], inner.name)
		}
		if len(part.fields) == 0 {
			return nil, unknownField(part.name)
		}
	}
	return out, nil
}

// filter reads a filter: a dimension, alone or with _geq, _gt, _leq, _lt, and AND of several.
func (s *Server) filter(arg any) (func(map[string]string) bool, error) {
	object, ok := arg.(map[string]any)
	if !ok {
		return nil, errors.New("error parsing args: filter must be an object")
	}
	var all []func(map[string]string) bool
	for key, value := range object {
		if list, ok := value.([]any); ok && key == "AND" {
			for _, inner := range list {
				keep, err := s.filter(inner)
				if err != nil {
					return nil, err
				}
				all = append(all, keep)
			}
			continue
		}
		keep, err := s.condition(key, value)
		if err != nil {
			return nil, err
		}
		all = append(all, keep)
	}
	return func(d map[string]string) bool {
		return !slices.ContainsFunc(all, func(keep func(map[string]string) bool) bool { return !keep(d) })
	}, nil
}

func (s *Server) condition(key string, value any) (func(map[string]string) bool, error) {
	name, comparison, _ := strings.Cut(key, "_")
	want, ok := value.(string)
	if !ok {
		return nil, fmt.Errorf("error parsing args: %s must be a string", key)
	}
	if name != "databaseId" {
		width, ok := buckets()[name]
		at, err := time.Parse(time.RFC3339, want)
		if name == "date" {
			at, err = time.Parse(time.DateOnly, want)
		}
		if !ok || err != nil {
			return nil, fmt.Errorf("error parsing args: %s", key)
		}
		if s.now().Sub(at) > retention {
			return nil, fmt.Errorf("cannot request data older than %ds", int(retention.Seconds()))
		}
		want = stamp(name, at.Truncate(min(width, time.Second)))
	}
	compare := map[string]func(c int) bool{
		"": func(c int) bool { return c == 0 }, "geq": func(c int) bool { return c >= 0 }, "gt": func(c int) bool { return c > 0 },
		"leq": func(c int) bool { return c <= 0 }, "lt": func(c int) bool { return c < 0 },
	}[comparison]
	if compare == nil {
		return nil, fmt.Errorf("error parsing args: %s", key)
	}
	return func(d map[string]string) bool { return compare(strings.Compare(d[name], want)) }, nil
}

func stamp(dimension string, t time.Time) string {
	if dimension == "date" {
		return t.UTC().Format(time.DateOnly)
	}
	return t.UTC().Format(time.RFC3339)
}

// gather adds up what all databases have counted and the lag lets show.
func (s *Server) gather(keep func(map[string]string) bool, by []string) ([]*group, error) {
	databases, err := s.catalogue.list("")
	if err != nil {
		return nil, err
	}
	found := map[string]*group{}
	var out []*group
	newest := s.now().Add(-s.lag)
	for _, db := range databases {
		err := db.alone(func(context.Context) error {
			for _, c := range db.counted {
				d := map[string]string{"databaseId": db.record.UUID}
				for name, width := range buckets() {
					d[name] = stamp(name, c.at.UTC().Truncate(width))
				}
				if c.at.After(newest) || !keep(d) {
					continue
				}
				maps.DeleteFunc(d, func(name, _ string) bool { return !slices.Contains(by, name) })
				key := fmt.Sprint(d)
				if found[key] == nil {
					found[key] = &group{d, map[string]int64{}}
					out = append(out, found[key])
				}
				for name, v := range c.fields {
					found[key].sum[name] += v
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// sortGroups sorts by [dimension_ASC] or _DESC.
func sortGroups(all []*group, arg any) error {
	order, _ := arg.([]any)
	for _, o := range slices.Backward(order) {
		text, _ := o.(string)
		name, direction, ok := strings.Cut(text, "_")
		if _, known := buckets()[name]; !ok || !known || direction != "ASC" && direction != "DESC" {
			return fmt.Errorf("error parsing args: orderBy %v", o)
		}
		slices.SortStableFunc(all, func(a, b *group) int {
			c := strings.Compare(a.dimensions[name], b.dimensions[name])
			if direction == "DESC" {
				return -c
			}
			return c
		})
	}
	return nil
}
