package deploy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/migrations"
	sandbox "towline/sandbox/cloudflare"
)

// asking is a shop with #1 live on preview and a request to promote it.
func asking(t *testing.T) (*shop, release.Run) {
	t.Helper()
	s := newShop(t)
	s.version("v1", counted)
	s.wants(s.deploy("v1"), release.Done)
	return s, s.promote(0)
}

func TestAPromoteCreatesProductionUnderItsNameAndCarriesOutWhatWasApproved(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("v1", counted)
		s.wants(s.deploy("v1"), release.Done)
		ask := s.promote(0)
		if ask.Phase != release.Asking || ask.Plan.Target.ID != "" || ask.Plan.Target.Database != s.project.Production || ask.Required != 1 || ask.Asked != 1 {
			t.Errorf("asked %+v", ask)
		}
		if s.id(release.Production) != "" {
			t.Error("production exists before anybody approved")
		}
		s.api.Forget()
		run := s.ended(s.approve(ask, robin))
		s.wants(run, release.Done)
		if n := len(s.api.Calls()); n > 8 {
			t.Errorf("%d calls", n)
		}
		if run.Approved != ask.Approved || run.Plan.Script != ask.Plan.Script {
			t.Error("something else was carried out than was approved")
		}
		if people := run.Approvers(); len(people) != 1 || people[0] != robin.Person || run.Requester != dana.Person {
			t.Errorf("approved by %v, requested by %v", people, run.Requester)
		}
		state := s.state(release.Production)
		if state.DatabaseID != s.id(release.Production) || state.Live != 1 || state.Request != "" {
			t.Errorf("state %+v", state)
		}
		s.holds(release.Production, "SELECT n FROM count", "11")
	})
}

func TestWhatIsNotLiveOnPreviewIsNotPromoted(t *testing.T) {
	s := newShop(t)
	refused(t, second2(s.engine.Promote(t.Context(), s.request(dana), 0)), release.CodeNotOnPreview)
	s.version("v1", counting)
	s.deploy("v1")
	s.version("v2", counted)
	s.deploy("v2")
	r := refused(t, second2(s.engine.Promote(t.Context(), s.request(dana), 1)), release.CodeNotOnPreview)
	if r.Facts["release"] != "1" || r.Facts["preview"] != "2" {
		t.Errorf("facts %v", r.Facts)
	}
	refused(t, second2(s.engine.Promote(t.Context(), s.request(dana), 9)), release.CodeUnknownRelease)
	// Preview moves on while the request waits: to an older release, and to a newer one.
	ask := s.promote(2)
	s.reset("v1")
	s.wantsRefusal(s.ended(s.approve(ask, robin)), release.CodeNotOnPreview)
	s.deploy("v2")
	ask = s.promote(2)
	s.version("v3", counted.and(files{"0004_a.sql": "CREATE TABLE a (id INTEGER);\n"}))
	s.deploy("v3")
	if over := s.ended(ask); over.Phase != release.Overtaken || over.OvertakenBy != 3 {
		t.Errorf("%s by #%d", over.Phase, over.OvertakenBy)
	}
	refused(t, second2(s.vote(ask, robin, true)), release.CodeSuperseded)
	if s.id(release.Production) != "" || s.state(release.Production).Lease != nil {
		t.Error("production was touched, or is blocked")
	}
	all, _ := s.engine.Releases(t.Context(), "shop", 0, 10)
	for _, l := range all {
		if l.Production != "" && (l.Number != 2 || l.Production != release.Superseded) {
			t.Errorf("#%d is %s on production, where it never was", l.Number, l.Production)
		}
	}
}

func TestOnlyAllowedRefsArePromoted(t *testing.T) {
	s := newShop(t)
	s.configure(func(p *deploy.Project) { p.AllowedRefs = []string{"main"} })
	s.version("feature", counting)
	s.deploy("feature")
	r := refused(t, second2(s.engine.Promote(t.Context(), s.request(dana), 0)), release.CodeRefNotAllowed)
	if r.Facts["ref"] != "feature" || r.Facts["allowed"] != "main" {
		t.Errorf("facts %v", r.Facts)
	}
	s.version("main", counting)
	s.wants(s.deploy("main"), release.Unchanged)
	s.wants(s.ended(s.approve(s.promote(0), robin)), release.Done)
}

