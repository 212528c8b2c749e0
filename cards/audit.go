package cards

import (
	"fmt"
	"strings"

	"towline/deploy"
	"towline/deploy/release"
)

// Audit is the verb of a button that shows a project's log.
const Audit Verb = "audit" // project

// auditLines is how many lines of a log one message shows.
const auditLines = 15

// AuditOf shows the newest entries of a log, and its head. entries are newest first; an empty project is the team's own log.
func AuditOf(project string, entries []deploy.Entry) Card {
	of, flag := "of <b>"+name(project)+"</b>", project
	if project == "" {
		of, flag = "of <b>the team</b>", "_team"
	}
	var l lines
	l.addf("<b>Audit log</b> %s, newest first", of)
	if len(entries) == 0 {
		l.add("Nothing is in it yet.")
		return Card{HTML: l.String()}
	}
	shown := 0
	for i := 0; i < len(entries) && shown < auditLines; shown++ {
		same := sameRun(entries[i:])
		if same > 1 {
			l.spare(fmt.Sprintf("• %s · %s of the run%s", stamp(entries[i].At, "dT"), count(same, "step"), about(entries[i])))
		} else {
			l.spare("• " + happened(entries[i]))
		}
		i += max(1, same)
	}
	head := deploy.ChainHead{Seq: entries[0].Seq, Hash: entries[0].Hash}
	l.gap()
	l.addf("Head: entry %d, <code>%s</code>", head.Seq, esc(head.Hash[:min(12, len(head.Hash))]))
	l.addf("%s proves that nothing was changed.", command("towline audit verify -project "+flag))
	return Card{HTML: l.String()}
}

// sameRun is how many entries in a row are steps of one run: a run's card tells them better.
func sameRun(entries []deploy.Entry) int {
	n := 0
	for n < len(entries) && entries[n].Run != "" && entries[n].Run == entries[0].Run && (entries[n].What == "step" || entries[n].What == "intent") {
		n++
	}
	return n
}

// happened is one entry in words: when, who, what.
func happened(e deploy.Entry) string {
	who := "Towline"
	if e.Who != (release.Person{}) {
		who = orElse(name(e.Who.Shown()), fmt.Sprintf("person %d", e.Who.ID))
	}
	return fmt.Sprintf("%s · <b>%s</b> %s", stamp(e.At, "dT"), who, did(e))
}

// did says what an entry tells, with what it is about.
func did(e deploy.Entry) string {
	said := detailOf(e.Detail)
	switch e.What {
	case "command":
		return "wrote " + code(e.Detail)
	case "refused":
		return "was refused" + about(e) + said
	case "requested":
		if e.Who == (release.Person{}) {
			return "asks people to approve" + about(e)
		}
		if e.Release == 0 && e.Detail != "" {
			return "asked for " + code(e.Detail) + on(e)
		}
		return "asked for it" + about(e)
	case "asked again":
		return "asked again" + about(e)
	case "superseded":
		return "put a newer request in the place of one" + about(e)
	case "approved", "rejected":
		return e.What + about(e) + said
	case "expired":
		return "let a request expire" + about(e)
	case "plan changed":
		return "found another plan, and asked again" + about(e)
	case "vote void":
		return "no longer has the role that their vote took" + about(e)
	case "step", "intent":
		return map[string]string{"step": "did a step", "intent": "began a step"}[e.What] + about(e) + said
	case "released", "started", "running":
		return map[string]string{"released": "took in the release", "started": "took up the run", "running": "started the run"}[e.What] + about(e)
	case "ended":
		return "ended the run" + about(e) + said
	default:
		return didToMore(e, said)
	}
}

// didToMore: what is done by hand, to an environment, a release or the team.
func didToMore(e deploy.Entry, said string) string {
	words, ok := map[string]string{
		"cancel asked": "asked to stop the run", "cancelled": "cancelled the run", "looked again": "looked once more", "closed": "closed the run",
		"hold": "held it", "unhold": "lifted the hold", "lock": "locked it", "unlock": "gave the lock back", "lock taken over": "took the lock over",
		"lock lifted": "lifted the lock", "lock expired": "let the lock end", "reminded of the lock": "asked whether the lock is still wanted",
		"reminded of the hold": "asked whether the hold is still wanted", "freeze": "froze it", "unfreeze": "lifted the freeze", "freeze over": "let the freeze end",
		"break-glass": "went past the gates", "note": "noted", "config": "took over a config", "delegated": "lent their role", "undelegated": "took back what was lent",
		"backup": "copied the store",
	}[e.What]
	if !ok {
		words = flat(e.What, 60)
	}
	if e.What == "config" && e.Digest != "" {
		words += " <code>" + esc(release.Short(e.Digest)) + "</code>"
	}
	return words + about(e) + said
}

// detailOf is an entry's detail behind a colon.
func detailOf(detail string) string {
	if text := flat(detail, 160); text != "" {
		return ": " + text
	}
	return ""
}

// about is which release and which environment an entry is about.
func about(e deploy.Entry) string {
	if e.Release == 0 {
		return on(e)
	}
	return fmt.Sprintf(", #%d%s", e.Release, on(e))
}

func on(e deploy.Entry) string {
	if e.Environment == "" {
		return ""
	}
	return " on " + name(strings.ToLower(string(e.Environment)))
}
