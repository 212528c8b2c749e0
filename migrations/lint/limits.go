package lint

import (
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
)

// The limits of D1 that a statement can meet ("Limits", D1 docs; the rest from the sqlite3_limit calls of workerd's util/sqlite.c++).
const (
	maxPattern = 50 // bytes of a LIKE or GLOB pattern
	maxLevels  = 10 // triggers and foreign key actions that set each other off
)

func limitRules() []rule {
	return []rule{
		{Rule{
			Code: "D1-LIM01", Name: "statement-too-long", Group: groupLimits, Severity: Error,
			Summary:   "A statement of more than 100,000 bytes, its semicolon included.",
			Why:       "D1 refuses it (\"statement too long: SQLITE_TOOBIG\"), and the release with it. A local SQLite takes it.",
			Do:        "Split it, for instance into an INSERT for every few hundred rows.",
			BadFiles:  "    INSERT INTO cities VALUES (...), (...), ...;    of 101 KB",
			GoodFiles: "    two of them, of 51 KB each",
			Source:    "Limits, D1 docs",
		}, statementTooLong},
		{Rule{
			Code: "D1-LIM02", Name: "limits", Group: groupLimits, Severity: Error,
			Summary: "More than D1 allows: 100 columns, 5 terms of a compound SELECT, 50 bytes of a LIKE pattern, an expression of depth 100, 10 levels of triggers and cascades, 2 MB in a row.",
			Why:     "D1 refuses it, a local SQLite does not. A LIKE pattern that is too long fails only once a row is compared, and a chain of cascades only when a row at its top is deleted.",
			Do:      "Stay below the limit: VALUES takes any number of rows where UNION ALL takes five, instr() has no limit where LIKE has, and a long chain of cascades can be cut by a DELETE of one's own.",
			Bad:     "CREATE TABLE numbers(n INTEGER);\n-- then\nINSERT INTO numbers(n) SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6;",
			Good:    "CREATE TABLE numbers(n INTEGER);\n-- then\nINSERT INTO numbers(n) VALUES (1), (2), (3), (4), (5), (6);",
			Source:  "Limits, D1 docs; workerd, src/workerd/util/sqlite.c++",
		}, overLimits},
		{Rule{
			Code: "D1-AUTH01", Name: "forbidden", Group: groupLimits, Severity: Error,
			Summary: "What D1 does not let anybody do: temporary objects, ATTACH, VACUUM, transactions of one's own, most pragmas, functions and modules outside its list, names that begin with _cf_.",
			Why:     "D1 answers \"not authorized\" and undoes the release. A local sqlite3 shell carries it out.",
			Do:      "Leave the statement out, or say it with what D1 has. A migration runs in a transaction anyway.",
			Bad:     "CREATE TABLE orders(id INTEGER PRIMARY KEY);\n-- then\nPRAGMA user_version = 3;",
			Good:    "CREATE TABLE orders(id INTEGER PRIMARY KEY);\n-- then\nPRAGMA quick_check;",
			Source:  "cloudflare/workerd#5411, cloudflare/cloudflare-docs#26842; workerd, src/workerd/util/sqlite.c++",
		}, forbidden},
		{Rule{
			Code: "D1-AUTH02", Name: "new-alter", Group: groupLimits, Severity: Error,
			Summary: "The forms of ALTER TABLE that SQLite has had since 3.53: ADD CONSTRAINT, DROP CONSTRAINT, ALTER COLUMN ... SET or DROP NOT NULL.",
			Why:     "D1 refuses them, the newest build with \"not authorized to use function: sqlite_fail\", older ones with a syntax error. A recent local SQLite carries them out.",
			Do:      "Rebuild the table with guard triggers on its children.",
			Bad:     "CREATE TABLE orders(id INTEGER PRIMARY KEY, total INTEGER);\n-- then\nALTER TABLE orders ADD CONSTRAINT positive CHECK (total > 0);",
			Good: "CREATE TABLE orders(id INTEGER PRIMARY KEY, total INTEGER);\n-- then\nCREATE TABLE orders_new(id INTEGER PRIMARY KEY, total INTEGER CHECK (total > 0));\n" +
				"INSERT INTO orders_new(id, total) SELECT id, total FROM orders;\nDROP TABLE orders;\nALTER TABLE orders_new RENAME TO orders;",
			Source: "ALTER TABLE, sqlite.org; workerd, src/workerd/util/sqlite.c++",
		}, newAlter},
		{Rule{
			Code: "D1-SPL01", Name: "remote-splitter", Group: groupLimits, Severity: Warning,
			Summary: "A trigger that the splitter behind D1's REST interface is known to take apart in the wrong place: begin or end in lower case, lines that end in CRLF, a CASE in the body, a name in brackets that begins with begin.",
			Why:     "The request fails with \"incomplete input: SQLITE_ERROR\". Local D1 takes the same file. Towline mends the case of words and the ends of lines when it sends a trigger; wrangler does not, and nobody mends a CASE.",
			Do:      "Write BEGIN and END in upper case, end lines in LF, and say in a WHERE or iif() what a CASE would say.",
			Bad:     "CREATE TABLE t(id INTEGER PRIMARY KEY, b INTEGER);\n-- then\ncreate trigger g after insert on t begin update t set b = 1; end;",
			Good:    "CREATE TABLE t(id INTEGER PRIMARY KEY, b INTEGER);\n-- then\nCREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET b = 1; END;",
			Source:  "cloudflare/workers-sdk#10998, #15314, #14991, #15163, #15234, #4326, #4727, #2463",
		}, remoteSplitter},
		{Rule{
			Code: "D1-SPL02", Name: "file-tail", Group: groupLimits, Severity: Error,
			Summary: "A file that does not end as a file must: no semicolon behind the last statement, a comment, quote or bracket that is never closed; or the words BEGIN TRANSACTION where wrangler would cut them out.",
			Why:     "wrangler glues the ledger's row to the end of the file. Without a semicolon that is a syntax error; behind an open comment the row is swallowed, so that the file is applied and never recorded.",
			Do:      "Close what is open and end the file with a semicolon.",
			Bad:     "CREATE TABLE u(x)",
			Good:    "CREATE TABLE u(x);\n-- done",
			Source:  "wrangler, packages/wrangler/src/d1 (migrations/helpers.ts, trimmer.ts)",
		}, fileTail},
	}
}

