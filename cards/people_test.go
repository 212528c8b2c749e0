package cards_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/cards"
	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/delivery"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func standing(p release.Person, role gate.Role, lent ...release.Delegation) deploy.Standing {
	return deploy.Standing{Actor: gate.Actor{Person: p, Role: role}, Own: role, Lent: lent}
}

func lent() release.Delegation {
	return release.Delegation{To: dana, By: robin, Role: "approver", Since: noon, Until: time.Date(2026, 12, 24, 22, 59, 59, 0, time.UTC)}
}

func team() []deploy.Standing {
	return []deploy.Standing{
		standing(dana, gate.Deployer, lent()), standing(release.Person{ID: 1005, Name: "Val"}, gate.Viewer), standing(robin, gate.Approver),
		standing(kim, gate.Approver), standing(release.Person{ID: 1, Name: "Lead"}, gate.Admin),
	}
}

func TestPeople(t *testing.T) {
	lonely := []cards.ProjectPeople{{Project: "shop", Lonely: map[release.Environment][]deploy.Lonely{
		release.Preview:    {{Who: dana, Need: 2, Have: 1}},
		release.Production: {{Who: robin, Need: 1}, {Who: kim, Need: 1}},
	}}, {Project: "blog"}}
	golden(t, "people", map[string]cards.Card{
		"with what is lent, and who is here": cards.PeopleOf(cards.People{Standings: team(), Here: map[int64]bool{1001: true, 1002: true, 1003: false}, Projects: lonely[1:]}),
		"somebody would be alone":            cards.PeopleOf(cards.People{Standings: team()[2:], Projects: lonely}),
		"Telegram tells nothing":             cards.PeopleOf(cards.People{Standings: team()[:2], Closed: true}),
		"not all were asked about":           cards.PeopleOf(cards.People{Standings: team()[:2], Here: map[int64]bool{1001: true}, Unasked: 70}),
		"lent":                               cards.Delegated(lent()),
		"taken back":                         cards.Undelegated(dana, "Robin"),
		"read again":                         cards.Reloaded(cards.Reload{Changes: []string{"people: Kim (1003) is new, approver", "project shop: production approvals 1 → 2"}}, "Lead"),
		"read again, nothing new":            cards.Reloaded(cards.Reload{}, "Lead"),
		"read again, with more to do": cards.Reloaded(cards.Reload{Changes: many(25), Restart: []string{"telegram", "stop_timeout"},
			Warns: []string{"config.yaml:12:5: projects[0].approvals.required: too few people can approve what Robin asks for on production"}}, "Lead"),
		"noted": cards.Noted("shop", 42, "the totals counted cancelled orders", "Dana"),
	})
}

func TestRefusalsAboutPeopleAndDays(t *testing.T) {
	all := map[string]cards.Card{}
	for what, r := range map[string]*release.Refusal{
		"nobody of that name":    release.Refuse(release.CodeUnknownWho, "who", "sam").Listing("Dana (1001)", "Robin (1002)"),
		"two of that name":       release.Refuse(release.CodeUnknownWho, "who", "kim", "which", "several").Listing("1003 (Kim)", "1009 (KIM)"),
		"to oneself":             release.Refuse(release.CodeNothingToLend, "who", "Robin", "why", "yourself"),
		"nothing to take back":   release.Refuse(release.CodeNothingToLend, "who", "Dana", "why", "back"),
		"who has it already":     release.Refuse(release.CodeNothingToLend, "who", "Kim", "role", "approver"),
		"no time":                release.Refuse(release.CodeBadTime, "command", "delegate"),
		"a day that is over":     release.Refuse(release.CodeBadTime, "command", "delegate", "over", "2026-11-19"),
		"a day too far away":     release.Refuse(release.CodeBadTime, "command", "delegate", "most", "60 days"),
		"a config with mistakes": release.Refuse(release.CodeConfig).Listing(`config.yaml:5:34: people[0].role: expected viewer, deployer, approver or admin, found "emperor"`, "config.yaml:9:3: projects[0]: unknown key"),
		"no config":              release.Refuse(release.CodeConfig, "why", "none"),
	} {
		all[what] = cards.Refusal(r, "shop")
	}
	golden(t, "refusals-people", all)
}

func entry(seq uint64, who release.Person, what, detail string) audit.Entry {
	return audit.Entry{Seq: seq, At: noon.Add(time.Duration(seq) * time.Minute), Project: "shop", Who: who, What: what, Detail: detail, Hash: digest}
}

// ofRun is an entry about a run of #42 on production.
func ofRun(e audit.Entry) audit.Entry {
	e.Run, e.Release, e.Environment = "01RUN", 42, release.Production
	return e
}

