package cards

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"towline/deploy"
	"towline/deploy/release"
)

// backfilling is the card of a backfill: one message from its first window to its last, however often it rests.
func backfilling(v View) Card {
	r := v.Run
	p := progressOf(r)
	var l lines
	mark, words := backfillVerdict(r, p)
	l.addf("%s %s · %s", mark, arrow(r), words)
	l.addf("Release <b>#%d</b> · backfill %s of %s", r.Release, code(p.Name), code(p.Table))
	l.gap()
	switch r.Phase {
	case release.Done:
		filled(&l, r, p)
		return Card{HTML: l.String()}
	case release.Cancelled:
		bar(&l, p)
		l.addf("Stopped by %s after its window. What it did stays, and its place is kept in the database.", stoppedBy(r))
		l.addf("It goes on with Resume, or when #%d is deployed again. A release without its file gives it up.", r.Release)
		return Card{HTML: l.String(), Buttons: [][]Button{{fillButton(r, Resume, "Resume")}}}
	case release.Overtaken:
		bar(&l, p)
		l.addf("It is over: #%d is not live any more. What it changed stays; its own tables are taken away.", r.Release)
		return Card{HTML: l.String()}
	case release.Paused:
		bar(&l, p)
		resting(&l, r, p)
		return Card{HTML: l.String(), Notify: p.Why == release.RestErrors, Buttons: [][]Button{{fillButton(r, Resume, "Resume"), fillButton(r, Stop, "Stop")}}}
	case release.Broken, release.Refused, release.Unresolved:
		c := trouble(v, l)
		c.Buttons = [][]Button{{fillButton(r, Resume, "Resume")}}
		return c
	}
	bar(&l, p)
	underWay(&l, v, p)
	if c := r.Cancel; c != nil {
		l.addf("✋ %s asked to stop it; it stops after its window.", name(c.By.Shown()))
		return Card{HTML: l.String()}
	}
	return Card{HTML: l.String(), Buttons: [][]Button{{fillButton(r, Pause, "Pause"), fillButton(r, Stop, "Stop")}}}
}

func progressOf(r release.Run) release.Progress {
	if r.Backfill == nil {
		return release.Progress{}
	}
	return *r.Backfill
}

func backfillVerdict(r release.Run, p release.Progress) (mark, words string) {
	switch r.Phase {
	case release.Queued:
		return "🟡", "backfill waits for its turn"
	case release.Done:
		return "🟢", "backfilled"
	case release.Cancelled:
		return "⚪", "backfill stopped at " + percent(p)
	case release.Overtaken:
		return "⚪", "backfill over"
	case release.Paused:
		if p.Why == release.RestErrors {
			return "🔴", "backfill stuck at " + percent(p)
		}
		return "⏸", "backfill rests at " + percent(p)
	case release.Broken:
		return "🔴", "backfill failed"
	case release.Refused:
		return "⛔", "backfill refused"
	case release.Unresolved:
		return "⚠️", "unknown, a person must look"
	}
	return "🟡", "backfilling, " + percent(p)
}

// percent is never 100 before the end: a row may always have come meanwhile.
func percent(p release.Progress) string {
	if p.Total <= 0 {
		return "its beginning"
	}
	return fmt.Sprintf("%d %%", min(int(p.Part()*100), 99))
}

// bar shows how much is done.
func bar(l *lines, p release.Progress) {
	if p.At.IsZero() || p.Pass == 0 {
		return
	}
	const width = 12
	full := int(p.Part() * width)
	l.addf("<code>%s%s</code> %s of %s", strings.Repeat("▓", full), strings.Repeat("░", width-full), humanize.Comma(p.Rows), count(p.Total, "row"))
	if p.Pass > 1 {
		l.addf("Pass %d: rows had come behind the one before.", p.Pass)
	}
}

// underWay says how fast it goes.
func underWay(l *lines, v View, p release.Progress) {
	if v.Run.Phase == release.Queued {
		if v.Queued != "" {
			l.addf("Now running: %s", v.Queued)
		}
		return
	}
	if p.Pass == 0 {
		l.add("⏳ " + firstOf(v.Run))
		return
	}
	var parts []string
	if p.PerSecond > 0 {
		parts = append(parts, humanize.Comma(p.PerSecond)+" a second")
	}
	if p.Left > 0 {
		parts = append(parts, "about "+remaining(p.Left)+" left")
	}
	parts = append(parts, fmt.Sprintf("%s so far, %s in the next", count(p.Windows, "window"), count(p.Batch, "row")))
	l.add(strings.Join(parts, " · "))
	if p.Words != "" {
		l.addf("⚠️ D1 said: %s. It waits, then tries again.", strings.TrimRight(flat(p.Words, 200), "."))
	}
}

