package lint

import (
	"fmt"
	"strings"
)

// write is an UPDATE or DELETE taken apart, each part as it is written.
type write struct {
	target string      // the table with its alias: "users AS u"
	sets   [][2]string // columns and their new values
	head   string      // all before WHERE
	where  string      // empty: there is none
}

// write takes the statement apart; false where it is none of these or has more than a table, assignments and a condition.
func (s *step) write() (w write, ok bool) {
	list := s.tokens
	cut := map[string]int{}
	depth := 0
	for i, t := range list {
		switch text := t.Text(s.SQL); {
		case text == "(":
			depth++
		case text == ")":
			depth--
		case depth == 0 && t.Is(s.SQL, "SET", "WHERE", "FROM", "RETURNING", "ORDER", "LIMIT", "INDEXED", "OR") && i > 0:
			word := strings.ToUpper(text)
			if _, twice := cut[word]; !twice {
				cut[word] = i
			}
		}
	}
	for _, word := range []string{"RETURNING", "ORDER", "LIMIT", "INDEXED"} {
		if _, there := cut[word]; there {
			return write{}, false
		}
	}
	end := len(list)
	if i, there := cut["WHERE"]; there {
		end = i
		w.where = s.between(i+1, len(list))
	}
	w.head = s.between(0, end)
	switch {
	case list[0].Is(s.SQL, "DELETE") && cut["FROM"] == 1:
		w.target = s.between(2, end)
		return w, true
	case list[0].Is(s.SQL, "UPDATE") && cut["SET"] > 0 && cut["FROM"] == 0 && !list[1].Is(s.SQL, "OR"):
		w.target = s.between(1, cut["SET"])
		w.sets, ok = s.assignments(cut["SET"]+1, end)
		return w, ok
	}
	return write{}, false
}

// between is the text from one token up to another one.
func (s *step) between(from, to int) string {
	if from >= to {
		return ""
	}
	return s.SQL[s.tokens[from].Start:s.tokens[to-1].End]
}

// assignments reads "a = 1, b = lower(c)"; false for "(a, b) = ...".
func (s *step) assignments(from, to int) (list [][2]string, ok bool) {
	depth, start := 0, from
	for i := from; i <= to; i++ {
		text := ","
		if i < to {
			text = s.tokens[i].Text(s.SQL)
		}
		switch {
		case text == "(":
			depth++
		case text == ")":
			depth--
		case text == "," && depth == 0:
			if start+2 >= i || s.tokens[start+1].Text(s.SQL) != "=" {
				return nil, false
			}
			list = append(list, [2]string{s.tokens[start].Text(s.SQL), s.between(start+2, i)})
			start = i + 1
		}
	}
	return list, len(list) > 0
}

// asBackfill is the statement as a block that Towline carries out a few hundred rows at a time; empty where it cannot be one.
func (w *walk) asBackfill(s *step, table string) string {
	key := windowKey(w.shapes.table(s.before, table))
	x, ok := s.write()
	if key == "" || !ok {
		return ""
	}
	guard, alias := x.guard(), x.alias()
	return fmt.Sprintf("-- towline:backfill name=%s table=%s key=%s%s\n--   count: SELECT count(*) FROM %s WHERE %s\n--   done:  SELECT NOT EXISTS (SELECT 1 FROM %s WHERE %s)\n%s\n WHERE %s\n   /* :window */;\n-- towline:end",
		jobName(table), table, key, alias, oneLine(x.target), oneLine(guard), oneLine(x.target), oneLine(guard), x.head, guard)
}

// alias is the part of a block's header that says how the statement calls the table; empty where it calls it by its name.
func (x write) alias() string {
	list := meaning(x.target)
	last := list[len(list)-1].Text(x.target)
	if len(list) < 2 || list[len(list)-2].Text(x.target) == "." {
		return ""
	}
	return " as=" + last
}

// guard is a condition that holds for the rows that the statement would still change, and for none that it has changed.
func (x write) guard() string {
	var parts []string
	for _, set := range x.sets {
		parts = append(parts, fmt.Sprintf("%s IS NOT (%s)", set[0], set[1]))
	}
	switch open := strings.Join(parts, " OR "); {
	case len(parts) == 0 && x.where == "":
		return "1"
	case len(parts) == 0:
		return "(" + x.where + ")"
	case x.where == "":
		return "(" + open + ")"
	default:
		return "(" + x.where + ") AND (" + open + ")"
	}
}

// oneLine is SQL without comments and line ends.
func oneLine(sql string) string { return strings.TrimSpace(words(sql)) }

// windowKey is the column by which windows of a table can be cut: its primary key, if that is one column and never NULL.
func windowKey(t *table) string {
	if t == nil {
		return ""
	}
	if alias := t.rowIDAlias(); alias != "" {
		return alias
	}
	key := t.primaryKey()
	if len(key) != 1 {
		return ""
	}
	if c, ok := t.column(key[0]); !ok || !c.notNull && !t.withoutRowID {
		return ""
	}
	return key[0]
}

// jobName makes the name of a backfill of a table's.
func jobName(table string) string {
	return "fill_" + strings.Map(func(r rune) rune {
		if r < 0x80 && wordByte(byte(r)) {
			return r
		}
		return '_'
	}, fold(table))
}
