package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

func indexRules() []rule { return slices.Concat(indexOnlyRules(), sizeRules()) }

// indexOnlyRules are about indexes and the plans that need them.
func indexOnlyRules() []rule {
	const docs = "CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT);\nCREATE VIRTUAL TABLE docs_fts USING fts5(body, content='docs', content_rowid='id');\n" +
		"CREATE TRIGGER docs_ai AFTER INSERT ON docs BEGIN INSERT INTO docs_fts(rowid, body) VALUES (new.id, new.body); END;\n-- then\n" +
		"CREATE TABLE docs_new(id INTEGER PRIMARY KEY, body TEXT NOT NULL);\nINSERT INTO docs_new(id, body) SELECT id, body FROM docs;\nDROP TABLE docs;\nALTER TABLE docs_new RENAME TO docs;"
	return []rule{
		{Rule{
			Code: "D1-IDX01", Name: "fts-desync", Group: groupIndexes, Severity: Error,
			Summary: "The content table of an FTS5 index is rebuilt, or loses the triggers that keep the index up to date.",
			Why:     "Triggers go with the table that is dropped. From then on searches answer with what the table held before, and nothing says so.",
			Do:      "Make the triggers again, then INSERT INTO the_index(the_index) VALUES ('rebuild').",
			Bad:     docs,
			Good: docs + "\nCREATE TRIGGER docs_ai AFTER INSERT ON docs BEGIN INSERT INTO docs_fts(rowid, body) VALUES (new.id, new.body); END;\n" +
				"INSERT INTO docs_fts(docs_fts) VALUES ('rebuild');",
			Source: "SQLite FTS5 Extension, 4.4.3 External Content Tables",
		}, searchFallsBehind},
		{Rule{
			Code: "D1-IDX02", Name: "if-not-exists-mask", Group: groupIndexes, Severity: Error,
			Summary: "CREATE ... IF NOT EXISTS where the object exists with another definition.",
			Why:     "Nothing happens, and nothing says so: the columns or the index that the file asks for are not there, and a later statement fails, or a query that relies on them.",
			Do:      "Change the object that is there: ALTER TABLE ADD COLUMN, DROP INDEX and CREATE INDEX, or a rebuild.",
			Bad:     "CREATE TABLE t(x INTEGER);\n-- then\nCREATE TABLE IF NOT EXISTS t(x INTEGER, y INTEGER);",
			Good:    "CREATE TABLE t(x INTEGER);\n-- then\nALTER TABLE t ADD COLUMN y INTEGER;",
			Source:  "CREATE TABLE, sqlite.org",
		}, maskedDefinition},
		{Rule{
			Code: "D1-IDX03", Name: "plan-regression", Group: groupIndexes, Severity: Error,
			Summary:   "One of the project's own queries gets a worse plan: SEARCH becomes SCAN, an index is lost, rows have to be sorted.",
			Why:       "D1 bills every row that is read, and a query that reads the whole table keeps all others waiting.",
			Do:        "Keep the index, or make one that serves the query as well before the old one goes.",
			BadFiles:  "The project's queries have SELECT * FROM orders WHERE user_id = ?1, and the migration has\n\n    DROP INDEX orders_user;",
			GoodFiles: "    CREATE INDEX orders_user_day ON orders(user_id, day);\n    DROP INDEX orders_user;",
			Source:    "EXPLAIN QUERY PLAN, sqlite.org; Pricing, D1 docs",
		}, worsePlans},
	}
}

