package cards

import (
	"fmt"
	"strconv"
	"strings"

	"towline/deploy/release"
)

// succeeded tells how a run went well, and what leads back.
func succeeded(v View, l lines) Card {
	r := v.Run
	if r.Phase == release.Unchanged {
		l.gap()
		l.addf("#%d is already live on %s with exactly this content. No second release was made.", r.Release, r.Environment)
		return Card{HTML: l.String(), Buttons: next(r)}
	}
	l.gap()
	switch {
	case r.Kind == release.Rollback:
		l.add(wayBack(r))
	default:
		l.add(applied(r))
	}
	l.add(byWhom(r))
	l.spare(files(r)...)
	if b := r.Plan.Backfill; b != nil {
		l.addf("🔁 Its backfill %s begins now, and has a card of its own.", code(b.Name))
	}
	steps(&l, r)
	for _, n := range r.Notes {
		if n == "schema_differs" {
			l.add("⚠️ The schema that was read back is not exactly the rehearsal's. Compare it before you rely on it.")
		}
	}
	compared(&l, r)
	notForProduction(&l, r)
	l.gap()
	undo(&l, r)
	if r.Kind == release.Rollback {
		l.gap()
		l.addf("🔒 Production is held. When the cause is gone: <code>/unhold %s reason</code>", name(r.Project))
	}
	watching(&l, v)
	return Card{HTML: l.String(), Buttons: withReport(next(r), r)}
}

// files lists what was applied, or taken back.
func files(r release.Run) []string {
	switch {
	case r.Kind != release.Rollback:
		return listed(r.Plan.Names(), 5, code)
	case r.Plan.Back.Way == release.WayNothing:
		return nil
	}
	return listed(r.Plan.Names(), 5, func(n string) string { return code(n) + " taken back" })
}

// byWhom names who approved; or for ever that nobody else did.
func byWhom(r release.Run) string {
	if b := r.Breaking; b != nil {
		var codes []string
		for _, c := range b.Codes() {
			codes = append(codes, string(c))
		}
		return fmt.Sprintf("🔓 Break-glass by %s: “%s”\nSkipped: %s", name(b.By.Shown()), flat(b.Reason, 300), and(shorten(codes, 8, code)))
	}
	if len(r.Approvers()) == 0 {
		return "" // nobody had to
	}
	return "Approved by " + people(r.Approvers())
}

func people(list []release.Person) string {
	var out []string
	for _, p := range list {
		out = append(out, p.Shown())
	}
	return and(shorten(out, 6, name))
}

func applied(r release.Run) string {
	n := len(r.Plan.Pending)
	spent := took(r.EndedAt.Sub(r.StartedAt))
	switch {
	case r.Kind == release.Baseline:
		return fmt.Sprintf("%s recorded as applied in %s, and read back; none was run", count(n, "migration"), spent)
	case r.Plan.Reset && n == 0:
		return "Rebuilt from production's schema, which has all of its migrations; read back in " + spent
	case r.Plan.Reset:
		return fmt.Sprintf("Rebuilt from production's schema, then %s applied, read back in %s", count(n, "migration"), spent)
	case n == 0:
		return "No migrations to run; the ledger was read and agrees"
	default:
		return fmt.Sprintf("%s applied and read back in %s", count(n, "migration"), spent)
	}
}

func wayBack(r release.Run) string {
	switch r.Plan.Back.Way {
	case release.WayDown:
		return fmt.Sprintf("%s taken back by DOWN files", count(len(r.Plan.Pending), "migration"))
	case release.WayTimeTravel:
		return fmt.Sprintf("The whole database is as it was at %s", stamp(r.Plan.Back.To.At, "dT"))
	default:
		if n := len(r.Plan.Back.Left); n > 0 {
			return fmt.Sprintf("Nothing in the database had to change: %s only added to it, and %s applied", and(shorten(r.Plan.Back.Left, 4, code)), map[bool]string{true: "stays", false: "stay"}[n == 1])
		}
		return "Nothing in the database had to change"
	}
}

// undo names what leads back, also as a command that works without the bot.
func undo(l *lines, r release.Run) {
	backupTaken(l, r)
	p := r.Point
	if r.Undo != nil {
		p = r.Undo
	}
	if p == nil {
		return
	}
	verb := "Undo, also without the bot"
	if r.Phase != release.Done {
		verb = "Restore point taken before"
	}
	l.addf("↩️ %s:", verb)
	l.add(command(p.Command()))
	l.addf("It takes the whole database back; later writes are lost. Kept %s.", kept(*p))
}

// kept is for how long Time Travel leads back to a point; both of Cloudflare's figures where nobody told the account's plan.
func kept(p release.RestorePoint) string {
	if p.Kept == 0 {
		return fmt.Sprintf("%d days, %d on the free plan", release.Days(release.Retention), release.Days(release.RetentionFree))
	}
	return count(release.Days(p.Kept), "day")
}

