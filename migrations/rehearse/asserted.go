package rehearse

import (
	"context"
	"errors"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// untrueHere is what is said of an assertion of a file that made-up rows do not meet. It is neither a failure, since real
// rows may, nor nothing.
const untrueHere = "this assertion is not true of made-up rows: on D1 the real ones decide, and where it is not true of them all of the transaction is undone"

// untrue is what is said of an assertion that real rows do not meet, or that no rows could make true.
const untrue = "this assertion is not true, so all of the transaction is undone"

// assertionAt is where the assertion of a file stands that failed with a message.
func assertionAt(message string) (Place, bool) {
	file, line, ok := migrations.AssertionFailed(message)
	return Place{File: file, Line: line, Col: 1}, ok
}

// asks reports whether a statement asks an assertion of a file.
func asks(p migrations.Planned) bool {
	return p.Origin.File == "" && strings.HasPrefix(p.SQL, "INSERT INTO "+strings.TrimSuffix(migrations.QuoteName(migrations.AssertionGuard), `"`))
}

// pardons reports whether a refusal is that of an assertion which rows that only the real database has could make true.
func (d *dryRun) pardons(ctx context.Context, c *sqlite.Conn, s *step, err error) bool {
	var refused *sqlite.Error
	if !errors.As(err, &refused) {
		return false
	}
	at, ok := assertionAt(refused.Message)
	if !ok || !d.needsRows(ctx, c, s.planned, err) {
		return false
	}
	s.untrue = &at
	return true
}

// fulfilled leaves out what was said of made-up rows once the copy of the data has met every assertion.
func fulfilled(warnings []Note) []Note {
	return slices.DeleteFunc(warnings, func(n Note) bool { return n.Message == untrueHere })
}
