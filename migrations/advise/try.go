package advise

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

const (
	// worth is what part of the rows an index has to spare to be proposed, and near how much more a narrower one may read.
	worth = 0.8
	near  = 1.1
	// few rows are no reason for a wider index: so many, or so many in a thousand of what is read now.
	few = 10
	// mostPairs is how many pairs of candidates are tried for a query.
	mostPairs = 100
	// mostShown is how many suggestions there are for a query.
	mostShown = 3
	// seldom is what part of a table's rows a partial index may hold to be better than a whole one.
	seldom = 0.25
	// kinds is how many values a column has at most that tells kinds of rows apart, and kindRows how many rows there are of each at least.
	kinds    = 20
	kindRows = 10
)

// trial is a plan that some candidates led to.
type trial struct {
	indexes []*index // that it uses
	lines   []sqlite.PlanLine
	reads   float64
	counted bool
}

// Try says which index would help a query, having tried it. What cannot be tried is in the Advice; the error is ctx's, or that
// SQLite failed.
func (a *Advisor) Try(ctx context.Context, q Query) (Advice, error) {
	r, refused, err := a.read(ctx, q)
	if err != nil || refused != "" {
		return Advice{Refused: refused}, err
	}
	advice := Advice{Before: show(r.lines)}
	base, _ := a.weigh(ctx, r, tree(r.lines), nil)
	if !r.named {
		trials, err := a.search(ctx, r, base)
		if err != nil {
			return Advice{}, err
		}
		for _, t := range trials {
			advice.Suggestions = append(advice.Suggestions, a.suggestion(t))
		}
	}
	lookups, err := a.lookups(ctx, r, base)
	if err != nil {
		return Advice{}, err
	}
	advice.Suggestions = append(lookups, advice.Suggestions...)
	advice.Suggestions = advice.Suggestions[:min(len(advice.Suggestions), mostShown)]
	advice.Notes = a.notes(r, len(advice.Suggestions) > 0)
	return advice, ctx.Err()
}

// search tries the candidates, alone and together, and returns what is worth proposing, best first.
func (a *Advisor) search(ctx context.Context, q *query, base float64) ([]trial, error) {
	list := a.schema.expressions(q, a.schema.candidates(q.seen))
	list = a.christen(list)
	var good []trial
	for _, i := range list {
		t, err := a.try(ctx, q, i)
		if err != nil {
			return nil, err
		}
		if len(t.indexes) > 0 && t.reads <= base*worth {
			good = append(good, t)
		}
	}
	good = rank(good, base)
	together, err := a.together(ctx, q, list)
	if err != nil {
		return nil, err
	}
	pair, err := a.pairs(ctx, q, list)
	if err != nil {
		return nil, err
	}
	if len(together.indexes) < 2 || len(pair.indexes) == 2 && pair.reads*near < together.reads {
		together = pair
	}
	best := base
	if len(good) > 0 {
		best = good[0].reads
	}
	if len(together.indexes) > 1 && together.reads <= best*worth*worth {
		good = append([]trial{together}, good...)
	}
	if len(good) == 0 {
		return nil, nil
	}
	if good[0], err = a.narrowed(ctx, q, good[0]); err != nil {
		return nil, err
	}
	return choose(good), nil
}

// rank puts the best first: what reads least, a narrower one before what reads hardly less, unless it has to sort.
func rank(list []trial, base float64) []trial {
	slices.SortStableFunc(list, func(x, y trial) int {
		switch {
		case x.reads < y.reads:
			return -1
		case x.reads > y.reads:
			return 1
		}
		return x.width() - y.width()
	})
	for i := 1; i < len(list); i++ {
		little := list[i].reads <= list[0].reads*near+min(few, base*few/1000)
		if little && list[i].width() < list[0].width() && list[i].sorts() <= list[0].sorts() {
			narrow := list[i]
			list = append([]trial{narrow}, slices.Delete(slices.Clone(list), i, i+1)...)
		}
	}
	return list
}

// sorts counts the times that rows are sorted.
func (t trial) sorts() (n int) {
	for _, l := range t.lines {
		if strings.HasPrefix(l.Detail, "USE TEMP B-TREE") {
			n++
		}
	}
	return n
}

// choose leaves out what only adds to a better one.
func choose(list []trial) []trial {
	var kept []trial
	for _, t := range list {
		adds := slices.ContainsFunc(kept, func(k trial) bool {
			return slices.ContainsFunc(k.indexes, func(i *index) bool {
				return slices.ContainsFunc(t.indexes, func(j *index) bool {
					return i.table == j.table && i.where == "" && i.terms[0] == j.terms[0] || i.where != ""
				})
			})
		})
		if !adds && len(kept) < mostShown {
			kept = append(kept, t)
		}
	}
	return kept
}

func (t trial) width() (n int) {
	for _, i := range t.indexes {
		n += len(i.terms)
	}
	return n
}

// christen names the candidates.
func (a *Advisor) christen(list []*index) []*index {
	taken := map[string]bool{}
	for _, i := range list {
		var terms []string
		for _, t := range i.terms {
			if t.column != "" {
				terms = append(terms, t.column)
			} else {
				terms = append(terms, t.expression)
			}
		}
		i.name = a.schema.name(i.table, terms, i.where)
		for base, n := i.name, 2; taken[fold(i.name)]; n++ {
			i.name = a.schema.name(base, []string{string(rune('0' + n%10))}, "")
		}
		taken[fold(i.name)] = true
	}
	return list
}

