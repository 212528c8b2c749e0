package rehearse_test

import (
	"fmt"
	"testing"

	"towline/migrations/rehearse"
	"towline/sandbox/cloudflare/workerd"
)

// billed sends statements as one batch and adds up what the engine says they cost.
func (d *d1) billed(t *testing.T, statements ...string) (read, written int64) {
	t.Helper()
	var result []struct {
		Meta struct {
			Read    int64 `json:"rows_read"`
			Written int64 `json:"rows_written"`
		}
	}
	if message := d.Refusal(t, "/query", workerd.Batch(statements...), &result); message != "" {
		t.Fatal(message)
	}
	for _, r := range result {
		read += r.Meta.Read
		written += r.Meta.Written
	}
	return read, written
}

// large is 2,000 users and 4,000 orders.
func large() []string {
	return []string{
		"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, status TEXT)",
		"CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id) ON DELETE CASCADE, total REAL)",
		"CREATE INDEX orders_user ON orders(user_id)",
		"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000) INSERT INTO users SELECT x, 'user' || x, 'ok' FROM n",
		"INSERT INTO orders(user_id, total) SELECT id, 1.5 FROM users UNION ALL SELECT id, 2.5 FROM users",
	}
}

// TestCloudflaresRuntimeBillsAboutWhatIsEstimated carries the same statements out on D1's engine and on the copy.
func TestCloudflaresRuntimeBillsAboutWhatIsEstimated(t *testing.T) {
	instance := workerd.Start(t, workerd.Options{})
	path, target := withData(t, large()...)
	rows := map[string]int64{"users": 2000, "orders": 4000}
	for i, tt := range []struct{ name, sql string }{
		{"an index", "CREATE INDEX users_email ON users(email);"},
		{"a column less", "ALTER TABLE users DROP COLUMN status;"},
		{"an update of all", "UPDATE users SET status = 'new';"},
		{"an update of an indexed column", "UPDATE orders SET user_id = 1;"},
		{"a copy as a table", "CREATE TABLE c AS SELECT * FROM users;"},
		{"a copy into a table with an index", "CREATE TABLE c(id INTEGER PRIMARY KEY, u INTEGER);\nCREATE INDEX c_u ON c(u);\nINSERT INTO c SELECT id, user_id FROM orders;"},
		{"a deletion of all", "DELETE FROM orders;"},
		{"a deletion of some", "DELETE FROM orders WHERE total > 2;"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &d1{instance.Database(t, fmt.Sprintf("costs-%d", i))}
			if message := d.Run(t, large()...); message != "" {
				t.Fatal(message)
			}
			read, written := d.billed(t, split(t, tt.sql)...)
			for _, option := range []rehearse.Option{rehearse.Data(path), rehearse.Rows(rows)} {
				report, err := rehearse.Run(t.Context(), target, bare(t, tt.sql), option)
				if err != nil || !report.Known {
					t.Fatalf("%+v %v", report.Effects, err)
				}
				t.Logf("data %t: read %d, estimated %d; written %d, estimated %d", report.Data, read, report.RowsRead, written, report.RowsWritten)
				if !near(report.RowsWritten, written, report.Data) || !near(report.RowsRead, read, report.Data) {
					t.Errorf("data %t: read %d, estimated %d; written %d, estimated %d", report.Data, read, report.RowsRead, written, report.RowsWritten)
				}
			}
		})
	}
}

// near allows an estimate to be off by a tenth or 50 rows. Without the data, which a WHERE would ask, it may be too high.
func near(estimated, billed int64, data bool) bool {
	if !data {
		return estimated >= billed-50 && estimated <= 5*billed/2
	}
	return estimated <= billed*11/10+50 && billed <= estimated*11/10+50
}
