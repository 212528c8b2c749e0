package migrations_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
)

const simpleTrigger = "CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET a = 1; DELETE FROM u; END"

type splitCase struct {
	name, sql string
	want      []string
}

func splitCases() []splitCase {
	return []splitCase{
		{"nothing", "", nil},
		{"blanks and semicolons alone", " \n;; ;\t\r\n", nil},
		{"comments alone", "-- one; two\n/* three; */", nil},
		{"a byte order mark alone", "\uFEFF", nil},
		{"two statements", "SELECT 1;SELECT 2;", []string{"SELECT 1", "SELECT 2"}},
		{"a byte order mark in front", "\uFEFFSELECT 1;", []string{"SELECT 1"}},
		{"CRLF", "SELECT 1;\r\nSELECT\r\n2;\r\n", []string{"SELECT 1", "SELECT\r\n2"}},
		{"a comment tail", "SELECT 1; -- the end", []string{"SELECT 1"}},
		{"a block comment tail", "SELECT 1; /* the end */", []string{"SELECT 1"}},
		{"a comment before the semicolon is left out", "SELECT 1 -- all\n;", []string{"SELECT 1"}},
		{"a comment inside is kept", "SELECT /* ; */ 1;", []string{"SELECT /* ; */ 1"}},
		{"a semicolon in a string", "SELECT 'a;b';", []string{"SELECT 'a;b'"}},
		{"a semicolon in a comment", "SELECT 1 -- a;b\n+ 2;", []string{"SELECT 1 -- a;b\n+ 2"}},
		{"a quote in a comment", "-- don't\nSELECT 1; /* don't */ SELECT 2;", []string{"SELECT 1", "SELECT 2"}},
		{"a comment in a string", "SELECT '--', '/*';SELECT 2;", []string{"SELECT '--', '/*'", "SELECT 2"}},
		{"a doubled quote", "SELECT 'it''s;';SELECT 2;", []string{"SELECT 'it''s;'", "SELECT 2"}},
		{"a backslash escapes nothing", `SELECT '\';SELECT 2;`, []string{`SELECT '\'`, "SELECT 2"}},
		{"names in brackets", "CREATE TABLE [a;b](c);SELECT 2;", []string{"CREATE TABLE [a;b](c)", "SELECT 2"}},
		{"a column called begin date", "CREATE TABLE a([begin date]);SELECT 2;", []string{"CREATE TABLE a([begin date])", "SELECT 2"}},
		{"a table called case", `CREATE TABLE "case "(c);SELECT 2;`, []string{`CREATE TABLE "case "(c)`, "SELECT 2"}},
		{"a backquoted name", "SELECT `a;``b` FROM t;", []string{"SELECT `a;``b` FROM t"}},
		{"an alias called end", "SELECT 1 AS end;SELECT 2;", []string{"SELECT 1 AS end", "SELECT 2"}},
		{"a tag in dollars means nothing", "SELECT $tag$;SELECT 2;", []string{"SELECT $tag$", "SELECT 2"}},
		{"BEGIN TRANSACTION in a string", "INSERT INTO t VALUES('BEGIN TRANSACTION;COMMIT;');", []string{"INSERT INTO t VALUES('BEGIN TRANSACTION;COMMIT;')"}},
		{"BEGIN TRANSACTION in a comment", "-- BEGIN TRANSACTION;\nSELECT 1;", []string{"SELECT 1"}},
		{"a drizzle breakpoint", "SELECT 1;--> statement-breakpoint\nSELECT 2;", []string{"SELECT 1", "SELECT 2"}},
		{"a trigger", simpleTrigger + ";SELECT 2;", []string{simpleTrigger, "SELECT 2"}},
		{"a trigger in lower case", strings.ToLower(simpleTrigger) + ";select 2;", []string{strings.ToLower(simpleTrigger), "select 2"}},
		{"a trigger with CRLF", strings.ReplaceAll(simpleTrigger, " ", "\r\n") + ";", []string{strings.ReplaceAll(simpleTrigger, " ", "\r\n")}},
		{"a temporary trigger", "CREATE TEMP TRIGGER x INSERT ON t BEGIN SELECT 1; END;SELECT 2;", []string{"CREATE TEMP TRIGGER x INSERT ON t BEGIN SELECT 1; END", "SELECT 2"}},
		{"an explained trigger", "EXPLAIN QUERY PLAN CREATE TRIGGER x INSERT ON t BEGIN SELECT 1; END;", []string{"EXPLAIN QUERY PLAN CREATE TRIGGER x INSERT ON t BEGIN SELECT 1; END"}},
		{"a comment between CREATE and TRIGGER", "CREATE/**/TRIGGER x INSERT ON t BEGIN SELECT 1; END;", []string{"CREATE/**/TRIGGER x INSERT ON t BEGIN SELECT 1; END"}},
		{"a trigger whose END has a comment behind it", "CREATE TRIGGER x INSERT ON t BEGIN SELECT 1; END -- done\n;SELECT 2;", []string{"CREATE TRIGGER x INSERT ON t BEGIN SELECT 1; END", "SELECT 2"}},
		{"CASE in a trigger", "CREATE TRIGGER x INSERT ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; END;SELECT 2;", []string{"CREATE TRIGGER x INSERT ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; END", "SELECT 2"}},
		{"CASE in parentheses in a trigger", "CREATE TRIGGER x INSERT ON t BEGIN SELECT (CASE 1 WHEN 1 THEN 2 END); END;", []string{"CREATE TRIGGER x INSERT ON t BEGIN SELECT (CASE 1 WHEN 1 THEN 2 END); END"}},
		{"CASE before a comma in a trigger", "CREATE TRIGGER x INSERT ON t BEGIN UPDATE t SET a = CASE 1 WHEN 1 THEN 2 END, b = 1; END;", []string{"CREATE TRIGGER x INSERT ON t BEGIN UPDATE t SET a = CASE 1 WHEN 1 THEN 2 END, b = 1; END"}},
		{"an empty statement in a trigger", "CREATE TRIGGER x INSERT ON t BEGIN SELECT 1;/**/; END;", []string{"CREATE TRIGGER x INSERT ON t BEGIN SELECT 1;/**/; END"}},
		{"a bracket is not doubled", "SELECT 1 AS [a]];SELECT 2;", []string{"SELECT 1 AS [a]]", "SELECT 2"}},
		{"a table called trigger", "CREATE TABLE trigger(a);SELECT 2;", []string{"CREATE TABLE trigger(a)", "SELECT 2"}},
		{"letters beyond ASCII", "SELECT 'é' AS naïve;", []string{"SELECT 'é' AS naïve"}},
	}
}