// try creates candidates, asks for the plan and takes them away again. A candidate that SQLite refuses leads to no plan.
func (a *Advisor) try(ctx context.Context, q *query, list ...*index) (t trial, err error) {
	var made []*index
	defer func() {
		for _, i := range made {
			_, dropErr := a.conn.Exec(context.WithoutCancel(ctx), i.public().Down())
			err = errors.Join(err, dropErr)
		}
	}()
	for _, i := range list {
		if _, err := a.conn.Exec(ctx, i.public().SQL()); err == nil {
			made = append(made, i)
		} else if ctx.Err() != nil {
			return trial{}, ctx.Err()
		}
	}
	if len(made) == 0 {
		return trial{}, nil
	}
	if t.lines, err = a.conn.Plan(ctx, q.sql); err != nil {
		return trial{}, err
	}
	nodes := tree(t.lines)
	used := uses(nodes)
	for _, i := range made {
		if used[fold(i.name)] {
			t.indexes = append(t.indexes, i)
		}
	}
	t.reads, t.counted = a.weigh(ctx, q, nodes, made)
	return t, nil
}

// together creates all candidates at once: where SQLite then uses several, only together may they help. Those that can be left out are.
func (a *Advisor) together(ctx context.Context, q *query, list []*index) (trial, error) {
	all, err := a.try(ctx, q, list...)
	if err != nil || len(all.indexes) < 2 {
		return trial{}, err
	}
	best, err := a.try(ctx, q, all.indexes...)
	if err != nil {
		return trial{}, err
	}
	for _, i := range all.indexes {
		rest := slices.DeleteFunc(slices.Clone(best.indexes), func(o *index) bool { return o == i })
		if len(rest) == 0 {
			break
		}
		less, err := a.try(ctx, q, rest...)
		if err != nil {
			return trial{}, err
		}
		if len(less.indexes) == len(rest) && less.reads <= best.reads*near {
			best = less
		}
	}
	return best, nil
}

// pairs tries one candidate of a table with one of another: with all of them at once the planner, which knows no figures, may take others.
func (a *Advisor) pairs(ctx context.Context, q *query, list []*index) (best trial, err error) {
	tried := 0
	for i, one := range list {
		for _, other := range list[i+1:] {
			if one.table == other.table || tried == mostPairs {
				continue
			}
			tried++
			t, err := a.try(ctx, q, one, other)
			if err != nil {
				return trial{}, err
			}
			better := len(best.indexes) == 0 || t.reads < best.reads || t.reads == best.reads && t.width() < best.width()
			if len(t.indexes) == 2 && better {
				best = t
			}
		}
	}
	return best, nil
}

// narrowed is the index with only those rows that the query's text asks for, where these are few: it costs less to keep.
func (a *Advisor) narrowed(ctx context.Context, q *query, t trial) (trial, error) {
	if len(t.indexes) != 1 || !t.counted {
		return t, nil
	}
	whole := t.indexes[0]
	table := a.schema.table(whole.table)
	part := &index{table: whole.table}
	var where []string
	for _, term := range whole.terms {
		if v := q.fixed(table, term.column); term.column != "" && v != "" && term.collation == "" && a.kind(ctx, table, term.column, v) {
			where = append(where, bare(term.column)+" "+is(v))
		} else {
			part.terms = append(part.terms, term)
		}
	}
	if len(where) == 0 || len(part.terms) == 0 {
		return t, nil
	}
	part.where = strings.Join(where, " AND ")
	rows, ok := a.sizes.rows(ctx, table)
	held, counted := a.sizes.matching(ctx, table, part, 0, nil)
	if !ok || !counted || held > rows*seldom {
		return t, nil
	}
	a.christen([]*index{part})
	less, err := a.try(ctx, q, part)
	if err != nil || len(less.indexes) == 0 || less.reads > t.reads*near {
		return t, err
	}
	return less, nil
}

// kind reports whether a value is one of the few that a column has, as a status is: an index for one customer's number or one key would
// serve nobody else, and would have it in its text.
func (a *Advisor) kind(ctx context.Context, t *table, column, value string) bool {
	if value == null {
		return true
	}
	name := migrations.QuoteName(column)
	rows, counted := a.sizes.rows(ctx, t)
	different, ok := a.sizes.count(ctx, fmt.Sprintf("SELECT count(*) FROM (SELECT DISTINCT %s FROM %s LIMIT %d)", name, migrations.QuoteName(t.name), kinds+1))
	return counted && ok && different <= kinds && different*kindRows <= rows
}

// public is the index as others see it.
func (i *index) public() Index {
	p := Index{Name: i.name, Table: i.table, Where: i.where}
	for _, t := range i.terms {
		p.Terms = append(p.Terms, t.sql())
	}
	return p
}

func (a *Advisor) suggestion(t trial) Suggestion {
	s := Suggestion{After: show(t.lines), Reads: t.reads, Counted: t.counted}
	for _, i := range t.indexes {
		s.Indexes = append(s.Indexes, i.public())
		for _, there := range a.schema.table(i.table).indexes {
			if i.where == "" && !there.unique && !there.partial && len(there.terms) < len(i.terms) && there.begins(i) && !slices.Contains(s.Redundant, there.name) {
				s.Redundant = append(s.Redundant, there.name)
			}
		}
	}
	return s
}
