package cards

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"towline/deploy"
	"towline/deploy/release"
	"towline/deploy/slow"
	"towline/usage"
	"towline/usage/tariff"
)

// The verbs of slow queries.
const (
	// SlowQueries shows /slow of a project.
	SlowQueries Verb = "slow" // project
	// IndexFile posts the migration that makes an index: project, then what IndexAsked reads back.
	IndexFile Verb = "index-file"
)

// How much of a query stands on its card, and in the comment of a migration.
const (
	slowShown   = 200
	slowComment = 400
	// slowPlan is how many changed lines of a plan are shown.
	slowPlan = 3
)

// SlowOf says which queries cost the most, and which index would help. t is what the account pays; nothing is said of money where it is empty.
func SlowOf(s slow.Report, t tariff.Table) Card {
	var l lines
	l.addf("🐢 <b>%s</b> · slow queries on %s", name(s.Project), code(s.Database))
	l.add(slowSpan(s))
	l.gap()
	if len(s.Queries) == 0 {
		l.add("Cloudflare has counted no query in this time. Its figures lag behind by some minutes.")
		return Card{HTML: l.String(), Buttons: again(s.Project)}
	}
	said := map[int]bool{}
	for _, list := range []struct {
		title  string
		places []int
	}{{"Most rows read", s.ByRead}, {"Most time", s.ByTime}, {"Most read for each row returned", s.ByRatio}} {
		if len(list.places) == 0 {
			continue
		}
		l.addf("<b>%s</b>: %s", list.title, numbered(list.places))
		before := len(said)
		for _, i := range list.places {
			if !said[i] {
				said[i] = true
				slowQuery(&l, i+1, s.Queries[i], t)
			}
		}
		if len(said) > before {
			l.gap()
		}
	}
	l.gap()
	slowEnd(&l, s)
	return Card{HTML: l.String(), Buttons: append(indexButtons(s), again(s.Project)...)}
}

func again(project string) [][]Button {
	return [][]Button{{{Text: "Look again", Action: Do(SlowQueries, project)}}}
}

// slowSpan says which time is looked at.
func slowSpan(s slow.Report) string {
	from := "In the last " + lasted(s.To.Sub(s.From))
	if s.Release != 0 && s.From.Equal(s.LiveSince) {
		from = fmt.Sprintf("Since #%d went live %s", s.Release, when(s.LiveSince))
	}
	switch {
	case !s.BeforeTo.IsZero():
		return fmt.Sprintf("%s, beside the %s before #%d.", from, lasted(s.BeforeTo.Sub(s.BeforeFrom)), s.Release)
	case s.Release != 0 && s.LiveSince.After(s.From):
		return fmt.Sprintf("%s; #%d went live only %s.", from, s.Release, when(s.LiveSince))
	}
	return from + "."
}

func numbered(places []int) string {
	var list []string
	for _, i := range places {
		list = append(list, fmt.Sprint(i+1))
	}
	return strings.Join(list, ", ")
}

// slowQuery is one query: its text, what it costs, what changed, what would help.
func slowQuery(l *lines, n int, q slow.Query, t tariff.Table) {
	l.addf("%d. <code>%s</code>", n, flat(q.SQL, slowShown))
	l.add(slowFigures(q))
	switch {
	case q.New:
		l.add("🆕 new: nobody asked it before the release")
	case q.Worse:
		l.addf("⚠️ worse: a run read %s rows and took %s before the release, and takes %s now", amount(q.Was.Each()), brief(q.Was.Mean()), brief(q.Mean()))
	}
	switch {
	case q.Index != nil:
		slowIndex(l, *q.Index, t)
	case q.Refused != "":
		l.add("⚪ no index was tried: " + flat(q.Refused, 120))
	case q.Each() < 2*float64(max(1, q.RowsReturned+q.RowsWritten))/float64(max(1, q.Runs)):
		l.add("⚪ reads little more than it needs")
	default:
		l.add("⚪ no index found that would help more" + noteWords(q.Notes))
	}
}

func slowFigures(q slow.Query) string {
	parts := []string{count(q.Runs, "run"), amount(float64(q.RowsRead)) + " rows read", amount(q.Each()) + " each"}
	if q.RowsReturned > 0 || q.RowsWritten == 0 {
		parts[2] += " for " + amount(float64(q.RowsReturned)/float64(max(1, q.Runs))) + " returned"
	} else {
		parts[2] += " for " + amount(float64(q.RowsWritten)/float64(max(1, q.Runs))) + " written"
	}
	times := brief(q.Time) + " in all"
	if q.P95 > 0 {
		times += ", p95 " + brief(q.P95)
	}
	parts = append(parts, times)
	if q.Failed > 0 {
		parts = append(parts, "❌ "+count(q.Failed, "failed run"))
	}
	return strings.Join(parts, " · ")
}

