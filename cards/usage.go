package cards

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"towline/deploy"
	"towline/deploy/delivery"
	"towline/deploy/queries"
	"towline/usage"
	"towline/usage/alert"
	"towline/usage/chart"
	"towline/usage/report"
	"towline/usage/tariff"
)

// The verbs of reports.
const (
	// UsageChart shows another chart of a report, or the same in other colours: project or "", span, since, until (Unix seconds), which chart,
	// theme, and the report's own caption, which stays as it was posted.
	UsageChart Verb = "usage-chart"
	// InWords posts the report in words: project or "", span, since, until.
	InWords Verb = "usage-words"
)

// Span is what a report is of.
type Span string

// The spans.
const (
	WeekOver  Span = "over"  // the schedule's, when it is due
	WeekSoFar Span = "sofar" // since the schedule's last date
	Week      Span = "week"  // the last seven days
	Month     Span = "month" // the last thirty
)

// Show is which of a report's charts its picture has.
type Show string

// The charts.
const (
	ShowAll     Show = "all"
	ShowRead    Show = "read"
	ShowWritten Show = "written"
	ShowStorage Show = "storage"
)

// Usage is everything that a report says.
type Usage struct {
	Span   Span
	Report report.Report
	// Project is the one that it is about; empty: the chat's, and the charts are the account's.
	Project string
	Changes []report.Change
	Weeks   []delivery.Week
	Top     []Asked
	// NoProduction are those of the projects that have no production database yet.
	NoProduction []string
	// NoTop says why a project's queries are not known.
	NoTop    map[string]error
	Previews []deploy.Preview
	// Alerts are those that stand, the muted ones too.
	Alerts []alert.Alert
	// State is what is known of the counting; Counting is false where this Towline counts nothing.
	State    usage.State
	Counting bool
}

// Asked is one of the queries that read most.
type Asked struct {
	Project string
	queries.Count
}

// Counted tells whether there is anything to draw.
func (u Usage) Counted() bool {
	return u.Counting && (u.Report.Read.Known() || u.Report.Written.Known() || u.Report.Stored.Known())
}

// charted tells whether a report's own lines say already what an alert says.
func charted(a alert.Alert, r report.Report) bool {
	switch a.Limit {
	case tariff.RowsReadPerDay, tariff.RowsWrittenPerDay, tariff.RowsReadPerMonth, tariff.RowsWrittenPerMonth:
		return true
	case tariff.StorageIncluded, tariff.AccountStorage: // of the two one is in the chart
		return r.Stored.Limit == nil || a.Limit == r.Stored.Limit.Key
	}
	return false
}

// usageTitle says what the report is of.
func usageTitle(u Usage) string {
	r := u.Report
	about := "the account"
	if u.Project != "" {
		about = name(u.Project)
	}
	switch u.Span {
	case WeekOver:
		return fmt.Sprintf("📊 <b>Report</b> · %s · %s to %s", about, dateOf(r.From, "d"), dateOf(r.To, "d"))
	case WeekSoFar:
		return fmt.Sprintf("📊 <b>Report so far</b> · %s · since %s", about, dateOf(r.From, "wd"))
	case Month:
		return fmt.Sprintf("📊 <b>Usage</b> · %s · the last 30 days", about)
	case Week:
	}
	return fmt.Sprintf("📊 <b>Usage</b> · %s · the last 7 days", about)
}

// before is how the stretch before is called.
func (u Usage) before() string {
	switch days := int(u.Report.To.Sub(u.Report.From).Round(24*time.Hour) / (24 * time.Hour)); {
	case days >= 15:
		return fmt.Sprintf("the %d days before", days)
	case days == 14:
		return "the two weeks before"
	case days == 7:
		return "the week before"
	default:
		return "the same hours a week before"
	}
}

// noForecast is said until there is one.
const noForecast = "No forecast yet: two weeks of counted days are needed."

