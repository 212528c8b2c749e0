package cards

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"towline/deploy/release"
)

// Way is the verb of a button that makes a rollback go back another way.
const Way Verb = "way" // run, digest, way

// WayChosen is the toast for it.
const WayChosen = "It is another plan now. The card shows what it costs."

// waysBack says what a rollback would do and cost, before anybody approves it: the way that it takes, and the others.
func waysBack(l *lines, r release.Run) {
	l.gap()
	b := r.Plan.Back
	switch b.Way {
	case release.WayNothing:
		unchanged(l, r)
	case release.WayDown:
		l.add("By DOWN files: " + size(*r.Plan))
		l.spare(listed(r.Plan.Names(), 8, code)...)
		l.add("<b>What it costs</b>")
		dropped(l, b)
		if len(r.Plan.Ways) > 0 {
			l.add("✅ rehearsed down, and up again to the same schema")
		}
	case release.WayTimeTravel:
		l.addf("By Time Travel: the whole database returns to %s, before #%d changed it.", stamp(b.To.At, "dT"), r.Was)
		if len(b.Missing) > 0 {
			l.addf("Why not by DOWN files: %s %s none that works.", and(shorten(b.Missing, 4, code)), hasHave(len(b.Missing)))
		}
		l.add("<b>What it costs</b>")
		risk(l, b.Price)
		l.addf("• every write since then (%s) is lost, and queries that run at that moment are cut off", when(b.To.At))
		if left := left(*b); left != "" {
			l.add("• " + left)
		}
		l.gap()
		l.add("↩️ The same for the day the bot is down:")
		l.add(command(b.To.Command()))
	}
	otherWays(l, r)
	if b.Way != release.WayTimeTravel || len(r.Plan.Ways) > 1 {
		l.gap()
	}
	l.add("🔒 Production is held afterwards, until /unhold with a reason.")
}

// unchanged says why nothing has to be undone.
func unchanged(l *lines, r release.Run) {
	b := r.Plan.Back
	if len(b.Left) == 0 {
		l.add("The schema is the same in both. Nothing in the database changes.")
		return
	}
	l.addf("Nothing in the database changes, and no row is lost: what came since only added to it, so that #%d's code works on.", r.Release)
	l.spare(listed(b.Left, 6, func(n string) string { return code(n) + " stays applied" })...)
	if len(b.Adds) > 0 {
		l.spare("Added since: " + and(shorten(b.Adds, 8, code)))
	}
	for i, c := range b.Careful {
		if i == 3 {
			break
		}
		l.spare("ℹ️ " + flat(c, 200))
	}
}

// otherWays says of the ways that are not taken what they would cost, or why they are none.
func otherWays(l *lines, r release.Run) {
	if len(r.Plan.Ways) < 2 {
		return
	}
	l.gap()
	l.add("<b>The other ways</b>")
	for _, w := range r.Plan.Ways[1:] {
		l.addf("• %s: %s", wayName(w), otherWay(w, r))
	}
}

func wayName(b release.Back) string {
	switch {
	case b.Way == release.WayNothing:
		return "leaving the database as it is"
	case b.Way == release.WayDown:
		return "by DOWN files"
	case b.To != nil:
		return "by Time Travel to " + stamp(b.To.At, "dT")
	default:
		return "by Time Travel"
	}
}

func otherWay(b release.Back, r release.Run) string {
	if b.Not != nil && b.Not.Code == release.CodeNotOnlyMore {
		return "not possible: " + and(shorten(b.Not.Items, 2, func(i string) string { return flat(i, 160) }))
	}
	if b.Not != nil {
		return "not possible. " + sentence(refusal(*b.Not, r).what)
	}
	switch b.Way {
	case release.WayNothing:
		return "no row is lost"
	case release.WayDown:
		return drops(b)
	default:
		return travelPrice(b)
	}
}

// drops is what DOWN files cost, on one line.
func drops(b release.Back) string {
	var parts []string
	for _, t := range b.Tables {
		if !b.Price.Counted {
			parts = append(parts, "table "+code(t))
			continue
		}
		parts = append(parts, fmt.Sprintf("table %s with %s", code(t), count(b.Price.Tables[t], "row")))
	}
	for _, c := range b.Columns {
		parts = append(parts, "column "+code(c))
	}
	if len(parts) == 0 {
		return "no table and no column is dropped"
	}
	if more := len(parts) - 4; more > 0 {
		parts = append(parts[:4], fmt.Sprintf("%d more", more))
	}
	text := "drops " + and(parts)
	if !b.Price.Counted && len(b.Tables) > 0 {
		text += "; rows could not be counted"
	}
	return text
}

// travelPrice is what Time Travel costs, on one line.
func travelPrice(b release.Back) string {
	text := "rows at risk unknown"
	switch {
	case b.Price.Counted && b.Price.AtLeast == 0:
		text = "none more than then by row counts, updates not counted"
	case b.Price.Counted:
		text = fmt.Sprintf("at least %s by row counts, updates not counted", count(b.Price.AtLeast, "row"))
	}
	if w := written(b.Price); w != "" {
		text += "; " + w
	}
	if left := left(b); left != "" {
		text += "; " + left
	}
	return text
}

