package advise

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"towline/migrations"
)

// Shares of rows that are taken where nothing is counted, for ranking plans alone; SQLite's planner guesses as much of bounds
// (src/where.c, whereRangeScanEst).
const (
	guessedRows  = 100_000.0
	guessedEqual = 1_000.0 // the values of a column that is compared with a parameter
	guessedFixed = 10.0    // the values of one that is compared with a value of the text
	guessedBound = 4.0
	guessedYes   = 2.0   // the values of one that is declared to be true or false
	guessedMatch = 100.0 // rows that a full-text search finds
)

// weigher works out how many rows a plan reads. D1's engine counts every step of a loop, one more for the end of a search that
// is not of a unique key, the rows that are sorted or grouped once more, and not the rows that an index leads to: measured on workerd.
type weigher struct {
	a        *Advisor
	ctx      context.Context
	q        *query
	extra    []*index // candidates that exist now
	named    map[string]float64
	counted  bool // every figure is counted on data
	limit    float64
	residual bool    // a condition is left whose share nobody can tell
	list     float64 // values that an IN with a query of its own looks for
}

// weigh is how many rows one run reads by a plan; counted is false where a figure in it was guessed.
func (a *Advisor) weigh(ctx context.Context, q *query, nodes []*node, extra []*index) (reads float64, counted bool) {
	w := &weigher{a: a, ctx: ctx, q: q, extra: extra, named: map[string]float64{}, counted: a.sizes.known()}
	w.limit = q.limit
	if q.limit > 0 && q.unsaid {
		w.counted = false
	}
	reads, _ = w.query(nodes)
	return reads, w.counted
}

// query adds up one SELECT's loops, each inside of those before it.
func (w *weigher) query(nodes []*node) (reads, rows float64) {
	rows = 1
	top := w.limit
	w.limit = 0 // of the outermost alone
	outerResidual := w.residual
	w.residual = false
	stops, inner := true, 0.0
	outerList := w.list
	w.list = 1
	for _, n := range nodes {
		if strings.HasPrefix(n.detail, "LIST SUBQUERY") {
			r, found := w.query(n.below)
			reads += r
			w.list = max(1, found)
		}
	}
	defer func() { w.list = outerList }()
	for _, n := range nodes {
		l, isLoop := readLoop(n.detail)
		switch {
		case isLoop:
			once, each, found := w.loop(l)
			reads += once
			inner += rows * each
			rows *= found
		case strings.HasPrefix(n.detail, "MULTI-INDEX OR"):
			each, found := w.either(n.below)
			inner += rows * each
			rows *= found
		case strings.HasPrefix(n.detail, "USE TEMP B-TREE FOR DISTINCT"), strings.HasPrefix(n.detail, "LIST SUBQUERY"):
		case strings.HasPrefix(n.detail, "USE TEMP B-TREE"):
			inner += rows
			stops = false
		case strings.HasPrefix(n.detail, "CORRELATED"):
			r, _ := w.query(n.below)
			inner += rows * r
		default:
			r, found := w.query(n.below)
			reads += r
			if name, ok := named(n.detail); ok {
				w.named[name] = found
			} else if strings.HasPrefix(n.detail, "COMPOUND") || len(nodes) == 1 {
				rows = max(rows, found)
			}
		}
	}
	if top > 0 && stops && !w.residual && rows > top {
		inner *= top / rows
		rows = top
	}
	w.residual = w.residual || outerResidual
	return reads + inner, rows
}

// named is the name of a subquery whose rows another line reads.
func named(detail string) (string, bool) {
	for _, way := range []string{"MATERIALIZE ", "CO-ROUTINE "} {
		if name, ok := strings.CutPrefix(detail, way); ok {
			return fold(name), true
		}
	}
	return "", false
}

// either adds up the indexes of an OR.
func (w *weigher) either(nodes []*node) (each, found float64) {
	for _, n := range nodes {
		for _, b := range n.below {
			if l, ok := readLoop(b.detail); ok {
				_, e, f := w.loop(l)
				each, found = each+e, found+f
			}
		}
	}
	return each, found
}

