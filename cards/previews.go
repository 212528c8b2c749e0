package cards

import (
	"fmt"
	"strings"
	"time"

	"towline/deploy"
	"towline/deploy/release"
)

// The verbs of preview databases.
const (
	AskEmpty  Verb = "ask-empty"  // database
	AskDelete Verb = "ask-delete" // database
	EmptyNow  Verb = "empty"      // database, digest of what was shown, "twice" where it was named twice
	DeleteNow Verb = "delete"     // likewise
	KeepIt    Verb = "keep"       // database
)

// previewsShown is how many databases one card lists; each has a row of buttons.
const previewsShown = 8

// PreviewsOf lists preview databases. stale: those that nobody uses, weekly; else all, when somebody asks. after is how long one
// must be untouched to be stale; 0: none is, by that.
func PreviewsOf(list []deploy.Preview, stale bool, after time.Duration) Card {
	var l lines
	switch {
	case stale:
		l.add("🧹 <b>Previews that nobody uses</b>")
	case len(list) == 0:
		return Card{HTML: "There is no preview database here. /deploy makes one."}
	default:
		l.add("🧪 <b>Preview databases</b>")
	}
	var buttons [][]Button
	for _, p := range list[:min(previewsShown, len(list))] {
		l.gap()
		aPreview(&l, p, stale)
		if row := dropButtons(p); row != nil {
			buttons = append(buttons, row)
		}
	}
	if len(list) > previewsShown {
		var more []string
		for _, p := range list[previewsShown:] {
			more = append(more, p.Database)
		}
		l.gap()
		l.spare("Also: " + and(shorten(more, 30, code)) + ".")
	}
	l.gap()
	if len(buttons) > 0 {
		l.add("Nothing is emptied or deleted before somebody has pressed twice, and a copy is kept on the bot's machine first.")
	}
	if stale && after > 0 {
		l.addf("Listed is what nobody touched for %s, and what is left over from projects that are gone.", days(after))
	}
	return Card{HTML: l.String(), Buttons: buttons}
}

// aPreview says which database it is, how large, and when it was last of use.
func aPreview(l *lines, p deploy.Preview, stale bool) {
	l.add(code(p.Database) + " · " + strings.Join(previewFacts(p), " · "))
	if p.LeftOver {
		l.addf("🗂 left over: no project of the config has it any more, since %s", stamp(p.LeftAt, "d"))
	} else if p.Stale && !stale { // else the title says so
		l.add("💤 nobody uses it")
	}
	switch {
	case p.Problem != "":
		l.spare("⚠️ Cloudflare could not be asked about it: " + flat(p.Problem, 200))
	case len(p.Shared) > 1:
		l.addf("It is the preview of %s, so none of them alone may empty or delete it.", and(shorten(p.Shared, 6, code)))
	case p.NoBackup:
		l.add("No backups are kept here, so that it can be neither emptied nor deleted from the chat.")
	case p.Foreign:
		twice := p.Database + " " + p.Database
		l.add("Towline did not make it. Who means it all the same names it twice: " + command("/preview delete "+twice))
		if !p.NoRelease {
			l.add("Or, to empty it: " + command("/preview empty "+twice))
		}
	}
}

// previewFacts are what somebody has to know before it is emptied or deleted.
func previewFacts(p deploy.Preview) []string {
	facts := []string{"of " + name(p.Project)}
	if p.Size > 0 {
		facts = append(facts, bytesOf(p.Size))
	} else if p.Problem == "" {
		facts = append(facts, "its size was not told")
	}
	if p.Release != 0 {
		facts = append(facts, fmt.Sprintf("#%d is live there", p.Release))
	}
	if p.Deployed.IsZero() {
		facts = append(facts, "never deployed to by Towline")
	} else {
		facts = append(facts, "last deploy "+when(p.Deployed))
	}
	switch {
	case p.Counted.IsZero():
		facts = append(facts, "its use is not counted")
	case p.Used.IsZero() && p.Counted.Before(p.Deployed):
		facts = append(facts, "not used since")
	case p.Used.IsZero():
		facts = append(facts, "not used since "+stamp(p.Counted, "d")+", as far back as that is counted")
	case atTheDeploy(p.Used, p.Deployed):
		facts = append(facts, "last used within an hour of that")
	default:
		facts = append(facts, "last used "+when(p.Used))
	}
	return facts
}

