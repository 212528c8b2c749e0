package sqlite

import (
	"context"
	"errors"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"towline/migrations"
)

// LimitedWrite reports whether err, SQLite's refusal of sql, only means that this SQLite lacks a form that D1's has:
// UPDATE or DELETE with ORDER BY or LIMIT (SQLITE_ENABLE_UPDATE_DELETE_LIMIT). Most such statements run here all the same
// (see compileLimited); what is left, an UPDATE with FROM and LIMIT, cannot be tried.
func (c *Conn) LimitedWrite(ctx context.Context, sql string, err error) bool {
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != int(sqlite3.ERROR) || refused.Offset <= 0 || refused.Offset >= len(sql) {
		return false
	}
	head, tail := sql[:refused.Offset], sql[refused.Offset:]
	if !startsWithWord(tail, "ORDER") && !startsWithWord(tail, "LIMIT") || !strings.Contains(strings.ToUpper(tail), "LIMIT") {
		return false
	}
	actions, err := c.Prepare(ctx, head)
	if err != nil {
		return false
	}
	for _, a := range actions {
		if (a.Kind == Delete || a.Kind == Update) && a.Inner == "" {
			_, err := c.Prepare(ctx, "SELECT 1 FROM "+sqlite3.QuoteIdentifier(a.Arg3)+" "+tail)
			return err == nil || !strings.Contains(err.Error(), "syntax error")
		}
	}
	return false
}

func startsWithWord(s, word string) bool {
	return len(s) >= len(word) && strings.EqualFold(s[:len(word)], word)
}

// compileLimited compiles an UPDATE or DELETE with LIMIT, which SQLite has refused, in a form that it takes; nil where
// there is none.
func (c *Conn) compileLimited(sql string) (*sqlite3.Stmt, string) {
	w, ok := readLimited(sql)
	if !ok {
		return nil, ""
	}
	keys := []string{"_rowid_"}
	for range 2 {
		if c.recording {
			c.actions = nil
		}
		if stmt, tail, err := c.compile(w.form(keys)); err == nil {
			return stmt, tail
		}
		if keys = c.primaryKey(w.table); len(keys) == 0 {
			break
		}
	}
	return nil, ""
}

// primaryKey lists the columns of a table's primary key.
func (c *Conn) primaryKey(table string) (names []string) {
	recording := c.recording
	c.recording = false
	defer func() { c.recording = recording }()
	_ = c.Without(func() error {
		stmt, _, err := c.db.Prepare("SELECT name FROM pragma_table_info(" + sqlite3.Quote(table) + ") WHERE pk ORDER BY pk")
		if err != nil {
			return err
		}
		defer stmt.Close()
		for stmt.Step() {
			names = append(names, sqlite3.QuoteIdentifier(stmt.ColumnText(0)))
		}
		return stmt.Err()
	})
	return names
}

// limitedWrite is an UPDATE or DELETE with LIMIT, taken apart.
type limitedWrite struct {
	head      string // up to the WHERE
	target    string // the table as it stands there, with alias and index
	table     string // its name
	where     string // the condition; empty: there is none
	returning string // with its keyword
	limit     string // ORDER BY and LIMIT
	rest      string // from the semicolon on
}

// form writes it as SQLite itself carries it out: WHERE rowid IN (SELECT rowid ... LIMIT ...) (src/delete.c,
// sqlite3LimitWhere). Line ends keep a comment from swallowing what follows.
func (w limitedWrite) form(keys []string) string {
	key := strings.Join(keys, ", ")
	inner := "SELECT " + key + " FROM " + w.target + "\n"
	if w.where != "" {
		inner += "WHERE " + w.where + "\n"
	}
	return w.head + "\nWHERE (" + key + ") IN (" + inner + w.limit + "\n)\n" + w.returning + "\n" + w.rest
}

// readLimited takes the first statement of sql apart. The flag is false where it is no UPDATE or DELETE with LIMIT, or one
// with FROM, of which this form would change other rows.
func readLimited(sql string) (w limitedWrite, ok bool) {
	list := meaning(sql)
	i := 0
	for i < len(list) && list[i].Is(sql, "EXPLAIN", "QUERY", "PLAN") {
		i++
	}
	if i < len(list) && list[i].Is(sql, "WITH") {
		i = nextTop(sql, list, i, "UPDATE", "DELETE", "INSERT", "REPLACE", "SELECT", "VALUES")
	}
	if i+2 >= len(list) || !list[i].Is(sql, "UPDATE", "DELETE") {
		return w, false
	}
	update := list[i].Is(sql, "UPDATE")
	switch i++; {
	case update && list[i].Is(sql, "OR"):
		i += 2
	case !update && list[i].Is(sql, "FROM"):
		i++
	case !update:
		return w, false
	}
	if i >= len(list) {
		return w, false
	}
	first, name := list[i].Start, i
	if i+2 < len(list) && list[i+1].Text(sql) == "." {
		name = i + 2
	}
	w.table = migrations.Unquote(list[name].Text(sql))
	return w.clauses(sql, list, i, first, update)
}

// clauses reads on behind the verb: the table begins at first, which is list[i].
func (w limitedWrite) clauses(sql string, list []migrations.Token, i, first int, update bool) (limitedWrite, bool) {
	end := len(sql)
	at := map[string]int{}
	last := -1
	order := []string{"SET", "WHERE", "RETURNING", "ORDER", "LIMIT"}
	for j := nextTop(sql, list, i, append(order, "FROM", ";")...); j < len(list); j = nextTop(sql, list, j+1, append(order, "FROM", ";")...) {
		word := strings.ToUpper(list[j].Text(sql))
		if word == ";" {
			end = list[j].Start
			break
		}
		if word == "FROM" {
			if list[j-1].Is(sql, "DISTINCT") { // IS DISTINCT FROM
				continue
			}
			return w, false
		}
		for n, clause := range order {
			if clause == word {
				if n <= last {
					return w, false
				}
				last = n
			}
		}
		at[word] = list[j].Start
	}
	if _, limited := at["LIMIT"]; !limited || update != (at["SET"] > 0) {
		return w, false
	}
	// from is where a clause begins, or, where it is missing, the next one that there is.
	from := func(n int) int {
		for ; n < len(order); n++ {
			if start, there := at[order[n]]; there {
				return start
			}
		}
		return end
	}
	w.head, w.target = sql[:from(1)], sql[first:from(0)]
	if start, there := at["WHERE"]; there {
		w.where = sql[start+len("WHERE") : from(2)]
	}
	w.returning, w.limit, w.rest = sql[from(2):from(3)], sql[from(3):end], sql[end:]
	return w, true
}

// nextTop finds the next of the words, from i on, that stands in no parentheses; len(list) where there is none.
func nextTop(sql string, list []migrations.Token, i int, words ...string) int {
	depth := 0
	for ; i < len(list); i++ {
		switch text := list[i].Text(sql); {
		case text == "(":
			depth++
		case text == ")":
			depth--
		case depth == 0 && (list[i].Is(sql, words...) || text == ";" && words[len(words)-1] == ";"):
			return i
		}
	}
	return i
}

func meaning(sql string) []migrations.Token {
	tokens, _ := migrations.Lex(sql)
	var list []migrations.Token
	for _, t := range tokens {
		if t.Means() {
			list = append(list, t)
		}
	}
	return list
}
