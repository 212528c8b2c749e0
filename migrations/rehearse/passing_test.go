package rehearse_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations/rehearse"
)

// leftBehind rehearses on the shop's data and writes what copies leave behind.
func leftBehind(t *testing.T, sql string) (string, []rehearse.Cut) {
	t.Helper()
	report := onData(t, sql)
	if report.Failed != nil || !report.Data {
		t.Fatal(report.Failed)
	}
	var parts []string
	for _, c := range report.Cut {
		parts = append(parts, fmt.Sprintf("%s to %s %d of %d, %d shown", c.From, c.To, c.Copied, c.Rows, len(c.Left)))
	}
	return strings.Join(parts, "; "), report.Cut
}

func TestACopyThatPassesOverRowsIsNamedAlthoughItsSourceStays(t *testing.T) {
	const unique = "CREATE TABLE mails(id INTEGER PRIMARY KEY, email TEXT UNIQUE);\n"
	tests := []struct{ name, sql, want string }{
		{"OR IGNORE", unique + "INSERT OR IGNORE INTO mails SELECT id, email FROM users;", "users to mails 290 of 300, 10 shown"},
		{"DO NOTHING", unique + "INSERT INTO mails(email, id) SELECT email, id FROM users WHERE true ON CONFLICT DO NOTHING;", "users to mails 290 of 300, 10 shown"},
		{"OR REPLACE", unique + "INSERT OR REPLACE INTO mails SELECT id, email FROM users;", "users to mails 290 of 300, 10 shown"},
		{"REPLACE", unique + "REPLACE INTO mails SELECT id, email FROM users;", "users to mails 290 of 300, 10 shown"},
		{"with a condition, which is meant", unique + "INSERT OR IGNORE INTO mails SELECT id, email FROM users WHERE id > 5;", "users to mails 290 of 295, 5 shown"},
		{"a table without the key of its source", "CREATE TABLE mails(email TEXT PRIMARY KEY, status TEXT);\nINSERT OR IGNORE INTO mails SELECT email, status FROM users WHERE id IN (1, 291, 100, 10, 300);",
			"users to mails 4 of 5, 1 shown"}, // of the two that meet another, one has its values

		{"values that are there once are there", "CREATE TABLE states(name TEXT UNIQUE);\nINSERT OR IGNORE INTO states SELECT status FROM users WHERE status IS NOT NULL;", ""},
		{"rows that an earlier statement put in", unique + "INSERT INTO mails SELECT id, email FROM users WHERE id < 200;\nINSERT OR IGNORE INTO mails SELECT id, email FROM users WHERE id < 250;", ""},
		{"a number that is stored as a text", "CREATE TABLE ids(id TEXT PRIMARY KEY);\nINSERT OR IGNORE INTO ids SELECT user_id FROM orders;", ""},
		{"an upsert says what becomes of them", unique + "INSERT INTO mails SELECT id, email FROM users WHERE true ON CONFLICT(email) DO UPDATE SET id = id;", ""},
		{"values of the file itself", unique + "INSERT OR IGNORE INTO mails VALUES (1, 'a'), (1, 'b');", ""},
		{"no index to look them up in", "CREATE TABLE free(email TEXT, n INTEGER CHECK (n > 5));\nINSERT OR IGNORE INTO free SELECT email, id FROM users;", ""},
	}
	for _, tt := range some(tests) {
		t.Run(tt.name, func(t *testing.T) {
			if got, cut := leftBehind(t, tt.sql); got != tt.want {
				t.Errorf("%q, want %q: %+v", got, tt.want, cut)
			}
		})
	}
}

func TestTheRowsThatACopyPassesOverAreShownAsTheStatementReadThem(t *testing.T) {
	_, cut := leftBehind(t, "CREATE TABLE mails(id INTEGER PRIMARY KEY, email TEXT UNIQUE);\nINSERT OR IGNORE INTO mails(email, id) SELECT email, id FROM users WHERE id IN (1, 291);")
	if len(cut) != 1 || len(cut[0].Left) != 1 || cut[0].Line != 2 {
		t.Fatalf("%+v", cut)
	}
	if d := cmp.Diff([]string{"email", "id"}, cut[0].Columns) + cmp.Diff([]string{"'user1@example.com'", "291"}, cut[0].Left[0]); d != "" {
		t.Error(d)
	}
}