// dropButtons ask first; nil where there is nothing to press.
func dropButtons(p deploy.Preview) []Button {
	if p.Problem != "" || p.NoBackup || p.Foreign || len(p.Shared) > 1 {
		return nil
	}
	remove := Button{Text: "Delete " + p.Database, Action: Do(AskDelete, p.Database)}
	if p.LeftOver || p.NoRelease {
		return []Button{remove}
	}
	return []Button{{Text: "Empty " + p.Database, Action: Do(AskEmpty, p.Database)}, remove}
}

// days says a length of time in whole days, or hours where it is less.
func days(d time.Duration) string {
	if d < 24*time.Hour {
		return count(int64(d/time.Hour), "hour")
	}
	return count(int64(d/(24*time.Hour)), "day")
}

// ConfirmDrop asks once more, with what there is to know. typed is the command that means the same as its button, for
// whoever has none; empty: there are buttons.
func ConfirmDrop(p deploy.Preview, verb Verb, until time.Time, typed string) Card {
	var l lines
	ask, yes := "🗑 <b>Delete %s?</b>", "Delete it"
	if verb == EmptyNow {
		ask, yes = "🧹 <b>Empty %s?</b>", "Empty it"
	}
	l.addf(ask, code(p.Database))
	l.add(strings.Join(previewFacts(p), "\n"))
	if p.Foreign {
		l.add("⚠️ Towline did not make it. You named it twice, so it is meant.")
	}
	l.gap()
	if verb == EmptyNow {
		l.addf("A copy is kept on the bot's machine and restored there to prove it. Then all its rows go, and it is rebuilt from production's schema and the seed of %s.", ofRelease(p.Release))
	} else {
		l.add("A copy is kept on the bot's machine and restored there to prove it. Then the database is gone, its Time Travel too; only the copy leads back.")
	}
	card := Card{Asks: true, Until: until}
	if typed != "" {
		l.addf("Nothing happens yet. To do it: %s", command(typed))
	} else {
		args := []string{p.Database, p.Digest()}
		if p.Foreign {
			args = append(args, "twice")
		}
		card.Buttons = [][]Button{{{Text: yes, Action: Do(verb, args...), Style: Danger}, {Text: "Keep it", Action: Do(KeepIt, p.Database)}}}
	}
	card.HTML = l.String()
	if typed != "" {
		card.Buttons = [][]Button{} // a question all the same
	}
	return card
}

func ofRelease(number uint64) string {
	if number == 0 {
		return "the release that is live"
	}
	return fmt.Sprintf("#%d", number)
}

// DropAsked takes the place of that question when somebody said yes.
func DropAsked(database string, verb Verb, by release.Person) Card {
	if verb == EmptyNow {
		return Card{HTML: fmt.Sprintf("🧹 %s is emptied, for %s. A card follows.", code(database), name(by.Shown()))}
	}
	return Card{HTML: fmt.Sprintf("🗑 %s is deleted, for %s. A card follows.", code(database), name(by.Shown()))}
}

// Kept takes its place when somebody said no.
func Kept(database string, by release.Person) Card {
	return Card{HTML: fmt.Sprintf("%s stays as it is, says %s.", code(database), name(by.Shown()))}
}

// KeptToast is the toast for that.
const KeptToast = "It stays as it is."

// deleting is the card of a deletion.
func deleting(v View) Card {
	r := v.Run
	var l lines
	mark, words := deletionVerdict(v)
	l.addf("%s %s · %s", mark, arrow(r), words)
	l.addf("Preview database %s, asked for by %s", code(r.Drop.Database), name(r.Requester.Shown()))
	l.add(shownThen(*r.Drop))
	l.gap()
	switch r.Phase {
	case release.Done:
		l.addf("It is gone, with its Time Travel. The next /deploy of %s makes a new one.", name(r.Project))
		if r.Drop.LeftOver {
			l = l[:len(l)-1]
			l.add("It is gone, with its Time Travel.")
		}
		steps(&l, r)
		l.gap()
		backupTaken(&l, r)
		return Card{HTML: l.String()}
	case release.Broken, release.Refused, release.Unresolved:
		return notDeleted(v, l)
	case release.Cancelled:
		l.add("It was cancelled before the deletion. The database is as it was.")
		steps(&l, r)
		return Card{HTML: l.String()}
	}
	if r.Phase == release.Queued && v.Queued != "" {
		l.addf("Now running: %s", v.Queued)
	}
	if r.Phase != release.Queued {
		steps(&l, r)
	}
	if c := r.Cancel; c != nil {
		l.addf("✋ %s asked to stop it; it stops before its next step.", name(c.By.Shown()))
		return Card{HTML: l.String()}
	}
	return Card{HTML: l.String(), Buttons: [][]Button{cancelButton(r)}}
}

