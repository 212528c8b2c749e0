package lint

import (
	"errors"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// exec runs the statement, with double-quoted texts off first: where it is refused then and not with them on, a double-quoted word names
// nothing. ALTER TABLE compiles the texts of other objects too, so it runs as it would on D1 at once.
func (k *walker) exec(s *step) (sqlite.Result, error) {
	if !s.quotes() || s.tokens[0].Is(s.SQL, "ALTER") {
		return k.c.Exec(k.ctx, s.SQL)
	}
	if err := k.c.DoubleQuotedStrings(false); err != nil {
		return sqlite.Result{}, err
	}
	res, err := k.c.Exec(k.ctx, s.SQL)
	if err == nil {
		return res, k.c.DoubleQuotedStrings(true)
	}
	err = k.ghosts(s)
	if err := errors.Join(err, k.c.DoubleQuotedStrings(true)); err != nil {
		return sqlite.Result{}, err
	}
	return k.c.Exec(k.ctx, s.SQL)
}

// quotes reports whether the statement has double-quoted words.
func (s *step) quotes() bool {
	return slices.ContainsFunc(s.tokens, func(t migrations.Token) bool { return t.Kind == migrations.TokenQuoted && s.SQL[t.Start] == '"' })
}

// ghosts looks for double-quoted words that name nothing, with double-quoted texts off.
func (k *walker) ghosts(s *step) error {
	sql := s.SQL
	for range maxGhosts {
		_, err := k.c.Prepare(k.ctx, sql)
		e, refused, stop := refusal(k.ctx, err)
		if stop != nil {
			return stop
		}
		name, end := ghostAt(sql, e)
		if !refused || name == "" || !strings.Contains(e.Message, name) {
			return nil
		}
		s.ghosts = append(s.ghosts, ghost{name, e.Offset})
		// NULL is at most as long as the shortest ghost with its quotes but for one and two letters; the rest moves, which only matters for
		// the offsets of those after it.
		sql = sql[:e.Offset] + pad("NULL", end-e.Offset) + sql[end:]
	}
	return nil
}

// maxGhosts bounds how many of them are looked for in one statement.
const maxGhosts = 20

func pad(s string, n int) string {
	if len(s) >= n {
		return s
	}
	return s + strings.Repeat(" ", n-len(s))
}

// ghostAt returns the double-quoted word at the place of an error, and where it ends.
func ghostAt(sql string, e *sqlite.Error) (name string, end int) {
	if e == nil || e.Offset < 0 || e.Offset >= len(sql) || sql[e.Offset] != '"' {
		return "", 0
	}
	list, _ := migrations.Lex(sql[e.Offset:])
	if len(list) == 0 {
		return "", 0
	}
	return migrations.Unquote(list[0].Text(sql[e.Offset:])), e.Offset + list[0].End
}
