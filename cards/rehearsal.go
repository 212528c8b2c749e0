package cards

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"towline/deploy"
	"towline/deploy/release"
	"towline/usage/tariff"
)

// documented are the limits and prices of the paid plan as Cloudflare's pages have them. A rehearsal's card says what a plan costs at most, and is
// rendered from stored state alone: what a config says differently does not change it.
func documented() tariff.Table {
	t, _ := tariff.Of(tariff.Paid, nil, nil) // without overrides there is nothing to refuse
	return t
}

// callLimit is how long D1 lets a call take, the whole of a batch included.
func callLimit() time.Duration {
	e, _ := documented().Limit(tariff.CallSeconds)
	return time.Duration(e.Value) * time.Second
}

// rehearsed says what the rehearsal measured: on what, how long, what it costs, and what it does to rows and queries.
func rehearsed(l *lines, p release.Plan) {
	r := p.Rehearsal
	if r == nil || len(p.Pending) == 0 {
		return
	}
	l.add(rehearsedOn(*r))
	if text := figures(*r); text != "" {
		l.spare(text)
	}
	for _, t := range r.Tables {
		l.spare(fmt.Sprintf("• %s: %s", code(t.Table), rowsChange(t)))
	}
	if r.Orphans > 0 {
		l.addf("⚠️ %s would refer to nothing.", count(r.Orphans, "row"))
	}
	if r.Fails != "" {
		l.addf("⛔ <b>It fails on the data:</b> %s", flat(r.Fails, 300))
		l.add("With such rows D1 refuses it as well, and nothing of it stays.")
	}
	if r.Rejected > 0 {
		l.addf("⛔ A constraint refuses %s of the copy; the report has them.", count(r.Rejected, "row"))
	}
	if r.Cut > 0 {
		l.addf("⚠️ %s would be left behind in a copy from table to table; the report has them.", count(r.Cut, "row"))
	}
	if text := lessened(*r); text != "" {
		l.addf("⚠️ On the copy %s; the report has them.", text)
	}
	if len(r.Lost) > 0 {
		l.addf("⚠️ Gone afterwards, and nothing brings them back: %s", and(shorten(r.Lost, 6, code)))
	}
	for _, s := range r.Slower[:min(3, len(r.Slower))] {
		l.add("🐢 Query " + flat(s, 240))
	}
	if more := len(r.Slower) - 3; more > 0 {
		l.spare(fmt.Sprintf("… and %s get slower", count(more, "more query")))
	}
}

// lessened says what the rows of the copy lose.
func lessened(r release.Rehearsal) string {
	var parts []string
	add := func(n int64, what, singular, plural string) {
		switch {
		case n == 1:
			parts = append(parts, "1 "+what+" "+singular)
		case n > 1:
			parts = append(parts, count(n, what)+" "+plural)
		}
	}
	add(r.Gone, "row", "goes", "go")
	add(r.Short, "value", "is cut off", "are cut off")
	add(r.Rounded, "number", "loses digits", "lose digits")
	add(r.Nulled, "value", "becomes NULL", "become NULL")
	return and(parts)
}

func rehearsedOn(r release.Rehearsal) string {
	if r.Data {
		return fmt.Sprintf("🧪 Rehearsed on a copy of the data, taken %s, and on the schema", when(r.CopyAt))
	}
	text := "🧪 Rehearsed on a copy of the schema with a few made-up rows"
	switch r.NoCopy {
	case "":
		return text
	case deploy.NoCopyTooLarge:
		return text + ". The data was not copied: the database is larger than the config allows."
	case deploy.NoCopyHours:
		return text + ". There is no copy of the data for this schema, and one is taken only in the hours that the config names."
	case deploy.NoCopyComing:
		return text + ". A copy of the data is on its way; this card changes when it has been rehearsed on."
	case deploy.NoCopyUnfit:
		return text + ". The copy of the data does not fit the database; the report says why."
	case deploy.NoCopyStarting:
		return text + ". No copy of the data is taken while a release runs."
	case deploy.NoCopyHere:
		return text + ". No copies of the data are kept here."
	}
	return text + ". The data could not be copied; the log says why."
}

