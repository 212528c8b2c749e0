package cards

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"towline/deploy/delivery"
	"towline/deploy/release"
	"towline/usage"
	"towline/usage/report"
	"towline/usage/tariff"
)

// perWords is how many projects one message in words reports on.
const perWords = 8

// UsageWords says a report in full: what was used first, then the projects, a few in each message.
func UsageWords(u Usage) []Card {
	all := []Card{{HTML: used(u)}}
	for some := range slices.Chunk(u.Weeks, perWords) {
		all = append(all, reportOf(u.projectsTitle(), some, nil))
	}
	return all
}

// projectsTitle is above the projects of a report in words.
func (u Usage) projectsTitle() string {
	from, to := dateOf(u.Report.From, "wd"), dateOf(u.Report.To, "wd")
	switch u.Span {
	case WeekOver:
		return fmt.Sprintf("📋 <b>Report</b> · %s to %s", from, to)
	case WeekSoFar:
		return fmt.Sprintf("📋 <b>Report so far</b> · since %s", from)
	case Week, Month:
	}
	return fmt.Sprintf("📋 <b>Releases</b> · %s to %s", from, to)
}

// UsageWithout is the answer where there is nothing to draw: what is missing, and the releases.
func UsageWithout(u Usage) Card { return Card{HTML: used(u)} }

// ReportsWithout is the weekly report where there is nothing to draw: what is missing, and the projects, a few in each message.
func ReportsWithout(u Usage) []Card {
	missed := missing(u)
	if !u.Counting {
		missed = nil // whoever counts nothing need not hear of it each week
	}
	if len(u.Weeks) == 0 {
		return []Card{reportOf("", nil, nil)}
	}
	var all []Card
	for some := range slices.Chunk(u.Weeks, perWords) {
		all = append(all, reportOf(u.projectsTitle(), some, missed))
		missed = nil
	}
	return all
}

// Joined is several messages as one text, for the command line.
func Joined(all ...Card) Card {
	var texts []string
	for _, c := range all {
		texts = append(texts, c.HTML)
	}
	return Card{HTML: strings.Join(texts, "\n\n")}
}

// used is what a report says of use.
func used(u Usage) string {
	var l lines
	r := u.Report
	l.add(usageTitle(u))
	for _, line := range missing(u) {
		l.add(line)
	}
	if !u.Counted() {
		l.gap()
		for _, w := range u.Weeks {
			l.spare(summed(w, true))
			l.spare(opened(w)...)
		}
		return l.String()
	}
	for _, m := range []struct {
		line string
		of   report.Measure
	}{
		{measured("Rows read", r.Read, u.before()), r.Read}, {measured("Rows written", r.Written, u.before()), r.Written},
		{stored(r.Stored, u.before()), r.Stored}, {workers(r.Requests, u.before()), r.Requests},
	} {
		if m.line == "" {
			continue
		}
		l.gap()
		l.add(m.line)
		l.add(beyond(m.of))
		l.add(reached(m.of))
		l.add(further(m.of, explained(r, m.of)))
	}
	l.gap()
	for _, a := range u.Alerts {
		line := alertShort(a)
		if a.Muted.After(r.Now) {
			line += " · 🔕 silent until " + stamp(a.Muted, "wdt")
		}
		l.add(line)
	}
	l.gap()
	l.spare(bent(r.Bends)...)
	l.gap()
	priced(&l, r)
	l.gap()
	for _, p := range r.Parts {
		l.spare(part(p, u.before()))
	}
	mostRead(&l, u)
	if len(u.Previews) > 0 {
		l.gap()
		l.add(unused(u.Previews))
	}
	return l.String()
}

// further says how a figure goes on, and how far to trust that. explained: a release is named for its change.
func further(m report.Measure, explained bool) string {
	switch {
	case !m.Known():
		return ""
	case m.TooLittle:
		return noForecast
	case len(m.Ahead) < 7:
		return ""
	}
	if !m.Figure.Counts() {
		last := m.Ahead[min(27, len(m.Ahead)-1)]
		return "In four weeks about " + sized(last.Value) + band(sized(last.Low), sized(last.High)) + trusted(m)
	}
	if m.Next.Value < 1 {
		return "" // nothing happens, and goes on
	}
	return "The next 7 days about " + amount(m.Next.Value) + band(amount(m.Next.Low), amount(m.Next.High)) + another(m, explained) + trusted(m)
}