// brief is took, where a duration may be less than anybody counts.
func brief(d time.Duration) string {
	if d < time.Millisecond {
		return "under 1 ms"
	}
	return took(d)
}

// slowIndex is an index that was tried.
func slowIndex(l *lines, i slow.Index, t tariff.Table) {
	for _, statement := range i.SQL {
		l.add("💡 " + command(statement))
	}
	gone, come := planDiff(i.Before, i.After)
	label := "plan"
	if i.Lookup {
		label = "foreign key's look-up"
	}
	l.spare(fmt.Sprintf("<blockquote expandable>%s, tried:\n%s\nbecomes\n%s</blockquote>", label, planLines(gone), planLines(come)))
	each, most := fmt.Sprintf("about %s rows each", amount(max(1, i.Each))), ""
	if i.AtLeast {
		each, most = fmt.Sprintf("%s or more rows each", amount(max(1, i.Each))), "at most "
	}
	line := fmt.Sprintf("would read %s and spare %s%s rows a month%s", each, most, amount(float64(i.Spares)), worthOf(i, t))
	if i.Writes > 0 {
		line += fmt.Sprintf("; writes up to %s rows more", amount(float64(i.Writes)))
	} else {
		line += "; no write that was seen costs more"
	}
	l.add(line)
	if len(i.Redundant) > 0 {
		l.add("With it nothing needs " + and(shorten(i.Redundant, 3, code)) + " any more")
	}
}

// worthOf is what the rows are worth: a share of the day's on the free plan, money on the paid one.
func worthOf(i slow.Index, t tariff.Table) string {
	if limit, ok := t.Limit(tariff.RowsReadPerDay); ok && limit.Value > 0 {
		return fmt.Sprintf(" (%s of each day's limit)", shareOf(float64(i.Spares)/30/limit.Value))
	}
	if cost := t.Rows(float64(i.Spares), 0); cost >= 0.01 {
		return fmt.Sprintf(" (%s, where the plan's volume is used up)", dollars(cost))
	}
	return ""
}

// planDiff are the lines of two plans that only one of them has.
func planDiff(before, after []string) (gone, come []string) {
	only := func(list, other []string) (out []string) {
		for _, line := range list {
			if !slices.Contains(other, line) {
				out = append(out, strings.TrimSpace(line))
			}
		}
		return out
	}
	return only(before, after), only(after, before)
}

func planLines(list []string) string {
	if len(list) == 0 {
		return "…"
	}
	return strings.Join(shorten(list, slowPlan, func(s string) string { return "<code>" + flat(s, 140) + "</code>" }), "\n")
}

// noteWords says why no index helps. The codes are those of package advise.
func noteWords(notes []slow.Note) string {
	if len(notes) == 0 {
		return ""
	}
	n := notes[0]
	part := code(n.Part)
	switch n.Code {
	case "inside":
		return ": " + part + " looks within texts, for which there is full-text search (FTS5)"
	case "pattern":
		return ": " + part + " finds by an index only what begins with a letter, and the column's index would have to be COLLATE NOCASE"
	case "everything":
		return ": it asks for all rows of " + part
	case "unequal":
		return ": it asks for all but some values of " + part
	case "skips":
		return ": OFFSET reads what it leaves out; go on from the last row seen instead"
	case "named":
		return ": the query names the index that it wants"
	case "unspied":
		return ": SQLite does not say what this statement looks for"
	}
	return ""
}

// slowEnd says what the figures rest on.
func slowEnd(l *lines, s slow.Report) {
	switch {
	case s.Untried != "":
		l.add("⚠️ Not all indexes could be tried: " + flat(s.Untried, 200))
	case !slices.ContainsFunc(s.Queries, func(q slow.Query) bool { return q.Index != nil }):
		// of what was tried nothing is left to be explained
	case s.Copied.IsZero() && s.Copies:
		l.add("Indexes were tried on a copy of the schema. How many rows they leave to be read is not known: no copy of the data has this schema yet. A later rehearsal takes one.")
	case s.Copied.IsZero():
		l.add("Indexes were tried on a copy of the schema. How many rows they leave to be read is known only with <code>rehearse: data</code> in the config.")
	default:
		l.addf("Indexes were tried on a copy of the schema, and counted on the copy of the data of %s.", stamp(s.Copied, "dT"))
	}
	if s.Unread > 0 {
		l.addf("Statements that write and could not be read here: %d. An index may cost more than is said.", s.Unread)
	}
}

