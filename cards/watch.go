package cards

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"towline/deploy"
	"towline/deploy/release"
)

// watching tells, at the end of a promote's card, how production does since.
func watching(l *lines, v View) {
	if v.Watch == nil || v.Watch.Watch == nil {
		return
	}
	w := *v.Watch.Watch
	span := lasted(w.To.Sub(w.From))
	l.gap()
	switch {
	case v.Watch.Phase == release.Overtaken:
		l.add("⚪ The watch ended early: the next change of production began.")
	case !w.Over():
		l.addf("👀 Production is watched for its first %s, until %s. The verdict follows once Cloudflare has counted it.", span, stamp(w.To, "t"))
		if w.Trouble != "" {
			l.addf("⚠️ Nothing can be seen at the moment: %s. It is asked again.", inside(w.Trouble))
		}
	case w.Verdict == release.WatchWell:
		l.addf("🟢 Watched for %s: as usual. %s", span, basis(w))
		figureLines(l, w.Well, 3, asUsual)
		asides(l, w)
	case w.Verdict == release.WatchWorse:
		l.addf("🔴 Watched: %s. %s", doesWorse(w), basis(w))
		figureLines(l, w.Worse, 3, worseThan)
		whichOfTwo(l, w)
	case w.Verdict == release.WatchLittle:
		l.addf("⚪ Watched for %s: %s, which is too little traffic to tell.", span, queriesOf(w.Queries))
		figureLines(l, w.Well, 2, asUsual)
	case w.Verdict == release.WatchAlone:
		l.addf("⚪ Watched for %s: %s, and nothing before to compare with.", span, queriesOf(w.Queries))
	default:
		l.addf("⚠️ It could not be watched: %s", blind(w))
	}
}

// deserted: there is hardly any traffic, which is all that is known.
func deserted(w release.Watching) bool {
	return len(w.Worse) > 0 && (w.Worse[0].What == "gone" || w.Worse[0].What == "worker_gone")
}

func doesWorse(w release.Watching) string {
	if deserted(w) {
		return "hardly any traffic is left"
	}
	return "production does clearly worse"
}

// whichOfTwo says what the one who reads it can do to know what Cloudflare's figures alone cannot tell.
func whichOfTwo(l *lines, w release.Watching) {
	if !deserted(w) {
		return
	}
	requested := w.Requests > 0 && !slices.Contains(w.Aside, "workers_little") &&
		!slices.ContainsFunc(w.Worse, func(f release.WatchFigure) bool { return f.What == "worker_gone" })
	if requested {
		l.addf("The Workers had %s meanwhile: either they do not reach the database, or Cloudflare's figures are late. Open the app, it tells which.", count(w.Requests, "request"))
		return
	}
	l.add("Either nobody comes through, or Cloudflare's figures are late. Open the app, it tells which.")
}

// inside is a text from outside in the middle of a sentence of ours.
func inside(s string) string { return flat(strings.TrimRight(s, ". \n"), 300) }

func queriesOf(n int64) string {
	if n == 1 {
		return "1 query"
	}
	return humanize.Comma(n) + " queries"
}

// blind says why nothing is known.
func blind(w release.Watching) string {
	switch w.Why {
	case release.BlindOff:
		return "the config turned the watch off meanwhile."
	case release.BlindGone:
		return "the project left the config meanwhile."
	case release.BlindUncounted:
		if w.Counted.IsZero() {
			return fmt.Sprintf("%s later Cloudflare had still counted nothing of it. Its analytics are late, or nobody could use the app.", lasted(deploy.WatchPatience))
		}
		return fmt.Sprintf("%s later Cloudflare had counted it only until %s.", lasted(deploy.WatchPatience), stamp(w.Counted, "t"))
	default:
		return fmt.Sprintf("Cloudflare did not give its figures: %s. <code>towline check</code> says what the API token may read.", inside(w.Words))
	}
}

// basis says what production is compared with.
func basis(w release.Watching) string {
	switch {
	case len(w.Worse) > 0 && w.Worse[0].New && w.Worse[0].Query == "":
		return "There is nothing before to compare it with."
	case w.Against == release.AgainstHours:
		return "Compared with the hours before the promote."
	case w.Weeks == 1:
		return "Compared with the same hours a week before."
	default:
		return fmt.Sprintf("Compared with the same hours of this weekday in the last %d weeks.", w.Weeks)
	}
}

func figureLines(l *lines, list []release.WatchFigure, n int, show func(release.WatchFigure) string) {
	for i, f := range list {
		if i == n {
			l.addf("… and %d more", len(list)-n)
			return
		}
		l.add("• " + show(f))
	}
}

// asUsual says a figure that is as it was.
func asUsual(f release.WatchFigure) string {
	if text, ok := absent(f); ok {
		return text + ", as before the promote"
	}
	now, usual, what := inUnits(f)
	return fmt.Sprintf("%s: %s, usually %s", what, now, usual)
}

// absent says traffic that is not there.
func absent(f release.WatchFigure) (string, bool) {
	now, usual := int64(f.Now), humanize.Comma(int64(f.Usual+0.5))
	switch f.What {
	case "gone":
		return fmt.Sprintf("%s where %s are usual at this time", queriesOf(now), usual), true
	case "worker_gone":
		return fmt.Sprintf("%s to the Workers where %s are usual at this time", count(now, "request"), usual), true
	}
	return "", false
}