// loop is what a line reads: once for the run, and in each turn of the loops around it; found is how many rows each turn hands on.
func (w *weigher) loop(l loop) (once, each, found float64) {
	if n, ok := w.named[fold(l.name)]; ok {
		return 0, n, n
	}
	if l.name == "CONSTANT ROW" || strings.HasSuffix(l.name, "CONSTANT ROWS") {
		return 0, 0, 1
	}
	t := w.a.table(w.q, l, w.extra)
	if t == nil || l.virtual {
		w.counted = false
		return 0, guessedMatch, guessedMatch
	}
	n, ok := w.a.sizes.rows(w.ctx, t)
	if !ok {
		w.counted, n = false, guessedRows
	}
	i := w.index(l, t)
	switch {
	case !l.search:
		if i != nil && i.where != "" {
			n = w.matching(t, i, 0, n)
		}
		return 0, n, n * w.rest(t, i, l)
	case l.automatic:
		m := w.matching(t, w.automatic(t, l), len(l.terms), n)
		return 2 * n, m + 1, m * w.rest(t, nil, l)
	case i == nil && !l.key:
		return 0, n, 1 // the least or greatest of a column that no index has
	case l.key && l.equals() > 0 && l.bounds() == 0 && (t.rowid >= 0 || l.equals() >= len(t.primary)):
		many := w.values(t, t.primary)
		return 0, many, many
	}
	if i == nil { // a part of the key
		i = &index{table: t.name, unique: true}
		for _, name := range t.primary {
			i.terms = append(i.terms, indexed{column: name})
		}
	}
	if w.extreme(t, i, l) && len(l.terms) > 0 {
		return 0, 1, 1
	}
	if len(l.terms) == 0 { // the least or greatest of a column: from one end on, until a row meets the conditions
		return 0, min(n, 1/w.share(t, i, l, true)), 1
	}
	var names []string
	for _, term := range i.terms[:min(l.equals(), len(i.terms))] {
		names = append(names, term.column)
	}
	many := w.values(t, names)
	m := min(n, w.matching(t, i, l.equals(), n)*many)
	m *= w.boundShare(t, l.terms[l.equals():])
	if i.unique && l.equals() == len(i.terms) {
		return 0, many, many
	}
	return 0, m + many, m * w.rest(t, i, l)
}

// values is how many values the columns are looked for with: more than one where there is an IN.
func (w *weigher) values(t *table, columns []string) float64 {
	many := 1.0
	for _, term := range w.q.conditions(t) {
		if !term.in || !slices.ContainsFunc(columns, func(name string) bool { return t.column(name) == term.column && name != "" }) {
			continue
		}
		if w.list > 1 {
			many *= w.list
		} else {
			many *= max(1, w.q.listed)
		}
	}
	return many
}

// index is the one that a line names.
func (w *weigher) index(l loop, t *table) *index {
	for _, i := range w.extra {
		if strings.EqualFold(i.name, l.index) {
			return i
		}
	}
	if i := w.a.schema.indexes[fold(l.index)]; i != nil && i.table == t.name {
		return i
	}
	return nil
}

// automatic is the index that SQLite makes for one run.
func (w *weigher) automatic(t *table, l loop) *index {
	i := &index{table: t.name}
	for _, term := range l.terms {
		name, _, _ := strings.Cut(term, "=")
		i.terms = append(i.terms, indexed{column: name})
	}
	return i
}

// matching is how many of a table's rows have the same values in the first terms of an index, on the average.
func (w *weigher) matching(t *table, i *index, equals int, rows float64) float64 {
	fixed := map[string]string{}
	for _, term := range i.terms[:min(equals, len(i.terms))] {
		if v := w.q.fixed(t, term.column); v != "" {
			fixed[fold(term.column)] = v
		}
	}
	if m, ok := w.a.sizes.matching(w.ctx, t, i, equals, fixed); ok {
		return m
	}
	w.counted = false
	m := rows
	if i.where != "" {
		m /= guessedFixed
	}
	for n, term := range i.terms[:min(equals, len(i.terms))] {
		switch {
		case t.yesOrNo(term.column):
			m /= guessedYes
		case fixed[fold(term.column)] != "":
			m /= guessedFixed
		case n == 0:
			m /= guessedEqual
		default:
			m /= guessedFixed
		}
	}
	return max(1, m)
}

// rest is the share of the rows found that the conditions keep which the index does not serve.
func (w *weigher) rest(t *table, i *index, l loop) float64 { return w.share(t, i, l, false) }

func (w *weigher) share(t *table, i *index, l loop, joins bool) float64 {
	share := 1.0
	for _, cond := range w.q.conditions(t) {
		if cond.join && !joins || cond.column < 0 || cond.column >= len(t.columns) || i.serves(t.columns[cond.column].name, l) {
			continue
		}
		switch {
		case cond.equal() && !cond.in:
			share *= w.equalShare(t, cond)
		case cond.ranges() && cond.literal != "":
			share *= w.bounded(t, []term{cond})
		case cond.ranges():
			share /= guessedBound
		default:
			w.residual = true
		}
	}
	return math.Max(share, 1e-9)
}

// boundShare is the share of a table's rows that the bounds of a plan keep: "created_at>?", "created_at<?". Those whose value the text has
// are counted.
func (w *weigher) boundShare(t *table, bounds []string) float64 {
	share := 1.0
	var known []term
	for _, bound := range bounds {
		i := slices.IndexFunc(w.q.conditions(t), func(term term) bool { return term.is(t, bound) })
		if i < 0 {
			share /= guessedBound
			continue
		}
		known = append(known, w.q.conditions(t)[i])
	}
	if len(known) > 0 {
		share *= w.bounded(t, known)
	}
	return share
}

