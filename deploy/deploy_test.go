package deploy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"towline/deploy"
	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
)

// first is a small shop; second adds to it.
var first = files{"0001_items.sql": "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\nINSERT INTO items (name) VALUES ('rope');\n"}

var second = first.and(files{"0002_price.sql": "ALTER TABLE items ADD COLUMN price INTEGER;\nUPDATE items SET price = 7;\n"})

func TestADeployProvisionsAppliesReadsBackAndIsLive(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("v1", first)
		run := s.deploy("v1")
		s.wants(run, release.Done)
		var steps []string
		for _, step := range run.Steps {
			if step.State != release.StepDone || step.Ended.Before(step.Begun) || step.Begun.IsZero() {
				t.Errorf("step %+v", step)
			}
			steps = append(steps, step.Name)
		}
		if want := []string{release.StepFetch, release.StepProvision, release.StepPoint, release.StepApply, release.StepVerify}; !slices.Equal(steps, want) {
			t.Errorf("steps %q, want %q", steps, want)
		}
		s.holds(release.Preview, ledger, "0001_items.sql")
		s.holds(release.Preview, "SELECT name FROM items", "rope")
		state := s.state(release.Preview)
		if state.Live != 1 || state.LiveRun != run.ID || state.DatabaseID != s.id(release.Preview) || state.Lease != nil || len(state.Queue) != 0 {
			t.Errorf("state %+v", state)
		}
		if run.Point == nil || run.Point.Bookmark == "" || run.Point.DatabaseID != state.DatabaseID || !strings.Contains(run.Point.Command(), "--bookmark="+run.Point.Bookmark) {
			t.Errorf("restore point %+v", run.Point)
		}
		if len(run.Notes) != 0 {
			t.Errorf("notes %q", run.Notes)
		}
		if s.id(release.Production) != "" {
			t.Error("production was touched")
		}
		log := s.audited()
		for _, want := range []string{"requested v1", "started", "released", "running", "step restore point", "step apply", "ended done"} {
			if !slices.ContainsFunc(log, func(line string) bool { return strings.HasPrefix(line, want) }) {
				t.Errorf("the log lacks %q: %q", want, log)
			}
		}
	})
}

func TestTheSameContentAgainIsUnchangedAndNoSecondRelease(t *testing.T) {
	s := newShop(t)
	s.version("v1", first)
	s.wants(s.deploy("v1"), release.Done)
	s.version("again", first)
	s.api.Forget()
	run := s.deploy("again")
	s.wants(run, release.Unchanged)
	if run.Release != 1 || len(s.api.Writes()) != 0 {
		t.Errorf("release #%d, writes %v", run.Release, s.api.Writes())
	}
	all, err := s.engine.Releases(t.Context(), "shop", 0, 10)
	if err != nil || len(all) != 1 || !slices.Equal(all[0].Refs, []string{"v1", "again"}) || all[0].Preview != release.Live {
		t.Errorf("releases %+v, %v", all, err)
	}
	s.version("more", second)
	if run := s.deploy("more"); run.Release != 2 || run.Was != 1 || run.WasFrom == nil || run.WasFrom.Ref != "again" {
		t.Errorf("#%d after #%d from %v", run.Release, run.Was, run.WasFrom)
	}
	all, _ = s.engine.Releases(t.Context(), "shop", 0, 10)
	if all[0].Preview != release.Live || all[1].Preview != release.Superseded {
		t.Errorf("standings %s, %s", all[0].Preview, all[1].Preview)
	}
}

func TestAnUnchangedReleaseOnADatabaseThatIsGoneIsPutThereAgain(t *testing.T) {
	s := newShop(t)
	s.version("empty", files{})
	s.wants(s.deploy("empty"), release.Done)
	s.configure(func(p *deploy.Project) { p.Preview = "shop-elsewhere" })
	s.wants(s.deploy("empty"), release.Done)
	if s.id(release.Preview) == "" {
		t.Error("the database that the config names now was not made")
	}
}

