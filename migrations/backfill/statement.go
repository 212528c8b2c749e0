package backfill

import (
	"strings"

	"towline/migrations"
)

// mark is the function that stands for the window where the file must not run without Towline. No SQLite has it.
const mark = "towline_window"

// statement reads what the block does and finds the window in it. end is where the block ends.
func (p *parser) statement(st migrations.Statement, end int) error {
	list := p.upTo(st)
	if semicolon := list[len(list)-1]; semicolon.Start > end {
		return p.refuse(end, "-- towline:end stands inside the statement: move it behind the semicolon")
	}
	from, to, err := p.window(list)
	if err != nil {
		return err
	}
	j := &p.job
	j.Offset, j.Alone = st.Offset, list[from].Kind == migrations.TokenComment
	head := bare(p.src, st.Offset, list[from].Start)
	j.sql, j.at = head+bare(p.src, list[to].End, list[len(list)-1].Start), len(head)
	return p.shape(list[:len(list)-1], from)
}

// upTo lists the tokens of a statement with its semicolon. What Split returns ends with the last word, and the window may
// be a comment behind that.
func (p *parser) upTo(st migrations.Statement) []token {
	var list []token
	for _, t := range p.tokens {
		if t.Start < st.Offset {
			continue
		}
		list = append(list, t)
		if t.Kind == migrations.TokenSemicolon && t.Start >= st.Offset+len(st.SQL) {
			break
		}
	}
	return list
}

// window finds the one place where the window goes, as the first and the last token of its mark.
func (p *parser) window(list []token) (from, to int, err error) {
	from = -1
	for i, t := range list {
		last := i
		switch {
		case t.Kind == migrations.TokenComment && strings.TrimSpace(strings.Trim(t.Text(p.src), "/*")) == ":window":
		case strings.EqualFold(t.Text(p.src), mark):
			if last = i + 2; last >= len(list) || list[i+1].Text(p.src) != "(" || list[last].Text(p.src) != ")" {
				return 0, 0, p.refuse(t.Start, "write "+mark+"() without arguments")
			}
		default:
			continue
		}
		if from >= 0 {
			return 0, 0, p.refuse(t.Start, "a second window: a backfill has one")
		}
		if t.depth != 0 {
			return 0, 0, p.refuse(t.Start, "the window stands inside parentheses: put it at the end of the outermost WHERE")
		}
		from, to = i, last
	}
	if from < 0 {
		return 0, 0, p.refuse(list[0].Start, "no window in this statement: put /* :window */ at the end of its WHERE")
	}
	return from, to, nil
}

// shape refuses what cannot be done in windows, or not twice.
func (p *parser) shape(list []token, window int) error {
	if !list[0].Is(p.src, "UPDATE", "DELETE", "INSERT") {
		return p.refuse(list[0].Start, "a backfill is one UPDATE, DELETE or INSERT .. SELECT")
	}
	p.job.Verb = strings.ToUpper(list[0].Text(p.src))
	where, conflict := -1, false
	for i, t := range list {
		if t.depth != 0 {
			continue
		}
		after := list[min(i+1, len(list)-1)]
		switch {
		case t.Is(p.src, "WHERE") && i < window:
			where = i
		case t.Is(p.src, "OR") && where >= 0 && i < window:
			return p.refuse(t.Start, "OR would reach past the window: put the whole condition into parentheses")
		case t.Is(p.src, "OR") && after.Is(p.src, "REPLACE", "ROLLBACK"):
			return p.refuse(t.Start, "OR "+strings.ToUpper(after.Text(p.src))+" is more than a backfill may do: write ON CONFLICT .. DO UPDATE")
		case t.Is(p.src, "OR") && after.Is(p.src, "IGNORE"), t.Is(p.src, "CONFLICT") && i > window:
			conflict = true
		case t.Is(p.src, "LIMIT", "ORDER", "GROUP", "HAVING", "RETURNING", "UNION", "EXCEPT", "INTERSECT", "VALUES"):
			return p.refuse(t.Start, strings.ToUpper(t.Text(p.src))+" does not go together with a window of rows: take it out")
		}
	}
	if where < 0 {
		return p.refuse(list[window].Start, "a backfill needs a WHERE before its window, with a guard that is false for a row that was done")
	}
	if p.job.Verb != "INSERT" {
		return p.guarded(list, where, window)
	}
	if !conflict {
		return p.refuse(list[0].Start, "rows that are there already have to be passed over: add ON CONFLICT DO NOTHING, or DO UPDATE, at the end")
	}
	return nil
}

// guarded refuses an UPDATE or DELETE whose WHERE has no condition of its own.
func (p *parser) guarded(list []token, where, window int) error {
	for _, t := range list[where+1 : window] {
		if t.Kind == migrations.TokenQuoted || t.Kind == migrations.TokenWord && !t.Is(p.src, "AND", "TRUE") {
			return nil
		}
	}
	return p.refuse(list[where].Start, "this WHERE has no guard: add a condition that is false for a row that was done, such as new_column IS NULL")
}
