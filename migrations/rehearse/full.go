package rehearse

import (
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
)

// FullFingerprint is what can be told of a whole database by asking it once: compare one taken before a change with one
// taken after it ([FullFingerprint.Expect], [CompareFingerprints]).
type FullFingerprint struct {
	Objects []migrations.Object // its sqlite_master, without what SQLite and Cloudflare keep
	Indexes []string            // sorted: "users.users_email unique (email)"; those that constraints make are among them
	Rows    map[string]int64    // of each table by name, without virtual tables, their shadows and the ledger
	// Violations are rows whose foreign keys lead nowhere.
	Violations []Orphan
	// Damage is what quick_check says, if that is not "ok": corrupt pages, and rows that a CHECK or NOT NULL would not take.
	Damage []string
}

// countsPerQuery is how many tables one query counts: a result has at most 100 columns on D1.
const countsPerQuery = 50

// ownObjects leaves out what SQLite and Cloudflare keep.
const ownObjects = "lower(substr(name, 1, 7)) <> 'sqlite_' AND lower(substr(name, 1, 4)) <> '_cf_'"

// indexQuery lists the indexes, those that constraints make among them.
const indexQuery = `SELECT m.name AS tbl, l.name AS idx, l."unique" AS uniq, l.partial AS part, group_concat(coalesce(x.name, '(expression)'), ', ') AS cols
 FROM (SELECT name FROM sqlite_master WHERE type = 'table' AND ` + ownObjects + `) m, pragma_index_list(m.name) l, pragma_index_info(l.name) x
 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2`

// violationsQuery counts the rows whose foreign keys lead nowhere.
const violationsQuery = `SELECT "table" AS tbl, parent, count(*) AS n FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2`

// fixedQueries come before the counts.
const fixedQueries = 4

// FingerprintQueries are the statements that read a full fingerprint, to be sent as one batch so that they see one state.
// objects is the schema as it is at that time. They read every row of every table two or three times (count, quick_check,
// foreign_key_check), which D1 bills as rows read. The counts are named so that nobody takes them for an app's queries where Cloudflare lists
// what cost most.
func FingerprintQueries(objects []migrations.Object, ledgerTable string) []string {
	queries := []string{
		"SELECT type, name, tbl_name, coalesce(sql, '') AS sql FROM sqlite_master WHERE " + ownObjects + " ORDER BY rowid",
		indexQuery, violationsQuery, "PRAGMA quick_check(100)",
	}
	tables := countedTables(objects, ledgerTable)
	for len(tables) > 0 {
		n := min(len(tables), countsPerQuery)
		var counts []string
		for i, name := range tables[:n] {
			counts = append(counts, fmt.Sprintf("(SELECT count(*) FROM %s) AS __towline_c%d", quoteName(name), i))
		}
		queries = append(queries, "SELECT "+strings.Join(counts, ", "))
		tables = tables[n:]
	}
	return queries
}

// ReadFingerprint takes the answers to FingerprintQueries of the same objects: for each statement its rows, with the values
// in the order of its columns (nil, int64, float64 or string).
func ReadFingerprint(objects []migrations.Object, ledgerTable string, answers [][][]any) (FullFingerprint, error) {
	tables := countedTables(objects, ledgerTable)
	if want := fixedQueries + (len(tables)+countsPerQuery-1)/countsPerQuery; len(answers) != want {
		return FullFingerprint{}, fmt.Errorf("a fingerprint of %d answers, not %d", want, len(answers))
	}
	f := FullFingerprint{Rows: make(map[string]int64)}
	for _, row := range answers[0] {
		f.Objects = append(f.Objects, migrations.Object{Type: text(row[0]), Name: text(row[1]), Table: text(row[2]), SQL: text(row[3])})
	}
	f.Indexes = indexLines(answers[1], f.Objects)
	for _, row := range answers[2] {
		f.Violations = append(f.Violations, Orphan{Table: text(row[0]), Parent: text(row[1]), Rows: number(row[2])})
	}
	for _, row := range answers[3] {
		if len(row) > 0 && text(row[0]) != "ok" {
			f.Damage = append(f.Damage, text(row[0]))
		}
	}
	for i, name := range tables {
		answer := answers[fixedQueries+i/countsPerQuery]
		if len(answer) != 1 || len(answer[0]) <= i%countsPerQuery {
			return FullFingerprint{}, fmt.Errorf("no number of rows of %s", name)
		}
		f.Rows[name] = number(answer[0][i%countsPerQuery])
	}
	return f, nil
}

// indexLines writes the answer to indexQuery, without the indexes of shadow tables.
func indexLines(answer [][]any, objects []migrations.Object) []string {
	shadows := shadowTables(objects)
	var lines []string
	for _, row := range answer {
		if shadows[fold(text(row[0]))] {
			continue
		}
		line := text(row[0]) + "." + text(row[1])
		if number(row[2]) != 0 {
			line += " unique"
		}
		if number(row[3]) != 0 {
			line += " partial"
		}
		lines = append(lines, line+" ("+text(row[4])+")")
	}
	slices.Sort(lines)
	return lines
}

// countedTables are the tables whose rows a fingerprint counts, in the order of objects.
func countedTables(objects []migrations.Object, ledgerTable string) []string {
	shadows := shadowTables(objects)
	var names []string
	for _, o := range objects {
		if o.Type == "table" && !reserved(o.Name) && !o.Virtual() && !shadows[fold(o.Name)] && !sameName(o.Name, ledgerName(ledgerTable)) {
			names = append(names, o.Name)
		}
	}
	return names
}

// shadowTables are, by folded name, the tables in which virtual tables keep their content ("FTS5", 4.4; "R*Tree", 3).
func shadowTables(objects []migrations.Object) map[string]bool {
	shadows := make(map[string]bool)
	for _, o := range objects {
		if !o.Virtual() {
			continue
		}
		for _, suffix := range []string{"data", "idx", "content", "docsize", "config", "node", "parent", "rowid"} {
			shadows[fold(o.Name)+"_"+suffix] = true
		}
	}
	return shadows
}
