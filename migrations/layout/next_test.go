package layout_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"towline/migrations"
	"towline/migrations/layout"
)

func noon() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

func TestTheNextMigrationIsNumberedAsTheOthersAre(t *testing.T) {
	folders := layout.Layout{Kind: layout.DrizzleFolders, Dir: "m", Pattern: "*/migration.sql"}
	for _, c := range []struct {
		name  string
		l     layout.Layout
		names []string
		title string
		want  string
	}{
		{"the first, as wrangler counts", in("m", "*.sql"), nil, "create users", "0001_create_users.sql"},
		{"the first, as drizzle-kit counts", layout.Layout{Kind: layout.DrizzleJournal, Dir: "m", Pattern: "*.sql"}, nil, "x", "0000_x.sql"},
		{"the first folder", folders, nil, "x", "20261121120000_x/migration.sql"},
		{"as many digits", in("m", "*.sql"), []string{"008_a.sql", "009_b.sql"}, "x", "010_x.sql"},
		{"one digit more where that is needed", in("m", "*.sql"), []string{"8_a.sql", "9_b.sql"}, "x", "10_x.sql"},
		{"behind the highest and not behind the last by name", in("m", "*.sql"), []string{"10_a.sql", "9_b.sql", "schema.sql"}, "x", "11_x.sql"},
		{"with a hyphen where the others have one", in("m", "*.sql"), []string{"0001-a.sql"}, "x", "0002-x.sql"},
		{"by its time", in("m", "*.sql"), []string{"20260101000000_a.sql"}, "x", "20261121120000_x.sql"},
		{"by its time, in minutes", in("m", "*.sql"), []string{"202601010000_a.sql"}, "x", "202611211200_x.sql"},
		{"by its time, in seconds since 1970", in("m", "*.sql"), []string{"1700000000_a.sql"}, "x", "1795262400_x.sql"},
		{"by its time, in milliseconds since 1970", in("m", "*.sql"), []string{"1700000000000_a.sql"}, "x", "1795262400000_x.sql"},
		{"behind a time that is yet to come", in("m", "*.sql"), []string{"20300101000000_a.sql"}, "x", "20300101000001_x.sql"},
		{"by the day", in("m", "*.sql"), []string{"2026-03-04-a.sql", "schema.sql"}, "x", "2026-11-21-x.sql"},
		{"by the day, behind what is of today", in("m", "*.sql"), []string{"2026-11-21-source.sql"}, "add", "2026-11-22-add.sql"},
		{"by the day, behind a day that is yet to come", in("m", "*.sql"), []string{"2030-01-01_b.sql"}, "a", "2030-01-02_a.sql"},
		{"a folder by its number", in("m", "*/migration.sql"), []string{"0001_a/migration.sql"}, "x", "0002_x/migration.sql"},
		{"a file where only folders are found", in("m", "*/migration.sql"), nil, "x", "0001_x/migration.sql"},
		{"in the folder of the last", in("m", "**/*.sql"), []string{"a/0001_a.sql", "b/0002_b.sql"}, "x", "b/0003_x.sql"},
		{"a title with anything in it", in("m", "*.sql"), nil, " Ünïted / ../ 'x';\n--y ", "0001_n_ted_x_--y.sql"},
		{"a title that is far too long", in("m", "*.sql"), nil, strings.Repeat("ab ", 100), "0001_" + strings.TrimRight(strings.Repeat("ab_", 27)[:80], "_") + ".sql"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.l.Next(c.names, c.title, noon())
			if err != nil || got.Name != c.want || got.Up != "m/"+c.want || got.Down != c.l.DownPath(c.want) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	for _, c := range []struct{ pattern, title, want string }{{"*.sql", "///", "letters and digits"}, {"up-*.sql", "x", "matches the migrations_pattern"}} {
		if got, err := in("m", c.pattern).Next(nil, c.title, noon()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: %+v, %v", c.pattern, c.title, got, err)
		}
	}
}

// Whatever numbered names there are, the next one comes behind all of them, and has a number of its own.
func TestTheNextMigrationComesLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfDistinct(rapid.StringMatching(`([0-9]{1,16}|20[0-9][0-9]-[01][0-9]-[0-3][0-9])[_-][a-z]{1,3}\.sql`), rapid.ID[string]).Draw(t, "names")
		title := rapid.StringMatching(`[a-z]{1,5}( down|\.down| rollback)?`).Draw(t, "title")
		got, err := in("m", "*.sql").Next(names, title, noon())
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if !migrations.Less(name, got.Name) {
				t.Fatalf("%s does not come behind %s", got.Name, name)
			}
		}
		files := map[string]string{}
		for _, name := range append(slices.Clone(names), got.Name) {
			files["m/"+name] = ""
		}
		content, err := layout.Read(project(files), in("m", "*.sql"))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range content.Problems {
			if p.File == got.Up {
				t.Fatalf("%+v", p)
			}
		}
	})
}