// written is Cloudflare's own figure, with how old it is.
func written(p release.Price) string {
	if p.WrittenAt.IsZero() {
		return ""
	}
	return fmt.Sprintf("Cloudflare counted %s written since, until %s", count(p.Written, "row"), stamp(p.WrittenAt, "t"))
}

// left is how much of Time Travel is left.
func left(b release.Back) string {
	if b.Until.IsZero() {
		return ""
	}
	return fmt.Sprintf("%d of %d restores left in these ten minutes, as far as Towline made them; the restore point is kept until %s",
		b.Restores, release.Restores, stamp(b.Until, "d"))
}

// withWays offers the ways that are not taken, to the one who asked and while nobody has approved.
func withWays(c Card, r release.Run) Card {
	if r.Kind != release.Rollback || len(r.Approvers()) > 0 || len(r.Plan.Ways) < 2 {
		return c
	}
	var row []Button
	for _, w := range r.Plan.Ways[1:] {
		if w.Not != nil {
			continue
		}
		text := "Leave the database as it is"
		switch w.Way {
		case release.WayDown:
			text = "By DOWN files instead"
		case release.WayTimeTravel:
			text = "By Time Travel instead"
		}
		row = append(row, Button{Text: text, Action: Do(Way, r.ID, r.Approved, string(w.Way)), For: []int64{r.Requester.ID}})
	}
	if row != nil {
		c.Buttons = append(c.Buttons, row)
	}
	return c
}

// risk is the best figure there is, with where it comes from.
func risk(l *lines, p release.Price) {
	switch {
	case p.Reason == release.NotCountedThen:
		l.add("• rows at risk: unknown, they were not counted at the restore point")
	case !p.Counted:
		l.add("• rows at risk: unknown, they could not be counted just now")
	case p.AtLeast == 0:
		l.add("• rows at risk: none more than then, by row counts; updates and replaced rows not counted")
	default:
		l.addf("• <b>at least %s</b>, by row counts then and now; updates not counted", count(p.AtLeast, "row"))
		l.addf("  %s", and(shorten(byRows(p.Tables), 5, func(t string) string { return code(t) + " " + humanize.Comma(p.Tables[t]) })))
	}
	if w := written(p); w != "" {
		l.add("• " + w)
	}
}

// byRows are tables, that with the most rows first.
func byRows(rows map[string]int64) (tables []string) {
	for t := range rows {
		tables = append(tables, t)
	}
	slices.SortFunc(tables, func(a, b string) int {
		if rows[a] != rows[b] {
			return int(rows[b] - rows[a])
		}
		return strings.Compare(a, b)
	})
	return tables
}

// aboutWays: why a way back is none.
func aboutWays(r release.Refusal, f func(string) string) (said, bool) {
	switch r.Code {
	case release.CodeNotOnlyMore:
		return said{
			what:  fmt.Sprintf("What came since did not only add to the database, and the code of #%s may stumble over it:", orElse(f("release"), "then")),
			facts: listed(r.Items, 6, func(i string) string { return flat(i, 200) }), next: "Go back by DOWN files or by Time Travel.",
		}, true
	case release.CodeNoDown:
		return said{what: fmt.Sprintf("There is no DOWN file for %s.", orElse(and(shorten(r.Items, 4, code)), "what came since")), next: "Go back by Time Travel."}, true
	case release.CodeDownFails:
		return said{what: downFails(r, f), next: "Go back by Time Travel, or repair the DOWN files and deploy again."}, true
	case release.CodeRestoresUsed:
		s := said{what: "Cloudflare allows a database ten restores in ten minutes, and they are used up.", next: "Ask again in a few minutes."}
		if at, err := time.Parse(time.RFC3339, r.Facts["until"]); err == nil {
			s.next = "It is possible again " + stamp(at, "T") + "."
		}
		return s, true
	case release.CodeWayFixed:
		return said{what: fmt.Sprintf("The way that the card shows was approved by %s.", orElse(f("by"), "somebody")), next: "Withdraw the request and ask again to go back another way."}, true
	case release.CodeNoSuchWay:
		return said{what: "That way back is not among those that were weighed.", next: "Ask again with /rollback."}, true
	}
	return said{}, false
}

// downFails says what is wrong with DOWN files.
func downFails(r release.Refusal, f func(string) string) string {
	where := ""
	if r.Facts["file"] != "" {
		where = code(r.Facts["file"]) + " line " + f("line") + ": "
	}
	switch {
	case r.Facts["again"] == "failed":
		return "Going down and up again fails, so the DOWN files forget something: " + where + flat(r.Facts["words"], 200)
	case r.Facts["again"] != "":
		return "Going down and up again leaves another schema: " + flat(r.Facts["words"], 200)
	case r.Facts["table"] != "":
		return fmt.Sprintf("The DOWN files would silently lose rows: %s%s (%s)", where, code(r.Facts["table"]), f("kind"))
	case r.Facts["words"] != "":
		return "The rehearsal of the DOWN files fails: " + where + flat(r.Facts["words"], 200)
	default:
		return fmt.Sprintf("The DOWN files do not do for %s: %s", orElse(and(shorten(r.Items, 4, code)), "this"), flat(orElse(r.Facts["problem"], "they cannot be carried out"), 200))
	}
}
