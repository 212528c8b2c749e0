package migrations_test

import (
	"strings"
	"testing"

	"towline/migrations"
)

// corpus is a file that runs on an empty database, in the styles that people and tools write.
const corpus = "\uFEFF-- Migration number: 0001 \t 2026-01-01T00:00:00.000Z\r\n" + `
/* shop; first version */;
CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, "case " TEXT, [begin date] TEXT, ` + "`end;` TEXT" + `,
  name TEXT DEFAULT ';' CHECK (name <> 'BEGIN TRANSACTION;COMMIT;')) ;;
CREATE TABLE IF NOT EXISTS [a;b](x, y REFERENCES customers(id) ON DELETE CASCADE); CREATE INDEX "i;1" ON customers(name);
create trigger lower_case after insert on customers begin
  update customers set name = case when new.name is null then 'x;' else new.name end where id = new.id;
  insert into [a;b] values (1, new.id), (2, new.id); -- don't; stop
end -- done
;
CREATE TRIGGER IF NOT EXISTS comma UPDATE OF name ON customers FOR EACH ROW WHEN new.name = (CASE 1 WHEN 1 THEN 'END' END) BEGIN
  UPDATE [a;b] SET x = CASE WHEN x > 1 THEN 1 END, y = (CASE y WHEN 1 THEN NULL ELSE y END);
  /* ; END; */ SELECT 1 AS "end;";
END;
CREATE VIEW v AS SELECT 1 AS end, 'it''s; -- not' AS b, x'3b' AS c UNION SELECT 1.5e-3, '/*', '' /* ; */;
CREATE TRIGGER on_view INSTEAD OF DELETE ON v BEGIN DELETE FROM customers WHERE id = old.end; END;
CREATE VIRTUAL TABLE f USING fts5(title, body, tokenize = 'porter ascii');
--> statement-breakpoint
INSERT INTO customers(name) VALUES ('a;'), ('"b'), ('BEGIN'), ('--'), (char(59) || ';');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) INSERT INTO f SELECT i, 'é;' FROM n;
EXPLAIN QUERY PLAN SELECT * FROM customers WHERE id->>'$.a' <> 1;
PRAGMA defer_foreign_keys=ON;
PRAGMA defer_foreign_keys(0);
DROP TRIGGER comma;DROP VIEW v;DELETE FROM customers;
/* the end; */ -- really;`

func TestSplitEndsEveryStatementWhereSQLiteDoes(t *testing.T) {
	for _, c := range []struct{ name, sql string }{
		{"LF", strings.ReplaceAll(corpus, "\r\n", "\n")},
		{"CRLF", strings.ReplaceAll(strings.ReplaceAll(corpus, "\r\n", "\n"), "\n", "\r\n")},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := migrations.Split("corpus", []byte(c.sql))
			if err != nil {
				t.Fatal(err)
			}
			d := openDatabase(t)
			seen := 0
			for rest := c.sql; rest != ""; {
				stmt, tail, err := d.c.Prepare(rest)
				if err != nil {
					t.Fatalf("%q: %v", rest, err)
				}
				from, to := len(c.sql)-len(rest), len(c.sql)-len(tail)
				if stmt != nil {
					if err := stmt.Exec(); err != nil {
						t.Fatal(err)
					}
					stmt.Close()
					if seen == len(list) {
						t.Fatalf("SQLite sees one statement more: %q", c.sql[from:to])
					}
					s := list[seen]
					seen++
					if s.Offset < from || s.Offset+len(s.SQL) >= to || c.sql[to-1] != ';' {
						t.Errorf("SQLite takes %q, Split %q", c.sql[from:to], s.SQL)
					}
				}
				rest = tail
			}
			if seen != len(list) {
				t.Errorf("SQLite sees %d statements, Split %d", seen, len(list))
			}
		})
	}
}

func TestSQLiteTakesEveryStatementOfSplitAsExactlyOne(t *testing.T) {
	for _, send := range []struct {
		name string
		text func(migrations.Statement) string
	}{
		{"as written", func(s migrations.Statement) string { return s.SQL }},
		{"in canonical form", migrations.Canonical},
	} {
		t.Run(send.name, func(t *testing.T) {
			list, err := migrations.Split("corpus", []byte(corpus))
			if err != nil {
				t.Fatal(err)
			}
			d := openDatabase(t)
			for _, s := range list {
				stmt, tail, err := d.c.Prepare(send.text(s))
				if err != nil {
					t.Fatalf("%d:%d: %v", s.Line, s.Col, err)
				}
				if tail != "" || stmt == nil {
					t.Errorf("%q is not exactly one statement", send.text(s))
				}
				if err := stmt.Exec(); err != nil {
					t.Fatal(err)
				}
				stmt.Close()
			}
		})
	}
}
