package report

import (
	"time"

	"towline/usage"
	"towline/usage/forecast"
	"towline/usage/tariff"
)

// ahead says how a measure goes on, and when it comes to its limit.
func (b *book) ahead(m *Measure) {
	going, err := b.goes(b.counted, m.Figure)
	m.TooLittle = err != nil
	today := usage.Day(b.Now)
	to := going.From(today) // of days that were not counted nobody wants to hear how they may have been
	m.Ahead, m.Error, m.Naive = to.Points, going.Error, going.Naive
	if m.Figure.Counts() {
		m.changes(going, to, b.From)
	}
	limit, monthly, ok := b.limit(m)
	if !ok {
		return
	}
	m.Limit, m.PerDay, m.Shared = &limit, limit.Value, !b.Whole && m.Figure.Counts()
	if !monthly {
		m.overs(b.From, b.To)
		if b.Whole || !m.Figure.Counts() {
			r, ok := to.Reaches(limit.Value)
			if !m.Figure.Counts() {
				r, ok = to.ReachesSince(b.Now, limit.Value)
			}
			m.Reach = reach(r, ok)
		}
		return
	}
	from, until := tariff.BillingMonth(b.Now.Add(-1), b.BillingDay)
	m.PerDay = limit.Value / (until.Sub(from).Hours() / 24)
	for t := from; t.Before(b.Now); t = t.AddDate(0, 0, 1) {
		m.Month += b.sum(b.counted, m.Figure, daily(), t).v
	}
	if b.Whole {
		m.Reach = b.volume(m.Figure, going, limit.Value, from, until)
	}
}

// changes notes what a count adds up to in a week, and where it is not what it was.
func (m *Measure) changes(going, to forecast.Forecast, since time.Time) {
	const days = 7
	if len(to.Points) >= days {
		m.Next = to.Total(days)
	}
	if !going.Shift.Before(usage.Day(since).AddDate(0, 0, -days)) {
		m.Shift = going.Shift
	}
	// From about its sixth day on another level is believed.
	if m.News = going.News; !m.News.IsZero() && !m.Shift.IsZero() && going.News.Sub(m.Shift) >= 48*time.Hour {
		m.News = time.Time{}
	} else if !m.News.IsZero() {
		m.Shift = time.Time{}
	}
}

// overs counts the days of a stretch on which a limit by the day was reached.
func (m *Measure) overs(from, to time.Time) {
	for _, d := range m.Days {
		if m.Figure.Counts() && d.Known && d.Value >= m.PerDay && !d.At.Before(usage.Day(from)) && d.At.Before(to) {
			m.Over, m.LastOver = m.Over+1, d.At
		}
	}
}

// nearMost is from what share of the account's limit on storage on that is the one that matters, and not what the plan includes.
const nearMost = 0.35

// limit is the one that a measure comes to first. monthly: it is a volume for the billing month.
func (b *book) limit(m *Measure) (e tariff.Entry, monthly, ok bool) {
	t := b.Tariff
	first := func(day, month string) (tariff.Entry, bool, bool) {
		if e, ok := t.Limit(day); ok {
			return e, false, true
		}
		e, ok := t.Limit(month)
		return e, true, ok
	}
	switch m.Figure {
	case usage.RowsRead:
		return first(tariff.RowsReadPerDay, tariff.RowsReadPerMonth)
	case usage.RowsWritten:
		return first(tariff.RowsWrittenPerDay, tariff.RowsWrittenPerMonth)
	case usage.Requests:
		return first(tariff.WorkerRequestsPerDay, tariff.WorkerRequestsPerMonth)
	case usage.Storage:
		if !b.Whole {
			if b.single() {
				e, ok = t.Limit(tariff.DatabaseSize)
			}
			return e, false, ok
		}
		included, has := t.Limit(tariff.StorageIncluded)
		e, ok = t.Limit(tariff.AccountStorage)
		if has && (m.Sum < included.Value || !ok || m.Sum < nearMost*e.Value) {
			return included, false, true
		}
		return e, false, ok
	case usage.ReadQueries, usage.WriteQueries, usage.Errors, usage.BatchP90, usage.CPUP50, usage.CPUP99, usage.Databases, usage.APICalls:
	}
	return e, false, false
}

// single tells whether the report is about one database alone.
func (b *book) single() bool {
	n := 0
	for _, l := range b.series {
		if l.Subject.Kind == usage.Database {
			n++
		}
	}
	return n == 1
}

// volume is when the month's days add up to what it includes.
func (b *book) volume(f usage.Figure, going forecast.Forecast, limit float64, from, until time.Time) *Reach {
	if len(going.Points) == 0 {
		return nil
	}
	var used float64
	usual := b.usual(b.counted, f)
	for t := from; t.Before(going.Points[0].At); t = t.AddDate(0, 0, 1) {
		v := b.sum(b.counted, f, daily(), t)
		used += v.v + v.missing(f, usual)
	}
	r, ok := going.Adds(used, limit)
	if !ok || !r.Likely.Before(until) {
		return nil // the next month begins anew
	}
	if !r.Latest.Before(until) {
		r.Latest = time.Time{}
	}
	for _, t := range []*time.Time{&r.Likely, &r.Earliest, &r.Latest} {
		if today := usage.Day(b.Now); !t.IsZero() && t.Before(today) {
			*t = today // it may be so already, and was not counted
		}
	}
	return reach(r, ok)
}

func reach(r forecast.Reach, ok bool) *Reach {
	if !ok {
		return nil
	}
	return &Reach{At: r.Likely, Earliest: r.Earliest, Latest: r.Latest}
}