func TestWhatIsLiveIsNotPromotedAgain(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	s.ship("v1")
	refused(t, second2(s.engine.Promote(t.Context(), s.request(dana), 0)), release.CodeAlreadyLive)
}

func TestOnlyTheRightPeopleDecideAndOnce(t *testing.T) {
	s, ask := asking(t)
	viewer, lead := person(1, "Vic", gate.Viewer), person(dana.ID, "Dana", gate.Admin)
	refused(t, second2(s.engine.Promote(t.Context(), deploy.Request{Project: "shop", By: viewer, Key: "v"}, 0)), release.CodeNotAllowed)
	refused(t, second2(s.engine.Promote(t.Context(), deploy.Request{Project: "shop", By: sam, Key: "s"}, 0)), release.CodeUnknownPerson)
	for _, c := range []struct {
		name string
		by   gate.Actor
		yes  bool
		code release.Code
	}{
		{"the requester, whatever their role", lead, true, release.CodeOwnApproval},
		{"a viewer", viewer, true, release.CodeNotAllowed},
		{"a viewer who rejects", viewer, false, release.CodeNotAllowed},
		{"a stranger", sam, true, release.CodeUnknownPerson},
		{"a stranger who rejects", sam, false, release.CodeUnknownPerson},
	} {
		if _, err := s.vote(ask, c.by, c.yes); err == nil {
			t.Errorf("%s: counted", c.name)
		} else {
			refused(t, err, c.code)
		}
	}
	other := ask
	other.Approved = strings.Repeat("0", 64)
	refused(t, second2(s.vote(other, robin, true)), release.CodeDigestMismatch)
	other.ID = "none"
	refused(t, second2(s.vote(other, robin, true)), release.CodeStaleButton)
	if now, _, _ := s.engine.FindRun(t.Context(), ask.ID); now.Phase != release.Asking || len(now.Votes) != 0 {
		t.Fatalf("after all that the request is %s with %v", now.Phase, now.Votes)
	}
	s.approve(ask, robin)
	if r := refused(t, second2(s.vote(ask, robin, true)), release.CodeAlreadyDone); r.Facts["by"] != "Robin" {
		t.Errorf("facts %v", r.Facts)
	}
	s.wants(s.ended(ask), release.Done)
	log := s.audited()
	for _, want := range []string{"refused own_approval", "refused not_allowed", "refused unknown_person", "refused digest_mismatch", "refused already_done", "approved"} {
		if !slices.Contains(log, want) {
			t.Errorf("the log lacks %q", want)
		}
	}
}

func TestTwoApprovalsAreByTwoPeopleAndARejectionEndsIt(t *testing.T) {
	s := newShop(t)
	s.configure(func(p *deploy.Project) { p.ProductionApprovals.Required = 2 })
	s.version("v1", counted)
	s.deploy("v1")
	ask := s.promote(0)
	if once := s.approve(ask, robin); once.Phase != release.Asking || len(once.Approvers()) != 1 {
		t.Fatalf("after one of two: %s", once.Phase)
	}
	refused(t, second2(s.vote(ask, robin, true)), release.CodeAlreadyVoted)
	s.wants(s.ended(s.approve(ask, alex)), release.Done)

	s.version("v2", counted.and(files{"0004_a.sql": "CREATE TABLE a (id INTEGER);\n"}))
	s.deploy("v2")
	ask = s.promote(0)
	s.approve(ask, robin)
	rejected, err := s.vote(ask, alex, false)
	if err != nil {
		t.Fatal(err)
	}
	s.wants(rejected, release.Rejected)
	refused(t, second2(s.vote(ask, alex, true)), release.CodeAlreadyDone)
	if state := s.state(release.Production); state.Live != 1 || state.Request != "" {
		t.Errorf("state %+v", state)
	}
	// Whoever has asked may withdraw, without any right; whoever has approved may think better of it.
	withdrawn, err := s.vote(s.promote(0), person(dana.ID, "Dana", gate.Viewer), false)
	if err != nil {
		t.Fatal(err)
	}
	s.wants(withdrawn, release.Rejected)
	ask = s.promote(0)
	s.approve(ask, robin)
	if rejected, err = s.vote(ask, robin, false); err != nil {
		t.Fatal(err)
	}
	s.wants(rejected, release.Rejected)
}