// measured is one count in a line: how much, how that changed, and how near to the limit it came. Without before the comparison is the same as in a line
// above.
func measured(what string, m report.Measure, before string) string {
	if !m.Known() {
		return what + ": not counted"
	}
	line := fmt.Sprintf("%s: <b>%s</b>%s", what, amount(m.Sum), bracket(against(m, before)))
	switch {
	case m.Limit != nil && monthly(m):
		line += fmt.Sprintf("; this month %s of %s, %s", amount(m.Month), theLimit(m), shareOf(m.Month/m.Limit.Value))
	case m.Peak.At.IsZero() || m.Sum == 0:
	case m.Limit != nil:
		line += fmt.Sprintf(", most %s on %s: %s of %s a day", amount(m.Peak.Value), utcDay(m.Peak.At), shareOf(m.Share()), theLimit(m))
	default:
		line += fmt.Sprintf(", most %s on %s", amount(m.Peak.Value), utcDay(m.Peak.At))
	}
	return line
}

// theLimit is the figure of a count's limit.
func theLimit(m report.Measure) string {
	if m.Shared {
		return "the account's " + amount(m.Limit.Value)
	}
	return amount(m.Limit.Value)
}

// bracket puts a remark behind a figure.
func bracket(remark string) string {
	if remark == "" {
		return ""
	}
	return " (" + remark + ")"
}

// against compares with the stretch before.
func against(m report.Measure, before string) string {
	than := func(word, before string) string {
		if before == "" {
			return ""
		}
		return word + before
	}
	switch ratio := m.Same / m.Before; {
	case !m.Compared, m.Before == 0 && m.Same == 0:
		return ""
	case ratio > 0.98 && ratio < 1.02:
		return "as much as " + orElse(before, "before")
	case m.Before == 0:
		return "none " + orElse(before, "before")
	case ratio >= 3:
		return factor(ratio) + " times " + orElse(before, "as much")
	case ratio > 1:
		return shareOf(ratio-1) + " more" + than(" than ", before)
	default:
		return shareOf(1-ratio) + " less" + than(" than ", before)
	}
}

// stored is the storage in a line.
func stored(m report.Measure, before string) string {
	if !m.Known() {
		return "Storage: not counted"
	}
	line, change := "Storage: <b>"+sized(m.Sum)+"</b>", ""
	if before != "" {
		before = " than at the beginning"
	}
	switch d := m.Sum - m.Before; {
	case !m.Compared:
	case d >= 1e3:
		change = sized(d) + " more" + before
	case d <= -1e3:
		change = sized(-d) + " less" + before
	}
	line += bracket(change)
	if m.Limit != nil {
		line += fmt.Sprintf(", %s of %s", shareOf(m.Share()), storageLimit(m))
	}
	return line
}

// workers is what the Workers were asked, where there are any.
func workers(m report.Measure, before string) string {
	if !m.Known() || m.Sum == 0 && m.Before == 0 {
		return ""
	}
	return measured("Workers' requests", m, before)
}

// monthly tells whether a measure's limit is a volume for the billing month.
func monthly(m report.Measure) bool {
	switch m.Limit.Key {
	case tariff.RowsReadPerMonth, tariff.RowsWrittenPerMonth, tariff.WorkerRequestsPerMonth:
		return true
	}
	return false
}

// storageLimit names the limit of storage: what the plan includes only costs beyond it.
func storageLimit(m report.Measure) string {
	if m.Limit.Key == tariff.StorageIncluded {
		return "the included " + sized(m.Limit.Value)
	}
	return sized(m.Limit.Value)
}

// beyond says that a limit was reached, empty where it was not.
func beyond(m report.Measure) string {
	switch {
	case m.Limit == nil || !m.Known():
		return ""
	case monthly(m):
		if m.Month < m.Limit.Value {
			return ""
		}
		return "🟠 What the month includes is used up: more is billed"
	case m.Figure == usage.Storage:
		return full(m)
	case m.Over == 0:
		return ""
	}
	what := "D1 refuses what reads rows"
	switch m.Figure {
	case usage.RowsWritten:
		what = "D1 refuses what writes rows"
	case usage.Requests:
		what = "no request reaches the Workers"
	}
	when := "on " + utcDay(m.LastOver)
	if m.Over > 1 {
		when = fmt.Sprintf("on %d days, last on %s", m.Over, utcDay(m.LastOver))
	}
	return fmt.Sprintf("🔴 The day's limit was reached %s: then %s until 00:00 UTC", when, what)
}