func TestAfterTheConfigNamesAnotherDatabaseTheOldOneIsLeftAlone(t *testing.T) {
	s := newShop(t)
	s.version("v1", first)
	s.wants(s.deploy("v1"), release.Done)
	s.configure(func(p *deploy.Project) { p.Preview = "shop-elsewhere" })
	s.version("v2", second)
	s.wants(s.deploy("v2"), release.Done)
	s.holds(release.Preview, ledger, "0001_items.sql", "0002_price.sql")
	s.configure(func(p *deploy.Project) { p.Preview = "shop-preview" })
	s.holds(release.Preview, ledger, "0001_items.sql")
}

func TestAFailingStatementIsFoundBeforeAnythingIsThereAndItsRepairIsANewRelease(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("v1", first)
		s.wants(s.deploy("v1"), release.Done)
		s.version("broken", first.and(files{"0002_a.sql": "CREATE TABLE a (id INTEGER);\n", "0003_b.sql": "CREATE TABLE b (id INTEGER);\n\nUPDATE items SET nmae = 'x';\n"}))
		s.api.Forget()
		run := s.deploy("broken")
		r := s.wantsRefusal(run, release.CodeRehearsalFailed)
		if r.Facts["file"] != "0003_b.sql" || r.Facts["line"] != "3" || !strings.Contains(r.Facts["statement"], "nmae") || !strings.Contains(r.Facts["words"], "nmae") {
			t.Errorf("facts %v", r.Facts)
		}
		if len(s.api.Writes()) != 0 {
			t.Errorf("writes %v", s.api.Writes())
		}
		s.holds(release.Preview, tables, "d1_migrations", "items")
		if live := s.state(release.Preview).Live; live != 1 {
			t.Errorf("#%d is live", live)
		}
		s.version("broken", first.and(files{"0002_a.sql": "CREATE TABLE a (id INTEGER);\n", "0003_b.sql": "CREATE TABLE b (id INTEGER);\n\nUPDATE items SET name = 'x';\n"}))
		repaired := s.deploy("broken")
		s.wants(repaired, release.Done)
		if run.Release != 2 || repaired.Release != 3 {
			t.Errorf("#%d, then #%d", run.Release, repaired.Release)
		}
	})
}

func TestWhereOnlyD1RefusesNothingOfTheReleaseIsThere(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("v1", files{"0001_items.sql": "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT);\n"})
		s.wants(s.deploy("v1"), release.Done)
		s.exec(release.Preview, "INSERT INTO items (name) VALUES ('rope'), ('rope')") // what no rehearsal can know
		s.version("v2", files{
			"0001_items.sql": "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT);\n",
			"0002_a.sql":     "CREATE TABLE a (id INTEGER);\nINSERT INTO a VALUES (1);\n",
			"0003_name.sql":  "CREATE UNIQUE INDEX items_name ON items (name);\n",
		})
		s.api.Forget()
		run := s.deploy("v2")
		s.wants(run, release.Broken)
		f := run.Failure
		if f.Code != "refused_by_d1" || f.Step != release.StepApply || f.OneOf != 3 || len(f.Applied) != 0 || !strings.Contains(f.Words, "UNIQUE constraint failed") {
			t.Errorf("failure %+v", *f)
		}
		if n := len(s.api.Writes()); n != 1 {
			t.Errorf("%d writes", n)
		}
		s.holds(release.Preview, tables, "d1_migrations", "items")
		s.holds(release.Preview, ledger, "0001_items.sql")
		if state := s.state(release.Preview); state.Live != 1 || state.Lease != nil {
			t.Errorf("state %+v", state)
		}
		all, _ := s.engine.Releases(t.Context(), "shop", 0, 10)
		if all[0].Preview != release.Failed || all[1].Preview != release.Live {
			t.Errorf("standings %s, %s", all[0].Preview, all[1].Preview)
		}
	})
}