// another says since when a count is not what it was.
func another(m report.Measure, explained bool) string {
	switch {
	case explained:
	case !m.News.IsZero():
		return "; since " + utcDay(m.News) + " it is far from what was to be expected, and it is too soon to tell whether it stays"
	case !m.Shift.IsZero():
		return "; since " + utcDay(m.Shift) + " it is on another level, and that is what counts"
	}
	return ""
}

// band is what a forecast lies between, where that is not one figure.
func band(low, high string) string {
	if low == high {
		return ""
	}
	return " (" + low + " to " + high + ")"
}

// trusted is how far off the forecast was where it could be tried.
func trusted(m report.Measure) string {
	if m.Error <= 0 {
		return ""
	}
	line := "; tried on past days it was off by " + shareOf(m.Error)
	if m.Naive > 0 {
		line += ", taking the week before by " + shareOf(m.Naive)
	}
	return line
}

// freePlan is what there is to say of costs on the free plan.
const freePlan = "The free plan costs nothing; its limits stop the database."

// priced is the billing month, figure by figure.
func priced(l *lines, r report.Report) {
	if r.Plan == tariff.Free {
		l.add(freePlan)
		return
	}
	l.add(costs(r))
	if !r.Cost.Known() {
		return
	}
	for _, f := range []struct {
		what      string
		so, whole float64
	}{
		{"rows read", r.Cost.SoFar.RowsRead, r.Cost.End.RowsRead}, {"rows written", r.Cost.SoFar.RowsWritten, r.Cost.End.RowsWritten},
		{"storage", r.Cost.SoFar.Storage, r.Cost.End.Storage}, {"Workers' requests", r.Cost.SoFar.Requests, r.Cost.End.Requests},
	} {
		if f.so == 0 && f.whole == 0 {
			continue
		}
		line := fmt.Sprintf("• %s: %s so far", f.what, dollars(f.so))
		if r.Cost.Likely {
			line += ", " + dollars(f.whole) + " by the end"
		}
		l.spare(line)
	}
}

// part is one database or Worker in a line.
func part(p report.Part, before string) string {
	var facts []string
	add := func(a report.Amount, format string, say func(float64) string) {
		if a.Is {
			facts = append(facts, fmt.Sprintf(format, say(a.Value)))
		}
	}
	if p.Subject.Kind == usage.Worker {
		add(p.Requests, "%s requests", amount)
		if p.Errors.Is && p.Requests.Value > 0 {
			facts = append(facts, "errors "+shareOf(p.Errors.Value/p.Requests.Value))
		}
		add(p.CPUP99, "CPU p99 up to %s ms", func(v float64) string { return digits(v/1000, false) })
	} else {
		add(p.Read, "%s rows read", amount)
		add(p.Written, "%s written", amount)
		add(p.Stored, "%s", sized)
		if n := len(facts) - 1; p.Stored.Is && p.Most.Is {
			facts[n] += fmt.Sprintf(" (%s of %s)", shareOf(p.Stored.Value/p.Most.Value), sized(p.Most.Value))
		}
		add(p.BatchP90, "batches p90 up to %s ms", func(v float64) string { return digits(v, false) })
		if p.Errors.Value > 0 {
			add(p.Errors, "%s queries failed", amount)
		}
	}
	if len(facts) == 0 {
		return fmt.Sprintf("• <b>%s</b>: not counted", name(p.Name))
	}
	line := fmt.Sprintf("• <b>%s</b>: %s", name(p.Name), strings.Join(facts, ", "))
	if p.Before > 0 {
		line += "; " + against(report.Measure{Same: p.Same, Before: p.Before, Compared: true}, before)
	}
	return line
}

// mostRead are the queries that did.
func mostRead(l *lines, u Usage) {
	if len(u.Top) == 0 {
		return
	}
	l.gap()
	l.spare("Most rows read:")
	for _, q := range u.Top {
		line := fmt.Sprintf("• %s rows in %s", amount(float64(q.RowsRead)), counted(q.Runs, "run"))
		if q.Runs > 1 {
			line += fmt.Sprintf(", %s each", amount(float64(q.RowsRead)/float64(q.Runs)))
		}
		if part, ok := u.partOf(q); ok {
			line += ", " + shareOf(part) + " of " + name(q.Project) + "'s"
		}
		l.spare(line + ": <code>" + flat(q.SQL, 160) + "</code>")
	}
}

// counted says a great number of things.
func counted(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return amount(float64(n)) + " " + thing + "s"
}

