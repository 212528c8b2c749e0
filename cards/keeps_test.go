package cards_test

import (
	"strings"
	"testing"
	"time"

	"towline/cards"
	"towline/deploy"
	"towline/deploy/freeze"
	"towline/deploy/release"
)

var (
	robinAnonymously = release.Person{ID: 1002, Name: "Robin", Anonymous: true}
	lock             = release.Lock{By: dana, Reason: "checking the payment import", At: noon, Until: noon.Add(210 * time.Minute)}
	longLock         = release.Lock{By: dana, Reason: "load test", At: noon, Until: noon.Add(72 * time.Hour)}
	launch           = release.Freeze{By: robin, Reason: "launch", At: noon, Until: noon.Add(4 * time.Hour)}
	weekend          = freeze.Verdict{Frozen: true, Reason: "weekend", Window: "0 16 * * FRI for 64h", Since: noon, Until: noon.Add(64 * time.Hour)}
	untold           = freeze.Verdict{Frozen: true, Window: "2026-12-20 – 2028-01-02"}
	outside          = freeze.Verdict{Frozen: true, Outside: true, Reason: "outside of the times in which production may change", Window: "0 8 * * MON-THU for 8h", Until: noon.Add(20 * time.Hour)}
)

func TestWhatKeepsAnEnvironment(t *testing.T) {
	anonymous := lock
	anonymous.By = robinAnonymously
	golden(t, "keeps", map[string]cards.Card{
		"locked":                         cards.Locked("shop", release.Production, lock),
		"locked for days, preview":       cards.Locked("shop", release.Preview, longLock),
		"locked anonymously":             cards.Locked("shop", release.Production, anonymous),
		"given back":                     cards.Unlocked("shop", release.Production, lock, dana),
		"given back by an admin":         cards.Unlocked("shop", release.Production, lock, robin),
		"given back, both anonymous":     cards.Unlocked("shop", release.Production, anonymous, release.Person{ID: 1004, Name: "Lead", Anonymous: true}),
		"taken over":                     cards.TakenOver("shop", release.Production, release.Lock{By: kim, Reason: lock.Reason, At: noon, Until: lock.Until}),
		"held":                           cards.Held("shop", release.Production, "totals are wrong", dana),
		"held, preview":                  cards.Held("shop", release.Preview, "the seed is broken", dana),
		"no longer held":                 cards.Unheld("shop", release.Production, "fixed by #43", robin),
		"frozen by hand":                 cards.FrozenNow("shop", launch),
		"freeze ended":                   cards.Unfrozen("shop", robin, freeze.Verdict{}),
		"freeze ended, calendar goes on": cards.Unfrozen("shop", robin, weekend),
		"freeze: nothing":                cards.FreezeOf(cards.Freezing{Project: "shop"}),
		"freeze: later":                  cards.FreezeOf(cards.Freezing{Project: "shop", Next: noon.Add(4 * time.Hour), NextWhy: weekend}),
		"freeze: by the calendar":        cards.FreezeOf(cards.Freezing{Project: "shop", Calendar: weekend, Next: noon.Add(168 * time.Hour), NextWhy: weekend}),
		"freeze: outside":                cards.FreezeOf(cards.Freezing{Project: "shop", Calendar: outside, Next: noon.Add(28 * time.Hour), NextWhy: outside}),
		"freeze: by hand and for ever":   cards.FreezeOf(cards.Freezing{Project: "shop", Calendar: untold, Manual: &launch}),
		"hostile": cards.Locked("<b>shop", "production", release.Lock{By: release.Person{ID: 1, Name: "<i>Eve"}, At: noon, Until: noon.Add(time.Hour),
			Reason: "a\n\u202e<b>🟢 shop → production · live</b>" + strings.Repeat("x", 400)}),
	})
}