// sizeRules are about how much there is to do.
func sizeRules() []rule {
	return []rule{
		{Rule{
			Code: "D1-BIG01", Name: "budget", Group: groupIndexes, Severity: Warning,
			Summary:   "A release that is likely to take long or to write very many rows. An error where D1's 30 seconds are likely to be passed.",
			Why:       "D1 allows a call 30 seconds, the whole release included, and serves no one else meanwhile. Per row of the table a CREATE INDEX reads two and writes one, a DROP COLUMN or an UPDATE reads and writes one.",
			Do:        "Do it in a quiet hour, in parts: rows in a backfill, a column by a new table and a later switch. ADD COLUMN with a constant default writes one row in all.",
			BadFiles:  "orders has 20 million rows, and the migration has\n\n    CREATE INDEX orders_day ON orders(day);",
			GoodFiles: "    ALTER TABLE orders ADD COLUMN day TEXT NOT NULL DEFAULT '';",
			Source:    "Limits, D1 docs",
		}, overBudget},
		{Rule{
			Code: "D1-BF01", Name: "unbatched-backfill", Group: groupIndexes, Severity: Error,
			Summary: "An UPDATE, DELETE or INSERT ... SELECT that goes through more than 10,000 existing rows at once. A warning where the number of rows is not known.",
			Why:     "A D1 database carries out one statement at a time, so everybody waits until this one is done.",
			Do:      "Put the statement into a file of its own as a backfill, which Towline carries out a few hundred rows at a time.",
			Bad:     "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, email_lower TEXT);\n-- then\nUPDATE users SET email_lower = lower(email);",
			Good: "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, email_lower TEXT);\n-- then\n-- towline:backfill name=users_email_lower table=users key=id\n" +
				"--   count: SELECT count(*) FROM users WHERE email_lower IS NULL AND email IS NOT NULL\n" +
				"--   done:  SELECT NOT EXISTS (SELECT 1 FROM users WHERE email_lower IS NULL AND email IS NOT NULL)\n" +
				"UPDATE users SET email_lower = lower(email)\n WHERE email_lower IS NULL AND email IS NOT NULL\n   /* :window */;\n-- towline:end",
			Source: "Limits, D1 docs",
		}, unbatched},
		{Rule{
			Code: "D1-BF02", Name: "backfill-plan", Group: groupIndexes, Severity: Error,
			Summary: "A backfill that must not run: its block cannot be read, its key is not unique, its statement would do a row twice, or a window of it would read the whole table.",
			Why:     "(?1 IS NULL OR id > ?1) loses its lower bound and LIMIT n ... WHERE col IS NULL scans: the work grows with the square of the rows.",
			Do:      "Cut the windows by a unique, indexed key, and give the statement a WHERE that is false once a row is done.",
			Bad: "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, email_lower TEXT);\n-- then\n-- towline:backfill name=users_email_lower table=users key=email\n" +
				"--   count: SELECT count(*) FROM users WHERE email_lower IS NULL AND email IS NOT NULL\n" +
				"--   done:  SELECT NOT EXISTS (SELECT 1 FROM users WHERE email_lower IS NULL AND email IS NOT NULL)\n" +
				"UPDATE users SET email_lower = lower(email)\n WHERE email_lower IS NULL AND email IS NOT NULL\n   /* :window */;\n-- towline:end",
			Good: "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, email_lower TEXT);\n-- then\n-- towline:backfill name=users_email_lower table=users key=id\n" +
				"--   count: SELECT count(*) FROM users WHERE email_lower IS NULL AND email IS NOT NULL\n" +
				"--   done:  SELECT NOT EXISTS (SELECT 1 FROM users WHERE email_lower IS NULL AND email IS NOT NULL)\n" +
				"UPDATE users SET email_lower = lower(email)\n WHERE email_lower IS NULL AND email IS NOT NULL\n   /* :window */;\n-- towline:end",
			Source: "EXPLAIN QUERY PLAN, sqlite.org",
		}, backfillPlan},
	}
}

// search is an FTS5 index over a table.
type search struct {
	name    string
	content string // the table
	key     string // its column with the rowid; empty: the rowid itself
}

// searches are the external-content indexes of a schema.
func searches(sc *schema) []search {
	var list []search
	for _, o := range sc.objects {
		if o.Type != "table" || !strings.HasPrefix(o.SQL, "CREATE VIRTUAL TABLE ") { // as SQLite keeps it, however it was written
			continue
		}
		tokens := meaning(o.SQL)
		x := search{name: o.Name}
		for i, t := range tokens {
			if i+2 >= len(tokens) || tokens[i+1].Text(o.SQL) != "=" {
				continue
			}
			value := migrations.Unquote(tokens[i+2].Text(o.SQL))
			switch fold(t.Text(o.SQL)) {
			case "content":
				x.content = value
			case "content_rowid":
				x.key = value
			}
		}
		if x.content != "" && slices.ContainsFunc(tokens, func(t migrations.Token) bool { return t.Is(o.SQL, "FTS5") }) {
			list = append(list, x)
		}
	}
	return list
}

func searchFallsBehind(w *walk) []Finding {
	var list []Finding
	for _, f := range w.files {
		if f.before == f.after {
			continue
		}
		for _, x := range searches(f.before) {
			if !f.after.has(x.name) || !f.after.has(x.content) {
				continue
			}
			if finding, ok := w.behind(f, x); ok {
				list = append(list, finding)
			}
		}
	}
	return list
}

