package cards

import (
	"fmt"
	"strings"
	"time"

	"towline/deploy/audit"
	"towline/deploy/delivery"
	"towline/deploy/release"
)

// ReportOf looks back at some projects of a chat. now is where the stretch of time that is still under way ends; zero: it
// is over.
func ReportOf(weeks []delivery.Week, now time.Time) Card {
	title := ""
	if len(weeks) > 0 {
		title = fmt.Sprintf("📋 <b>Report</b> · %s to %s", stamp(weeks[0].Since, "d"), stamp(weeks[0].Until, "d"))
		if !now.IsZero() {
			title = fmt.Sprintf("📋 <b>Report so far</b> · since %s", stamp(weeks[0].Since, "wd"))
		}
	}
	return reportOf(title, weeks, nil)
}

// reportOf is ReportOf with a title, and lines beneath it.
func reportOf(title string, weeks []delivery.Week, notes []string) Card {
	var l lines
	if len(weeks) == 0 {
		return Card{HTML: "No project is talked about in this chat or topic."}
	}
	first := weeks[0]
	l.add(title)
	for _, n := range notes {
		l.add(n)
	}
	for _, w := range weeks {
		l.gap()
		week(&l, w)
	}
	if first.TeamSeq == 0 && first.Seq == 0 {
		return Card{HTML: l.String()}
	}
	l.gap()
	if first.TeamSeq > 0 {
		l.addf("the team's own log, <code>_team</code>: <code>%s</code>", head(first.TeamSeq, first.TeamHead))
	}
	l.addf("%s proves later that a log still holds what it held now.", command("towline audit verify -project … -head …"))
	return Card{HTML: l.String()}
}

// week is one project's.
func week(l *lines, w delivery.Week) {
	l.addf("<b>%s</b> · %s", name(w.Project), tally(w))
	l.add(delivered(w.Delivery))
	for _, s := range w.Delivery.Shipped {
		l.spare(shippedLine(s))
	}
	for _, b := range w.Broken {
		l.spare(fmt.Sprintf("#%d on %s: %s", b.Release, b.Environment, broken(b.BreakGlass)))
	}
	for _, s := range w.Kept {
		stands(l, w, s)
	}
	if n := len(w.MissingNotes); n > 0 {
		var numbers []string
		for _, number := range w.MissingNotes {
			numbers = append(numbers, fmt.Sprintf("#%d", number))
		}
		l.spare(fmt.Sprintf("❔ nobody has said why %s went wrong: <code>/note %s #%d text</code>", and(shorten(numbers, 8, name)), name(w.Project), w.MissingNotes[0]))
	}
	if w.Seq > 0 {
		l.addf("audit head: <code>%s</code>", head(w.Seq, w.Head))
	}
}

// tally is what happened, in one line.
func tally(w delivery.Week) string {
	var all []string
	for _, t := range []struct {
		n     int
		words string
	}{{w.Deploys, "deployed to preview"}, {w.Promotes, "promoted"}, {w.Rollbacks, "rolled back"}, {w.Failed, "failed on production"}} {
		if t.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", t.n, t.words))
		}
	}
	if len(all) == 0 {
		return "nothing was released"
	}
	return strings.Join(all, ", ")
}

// stands: the lock, the hold and the freeze that are still there at the end.
func stands(l *lines, w delivery.Week, s release.State) {
	if h := s.Hold; h != nil {
		l.spare(fmt.Sprintf("🔒 %s is held by %s since %s: %s", s.Environment, name(h.By.Shown()), stamp(h.At, "d"), reasonOf(h.Reason)))
	}
	if k := s.Lock; k.Active(w.Until) {
		l.spare(fmt.Sprintf("🔒 %s is locked by %s until %s: %s", s.Environment, name(k.By.Shown()), day(k.Until), reasonOf(k.Reason)))
	}
	if f := s.Freeze; f.Active(w.Until) {
		l.spare(fmt.Sprintf("❄️ %s is frozen by %s until %s: %s", s.Environment, name(f.By.Shown()), day(f.Until), reasonOf(f.Reason)))
	}
}

// head is the end of a log as towline audit verify takes it.
func head(seq uint64, hash string) string {
	return esc(audit.Head{Seq: seq, Hash: hash}.String())
}
