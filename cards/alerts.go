package cards

import (
	"fmt"
	"math"
	"time"

	"github.com/dustin/go-humanize"

	"towline/usage/alert"
	"towline/usage/tariff"
)

// The verbs of an alert.
const (
	Mute   Verb = "mute"   // alert, span
	Unmute Verb = "unmute" // alert
)

// Loudly is the toast of the button that ends a mute.
const Loudly = "It may be heard again."

// Silenced is the toast of the button that silences an alert, with the end on the team's clock.
func Silenced(until time.Time) string {
	return "Silent until " + until.Format("Mon 2 Jan 15:04 MST") + "."
}

// lagging is how old the last figures may be before that is said: analytics are minutes behind, and read by the hour.
const lagging = 3 * time.Hour

// AlertOf is the message of an alert. now matters only for how old its figures are.
func AlertOf(a alert.Alert, now time.Time) Card {
	if !a.Open() {
		return alertOver(a)
	}
	var l lines
	l.add(AlertLine(a))
	if a.Last > 0 && byDay(a) {
		l.addf("The day before: %s.", usedOf(a.Last, a))
	}
	l.add(reaching(a))
	l.add(atLimit(a))
	if !a.Clear.IsZero() {
		l.addf("🔽 Below what was warned of since %s. If it stays so, this is over %s.", stamp(a.Clear, "wdt"), stamp(a.Clear.Add(a.Settle), "wdt"))
	}
	if !a.Counted.IsZero() && now.Sub(a.Counted) > lagging {
		l.addf("⚠️ Counted up to %s: Cloudflare's analytics have not told more yet.", stamp(a.Counted, "wdt"))
	}
	muted := a.Muted.After(now)
	if muted {
		l.addf("🔕 Silent until %s, says %s", stamp(a.Muted, "wdt"), orElse(name(a.MutedBy), "somebody"))
	}
	l.gap()
	l.add(advice(a))
	c := Card{HTML: l.String(), Notify: a.Loud}
	if muted {
		c.Buttons = [][]Button{{{Text: "🔔 Unmute", Action: Do(Unmute, a.ID)}}}
		return c
	}
	c.Buttons = [][]Button{{{Text: "🔕 Mute for a day", Action: Do(Mute, a.ID, "1d")}, {Text: "🔕 Mute for a week", Action: Do(Mute, a.ID, "1w")}}}
	return c
}

// AlertLeft is what stays of an alert's older message when it is posted anew below.
func AlertLeft(a alert.Alert) string {
	return fmt.Sprintf("<b>%s</b>: it is more urgent now, see the newer message below.", alertTitle(a))
}

// alertOver says how an alert ended.
func alertOver(a alert.Alert) Card {
	var l lines
	switch a.Why {
	case alert.Reset:
		l.addf("✅ <b>%s</b> · a new month has begun", alertTitle(a))
		l.addf("The old one had come to %s when it was last counted.", usedOf(a.Used, a))
	case alert.Gone:
		l.addf("✅ <b>%s</b> · no longer watched", alertTitle(a))
		l.add("The database, the limit or the wish to be warned is gone.")
	default:
		l.addf("✅ <b>%s</b> · recovered: %s", alertTitle(a), usedOf(a.Used, a))
	}
	l.addf("The warning stood from %s to %s.", stamp(a.Since, "wdt"), stamp(a.Over, "wdt"))
	return Card{HTML: l.String()}
}

// AlertLine is an open alert in one line.
func AlertLine(a alert.Alert) string {
	light, text := "🟡", usedOf(a.Used, a)
	switch {
	case !a.Clear.IsZero(): // its reason is gone, and that has to last
	case a.Used >= a.Most && a.Hard:
		light, text = "🔴", "the limit is reached: "+text
	case a.Used >= a.Most:
		light, text = "🟠", "what the plan includes is used up: "+text
	case a.Urgent:
		light = "🔴"
	case a.Hard && a.Percent > 0:
		light = "🟠"
	}
	return fmt.Sprintf("%s <b>%s</b> · %s", light, alertTitle(a), text)
}

// alertShort is an open alert in a report: in one line, with the date that it is about.
func alertShort(a alert.Alert) string {
	line := AlertLine(a)
	switch {
	case !a.Clear.IsZero():
		return line + ", below what was warned of"
	case a.Reaches.IsZero() || a.Used >= a.Most:
		return line
	case today(a):
		return line + ", at this pace reached today about " + stamp(a.Reaches, "t")
	}
	return line + ", at this pace reached " + utcDate(a.Reaches)
}

// usedOf says how much of a limit something is: 4.12 M of 5 M (82 %).
func usedOf(used float64, a alert.Alert) string {
	return fmt.Sprintf("%s of %s (%s)", inUnit(used, a.Unit), inUnit(a.Most, a.Unit), percentOf(used, a.Most))
}

// alertTitle names what a limit is about.
func alertTitle(a alert.Alert) string {
	switch a.Limit {
	case tariff.RowsReadPerDay:
		return "Rows read today"
	case tariff.RowsWrittenPerDay:
		return "Rows written today"
	case tariff.WorkerRequestsPerDay:
		return "Requests to Workers today"
	case tariff.RowsReadPerMonth:
		return "Rows read this month"
	case tariff.RowsWrittenPerMonth:
		return "Rows written this month"
	case tariff.WorkerRequestsPerMonth:
		return "Requests to Workers this month"
	case tariff.StorageIncluded:
		return "Storage that the plan includes"
	case tariff.AccountStorage:
		return "Storage of the account"
	case tariff.DatabaseSize:
		return "Size of " + name(a.Name)
	case tariff.Databases:
		return "Databases of the account"
	case tariff.APICallsPer5m:
		return "Towline's calls to Cloudflare's API in 5 minutes"
	}
	return name(a.Limit)
}