// firstOf is what a backfill does before its first window.
func firstOf(r release.Run) string {
	for _, s := range r.Steps {
		if s.State == release.StepIntent {
			doing, _ := stepNames(s.Name)
			return doing
		}
	}
	return "counting what is to be done"
}

// resting says why it rests, until when, and what a person can do.
func resting(l *lines, r release.Run, p release.Progress) {
	again := ""
	if !p.Until.IsZero() {
		again = " It goes on by itself " + stamp(p.Until, "r") + "."
	}
	switch p.Why {
	case release.RestPerson:
		who := "Somebody"
		if p.By != nil {
			who = name(p.By.Shown())
		}
		l.addf("%s paused it. It goes on with Resume.", who)
	case release.RestHours:
		l.add("Its hours are over." + again)
	case release.RestBudget:
		l.addf("%s were written today, which is as many as the project allows in a day.%s", count(p.Written, "row"), again)
	case release.RestLimit:
		l.addf("Cloudflare takes no more today: %s.%s", strings.TrimRight(flat(p.Words, 200), "."), again)
	case release.RestKept:
		l.addf("%s must not change now: it is locked, held or frozen. It looks again every minute.", upper(string(r.Environment)))
	default:
		stuck(l, p)
	}
}

// stuck says what went wrong, and what to do about it.
func stuck(l *lines, p release.Progress) {
	switch p.Code {
	case "left":
		l.add("All rows were gone through twice, and its done: still finds some to do. They are written without it: the new code, or triggers, have to do for new rows what it does for old ones.")
	case "plan":
		l.addf("Its windows would read far more rows than they change, so none was sent: %s", flat(p.Words, 500))
	default:
		l.add("It stopped at an error that did not go away. D1 said:")
		l.add("<pre>" + long(p.Words, 600) + "</pre>")
	}
	l.add("Nothing is lost: mend the cause, then press Resume. A backfill that has to change comes as the next release.")
}

// filled says how it went.
func filled(l *lines, r release.Run, p release.Progress) {
	for _, n := range r.Notes {
		if n == "backfilled_elsewhere" {
			l.addf("The ledger had %s already: somebody else carried it out. Nothing was done twice.", code(p.File))
			return
		}
	}
	l.addf("%s changed in %s · %s · %s in the ledger", count(p.Rows, "row"), span(r.EndedAt.Sub(r.StartedAt)), count(p.Windows, "window"), code(p.File))
	l.add("Asked again whether any row is left: none.")
	l.gap()
	undo(l, r)
}

// remaining is an estimate, and no more exact than that.
func remaining(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", max(int(d.Seconds()), 1))
	}
	if d < time.Hour {
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return span(d)
}

// span is a duration of any length in a few words.
func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return took(d)
	}
}

func stoppedBy(r release.Run) string {
	if r.Cancel == nil {
		return "somebody"
	}
	return name(r.Cancel.By.Shown())
}

func fillButton(r release.Run, v Verb, text string) Button {
	b := Button{Text: text, Action: Do(v, r.Project, r.ID)}
	if v == Resume {
		b.Style = Primary
	}
	return b
}

// Backfilled is how the backfills of a project stand, with their buttons.
func Backfilled(project string, all []deploy.BackfillStatus) Card {
	var l lines
	l.addf("<b>%s</b> · backfills", name(project))
	if len(all) == 0 {
		l.gap()
		l.add("None is under way, and none waits to go on.")
		return Card{HTML: l.String()}
	}
	var buttons [][]Button
	for _, b := range all {
		c := backfilling(View{Run: b.Run})
		l.gap()
		l.add(c.HTML)
		for _, row := range c.Buttons {
			for i := range row {
				if len(all) > 1 {
					row[i].Text += " on " + string(b.Environment)
				}
			}
			buttons = append(buttons, row)
		}
	}
	buttons = append(buttons, []Button{{Text: "Refresh", Action: Do(Backfills, project)}})
	return Card{HTML: l.String(), Buttons: buttons}
}

