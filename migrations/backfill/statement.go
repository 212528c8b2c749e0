package backfill

import (
	"slices"
	"strings"

	"towline/migrations"
)

// mark is the function that stands for the window where the file must not run without Towline.
const mark = "towline_window"

// statement reads what the block does and finds the window in it.
func (p *parser) statement(st migrations.Statement, before int) error {
	// What Split returns ends with the last token, and the window may be a comment behind that.
	first := slices.IndexFunc(p.tokens, func(t token) bool { return t.start >= st.Offset })
	end := first
	for p.tokens[end].start < st.Offset+len(st.SQL) || p.tokens[end].text(p.src) != ";" {
		end++
	}
	if p.tokens[end].start > before {
		return p.refuse(before, "-- towline:end stands inside the statement: move it behind the semicolon")
	}
	list := p.tokens[first:end]
	from, to, err := p.window(list)
	if err != nil {
		return err
	}
	j := &p.job
	j.Offset, j.Alone, j.joined = st.Offset, p.tokens[from].kind == blockComment, p.tokens[from].kind == blockComment
	start, stop := p.tokens[from].start, p.tokens[to].end
	j.sql = strings.TrimRight(p.src[st.Offset:start], " \t\r\n\f")
	j.at = len(j.sql)
	if !j.joined {
		j.sql += " "
		j.at++
	}
	// A comment before the window reaches to the end of its line.
	if k := p.before(from); k >= 0 && p.tokens[k].kind == lineComment {
		j.sql += "\n"
		j.at = len(j.sql)
	}
	j.sql += " " + strings.TrimSpace(p.src[stop:p.tokens[end].start])
	j.sql = strings.TrimRight(j.sql, " ")
	if p.tokens[end-1].kind == lineComment {
		j.sql += "\n"
	}
	return p.shape(list, from-first)
}

// before is the index of the token in front of i, -1 where there is none.
func (p *parser) before(i int) int { return i - 1 }

// window finds the one place where the window goes: as indexes of the first and the last token of its mark.
func (p *parser) window(list []token) (from, to int, err error) {
	from = -1
	base := slices.Index(p.tokens, list[0])
	for i, t := range list {
		last := i
		switch {
		case t.kind == blockComment && strings.TrimSpace(strings.Trim(t.text(p.src), "/*")) == ":window":
		case t.is(p.src, strings.ToUpper(mark)):
			if last = i + 2; last >= len(list) || list[i+1].text(p.src) != "(" || list[last].text(p.src) != ")" {
				return 0, 0, p.refuse(t.start, "write "+mark+"() without arguments")
			}
		default:
			continue
		}
		if from >= 0 {
			return 0, 0, p.refuse(t.start, "a second window: a backfill has one")
		}
		if t.depth != 0 {
			return 0, 0, p.refuse(t.start, "the window stands inside parentheses: put it at the end of the outermost WHERE")
		}
		from, to = base+i, base+last
	}
	if from < 0 {
		return 0, 0, p.refuse(list[0].start, "no window in this statement: put /* :window */ at the end of its WHERE")
	}
	return from, to, nil
}

// shape refuses what cannot be done in windows, or not twice.
func (p *parser) shape(list []token, window int) error {
	verb := list[0]
	if !verb.is(p.src, "UPDATE", "DELETE", "INSERT") {
		return p.refuse(verb.start, "a backfill is one UPDATE, DELETE or INSERT .. SELECT")
	}
	p.job.Verb = strings.ToUpper(verb.text(p.src))
	where := -1
	conflict := false
	for i, t := range list {
		if t.depth != 0 {
			continue
		}
		switch {
		case t.is(p.src, "WHERE") && i < window:
			where = i
		case t.is(p.src, "OR") && where >= 0 && i < window:
			return p.refuse(t.start, "OR would reach past the window: put the condition into parentheses")
		case t.is(p.src, "OR") && i+1 < len(list) && list[i+1].is(p.src, "REPLACE", "ROLLBACK"):
			return p.refuse(t.start, "OR "+strings.ToUpper(list[i+1].text(p.src))+" is more than a backfill may do: write ON CONFLICT .. DO UPDATE")
		case t.is(p.src, "IGNORE") && i > 0 && list[i-1].is(p.src, "OR"), t.is(p.src, "CONFLICT") && i > window:
			conflict = true
		case t.is(p.src, "LIMIT", "ORDER", "GROUP", "HAVING", "WINDOW", "RETURNING", "UNION", "EXCEPT", "INTERSECT", "VALUES"):
			if t.is(p.src, "WINDOW") && t.start == list[window].start {
				continue
			}
			return p.refuse(t.start, strings.ToUpper(t.text(p.src))+" does not go together with a window of rows: take it out")
		}
	}
	if where < 0 {
		return p.refuse(list[window].start, "a backfill needs a WHERE before its window: a guard that is false for a row that was done")
	}
	if p.job.Verb == "INSERT" && !conflict {
		return p.refuse(verb.start, "rows that were inserted already have to be passed over: add ON CONFLICT DO NOTHING, or DO UPDATE, at the end")
	}
	return p.guarded(list, where, window)
}

// guarded refuses an UPDATE or DELETE without a condition of its own.
func (p *parser) guarded(list []token, where, window int) error {
	guard := slices.DeleteFunc(slices.Clone(list[where+1:window]), func(t token) bool {
		return t.kind == lineComment || t.kind == blockComment || t.is(p.src, "AND", "TRUE", "1") || t.kind == punct
	})
	if p.job.Verb != "INSERT" && len(guard) == 0 {
		return p.refuse(list[where].start, "this WHERE has no guard: add a condition that is false for a row that was done, such as AND new_column IS NULL")
	}
	return nil
}