func TestARequestExpiresWhetherOrNotSomebodyLooks(t *testing.T) {
	s, ask := asking(t)
	s.later(time.Hour)
	refused(t, second2(s.vote(ask, robin, true)), release.CodeExpired)
	s.wants(s.ended(ask), release.Expired)
	refused(t, second2(s.vote(ask, robin, true)), release.CodeExpired)
	if state := s.state(release.Production); state.Request != "" {
		t.Errorf("state %+v", state)
	}
	all, _ := s.engine.Releases(t.Context(), "shop", 0, 10)
	if all[0].Production != "" {
		t.Errorf("#1 is %s on production", all[0].Production)
	}
	// Nobody presses; the bot was away meanwhile.
	ask = s.promote(0)
	s.stop()
	s.later(2 * time.Hour)
	s.start()
	s.wants(s.ended(ask), release.Expired)
}

func TestANewerRequestSupersedesAndTheSameOneIsTheSame(t *testing.T) {
	s, ask := asking(t)
	again := s.promote(1)
	if again.ID != ask.ID || again.Asked != 2 {
		t.Errorf("asked again: %s %d, want %s 2", again.ID, again.Asked, ask.ID)
	}
	s.configure(func(p *deploy.Project) { p.ProductionApprovals.Required = 2 }) // another plan of the same release
	newer := s.promote(0)
	old, _, _ := s.engine.FindRun(t.Context(), ask.ID)
	s.wants(old, release.Overtaken)
	refused(t, second2(s.vote(ask, robin, true)), release.CodeSuperseded)
	if log := s.audited(); !slices.Contains(log, "superseded by "+newer.ID) {
		t.Errorf("the log does not say it: %q", log)
	}
	events, _ := s.engine.Events(t.Context(), 0, 1000)
	if !slices.ContainsFunc(events, func(e deploy.Event) bool { return e.Run == ask.ID && e.Kind == deploy.RunEnded }) {
		t.Error("no event tells of it")
	}
	s.wants(s.ended(s.approve(s.approve(newer, robin), alex)), release.Done)
	all, _ := s.engine.Releases(t.Context(), "shop", 0, 10)
	if all[0].Production != release.Live {
		t.Errorf("#1 is %s", all[0].Production)
	}
}