// figures are the time and the rows, where they are known.
func figures(r release.Rehearsal) string {
	var parts []string
	if r.EstimateMS > 0 {
		d := time.Duration(r.EstimateMS) * time.Millisecond
		text := fmt.Sprintf("about %s at most of the %s that D1 allows", took(d), took(callLimit()))
		if d > callLimit()/2 {
			text = "⚠️ " + text
		}
		parts = append(parts, text)
	}
	if r.RowsRead+r.RowsWritten > 0 {
		parts = append(parts, fmt.Sprintf("about %s read and %s written%s", count(r.RowsRead, "row"), humanize.Comma(r.RowsWritten), cost(r)))
	}
	return strings.Join(parts, " · ")
}

// cost is what the rows cost beyond the volume that a plan includes; nothing where it is less than a cent.
func cost(r release.Rehearsal) string {
	price := documented().Rows(float64(r.RowsRead), float64(r.RowsWritten))
	if price < 0.01 {
		return ""
	}
	return fmt.Sprintf(" ($%.2f beyond what the paid plan includes)", price)
}

func rowsChange(t release.Rows) string {
	switch {
	case t.Before < 0:
		return "new, " + count(t.After, "row")
	case t.After < 0:
		return "gone, with " + count(t.Before, "row")
	}
	return fmt.Sprintf("%s → %s rows", humanize.Comma(t.Before), humanize.Comma(t.After))
}

// backupFirst says whether a backup is taken before the change, and how long that blocks the database.
func backupFirst(l *lines, p release.Plan) {
	b := p.Backup
	if b == nil || len(b.Why) == 0 {
		return
	}
	why := and(shorten(b.Why, 4, name))
	switch {
	case b.Off != "":
		l.addf("⚠️ No backup is taken, though it %s. The config says why: “%s”", why, flat(b.Off, 200))
	case b.Tables:
		l.addf("💾 A backup is taken first, table by table, since it %s.", why)
	case b.Seconds > 0 && b.Guessed:
		l.addf("💾 A backup is taken first, since it %s: perhaps %s in which nobody gets an answer from the database. That is a guess; no backup has told yet.", why, count(b.Seconds, "second"))
	case b.Seconds > 0:
		l.addf("💾 A backup is taken first, since it %s: for about %s nobody gets an answer from the database.", why, count(b.Seconds, "second"))
	default:
		l.addf("💾 A backup is taken first, since it %s. Until it is done nobody gets an answer from the database.", why)
	}
}

// findings lists what linting and rehearsing found, the gravest first.
func findings(l *lines, r release.Run) {
	shown := 0
	for _, f := range r.Plan.Findings {
		if f.Severity == "info" && f.Allowed == "" {
			continue
		}
		if shown++; shown > 5 {
			continue
		}
		l.spare(finding(f))
	}
	if shown > 5 {
		l.spare(fmt.Sprintf("… and %s more", count(shown-5, "finding")))
	}
	if infos := informed(r.Plan.Findings); infos > 0 {
		l.spare(fmt.Sprintf("ℹ️ %s in the report", count(infos, "remark")))
	}
}

func informed(all []release.Finding) int {
	n := 0
	for _, f := range all {
		if f.Severity == "info" && f.Allowed == "" {
			n++
		}
	}
	return n
}

func finding(f release.Finding) string {
	where := code(f.File)
	if f.Line > 0 {
		where += fmt.Sprintf(" line %d", f.Line)
	}
	switch {
	case f.Code == "out_of_order":
		return fmt.Sprintf("ℹ️ %s sorts before a migration that is applied already", where)
	case f.Code == "fails_with_rows":
		return fmt.Sprintf("⚠️ %s may fail where the table has rows: %s", where, flat(f.Text, 160))
	case f.Code == "not_rehearsed":
		return fmt.Sprintf("ℹ️ %s cannot be rehearsed here: %s", where, flat(f.Text, 160))
	case f.Allowed != "":
		return fmt.Sprintf("☑️ %s %s, allowed: “%s”", where, ruleName(f), flat(f.Allowed, 160))
	case f.Severity == "error":
		return fmt.Sprintf("⛔ %s %s: %s", where, ruleName(f), flat(f.Text, 240))
	}
	return fmt.Sprintf("⚠️ %s %s: %s", where, ruleName(f), flat(f.Text, 240))
}

