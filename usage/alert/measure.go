package alert

import (
	"time"

	"towline/usage"
	"towline/usage/forecast"
	"towline/usage/tariff"
)

// Measure is how much of one limit is used, and how that goes on.
type Measure struct {
	Limit   tariff.Entry
	Subject usage.Subject
	Name    string // a database's; empty for the account
	// Used is in the limit's unit, Last what the whole day before came to, of a limit by the day.
	Used, Last float64
	// Counted is up to when it is known. From is when Used began at 0, and Resets when it does again; both zero for what goes on for ever.
	Counted, From, Resets time.Time
	// Reach is when the limit is reached at this pace; zero: not within what is looked at.
	Reach forecast.Reach
}

// Share is how much of the limit is used: 1 is all of it.
func (m Measure) Share() float64 { return share(m.Used, m.Limit.Value) }

// Known is what the store has of a subject.
type Known struct {
	Subject usage.Subject
	Name    string
	// Days are the last sixteen weeks, today's so far included, and Hours the last fifteen days; both in order.
	Days, Hours []usage.Sample
}

// How much of a subject is looked at.
const (
	DaysBack  = 112 * 24 * time.Hour
	HoursBack = 15 * 24 * time.Hour
)

const (
	oneDay = 24 * time.Hour
	// daysAhead and levelAhead are how far a date may be away that people hear of.
	daysAhead  = 7
	levelAhead = 60
	// wholeDay is how many hours a day must have been counted for, to be taken for one.
	wholeDay = 22
	// half of a limit used makes today's pace believed.
	half = 0.5
	// recent is how far back the most calls of five minutes count.
	recent = 2 * time.Hour
)

// Measures compares what is known of the account and of its databases with the limits of the rules. A limit of which nothing is known has no
// measure; Unmeasured lists those.
func Measures(r Rules, now time.Time, account Known, databases []Known) []Measure {
	var all []Measure
	for _, e := range r.Table.Limits() {
		w, ok := ways()[e.Key]
		if !ok {
			continue
		}
		of := []Known{account}
		if w.databases {
			of = databases
		}
		for _, k := range of {
			m := Measure{Limit: e, Subject: k.Subject, Name: k.Name}
			if w.measure(&m, r, now, k, w.figure) {
				all = append(all, m)
			}
		}
	}
	return all
}

// Unmeasured are the limits that could be judged and of which nothing is known: what is not allowed to be read, or was not read yet.
func Unmeasured(r Rules, all []Measure) []tariff.Entry {
	seen := map[string]bool{}
	for _, m := range all {
		seen[m.Limit.Key] = true
	}
	var out []tariff.Entry
	for _, e := range r.Table.Limits() {
		if _, judged := ways()[e.Key]; judged && !seen[e.Key] {
			out = append(out, e)
		}
	}
	return out
}

// way is how a limit is measured.
type way struct {
	figure    usage.Figure
	databases bool // each database for itself
	daily     bool
	measure   func(m *Measure, r Rules, now time.Time, k Known, f usage.Figure) bool
}

// ways are those of each limit. What a single call or a restore may do is judged where it is asked for.
func ways() map[string]way {
	day := func(f usage.Figure) way { return way{figure: f, daily: true, measure: byDay} }
	month := func(f usage.Figure) way { return way{figure: f, measure: byMonth} }
	level := func(f usage.Figure) way { return way{figure: f, measure: asLevel} }
	return map[string]way{
		tariff.RowsReadPerDay: day(usage.RowsRead), tariff.RowsWrittenPerDay: day(usage.RowsWritten), tariff.WorkerRequestsPerDay: day(usage.Requests),
		tariff.RowsReadPerMonth: month(usage.RowsRead), tariff.RowsWrittenPerMonth: month(usage.RowsWritten), tariff.WorkerRequestsPerMonth: month(usage.Requests),
		tariff.StorageIncluded: level(usage.Storage), tariff.AccountStorage: level(usage.Storage), tariff.Databases: level(usage.Databases),
		tariff.DatabaseSize:  {figure: usage.Storage, databases: true, measure: asLevel},
		tariff.APICallsPer5m: {figure: usage.APICalls, measure: asRate},
	}
}

// byDay measures what begins at 0 with every UTC day.
func byDay(m *Measure, _ Rules, now time.Time, k Known, f usage.Figure) bool {
	today := usage.Day(now)
	m.From, m.Resets, m.Counted = today, today.Add(oneDay), countedTo(k.Hours, f)
	if m.Counted.IsZero() {
		return false
	}
	m.Used, _ = dayOf(k.Days, today, f)
	m.Last, _ = dayOf(k.Days, today.Add(-oneDay), f)
	if m.Used >= m.Limit.Value {
		return true
	}
	if hours, err := forecast.Today(hoursOf(k.Hours, f), later(m.Counted, today)); err == nil {
		// Early in the day the pace is a guess: it counts where the whole band agrees.
		if reach, ok := hours.Adds(m.Used, m.Limit.Value); ok && (m.Share() >= half || !reach.Latest.IsZero()) {
			m.Reach = reach
			return true
		}
	}
	going, err := forecast.Daily(wholeDays(k.Days, today, f), daysAhead+3, forecast.Count)
	if err != nil {
		return true
	}
	if reach, ok := going.From(today.Add(oneDay)).Until(today.Add((daysAhead + 1) * oneDay)).Reaches(m.Limit.Value); ok {
		m.Reach = reach
	}
	return true
}