// is reports whether a condition is the one that a plan calls "column>?", with a value of the text's.
func (t term) is(of *table, bound string) bool {
	at := strings.IndexAny(bound, "<>")
	above := t.op == sqlite3.INDEX_CONSTRAINT_GT || t.op == sqlite3.INDEX_CONSTRAINT_GE
	return at > 0 && t.ranges() && t.literal != "" && t.column >= 0 && t.column == of.column(bound[:at]) && above == (bound[at] == '>')
}

// bounded is the share of a table's rows within bounds that the text has.
func (w *weigher) bounded(t *table, terms []term) float64 {
	var where []string
	for _, term := range terms {
		way := map[sqlite3.IndexConstraintOp]string{sqlite3.INDEX_CONSTRAINT_GT: ">", sqlite3.INDEX_CONSTRAINT_GE: ">=", sqlite3.INDEX_CONSTRAINT_LT: "<", sqlite3.INDEX_CONSTRAINT_LE: "<="}[term.op]
		text := migrations.QuoteName(t.columns[term.column].name) + " " + way + " " + term.literal
		if term.collation != "" {
			text += " COLLATE " + term.collation
		}
		where = append(where, text)
	}
	if n, ok := w.a.sizes.rows(w.ctx, t); ok && n > 0 {
		if m, ok := w.a.sizes.count(w.ctx, "SELECT count(*) FROM "+migrations.QuoteName(t.name)+" WHERE "+strings.Join(where, " AND ")); ok {
			return m / n
		}
	}
	return math.Pow(guessedBound, -float64(len(terms)))
}

// equalShare is the share of a table's rows that have one value in a column.
func (w *weigher) equalShare(t *table, term term) float64 {
	name := t.columns[term.column].name
	fixed := map[string]string{}
	if term.literal != "" {
		fixed[fold(name)] = term.literal
	}
	n, known := w.a.sizes.rows(w.ctx, t)
	m, ok := w.a.sizes.matching(w.ctx, t, &index{table: t.name, terms: []indexed{{column: name}}}, 1, fixed)
	if known && ok && n > 0 {
		return min(1, m/n)
	}
	switch {
	case t.yesOrNo(name):
		return 1 / guessedYes
	case term.literal != "":
		return 1 / guessedFixed
	}
	return 1 / guessedEqual
}

// yesOrNo reports whether a column is declared to hold one of two values.
func (t *table) yesOrNo(column string) bool {
	i := t.column(column)
	return i >= 0 && strings.Contains(strings.ToUpper(t.columns[i].kind), "BOOL")
}

// extreme reports whether a search ends at its first row: for the least or greatest of a column, by an index in which that column comes next.
func (w *weigher) extreme(t *table, i *index, l loop) bool {
	if !w.q.extremes[t] || l.bounds() > 0 || len(i.terms) <= len(l.terms) {
		return false
	}
	return slices.ContainsFunc(w.q.seen, func(p profile) bool {
		return p.table == t && len(p.order) == 1 && p.order[0].column == t.column(i.terms[len(l.terms)].column)
	})
}

// serves reports whether an index, read by a line, narrows a column down.
func (i *index) serves(column string, l loop) bool {
	if i == nil {
		return false
	}
	if strings.Contains(i.where, bare(column)) {
		return true
	}
	for n, term := range i.terms {
		if n < len(l.terms) && strings.EqualFold(term.column, column) {
			return true
		}
	}
	return false
}

// ending is the LIMIT that a whole statement ends with.
type ending struct {
	rows, skipped float64 // 0: there is none, or a parameter
	param         bool    // how many rows is a parameter
	skips, unsaid bool    // rows are skipped, and how many is a parameter
}

// topLimit reads LIMIT n, LIMIT n OFFSET m and LIMIT m, n.
func topLimit(sql string) (e ending) {
	depth := 0
	list := words(sql)
	number := func(i int) (float64, bool) {
		if i >= len(list) {
			return 0, true
		}
		n, err := strconv.ParseFloat(list[i].Text(sql), 64)
		return max(n, 0), err != nil
	}
	for i, t := range list {
		switch text := t.Text(sql); {
		case text == "(":
			depth++
		case text == ")":
			depth--
		case depth > 0:
		case t.Is(sql, "LIMIT"):
			e = ending{}
			e.rows, e.param = number(i + 1)
		case t.Is(sql, "OFFSET"):
			e.skips = true
			e.skipped, e.unsaid = number(i + 1)
		case text == "," && i > 1 && list[i-2].Is(sql, "LIMIT"):
			e.skips, e.skipped, e.unsaid = true, e.rows, e.param
			e.rows, e.param = number(i + 1)
		}
	}
	return e
}

func words(sql string) []migrations.Token {
	all, _ := migrations.Lex(sql)
	var list []migrations.Token
	for _, t := range all {
		if t.Means() {
			list = append(list, t)
		}
	}
	return list
}
