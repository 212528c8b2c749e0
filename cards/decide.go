package cards

import (
	"fmt"
	"slices"

	"towline/deploy/release"
)

// The toasts of a rejection.
const (
	SayWhy      = "Say why: tap a reason, or answer the question below."
	NotRejected = "Not rejected. The request stays open."
)

// reasons are those that a tap is enough for.
func reasons() []string {
	return []string{"Not now", "Wrong release", "Needs changes", "Needs a better way back"}
}

// WhyNot asks the one who rejects for the reason. A tap is enough; words are better.
func WhyNot(r release.Run, by release.Person, digest string) Card {
	only := []int64{by.ID}
	var rows [][]Button
	for i, why := range reasons() {
		if i%2 == 0 {
			rows = append(rows, nil)
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], Button{Text: why, Action: Do(Because, r.ID, digest, why), For: only})
	}
	rows = append(rows, []Button{{Text: "Keep it open", Action: Do(Because, r.ID, digest, ""), For: only}})
	of := "of"
	if r.Kind == release.Rollback {
		of = "to"
	}
	question := fmt.Sprintf("why is %s %s #%d rejected?", doingNoun(r.Kind), of, r.Release)
	if by.Anonymous {
		question = upper(question)
	} else {
		question = mention(by) + ", " + question
	}
	return Card{
		HTML:    fmt.Sprintf("%s Tap a reason, or reply to this message in your own words. %s reads it on the card.", question, name(r.Requester.Shown())),
		Buttons: rows, OnReply: Do(Because, r.ID, digest, fmt.Sprint(by.ID)), Until: r.ExpiresAt,
	}
}

// KeptOpen takes the place of the question when somebody thought better of it.
func KeptOpen(by release.Person) Card {
	return Card{HTML: fmt.Sprintf("Not rejected, says %s. The request stays open.", name(by.Shown()))}
}

// RejectedFor takes the place of the question when it is answered.
func RejectedFor(r release.Run, by release.Person, why string) Card {
	return Card{HTML: fmt.Sprintf("⛔ %s: rejected by %s: “%s”.", arrow(r), name(by.Shown()), flat(why, 300))}
}

func doingNoun(k release.Kind) string {
	switch k {
	case release.Promote:
		return "the promote"
	case release.Rollback:
		return "the rollback"
	case release.Reset:
		return "the rebuilding"
	case release.Baseline:
		return "the baseline"
	case release.Delete:
		return "the deletion"
	default:
		return "the deploy"
	}
}

// PickRun asks which run to cancel.
func PickRun(project string) string {
	return fmt.Sprintf("Cancel which run of <b>%s</b>?", name(project))
}

// RunInShort is a run on a button, where little fits: whose it is tells it from others of the same release or source.
func RunInShort(r release.Run) string {
	_, words := verdict(r)
	what := fmt.Sprintf("#%d", r.Release)
	if r.Release == 0 {
		what = orElse(r.Ref, "the source")
	}
	if r.Kind == release.Rollback {
		what = "back to " + what
	}
	if r.Drop != nil && r.Kind == release.Delete {
		what = "delete " + r.Drop.Database
	}
	return fmt.Sprintf("%s: %s by %s, %s", r.Environment, what, r.Requester.Shown(), words)
}

// CancelAsked answers a /cancel: what was cancelled, or that the run stops as soon as it safely can.
func CancelAsked(r release.Run) Card {
	if r.Phase == release.Cancelled {
		return Card{HTML: fmt.Sprintf("⚪ %s: %s was cancelled before it began. Nothing was changed.", arrow(r), doingNoun(r.Kind))}
	}
	return Card{HTML: fmt.Sprintf("🟡 %s: %s stops before its next step. Its card says what was done by then.", arrow(r), doingNoun(r.Kind))}
}

// Cancelling is the toast for it.
func Cancelling(r release.Run) string {
	if r.Phase == release.Cancelled {
		return "Cancelled. Nothing was changed."
	}
	return "It stops before its next step."
}

// cancelButton stops what has not come to its end.
func cancelButton(r release.Run) []Button {
	return []Button{{Text: "Cancel", Action: Do(Cancel, r.Project, r.ID)}}
}

