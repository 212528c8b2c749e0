package cards

import (
	"fmt"
	"strconv"

	"towline/deploy"
	"towline/deploy/release"
)

// StatusOf says how a project stands, newest facts first.
func StatusOf(s deploy.Status) Card {
	var l lines
	l.addf("<b>%s</b>", name(s.Project))
	var buttons [][]Button
	for _, e := range s.Environments {
		l.gap()
		environment(&l, s.Project, e)
	}
	buttons = append(buttons, statusDrift(s)...)
	if b := promotable(s); b != nil {
		buttons = append(buttons, []Button{*b})
	}
	buttons = append(buttons, []Button{{Text: "Refresh", Action: Do(Status, s.Project)}, {Text: "Releases", Action: Do(Releases, s.Project, "0")}})
	return Card{HTML: l.String(), Buttons: buttons}
}

func environment(l *lines, project string, e deploy.EnvironmentStatus) {
	mark, what := "⚪", "nothing live that Towline put there"
	if e.Live != nil {
		mark, what = "🟢", fmt.Sprintf("<b>#%d</b> live · %s", e.Live.Number, when(e.State.LiveSince))
	}
	switch {
	case e.State.Unresolved, e.Lost:
		mark = "⚠️"
	case e.Running != nil:
		mark = "🟡"
	case e.State.Hold != nil, e.State.Lock != nil:
		mark = "🔒"
	case frozen(e):
		mark = "❄️"
	}
	l.addf("%s <b>%s</b> · %s", mark, e.Environment, what)
	if e.Live != nil {
		l.addf("%s by %s", origin(e.Live.Origin, ""), name(e.Live.CreatedBy.Shown()))
	}
	database(l, e)
	keptLines(l, project, e)
	lightLines(l, project, e)
	driftStatus(l, e)
	if e.State.Unresolved {
		l.add("⚠️ a run ended unknown; its card has the buttons to settle it")
	} else if e.Running != nil && e.Running.Kind != release.Backfill {
		l.addf("⏳ %s #%d, asked for by %s", doing(e.Running.Kind), e.Running.Release, name(e.Running.Requester.Shown()))
	}
	backfillLine(l, project, e)
	watchStatus(l, e.Watch)
	if e.Request != nil {
		l.addf("🟡 #%d waits for approval, asked for by %s, expires %s", e.Request.Release, name(e.Request.Requester.Shown()), when(e.Request.ExpiresAt))
	}
	if e.Waiting > 0 {
		l.addf("%s in the queue", count(e.Waiting, "run"))
	}
	lonelyLines(l, e)
}

func database(l *lines, e deploy.EnvironmentStatus) {
	switch {
	case e.Problem != "":
		l.addf("database %s could not be asked: %s", code(e.Database), flat(e.Problem, 200))
	case !e.Exists && e.Lost:
		l.addf("⚠️ database %s is not there any more; a release would make an empty one", code(e.Database))
	case e.Lost:
		l.addf("⚠️ database %s is another one than #%d went to · %s in its ledger", code(e.Database), e.Live.Number, count(e.Applied, "migration"))
	case !e.Exists:
		l.addf("database %s does not exist yet; the first release makes it", code(e.Database))
	default:
		l.addf("database %s · %s in its ledger", code(e.Database), count(e.Applied, "migration"))
	}
	if len(e.Behind) > 0 {
		l.addf("⚠️ the ledger lacks %s of the live release", and(shorten(e.Behind, 3, code)))
	}
	if len(e.Foreign) > 0 {
		l.addf("⚠️ the ledger holds %s, which the live release does not", and(shorten(e.Foreign, 3, code)))
	}
	if left := e.State.Left; len(left) > 0 && e.Environment == release.Production {
		l.addf("ℹ️ a rollback left %s applied, which only added to the database", and(shorten(left, 3, code)))
	}
}

// promotable offers what is on preview and not on production.
func promotable(s deploy.Status) *Button {
	var preview, production deploy.EnvironmentStatus
	for _, e := range s.Environments {
		if e.Environment == release.Production {
			production = e
		} else {
			preview = e
		}
	}
	n := preview.State.Live
	if n == 0 || n == production.State.Live || production.State.Unresolved || production.State.Hold != nil || frozen(production) || production.Request != nil || production.Running != nil {
		return nil
	}
	number := strconv.FormatUint(n, 10)
	return &Button{Text: "Promote #" + number, Action: Do(Promote, s.Project, number), Style: Primary}
}

// ReleasesOf lists releases, newest first. more: there are older ones.
func ReleasesOf(project string, list []deploy.Listed, more bool) Card {
	var l lines
	l.addf("<b>Releases of %s</b>", name(project))
	if len(list) == 0 {
		l.add("None yet. The first /deploy makes #1.")
		return Card{HTML: l.String()}
	}
	for _, r := range list {
		l.gap()
		l.addf("<b>#%d</b> · %s · %s", r.Number, origin(r.Origin, ""), when(r.CreatedAt))
		l.addf("%s by %s · <code>%s</code>", count(r.Files, "migration"), name(r.CreatedBy.Shown()), release.Short(r.Digest))
		l.addf("preview: %s · production: %s", standing(r.Preview), standing(r.Production))
		remarks(&l, r)
	}
	row := []Button{{Text: "Status", Action: Do(Status, project)}}
	if more {
		last := strconv.FormatUint(list[len(list)-1].Number, 10)
		row = append(row, Button{Text: "Older", Action: Do(Releases, project, last)})
	}
	return Card{HTML: l.String(), Buttons: [][]Button{row}}
}

func standing(s release.Standing) string {
	switch s {
	case "":
		return "–"
	case release.Live:
		return "🟢 live"
	case release.Running:
		return "🟡 running"
	case release.Waiting:
		return "🟡 waiting"
	case release.Failed:
		return "🔴 failed"
	case release.RolledBack:
		return "↩️ rolled back"
	default:
		return "⚪ " + string(s)
	}
}

// Pick offers a choice, one button each.
func Pick(question string, choices []Button) Card {
	var rows [][]Button
	for i, c := range choices {
		if i%2 == 0 {
			rows = append(rows, nil)
		}
		c.Text = cut(clean(c.Text), 40)
		rows[len(rows)-1] = append(rows[len(rows)-1], c)
	}
	return Card{HTML: question, Buttons: rows, Asks: true}
}

// Chosen takes the place of a question that was answered.
func Chosen(project, ref, by string, reset bool) Card {
	what := "for preview"
	if reset {
		what = "for a rebuilt preview"
	}
	return Card{HTML: fmt.Sprintf("<b>%s</b>: %s chose %s %s.", name(project), name(by), picked(ref), what)}
}

func picked(ref string) string {
	if ref == "" {
		return "what the source holds now"
	}
	return code(ref)
}

// PickProject asks which project a command is about.
func PickProject(command string) string {
	return fmt.Sprintf("Which project? <code>/%s project</code> asks no more.", name(command))
}

// PickRef asks which ref to deploy.
func PickRef(project string, reset bool) string {
	if reset {
		return fmt.Sprintf("Rebuild %s's preview for which version? It is emptied first.", name(project))
	}
	return fmt.Sprintf("Deploy which version of <b>%s</b> to preview?", name(project))
}