// reaching says when the limit is reached at this pace; nothing where that is not in sight.
func reaching(a alert.Alert) string {
	if a.Reaches.IsZero() || a.Used >= a.Most {
		return ""
	}
	show, what := utcDate, "the limit of "+inUnit(a.Most, a.Unit)+" is reached"
	if !a.Hard {
		what = "the included " + inUnit(a.Most, a.Unit) + " are used up"
	}
	text := fmt.Sprintf("📅 At this pace %s on <b>%s</b>", what, show(a.Reaches))
	switch {
	case today(a):
		show = func(t time.Time) string { return stamp(t, "t") }
		text = fmt.Sprintf("📅 At this pace %s today, about <b>%s</b>", what, show(a.Reaches))
	case byDay(a):
		text = fmt.Sprintf("📅 At this pace <b>%s</b> is the first day on which %s", show(a.Reaches), what)
	}
	early, late := a.Earliest, a.Latest
	switch {
	case byDay(a) && !today(a), late.Equal(a.Reaches) && (early.IsZero() || early.Equal(a.Reaches)):
	case !early.IsZero() && !late.IsZero():
		text += fmt.Sprintf(", likely between %s and %s", show(early), show(late))
	case !early.IsZero() && early.Before(a.Reaches):
		text += fmt.Sprintf(", at the earliest %s, perhaps much later", show(early))
	}
	return text + "."
}

// today reports whether a limit by the day is reached before it begins anew.
func today(a alert.Alert) bool { return byDay(a) && !a.Reaches.IsZero() && a.Reaches.Before(a.Resets) }

// byDay reports whether a limit begins anew every day.
func byDay(a alert.Alert) bool {
	switch a.Limit {
	case tariff.RowsReadPerDay, tariff.RowsWrittenPerDay, tariff.WorkerRequestsPerDay:
		return true
	}
	return false
}

// utcDate is a UTC day, by its noon: a reader up to eleven hours away sees the same date.
func utcDate(t time.Time) string {
	noon := t.UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
	return fmt.Sprintf(`<tg-time unix="%d" format="wd">%s</tg-time>`, noon.Unix(), noon.Format("Mon 2 Jan"))
}

// atLimit is what happens at the limit.
func atLimit(a alert.Alert) string {
	begins := "At the limit"
	if a.Used >= a.Most {
		begins = "Now"
	}
	until := "until the UTC day ends"
	if a.Used >= a.Most || today(a) {
		until = "until " + stamp(a.Resets, "wdt")
	}
	switch a.Limit {
	case tariff.RowsReadPerDay:
		return begins + " D1 refuses what reads rows, on every database of the account, " + until + "."
	case tariff.RowsWrittenPerDay:
		return begins + " D1 refuses what writes rows, on every database of the account, " + until + "."
	case tariff.WorkerRequestsPerDay:
		return begins + " requests do not reach the account's Workers, " + until + "."
	case tariff.RowsReadPerMonth, tariff.RowsWrittenPerMonth, tariff.WorkerRequestsPerMonth:
		return "Beyond it nothing stops, and what is more is billed. It begins anew " + stamp(a.Resets, "wdt") + "."
	case tariff.StorageIncluded:
		return "Beyond it nothing stops, and each further GB is billed by the month."
	case tariff.DatabaseSize:
		return begins + " the database takes nothing that makes it grow."
	case tariff.AccountStorage:
		return begins + " no database of the account can grow."
	case tariff.Databases:
		return begins + " no other database can be created, no preview either."
	case tariff.APICallsPer5m:
		return begins + " Cloudflare refuses every call for 5 minutes, the dashboard's and those of the same person's other tokens too."
	}
	return ""
}

// advice is the next step.
func advice(a alert.Alert) string {
	switch a.Limit {
	case tariff.RowsReadPerDay, tariff.RowsReadPerMonth:
		return "What reads most, and an index for it: /slow"
	case tariff.RowsWrittenPerDay, tariff.RowsWrittenPerMonth:
		return "Which database writes most: /usage. Every index counts as a row written."
	case tariff.Databases:
		return "Previews that nobody uses: <code>/preview list</code>"
	case tariff.APICallsPer5m:
		return "Only Towline's own calls are counted; those of other programs of the same person come on top. <code>/backfill</code> shows one that is under way, and can pause it."
	}
	return "How it grew: /usage"
}

// inUnit says an amount of what a limit is about. Its title names what is counted.
func inUnit(v float64, u tariff.Unit) string {
	switch u {
	case tariff.Bytes:
		return sized(v)
	case tariff.Calls, tariff.Stores:
		return humanize.Comma(int64(v))
	}
	return amount(v)
}

// percentOf says a share of a limit, rounded down: 100 % is reached and no sooner.
func percentOf(used, most float64) string {
	if most <= 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.0f %%", math.Floor(100*used/most))
}
