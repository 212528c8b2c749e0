package sqlite_test

import (
	"errors"
	"testing"

	"towline/migrations/sqlite"
)

func TestAnErrorInAStatementOfSQLitesOwnIsARefusalAndNoPanic(t *testing.T) {
	for _, sql := range []string{"ALTER TABLE t DROP CONSTRAINT ck", "ALTER TABLE t DROP CONSTRAINT ck;"} {
		c := open(t, "CREATE TABLE t(a INTEGER, CONSTRAINT ck CHECK (a > 0))")
		_, err := c.Exec(t.Context(), sql)
		var refused *sqlite.Error
		if !errors.As(err, &refused) || refused.Message == "" || refused.Offset != -1 {
			t.Errorf("%s: %+v", sql, err)
		}
		exec(t, c, "SELECT a FROM t")
	}
}