// full says that storage is at its limit.
func full(m report.Measure) string {
	switch {
	case m.Sum < m.Limit.Value:
		return ""
	case m.Limit.Key == tariff.StorageIncluded:
		return "🟠 The included " + sized(m.Limit.Value) + " are used up: each further GB is billed"
	case m.Limit.Key == tariff.DatabaseSize:
		return "🔴 The limit of " + sized(m.Limit.Value) + " is reached: the database takes nothing that makes it grow"
	}
	return "🔴 The limit of " + sized(m.Limit.Value) + " is reached: no database of the account can grow"
}

// reached is when a limit is reached, empty where that is not in sight, or was reached already.
func reached(m report.Measure) string {
	if m.Reach == nil || m.Share() >= 1 && !monthly(m) || monthly(m) && m.Month >= m.Limit.Value {
		return ""
	}
	what, about := "rows read", ""
	switch m.Figure {
	case usage.RowsWritten:
		what = "rows written"
	case usage.Requests:
		what = "requests"
	}
	switch {
	case m.Figure == usage.Storage:
		about = "storage reaches " + storageLimit(m)
	case monthly(m):
		about = fmt.Sprintf("the month's %s %s are used up", amount(m.Limit.Value), what)
	default:
		about = fmt.Sprintf("%s reach %s a day", what, amount(m.Limit.Value))
	}
	line := fmt.Sprintf("⚠️ At this pace %s about %s", about, utcDay(m.Reach.At))
	switch r := m.Reach; {
	case r.Earliest.IsZero() || r.Earliest.Equal(r.Latest):
	case r.Latest.IsZero():
		line += fmt.Sprintf(" (%s at the earliest)", utcDay(r.Earliest))
	default:
		line += fmt.Sprintf(" (%s to %s)", utcDay(r.Earliest), utcDay(r.Latest))
	}
	return line
}

// unsure says that the last days are not what was to be expected, so that nobody can tell yet how it goes on. Where a release explains them, the line about it does.
func unsure(r report.Report) (line, short string) {
	var what []string
	var since time.Time
	for _, m := range []struct {
		what string
		of   report.Measure
	}{{"read", r.Read}, {"written", r.Written}} {
		if m.of.News.IsZero() || !m.of.Known() || explained(r, m.of) {
			continue
		}
		what = append(what, m.what)
		if since.IsZero() || m.of.News.Before(since) {
			since = m.of.News
		}
	}
	if len(what) == 0 {
		return "", ""
	}
	return fmt.Sprintf("❔ Since %s rows %s are far from what was to be expected: too soon to tell whether it stays", utcDay(since), and(what)),
		fmt.Sprintf("❔ Too soon for a forecast: rows %s jumped on %s", and(what), utcDay(since))
}

// explained tells whether a release is named for a change of a figure.
func explained(r report.Report, m report.Measure) bool {
	return slices.ContainsFunc(r.Bends, func(b report.Bend) bool { return b.Figure == m.Figure })
}

// bent says which releases changed what a day takes, those of one moment in one line.
func bent(all []report.Bend) []string {
	var out []string
	for i, b := range all {
		same := func(o report.Bend) bool { return o.Project == b.Project && o.At.Equal(b.At) }
		if slices.ContainsFunc(all[:i], same) {
			continue
		}
		var numbers, how []string
		for _, n := range b.Releases {
			numbers = append(numbers, fmt.Sprintf("#%d", n))
		}
		for _, f := range []usage.Figure{usage.RowsRead, usage.RowsWritten} {
			for _, o := range all {
				if same(o) && o.Figure == f {
					how = append(how, bend(o))
				}
			}
		}
		who := and(shorten(numbers, 4, name))
		if b.Back {
			who = "the rollback to " + who
		}
		out = append(out, fmt.Sprintf("📈 Since %s (%s) %s %s%s", who, dateOf(b.At, "wd"), name(b.Project), and(how), sameWeekdays))
	}
	return out
}

// sameWeekdays is what a bend was compared with.
const sameWeekdays = ", against the same weekdays before"

// perDay is how many rows a bend is in a day.
func perDay(b report.Bend) string {
	if b.Times < 1 {
		return amount(-b.PerDay) + " rows a day fewer"
	}
	return amount(b.PerDay) + " rows a day more"
}