// inUnits are a figure's two values in its unit, and what it is.
func inUnits(f release.WatchFigure) (now, usual, what string) {
	switch f.What {
	case "errors", "failing", "worker_errors":
		now, usual = failures(f.Now), failures(f.Usual)
	case "rows", "scans":
		now, usual = rowsEach(f.Now), rowsEach(f.Usual)
	default:
		now, usual = millis(f.Now), millis(f.Usual)
	}
	what = map[string]string{
		"errors": "Queries that fail", "latency": "90 of 100 batches take at most", "rows": "What a query reads, on average",
		"worker_errors": "Requests to the Workers that fail", "worker_cpu": "CPU time of 99 of 100 requests, at most",
	}[f.What]
	return now, usual, what
}

// worseThan says a figure that is worse.
func worseThan(f release.WatchFigure) string {
	if text, ok := absent(f); ok {
		return "<b>" + text + "</b>"
	}
	now, usual, _ := inUnits(f)
	who, before := "a query", ", usually "+usual
	if f.New {
		who, before = "a new query", ""
	}
	query := ": <code>" + flat(f.Query, 160) + "</code>"
	switch f.What {
	case "errors":
		return fmt.Sprintf("<b>%s of all queries fail</b>%s", now, before)
	case "latency":
		return fmt.Sprintf("<b>90 of 100 batches take up to %s</b>%s", now, before)
	case "rows":
		text := fmt.Sprintf("<b>a query reads %s on average</b>%s", now, before)
		if f.Query != "" {
			text += "; most of what is more" + query
		}
		return text
	case "failing":
		return fmt.Sprintf("<b>%s fails in %s of %s</b>%s%s", who, now, count(f.Runs, "run"), before, query)
	case "slow":
		return fmt.Sprintf("<b>%s takes up to %s in 95 of 100 runs</b>%s%s", who, now, before, query)
	case "scans":
		return fmt.Sprintf("<b>%s reads %s each time</b>%s, in %s%s", who, now, before, count(f.Runs, "run"), query)
	case "worker_errors":
		return fmt.Sprintf("<b>%s of the Workers' requests fail</b>%s", now, before)
	case "worker_cpu":
		return fmt.Sprintf("<b>99 of 100 requests take up to %s of CPU</b>%s", now, before)
	}
	return name(f.What)
}

// failures says a share where small ones count: 0.12 %.
func failures(share float64) string {
	if p := share * 100; p > 0 && p < 0.01 {
		return "less than 0.01 %"
	}
	return digits(share*100, false) + " %"
}

func rowsEach(v float64) string {
	if v >= 10 {
		return count(int64(v+0.5), "row")
	}
	return digits(v, false) + " rows"
}

func millis(v float64) string {
	if v >= 10_000 {
		return digits(v/1000, false) + " s"
	}
	if v >= 10 {
		return humanize.Comma(int64(v+0.5)) + " ms"
	}
	return digits(v, false) + " ms"
}

// asides says what was not compared.
func asides(l *lines, w release.Watching) {
	for _, code := range w.Aside {
		switch code {
		case "backfill":
			l.add("ℹ️ A backfill ran meanwhile, so that latency and rows were left out.")
		case "queries":
			l.add("ℹ️ Single queries could not be listed.")
		case "workers_uncounted":
			l.add("ℹ️ The Workers' requests were not counted.")
		case "workers_little":
			l.addf("ℹ️ The Workers had %s, which is too little to tell.", count(w.Requests, "request"))
		case "workers_alone":
			l.add("ℹ️ For the Workers there is nothing before to compare with.")
		}
	}
}

// WatchAlarm calls people to a release with which production does clearly worse. live: it is still the live one, so that the way
// back means something.
func WatchAlarm(r release.Run, live bool) Card {
	w := release.Watching{}
	if r.Watch != nil {
		w = *r.Watch
	}
	var l lines
	what := "worse"
	if deserted(w) {
		what = "hardly any traffic"
	}
	l.addf("🔴 %s · %s since #%d", arrow(r), what, r.Release)
	l.addf("%s, #%d went live %s, and %s since:", capital(mention(r.Requester), r.Requester), r.Release, when(w.From), doesWorse(w))
	figureLines(&l, w.Worse, 6, worseThan)
	whichOfTwo(&l, w)
	l.gap()
	told := basis(w)
	if deserted(w) {
		told += fmt.Sprintf(" Looked at until %s.", stamp(w.To, "t"))
	} else {
		told += fmt.Sprintf(" Counted until %s.", stamp(w.Counted, "t"))
	}
	if w.Early {
		told += " Two looks in a row said so; the watch ends with this."
	}
	l.add(told)
	switch {
	case !live:
		l.addf("#%d is not live any more.", r.Release)
		return Card{HTML: l.String(), Notify: true}
	case r.Was == 0 || r.Was == r.Release:
		l.add("There is no release before it to go back to. Mend it, and ship the next one.")
		return Card{HTML: l.String(), Notify: true}
	}
	l.addf("Going back to #%d shows its price first, and needs an approval.", r.Was)
	was := strconv.FormatUint(r.Was, 10)
	return Card{HTML: l.String(), Notify: true, Buttons: [][]Button{{{Text: "Go back to #" + was, Action: Do(Rollback, r.Project, was), Style: Danger}}}}
}

// watchStatus says under /status how production does since its release went live.
func watchStatus(l *lines, r *release.Run) {
	if r == nil || r.Watch == nil {
		return
	}
	switch w := *r.Watch; {
	case r.Phase.Open():
		l.addf("👀 watched since %s, until %s", stamp(w.From, "t"), stamp(w.To, "t"))
	case w.Verdict == release.WatchWorse:
		if deserted(w) {
			l.addf("🔴 hardly any traffic since #%d:", r.Release)
		} else {
			l.addf("🔴 does clearly worse since #%d:", r.Release)
		}
		figureLines(l, w.Worse, 2, worseThan)
	}
}