// BackfillOrdered says what becomes of a backfill that somebody paused, resumed or stopped.
func BackfillOrdered(r release.Run, v Verb) Card {
	p := progressOf(r)
	switch v {
	case Pause:
		return Card{HTML: fmt.Sprintf("⏸ %s: the backfill %s rests after its window. It goes on with <code>/backfill %s resume</code>", arrow(r), code(p.Name), name(r.Project))}
	case Stop:
		return Card{HTML: fmt.Sprintf("✋ %s: the backfill %s stops after its window. Its place is kept", arrow(r), code(p.Name))}
	default:
		return Card{HTML: fmt.Sprintf("🟡 %s: the backfill %s goes on", arrow(r), code(p.Name))}
	}
}

// BackfillToast is the same for a press.
func BackfillToast(v Verb) string {
	switch v {
	case Pause:
		return "It rests after its window."
	case Stop:
		return "It stops after its window. Its place is kept."
	default:
		return "It goes on."
	}
}

// WhichBackfill asks which of a project's backfills is meant.
func WhichBackfill(project string, v Verb, all []deploy.BackfillStatus) Card {
	var choices []Button
	for _, b := range all {
		choices = append(choices, Button{Text: fmt.Sprintf("%s on %s", b.Backfilling.Name, b.Environment), Action: Do(v, project, b.Run.ID)})
	}
	return Pick("Which backfill?", choices)
}

// BackfillStuck calls people to a backfill that cannot go on by itself.
func BackfillStuck(r release.Run) Card {
	p := progressOf(r)
	var l lines
	l.addf("🔴 %s · the backfill %s is stuck at %s", arrow(r), code(p.Name), percent(p))
	if p.Words != "" {
		l.addf("%s", flat(p.Words, 300))
	}
	l.addf("Its card has the buttons, and so has <code>/backfill %s</code>", name(r.Project))
	return Card{HTML: l.String(), Notify: true}
}

// backfillLine is how /status tells of a backfill.
func backfillLine(l *lines, project string, e deploy.EnvironmentStatus) {
	if e.Backfill == nil {
		return
	}
	p := progressOf(*e.Backfill)
	mark, words := backfillVerdict(*e.Backfill, p)
	l.addf("%s %s: %s · <code>/backfill %s</code>", mark, words, code(p.Name), name(project))
}

// toBackfill says, with a plan, what begins when its release is live.
func toBackfill(l *lines, p release.Plan) {
	if b := p.Backfill; b != nil {
		l.addf("🔁 When it is live: backfill %s of %s, a few rows at a time, beside the traffic", code(b.Name), code(b.Table))
	}
}

// aboutBackfills: a backfill stands in the way, or cannot be done.
func aboutBackfills(r release.Refusal, f func(string) string) (said, bool) {
	switch r.Code {
	case release.CodeBackfillPlace:
		s := said{what: "A backfill comes last in its release, and alone:", next: "Ship it with a release of its own; what comes after it goes into the next one."}
		for _, item := range r.Items {
			s.facts = append(s.facts, "• "+code(item))
		}
		if last := f("last"); last != "" {
			s.facts = append(s.facts, "last of this release: "+code(r.Facts["last"]))
		}
		return s, true
	case release.CodeBackfillUnfinished:
		s := said{
			what:   fmt.Sprintf("The backfill %s of #%s is not done on %s.", code(r.Facts["name"]), f("release"), orElse(f("environment"), "this environment")),
			advice: "This release would go over it.",
			next:   "Wait until it is done. /backfill shows how far it is.",
		}
		if r.Facts["gone"] == "true" {
			s.advice = fmt.Sprintf("This release does not have its file %s any more.", code(r.Facts["file"]))
			s.next = "Let it finish, or give it up: stop it with /backfill, then ship this."
		}
		return s, true
	case release.CodeBackfillUnfit:
		return said{
			what:   fmt.Sprintf("The backfill in %s cannot be done in windows.", code(r.Facts["file"])),
			facts:  []string{flat(r.Facts["problem"], 500)},
			advice: flat(r.Facts["advice"], 300),
			next:   "Mend the block, and deploy again.",
		}, true
	case release.CodeNoBackfill:
		return said{what: fmt.Sprintf("No backfill of %s is under way.", orElse(f("project"), "this project")), next: "/backfill shows what there is."}, true
	}
	return said{}, false
}