func TestAnAppliedFileThatWasChangedIsRefusedByName(t *testing.T) {
	two := first.and(files{"0002_a.sql": "CREATE TABLE a (id INTEGER);\n"})
	for name, c := range map[string]struct {
		next files
		code release.Code
		item string
	}{
		"edited":                     {two.and(files{"0002_a.sql": "CREATE TABLE a (id TEXT);\n"}), release.CodeEdited, "0002_a.sql"},
		"removed":                    {first, release.CodeMissing, "0002_a.sql"},
		"renamed":                    {first.and(files{"0002_b.sql": "CREATE TABLE a (id INTEGER);\n"}), release.CodeMissing, "0002_a.sql → 0002_b.sql"},
		"removed, and another added": {first.and(files{"0003_b.sql": "CREATE TABLE b (id INTEGER);\n"}), release.CodeMissing, "0002_a.sql"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.version("v1", two)
			s.ship("v1")
			s.version("v2", c.next)
			s.api.Forget()
			r := s.wantsRefusal(s.deploy("v2"), c.code)
			if !slices.Equal(r.Items, []string{c.item}) || r.Facts["environment"] != "preview" {
				t.Errorf("%v %v", r.Items, r.Facts)
			}
			// Production says the same to somebody who comes past preview's refusal: here, by an older state of preview.
			s.exec(release.Preview, "DELETE FROM d1_migrations WHERE name = '0002_a.sql'", "DROP TABLE a")
			if name == "edited" || name == "renamed" {
				s.wants(s.deploy("v2"), release.Done)
				_, err := s.engine.Promote(t.Context(), s.request(dana), 0)
				if r := refused(t, err, c.code); r.Facts["environment"] != "production" || !slices.Equal(r.Items, []string{c.item}) {
					t.Errorf("%v %v", r.Items, r.Facts)
				}
			}
		})
	}
	t.Run("a change of comments and line ends is none", func(t *testing.T) {
		s := newShop(t)
		s.version("v1", two)
		s.ship("v1")
		s.version("v2", two.and(files{"0002_a.sql": "-- said better\r\nCREATE TABLE a (id INTEGER);\r\n"}))
		run := s.ship("v2")
		if run.Release != 2 || len(run.Plan.Pending) != 0 {
			t.Errorf("#%d with %v", run.Release, run.Plan.Names())
		}
	})
}

func TestALateLowNumberIsAppliedAndSaid(t *testing.T) {
	s := newShop(t)
	s.version("v1", first.and(files{"0003_c.sql": "CREATE TABLE c (id INTEGER);\n"}))
	s.wants(s.deploy("v1"), release.Done)
	s.version("v2", first.and(files{"0003_c.sql": "CREATE TABLE c (id INTEGER);\n", "0002_b.sql": "CREATE TABLE b (id INTEGER);\n"}))
	run := s.deploy("v2")
	s.wants(run, release.Done)
	if f := run.Plan.Findings; len(f) == 0 || f[0].Code != "F-ORD" || f[0].File != "0002_b.sql" {
		t.Errorf("findings %+v", f)
	}
	s.holds(release.Preview, ledger, "0001_items.sql", "0003_c.sql", "0002_b.sql")
}

func TestFilesThatOtherToolsTakeApartWronglyAreCarriedOutWhole(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("v1", first.and(files{
			"0002_nothing.sql": "-- only a comment; nothing else\n",
			"0003_text.sql":    "INSERT INTO items (name) VALUES ('a;b'), ('it''s; -- not a comment'), ('BEGIN TRANSACTION;COMMIT;');\n",
			"0004_log.sql": "create table log (line text);\r\ncreate trigger noted after insert on items begin\r\n  insert into log values (new.name || ';');\r\n" +
				"  insert into log select case when new.id > 1 then 'many' else 'one' end;\r\nend;\r\nINSERT INTO items (name) VALUES ('last');\r\n",
		}))
		run := s.deploy("v1")
		s.wants(run, release.Done)
		s.holds(release.Preview, ledger, "0001_items.sql", "0002_nothing.sql", "0003_text.sql", "0004_log.sql")
		s.holds(release.Preview, "SELECT name FROM items ORDER BY id", "rope", "a;b", "it's; -- not a comment", "BEGIN TRANSACTION;COMMIT;", "last")
		s.holds(release.Preview, "SELECT line FROM log", "last;", "many")
	})
}

