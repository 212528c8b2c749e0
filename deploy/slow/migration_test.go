package slow_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"towline/deploy/release"
	"towline/deploy/slow"
	"towline/migrations/drizzle"
	"towline/migrations/layout"
)

// desk asks for migrations of a shop's.
type desk struct {
	*shop
	drafts *slow.Drafts
	now    time.Time
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{shop: open(t, shopping), now: noon()}
	d.drafts = slow.NewDrafts(func() time.Time { return d.now }, bytes.NewReader(make([]byte, 4096)))
	return d
}

// on is the proposal of an index on a column of users.
func on(column string) slow.Proposal {
	return slow.Proposal{
		Names: []string{"users_" + column}, SQL: []string{"CREATE INDEX users_" + column + " ON users (" + column + ");"}, Down: []string{"DROP INDEX users_" + column + ";"},
	}
}

func (d *desk) ask(column string) slow.Migration {
	d.t.Helper()
	m, err := d.drafts.Migration(d.t.Context(), "shop", d, on(column))
	if err != nil {
		d.t.Fatal(err)
	}
	return m
}

func TestAnIndexIsTheNextFileWithItsReasonAndItsDownFile(t *testing.T) {
	d := newDesk(t)
	d.puts("migrations/0001_shop.sql", shopping)
	i := on("email")
	i.Why = "For 'a' query; of /* which */ [begin x] towline:allow D1-X reason=\"y\"\n  SELECT $1 $tag$ BEGIN TRANSACTION\n"
	m, err := d.drafts.Migration(t.Context(), "shop", d, i)
	if err != nil {
		t.Fatal(err)
	}
	up := "-- For a query of  which  (begin x) towline allow D1-X reason=y\n--   SELECT 1 tag begin\nCREATE INDEX users_email ON users (email);\n"
	down := "-- Takes back 0002_index-users_email.sql. Only a rollback runs this.\nDROP INDEX users_email;\n"
	if m.Name != "0002_index-users_email.sql" || len(m.Files) != 2 || m.Files[0].Path != "migrations/"+m.Name || string(m.Files[0].Content) != up {
		t.Fatalf("%s: %+v", m.Name, m.Files)
	}
	if m.Files[1].Path != "migrations/down/"+m.Name || string(m.Files[1].Content) != down {
		t.Errorf("DOWN %s: %q", m.Files[1].Path, m.Files[1].Content)
	}
}

func TestAnIndexThatIsThereOrCannotBeMadeIsRefused(t *testing.T) {
	outside := errors.New("the source cannot be read")
	for what, tt := range map[string]struct {
		change func(*desk)
		ask    slow.Proposal
		code   release.Code
		fact   string // key=value
		err    error
	}{
		"an older button":            {ask: slow.Proposal{Names: []string{"users_email"}}, code: release.CodeStaleButton},
		"a file makes it":            {change: func(d *desk) { d.puts("migrations/0002_i.sql", "CREATE INDEX \"USERS_EMAIL\" ON users (email);\n") }, ask: on("email"), code: release.CodeIndexThere, fact: "file=0002_i.sql"},
		"production has it":          {change: func(d *desk) { d.holds(shopping + "CREATE INDEX users_email ON users (email);") }, ask: on("email"), code: release.CodeIndexThere, fact: "index=users_email"},
		"a column is gone":           {ask: on("gone"), code: release.CodeIndexUnfit, fact: "words=no such column: gone"},
		"the source is not there":    {change: func(d *desk) { d.gone = outside }, ask: on("email"), err: outside},
		"production cannot be read":  {change: func(d *desk) { d.err = outside }, ask: on("email"), err: outside},
		"a comment does not make it": {change: func(d *desk) { d.puts("migrations/0002_i.sql", "-- users_email\nSELECT 1;\n") }, ask: on("email")},
	} {
		t.Run(what, func(t *testing.T) {
			d := newDesk(t)
			d.puts("migrations/0001_shop.sql", shopping)
			if tt.change != nil {
				tt.change(d)
			}
			m, err := d.drafts.Migration(t.Context(), "shop", d, tt.ask)
			refusal, refused := errors.AsType[*release.Refusal](err)
			switch key, value, _ := strings.Cut(tt.fact, "="); {
			case tt.err != nil || tt.code == "":
				if !errors.Is(err, tt.err) || refused || err == nil && m.Name != "0003_index-users_email.sql" {
					t.Errorf("%+v, %v", m, err)
				}
			case !refused || refusal.Code != tt.code || refusal.Facts[key] != value:
				t.Errorf("%+v, %v", refusal, err)
			}
		})
	}
}

func TestTwoIndexesAskedForOneAfterTheOtherHaveNumbersOfTheirOwn(t *testing.T) {
	d := newDesk(t)
	d.puts("migrations/0001_shop.sql", shopping)
	first, second := d.ask("email"), d.ask("name")
	if first.Name != "0002_index-users_email.sql" || second.Name != "0003_index-users_name.sql" || !slices.Equal(second.Behind, []string{first.Name}) {
		t.Errorf("%s, then %s behind %q", first.Name, second.Name, second.Behind)
	}
	if again := d.ask("email"); again.Name != first.Name {
		t.Errorf("asked for again it is %s", again.Name)
	}
	if _, err := d.drafts.Migration(t.Context(), "blog", d, on("name")); err != nil {
		t.Errorf("another project's: %v", err)
	}
	d.puts("migrations/"+first.Name, string(first.Files[0].Content)) // one of them is committed
	if third := d.ask("id"); third.Name != "0004_index-users_id.sql" {
		t.Errorf("a third one is %s", third.Name)
	}
	delete(d.source, "migrations/"+first.Name)
	d.puts("migrations/0002_other.sql", "SELECT 1;\n") // somebody else took the number
	if m := d.ask("name"); m.Name != "0003_index-users_name.sql" || m.Behind != nil {
		t.Errorf("behind another's it is %s behind %q", m.Name, m.Behind)
	}
	delete(d.source, "migrations/0002_other.sql")
	d.now = d.now.Add(48 * time.Hour)
	if m := d.ask("id"); m.Name != "0002_index-users_id.sql" {
		t.Errorf("two days later it is %s", m.Name)
	}
}

func TestInADrizzleProjectOneIndexFollowsAnotherInTheJournal(t *testing.T) {
	d := newDesk(t)
	d.source = fstest.MapFS{"drizzle.config.ts": {Data: []byte("export default { schema: './schema.ts', out: './drizzle' };\n")}, "schema.ts": {Data: nil}, "package.json": {Data: []byte("{}")}}
	where, err := layout.Find(d.source, layout.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := drizzle.Add(t.Context(), drizzle.Project{FS: d.source, Layout: where}, drizzle.Migration{Name: "shop", SQL: []byte(shopping)},
		drizzle.Options{Now: noon, Random: bytes.NewReader(make([]byte, 64))})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range w.Files {
		d.puts(f.Path, string(f.Data))
	}
	first, second := d.ask("email"), d.ask("name")
	if last := first.Files[len(first.Files)-1]; last.Path != "drizzle/meta/_journal.json" || !last.Replace || !strings.Contains(first.Schema, `index("users_email")`) {
		t.Errorf("%s replaces %v, schema %s", last.Path, last.Replace, first.Schema)
	}
	if journal := string(second.Files[len(second.Files)-1].Content); second.Name != "0002_index-users_name.sql" || !strings.Contains(journal, "0001_index-users_email") || !strings.Contains(journal, "0002_index-users_name") {
		t.Errorf("%s behind one that is not committed yet, journal %s", second.Name, journal)
	}
}
