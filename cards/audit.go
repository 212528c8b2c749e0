package cards

import (
	"fmt"
	"strings"
	"time"

	"towline/deploy/audit"
	"towline/deploy/release"
)

// Audit is the verb of a button that shows a project's log.
const Audit Verb = "audit" // project

// auditLines is how many lines of a log one message shows.
const auditLines = 15

// shownHash is how much of a head's hash is shown: as much as towline audit verify -head takes at least.
const shownHash = 16

// AuditOf shows the newest entries of a log, and its head. entries are newest first; an empty project is the team's own log.
func AuditOf(project string, entries []audit.Entry) Card {
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
			l.spare(fmt.Sprintf("• %s · %s of %s", stamp(entries[i].At, "dt"), count(same, "step"), orElse(audited(entries[i]), "a run")))
		} else {
			l.spare("• " + happened(entries[i]))
		}
		i += max(1, same)
	}
	head := audit.Head{Seq: entries[0].Seq, Hash: entries[0].Hash}
	l.gap()
	head.Hash = head.Hash[:min(shownHash, len(head.Hash))]
	l.addf("Head: <code>%s</code>", esc(head.String()))
	l.addf("%s proves that nothing was changed.", command("towline audit verify -project "+flag))
	return Card{HTML: l.String()}
}

// sameRun is how many entries in a row are steps of one run: a run's card tells them better.
func sameRun(entries []audit.Entry) int {
	n := 0
	for n < len(entries) && entries[n].Run != "" && entries[n].Run == entries[0].Run && (entries[n].What == "step" || entries[n].What == "intent") {
		n++
	}
	return n
}

// happened is one entry in words: when, who, what.
func happened(e audit.Entry) string {
	who := "Towline"
	if e.Who != (release.Person{}) {
		who = orElse(name(e.Who.Shown()), fmt.Sprintf("person %d", e.Who.ID))
	}
	return fmt.Sprintf("%s · <b>%s</b> %s", stamp(e.At, "dt"), who, did(e))
}

// deeds say what an entry tells; § is what it is about.
func deeds() map[string]string {
	return map[string]string{
		"refused": "was refused", "asked again": "asked again for §", "superseded": "put a newer request in the place of §", "approved": "approved §", "rejected": "rejected §",
		"expired": "let the request for § expire", "plan changed": "found another plan for §, and asks again", "vote void": "no longer has the role that their vote for § took",
		"empty asked": "asked to empty a preview database", "delete asked": "asked to delete a preview database", "released": "made §", "started": "took up the run of §", "running": "began to carry out §", "step": "did a step of §", "intent": "began a step of §", "ended": "ended the run of §",
		"cancel asked": "asked to stop §", "cancelled": "cancelled §", "looked again": "looked once more at §", "closed": "closed §",
		"hold": "held §", "unhold": "lifted the hold of §", "reminded of the hold": "asked whether the hold of § is still wanted",
		"lock": "locked §", "unlock": "gave § back", "lock taken over": "took over the lock of §", "lock lifted": "lifted the lock of §",
		"lock expired": "let the lock of § end", "reminded of the lock": "asked whether the lock of § is still wanted",
		"freeze": "froze §", "unfreeze": "lifted the freeze of §", "freeze over": "let the freeze of § end",
		"break-glass": "went past the gates with §", "note": "noted about §", "config": "took over a config", "delegated": "lent a role", "undelegated": "took back what was lent",
		"backup": "copied the store", "way chosen": "chose the way back for §",
		"drift": "found that § was changed from outside", "drift over": "found § as it was again", "drift adopted": "adopted what was changed in §",
		"backfill": "began a backfill of §", "backfill gave way": "let something else on § go before a backfill", "backfill rests": "let a backfill of § rest",
		"backfill goes on": "went on with a backfill of §", "backfill paused": "paused a backfill of §", "backfill resumed": "resumed a backfill of §",
		"backfill stopped": "stopped a backfill of §", "backfill over": "took away what a backfill of § left", "backfill superseded": "began another backfill in the place of §'s",
		"watch": "began to watch §", "watched": "watched §", "watch superseded": "stopped watching §, since production changes again",
		"drift looked into": "looks into what was changed in §", "drill": "restored the last backup of § for practice",
	}
}

// did says what an entry tells, with what it is about.
func did(e audit.Entry) string {
	detail := ""
	if text := flat(e.Detail, 160); text != "" {
		detail = ": " + dated(text)
	}
	switch e.What {
	case "command":
		return "wrote " + code(e.Detail)
	case "requested":
		return requested(e)
	case "config":
		if e.Digest != "" {
			return "took over the config <code>" + esc(release.Short(e.Digest)) + "</code>" + detail
		}
	case "refused":
		if of := audited(e); of != "" {
			return fmt.Sprintf("was refused (%s)%s", of, detail)
		}
	case "released", "started", "running", "asked again", "superseded", "vote void", "plan changed", "watch", "watch superseded":
		detail = "" // ids and names of gates
	}
	words, ok := deeds()[e.What]
	if !ok {
		words = flat(e.What, 60) + " §"
	}
	return strings.TrimSpace(strings.ReplaceAll(words, "§", orElse(audited(e), "it"))) + detail
}

// dated shows the times in a detail, which the log has as RFC 3339, in the reader's own zone.
func dated(text string) string {
	words := strings.Split(text, " ")
	for i, w := range words {
		bare := strings.TrimSuffix(w, ":")
		if at, err := time.Parse(time.RFC3339, bare); err == nil {
			words[i] = stamp(at, "dt") + w[len(bare):]
		}
	}
	return strings.Join(words, " ")
}

// requested: a person asked, or Towline asks the others.
func requested(e audit.Entry) string {
	switch {
	case e.Who == (release.Person{}):
		return "asks people to approve " + orElse(audited(e), "it")
	case e.Release == 0 && e.Detail != "":
		return strings.TrimSpace(fmt.Sprintf("asked for %s on %s", code(e.Detail), orElse(string(e.Environment), "preview")))
	default:
		return "asked for " + orElse(audited(e), "it")
	}
}

// audited is what an entry is about: the release, the environment, or both. A lock, a hold and a freeze are the environment's.
func audited(e audit.Entry) string {
	env := name(string(e.Environment))
	keeps := strings.Contains(e.What, "lock") || strings.Contains(e.What, "hold") || strings.Contains(e.What, "freeze")
	switch {
	case e.Release == 0 || keeps && env != "":
		return env
	case env == "":
		return fmt.Sprintf("#%d", e.Release)
	default:
		return fmt.Sprintf("#%d on %s", e.Release, env)
	}
}