func TestTheSameRequestDeliveredTwiceIsOneRun(t *testing.T) {
	s := newShop(t)
	s.version("v1", counted)
	r := s.request(dana)
	one, err := s.engine.Deploy(t.Context(), r, "v1", false)
	if err != nil {
		t.Fatal(err)
	}
	s.wants(s.ended(one), release.Done)
	if two, err := s.engine.Deploy(t.Context(), r, "v1", false); err != nil || two.ID != one.ID {
		t.Errorf("%s, %v; want %s", two.ID, err, one.ID)
	}
	r = s.request(dana)
	asked, err := s.engine.Promote(t.Context(), r, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.wants(s.ended(s.approve(asked, robin)), release.Done)
	if two, err := s.engine.Promote(t.Context(), r, 0); err != nil || two.ID != asked.ID {
		t.Errorf("%s, %v; want %s", two.ID, err, asked.ID)
	}
}

// TestWhatChangesUnderAnApprovalAsksAgain is promise 1.
func TestWhatChangesUnderAnApprovalAsksAgain(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *shop)
		what   []string
	}{
		"the schema, behind Towline's back": {func(s *shop) {
			s.exec(release.Production, "CREATE TABLE surprise (id INTEGER)")
		}, []string{"schema"}},
		"the ledger, by wrangler": {func(s *shop) {
			s.exec(release.Production, "INSERT INTO d1_migrations (name) VALUES ('0002_up.sql')", "UPDATE count SET n = n + 1")
		}, []string{"applied", "pending", "findings"}},
		"the database, deleted and made anew": {func(s *shop) {
			s.configure(func(p *deploy.Project) { p.Production = "shop-2" })
		}, []string{"target", "applied", "pending", "schema", "findings"}},
		"how many have to approve": {func(s *shop) {
			s.configure(func(p *deploy.Project) { p.ProductionApprovals.Required = 2 })
		}, []string{"policy"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.version("v1", counting)
			s.ship("v1")
			s.version("v2", counted)
			s.deploy("v2")
			ask := s.promote(0)
			c.change(s)
			s.api.Forget()
			s.approve(ask, robin)
			again := s.until(ask, func(r release.Run) bool { return r.Asked > ask.Asked || !r.Phase.Open() })
			s.wants(again, release.Asking)
			var what []string
			for _, d := range again.Changes {
				what = append(what, d.What)
			}
			if !slices.Equal(what, c.what) {
				t.Errorf("changed %q, want %q", what, c.what)
			}
			if len(s.api.Writes()) != 0 || len(again.Approvers()) != 0 || again.Approved == ask.Approved {
				t.Errorf("writes %v, approvers %v", s.api.Writes(), again.Approvers())
			}
			state := s.state(release.Production)
			if state.Lease != nil || state.Request != ask.ID || state.Live != 1 {
				t.Errorf("state %+v", state)
			}
			refused(t, second2(s.vote(ask, alex, true)), release.CodeDigestMismatch) // the old button
			s.approve(again, robin)                                                  // who may, since it is another plan
			if again.Required == 2 {
				s.approve(again, alex)
			}
			s.wants(s.ended(again), release.Done)
			s.holds(release.Production, "SELECT n FROM count", "11")
		})
	}
}

func TestARequestThatWaitedForItsTurnIsHeldAgainstWhatIsThereThen(t *testing.T) {
	s := newShop(t)
	s.configure(func(p *deploy.Project) { p.ProductionApprovals.Required = 1 })
	s.version("v1", counting)
	s.deploy("v1")
	one := s.promote(0)
	gate := make(chan struct{})
	s.api.Inject(sandbox.Fault{Writes: true, Path: "/query", Body: "0001_count", Before: wait(gate)})
	s.approve(one, robin)
	s.until(one, func(r release.Run) bool { return r.Phase == release.Executing })
	s.version("v2", counted)
	preview := s.deployNow("v2")
	s.wants(s.ended(preview), release.Done)
	two := s.promote(0) // planned on a production without #1
	s.approve(two, robin)
	if waiting, _, _ := s.engine.FindRun(t.Context(), two.ID); waiting.Phase != release.Queued || waiting.Place != 1 {
		t.Errorf("%s in place %d", waiting.Phase, waiting.Place)
	}
	close(gate)
	s.wants(s.ended(one), release.Done)
	again := s.until(two, func(r release.Run) bool { return r.Asked > 1 || !r.Phase.Open() })
	s.wants(again, release.Asking)
	done := s.ended(s.approve(again, robin))
	s.wants(done, release.Done)
	if done.Was != 1 || done.WasFrom == nil || done.WasFrom.Ref != "v1" {
		t.Errorf("it replaced #%d from %v", done.Was, done.WasFrom)
	}
	s.holds(release.Production, "SELECT n FROM count", "11")
}

func (s *shop) deployNow(ref string) release.Run {
	s.t.Helper()
	run, err := s.engine.Deploy(s.t.Context(), s.request(dana), ref, false)
	if err != nil {
		s.t.Fatal(err)
	}
	return run
}

