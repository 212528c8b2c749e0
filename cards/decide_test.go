package cards_test

import (
	"strings"
	"testing"

	"towline/cards"
	"towline/deploy/release"
)

func broken(r *release.Run) {
	r.Breaking = &release.BreakGlass{By: dana, Reason: "checkout is down, #42 repairs it", Skips: []release.Refusal{
		*release.Refuse(release.CodeHold, "by", "Kim", "reason", "rollback to #41"),
		*release.Refuse(release.CodeNotOnPreview, "release", "42", "preview", "43"),
		*release.Refuse(release.CodeApprovals, "required", "2", "role", "approver"),
	}}
	r.Votes = []release.Vote{{By: dana, Yes: true, Digest: digest, At: noon}}
}

func TestGatesThatAreSkippedStandOnTheCardByName(t *testing.T) {
	golden(t, "breakglass", rendered(map[string]cards.View{
		"asked": with(run(release.Promote, release.Asking), func(r *release.Run) { broken(r); r.Votes = nil }),
		"at work": with(run(release.Promote, release.Executing), func(r *release.Run) {
			broken(r)
			r.Steps = steps(release.StepIntent, "restore point", "apply")
		}),
		"done": with(run(release.Promote, release.Done), func(r *release.Run) {
			broken(r)
			r.Steps = steps(release.StepDone, "restore point", "apply", "verify")
			r.Point = point()
		}),
	}))
}

func TestARunThatWasCancelledSaysWhatWasDone(t *testing.T) {
	stop := &release.Cancel{By: dana, At: noon}
	golden(t, "cancelled", rendered(map[string]cards.View{
		"a request":    with(run(release.Promote, release.Cancelled), func(r *release.Run) { r.Cancel = stop }),
		"in the queue": with(run(release.Deploy, release.Cancelled), func(r *release.Run) { r.Release, r.Plan, r.Cancel = 0, nil, stop }),
		"before the first change": with(run(release.Promote, release.Cancelled), func(r *release.Run) {
			r.Cancel, r.Point, r.Steps = stop, point(), steps(release.StepDone, "restore point")
			r.Failure = &release.Failure{Code: "cancelled", Left: []string{"0007_orders.sql"}}
		}),
		"before the first change, its database made": with(run(release.Promote, release.Cancelled), func(r *release.Run) {
			r.Cancel, r.Steps = stop, steps(release.StepDone, "provision", "restore point")
			r.Failure = &release.Failure{Code: "cancelled", Left: []string{"0007_orders.sql"}}
		}),
		"half way": with(run(release.Promote, release.Cancelled), func(r *release.Run) {
			r.Plan.Transactions = 2
			r.Cancel, r.Point = stop, point()
			r.Steps = append(steps(release.StepDone, "restore point", "apply"), release.Step{Name: release.StepApply, Index: 1, State: release.StepPlanned})
			r.Failure = &release.Failure{Code: "cancelled", Applied: []string{"0007_orders.sql"}, Left: []string{"0008_totals.sql"}}
		}),
		"asked to stop": with(run(release.Promote, release.Executing), func(r *release.Run) {
			r.Cancel, r.Steps = stop, steps(release.StepIntent, "restore point", "apply")
		}),
	}))
}

func TestARejectionHasAReason(t *testing.T) {
	r := run(release.Promote, release.Asking)
	secret := release.Person{ID: 1002, Name: "Robin", Anonymous: true}
	rejected := with(run(release.Promote, release.Rejected), func(r *release.Run) {
		r.Votes = []release.Vote{{By: robin, Digest: digest, At: noon, Reason: "not <b>before</b> the launch"}}
	})
	anonymous := with(run(release.Promote, release.Rejected), func(r *release.Run) {
		r.Votes = []release.Vote{{By: secret, Digest: digest, At: noon, Reason: "Wrong release"}}
	})
	golden(t, "rejected", map[string]cards.Card{
		"the question":                    cards.WhyNot(r, robin, digest),
		"the question to somebody unseen": cards.WhyNot(r, secret, digest),
		"kept open":                       cards.KeptOpen(robin),
		"answered":                        cards.RejectedFor(r, robin, "not <b>before</b> the launch"),
		"answered by somebody unseen":     cards.RejectedFor(r, secret, "Wrong release"),
		"the card":                        cards.Run(rejected),
		"the card, by somebody unseen":    cards.Run(anonymous),
		"cancelled at once":               cards.CancelAsked(with(run(release.Deploy, release.Cancelled), same).Run),
		"cancelled at the next step":      cards.CancelAsked(with(run(release.Promote, release.Executing), same).Run),
	})
}

func TestARequestIsAskedAgainWithWhatEndedSince(t *testing.T) {
	golden(t, "asked-again", rendered(map[string]cards.View{
		"an approver's role ended": with(run(release.Promote, release.Asking), func(r *release.Run) {
			r.Votes = []release.Vote{{By: robin, Yes: true, Digest: digest, At: noon, Void: "role ended"}}
			r.Changes = []release.Difference{{What: "approver", Removed: []string{"Robin"}}, {What: "live", Before: "#41", After: "#40"}}
		}),
		"a deploy that needs a yes": with(run(release.Deploy, release.Asking), func(r *release.Run) {
			r.Required, r.Approved, r.ExpiresAt = 1, digest, noon
		}),
	}))
}

func TestWhoVotedAnonymouslyIsNotToldByWhoIsMissing(t *testing.T) {
	unseen := kim
	unseen.Anonymous = true
	view := with(run(release.Promote, release.Asking), func(r *release.Run) {
		r.Required = 2
		r.Votes = []release.Vote{{By: unseen, Yes: true, Digest: digest, At: noon}}
	})
	view.Approvers = []release.Person{robin, kim}
	if text := cards.Text(cards.Run(view)); !strings.Contains(text, "Approved by an anonymous admin") || !strings.Contains(text, "May approve: Robin and Kim") {
		t.Errorf("who is not among those who may approve has voted:\n%s", text)
	}
	view.Approvers = []release.Person{kim}
	if text := cards.Text(cards.Run(view)); !strings.Contains(text, "Nobody else may approve this") {
		t.Errorf("a request that nobody can approve any more does not say so:\n%s", text)
	}
	seen := view
	seen.Run.Votes = []release.Vote{{By: kim, Yes: true, Digest: digest, At: noon}}
	seen.Approvers = []release.Person{robin, kim}
	if text := cards.Text(cards.Run(seen)); !strings.Contains(text, "May approve: Robin\n") {
		t.Errorf("who has voted is asked once more:\n%s", text)
	}
}

func TestRunsToCancelAreToldApartOnTheirButtons(t *testing.T) {
	waiting := func(by release.Person) release.Run {
		return with(run(release.Deploy, release.Queued), func(r *release.Run) { r.Requester, r.Release, r.Ref = by, 0, "" }).Run
	}
	for want, r := range map[string]release.Run{
		"preview: the source by Kim, waiting for its turn":      waiting(kim),
		"preview: the source by Robin, waiting for its turn":    waiting(robin),
		"production: back to #41 by Dana, waiting for approval": run(release.Rollback, release.Asking),
	} {
		if got := cards.RunInShort(r); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAnApproverLearnsWhyTheirPressDoesNotCountWhereTheBotIsNoAdministrator(t *testing.T) {
	for _, admin := range []bool{false, true} {
		toast := cards.RefusalToast(release.Refuse(release.CodeFactsMissing, "what", "membership", "problem", cards.NoMembership(admin)))
		if !strings.Contains(toast, cards.NoMembership(admin)) {
			t.Errorf("the toast does not say why: %q", toast)
		}
	}
}