func TestAFileThatCannotBeSplitIsRefusedWithItsLine(t *testing.T) {
	s := newShop(t)
	for name, text := range map[string]string{
		"no final semicolon":      "CREATE TABLE a (id INTEGER);\n\nCREATE TABLE b (id INTEGER)\n",
		"an unterminated comment": "CREATE TABLE a (id INTEGER);\n\n/* CREATE TABLE b (id INTEGER);\n",
		"a transaction":           "CREATE TABLE a (id INTEGER);\n\nBEGIN;\n",
	} {
		t.Run(name, func(t *testing.T) {
			s.version("v1", first.and(files{"0002_odd.sql": text}))
			r := s.wantsRefusal(s.deploy("v1"), release.CodeBadMigration)
			if r.Facts["file"] != "0002_odd.sql" || r.Facts["line"] != "3" {
				t.Errorf("facts %v", r.Facts)
			}
		})
	}
	if s.id(release.Preview) != "" {
		t.Error("a database was made")
	}
}

const parents = "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);\nCREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent(id) ON DELETE CASCADE);\n" +
	"INSERT INTO parent VALUES (1, 'p');\nINSERT INTO child VALUES (1, 1);\n"

func TestARebuildThatWouldEmptyItsChildrenIsRefusedAndAGuardedOnePasses(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("v1", files{"0001_a.sql": parents})
		s.wants(s.deploy("v1"), release.Done)
		s.version("v2", files{"0001_a.sql": parents, "0002_rebuild.sql": "PRAGMA foreign_keys=OFF;\nCREATE TABLE __new_parent (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n" +
			"INSERT INTO __new_parent SELECT id, name FROM parent;\nDROP TABLE parent;\nALTER TABLE __new_parent RENAME TO parent;\nPRAGMA foreign_keys=ON;\n"})
		s.api.Forget()
		r := s.wantsRefusal(s.deploy("v2"), release.CodeWouldLoseRows)
		if r.Facts["file"] != "0002_rebuild.sql" || r.Facts["line"] != "4" || r.Facts["table"] != "child" || r.Facts["by"] != "parent" {
			t.Errorf("facts %v", r.Facts)
		}
		if len(s.api.Writes()) != 0 {
			t.Errorf("writes %v", s.api.Writes())
		}
		s.version("v3", files{"0001_a.sql": parents, "0002_rebuild.sql": "PRAGMA defer_foreign_keys=ON;\n" +
			"CREATE TRIGGER towline_keep BEFORE DELETE ON child BEGIN SELECT RAISE(IGNORE); END;\n" +
			"CREATE TABLE parent_copy AS SELECT id, name FROM parent;\nDROP TABLE parent;\nDROP TRIGGER towline_keep;\n" +
			"CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\nINSERT INTO parent SELECT id, name FROM parent_copy;\nDROP TABLE parent_copy;\n"})
		run := s.deploy("v3")
		s.wants(run, release.Done)
		s.holds(release.Preview, "SELECT count(*) FROM child", "1")
		s.holds(release.Preview, "SELECT count(*) FROM pragma_foreign_key_check", "0")
	})
}

func TestOrphansThatADeferredFileLeavesAreRefusedByD1WithTheFilesName(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		plain := "CREATE TABLE parent (id INTEGER PRIMARY KEY);\nCREATE TABLE child (parent INTEGER REFERENCES parent(id));\n"
		s.version("v1", files{"0001_a.sql": plain})
		s.wants(s.deploy("v1"), release.Done)
		s.exec(release.Preview, "INSERT INTO parent VALUES (1)", "INSERT INTO child VALUES (1)")
		s.version("v2", files{"0001_a.sql": plain, "0002_clean.sql": "PRAGMA defer_foreign_keys=ON;\nDELETE FROM parent;\n", "0003_next.sql": "CREATE TABLE next (id INTEGER);\n"})
		run := s.deploy("v2")
		s.wants(run, release.Broken)
		if f := run.Failure; f.Code != "foreign_keys_broken" || f.File != "0002_clean.sql" {
			t.Errorf("failure %+v", *f)
		}
		s.holds(release.Preview, "SELECT count(*) FROM parent", "1")
		s.holds(release.Preview, ledger, "0001_a.sql")
	})
}