func statementTooLong(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		if n := len(s.SQL) + 1; n > migrations.MaxStatement {
			x := s.at()
			x.Text = fmt.Sprintf("This statement has %d bytes with its semicolon; D1 refuses more than %d, and the release with it.", n, migrations.MaxStatement)
			x.Advice = "Split it into several statements."
			list = append(list, x)
		}
	}
	return list
}

func overLimits(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		x := s.at()
		switch {
		case len(s.SQL)+1 > migrations.MaxStatement:
		case s.err != nil && exceeded(s.err.Message) != "":
			x.Text = "D1 refuses this statement: " + s.err.Message + "."
			x.Advice = exceeded(s.err.Message)
			list = append(list, x)
		case s.longPattern() != 0:
			x.Text = fmt.Sprintf("The pattern has %d bytes; D1 takes %d of LIKE and GLOB, and fails with \"LIKE or GLOB pattern too complex\" as soon as a row is compared.",
				s.longPattern(), maxPattern)
			x.Advice = "Use instr(), or a shorter pattern."
			list = append(list, x)
		}
	}
	return append(list, deepCascades(w)...)
}

// exceeded is what to do about the limit that SQLite names in a message; empty: it names none. SQLite has one code for all of them.
func exceeded(message string) string {
	for _, limit := range []struct{ says, advice string }{
		{"too many columns", "Keep to 100 columns: put the rarely used ones into a table of their own."},
		{"too many terms in", "Use VALUES, which takes any number of rows, or several statements."},
		{"pattern too complex", "Use instr(), or a shorter pattern."},
		{"Expression tree is too large", "Use IN (...) or a table in place of a long chain of AND, OR or ||."},
		{"too many levels of trigger", "Shorten the chain of triggers and foreign keys."},
		{"too many arguments on function", "Pass at most 127 arguments."},
		{"string or blob too big", "Keep a row below 2 MB."},
	} {
		if strings.Contains(message, limit.says) {
			return limit.advice
		}
	}
	return ""
}

