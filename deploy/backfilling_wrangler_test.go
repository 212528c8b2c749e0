package deploy_test

import (
	"slices"
	"strings"
	"testing"

	"towline/deploy/release"
	"towline/sandbox/cloudflare/wrangler"
)

// alone is lowered with a backfill that is not to run without Towline.
var alone = lowered.and(files{"0003_lower.sql": strings.Replace(lowering, "/* :window */", "AND towline_window()", 1)})

func TestWranglerHoldsABackfillForPendingUntilItsLastWindow(t *testing.T) {
	s := realPlace(t).open(t)
	server := wrangler.Server{URL: s.url, AccountID: s.account, Token: s.token}
	hold := s.holdWindow(2)
	run := s.toBackfill()
	s.until(run, func(r release.Run) bool { return r.Backfill.Windows > 0 })
	dir := s.checkout("v2", lowered)
	id := s.id(release.Preview)
	if left := wrangler.MigrationsList(t, server, s.project.Preview, id, dir+"/db"); !slices.Equal(left, []string{"0003_lower.sql"}) {
		t.Errorf("under way wrangler would apply %q", left)
	}
	close(hold)
	s.onceFilled(release.Preview, s.ended(run), loweredNames...)
	if left := wrangler.MigrationsList(t, server, s.project.Preview, id, dir+"/db"); len(left) != 0 {
		t.Errorf("afterwards wrangler would apply %q", left)
	}
}

// TestWranglerCarriesABackfillOutWholeOrNotAtAllAsItsAuthorChose is the choice of each file's author.
func TestWranglerCarriesABackfillOutWholeOrNotAtAllAsItsAuthorChose(t *testing.T) {
	s := realPlace(t).open(t)
	server := wrangler.Server{URL: s.url, AccountID: s.account, Token: s.token}
	s.version("v1", peopled)
	s.wants(s.deploy("v1"), release.Done)
	id := s.id(release.Preview)

	dir := s.checkout("refused", alone)
	wrangler.Configure(t, dir, s.project.Preview, id, dir+"/db")
	out, errs, exit := wrangler.Run(t, server.Env(t), dir, "d1", "migrations", "apply", s.project.Preview, "--remote")
	if exit == 0 || !strings.Contains(out+errs, "no such function: towline_window") {
		t.Errorf("exit %d: %s %s", exit, out, errs)
	}
	s.holds(release.Preview, ledger, loweredNames[:2]...)
	s.holds(release.Preview, "SELECT count(lower) FROM people", "0")

	dir = s.checkout("whole", lowered)
	wrangler.Configure(t, dir, s.project.Preview, id, dir+"/db")
	if out, errs, exit := wrangler.Run(t, server.Env(t), dir, "d1", "migrations", "apply", s.project.Preview, "--remote"); exit != 0 {
		t.Fatalf("exit %d: %s %s", exit, out, errs)
	}
	s.holds(release.Preview, ledger, loweredNames...)
	s.holds(release.Preview, backfilled, "400 400 1")
	s.version("v2", lowered)
	s.wants(s.deploy("v2"), release.Done) // which finds nothing left to do
	if b := s.state(release.Preview).Backfill; b != nil {
		t.Errorf("a backfill began: %+v", b)
	}
}

func TestABackfillThatDoesNotRunAloneIsCarriedOutByTowline(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("v1", peopled)
		s.wants(s.deploy("v1"), release.Done)
		s.version("v2", alone)
		s.onceFilled(release.Preview, s.ended(s.backfillOf(s.deploy("v2"))), loweredNames...)
		shipped := s.ended(s.approve(s.promote(2), robin)) // production is new
		s.onceFilled(release.Production, shipped, loweredNames...)
	})
}
