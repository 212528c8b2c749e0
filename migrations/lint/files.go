package lint

import (
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

func fileRules() []rule { return slices.Concat(historyRules(), layoutRules(), contentRules()) }

// layoutRules are about what the reader of a layout notices.
func layoutRules() []rule {
	return []rule{
		{Rule{
			Code: "F-DOWN", Name: "down-in-up-glob", Group: groupFiles, Severity: Error,
			Summary:   "A DOWN file where wrangler looks for migrations.",
			Why:       "wrangler applies it as a migration, directly behind the one that it was to undo.",
			Do:        "Move it into the folder down, or out of the migrations folder.",
			BadFiles:  "    migrations/0001_users.sql\n    migrations/0001_users.down.sql",
			GoodFiles: "    migrations/0001_users.sql\n    migrations/down/0001_users.sql",
			Source:    "wrangler, packages/workers-utils/src/d1-migrations.ts",
		}, nil},
		{Rule{
			Code: "F-STRAY", Name: "down-without-up", Group: groupFiles, Severity: Error,
			Summary:   "A DOWN file whose migration is not there.",
			Why:       "It would never be carried out, and its migration has probably lost its way back by a rename.",
			Do:        "Give it the name of its migration, or remove it.",
			BadFiles:  "    migrations/0012_users.sql\n    migrations/down/0007_users.sql",
			GoodFiles: "    migrations/0012_users.sql\n    migrations/down/0012_users.sql",
			Source:    "Towline",
		}, nil},
		{Rule{
			Code: "F-JRN", Name: "journal-mismatch", Group: groupFiles, Severity: Error,
			Summary:   "Drizzle's journal or snapshots and the files do not agree.",
			Why:       "drizzle-orm applies what the journal lists, in the journal's order, and wrangler what lies in the folder: files are forgotten by one, or run out of order. The next drizzle-kit generate compares with a schema that is not the real one.",
			Do:        "Add the entry for each file, in order; `towline new` does for the files that it makes.",
			BadFiles:  "    drizzle/0000_first.sql\n    drizzle/0001_second.sql\n    drizzle/meta/_journal.json    which lists 0000_first alone",
			GoodFiles: "    drizzle/meta/_journal.json    which lists both, in this order",
			Source:    "drizzle-team/drizzle-orm, drizzle-orm/src/migrator.ts; colophon-group/jobseek#2795",
		}, nil},
		{Rule{
			Code: "F-CFG", Name: "config-misleads", Group: groupFiles, Severity: Warning,
			Summary:   "wrangler's config means something else than it seems to, or than Towline's; or a file that looks like a migration is passed over.",
			Why:       "wrangler and Towline would look at different folders or ledgers, and apply a migration twice; a file that the pattern does not take is never applied, and nobody says so.",
			Do:        "Name the same folder and the same table in both, and give files the names that the pattern takes.",
			BadFiles:  "    wrangler.jsonc has \"migrations_dir\": \"db\", and Towline's config has migrations: migrations",
			GoodFiles: "    Towline's config leaves migrations: out, so that wrangler's config says it",
			Source:    "Configuration, wrangler docs",
		}, nil},
	}
}

// contentRules are about what the statements of the files say of the ledger and of each other.
func contentRules() []rule {
	return []rule{
		{Rule{
			Code: "F-LEDGER", Name: "own-ledger", Group: groupFiles, Severity: Error,
			Summary: "A file that makes, changes or drops a table of bookkeeping: the ledger (d1_migrations, or what the config names), __towline_*, _cf_*, SQLite's own but for sqlite_sequence.",
			Why:     "The ledger's names are what every decision rests on. After a file that writes or drops some, migrations run twice or not at all; and CREATE TABLE d1_migrations fails, since wrangler has made it before.",
			Do:      "Leave these tables to the tools. What was left over from a dump can go out of the file.",
			Bad:     "CREATE TABLE d1_migrations(id INTEGER PRIMARY KEY, name TEXT);",
			Good:    "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT);\n-- then\nUPDATE sqlite_sequence SET seq = 41 WHERE name = 't';",
			Source:  "wrangler, packages/wrangler/src/d1/migrations/helpers.ts",
		}, ownLedger},
		{Rule{
			Code: "F-BASE", Name: "baseline-required", Group: groupFiles, Severity: Error,
			Summary: "A file needs a table that no migration makes.",
			Why:     "The table was made by hand, or by a file that is gone. A new preview database, or a local one, cannot be built from the files.",
			Do:      "Write the schema as it was before the first file into a file that sorts before it, and record it as applied: /baseline does both.",
			Bad:     "ALTER TABLE users ADD COLUMN nick TEXT;",
			Good:    "CREATE TABLE users(id INTEGER PRIMARY KEY);\n-- then\nALTER TABLE users ADD COLUMN nick TEXT;",
			Source:  "Towline",
		}, baselineRequired},
		{Rule{
			Code: "F-NODOWN", Name: "no-down", Group: groupFiles, Severity: Info,
			Summary:   "A migration without a DOWN file.",
			Why:       "/rollback then goes back by leaving the schema as it is, where that is possible, or by Time Travel, which loses what was written since.",
			Do:        "Write the way back into down/NAME, or into down.sql beside a migration.sql; `towline new` makes both files.",
			BadFiles:  "    migrations/0007_carts.sql",
			GoodFiles: "    migrations/0007_carts.sql\n    migrations/down/0007_carts.sql",
			Source:    "Towline",
		}, noDown},
	}
}

// ownLedger finds statements that touch tables of bookkeeping.
func ownLedger(w *walk) []Finding {
	ledger := w.in.LedgerTable
	if ledger == "" {
		ledger = migrations.DefaultLedger
	}
	var list []Finding
	for _, s := range w.steps {
		name := s.touched()
		if name == "" {
			continue
		}
		x := s.at()
		x.Table = name
		x.Advice = "Remove the statement: these tables belong to the tools."
		switch {
		case same(name, ledger):
			x.Text = fmt.Sprintf("This changes %s, the ledger of applied migrations, by which wrangler and Towline decide what to run.", name)
			if s.creates() {
				x.Text = fmt.Sprintf("This makes %s, the ledger of applied migrations, which wrangler and Towline make themselves before the first file: D1 answers that it exists already.", name)
			}
			if kind, _ := s.createsUnlessThere(); kind != "" {
				x.Severity = Warning
				x.Text = fmt.Sprintf("This asks for %s, the ledger of applied migrations, which is there already: nothing happens.", name)
			}
		case strings.HasPrefix(fold(name), "__towline_"):
			x.Text = fmt.Sprintf("This touches %s, in which Towline keeps where a backfill stands.", name)
		case strings.HasPrefix(fold(name), "_cf_"):
			x.Text = fmt.Sprintf("This touches %s; names that begin with _cf_ are Cloudflare's, and D1 refuses it.", name)
		case strings.HasPrefix(fold(name), "sqlite_") && !same(name, "sqlite_sequence"):
			x.Text = fmt.Sprintf("This writes to %s, which is SQLite's own.", name)
		default:
			continue
		}
		list = append(list, x)
	}
	return list
}

// creates reports whether the statement is a CREATE.
func (s *step) creates() bool { return len(s.tokens) > 0 && s.tokens[0].Is(s.SQL, "CREATE") }

// touched is the table that a statement makes, drops, alters or writes to, by its text: also of one that is refused or does nothing. It is
// empty for a statement that only reads.
func (s *step) touched() string {
	list := s.tokens
	if len(list) < 2 {
		return ""
	}
	switch {
	case list[0].Is(s.SQL, "CREATE"):
		if i := s.find(1, 4, "TABLE"); i > 0 {
			return s.nameAt(i + 1)
		}
		// An index or trigger counts by its table.
		if i := s.find(1, 4, "INDEX", "TRIGGER"); i > 0 {
			if on := s.find(i+2, len(list), "ON"); on > 0 {
				return s.nameAt(on + 1)
			}
		}
	case list[0].Is(s.SQL, "DROP", "ALTER"):
		if list[1].Is(s.SQL, "TABLE") {
			return s.nameAt(2)
		}
	case list[0].Is(s.SQL, "INSERT", "REPLACE"):
		if i := s.find(1, 5, "INTO"); i > 0 {
			return s.nameAt(i + 1)
		}
	case list[0].Is(s.SQL, "DELETE"):
		return s.nameAt(2)
	case list[0].Is(s.SQL, "UPDATE"):
		if list[1].Is(s.SQL, "OR") {
			return s.nameAt(3)
		}
		return s.nameAt(1)
	case list[0].Is(s.SQL, "WITH"):
		return firstOf(s.first(sqlite.Insert), s.deletesFrom(), s.updates())
	}
	return ""
}

func firstOf(names ...string) string {
	for _, n := range names {
		if n != "" {
			return n
		}
	}
	return ""
}

// find is the index of the first of some keywords among the tokens from on, before to; -1 if there is none.
func (s *step) find(from, to int, keywords ...string) int {
	for i := from; i < min(to, len(s.tokens)); i++ {
		if s.tokens[i].Is(s.SQL, keywords...) {
			return i
		}
	}
	return -1
}

// nameAt is the name that begins with a token, without IF [NOT] EXISTS, the schema and quotes.
func (s *step) nameAt(i int) string {
	for i < len(s.tokens) && s.tokens[i].Is(s.SQL, "IF", "NOT", "EXISTS") {
		i++
	}
	if i+2 < len(s.tokens) && s.tokens[i+1].Text(s.SQL) == "." {
		i += 2
	}
	if i >= len(s.tokens) {
		return ""
	}
	return migrations.Unquote(s.tokens[i].Text(s.SQL))
}

// baselineRequired finds statements that need a table which nothing makes.
func baselineRequired(w *walk) []Finding {
	if w.in.Target != nil {
		return nil
	}
	made := w.made()
	var list []Finding
	var missing []string
	for _, s := range w.steps {
		name := s.missingTable()
		if name == "" || made[fold(name)] {
			continue
		}
		if !slices.ContainsFunc(missing, func(m string) bool { return same(m, name) }) {
			missing = append(missing, name)
		}
		x := s.at()
		x.Table, x.Severity = name, Info
		x.Text = fmt.Sprintf("This needs %s too, which no migration makes.", name)
		x.Advice = "Write a baseline."
		list = append(list, x)
	}
	if len(list) == 0 {
		return nil
	}
	first := &list[0]
	first.Severity = Error
	if len(w.replay) > 0 {
		first.Severity = Warning // the files before say already that something was made by hand
	}
	verb := "is"
	if len(missing) > 1 {
		verb = "are"
	}
	first.Text = fmt.Sprintf("No migration makes %s, which %s needed here: the database cannot be built from these files alone.", strings.Join(missing, ", "), verb)
	first.Advice = "Write the schema from before these files into one that sorts before them, and record it as applied; in the chat, /baseline does both. Or check against the live schema: -schema FILE."
	return list
}

// missingTable is the table that a refused statement did not find.
func (s *step) missingTable() string {
	if s.err == nil {
		return ""
	}
	_, name, found := strings.Cut(s.err.Message, "no such table: ")
	if !found {
		return ""
	}
	name = strings.TrimPrefix(name, "main.")
	if strings.HasPrefix(fold(name), "sqlite_") || same(name, migrations.DefaultLedger) {
		return ""
	}
	return name
}

// made are the folded names of all tables and views that are there at any time, or that a statement would make if it ran.
func (w *walk) made() map[string]bool {
	names := make(map[string]bool)
	add := func(sc *schema) {
		for _, o := range sc.objects {
			if o.Type == "table" || o.Type == "view" {
				names[fold(o.Name)] = true
			}
		}
	}
	add(w.first)
	for _, s := range append(slices.Clone(w.steps), w.replay...) {
		if s.before != s.after && s.after != nil {
			add(s.after)
		}
		if s.err == nil {
			continue
		}
		if s.tokens == nil {
			s.tokens = meaning(s.SQL)
		}
		if i := s.find(1, 4, "TABLE", "VIEW"); i > 0 && s.creates() {
			names[fold(s.nameAt(i+1))] = true
		}
		if i := s.find(3, 7, "TO"); i > 0 && s.tokens[0].Is(s.SQL, "ALTER") {
			names[fold(s.nameAt(i+1))] = true
		}
	}
	return names
}

// noDown finds files without a way back. Where none of many has one, it says so once, unless the project asks for more than information.
func noDown(w *walk) []Finding {
	var list []Finding
	for _, f := range w.files {
		if f.WayBack() || len(f.steps) == 0 || slices.ContainsFunc(f.steps, func(s *step) bool { return s.backfill != nil }) {
			continue
		}
		x := f.at()
		x.Text = "There is no DOWN file: unless this migration only adds, going back to a release before it takes Time Travel, which takes back all rows written since."
		x.Advice = "Write the way back, or go back by Time Travel if it comes to that."
		if f.Down != nil {
			x.Text = "The DOWN file has no statement" + strings.TrimPrefix(x.Text, "There is no DOWN file")
			x.Advice = "Write the way back into it, or remove the file."
		}
		list = append(list, x)
	}
	s, set := w.o.Severity["F-NODOWN"]
	if len(list) > fewFiles && (!set || s == Info) {
		x := list[0]
		x.Text = fmt.Sprintf("%d of the %d checked files have no DOWN file, this one the first. Unless they only add, going back to a release before them takes Time Travel, which takes back all rows written since.", len(list), len(w.files))
		return []Finding{x}
	}
	return list
}

// fewFiles is up to how many files are named one by one.
const fewFiles = 3