// cancelled tells what a run that was stopped had done by then, and what it did not come to.
func cancelled(v View, l lines) Card {
	r := v.Run
	l.gap()
	if c := r.Cancel; c != nil {
		l.addf("Cancelled by %s %s.", name(c.By.Shown()), when(c.At))
	}
	if r.Failure == nil || len(r.Failure.Applied) == 0 && !changed(r) {
		if made(r) {
			l.addf("The database %s was made by then, and stays, empty. Nothing else was changed.", code(r.Plan.Target.Database))
			return Card{HTML: l.String()}
		}
		l.add("Nothing was changed.")
		return Card{HTML: l.String()}
	}
	done, undone := "Done by then, and it stays", "Not done"
	if r.Kind == release.Rollback {
		done = "Taken back by then"
	}
	if len(r.Failure.Applied) > 0 {
		l.addf("⚠️ %s: %s.", done, and(shorten(r.Failure.Applied, 6, code)))
	}
	if len(r.Failure.Left) > 0 {
		l.addf("%s: %s.", undone, and(shorten(r.Failure.Left, 6, code)))
	}
	l.gap()
	steps(&l, r)
	l.gap()
	undo(&l, r)
	l.add("Ask for the same again to do the rest: what is applied is not run twice.")
	return Card{HTML: l.String(), Buttons: retry(r), Notify: true}
}

// made reports whether the run created its database.
func made(r release.Run) bool {
	return r.Plan != nil && slices.ContainsFunc(r.Steps, func(s release.Step) bool {
		return s.Name == release.StepProvision && s.State == release.StepDone
	})
}

// changed reports whether a step of the run changed the database.
func changed(r release.Run) bool {
	for _, s := range r.Steps {
		if s.State == release.StepDone && (s.Name == release.StepReset || s.Name == release.StepApply || s.Name == release.StepUndo || s.Name == release.StepRestore) {
			return true
		}
	}
	return false
}

// breaking is the part of a request that goes past the gates: each of them by name, and what it said.
func breaking(l *lines, r release.Run) {
	b := r.Breaking
	l.gap()
	l.addf("🔓 <b>Break-glass</b> by %s: “%s”", name(b.By.Shown()), flat(b.Reason, 300))
	l.add("<b>Skips these gates:</b>")
	for _, s := range b.Skips {
		l.spare(fmt.Sprintf("• <code>%s</code> %s", s.Code, gateSaid(s, r)))
	}
	l.add("Not skipped: the restore point, the ledger and the digest. Everybody is told, and it stays on the release.")
}

// gateSaid is what a gate had to say, in one line.
func gateSaid(s release.Refusal, r release.Run) string {
	return flat(plain(refusal(s, r).what), 160)
}

func countText(n, noun string) string {
	if n == "1" {
		return "1 " + noun
	}
	return name(n) + " " + noun + "s"
}

// NotCounted says in the chat that somebody's yes did not count, because Telegram did not tell who is in the chat: it may not
// show a toast then either. It names nobody, since nobody knows whether they act anonymously.
func NotCounted() Card {
	return Card{HTML: "⚠️ A press on Approve did not count: Telegram did not say whether whoever pressed is in the chat. Press it again."}
}

// aboutDecision: refusals of people's decisions about a run.
func aboutDecision(r release.Refusal, f func(string) string) (said, bool) {
	switch r.Code {
	case release.CodeNotMember:
		return said{what: "You are not in this project's chat any more, so you do not decide about it.", next: "Somebody of the chat can add you."}, true
	case release.CodeOwnDelegate:
		return said{what: fmt.Sprintf("Your right to approve is lent to you by %s, whose request this is.", f("by")), next: "Somebody else has to approve it."}, true
	case release.CodeNotYours:
		if r.Facts["what"] == "way" {
			return said{what: fmt.Sprintf("Only %s can choose the way: the request is theirs.", f("by"))}, true
		}
		return said{what: fmt.Sprintf("Only %s can confirm this.", f("by"))}, true
	case release.CodeNoRun:
		return said{what: "Nothing is open here: no request, no run in the queue, none at work.", next: "See /status."}, true
	case release.CodeTooLate:
		return said{what: "Too late: the last of what this run changes is with the database already.", next: "Its card says how it ends. To undo it, use /rollback."}, true
	case release.CodeApprovals:
		return said{what: fmt.Sprintf("It takes %s of others.", countText(r.Facts["required"], "approval"))}, true
	}
	return said{}, false
}