func TestAnAssertionThatIsNotTrueOfTheRowsUndoesTheReleaseWithFileAndLine(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		base := "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);\n"
		s.version("v1", files{"0001_a.sql": base})
		s.wants(s.deploy("v1"), release.Done)
		s.exec(release.Preview, "INSERT INTO users (email) VALUES ('a'), ('a'), ('b')")
		s.version("v2", files{"0001_a.sql": base, "0002_notes.sql": "CREATE TABLE notes (id INTEGER);\n", "0003_unique.sql": "ALTER TABLE users ADD COLUMN seen TEXT;\n" +
			"-- towline:assert SELECT NOT EXISTS (SELECT 1 FROM users GROUP BY email HAVING count(*) > 1)\nCREATE UNIQUE INDEX users_email ON users (email);\n"})
		run := s.deploy("v2")
		s.wants(run, release.Broken)
		if f := run.Failure; f.Code != "assertion_failed" || f.File != "0003_unique.sql" || f.Line != 2 {
			t.Errorf("failure %+v", *f)
		}
		s.holds(release.Preview, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'assertion%' OR name = 'notes'", "0")
		s.exec(release.Preview, "DELETE FROM users WHERE id = 2")
		s.wants(s.deploy("v2"), release.Done)
		s.holds(release.Preview, "SELECT count(*) FROM users", "2")
	})
}

func TestWhereTheTargetHoldsOrphansADeferredFileIsATransactionOfItsOwn(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		plain := "CREATE TABLE parent (id INTEGER PRIMARY KEY);\nCREATE TABLE child (parent INTEGER REFERENCES parent(id));\n"
		s.version("v1", files{"0001_a.sql": plain})
		s.wants(s.deploy("v1"), release.Done)
		s.exec(release.Preview, "PRAGMA defer_foreign_keys=ON", "INSERT INTO child VALUES (99)", "PRAGMA defer_foreign_keys=OFF")
		s.version("v2", files{
			"0001_a.sql": plain, "0002_b.sql": "CREATE TABLE b (id INTEGER);\n",
			"0003_deferred.sql": "PRAGMA defer_foreign_keys=ON;\nINSERT INTO child VALUES (5);\nINSERT INTO parent VALUES (5);\n", "0004_c.sql": "CREATE TABLE c (id INTEGER);\n",
		})
		run := s.deploy("v2")
		s.wants(run, release.Done)
		if run.Plan.Transactions != 3 {
			t.Errorf("%d transactions", run.Plan.Transactions)
		}
		s.holds(release.Preview, "SELECT parent FROM child ORDER BY parent", "5", "99")
	})
}

func TestFortyMigrationsReachProductionInAtMostEightCalls(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("v1", first)
		s.ship("v1")
		many, last := maps40(), uint64(2)
		s.version("v2", many)
		s.wants(s.deploy("v2"), release.Done)
		ask := s.promote(last)
		if ask.Plan.Transactions != 1 || len(ask.Plan.Pending) != 40 {
			t.Errorf("%d transactions, %d pending", ask.Plan.Transactions, len(ask.Plan.Pending))
		}
		s.api.Forget()
		s.wants(s.ended(s.approve(ask, robin)), release.Done)
		calls := s.api.Calls()
		t.Logf("%d calls", len(calls))
		if len(calls) > 8 || len(s.api.Writes()) != 1 {
			t.Errorf("%d calls, %d writes", len(calls), len(s.api.Writes()))
		}
		s.holds(release.Production, "SELECT count(*) FROM d1_migrations", "41")
	})
}

func maps40() files {
	out := first
	for i := range 40 {
		out = out.and(files{fmt.Sprintf("%04d_table.sql", i+2): fmt.Sprintf("CREATE TABLE t%d (id INTEGER PRIMARY KEY, item INTEGER REFERENCES items);\nCREATE INDEX t%d_item ON t%d (item);\n", i, i, i)})
	}
	return out
}

func TestADatabaseThatAppearsWithContentWhileItIsBeingMadeIsNotTakenOver(t *testing.T) {
	s := newShop(t)
	s.version("v1", first)
	s.api.Inject(sandbox.Fault{Method: "POST", Path: "/d1/database", Writes: true, Before: onceOnly(func() {
		s.exec(release.Preview, "CREATE TABLE theirs (id INTEGER)")
	})})
	run := s.deploy("v1")
	s.wants(run, release.Broken)
	if run.Failure.Code != "not_created" {
		t.Errorf("failure %+v", *run.Failure)
	}
	s.holds(release.Preview, tables, "theirs")
}