// next are the buttons of what one would do now.
func next(r release.Run) [][]Button {
	number := strconv.FormatUint(r.Release, 10)
	switch {
	case r.Kind == release.Rollback, r.Kind == release.Baseline:
		return nil
	case r.Environment == release.Preview:
		return [][]Button{{{Text: "Promote #" + number, Action: Do(Promote, r.Project, number), Style: Primary}}}
	case r.Was != 0 && r.Was != r.Release && r.Phase == release.Done:
		was := strconv.FormatUint(r.Was, 10)
		return [][]Button{{{Text: "Go back to #" + was, Action: Do(Rollback, r.Project, was)}}}
	default:
		return nil
	}
}

// trouble tells what was done, what was not, and what to do.
func trouble(v View, l lines) Card {
	r := v.Run
	l.gap()
	var buttons [][]Button
	switch {
	case r.Refusal != nil:
		words := refusal(*r.Refusal, r)
		words.into(&l)
		buttons = words.buttons
	case r.Failure != nil:
		failure(&l, r)
		buttons = retry(r)
	}
	if len(r.Steps) > 1 {
		l.gap()
		steps(&l, r)
	}
	if r.Phase == release.Unresolved {
		l.gap()
		undo(&l, r)
		buttons = [][]Button{{
			{Text: "Look again", Action: Do(Look, r.ID), Style: Primary},
			{Text: "It did not happen, close", Action: Do(Settle, r.ID), Style: Danger},
		}}
	} else if r.Failure != nil && len(r.Failure.Applied) > 0 {
		l.gap()
		undo(&l, r)
	}
	l.gap()
	l.addf("code: <code>%s</code>", troubleCode(r))
	return Card{HTML: l.String(), Notify: true, Buttons: withReport(buttons, r)}
}

func troubleCode(r release.Run) string {
	if r.Refusal != nil {
		return string(r.Refusal.Code)
	}
	if r.Failure != nil {
		return r.Failure.Code
	}
	return "unknown_state"
}

// failure says what went wrong outside, in the words that were heard there.
func failure(l *lines, r release.Run) {
	f := *r.Failure
	switch f.Code {
	case "refused_by_d1":
		refusedByD1(l, r, f)
	case "turned_away":
		l.add("Cloudflare turned the request away before it reached the database:")
		l.add(quote(f.Words))
	case "foreign_keys_broken":
		l.addf("%s would leave rows whose foreign keys lead nowhere, so D1 was told to undo everything.", code(f.File))
	case "assertion_failed":
		l.addf("%s line %d asserts something that is not true of the rows in %s, so D1 was told to undo everything.", code(f.File), f.Line, code(r.Plan.Target.Database))
	case "unknown_outcome":
		l.add("Whether this happened cannot be found out, so it is not sent again:")
		l.add(quote(f.Words))
		l.addf("Look at %s in Cloudflare's dashboard, or press Look again in a minute. Nothing else runs on %s until this is settled.",
			code(r.Plan.Target.Database), r.Environment)
		return
	case "cannot_go_on":
		l.add("Towline itself could not go on:")
		l.add(quote(f.Words))
		if r.Phase == release.Unresolved {
			l.addf("Whether the step that had begun has happened is unknown. Nothing else runs on %s until this is settled.", r.Environment)
			return
		}
	case "closed_by_person":
		l.add("A person looked and closed this run: the step did not happen.")
	case "not_created":
		l.add("The database could not be created:")
		l.add(quote(f.Words))
	case "changed_meanwhile":
		l.addf("While the backup was taken somebody changed %s: %s.", code(r.Plan.Target.Database), flat(f.Words, 200))
		l.add("The release is planned anew when it is asked for again.")
	case "no_backup":
		l.add("No backup could be taken and restored here:")
		l.add(quote(f.Words))
		if r.Drop != nil {
			break
		}
		l.add("A project may turn backups off, with a reason, under projects.backups in the config.")
	case "restore_point_missing":
		l.add("No restore point could be taken and read back:")
		l.add(quote(f.Words))
	case "not_restored":
		l.add("The database was not restored:")
		l.add(quote(f.Words))
	case "not_verified":
		l.add("The change was sent, and what was read back is not what was expected:")
		l.add(quote(f.Words))
	case "not_read_back":
		l.add("The change was made, and the result could not be read back:")
		l.add(quote(f.Words))
	default:
		l.add("No usable answer came from Cloudflare:")
		l.add(quote(f.Words))
		l.add("The ledger was read afterwards: nothing of it was there at that moment.")
	}
	consequence(l, r)
}

// refusedByD1 says what D1 refused, and whether the rehearsal had said so before.
func refusedByD1(l *lines, r release.Run, f release.Failure) {
	if foretold := r.Plan.Rehearsal; foretold != nil && foretold.Fails != "" {
		l.add("D1 refused it, as the copy of the data had:")
		l.add(quote(f.Words))
		l.addf("In the rehearsal: %s", flat(foretold.Fails, 300))
		return
	}
	l.add("D1 refused what the rehearsal had let pass:")
	l.add(quote(f.Words))
	if f.OneOf > 1 {
		l.addf("It is one of these %d statements; D1 does not say which.", f.OneOf)
		l.spare(listed(r.Plan.Names(), 6, code)...)
	}
}

