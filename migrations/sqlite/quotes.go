package sqlite

import "github.com/ncruces/go-sqlite3"

// DoubleQuotedStrings says whether a double-quoted word that names no column is a text, as it is on D1 and on a new connection, or an
// error. Off, a statement that means a column which does not exist is found while it is prepared.
func (c *Conn) DoubleQuotedStrings(on bool) error {
	for _, flag := range []sqlite3.DBConfig{sqlite3.DBCONFIG_DQS_DML, sqlite3.DBCONFIG_DQS_DDL} {
		if _, err := c.db.Config(flag, on); err != nil {
			return asError(err, "")
		}
	}
	return nil
}
