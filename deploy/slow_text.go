package deploy

import (
	"regexp"
	"slices"
	"strings"

	"towline/migrations"
)

// ShownQuery is the text of a query as people see it. An app that puts values into its texts, rather than into parameters, puts its
// customers' addresses and keys there too: what may be one is left out, and so are comments. A chat and a migration keep what they are given
// for ever. Words such as 'paid', paths into JSON and what the time functions take stay, since they say what the query is about.
func ShownQuery(sql string) string { return newWording().rewritten(sql, false) }

// wording rewrites queries.
type wording struct {
	list *regexp.Regexp // parameters and values that were left out, several in parentheses, as IN has them
}

func newWording() wording {
	return wording{
		list: regexp.MustCompile(`\((?:\?\d*|'…')(?:, (?:\?\d*|'…'))+\)`),
	}
}

// shape is the text of a query that all of its runs have in common: without the values, and with lists of any length alike.
func (x wording) shape(sql string) string {
	return x.list.ReplaceAllString(x.rewritten(sql, true), "(?, …)")
}

func (x wording) rewritten(sql string, numbers bool) string {
	list, whole := migrations.Lex(sql)
	var b strings.Builder
	gap, last := false, ""
	for _, t := range list {
		text := t.Text(sql)
		switch {
		case !t.Means():
			gap = true
			continue
		case t.Kind == migrations.TokenNumber && numbers && text != "0" && text != "1":
			text = "?"
		case t.Kind == migrations.TokenNumber && !migrations.Common(text):
			text = "…"
		case t.Kind == migrations.TokenQuoted && (text[0] == 'x' || text[0] == 'X'):
			text = "x'…'"
		case t.Kind == migrations.TokenQuoted && text[0] == '\'' && !migrations.Common(text):
			text = pattern(text)
		}
		if gap && b.Len() > 0 && (!numbers || last != "(" && text != ")") || numbers && last == "," {
			b.WriteByte(' ')
		}
		b.WriteString(text)
		gap, last = false, text
	}
	if !whole {
		b.WriteString(" …")
	}
	return b.String()
}

// pattern leaves a text out, and keeps the signs of a LIKE at its ends.
func pattern(text string) string {
	begin, end := "", ""
	if strings.HasPrefix(text, "'%") {
		begin = "%"
	}
	if len(text) > 3 && strings.HasSuffix(text, "%'") {
		end = "%"
	}
	return "'" + begin + "…" + end + "'"
}

// alike adds up queries that differ in their values alone, and puts the costliest first again. The text of each is its costliest one's.
func alike(list []QueryCount, by QueryOrder) []QueryCount {
	place, x := map[string]int{}, newWording()
	var out []QueryCount
	for _, q := range list {
		shape := x.shape(q.SQL)
		i, known := place[shape]
		if !known {
			place[shape] = len(out)
			out = append(out, q)
			continue
		}
		o := &out[i]
		o.Runs, o.Failed, o.Time, o.P95 = o.Runs+q.Runs, o.Failed+q.Failed, o.Time+q.Time, max(o.P95, q.P95)
		o.RowsRead, o.RowsWritten, o.RowsReturned = o.RowsRead+q.RowsRead, o.RowsWritten+q.RowsWritten, o.RowsReturned+q.RowsReturned
	}
	cost := func(q QueryCount) int64 {
		switch by {
		case ByTime:
			return int64(q.Time)
		case ByRowsWritten:
			return q.RowsWritten
		}
		return q.RowsRead
	}
	slices.SortStableFunc(out, func(a, b QueryCount) int {
		switch x, y := cost(a), cost(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return out
}