func TestContentThatWasTamperedWithIsNotShipped(t *testing.T) {
	t.Run("a migration", func(t *testing.T) {
		s, ask := asking(t)
		var digest string
		_ = s.records.Deploy().View(t.Context(), func(tx deploy.Tx) error {
			r, _ := tx.Release("shop", 1)
			digest = r.Migrations[1].Blob
			return nil
		})
		s.overwrite(digest, []byte("DROP TABLE count;\n"))
		s.wantsRefusal(s.ended(s.approve(ask, robin)), release.CodeFactsMissing)
		if s.id(release.Production) != "" {
			t.Error("production was touched")
		}
	})
	t.Run("the statements, before they are made ready", func(t *testing.T) {
		s, ask := asking(t)
		s.overwrite(ask.Plan.Script, s.evil(ask))
		s.wants(s.ended(s.approve(ask, robin)), release.Done)
		s.holds(release.Production, "SELECT n FROM count", "11")
	})
	t.Run("the statements, while the bot is away", func(t *testing.T) {
		s, ask := asking(t)
		s.api.Inject(sandbox.Fault{Path: "/time_travel/bookmark", Before: onceOnly(func() { s.cancel() })})
		s.approve(ask, robin)
		parked := s.until(ask, func(r release.Run) bool { return r.Point != nil })
		s.stop()
		s.wants(parked, release.Executing)
		s.overwrite(ask.Plan.Script, s.evil(ask))
		s.start()
		run := s.ended(ask)
		s.wants(run, release.Broken)
		if run.Failure.Code != "cannot_go_on" || s.state(release.Production).Lease != nil {
			t.Errorf("failure %+v", *run.Failure)
		}
		s.holds(release.Production, tables)
	})
}

func (s *shop) evil(run release.Run) []byte {
	txs, err := s.engine.Script(s.t.Context(), *run.Plan)
	if err != nil {
		s.t.Fatal(err)
	}
	txs[0].Statements = append(txs[0].Statements, migrations.Planned{SQL: "DROP TABLE count"})
	content, err := json.Marshal(txs)
	if err != nil {
		s.t.Fatal(err)
	}
	return content
}

func (s *shop) overwrite(digest string, content []byte) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.path+".blobs", digest[:2], digest), content, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func TestTransactionsThatCannotBeOneAreSaidBeforeAnybodyApproves(t *testing.T) {
	s := newShop(t)
	one := counting.and(files{"0001_links.sql": "CREATE TABLE parent (id INTEGER PRIMARY KEY);\nCREATE TABLE child (parent INTEGER REFERENCES parent);\n"})
	s.version("v1", one)
	s.ship("v1")
	s.exec(release.Production, "PRAGMA defer_foreign_keys=ON", "INSERT INTO child VALUES (99)", "PRAGMA defer_foreign_keys=OFF") // an orphan
	big := one.and(files{"0002_deferred.sql": "PRAGMA defer_foreign_keys=ON;\nUPDATE count SET n = n + 1;\n", "0004_unique.sql": "CREATE UNIQUE INDEX u ON count (n);\n"})
	s.version("v2", big)
	s.deploy("v2")
	ask := s.promote(0)
	if ask.Plan.Transactions != 2 {
		t.Fatalf("%d transactions", ask.Plan.Transactions)
	}
	s.exec(release.Production, "INSERT INTO count VALUES (0)") // what the last file cannot stand
	run := s.ended(s.approve(ask, robin))
	s.wants(run, release.Broken)
	if !slices.Equal(run.Failure.Applied, []string{"0002_deferred.sql"}) {
		t.Errorf("applied %q", run.Failure.Applied)
	}
	s.holds(release.Production, ledger, "0001_count.sql", "0001_links.sql", "0002_deferred.sql")
	// An edit of what is applied all the same is known.
	s.version("v3", big.and(files{"0002_deferred.sql": "UPDATE count SET n = 1;\n", "0004_unique.sql": ""}))
	s.exec(release.Preview, "DELETE FROM d1_migrations WHERE id > 2", "DROP INDEX u")
	s.wants(s.deploy("v3"), release.Done)
	refused(t, second2(s.engine.Promote(t.Context(), s.request(dana), 0)), release.CodeEdited)
}
