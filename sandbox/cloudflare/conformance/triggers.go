package conformance

import (
	"strings"
	"testing"
)

// triggerCase is one way to write a trigger that splitters have been seen to break. The trigger is on t, and each row
// that is inserted into t must add one to the table log. Its text has no final semicolon.
type triggerCase struct{ name, sql string }

func triggerCases() []triggerCase {
	const on = "AFTER INSERT ON t BEGIN "
	return []triggerCase{
		{"upper case on one line", "CREATE TRIGGER a AFTER INSERT ON t BEGIN INSERT INTO log VALUES ('x'); END"},
		{"lower case", "create trigger a after insert on t begin insert into log values ('x'); end"},
		{"several lines", "CREATE TRIGGER a\nAFTER INSERT ON t\nBEGIN\n  INSERT INTO log VALUES ('x');\nEND"},
		{"CRLF", "CREATE TRIGGER a\r\nAFTER INSERT ON t\r\nBEGIN\r\n  INSERT INTO log VALUES ('x');\r\nEND"},
		{"CASE in the body", "CREATE TRIGGER a " + on + "INSERT INTO log SELECT CASE WHEN NEW.a > 1 THEN 'x' ELSE 'y' END; END"},
		{"CASE in parentheses", "CREATE TRIGGER a " + on + "INSERT INTO log VALUES ((CASE NEW.a WHEN 1 THEN 'x' END)); END"},
		{"CASE before a comma", "CREATE TRIGGER a " + on + "UPDATE t SET a = CASE WHEN 1 THEN 2 END, b = 3; INSERT INTO log VALUES ('x'); END"},
		{"CASE that ends the last statement", "CREATE TRIGGER a " + on + "INSERT INTO log VALUES ('x'); SELECT CASE WHEN 1 THEN 2 END; END"},
		{"a column called begin date", "CREATE TRIGGER a " + on + "UPDATE t SET [begin date] = 'x'; INSERT INTO log VALUES ('x'); END"},
		{"a table with a semicolon in its name", "CREATE TRIGGER a " + on + "DELETE FROM [a;b]; INSERT INTO log VALUES ('x'); END"},
		{"a table called case", "CREATE TRIGGER a " + on + `DELETE FROM "case "; INSERT INTO log VALUES ('x'); END`},
		{"an alias called end", "CREATE TRIGGER a " + on + "INSERT INTO log SELECT 'x' AS \"end\"; END"},
		{"a comment after END", "CREATE TRIGGER a " + on + "INSERT INTO log VALUES ('x'); END -- done\n"},
		{"a semicolon in a string", "CREATE TRIGGER a " + on + "INSERT INTO log VALUES (';END;'); END"},
		{"a semicolon in a comment", "CREATE TRIGGER a " + on + "INSERT INTO log VALUES ('x') /* ; END; */; END"},
		{"a quote in a comment", "CREATE TRIGGER a " + on + "-- it's fine;\n INSERT INTO log VALUES ('x'); END"},
		{"a dollar quote, which is none", "CREATE TRIGGER a " + on + "INSERT INTO log VALUES ('$tag$ ; $tag$'); END"},
		{"BEGIN TRANSACTION in a string", "CREATE TRIGGER a " + on + "INSERT INTO log VALUES ('BEGIN TRANSACTION; COMMIT;'); END"},
		{"BEGIN TRANSACTION in a comment", "CREATE TRIGGER a " + on + "-- BEGIN TRANSACTION;\n INSERT INTO log VALUES ('x'); END"},
		{"IF NOT EXISTS with WHEN", "CREATE TRIGGER IF NOT EXISTS a AFTER INSERT ON t FOR EACH ROW WHEN NEW.a > 0 BEGIN INSERT INTO log VALUES ('x'); END"},
		{"comments between its words", "CREATE/* ; */TRIGGER -- ;\n a " + on + "INSERT INTO log VALUES ('x');\n\n END"},
	}
}

// testTriggers sends every form alone, in the middle of a text and in a batch.
func testTriggers(t *testing.T, c *client) {
	const before = "CREATE TABLE t(a, b, [begin date]); CREATE TABLE log(x); CREATE TABLE [a;b](a); CREATE TABLE \"case \"(a)"
	for _, tc := range triggerCases() {
		t.Run(tc.name, func(t *testing.T) {
			db := c.create(t)
			db.query(t, before)
			fires := func(way string) {
				db.query(t, "INSERT INTO t(a) VALUES (2), (2)")
				if n := db.count(t, "SELECT count(*) AS n FROM log"); n != 2 {
					t.Errorf("%s: two rows made %d entries", way, n)
				}
				db.query(t, "DROP TRIGGER a; DELETE FROM log; DELETE FROM t")
			}
			db.query(t, tc.sql)
			fires("alone")
			db.query(t, strings.Join([]string{"SELECT 1", tc.sql, "SELECT 2"}, ";\n"))
			fires("in a text")
			a := db.send(t, "POST", db.path()+"/query", map[string]any{"batch": []map[string]any{{"sql": "SELECT 1"}, {"sql": tc.sql + ";"}}})
			var results []any
			if a.decode(t, &results); len(results) != 2 {
				t.Errorf("a batch of two statements has %d results", len(results))
			}
			fires("in a batch")
		})
	}
}
