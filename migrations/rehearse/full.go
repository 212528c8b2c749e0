package rehearse

import (
	"fmt"
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

// Difference is one thing that is not as expected.
type Difference struct {
	What     DifferenceKind
	Name     string // of the table, or "trigger users_ai" for an object of the schema
	Expected string // a number or a word; "none" where there should be nothing
	Got      string
}

// DifferenceKind says what differs.
type DifferenceKind string

// The kinds of difference.
const (
	SchemaDiffers     DifferenceKind = "schema"
	IndexDiffers      DifferenceKind = "index"
	RowsDiffer        DifferenceKind = "rows"
	ViolationsDiffer  DifferenceKind = "foreign keys"
	DatabaseIsDamaged DifferenceKind = "quick_check"
)

// countsPerQuery is how many tables one query counts: a result has at most 100 columns on D1.
const countsPerQuery = 50

// FingerprintQueries are the statements that read a full fingerprint, to be sent as one batch so that they see one state.
// objects is the schema as it should be then. They read every row of every table two or three times (count, quick_check,
// foreign_key_check), which D1 bills as rows read.
func FingerprintQueries(objects []migrations.Object, ledgerTable string) []string {
	own := "lower(substr(name, 1, 7)) <> 'sqlite_' AND lower(substr(name, 1, 4)) <> '_cf_'"
	queries := []string{
		"SELECT type, name, tbl_name, coalesce(sql, '') AS sql FROM sqlite_master WHERE " + own + " ORDER BY rowid",
		`SELECT m.name AS tbl, l.name AS idx, l."unique" AS uniq, l.partial AS part, group_concat(coalesce(x.name, '(expression)'), ', ') AS cols
			FROM (SELECT name FROM sqlite_master WHERE type = 'table' AND ` + own + `) m, pragma_index_list(m.name) l, pragma_index_info(l.name) x
			GROUP BY 1, 2, 3, 4 ORDER BY 1, 2`,
		`SELECT "table" AS tbl, parent, count(*) AS n FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2`,
		"PRAGMA quick_check(100)",
	}
	tables := countedTables(objects, ledgerTable)
	for len(tables) > 0 {
		n := min(len(tables), countsPerQuery)
		var counts []string
		for i, name := range tables[:n] {
			counts = append(counts, fmt.Sprintf("(SELECT count(*) FROM %s) AS c%d", quoteName(name), i))
		}
		queries = append(queries, "SELECT "+strings.Join(counts, ", "))
		tables = tables[n:]
	}
	return queries
}

// countedTables are the tables whose rows a fingerprint counts, in the order of objects.
func countedTables(objects []migrations.Object, ledgerTable string) []string {
	shadows := shadowTables(objects)
	var names []string
	for _, o := range objects {
		if o.Type == "table" && !reserved(o.Name) && !isVirtual(o) && !shadows[fold(o.Name)] && !sameName(o.Name, ledgerName(ledgerTable)) {
			names = append(names, o.Name)
		}
	}
	return names
}

// shadowTables are, by folded name, the tables in which virtual tables keep their content ("FTS5", 4.4; "R*Tree", 3).
func shadowTables(objects []migrations.Object) map[string]bool {
	shadows := make(map[string]bool)
	for _, o := range objects {
		if !isVirtual(o) {
			continue
		}
		for _, suffix := range []string{"data", "idx", "content", "docsize", "config", "node", "parent", "rowid"} {
			shadows[fold(o.Name)+"_"+suffix] = true
		}
	}
	return shadows
}

// ReadFingerprint takes the answers to FingerprintQueries, the rows of each statement in its order with the values in the
// order of its columns.
func ReadFingerprint(objects []migrations.Object, ledgerTable string, answers [][][]any) (FullFingerprint, error) {
	return FullFingerprint{}, nil
}

// Expect is the fingerprint that the database should have after the release, given the one from before it: the schema of
// the rehearsal, no new violations, and the same number of rows in every table that the release does not touch. A touched
// table has what the copy of the data had, where there was one that began with the same number of rows; else its rows are
// not expected to be anything and are left out.
func (r Report) Expect(before FullFingerprint) FullFingerprint { return FullFingerprint{} }

// CompareFingerprints lists what differs. Rows of tables that expected does not name are not compared.
func CompareFingerprints(expected, got FullFingerprint, ledgerTable string) []Difference { return nil }
