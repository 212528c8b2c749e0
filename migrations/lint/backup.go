package lint

import (
	"fmt"
	"strconv"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

func backupRules() []rule {
	return []rule{
		{Rule{
			Code: "D1-BAK01", Name: "backup-not-restorable", Group: groupBackup, Severity: Warning,
			Summary: "Something that D1's export leaves out, refuses or changes: virtual tables such as FTS5, INSTEAD OF triggers, integers beyond 2^53.",
			Why:     "With a virtual table the export refuses the whole database. An INSTEAD OF trigger comes before its view in the dump, which then cannot be restored. An integer beyond 2^53 comes back as a neighbour: 9007199254740993 as ...992.",
			Do:      "Let Towline keep the backups: it copies such a database table by table, and restores each copy to prove it. Keep large integers as TEXT.",
			Bad:     "CREATE VIEW open_orders AS SELECT 1 AS id;\nCREATE TRIGGER open_orders_ii INSTEAD OF INSERT ON open_orders BEGIN SELECT 1; END;",
			Good:    "CREATE VIEW open_orders AS SELECT 1 AS id;",
			Source:  "Import and export data, D1 docs; miniflare, src/workers/d1/dumpSql.ts",
		}, notRestorable},
		{Rule{
			Code: "D1-TRG01", Name: "trigger-changes-meta", Group: groupBackup, Severity: Info,
			Summary: "A new trigger on a table that exists, which is still there after the file.",
			Why:     "meta.changes and rows_written of every write count the trigger's work too: an UPDATE of 100 rows says 200. Code that takes meta.changes for the number of rows it wrote is wrong from then on.",
			Do:      "Look for meta.changes in the app.",
			Bad:     "CREATE TABLE orders(id INTEGER PRIMARY KEY, n INTEGER);\nCREATE TABLE log(id INTEGER);\n-- then\nCREATE TRIGGER orders_au AFTER UPDATE ON orders BEGIN INSERT INTO log VALUES (new.id); END;",
			Good:    "CREATE TABLE log(id INTEGER);\n-- then\nCREATE TABLE orders(id INTEGER PRIMARY KEY, n INTEGER);\nCREATE TRIGGER orders_au AFTER UPDATE ON orders BEGIN INSERT INTO log VALUES (new.id); END;",
			Source:  "Return objects, D1 docs",
		}, countsMore},
	}
}

// maxExact is the largest integer up to which JavaScript, which writes D1's exports, knows every one.
const maxExact = 1 << 53

func notRestorable(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		if s.err != nil {
			continue
		}
		x := s.at()
		x.Advice = "Let Towline keep the backups, or take none but Time Travel's."
		switch {
		case s.makes(sqlite.CreateVTable) != "":
			x.Table = s.makes(sqlite.CreateVTable)
			x.Text = fmt.Sprintf("With the virtual table %s, D1's export refuses the whole database.", x.Table)
		case s.makesInsteadOf() != "":
			x.Table = s.makesInsteadOf()
			x.Text = fmt.Sprintf("D1's export writes an INSTEAD OF trigger before its view %s, so that the dump cannot be restored as it is.", x.Table)
		case s.largeInteger() != "":
			x.Table = s.fills()
			x.Text = fmt.Sprintf("D1's export, and the app, read %s as a neighbouring number: integers beyond 2^53 are not exact in JavaScript.", s.largeInteger())
			x.Advice = "Keep it as TEXT."
		default:
			continue
		}
		list = append(list, x)
	}
	return list
}

// makes is the first thing that a statement makes of a kind, in a schema that it changes.
func (s *step) makes(kind sqlite.ActionKind) string {
	if s.before == s.after {
		return ""
	}
	for _, a := range s.actions {
		if a.Kind == kind && a.Inner == "" {
			return a.Arg3
		}
	}
	return ""
}

// makesInsteadOf is the view on which a statement makes an INSTEAD OF trigger.
func (s *step) makesInsteadOf() string {
	if s.before == s.after || s.makes(sqlite.CreateTrigger) == "" {
		return ""
	}
	body := s.triggerBody()
	for i := 0; i+1 < body; i++ {
		if s.tokens[i].Is(s.SQL, "INSTEAD") && s.tokens[i+1].Is(s.SQL, "OF") {
			return s.touched()
		}
	}
	return ""
}

// largeInteger is a number in an INSERT or UPDATE that is not exact in JavaScript.
func (s *step) largeInteger() string {
	if len(s.tokens) == 0 || !s.tokens[0].Is(s.SQL, "INSERT", "REPLACE", "UPDATE") {
		return ""
	}
	for _, t := range s.tokens {
		if t.Kind != migrations.TokenNumber {
			continue
		}
		text := t.Text(s.SQL)
		if n, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, 64); err == nil && n > maxExact {
			return text
		}
	}
	return ""
}

func countsMore(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		trigger := s.makes(sqlite.CreateTrigger)
		if trigger == "" || s.makesInsteadOf() != "" {
			continue
		}
		table := s.touched()
		if !w.first.has(table) || w.isNew(s, table) || had(w.first, trigger) || !had(s.file.after, trigger) {
			continue
		}
		x := s.at()
		x.Table = table
		x.Text = fmt.Sprintf("From now on meta.changes and rows_written of writes to %s count the work of %s too.", table, trigger)
		x.Advice = "Look for meta.changes in the app."
		list = append(list, x)
	}
	return list
}

// had reports whether a schema has a trigger.
func had(sc *schema, trigger string) bool {
	_, ok := sc.object("trigger", trigger)
	return ok
}
