package sqlite

import (
	"context"
	"errors"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// LimitedWrite reports whether err, SQLite's refusal of sql, only means that this SQLite lacks a form that D1's has:
// UPDATE or DELETE with ORDER BY or LIMIT (SQLITE_ENABLE_UPDATE_DELETE_LIMIT). Such a statement cannot be tried here.
func (c *Conn) LimitedWrite(ctx context.Context, sql string, err error) bool {
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != int(sqlite3.ERROR) || refused.Offset <= 0 || refused.Offset >= len(sql) {
		return false
	}
	head, tail := sql[:refused.Offset], sql[refused.Offset:]
	if !startsWithWord(tail, "ORDER") && !startsWithWord(tail, "LIMIT") {
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
