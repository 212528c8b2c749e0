package sqlite

import (
	"errors"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"towline/migrations"
)

// defaultsAllowed refuses a CREATE TABLE or ADD COLUMN whose DEFAULT calls a function that D1 has not. D1's SQLite asks for it when the column is
// made; this one when a row first needs it, which in a migration is too late.
func (c *Conn) defaultsAllowed(sql string, actions []Action) error {
	makes := false
	for _, a := range actions {
		makes = makes || a.Kind == CreateTable || a.Kind == AlterTable
	}
	if c.bypass || !makes || !strings.Contains(strings.ToLower(sql), "default") {
		return nil
	}
	tokens, _ := migrations.Lex(sql)
	depth, from := 0, -1
	for i, t := range tokens {
		switch text := t.Text(sql); {
		case text == "(" && from < 0 && beforeIsDefault(sql, tokens[:i]):
			from, depth = t.Start, 1
		case text == "(" && from >= 0:
			depth++
		case text == ")" && from >= 0:
			if depth--; depth > 0 {
				continue
			}
			if err := c.callable(sql[from:t.End]); err != nil {
				err.Offset = from
				return err
			}
			from = -1
		}
	}
	return nil
}

// beforeIsDefault reports whether the last of the tokens that mean something is DEFAULT.
func beforeIsDefault(sql string, tokens []migrations.Token) bool {
	for i := len(tokens) - 1; i >= 0; i-- {
		if tokens[i].Means() {
			return tokens[i].Is(sql, "DEFAULT")
		}
	}
	return false
}

// callable compiles an expression, and returns the refusal of a function in it.
func (c *Conn) callable(expression string) *Error {
	stmt, _, err := c.compile("SELECT " + expression)
	if err == nil {
		_ = stmt.Close()
		return nil
	}
	e, ok := errors.AsType[*Error](asError(err, ""))
	if !ok {
		return nil
	}
	for _, function := range []string{"not authorized to use function: ", "no such function: "} {
		if strings.HasPrefix(e.Message, function) {
			return refusal(sqlite3.ERROR, "not authorized to use function: %s", e.Message[len(function):])
		}
	}
	return nil
}