// whats are all kinds of entry, as audit.Entry lists them.
func whats() []string {
	return []string{"command", "refused", "requested", "asked again", "superseded", "approved", "rejected", "expired", "plan changed", "vote void",
		"started", "released", "running", "step", "ended", "cancel asked", "cancelled", "looked again", "closed",
		"hold", "unhold", "lock", "unlock", "lock taken over", "lock lifted", "lock expired", "freeze", "unfreeze", "freeze over", "reminded of the hold",
		"reminded of the lock", "break-glass", "note", "config", "delegated", "undelegated", "backup", "intent", "watch", "watched", "watch superseded", "empty asked", "delete asked", "something new"}
}

func TestTheAuditLogIsToldInWords(t *testing.T) {
	hidden := release.Person{ID: 1002, Name: "Robin", Anonymous: true}
	story := []audit.Entry{
		entry(12, dana, "command", "/note #42 totals"),
		ofRun(entry(11, release.Person{}, "ended", "done")), ofRun(entry(10, release.Person{}, "step", "verify")), ofRun(entry(9, release.Person{}, "intent", "verify")),
		ofRun(entry(8, release.Person{}, "step", "apply")), ofRun(entry(7, release.Person{}, "running", "gates passed: lock freeze")),
		ofRun(entry(6, hidden, "approved", "")), ofRun(entry(5, kim, "refused", "not_a_member")), ofRun(entry(4, release.Person{}, "requested", "gates passed: lock")),
		entry(3, dana, "requested", "feature/x"), entry(2, dana, "command", "/deploy <b>"+strings.Repeat("long ", 60)), entry(1, release.Person{ID: 7}, "command", "/help"),
	}
	all := map[string]cards.Card{
		"a project's": cards.AuditOf("shop", story), "the team's": cards.AuditOf("", []audit.Entry{
			{Seq: 3, At: noon, Who: robin, What: "delegated", Detail: "approver to Dana (1001) until 2026-12-24T22:59:59Z", Hash: digest},
			{Seq: 2, At: noon, Who: release.Person{ID: 1, Name: "Lead"}, What: "config", Digest: older, Detail: "people: Kim (1003) is new, approver"},
			{Seq: 1, At: noon, What: "config", Digest: digest, Hash: digest},
		}), "empty": cards.AuditOf("shop", nil),
	}
	part := 0
	for some := range slices.Chunk(whats(), 14) {
		var entries []audit.Entry
		for i, what := range some {
			entries = append(entries, ofRun(entry(uint64(i+1), dana, what, "the detail")))
		}
		part++
		all[fmt.Sprintf("every kind, %d", part)] = cards.AuditOf("shop", entries)
	}
	golden(t, "audit", all)
	for name, c := range all {
		if strings.Contains(c.HTML, "Robin") && name == "a project's" {
			t.Errorf("%s: who acted anonymously is named", name)
		}
	}
}

func TestTheAuditLogShowsTheLastFifteen(t *testing.T) {
	var entries []audit.Entry
	for i := range uint64(150) {
		entries = append(entries, entry(150-i, dana, "command", "/status"))
	}
	shown := newReader(t).read(cards.AuditOf("shop", entries)).Text
	if n := strings.Count(shown, "/status"); n != 15 {
		t.Errorf("%d lines:\n%s", n, shown)
	}
	_, rest, _ := strings.Cut(shown, "Head: ")
	text, _, _ := strings.Cut(rest, "\n")
	if head, err := audit.ParseHead(text); err != nil || head.Seq != 150 {
		t.Errorf("the head that is shown cannot be verified later: %q, %v", text, err)
	}
}

func weekOf(project string) delivery.Week {
	return delivery.Week{Project: project, Since: noon.Add(-7 * 24 * time.Hour), Until: noon, Seq: 128, Head: digest, TeamSeq: 9, TeamHead: older}
}

// busy is a week with everything in it.
func busy(project string) delivery.Week {
	w := weekOf(project)
	w.Deploys, w.Promotes, w.Rollbacks, w.Failed = 12, 3, 1, 1
	w.Broken = []delivery.Broken{{BreakGlass: release.BreakGlass{By: robin, Reason: "checkout is down", Skips: []release.Refusal{
		*release.Refuse(release.CodeHold), *release.Refuse(release.CodeApprovals)}}, Kind: release.Promote, Environment: release.Production, Release: 42}}
	w.MissingNotes = []uint64{42, 40, 39}
	w.Kept = []release.State{{Environment: release.Production, Hold: &release.Hold{Reason: "rollback to #41", By: robin, At: noon},
		Lock:   &release.Lock{By: kim, Reason: "import", At: noon, Until: noon.Add(time.Hour)},
		Freeze: &release.Freeze{By: dana, Reason: "holidays", At: noon, Until: noon.Add(48 * time.Hour)}},
		{Environment: release.Preview, Lock: &release.Lock{By: kim, Reason: "over", At: noon, Until: noon.Add(-time.Hour)}}}
	return w
}