// longPattern is the length of the first text behind LIKE or GLOB that is longer than D1 takes, 0 if there is none.
func (s *step) longPattern() int {
	for i, t := range s.tokens {
		if !t.Is(s.SQL, "LIKE", "GLOB") || i+1 == len(s.tokens) {
			continue
		}
		next := s.tokens[i+1]
		if next.Kind == migrations.TokenQuoted && s.SQL[next.Start] == '\'' {
			if n := len(migrations.Unquote(next.Text(s.SQL))); n > maxPattern {
				return n
			}
		}
	}
	return 0
}

// deepCascades finds the statement with which a chain of foreign key actions becomes longer than D1 carries out.
func deepCascades(w *walk) []Finding {
	var list []Finding
	for _, f := range w.files {
		if f.before == f.after || !slices.ContainsFunc(f.steps, func(s *step) bool { return s.word("REFERENCES") }) {
			continue
		}
		if len(cascades(w, f.after)) <= maxLevels+1 {
			continue
		}
		longest := cascades(w, f.before)
		for _, s := range f.steps {
			if s.before == s.after {
				continue
			}
			is := cascades(w, s.after)
			if len(is) > maxLevels+1 && len(is) > len(longest) {
				x := s.at()
				x.Table = is[0]
				x.Text = fmt.Sprintf("Deleting a row of %s sets off %d levels of foreign key actions, down to %s; D1 carries out %d and refuses the DELETE.",
					is[0], len(is)-1, is[len(is)-1], maxLevels)
				x.Advice = "Break the chain: leave one of the actions out and delete those rows with a statement of your own."
				list = append(list, x)
				break
			}
		}
	}
	return list
}

// cascades is the longest chain of tables in which deleting a row of each deletes rows of the next, the last of which may also change.
func cascades(w *walk, sc *schema) []string {
	below := make(map[string][]string)   // by parent: whose rows go
	changed := make(map[string][]string) // by parent: whose rows change
	for _, o := range sc.objects {
		if o.Type != "table" {
			continue
		}
		for _, k := range w.shapes.keys(o) {
			switch {
			case same(k.parent, o.Name):
			case k.onDelete == "CASCADE":
				below[fold(k.parent)] = append(below[fold(k.parent)], o.Name)
			case k.onDelete == "SET NULL" || k.onDelete == "SET DEFAULT":
				changed[fold(k.parent)] = append(changed[fold(k.parent)], o.Name)
			}
		}
	}
	longest := make(map[string][]string)
	var chain func(name string, above map[string]bool) []string
	chain = func(name string, above map[string]bool) []string {
		key := fold(name)
		if best, ok := longest[key]; ok {
			return best
		}
		above[key] = true
		var best []string
		for _, name := range below[key] {
			if !above[fold(name)] {
				if rest := chain(name, above); len(rest) > len(best) {
					best = rest
				}
			}
		}
		if len(best) == 0 && len(changed[key]) > 0 {
			best = changed[key][:1]
		}
		delete(above, key)
		longest[key] = append([]string{name}, best...)
		return longest[key]
	}
	var best []string
	for _, o := range sc.objects {
		if o.Type == "table" {
			if c := chain(o.Name, make(map[string]bool)); len(c) > len(best) {
				best = c
			}
		}
	}
	return best
}