// missing says what the report does not know, and why.
func missing(u Usage) []string {
	if !u.Counting {
		return []string{"Use is not counted here."}
	}
	var out []string
	for _, why := range []usage.Why{usage.NotAllowed, usage.Missing, usage.Disabled, usage.Busy, usage.NoAnswer} {
		var what []string
		for _, d := range usage.AllDatasets() {
			if s, ok := u.State.Datasets[d]; ok && !s.Available && s.Why == why && !passing(s, u.Report.Now) {
				what = append(what, datasetWords(d, u))
			}
		}
		switch {
		case len(what) == 0:
		case len(what) == len(usage.AllDatasets()):
			nothing := "❔ Nothing is counted: "
			if u.Report.Read.Known() { // it was, until a while ago
				nothing = "❔ Nothing is counted any more: "
			}
			out = append(out, nothing+whyWords(why))
		default:
			out = append(out, "❔ Not counted: "+and(what)+"; "+whyWords(why))
		}
	}
	if len(u.State.Datasets) == 0 {
		return append(out, "❔ Nothing was counted yet. The first count is made within the hour.")
	}
	r, activity := u.Report, u.State.Datasets[usage.Activity]
	switch lag := r.Now.Sub(activity.CountedTo); {
	case activity.CountedTo.IsZero():
	case r.Since.After(r.From):
		out = append(out, "❔ Nothing is known before "+utcDay(r.Since)+".")
	case lag > lagWords && r.Read.Hours < r.Read.Of:
		upTo := "❔ Counted up to " + stamp(activity.CountedTo, "wdt")
		if activity.Available { // else it was not asked, and what was in the way stands above
			upTo += "; Cloudflare has told nothing later yet"
		}
		out = append(out, upTo+".")
	case r.Read.Known() && r.Read.Hours < r.Read.Of-int(lagWords/time.Hour):
		out = append(out, fmt.Sprintf("❔ %d of %d hours were counted.", r.Read.Hours, r.Read.Of))
	}
	unborn := u.Project != "" && slices.Contains(u.NoProduction, u.Project)
	switch {
	case unborn && u.Counted():
		out = append(out, "❔ "+name(u.Project)+" has no production database yet; these figures are its preview's. Next: /promote")
	case u.Counted() || len(out) > 0:
	case unborn:
		out = append(out, "❔ "+name(u.Project)+" has no production database yet, so there is nothing to count.", "Next: /promote what is live on preview; where nothing is, /deploy first.")
	case u.Span == WeekSoFar && r.To.Sub(r.From) < justBegun:
		out = append(out, "❔ No whole hour is counted yet since the last report. Next: /usage for the last seven days.")
	default:
		out = append(out, "❔ Nothing of it was counted yet. A new database is counted within the hour.")
	}
	for _, project := range slices.Sorted(maps.Keys(u.NoTop)) {
		out = append(out, "❔ The costliest queries of "+name(project)+" are not known; "+unasked(u.NoTop[project]))
	}
	return out
}

// passing tells whether a dataset could not be asked for just now, and was a little while ago: that is no news.
func passing(s usage.Standing, now time.Time) bool {
	return (s.Why == usage.Busy || s.Why == usage.NoAnswer) && now.Sub(s.CountedTo) < lagWords
}

// unasked says why queries are not known.
func unasked(err error) string {
	switch {
	case errors.Is(err, usage.ErrNotAllowed):
		return whyWords(usage.NotAllowed)
	case errors.Is(err, usage.ErrBusy):
		return "Cloudflare wants fewer questions for a while."
	case errors.Is(err, usage.ErrMissing):
		return "Cloudflare does not let this account ask."
	}
	return "Cloudflare did not say."
}

// lagWords is how far Cloudflare may be behind before it is worth a word. Of an account in which nothing happens it tells nothing for hours.
const lagWords = 8 * time.Hour

// justBegun is how long after a report little of what comes after it is counted: an hour has to be over, and Cloudflare is some minutes behind.
const justBegun = 3 * time.Hour

func datasetWords(d usage.Dataset, u Usage) string {
	switch d {
	case usage.Activity:
		return "rows"
	case usage.Sizes:
		if u.State.Unsized == 0 && u.Report.Now.Sub(u.State.Listed) < lagWords {
			return "past storage" // how large databases are now is in the account's list of them
		}
		return "storage"
	case usage.Queries:
		return "failed queries"
	case usage.Invocations:
		return "Workers"
	}
	return string(d)
}