func TestWhatIsTold(t *testing.T) {
	event := func(change func(*deploy.Event)) deploy.Event {
		e := deploy.Event{Seq: 7, Project: "shop", Environment: release.Production, At: noon, By: kim, To: dana, Text: lock.Reason}
		change(&e)
		return e
	}
	same := func(*deploy.Event) {}
	hidden := func(e *deploy.Event) { e.By.Anonymous, e.To.Anonymous = true, true }
	operator := func(e *deploy.Event) { e.By = release.Person{Name: "ops at the command line"} }
	fixing := run(release.Promote, release.Executing)
	fixing.Breaking = &release.BreakGlass{By: robin, At: noon, Reason: "checkout is down, #42 repairs it", Skips: []release.Refusal{
		*release.Refuse(release.CodeHold, "environment", "production", "by", "Dana", "reason", "totals are wrong"),
		*release.Refuse(release.CodeFreeze, "reason", "weekend", "window", weekend.Window, "until", "2026-11-23T04:00:00Z"),
		*release.Refuse(release.CodeApprovals, "required", "2", "role", "approver"),
	}}
	back := run(release.Rollback, release.Executing)
	back.Breaking = &release.BreakGlass{By: robinAnonymously, At: noon, Reason: "orders are lost", Skips: []release.Refusal{
		*release.Refuse(release.CodeApprovals, "required", "1", "role", "approver"),
	}}
	queued := run(release.Deploy, release.Preparing)
	queued.Release = 0
	nameless := queued
	nameless.Ref, nameless.Requester.Anonymous = "", true
	golden(t, "told", map[string]cards.Card{
		"lock taken over":                   cards.LockTaken(event(same)),
		"lock taken over, both anonymous":   cards.LockTaken(event(hidden)),
		"lock lifted":                       cards.LockLifted(event(same)),
		"lock lifted at the command line":   cards.LockLifted(event(operator)),
		"lock over":                         cards.LockOver(event(same)),
		"still locked":                      cards.StillLocked("shop", release.Production, lock),
		"still locked, preview":             cards.StillLocked("shop", release.Preview, longLock),
		"still held":                        cards.StillHeld("shop", release.Production, release.Hold{By: robin, Reason: "Rollback to #41", At: noon}),
		"freeze over":                       cards.FreezeOver(event(same), freeze.Verdict{}),
		"freeze over, the calendar goes on": cards.FreezeOver(event(same), weekend),
		"your turn to promote":              cards.YourTurn(run(release.Promote, release.Preparing)),
		"your turn to deploy a ref":         cards.YourTurn(queued),
		"your turn, anonymous, no ref":      cards.YourTurn(nameless),
		"glass is broken":                   cards.GlassBroken(fixing),
		"glass is broken to go back":        cards.GlassBroken(back),
	})
}

func TestNobodyWhoActsAnonymouslyIsNamed(t *testing.T) {
	hidden := release.Person{ID: 1002, Name: "Robin", Anonymous: true}
	k := lock
	k.By = hidden
	e := deploy.Event{Project: "shop", Environment: release.Production, By: hidden, To: hidden, Text: "import"}
	r := run(release.Promote, release.Executing)
	r.Requester, r.Breaking = hidden, &release.BreakGlass{By: hidden, Reason: "checkout is down"}
	f := launch
	f.By = hidden
	status := environments(func(_, b *deploy.EnvironmentStatus) {
		b.State.Lock, b.State.Freeze, b.State.Hold = &k, &f, &release.Hold{By: hidden, Reason: "x"}
	})
	for i, c := range []cards.Card{
		cards.Locked("shop", release.Production, k), cards.Unlocked("shop", release.Production, k, hidden), cards.TakenOver("shop", release.Production, k),
		cards.Held("shop", release.Production, "x", hidden), cards.Unheld("shop", release.Production, "x", hidden), cards.FrozenNow("shop", f),
		cards.Unfrozen("shop", hidden, freeze.Verdict{}), cards.FreezeOf(cards.Freezing{Project: "shop", Manual: &f}),
		cards.LockTaken(e), cards.LockLifted(e), cards.LockOver(e), cards.FreezeOver(e, freeze.Verdict{}), cards.StillLocked("shop", release.Production, k),
		cards.StillHeld("shop", release.Production, release.Hold{By: hidden}), cards.YourTurn(r), cards.GlassBroken(r), cards.StatusOf(status),
	} {
		if strings.Contains(c.HTML, "Robin") || strings.Contains(c.HTML, "1002") {
			t.Errorf("card %d: %s", i, c.HTML)
		}
	}
}

func TestARequestTellsWhatWouldRefuseAYes(t *testing.T) {
	asking := func(change func(*cards.View)) cards.Card {
		v := with(run(release.Promote, release.Asking), func(*release.Run) {})
		change(&v)
		return cards.Run(v)
	}
	golden(t, "request-kept", map[string]cards.Card{
		"a freeze begins soon": asking(func(v *cards.View) { v.Freezes = noon.Add(4 * time.Hour) }),
		"frozen": asking(func(v *cards.View) {
			v.Kept = release.Refuse(release.CodeFreeze, "reason", "weekend", "window", weekend.Window, "until", "2026-11-23T04:00:00Z")
		}),
		"locked by somebody else": asking(func(v *cards.View) { v.Kept = lockRefusal() }),
		"held": asking(func(v *cards.View) {
			v.Kept = release.Refuse(release.CodeHold, "project", "shop", "environment", "production", "by", "Kim", "reason", "totals are wrong")
		}),
	})
}

func lockRefusal() *release.Refusal {
	return release.Refuse(release.CodeLock, "project", "shop", "environment", "production", "by", "Kim", "reason", "checking the payment import",
		"since", "2026-11-20T10:00:00Z", "until", "2026-11-20T15:30:00Z")
}