func deletionVerdict(v View) (mark, words string) {
	if v.Run.Phase == release.Queued && v.Queued == "" && v.Run.Place <= 1 {
		return "🟡", "starting"
	}
	return verdict(v.Run)
}

// atTheDeploy tells whether a database was last used in the hour in which it was last deployed to: what is known of use is when its hour began.
func atTheDeploy(used, deployed time.Time) bool {
	return used.Before(deployed) && deployed.Sub(used) < time.Hour
}

// shownThen is what was confirmed.
func shownThen(d release.Drop) string {
	var facts []string
	if d.Size > 0 {
		facts = append(facts, bytesOf(d.Size))
	}
	if !d.Deployed.IsZero() {
		facts = append(facts, "last deploy "+stamp(d.Deployed, "dt"))
	}
	switch {
	case d.Used.IsZero():
	case atTheDeploy(d.Used, d.Deployed):
		facts = append(facts, "last used within an hour of that")
	default:
		facts = append(facts, "last used "+stamp(d.Used, "dt"))
	}
	if d.Foreign {
		facts = append(facts, "not made by Towline, named twice")
	}
	return strings.Join(facts, " · ")
}

// notDeleted tells why not, and that nothing is lost.
func notDeleted(v View, l lines) Card {
	r := v.Run
	card := Card{Notify: true, Buttons: [][]Button{{{Text: "Ask again", Action: Do(AskDelete, r.Drop.Database)}}}}
	switch {
	case r.Refusal != nil:
		refusal(*r.Refusal, r).into(&l)
	case r.Phase == release.Unresolved:
		l.add("Whether it was deleted cannot be found out:")
		l.add(quote(r.Failure.Words))
		l.addf("Look at %s in Cloudflare's dashboard, or press Look again in a minute. Nothing else runs on preview until this is settled.", code(r.Drop.Database))
		card.Buttons = [][]Button{{
			{Text: "Look again", Action: Do(Look, r.ID), Style: Primary},
			{Text: "It did not happen, close", Action: Do(Settle, r.ID), Style: Danger},
		}}
	case r.Failure.Code == "no_backup":
		l.add("No copy could be kept and restored here, so that it was not deleted:")
		l.add(quote(r.Failure.Words))
	case r.Failure.Code == "changed_meanwhile", r.Failure.Code == string(release.CodePreviewBusy):
		l.addf("Somebody writes to it, so that a copy would lack something: %s. It was not deleted.", flat(r.Failure.Words, 200))
	case r.Failure.Code == "closed_by_person":
		l.add("A person looked and closed this run: it was not deleted.")
	default:
		l.add("It was not deleted:")
		l.add(quote(r.Failure.Words))
	}
	l.gap()
	steps(&l, r)
	backupTaken(&l, r)
	l.gap()
	l.addf("code: <code>%s</code>", troubleCode(r))
	card.HTML = l.String()
	return card
}

// aboutPreviews: what speaks against emptying or deleting a preview database.
func aboutPreviews(r release.Refusal, f func(string) string) (said, bool) {
	database, named := "That database", r.Facts["database"]
	if named != "" {
		database = code(named)
	}
	switch r.Code {
	case release.CodeProduction:
		return said{what: database + " is, or was, a production database. Towline neither empties nor deletes one.", next: "If that is what you mean, do it in Cloudflare's dashboard."}, true
	case release.CodeNoPreview:
		return said{what: database + " is no preview database that Towline knows of.", next: "/preview list shows those that there are."}, true
	case release.CodePreviewShared:
		return said{what: database + " is the preview of several projects:", facts: listed(r.Items, 6, code), next: "Give each its own in the config first."}, true
	case release.CodeNotMade:
		twice := orElse(named, "NAME") + " " + orElse(named, "NAME")
		return said{what: database + " was not made by Towline.", next: "Who means it all the same names it twice: " + command("/preview "+orElse(r.Facts["wish"], "delete")+" "+twice)}, true
	case release.CodePreviewChanged:
		return said{what: database + " is not as it was shown: it was used, deployed to or replaced since.", next: "Look again: /preview list"}, true
	case release.CodePreviewBusy:
		return said{what: database + " is being written to at this moment.", next: "Ask again when that is over."}, true
	case release.CodeNothingToReset:
		return said{what: database + " cannot be emptied: its project has no live release to rebuild it for, or is gone.", next: "It can be deleted: " + command("/preview delete "+orElse(named, "NAME"))}, true
	}
	return said{}, false
}
