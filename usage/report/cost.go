package report

import (
	"time"

	"towline/usage"
	"towline/usage/forecast"
	"towline/usage/tariff"
)

// Cost is what the billing month that To is in comes to, beyond what the plan includes. On the free plan it is nothing.
type Cost struct {
	// From is where the month begins, Until where the next one does.
	From, Until time.Time
	// Used is what was counted of it, and SoFar what that costs. Hours is how many of its hours were counted, and Of how many are over.
	Used      tariff.Month
	SoFar     tariff.Dollars
	Hours, Of int
	// End is what the whole month is likely to come to; it is only Likely where the past is long enough for a forecast of every figure that costs.
	End    tariff.Dollars
	Likely bool
}

// Known tells whether anything of the month was counted.
func (c Cost) Known() bool { return c.Hours > 0 }

// cost prices the account's billing month, whatever the report's stretch is.
func (b *book) cost() Cost {
	var c Cost
	c.From, c.Until = tariff.BillingMonth(b.Now.Add(-1), b.BillingDay)
	c.Of = int(b.Now.Sub(c.From) / time.Hour)
	days := c.Until.Sub(c.From).Hours() / 24
	end := tariff.Month{}
	c.Likely = true
	for _, figure := range []struct {
		f    usage.Figure
		note func(*tariff.Month, float64)
	}{
		{usage.RowsRead, func(m *tariff.Month, v float64) { m.RowsRead += v }},
		{usage.RowsWritten, func(m *tariff.Month, v float64) { m.RowsWritten += v }},
		{usage.Storage, func(m *tariff.Month, v float64) { m.StorageGBMonths += v / 1e9 / days }},
		{usage.Requests, func(m *tariff.Month, v float64) { m.Requests += v }},
	} {
		used, rest, hours, likely := b.monthly(figure.f, c.From, c.Until)
		figure.note(&c.Used, used)
		figure.note(&end, used+rest)
		if figure.f == usage.RowsRead {
			c.Hours = hours
		}
		c.Likely = c.Likely && (likely || hours == 0 && figure.f == usage.Requests) // who has no Workers pays for none
	}
	c.SoFar, c.End = b.Tariff.Cost(c.Used), b.Tariff.Cost(end)
	return c
}

// monthly adds a figure of the account up from one day to now, and says what is to come until another. A day that is counted in part has at least what a usual
// day of its kind has; what was not counted of the days before is taken to have been as usual, and is to come as well.
func (b *book) monthly(f usage.Figure, from, until time.Time) (used, rest float64, hours int, likely bool) {
	of, ahead := []ledger{b.account}, map[int64]float64{}
	going, err := b.goes(of, f)
	for _, p := range going.Points {
		ahead[p.At.Unix()] = p.Value
	}
	usual := b.usual(of, f)
	for t := from; t.Before(until); t = t.AddDate(0, 0, 1) {
		v := value{}
		if t.Before(b.Now) {
			v = b.sum(of, f, daily(), t)
		}
		used, hours = used+v.v, hours+v.hours
		switch p, expected := ahead[t.Unix()]; {
		case expected && f.Counts():
			rest += max(0, p-v.v)
		case expected && !v.ok:
			rest += p
		case !expected:
			rest += v.missing(f, usual)
		}
	}
	return used, rest, hours, err == nil
}

// missing is what a day is likely to have beyond what was counted of it.
func (v value) missing(f usage.Figure, usual float64) float64 {
	switch {
	case f.Counts():
		return usual * float64(max(0, 24-v.hours))
	case v.ok:
		return 0
	}
	return usual
}

// usual is what an hour of the last four weeks had of a count, by those that were counted, or the mean of a level.
func (b *book) usual(of []ledger, f usage.Figure) float64 {
	sum, n := 0.0, 0
	for t := usage.Day(b.Now).AddDate(0, 0, -shown); t.Before(b.Now); t = t.AddDate(0, 0, 1) {
		switch v := b.sum(of, f, daily(), t); {
		case f.Counts():
			sum, n = sum+v.v, n+v.hours
		case v.ok:
			sum, n = sum+v.v, n+1
		}
	}
	return sum / float64(max(1, n))
}

// gone is how a figure goes on, or why that cannot be told.
type gone struct {
	forecast.Forecast
	err error
}

// goes is forecast, of which each is made once: the account's is wanted for the charts and for the cost.
func (b *book) goes(of []ledger, f usage.Figure) (forecast.Forecast, error) {
	key := going{f: f, account: len(of) == 1 && of[0].Subject.Kind == usage.Account}
	if b.futures == nil {
		b.futures = map[going]gone{}
	}
	g, ok := b.futures[key]
	if !ok {
		g.Forecast, g.err = b.forecast(of, f)
		b.futures[key] = g
	}
	return g.Forecast, g.err
}

// forecast continues a figure from its last whole day on. A day of which a few hours were not counted is taken for a whole one of the same pace.
func (b *book) forecast(of []ledger, f usage.Figure) (forecast.Forecast, error) {
	kind := forecast.Level
	if f.Counts() {
		kind = forecast.Count
	}
	var days []forecast.Day
	for t := usage.Day(b.Now.Add(-Back)); t.Before(b.Now); t = t.AddDate(0, 0, 1) {
		v := b.sum(of, f, daily(), t)
		switch {
		case !v.ok || f.Counts() && v.hours < nearlyWhole:
		case f.Counts():
			days = append(days, forecast.Day{At: t, Value: v.v * 24 / float64(v.hours)})
		default:
			days = append(days, forecast.Day{At: t, Value: v.v})
		}
	}
	if len(days) == 0 {
		return forecast.Forecast{}, forecast.ErrTooLittle
	}
	return forecast.Daily(days, sight, kind)
}

const (
	// nearlyWhole is how many hours of a day have to be counted for a forecast.
	nearlyWhole = 20
	// sight is how many days a forecast goes: what comes later is anybody's guess.
	sight = 60
)
