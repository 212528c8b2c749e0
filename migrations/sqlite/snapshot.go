package sqlite

import (
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/serdes"
)

// Serialize returns the whole database as the bytes of an SQLite file. It must not be called inside a transaction.
func (c *Conn) Serialize() ([]byte, error) {
	if c.inTx {
		return nil, refusal(sqlite3.MISUSE, "a transaction is open")
	}
	var data []byte
	err := c.Without(func() (err error) {
		data, err = serdes.Serialize(c.db, "main")
		return err
	})
	if err != nil {
		return nil, asError(err, "")
	}
	return data, nil
}

// Deserialize replaces the whole database by data, the bytes of an SQLite file. It must not be called inside a
// transaction.
func (c *Conn) Deserialize(data []byte) error {
	if c.inTx {
		return refusal(sqlite3.MISUSE, "a transaction is open")
	}
	return c.Without(func() error {
		return asError(serdes.Deserialize(c.db, "main", data), "")
	})
}

// Size returns the size of the database in bytes.
func (c *Conn) Size() (int64, error) {
	pages, err := c.queryInt("PRAGMA page_count")
	if err != nil {
		return 0, err
	}
	size, err := c.queryInt("PRAGMA page_size")
	if err != nil {
		return 0, err
	}
	return pages * size, nil
}

// queryInt runs a statement of our own that answers with one number.
func (c *Conn) queryInt(sql string) (n int64, err error) {
	err = c.Without(func() error {
		stmt, _, err := c.db.Prepare(sql)
		if err != nil {
			return asError(err, "")
		}
		defer stmt.Close()
		if stmt.Step() {
			n = stmt.ColumnInt64(0)
		}
		return asError(stmt.Err(), "")
	})
	return n, err
}
