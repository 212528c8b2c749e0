package drizzle_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
	"towline/migrations/drizzle"
	"towline/migrations/layout"
	"towline/migrations/sqlite"
)

func hash(sql string) string {
	sum := sha256.Sum256([]byte(sql))
	return hex.EncodeToString(sum[:])
}

func file(name, sql string) migrations.File { return migrations.File{Name: name, SQL: []byte(sql)} }

// The table as drizzle-orm makes it, before 1.0 (there the id is no rowid, and stays NULL) and since.
func TestTheLedgerIsReadInBothShapes(t *testing.T) {
	for _, c := range []struct{ name, create, insert, want string }{
		{"before 1.0", `CREATE TABLE "my ledger"(id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)`,
			`INSERT INTO "my ledger"(hash, created_at) VALUES ('h2', 20), ('h1', '10.0')`, ""},
		{"since 1.0", `CREATE TABLE "my ledger"(id INTEGER PRIMARY KEY, hash text NOT NULL, created_at numeric, name text, applied_at TEXT)`,
			`INSERT INTO "my ledger"(hash, created_at, name) VALUES ('h2', 20, 'b'), ('h1', 10, 'a')`, "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := sqlite.Open(t.Context(), ":memory:")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for _, sql := range []string{c.create, c.insert} {
				if _, err := conn.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			res, err := conn.Exec(t.Context(), drizzle.LedgerQuery("my ledger"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"hash", "created_at", "name"}, res.Columns); diff != "" {
				t.Error(diff)
			}
			if len(res.Rows) != 2 || !cmp.Equal(res.Rows[0], []any{"h1", int64(10), c.want}) {
				t.Errorf("%v", res.Rows)
			}
		})
	}
}

func TestRowsOfDrizzlesLedgerAreMatchedWithTheFiles(t *testing.T) {
	at := func(s string) int64 {
		t.Helper()
		when, err := time.Parse("20060102150405", s)
		if err != nil {
			t.Fatal(err)
		}
		return when.UnixMilli()
	}
	j := layout.Journal{Entries: []layout.JournalEntry{{When: 10, Tag: "0000_a"}, {When: 20, Tag: "0001_b"}, {When: 30, Tag: "0002_c"}, {When: 40, Tag: "0003_d"}}}
	plain := []migrations.File{file("0000_a.sql", "a"), file("0001_b.sql", "b"), file("0002_c.sql", "c"), file("0003_d.sql", "d"), file("0004_e.sql", "e")}
	folders := []migrations.File{file("20260101000000_a/migration.sql", "a"), file("20260101000000_b/migration.sql", "b"), file("20260102000000_c/migration.sql", "c")}
	for _, c := range []struct {
		name  string
		kind  layout.Kind
		files []migrations.File
		rows  []drizzle.LedgerRow
		want  drizzle.Match
	}{
		{"nothing", layout.DrizzleJournal, plain, nil, drizzle.Match{}},
		{"by time and content", layout.DrizzleJournal, plain, []drizzle.LedgerRow{{Hash: hash("a"), CreatedAt: 10}, {Hash: hash("b"), CreatedAt: 20}},
			drizzle.Match{Applied: []string{"0000_a.sql", "0001_b.sql"}}},
		{"an edited file", layout.DrizzleJournal, plain, []drizzle.LedgerRow{{Hash: hash("was a"), CreatedAt: 10}}, drizzle.Match{Applied: []string{"0000_a.sql"}, Edited: []string{"0000_a.sql"}}},
		{"a file that was left out", layout.DrizzleJournal, plain, []drizzle.LedgerRow{{Hash: hash("a"), CreatedAt: 10}, {Hash: hash("c"), CreatedAt: 30}},
			drizzle.Match{Applied: []string{"0000_a.sql", "0002_c.sql"}, Skipped: []string{"0001_b.sql"}}},
		{"a row of a file that is gone", layout.DrizzleJournal, plain, []drizzle.LedgerRow{{Hash: hash("z"), CreatedAt: 5}}, drizzle.Match{Unknown: []drizzle.LedgerRow{{Hash: hash("z"), CreatedAt: 5}}}},
		{"a file with another time", layout.DrizzleJournal, plain, []drizzle.LedgerRow{{Hash: hash("b"), CreatedAt: 15}},
			drizzle.Match{Applied: []string{"0001_b.sql"}, Skipped: []string{"0000_a.sql"}}},
		{"folders by name", layout.DrizzleFolders, folders, []drizzle.LedgerRow{{Hash: hash("a"), CreatedAt: at("20260101000000"), Name: "20260101000000_a"}, {Hash: hash("was c"), CreatedAt: 1, Name: "20260102000000_c"}},
			drizzle.Match{Applied: []string{"20260101000000_a/migration.sql", "20260102000000_c/migration.sql"}, Edited: []string{"20260102000000_c/migration.sql"}}},
		{"folders by their second, and by content where two share it", layout.DrizzleFolders, folders, []drizzle.LedgerRow{{Hash: hash("b"), CreatedAt: at("20260101000000") + 123}, {Hash: hash("was c"), CreatedAt: at("20260102000000") + 7}},
			drizzle.Match{Applied: []string{"20260101000000_b/migration.sql", "20260102000000_c/migration.sql"}, Edited: []string{"20260102000000_c/migration.sql"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			journal := j
			if c.kind == layout.DrizzleFolders {
				journal = layout.Journal{}
			}
			if diff := cmp.Diff(c.want, drizzle.MatchLedger(c.rows, layout.Layout{Kind: c.kind}, journal, c.files)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