// byMonth measures what begins at 0 with every billing month, on the account's billing day at 00:00 UTC.
func byMonth(m *Measure, r Rules, now time.Time, k Known, f usage.Figure) bool {
	m.From, m.Resets = tariff.BillingMonth(now, r.BillingDay)
	m.Counted = countedTo(k.Hours, f)
	if m.Counted.IsZero() {
		return false
	}
	today := usage.Day(now)
	before := 0.0
	for _, d := range k.Days {
		if v, ok := d.Get(f); ok && !d.At.Before(m.From) && !d.At.After(today) {
			if m.Used += v; d.At.Before(today) {
				before += v
			}
		}
	}
	going, err := forecast.Daily(wholeDays(k.Days, today, f), 40, forecast.Count)
	if err != nil || m.Used >= m.Limit.Value {
		return true
	}
	going = going.From(today).Until(m.Resets)
	if len(going.Points) == 0 {
		return true
	}
	// Today is forecast as a whole: what it has had so far is not counted twice.
	if sofar := m.Used - before; sofar > going.Points[0].Value {
		before = m.Used - going.Points[0].Value
	}
	if reach, ok := going.Adds(before+missed(k.Days, f, m.From, today), m.Limit.Value); ok {
		m.Reach = reach
	}
	return true
}

// missed is what the hours from one day to another that were not counted are likely to have had: as much as those of four weeks. It is in no figure of what
// was used, and only in when a limit is reached.
func missed(days []usage.Sample, f usage.Figure, from, to time.Time) float64 {
	var had, hours, counted float64
	for _, d := range days {
		v, ok := d.Get(f)
		if !ok || !d.At.Before(to) {
			continue
		}
		covers := float64(d.Covers(f))
		if !d.At.Before(to.Add(-28 * oneDay)) {
			had, hours = had+v, hours+covers
		}
		if !d.At.Before(from) {
			counted += covers
		}
	}
	return had / max(1, hours) * max(0, to.Sub(from).Hours()-counted)
}

// asLevel measures what stays from day to day: as it is now, which may be less than the most of the day.
func asLevel(m *Measure, _ Rules, now time.Time, k Known, f usage.Figure) bool {
	var days []forecast.Day
	for _, d := range k.Days {
		if v, ok := d.Get(f); ok {
			days = append(days, forecast.Day{At: d.At, Value: v})
			m.Used, m.Counted = v, d.At.Add(oneDay)
		}
	}
	for _, h := range k.Hours {
		if v, ok := h.Get(f); ok && (len(days) == 0 || !h.At.Before(days[len(days)-1].At)) {
			m.Used, m.Counted = v, h.At.Add(time.Hour)
		}
	}
	known := !m.Counted.IsZero()
	if m.Counted.After(now) {
		m.Counted = now
	}
	if !known || m.Used >= m.Limit.Value {
		return known
	}
	if len(days) > 0 {
		days[len(days)-1].Value = m.Used
	}
	going, err := forecast.Daily(days, levelAhead, forecast.Level)
	if err != nil {
		return true
	}
	if reach, ok := going.ReachesSince(m.Counted, m.Limit.Value); ok {
		m.Reach = reach
	}
	return true
}

// asRate measures the most of any five minutes of late.
func asRate(m *Measure, _ Rules, now time.Time, k Known, f usage.Figure) bool {
	known := false
	for _, h := range k.Hours {
		if v, ok := h.Get(f); ok && h.At.Add(time.Hour).After(now.Add(-recent)) {
			m.Used, m.Counted, known = max(m.Used, v), now, true
		}
	}
	return known
}

// countedTo is up to when a figure is known: the end of the last hour that is whole, else the beginning of the last that is not.
func countedTo(hours []usage.Sample, f usage.Figure) (t time.Time) {
	for _, h := range hours {
		switch _, ok := h.Get(f); {
		case ok && h.Covers(f) > 0:
			t = h.At.Add(time.Hour)
		case ok && t.IsZero():
			t = h.At
		}
	}
	return t
}

func dayOf(days []usage.Sample, at time.Time, f usage.Figure) (float64, bool) {
	for i := len(days) - 1; i >= 0; i-- {
		if days[i].At.Equal(at) {
			return days[i].Get(f)
		}
	}
	return 0, false
}

// wholeDays are the days before today of which almost every hour is known, as if all were.
func wholeDays(days []usage.Sample, today time.Time, f usage.Figure) (out []forecast.Day) {
	for _, d := range days {
		v, ok := d.Get(f)
		if hours := d.Covers(f); ok && d.At.Before(today) && hours >= wholeDay {
			out = append(out, forecast.Day{At: d.At, Value: v * 24 / float64(min(24, hours))})
		}
	}
	return out
}

// hoursOf are the hours that are whole.
func hoursOf(hours []usage.Sample, f usage.Figure) (out []forecast.Day) {
	for _, h := range hours {
		if v, ok := h.Get(f); ok && h.Covers(f) > 0 {
			out = append(out, forecast.Day{At: h.At, Value: v})
		}
	}
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func share(used, limit float64) float64 {
	if limit <= 0 {
		return 0
	}
	return used / limit
}