func TestAFileIsSplitAsSQLiteSplitsIt(t *testing.T) {
	for _, c := range splitCases() {
		t.Run(c.name, func(t *testing.T) {
			list, err := migrations.Split("0001_x.sql", []byte(c.sql))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, s := range list {
				got = append(got, s.SQL)
				if s.Index != i+1 || s.File != "0001_x.sql" || !strings.HasPrefix(c.sql[s.Offset:], s.SQL) {
					t.Errorf("statement %d says it is %+v", i+1, s)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAStatementKnowsItsLineAndColumn(t *testing.T) {
	sql := "\uFEFFSELECT 1; SELECT 2;\r\n\r\n-- é\n  /* é */ SELECT 3;\n'é';"
	list, err := migrations.Split("f", []byte(sql))
	if err != nil {
		t.Fatal(err)
	}
	var got [][2]int
	for _, s := range list {
		got = append(got, [2]int{s.Line, s.Col})
	}
	if diff := cmp.Diff([][2]int{{1, 1}, {1, 11}, {4, 11}, {5, 1}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAFileThatCannotBeSplitIsRefusedWithItsPlace(t *testing.T) {
	long := "SELECT '" + strings.Repeat("x", migrations.MaxStatement) + "';"
	for _, c := range []struct {
		name, sql string
		line, col int
		reason    string
	}{
		{"no semicolon at the end", "SELECT 1;\nSELECT 2\n", 2, 9, "add ; here"},
		{"no semicolon before a comment tail", "SELECT 1 -- all\n", 1, 9, "add ; here"},
		{"no semicolon, in a file with CRLF", "SELECT 1;\r\nSELECT 2\r\n", 2, 9, "add ; here"},
		{"no semicolon behind a byte order mark", "\uFEFFSELECT 1", 1, 9, "add ; here"},
		{"a trigger without END", "SELECT 1;\n CREATE TRIGGER x INSERT ON t BEGIN SELECT 1;", 2, 2, "never closed: end it with END;"},
		{"a trigger whose END lacks the semicolon", "CREATE TRIGGER x INSERT ON t BEGIN SELECT 1; END\n", 1, 1, "END;"},
		{"a trigger whose body lacks a semicolon", "CREATE TRIGGER x INSERT ON t BEGIN SELECT 1 END;\nSELECT 2;", 1, 1, "END;"},
		{"a comment that is never closed", "SELECT 1;\n\n  /* SELECT 2;", 3, 3, "comment is never closed"},
		{"a comment that only seems to be closed", "SELECT 1;/*/", 1, 10, "comment is never closed"},
		{"a string that is never closed", "SELECT 1;\nSELECT 'it''s;", 2, 8, "string is never closed"},
		{"a blob that is never closed", "SELECT x'00;", 1, 8, "string is never closed"},
		{"a name that is never closed", "SELECT \"a;", 1, 8, "name is never closed"},
		{"a backquote that is never closed", "SELECT `a;", 1, 8, "name is never closed"},
		{"a bracket that is never closed", "SELECT [a;", 1, 8, "bracket is never closed"},
		{"a NUL byte", "SELECT 1;\nSELECT '\x00';", 2, 9, "NUL"},
		{"bytes that are not UTF-8", "SELECT 1;\n-- caf\xe9\n", 2, 7, "not UTF-8"},
		{"UTF-16", "\xff\xfeS\x00", 1, 1, "UTF-16"},
		{"a byte order mark in the middle", "SELECT 1;\n\uFEFFSELECT 2;", 2, 1, "byte order mark"},
		{"a byte order mark inside a word", "SELECT a\uFEFFb;", 1, 8, "byte order mark"},
		{"a vertical tab between tokens", "SELECT\v1;", 1, 7, "control character"},
		{"BEGIN", "SELECT 1;\n  begin;", 2, 3, "D1 refuses BEGIN"},
		{"BEGIN TRANSACTION", "BEGIN TRANSACTION;SELECT 1;COMMIT;", 1, 1, "D1 refuses BEGIN"},
		{"COMMIT", "COMMIT;", 1, 1, "D1 refuses COMMIT"},
		{"END", "SELECT 1; END TRANSACTION;", 1, 11, "D1 refuses END"},
		{"ROLLBACK", "/* no */ ROLLBACK;", 1, 10, "D1 refuses ROLLBACK"},
		{"SAVEPOINT", "SAVEPOINT a;", 1, 1, "D1 refuses SAVEPOINT"},
		{"RELEASE", "RELEASE a;", 1, 1, "D1 refuses RELEASE"},
		{"a statement over D1's limit", "SELECT 1;\n" + long, 2, 1, "D1 takes 100000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := migrations.Split("0001_x.sql", []byte(c.sql))
			var refused *migrations.SyntaxError
			if !errors.As(err, &refused) {
				t.Fatalf("got %v and %d statements, wanted a *SyntaxError", err, len(list))
			}
			if list != nil {
				t.Errorf("half a file came back: %v", list)
			}
			if refused.File != "0001_x.sql" || refused.Line != c.line || refused.Col != c.col || !strings.Contains(refused.Reason, c.reason) {
				t.Errorf("got %v, wanted %d:%d and %q", err, c.line, c.col, c.reason)
			}
		})
	}
}

func TestAStatementOfExactlyTheLimitPasses(t *testing.T) {
	sql := "SELECT '" + strings.Repeat("x", migrations.MaxStatement-len("SELECT '';")) + "';"
	if list, err := migrations.Split("f", []byte(sql)); err != nil || len(list) != 1 {
		t.Errorf("got %d statements, %v", len(list), err)
	}
	if _, err := migrations.Split("f", []byte(strings.Replace(sql, "x", "xx", 1))); err == nil {
		t.Error("one byte more passed too")
	}
}