func whyWords(w usage.Why) string {
	switch w {
	case usage.NotAllowed:
		return "the API token lacks <b>Account Analytics: Read</b>."
	case usage.Missing:
		return "Cloudflare has no such figures for this account."
	case usage.Disabled:
		return "Cloudflare does not let this account ask."
	case usage.Busy:
		return "Cloudflare wants fewer questions for a while. It is tried again within the hour."
	case usage.NoAnswer:
	}
	return "Cloudflare did not answer. It is tried again within the hour."
}

// summed is a project's releases in a line.
func summed(w delivery.Week, named bool) string {
	line := tally(w)
	if named {
		line = "<b>" + name(w.Project) + "</b>: " + line
	} else {
		line = strings.ToUpper(line[:1]) + line[1:]
	}
	if d := delivered(w.Delivery); d != "" {
		line += "; " + d
	}
	return line
}

// delivered is how releases reached production: the measures beside how often.
func delivered(d delivery.Measures) string {
	var all []string
	if d.LeadOf > 0 {
		all = append(all, lasted(d.Lead)+" from commit to live")
	}
	if d.Attempts > 0 {
		switch d.Bad {
		case 0:
			all = append(all, "none went wrong")
		default:
			all = append(all, fmt.Sprintf("%d of %d went wrong (%s)", d.Bad, d.Attempts, shareOf(float64(d.Bad)/float64(d.Attempts))))
		}
	}
	if d.RestoreOf > 0 {
		all = append(all, "put right in "+lasted(d.Restore))
	}
	if !d.Hurt.IsZero() {
		all = append(all, "production is half way through a release since "+stamp(d.Hurt, "wdt"))
	}
	return strings.Join(all, ", ")
}

// opened is what somebody should still do about a project, each in a line.
func opened(w delivery.Week) []string {
	var out []string
	for _, b := range w.Broken {
		out = append(out, fmt.Sprintf("🔨 #%d on %s went past gates: %s", b.Release, b.Environment, name(b.By.Shown())))
	}
	for _, s := range w.Kept {
		switch {
		case s.Hold != nil:
			out = append(out, fmt.Sprintf("🔒 %s is held by %s since %s", where(w.Project, s.Environment), name(s.Hold.By.Shown()), stamp(s.Hold.At, "d")))
		case s.Lock.Active(w.Until):
			out = append(out, fmt.Sprintf("🔒 %s is locked by %s", where(w.Project, s.Environment), name(s.Lock.By.Shown())))
		case s.Freeze.Active(w.Until):
			out = append(out, fmt.Sprintf("❄️ %s is frozen until %s", where(w.Project, s.Environment), day(s.Freeze.Until)))
		}
	}
	if n := len(w.MissingNotes); n > 0 {
		out = append(out, fmt.Sprintf("❔ Nobody has said why #%d went wrong: <code>/note %s #%d text</code>", w.MissingNotes[0], name(w.Project), w.MissingNotes[0]))
	}
	return out
}

// heads are the ends of the audit logs, each in a line, with so much of their hashes; 0: all of it.
func (u Usage) heads(most int) []string {
	cut := func(hash string) string {
		if most > 0 && len(hash) > most {
			return hash[:most]
		}
		return hash
	}
	var out []string
	if u.Span != WeekOver && u.Span != WeekSoFar {
		return nil
	}
	for i, w := range u.Weeks {
		if i == 0 && w.TeamSeq > 0 {
			out = append(out, "Audit head: <code>_team "+head(w.TeamSeq, cut(w.TeamHead))+"</code>")
		}
		if w.Seq > 0 {
			out = append(out, "Audit head: <code>"+name(w.Project)+" "+head(w.Seq, cut(w.Head))+"</code>")
		}
	}
	return out
}

// shippedLine is one release of the stretch.
func shippedLine(s delivery.Shipped) string {
	line := fmt.Sprintf("• #%d live %s", s.Release, stamp(s.At, "wdt"))
	if s.Kind == release.Rollback {
		line = fmt.Sprintf("• rolled back to #%d %s", s.Release, stamp(s.At, "wdt"))
	}
	if s.Lead > 0 {
		line += ", " + lasted(s.Lead) + " after its commit"
	}
	if !s.Undone.IsZero() {
		line += ", taken back " + lasted(s.Undone.Sub(s.At)) + " later"
	}
	return line
}