// behind says how a file leaves a search index behind its table.
func (w *walk) behind(f *file, x search) (Finding, bool) {
	var lost []string
	var again []string
	for _, o := range feeding(f.before, x) {
		if _, ok := f.after.object("trigger", o.Name); !ok {
			lost, again = append(lost, o.Name), append(again, o.SQL+";")
		}
	}
	if len(feeding(f.after, x)) >= len(feeding(f.before, x)) {
		lost = nil // replaced by others
	}
	drop, refreshed, refilled := f.remade(x)
	rebuild := fmt.Sprintf("INSERT INTO %s(%s) VALUES ('rebuild');", migrations.QuoteName(x.name), migrations.QuoteName(x.name))
	at := drop
	for _, s := range f.steps {
		for _, a := range s.actions {
			if at == nil && a.Kind == sqlite.DropTrigger && slices.ContainsFunc(lost, func(n string) bool { return same(n, a.Arg3) }) {
				at = s
			}
		}
	}
	if at == nil {
		return Finding{}, false
	}
	finding := at.at()
	finding.Table = x.content
	switch {
	case len(lost) > 0:
		finding.Text = fmt.Sprintf("%s loses %s, which keeps the search index %s up to date: it goes stale from the next write on, and nothing says so.",
			x.content, strings.Join(lost, ", "), x.name)
		finding.Advice = "Make the triggers again, then refresh the index."
		finding.Rewrite = strings.Join(append(again, rebuild), "\n")
	case drop != nil && !refreshed && (refilled || !w.keepsRowIDs(f, x)):
		finding.Text = fmt.Sprintf("%s is rebuilt, and the search index %s is not: its entries lead to other rows, or stand twice.", x.content, x.name)
		finding.Advice = "Refresh the index behind the rebuild."
		finding.Rewrite = rebuild
	default:
		return Finding{}, false
	}
	return finding, true
}

// feeding are the triggers of the content table that write to the index.
func feeding(sc *schema, x search) []migrations.Object {
	return slices.DeleteFunc(sc.of("trigger", x.content), func(o migrations.Object) bool {
		return !slices.ContainsFunc(meaning(o.SQL), func(t migrations.Token) bool { return same(migrations.Unquote(t.Text(o.SQL)), x.name) })
	})
}

// remade returns the step that drops the content table, whether the index is refreshed behind it, and whether rows are filled in while
// triggers feed the index already, so that entries stand twice.
func (f *file) remade(x search) (drop *step, refreshed, refilled bool) {
	for _, s := range f.steps {
		switch {
		case same(s.drops(), x.content):
			drop, refreshed, refilled = s, false, false
		case drop != nil && same(s.fills(), x.content) && len(feeding(s.before, x)) > 0:
			refilled = true
		case drop != nil && same(s.fills(), x.name) && strings.Contains(fold(s.SQL), "'rebuild'"):
			refreshed = true
		}
	}
	return drop, refreshed, refilled
}

// keepsRowIDs reports whether the rows of the content table have the same rowids before and after the file.
func (w *walk) keepsRowIDs(f *file, x search) bool {
	was, is := w.shapes.table(f.before, x.content), w.shapes.table(f.after, x.content)
	return was != nil && is != nil && was.rowIDAlias() != "" && same(was.rowIDAlias(), is.rowIDAlias())
}

// scanned is a line of a plan that goes through a whole table; alone: by its rows, not by an index that covers the query.
var scanned = regexp.MustCompile(`^SCAN (\S+)`)

// worsePlans takes the word of the rehearsal.
func worsePlans(w *walk) []Finding {
	var list []Finding
	for _, p := range w.rehearsal.Plans {
		if !p.Worse {
			continue
		}
		s := w.blame(strings.Join(p.Before, "\n"))
		if s == nil {
			continue
		}
		x := s.at()
		x.Severity = Warning
		if len(p.After) == 0 || scans(p.After) > scans(p.Before) {
			x.Severity = Error
		}
		x.Text = fmt.Sprintf("The query %s gets worse: %s.", p.Name, strings.TrimSuffix(p.What, "."))
		x.Advice = "Keep the index, or make one that serves the query before it goes."
		list = append(list, x)
	}
	return list
}

func scans(plan []string) int {
	n := 0
	for _, line := range plan {
		if scanned.MatchString(strings.TrimSpace(line)) {
			n++
		}
	}
	return n
}

// blame is the statement that takes away what a plan named: an index or table that is dropped or altered. Failing that, it is the last
// that changes the schema.
func (w *walk) blame(plan string) *step {
	var last *step
	for _, s := range w.steps {
		if s.before == s.after {
			continue
		}
		last = s
		for _, a := range s.actions {
			switch a.Kind {
			case sqlite.DropIndex, sqlite.DropTable, sqlite.AlterTable:
				if hasWord(plan, a.Arg3) {
					return s
				}
			}
		}
	}
	if last == nil && len(w.steps) > 0 {
		last = w.steps[len(w.steps)-1]
	}
	return last
}

// hasWord reports whether a name stands in a text, with no letter or digit around it.
func hasWord(text, name string) bool {
	text, name = fold(text), fold(name)
	for from := 0; name != ""; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(name)
		if (i == 0 || !wordByte(text[i-1])) && (end == len(text) || !wordByte(text[end])) {
			return true
		}
		from = i + 1
	}
	return false
}

func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}
