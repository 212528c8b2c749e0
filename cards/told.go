package cards

import (
	"fmt"

	"towline/deploy"
	"towline/deploy/freeze"
	"towline/deploy/release"
)

// LockTaken tells somebody that their lock is another's now.
func LockTaken(e deploy.Event) Card {
	var l lines
	l.addf("🔒 %s: %s took over your lock, %s", where(e.Project, e.Environment), name(e.By.Shown()), mention(e.To))
	l.add(reasonOf(e.Text))
	l.addf("%s before you go on there.", askThem(e.By))
	return Card{HTML: l.String(), Notify: true}
}

// LockLifted tells somebody that their lock was ended by an admin.
func LockLifted(e deploy.Event) Card {
	var l lines
	l.addf("🔓 %s: %s lifted your lock, %s", where(e.Project, e.Environment), name(e.By.Shown()), mention(e.To))
	l.add(reasonOf(e.Text))
	l.addf("%s, or lock it again: <code>/lock %s%s for 2h reason</code>", askThem(e.By), name(e.Project), named(e.Environment))
	return Card{HTML: l.String(), Notify: true}
}

// LockOver says that a lock has come to its end. Its owner was reminded before.
func LockOver(e deploy.Event) Card {
	return Card{HTML: fmt.Sprintf("🔓 %s is free again, the lock of %s is over: %s", where(e.Project, e.Environment), name(e.To.Shown()), reasonOf(e.Text))}
}

// StillLocked asks the owner of a lock whether it is still wanted.
func StillLocked(project string, env release.Environment, k release.Lock) Card {
	var l lines
	l.addf("⏰ %s, do you still need %s?", capital(mention(k.By), k.By), where(project, env))
	l.addf("Locked by you %s, until %s: %s", when(k.At), till(k.At, k.Until), reasonOf(k.Reason))
	return Card{HTML: l.String(), Notify: true, Until: k.Until, Buttons: [][]Button{{
		unlockButton(project, env, k),
		{Text: fmt.Sprintf("Keep it %d h more", int(deploy.LockDefault.Hours())), Action: Do(Extend, project, string(env), KeepStamp(k))},
	}}}
}

// StillHeld asks the owner of a hold whether its cause is gone.
func StillHeld(project string, env release.Environment, h release.Hold) Card {
	var l lines
	l.addf("⏰ %s, %s is still held", capital(mention(h.By), h.By), where(project, env))
	l.addf("Held %s: %s", when(h.At), reasonOf(h.Reason))
	l.addf("When the cause is gone: <code>/unhold %s%s reason</code>", name(project), named(env))
	return Card{HTML: l.String(), Notify: true}
}

// FreezeOver says that a freeze that somebody began has come to its end.
func FreezeOver(e deploy.Event, calendar freeze.Verdict) Card {
	var l lines
	l.addf("%s.", thawed(e.Project, calendar))
	l.addf("It was the one of %s: %s", name(e.To.Shown()), reasonOf(e.Text))
	freezes(&l, stillBy, nil, calendar)
	return Card{HTML: l.String()}
}

// YourTurn tells the one who asked for a run that it does not wait in the queue any more.
func YourTurn(r release.Run) Card {
	what := doing(r.Kind)
	switch {
	case r.Release != 0:
		what += fmt.Sprintf(" #%d", r.Release)
	case r.Ref != "":
		what += " " + code(r.Ref)
	}
	return Card{HTML: fmt.Sprintf("🟡 %s, your turn: %s · %s", capital(mention(r.Requester), r.Requester), arrow(r), what), Notify: true}
}

// GlassBroken tells everybody that gates were skipped, which, by whom and why.
func GlassBroken(r release.Run) Card {
	b := *r.Breaking
	var l lines
	l.addf("🚨 %s · break-glass", arrow(r))
	what := fmt.Sprintf("promotes #%d", r.Release)
	if r.Kind == release.Rollback {
		what = fmt.Sprintf("goes back to #%d", r.Release)
	}
	l.addf("%s %s past %s: %s", who(b.By), what, count(len(b.Skips), "gate"), reasonOf(b.Reason))
	for i, skip := range b.Skips {
		if i == 8 {
			l.addf("… and %d more", len(b.Skips)-i)
			break
		}
		l.addf("• %s <code>%s</code>", sentence(refusal(skip, r).what), skip.Code)
	}
	l.add("It stays on the release for ever, and in the weekly report.")
	return Card{HTML: l.String(), Notify: true}
}

// capital begins a sentence with a mention.
func capital(mention string, p release.Person) string {
	if p.Anonymous {
		return upper(mention)
	}
	return mention
}
