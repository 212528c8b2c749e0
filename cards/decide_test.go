package cards_test

import (
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