// ruleName is a rule as people know it.
func ruleName(f release.Finding) string {
	if f.Name == "" {
		return esc(f.Code)
	}
	return fmt.Sprintf("%s (%s)", esc(f.Name), esc(f.Code))
}

// notForProduction says on preview what would keep the release from production.
func notForProduction(l *lines, r release.Run) {
	if r.Environment != release.Preview || r.Plan == nil {
		return
	}
	n := keeping(r.Plan.Findings)
	if n == 0 {
		return
	}
	l.gap()
	l.addf("⛔ Production would refuse it, for %s:", count(n, "finding"))
	findings(l, r)
}

// compared says how the database was found after the change.
func compared(l *lines, r release.Run) {
	c := r.Compared
	switch {
	case c == nil:
		return
	case c.Problem != "":
		l.addf("⚠️ It could not be compared with the rehearsal: %s", flat(c.Problem, 200))
		return
	case len(c.Differences) == 0:
		l.addf("✅ As rehearsed: schema, indexes, %s in %s, foreign keys, quick_check", count(c.Rows, "row"), count(c.Tables, "table"))
		if len(c.Grown) > 0 {
			l.spare("ℹ️ Rows that others added meanwhile are among them: " + and(shorten(gains(c.Grown), 4, esc)))
		}
		changedRows(l, c.Changed)
		return
	}
	l.addf("⚠️ <b>Not as rehearsed:</b>")
	for _, d := range c.Differences[:min(6, len(c.Differences))] {
		l.add("• " + mismatch(d))
	}
	if more := len(c.Differences) - 6; more > 0 {
		l.addf("… and %d more", more)
	}
	changedRows(l, c.Changed)
	l.add("Others may have deleted or changed something meanwhile; look before you rely on it.")
}

// changedRows says what the release made of the tables that it writes to, where no rehearsal on the data had said so before. What went is
// said in any case.
func changedRows(l *lines, list []release.Rows) {
	for _, r := range list {
		line := fmt.Sprintf("%s: %s", code(r.Table), rowsChange(r))
		if r.After < r.Before {
			l.add("⚠️ " + line)
			continue
		}
		l.spare("• " + line)
	}
}

// gains says which tables have more rows than expected, and how many.
func gains(grown []release.Mismatch) (out []string) {
	for _, m := range grown {
		expected, _ := strconv.ParseInt(m.Expected, 10, 64)
		got, _ := strconv.ParseInt(m.Got, 10, 64)
		out = append(out, fmt.Sprintf("%s +%s", clean(m.Name), humanize.Comma(got-expected)))
	}
	return out
}

func mismatch(d release.Mismatch) string {
	switch d.What {
	case "quick_check":
		return "quick_check says: " + flat(d.Got, 200)
	case "rows":
		return fmt.Sprintf("%s has %s rows, expected %s", code(d.Name), flat(d.Got, 20), flat(d.Expected, 20))
	}
	return fmt.Sprintf("%s %s: %s, expected %s", esc(d.What), code(d.Name), flat(d.Got, 120), flat(d.Expected, 120))
}

// refusedForContent reports whether it was what the rehearsal found that ended the run.
func refusedForContent(r release.Run) bool {
	return r.Refusal != nil && r.Refusal.OfContent()
}

// keeping counts the findings that keep a release from production.
func keeping(all []release.Finding) int {
	n := 0
	for _, f := range all {
		if f.Severity == "error" {
			n++
		}
	}
	return n
}

// withReport adds the button that posts the rehearsal's report, where it says more than the card.
func withReport(buttons [][]Button, r release.Run) [][]Button {
	tried := r.Plan != nil && r.Phase == release.Done && r.Environment == release.Preview && keeping(r.Plan.Findings) > 0
	if r.Plan == nil || r.Plan.Report == "" || r.Phase != release.Asking && !refusedForContent(r) && !tried {
		return buttons
	}
	return append(buttons, []Button{{Text: "Report", Action: Do(Rehearsal, r.ID)}})
}

// ReportCaption stands under the document; the parameters are the release and the environment.
const ReportCaption = "📎 What the rehearsal of #%d on %s found, in full"

// ReportPosted is the toast of the button that posts it.
const ReportPosted = "Posted as a document."