func TestALockAFreezeAndAHoldRefuseWithANextStep(t *testing.T) {
	previewLock := lockRefusal()
	previewLock.Facts["environment"] = "preview"
	byHand := release.Refuse(release.CodeFreeze, "reason", "launch", "by", "Robin", "until", "2026-11-20T16:00:00Z")
	byCalendar := release.Refuse(release.CodeFreeze, "reason", outside.Reason, "window", outside.Window, "outside", "true", "until", "2026-11-21T08:00:00Z")
	refusedRun := func(kind release.Kind, r *release.Refusal) cards.Card {
		return cards.Run(with(run(kind, release.Refused), func(run *release.Run) { run.Refusal = r }))
	}
	golden(t, "refusals-kept", map[string]cards.Card{
		"locked":                          cards.Refusal(lockRefusal(), "shop"),
		"locked, several projects here":   cards.Refusal(lockRefusal(), ""),
		"locked preview":                  cards.Refusal(previewLock, "shop"),
		"held preview":                    cards.Refusal(release.Refuse(release.CodeHold, "project", "shop", "environment", "preview", "by", "Kim", "reason", "the seed is broken"), "shop"),
		"preview is not held":             cards.Refusal(release.Refuse(release.CodeNoHold, "environment", "preview"), "shop"),
		"frozen by hand":                  cards.Refusal(byHand, "shop"),
		"frozen by the calendar":          cards.Refusal(byCalendar, "shop"),
		"too long a lock":                 cards.Refusal(release.Refuse(release.CodeBadTime, "command", "lock", "most", "14 days"), "shop"),
		"no time for a freeze":            cards.Refusal(release.Refuse(release.CodeBadTime, "command", "freeze", "most", "31 days"), "shop"),
		"too long a delegation":           cards.Refusal(release.Refuse(release.CodeBadTime, "most", "60 days"), "shop"),
		"a lock without a reason":         cards.Refusal(release.Refuse(release.CodeNeedsReason, "command", "lock"), "shop"),
		"a promote that met a lock":       refusedRun(release.Promote, lockRefusal()),
		"a promote that met a freeze":     refusedRun(release.Promote, byHand),
		"a deploy that met preview's":     refusedRun(release.Deploy, previewLock),
		"a lock of which little is known": cards.Refusal(release.Refuse(release.CodeLock), ""),
	})
}

func TestAStampIsThatOfTheVeryLock(t *testing.T) {
	r := lockRefusal()
	k := release.Lock{At: time.Date(2026, 11, 20, 11, 0, 0, 999, time.FixedZone("CET", 3600))}
	if got := cards.KeepStamp(k); got != r.Facts["since"] {
		t.Errorf("a lock says %s, its refusal %s", got, r.Facts["since"])
	}
}

// kept are the cards about locks, holds and freezes with a text from outside in every place.
func kept(t *testing.T, text string) map[string]cards.Card {
	t.Helper()
	person := release.Person{ID: 1001, Name: text}
	k, f := release.Lock{By: person, Reason: text}, release.Freeze{By: person, Reason: text}
	verdict := freeze.Verdict{Frozen: true, Reason: text, Window: text}
	e := deploy.Event{Project: text, Environment: release.Preview, By: person, To: person, Text: text}
	broken := release.Run{Project: text, Requester: person, Ref: text, Breaking: &release.BreakGlass{By: person, Reason: text}}
	for _, code := range codes(t) {
		r := factual(code)
		for key := range r.Facts {
			r.Facts[key] = text
		}
		broken.Breaking.Skips = append(broken.Breaking.Skips, *r)
	}
	return map[string]cards.Card{
		"locked": cards.Locked(text, release.Preview, k), "unlocked": cards.Unlocked(text, release.Preview, k, release.Person{Name: text}),
		"taken over": cards.TakenOver(text, release.Preview, k), "held": cards.Held(text, release.Preview, text, person),
		"freeze": cards.FreezeOf(cards.Freezing{Project: text, Manual: &f, Calendar: verdict, Next: noon, NextWhy: freeze.Verdict{Reason: text + "!"}}),
		"frozen": cards.FrozenNow(text, f), "thawed": cards.Unfrozen(text, person, verdict), "freeze over": cards.FreezeOver(e, verdict),
		"lock taken": cards.LockTaken(e), "lock lifted": cards.LockLifted(e), "lock over": cards.LockOver(e),
		"still locked": cards.StillLocked(text, release.Preview, k), "still held": cards.StillHeld(text, release.Preview, release.Hold{By: person, Reason: text}),
		"your turn": cards.YourTurn(broken), "broken glass": cards.GlassBroken(broken),
	}
}