func TestTheReport(t *testing.T) {
	golden(t, "report", map[string]cards.Card{
		"a quiet week":          cards.ReportOf([]delivery.Week{weekOf("shop")}, time.Time{}),
		"a busy week":           cards.ReportOf([]delivery.Week{busy("shop"), weekOf("blog")}, time.Time{}),
		"so far":                cards.ReportOf([]delivery.Week{busy("shop")}, noon),
		"nothing was ever done": cards.ReportOf([]delivery.Week{{Project: "shop", Since: noon, Until: noon}}, noon),
		"no project":            cards.ReportOf(nil, noon),
	})
}

func TestALongReportKeepsEveryHead(t *testing.T) {
	var weeks []delivery.Week
	for i := range 8 {
		w := busy(fmt.Sprintf("a-project-with-a-name-of-some-length-%d", i))
		for range 10 {
			w.Broken = append(w.Broken, w.Broken[0])
		}
		w.Broken[0].Reason = strings.Repeat("long & <more> ", 60)
		weeks = append(weeks, w)
	}
	shown := newReader(t).read(cards.ReportOf(weeks, time.Time{})).Text
	if n := strings.Count(shown, "128:"+digest); n != 8 || !strings.Contains(shown, "9:"+older) || !strings.Contains(shown, "… shortened") {
		t.Errorf("%d heads:\n%s", n, shown)
	}
}

func TestReleasesShowWhatWasSkippedAndWhatWasFoundOut(t *testing.T) {
	glass := busy("shop").Broken[0].BreakGlass
	noted := live(42)
	noted.BreakGlass = []release.BreakGlass{glass}
	noted.Notes = []release.Note{{By: dana, At: noon, Text: "the totals counted cancelled orders"}, {By: kim, Text: "and refunds"}, {By: kim, Text: "3"}, {By: kim, Text: "4"}}
	golden(t, "releases-remarks", map[string]cards.Card{"remarks": cards.ReleasesOf("shop", []deploy.Listed{
		{Release: *noted, Production: release.RolledBack}, {Release: *live(41), Production: release.Failed, WantsNote: true}, {Release: *live(40), Production: release.Live},
	}, false)})
}

func TestNoNameFromOutsideBreaksAnAnswerAboutPeople(t *testing.T) {
	oneByOne(t)
	for what, text := range nasty() {
		t.Run(what, func(t *testing.T) {
			r := newReader(t)
			people := cards.People{Standings: team(), Here: map[int64]bool{1001: true}, Projects: []cards.ProjectPeople{{Project: text, Lonely: map[release.Environment][]deploy.Lonely{
				release.Production: {{Who: release.Person{ID: 1, Name: text}, Need: 3, Have: 1}}}}}}
			for range 80 {
				people.Standings = append(people.Standings, standing(release.Person{ID: 9, Name: text}, gate.Deployer, lent(), lent()))
			}
			spoil(reflect.ValueOf(&people.Standings).Elem(), text, identifiers())
			d := lent()
			spoil(reflect.ValueOf(&d).Elem(), text, nil)
			var entries []audit.Entry
			for i, kind := range whats() {
				e := ofRun(entry(uint64(i), release.Person{ID: 1, Name: text}, kind, text))
				e.Hash = digest
				entries = append(entries, e)
			}
			weeks := []delivery.Week{busy("shop"), busy("blog")}
			spoil(reflect.ValueOf(&weeks).Elem(), text, map[string]bool{"Head": true, "TeamHead": true})
			l := deploy.Listed{Release: *live(1), WantsNote: true}
			l.Notes, l.BreakGlass = []release.Note{{By: kim}}, []release.BreakGlass{busy("shop").Broken[0].BreakGlass}
			spoil(reflect.ValueOf(&l).Elem(), text, map[string]bool{"Digest": true})
			for name, card := range map[string]cards.Card{
				"people": cards.PeopleOf(people), "lent": cards.Delegated(d), "taken back": cards.Undelegated(d.To, text),
				"reloaded": cards.Reloaded(cards.Reload{Changes: []string{text, text}, Warns: []string{text}, Restart: []string{text}}, text),
				"noted":    cards.Noted(text, 1, text, text), "audit": cards.AuditOf(text, entries), "audit, later": cards.AuditOf("", entries[20:]),
				"report": cards.ReportOf(weeks, noon), "releases": cards.ReleasesOf(text, []deploy.Listed{l}, false),
			} {
				harmless(t, name, r.read(card).Text, card)
			}
		})
	}
}