// consequence says what is there now, and the next step.
func consequence(l *lines, r release.Run) {
	f := *r.Failure
	switch {
	case len(f.Applied) > 0 && r.Kind == release.Rollback:
		l.addf("⚠️ Taken back all the same, and no longer in the ledger: %s.", and(shorten(f.Applied, 6, code)))
		l.addf("What is live is no longer whole. Go on with <code>/rollback %s #%d</code>, or return with the command below.", name(r.Project), r.Release)
	case len(f.Applied) > 0 && f.Code == "not_read_back":
		l.addf("Applied: %s.", and(shorten(f.Applied, 6, code)))
		l.add("Ask again when Cloudflare answers: what is there is found then, and not run twice.")
	case len(f.Applied) > 0:
		l.addf("⚠️ Applied all the same, and in the ledger: %s.", and(shorten(f.Applied, 6, code)))
		l.add("Repair the rest and deploy again; what is applied is not run twice.")
	case f.Code == "not_verified":
		l.add("Ask /status what the ledger holds, then deploy again.")
	case f.Code == "not_read_back":
		l.add("Ask again when Cloudflare answers: what is there is found then, and not done twice.")
	case contentFailed(f):
		l.add("Nothing of it is there: D1 takes all of a transaction or nothing." + spared(r))
		l.add("Repair it and deploy again; other content becomes a new release.")
	case f.Code == "not_applied":
		l.add("Try again when the cause is gone: what did arrive after all is found then, and not run twice." + spared(r))
	default:
		l.add("Nothing of it was carried out." + spared(r))
		l.add("Try again when the cause is gone.")
	}
}

// contentFailed: it is the content that D1 did not take, so that asking again changes nothing.
func contentFailed(f release.Failure) bool {
	return f.Code == "refused_by_d1" || f.Code == "foreign_keys_broken" || f.Code == "assertion_failed"
}

// spared: a failure on preview has not touched production.
func spared(r release.Run) string {
	if r.Environment == release.Preview {
		return " Production was not touched."
	}
	return ""
}

// retry is the button that asks for the same once more, where content is not what failed.
func retry(r release.Run) [][]Button {
	if f := r.Failure; f != nil && (contentFailed(*f) || f.Code == "not_verified") {
		return nil
	}
	number := strconv.FormatUint(r.Release, 10)
	switch r.Kind {
	case release.Promote:
		return [][]Button{{{Text: "Ask again", Action: Do(Promote, r.Project, number)}}}
	case release.Rollback:
		return [][]Button{{{Text: "Ask again", Action: Do(Rollback, r.Project, number)}}}
	case release.Baseline:
		return [][]Button{{{Text: "Ask again", Action: Do(Baseline, r.Project, r.UpTo)}}}
	case release.Reset:
		if r.Drop != nil {
			return [][]Button{{{Text: "Ask again", Action: Do(AskEmpty, r.Drop.Database)}}}
		}
		return [][]Button{{{Text: "Try again", Action: Do(Reset, r.Project, r.Ref)}}}
	default:
		return [][]Button{{{Text: "Try again", Action: Do(Deploy, r.Project, r.Ref)}}}
	}
}

// askAgain is the command that asks for the same once more.
func askAgain(r release.Run) string {
	if r.Kind == release.Baseline {
		return command(strings.TrimSpace(fmt.Sprintf("/baseline %s production %s", name(r.Project), name(r.UpTo))))
	}
	return command(fmt.Sprintf("/%s %s #%d", r.Kind, name(r.Project), r.Release))
}

func quote(words string) string { return "<blockquote>" + long(words, 700) + "</blockquote>" }

// closed tells how a request ended without a run.
func closed(v View, l lines) Card {
	r := v.Run
	l.gap()
	switch r.Phase {
	case release.Rejected:
		for _, vote := range r.Votes {
			if !vote.Yes {
				verb := "Rejected"
				if vote.By.ID == r.Requester.ID {
					verb = "Withdrawn"
				}
				l.addf("%s by %s %s. Nothing was changed.", verb, name(vote.By.Shown()), when(vote.At))
				if vote.Reason != "" {
					l.addf("“%s”", flat(vote.Reason, 300))
				}
			}
		}
	case release.Expired:
		l.add("Nobody approved it in time. Nothing was changed.")
		l.addf("Ask again: %s", askAgain(r))
		return Card{HTML: l.String(), Buttons: retry(r)}
	default:
		if n := r.OvertakenBy; n != 0 {
			l.addf("%s, #%d is on preview now, so #%d cannot go to production any more. Nothing was changed.", capital(mention(r.Requester), r.Requester), n, r.Release)
			l.addf("Ask for the newer one, or deploy #%d again first.", r.Release)
			break
		}
		l.addf("%s, a newer request took its place. Nothing was changed.", capital(mention(r.Requester), r.Requester))
	}
	return Card{HTML: l.String(), Notify: r.Phase == release.Overtaken}
}
