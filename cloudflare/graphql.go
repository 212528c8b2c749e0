package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"towline/deploy"
	"towline/usage"
)

// question asks the GraphQL Analytics API for the groups of one dataset. It has no aliases: the answer comes under the dataset's own name.
type question struct {
	set     usage.Dataset
	where   []condition
	count   bool
	figures []figure
	by      []string // dimensions
	order   string   // "datetimeHour_ASC"; empty: none
	limit   int
}

// condition narrows a question to a value of a dimension: "databaseId", or compared: "datetime_geq".
type condition struct{ name, kind, value string }

// figure is a field of a group: "sum", "rowsRead".
type figure struct{ part, name string }

func figures(part string, names ...string) []figure {
	all := make([]figure, len(names))
	for i, name := range names {
		all[i] = figure{part, name}
	}
	return all
}

// is narrows to one value; since and until to a stretch of time, whose last second (minute, hour) is until.
func is(dimension, value string) condition { return condition{dimension, "string!", value} }

func since(dimension string, t time.Time) condition {
	return condition{dimension + "_geq", "Time!", t.UTC().Format(time.RFC3339)}
}

func until(dimension string, t time.Time) condition {
	return condition{dimension + "_leq", "Time!", t.UTC().Format(time.RFC3339)}
}

// text is the question in GraphQL, and its variables.
func (q question) text(account string) (string, map[string]string) {
	variables := map[string]string{"accountTag": account}
	declared, filters := []string{"$accountTag: string!"}, []string{}
	for _, c := range q.where {
		declared = append(declared, "$"+c.name+": "+c.kind)
		filters = append(filters, c.name+": $"+c.name)
		variables[c.name] = c.value
	}
	order := ""
	if q.order != "" {
		order = ", orderBy: [" + q.order + "]"
	}
	var fields []string
	if q.count {
		fields = append(fields, "count")
	}
	for _, part := range []string{"sum", "max", "quantiles"} {
		var names []string
		for _, f := range q.figures {
			if f.part == part {
				names = append(names, f.name)
			}
		}
		if names != nil {
			fields = append(fields, part+" { "+strings.Join(names, " ")+" }")
		}
	}
	if q.by != nil {
		fields = append(fields, "dimensions { "+strings.Join(q.by, " ")+" }")
	}
	return fmt.Sprintf("query Towline(%s) { viewer { accounts(filter: {accountTag: $accountTag}) { %s(limit: %d, filter: {%s}%s) { %s } } } }",
		strings.Join(declared, ", "), q.set, q.limit, strings.Join(filters, ", "), order, strings.Join(fields, " ")), variables
}

// group is what is counted of one combination of dimensions. A figure that the account's schema lacks is missing.
type group struct {
	Count      *number            `json:"count"`
	Sum        map[string]*number `json:"sum"`
	Max        map[string]*number `json:"max"`
	Quantiles  map[string]*number `json:"quantiles"`
	Dimensions map[string]any     `json:"dimensions"`
}

// number is a number of an answer. Those of 64 bits may come as text, as GraphQL's own scalars cannot hold them.
type number float64

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(text []byte) error {
	if len(text) > 2 && text[0] == '"' && text[len(text)-1] == '"' {
		text = text[1 : len(text)-1]
	}
	return json.Unmarshal(text, (*float64)(n))
}

func (g group) get(f figure) (float64, bool) {
	from := map[string]map[string]*number{"sum": g.Sum, "max": g.Max, "quantiles": g.Quantiles}[f.part]
	if v := from[f.name]; v != nil {
		return float64(*v), true
	}
	return 0, false
}

// dimension is empty where it is null or missing.
func (g group) dimension(name string) string {
	switch v := g.Dimensions[name].(type) {
	case string:
		return v
	case nil:
		return ""
	default:
		return fmt.Sprint(v)
	}
}

// at is the time that a group stands for.
func (g group) at(dimension string) (time.Time, error) {
	form := time.RFC3339
	if dimension == "date" {
		form = time.DateOnly
	}
	t, err := time.Parse(form, g.dimension(dimension))
	if err != nil {
		return time.Time{}, strange("a group without a usable %s", dimension)
	}
	return t.UTC(), nil
}

// one is an answer's one account.
func one[T any](answer accounts[T]) (T, error) {
	if len(answer.Viewer.Accounts) != 1 {
		var none T
		return none, strange("an answer about %d accounts", len(answer.Viewer.Accounts))
	}
	return answer.Viewer.Accounts[0], nil
}

type accounts[T any] struct {
	Viewer struct {
		Accounts []T `json:"accounts"`
	} `json:"viewer"`
}

// groups asks a question. A figure that the account's schema does not know is left out, and the question asked again; that is remembered
// until the schema is asked after again. A question of which nothing is left is an error.
func (d *D1) groups(ctx context.Context, q question) ([]group, error) {
	needed := q.count || len(q.figures) > 0
	for {
		q.figures = slices.DeleteFunc(slices.Clone(q.figures), func(f figure) bool { return d.schema.lacks(q.set, f) })
		if needed && len(q.figures) == 0 && !q.count {
			return nil, &deploy.RejectedError{Words: fmt.Sprintf("the account's %s has none of the figures that are needed", q.set)}
		}
		text, variables := q.text(d.account)
		var answer accounts[map[usage.Dataset]json.RawMessage]
		err := d.ask(ctx, text, variables, &answer)
		if err == nil {
			return groupsOf(answer, q)
		}
		if !d.schema.forget(q, unknownField(err)) {
			return nil, err
		}
	}
}

func groupsOf(answer accounts[map[usage.Dataset]json.RawMessage], q question) ([]group, error) {
	sets, err := one(answer)
	if err != nil {
		return nil, err
	}
	var all *[]group
	if text, ok := sets[q.set]; !ok || json.Unmarshal(text, &all) != nil || all == nil {
		return nil, strange("an answer without groups of %s", q.set)
	}
	return *all, nil
}

// unknownName finds the name of a field that the API does not know, in its own words and in those of GraphQL servers in general.
var unknownName = regexp.MustCompile(`(?i)(?:unknown field|cannot query field) ["'\x60]?([A-Za-z_][A-Za-z0-9_]*)`)

// unknownField is the name of the field that an error says does not exist; empty where it says something else.
func unknownField(err error) string {
	words := ""
	var r *refusal
	var no *deploy.RejectedError
	if errors.As(err, &no) {
		words = no.Words
	} else if errors.As(err, &r) {
		words = r.words
	}
	if found := unknownName.FindStringSubmatch(words); found != nil {
		return found[1]
	}
	return ""
}

// strange is an answer that is no refusal and no answer either.
func strange(format string, args ...any) error {
	return &deploy.UnansweredError{Err: fmt.Errorf(opAnalytics.name+": "+format, args...)}
}

// whole turns a figure into a whole number: counts of a sampled dataset may come with a fraction.
func whole(v float64) int64 { return int64(math.Round(v)) }
