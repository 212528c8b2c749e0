package deploy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"towline/deploy/gate"
	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
	"towline/sandbox/cloudflare/wrangler"
)

// history is a project with some past.
var history = files{
	"0001_users.sql":  "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);\n",
	"0002_orders.sql": "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users);\nCREATE INDEX orders_user ON orders(user_id);\n",
	"0003_seed.sql":   "INSERT INTO users (name) VALUES ('first');\n",
	"0004_email.sql":  "ALTER TABLE users ADD COLUMN email TEXT;\n",
}

// byHand are the statements of files, as somebody typed them into a console.
func byHand(content files, names ...string) (statements []string) {
	for _, n := range names {
		for s := range strings.SplitSeq(content[n], ";\n") {
			if strings.TrimSpace(s) != "" {
				statements = append(statements, s)
			}
		}
	}
	return statements
}

// baseline asks for production to be adopted.
func (s *shop) baseline(by gate.Actor, upTo string) (release.Run, error) {
	return s.engine.Baseline(s.t.Context(), s.request(by), upTo)
}

func TestADatabaseWithoutALedgerIsAdopted(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("main", history)
		s.exec(release.Production, byHand(history, "0001_users.sql", "0002_orders.sql")...)
		s.exec(release.Production, "INSERT INTO users (name) VALUES ('kept')")
		s.deploy("main")
		ask, err := s.baseline(dana, "")
		if err != nil {
			t.Fatal(err)
		}
		b := ask.Plan.Baseline
		if !slices.Equal(ask.Plan.Names(), []string{"0001_users.sql", "0002_orders.sql", "0003_seed.sql"}) || !slices.Equal(b.Left, []string{"0004_email.sql"}) ||
			!slices.Equal(b.Unsure, []string{"0003_seed.sql"}) || len(b.Differs) != 0 || b.From != release.BaselineSchema {
			t.Fatalf("names %q, %+v", ask.Plan.Names(), b)
		}
		// Nobody can see whether the seed was; who knows says so.
		if ask, err = s.baseline(dana, "0002_orders.sql"); err != nil {
			t.Fatal(err)
		}
		run := s.ended(s.approve(ask, robin))
		s.wants(run, release.Done)
		if run.Point == nil || len(run.Notes) != 0 {
			t.Errorf("point %v, notes %q", run.Point, run.Notes)
		}
		s.holds(release.Production, ledger, "0001_users.sql", "0002_orders.sql")
		s.holds(release.Production, "SELECT name FROM users", "kept")
		if state := s.state(release.Production); state.Live != 0 || state.Seen == nil || state.DatabaseID == "" {
			t.Errorf("state %+v", state)
		}
		all, _ := s.engine.Releases(t.Context(), "shop", 0, 10)
		if all[0].Production != "" {
			t.Errorf("#1 is %q on production", all[0].Production)
		}
		s.inspect()
		if d := s.state(release.Production).Drift; d != nil {
			t.Errorf("drift %+v", d)
		}
		// A promote runs the rest, and no more.
		next := s.promote(0)
		if !slices.Equal(next.Plan.Names(), []string{"0003_seed.sql", "0004_email.sql"}) {
			t.Errorf("pending %q", next.Plan.Names())
		}
		s.wants(s.ended(s.approve(next, robin)), release.Done)
		s.holds(release.Production, "SELECT name FROM users ORDER BY name", "first", "kept")
		_, err = s.baseline(dana, "")
		if r := refused(t, err, release.CodeNothingToAdopt); r.Facts["why"] != "complete" {
			t.Errorf("facts %v", r.Facts)
		}
	})
}

func TestAnUnmodifiedWranglerSeesAnAdoptedDatabaseAsMigrated(t *testing.T) {
	s := realWorld(t).open(t)
	s.version("main", history)
	s.exec(release.Production, byHand(history, "0001_users.sql", "0002_orders.sql", "0003_seed.sql", "0004_email.sql")...)
	ask, err := s.baseline(dana, "") // from the source: nothing was deployed yet
	if err != nil {
		t.Fatal(err)
	}
	s.wants(s.ended(s.approve(ask, robin)), release.Done)
	server := wrangler.Server{URL: s.url, AccountID: s.account, Token: s.token}
	if left := wrangler.MigrationsList(t, server, s.project.Production, s.id(release.Production), s.checkout("main", history)+"/db"); len(left) != 0 {
		t.Errorf("wrangler would apply %q", left)
	}
}

func TestWithALedgerThatAgreesThereIsNothingToAdopt(t *testing.T) {
	s := newShop(t)
	s.version("main", history)
	made := "CREATE TABLE d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)"
	s.exec(release.Production, append(byHand(history, "0001_users.sql", "0002_orders.sql"), made, "INSERT INTO d1_migrations (name) VALUES ('0001_users.sql'), ('0002_orders.sql')")...)
	_, err := s.baseline(dana, "")
	if r := refused(t, err, release.CodeNothingToAdopt); r.Facts["why"] != "agrees" {
		t.Errorf("facts %v", r.Facts)
	}
	// One that lacks a file that is plainly there.
	s.exec(release.Production, "DELETE FROM d1_migrations WHERE name = '0002_orders.sql'")
	ask, err := s.baseline(dana, "")
	if err != nil || !slices.Equal(ask.Plan.Names(), []string{"0002_orders.sql"}) || len(ask.Plan.Baseline.Unsure) != 0 {
		t.Fatalf("%v, names %q, %+v", err, ask.Plan.Names(), ask.Plan.Baseline)
	}
	s.wants(s.ended(s.approve(ask, robin)), release.Done)
	s.holds(release.Production, ledger, "0001_users.sql", "0002_orders.sql")
}