// indexButtons are one for each query that an index helps. Two queries that the same index helps have one.
func indexButtons(s slow.Report) [][]Button {
	var rows [][]Button
	seen := map[string]bool{}
	for n, q := range s.Queries {
		if q.Index == nil || seen[strings.Join(q.Index.SQL, "")] {
			continue
		}
		seen[strings.Join(q.Index.SQL, "")] = true
		b := Button{Text: fmt.Sprintf("Index for %d", n+1), Action: Do(IndexFile, s.Project,
			strings.Join(q.Index.Names, "\n"), strings.Join(q.Index.SQL, "\n"), strings.Join(q.Index.Down, "\n"), indexWhy(s, q))}
		if last := len(rows) - 1; last >= 0 && len(rows[last]) < 3 {
			rows[last] = append(rows[last], b)
		} else {
			rows = append(rows, []Button{b})
		}
	}
	return rows
}

// IndexAsked is the proposal that a button of /slow stands for.
func IndexAsked(a Action) slow.Proposal {
	return slow.Proposal{
		Names: strings.Split(a.Arg(1), "\n"), SQL: strings.Split(a.Arg(2), "\n"), Down: strings.Split(a.Arg(3), "\n"), Why: a.Arg(4),
	}
}

// indexWhy is the comment at the head of the migration.
func indexWhy(s slow.Report, q slow.Query) string {
	_, come := planDiff(q.Index.Before, q.Index.After)
	text := fmt.Sprintf("For a query of which %s read %s rows each from %s to %s:\n  %s\nWith the index SQLite says:\n",
		count(q.Runs, "run"), amount(q.Each()), s.From.UTC().Format("2 Jan 15:04"), s.To.UTC().Format("2 Jan 2006 15:04 MST"),
		cut(strings.Join(strings.Fields(clean(q.SQL)), " "), slowComment))
	for _, line := range come[:min(slowPlan, len(come))] {
		text += "  " + cut(clean(line), 200) + "\n"
	}
	return text
}

// SlowUnknown says why nothing is known of a project's queries.
func SlowUnknown(project string, err error) Card {
	var l lines
	l.addf("🐢 <b>%s</b> · slow queries", name(project))
	l.gap()
	switch {
	case errors.Is(err, usage.ErrNotAllowed):
		l.add("⚪ not known: the API token may not read the account's analytics.")
		l.add("Next: give the token <b>Account Analytics: Read</b>, then " + command("towline check") + " says whether it can.")
	case errors.Is(err, usage.ErrBusy):
		l.add("⚪ not known now: Cloudflare wants fewer questions for a while.")
		l.add("Next: /slow again in five minutes.")
	case errors.Is(err, usage.ErrMissing):
		l.add("⚪ not known: Cloudflare does not let this account ask what queries cost.")
	case errors.Is(err, deploy.ErrNoDatabase):
		l.add("⚪ there is no production database yet.")
		l.add("Next: /promote what is live on preview; where nothing is, /deploy first.")
	case errors.Is(err, deploy.ErrUncounted):
		l.add("⚪ not known: this process asks Cloudflare for no figures.")
	default:
		l.add("⚪ not known: Cloudflare did not say what queries cost.")
		l.add(quote(err.Error()))
		l.add("Next: /slow again; " + command("towline check") + " says what is wrong.")
	}
	return Card{HTML: l.String(), Buttons: again(project)}
}

// aboutIndexes: why an index of /slow becomes no migration.
func aboutIndexes(r release.Refusal, f func(string) string) (said, bool) {
	switch r.Code {
	case release.CodeIndexThere:
		if f("file") == "" {
			return said{what: fmt.Sprintf("Production has the index %s already.", orElse(f("index"), "that is wanted")), next: "/slow shows what is slow now."}, true
		}
		return said{what: fmt.Sprintf("%s makes the index %s already.", code(r.Facts["file"]), orElse(f("index"), "that is wanted")), next: "/deploy it."}, true
	case release.CodeIndexUnfit:
		return said{what: "Production's schema is not what it was when the index was tried:", facts: []string{quote(orElse(r.Facts["words"], "SQLite refuses the index"))}, next: "/slow tries anew."}, true
	}
	return said{}, false
}

// IndexCaption is what a posted file of a migration says of itself. last: the reader is told what to do.
func IndexCaption(m slow.Migration, n int) string {
	f := m.Files[n]
	var l lines
	l.addf("%d of %d · %s", n+1, len(m.Files), code(f.Path))
	if f.Replace {
		l.add("It replaces the one that is there.")
	}
	if n == len(m.Files)-1 {
		if len(m.Behind) > 0 {
			l.addf("It comes behind %s, posted before: commit that as well.", and(shorten(m.Behind, 3, code)))
		}
		if m.Schema != "" {
			l.add("The schema file has to say the same, or drizzle-kit writes the index once more:")
			l.add("<pre>" + long(m.Schema, 500) + "</pre>")
		}
		l.add("Next: commit the files and /deploy. After a promote, <code>PRAGMA optimize</code> tells the planner of the new index.")
	}
	return l.String()
}

// FilesPosted is the toast of a button that posts files.
const FilesPosted = "Posted below, to be committed."