// bend is one of them: how much more or less, and how many rows that is in a day.
func bend(b report.Bend) string {
	what := "reads"
	if b.Figure == usage.RowsWritten {
		what = "writes"
	}
	if b.Times < 1 {
		return fmt.Sprintf("%s %s less%s", what, shareOf(1-b.Times), bracket(perDay(b)))
	}
	return fmt.Sprintf("%s %s times as much%s", what, factor(b.Times), bracket(perDay(b)))
}

// costs is what the month comes to.
func costs(r report.Report) string {
	c := r.Cost
	if r.Plan != tariff.Paid || !c.Known() {
		return ""
	}
	if c.Likely && c.SoFar.Total() == 0 && c.End.Total() == 0 && c.Hours == c.Of {
		return fmt.Sprintf("Cost beyond the plan: <b>nothing</b> since %s, nor by %s at this pace", utcDay(c.From), utcDay(c.Until.AddDate(0, 0, -1)))
	}
	line := fmt.Sprintf("Cost beyond the plan: <b>%s</b> since %s", dollars(c.SoFar.Total()), utcDay(c.From))
	if c.Hours < c.Of*9/10 {
		line = strings.Replace(line, "<b>", "at least <b>", 1)
	}
	if c.Likely {
		return line + fmt.Sprintf(", about %s by %s", dollars(c.End.Total()), utcDay(c.Until.AddDate(0, 0, -1)))
	}
	return line + "; too little is known for the month's end"
}

// topped is the query that read most, with so much of its text.
func topped(u Usage, q Asked, most int) string {
	line := fmt.Sprintf("Most rows read: <code>%s</code> · %s", flat(q.SQL, most), amount(float64(q.RowsRead)))
	if share, ok := u.partOf(q); ok {
		line += ", " + shareOf(share) + " of " + name(q.Project) + "'s"
	}
	return line
}

// partOf is what part of its production's rows read a query has.
func (u Usage) partOf(q Asked) (float64, bool) {
	for _, p := range u.Report.Parts {
		if p.Project == q.Project && p.Production && p.Read.Is && p.Read.Value > 0 {
			return min(1, float64(q.RowsRead)/p.Read.Value), true
		}
	}
	return 0, false
}

// unused are the previews that nobody uses.
func unused(list []deploy.Preview) string {
	if len(list) == 0 {
		return ""
	}
	var names []string
	for _, p := range list {
		names = append(names, p.Database)
	}
	return fmt.Sprintf("🗑 %s that nobody uses: %s · <code>/preview list</code>", count(len(list), "preview database"), and(shorten(names, 3, name)))
}

// UsageButtons are those below a report's picture.
func UsageButtons(u Usage, show Show, theme chart.Theme, caption string) [][]Button {
	args := func(s Show, t chart.Theme) []string { return append(u.named(), string(s), string(t), caption) }
	var charts []Button
	for _, c := range []struct {
		show Show
		text string
	}{{ShowRead, "Enlarge reads"}, {ShowWritten, "Enlarge writes"}, {ShowStorage, "Enlarge storage"}, {ShowAll, "Show all"}} {
		if c.show != show {
			charts = append(charts, Button{Text: c.text, Action: Do(UsageChart, args(c.show, theme)...)})
		}
	}
	other, text := chart.Dark, "Show dark"
	if theme == chart.Dark {
		other, text = chart.Light, "Show light"
	}
	return [][]Button{charts, {{Text: "In words", Action: Do(InWords, u.named()...)}, {Text: text, Action: Do(UsageChart, args(show, other)...)}}}
}

// named are the arguments by which a report is made again.
func (u Usage) named() []string {
	return []string{u.Project, string(u.Span), strconv.FormatInt(u.Report.From.Unix(), 10), strconv.FormatInt(u.Report.To.Unix(), 10)}
}

// UsagePosted is the toast of the words.
const UsagePosted = "The report in words is below."

// utcDay is the date of a UTC day: at its noon it is the same date for almost everybody who reads it.
func utcDay(t time.Time) string { return dateOf(usage.Day(t).Add(12*time.Hour), "d") }

// dateOf is a day in the reader's own zone, as stamp is a moment: what stands inside has no time of day.
func dateOf(t time.Time, format string) string {
	return fmt.Sprintf(`<tg-time unix="%d" format="%s">%s</tg-time>`, t.Unix(), format, t.UTC().Format("Mon 2 Jan"))
}