func TestAnEmptyDatabaseHasNothingToAdopt(t *testing.T) {
	s := newShop(t)
	s.version("main", history)
	_, err := s.baseline(dana, "")
	if r := refused(t, err, release.CodeNothingToAdopt); r.Facts["why"] != "empty" {
		t.Errorf("facts %v", r.Facts)
	}
}

func TestASchemaThatNoFilesMakeIsAdoptedByAnAdminAlone(t *testing.T) {
	s := newShop(t)
	s.version("main", history)
	s.exec(release.Production, append(byHand(history, "0001_users.sql", "0002_orders.sql"), "CREATE TABLE extra (id INTEGER)", "DROP INDEX orders_user")...)
	_, err := s.baseline(dana, "")
	r := refused(t, err, release.CodeNoBaseline)
	if r.Facts["nearest"] != "0003_seed.sql" || !slices.Equal(r.Items, []string{"table extra added", "index orders_user removed"}) {
		t.Errorf("facts %v, items %q", r.Facts, r.Items)
	}
	_, err = s.baseline(dana, "0002_orders.sql")
	refused(t, err, release.CodeNoBaseline)
	_, err = s.baseline(lead, "0009_nowhere.sql")
	refused(t, err, release.CodeUnknownFile)
	_, err = s.baseline(sam, "")
	refused(t, err, release.CodeUnknownPerson)
	ask, err := s.baseline(lead, "0002_orders.sql")
	if err != nil || !slices.Equal(ask.Plan.Baseline.Differs, r.Items) || ask.Plan.Baseline.From != release.BaselineNamed {
		t.Fatalf("%v %+v", err, ask.Plan.Baseline)
	}
	s.wants(s.ended(s.approve(ask, robin)), release.Done)
	s.holds(release.Production, ledger, "0001_users.sql", "0002_orders.sql")
}

func TestAHistoryThatDoesNotRunFromNothingSaysWhichFileFails(t *testing.T) {
	s := newShop(t)
	broken := history.and(files{"0000_fix.sql": "ALTER TABLE made_by_hand ADD COLUMN x TEXT;\n"})
	s.version("main", broken)
	s.exec(release.Production, append(byHand(history, "0001_users.sql", "0002_orders.sql"), "CREATE TABLE made_by_hand (id INTEGER, x TEXT)")...)
	_, err := s.baseline(dana, "")
	r := refused(t, err, release.CodeNoBaseline)
	if r.Facts["failed"] != "0000_fix.sql" || !strings.Contains(r.Facts["words"], "made_by_hand") || !slices.Equal(r.Items, []string{"table made_by_hand added"}) {
		t.Errorf("facts %v, items %q", r.Facts, r.Items)
	}
}

func TestWhatDrizzlesOwnLedgerHasIsRecorded(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("main", history)
		hash := func(name string) string {
			sum := sha256.Sum256([]byte(history[name]))
			return hex.EncodeToString(sum[:])
		}
		s.exec(release.Production, append(byHand(history, "0001_users.sql", "0002_orders.sql", "0003_seed.sql"),
			"CREATE TABLE __drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)",
			fmt.Sprintf("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('%s', 1), ('%s', 2), ('%s', 3)", hash("0001_users.sql"), hash("0002_orders.sql"), hash("0003_seed.sql")))...)
		ask, err := s.baseline(dana, "")
		if err != nil {
			t.Fatal(err)
		}
		b := ask.Plan.Baseline
		if !slices.Equal(ask.Plan.Names(), []string{"0001_users.sql", "0002_orders.sql", "0003_seed.sql"}) || b.From != release.BaselineDrizzle || len(b.Differs) != 0 || len(b.Unsure) != 0 {
			t.Fatalf("names %q, %+v", ask.Plan.Names(), b)
		}
		s.wants(s.ended(s.approve(ask, robin)), release.Done)
		s.holds(release.Production, ledger, "0001_users.sql", "0002_orders.sql", "0003_seed.sql")
	})
}

func TestABaselineWhoseReplyIsLostIsFoundInTheLedger(t *testing.T) {
	s := newShop(t)
	s.version("main", history)
	s.exec(release.Production, byHand(history, "0001_users.sql")...)
	ask, err := s.baseline(dana, "")
	if err != nil {
		t.Fatal(err)
	}
	s.api.Inject(sandbox.Fault{Writes: true, Body: "d1_migrations", Execute: true, Reply: sandbox.Drop()})
	run := s.ended(s.approve(ask, robin))
	s.wants(run, release.Done)
	if i := slices.IndexFunc(run.Steps, func(step release.Step) bool { return step.Name == release.StepApply }); !run.Steps[i].Found {
		t.Errorf("%s", describe(run))
	}
	s.holds(release.Production, ledger, "0001_users.sql")
}

func TestABaselineChangesUnderneathAndIsAskedAgain(t *testing.T) {
	s := newShop(t)
	s.version("main", history)
	s.exec(release.Production, byHand(history, "0001_users.sql")...)
	ask, err := s.baseline(dana, "")
	if err != nil {
		t.Fatal(err)
	}
	s.exec(release.Production, byHand(history, "0002_orders.sql")...)
	again := s.until(s.approve(ask, robin), func(r release.Run) bool { return r.Asked == 2 })
	if !slices.Equal(again.Plan.Names(), []string{"0001_users.sql", "0002_orders.sql", "0003_seed.sql"}) || len(again.Changes) == 0 {
		t.Errorf("names %q, changes %+v", again.Plan.Names(), again.Changes)
	}
}
