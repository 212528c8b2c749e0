package report

import (
	"math"
	"slices"
	"time"

	"towline/usage"
	"towline/usage/tariff"
)

// book is an Input with its samples laid out by time.
type book struct {
	Input
	account ledger
	series  []ledger
	counted []ledger // what the report's measures are of: the account, or all series
	futures map[going]gone
}

// going names a future: of the account, or of what is counted.
type going struct {
	f       usage.Figure
	account bool
}

// ledger is one subject's samples by the Unix time at which they begin.
type ledger struct {
	Series
	hours, days map[int64]*usage.Sample
}

func newBook(in Input) *book {
	b := &book{Input: in, account: lay(in.Account)}
	for _, s := range in.Series {
		b.series = append(b.series, lay(s))
	}
	b.counted = b.series
	if in.Whole {
		b.counted = []ledger{b.account}
	}
	return b
}

func lay(s Series) ledger {
	l := ledger{Series: s, hours: make(map[int64]*usage.Sample, len(s.Hours)), days: make(map[int64]*usage.Sample, len(s.Days))}
	for i := range s.Hours {
		l.hours[s.Hours[i].At.Unix()] = &s.Hours[i]
	}
	for i := range s.Days {
		l.days[s.Days[i].At.Unix()] = &s.Days[i]
	}
	return l
}

// grain is how fine samples are looked at.
type grain struct {
	step time.Duration
	of   func(ledger) map[int64]*usage.Sample
}

func hourly() grain {
	return grain{time.Hour, func(l ledger) map[int64]*usage.Sample { return l.hours }}
}

func daily() grain {
	return grain{24 * time.Hour, func(l ledger) map[int64]*usage.Sample { return l.days }}
}

// coarse is the length from which on a stretch is added up from days: hours are not kept for long enough to know the stretch before it as well.
const coarse = 15 * 24 * time.Hour

func (b *book) grain() grain {
	if b.To.Sub(b.From) >= coarse {
		return daily()
	}
	return hourly()
}

// heldFor is how long a level that was not counted again still stands: databases that nobody uses are counted every few days.
const heldFor = 72 * time.Hour

// value is a figure in one step of time, and how many of the step's hours it covers. A step that is not over, or that Cloudflare has not counted to
// its end, covers fewer than it has; ok is false where nothing was counted.
type value struct {
	v     float64
	hours int
	ok    bool
}

// get is a figure of one ledger in the step that begins at t. A level that was not counted is the last that was, for a time.
func (b *book) get(l ledger, f usage.Figure, g grain, t time.Time) value {
	if s := g.of(l)[t.Unix()]; s != nil {
		if v, ok := s.Get(f); ok {
			return value{v, s.Covers(f), true}
		}
	}
	if f != usage.Storage {
		return value{}
	}
	for back := g.step; back <= heldFor; back += g.step {
		if s := g.of(l)[t.Add(-back).Unix()]; s != nil {
			if v, ok := s.Get(f); ok {
				return value{v, int(g.step / time.Hour), true}
			}
		}
	}
	return value{}
}

// sum is a figure of several ledgers together. Where one of them was not counted, the sum was not, but for the time before its first sample.
func (b *book) sum(of []ledger, f usage.Figure, g grain, t time.Time) value {
	out := value{hours: int(g.step / time.Hour)}
	for _, l := range of {
		if !has(l.Subject.Kind, f) {
			continue
		}
		v := b.get(l, f, g, t)
		switch {
		case v.ok:
			out.v, out.ok, out.hours = out.v+v.v, true, min(out.hours, v.hours)
		case f.Counts() && l.begun(g, t):
			return value{}
		}
	}
	if !out.ok {
		out.hours = 0
	}
	return out
}

// begun tells whether there is a sample of the subject from before t.
func (l ledger) begun(g grain, t time.Time) bool {
	first := l.Days
	if g.step == time.Hour {
		first = l.Hours
	}
	return len(first) > 0 && first[0].At.Before(t)
}

// has tells whether subjects of a kind have a figure.
func has(k usage.Kind, f usage.Figure) bool {
	switch f {
	case usage.Requests, usage.CPUP50, usage.CPUP99:
		return k != usage.Database
	case usage.Errors:
		return true
	case usage.RowsRead, usage.RowsWritten, usage.ReadQueries, usage.WriteQueries, usage.Storage, usage.BatchP90:
		return k != usage.Worker
	case usage.Databases, usage.APICalls:
	}
	return k == usage.Account
}

// since is the first day of which anything of the account is known.
func (b *book) since() time.Time {
	if len(b.Account.Days) > 0 {
		return b.Account.Days[0].At
	}
	return time.Time{}
}

// compared is what two stretches of the same length had in the steps that were counted in both.
type compared struct {
	now, before float64
	steps, over int
}

// enough tells whether so much was counted in both that a change means something: three quarters.
func (c compared) enough() bool { return c.steps > 0 && 4*c.steps >= 3*c.over }

// compare adds a figure up over the stretch, and beside it over the one before. hours is how many hours of it were counted.
func (b *book) compare(of []ledger, f usage.Figure) (total float64, hours int, c compared) {
	g := b.grain()
	whole := int(g.step / time.Hour)
	for t := b.first(g); t.Before(b.To); t = t.Add(g.step) {
		over := !t.Add(g.step).After(b.Now)
		if over {
			c.over++
		}
		v := b.sum(of, f, g, t)
		if t.Before(b.From) {
			v = b.rest(of, f, t.Add(g.step), v)
		}
		total, hours = total+v.v, hours+v.hours
		if was := b.sum(of, f, g, b.counterpart(g, t)); over && v.hours == whole && was.hours == whole {
			c.now, c.before, c.steps = c.now+v.v, c.before+was.v, c.steps+1
		}
	}
	return total, hours, c
}

// week is what hours are compared across.
const week = 7 * 24 * time.Hour

// first is the first step of the stretch: the first hour that is wholly in it, or the day that it begins in.
func (b *book) first(g grain) time.Time {
	t := b.From.UTC().Truncate(g.step)
	if g.step == time.Hour && t.Before(b.From) {
		return t.Add(g.step)
	}
	return t
}

// rest is what the day in which the stretch begins has of it, by its hours; day is the whole of it, where its hours are not known.
func (b *book) rest(of []ledger, f usage.Figure, until time.Time, day value) value {
	var out value
	for t := b.first(hourly()); t.Before(until); t = t.Add(time.Hour) {
		v := b.sum(of, f, hourly(), t)
		out.v, out.hours, out.ok = out.v+v.v, out.hours+v.hours, out.ok || v.ok
	}
	if !out.ok {
		return day
	}
	return out
}

// counterpart is the step before to which one is compared: of an hour the same on the team's clock some weeks earlier, also over a change of the clock.
func (b *book) counterpart(g grain, t time.Time) time.Time {
	days := int(math.Round(b.To.Sub(b.From).Hours() / 24))
	if g.step == time.Hour {
		return t.In(b.From.Location()).AddDate(0, 0, -7*max(1, days/7)).UTC().Truncate(time.Hour)
	}
	return t.AddDate(0, 0, -days)
}

// measure is one of the report's figures.
func (b *book) measure(f usage.Figure) Measure {
	m := Measure{Figure: f, Days: b.days(f)}
	total, hours, c := b.compare(b.counted, f)
	m.Sum, m.Hours, m.Of = total, hours, c.over*int(b.grain().step/time.Hour)
	if f.Counts() {
		if c.enough() {
			m.Before, m.Same, m.Compared = c.before, c.now, true
		}
	} else {
		m.Sum, m.Before, m.Compared = b.levels(f)
		m.Same = m.Sum
	}
	first, last := usage.Day(b.From), usage.Day(b.To.Add(-1))
	for _, d := range m.Days {
		if d.Known && !d.At.Before(first) && !d.At.After(last) && (d.Value > m.Peak.Value || m.Peak.At.IsZero()) {
			m.Peak = d
		}
	}
	b.ahead(&m)
	return m
}

// levels is a level at the end of the stretch and at its begin.
func (b *book) levels(f usage.Figure) (last, first float64, compared bool) {
	at := func(t time.Time) (float64, bool) {
		g := b.grain()
		for i := range int(heldFor / g.step) {
			if v := b.sum(b.counted, f, g, t.UTC().Truncate(g.step).Add(-time.Duration(i)*g.step)); v.ok {
				return v.v, true
			}
		}
		return 0, false
	}
	last, ok := at(b.To.Add(-1))
	first, was := at(b.From)
	return last, first, ok && was
}

// shown is how many days a chart has: four weeks, or for a longer stretch twice as much.
const shown = 28

// days are those of the chart.
func (b *book) days(f usage.Figure) []Day {
	n := shown
	if b.To.Sub(b.From) >= coarse {
		n = 2*shown + 4
	}
	last := usage.Day(b.To.Add(-1))
	var all []Day
	for t := last.AddDate(0, 0, 1-n); !t.After(last); t = t.AddDate(0, 0, 1) {
		v := b.sum(b.counted, f, daily(), t)
		all = append(all, Day{At: t, Value: v.v, Known: v.ok, Partial: v.ok && f.Counts() && v.hours < 24})
	}
	return all
}

// part is one database or Worker by itself.
func (b *book) part(s Series) Part {
	i := slices.IndexFunc(b.series, func(l ledger) bool { return l.Subject == s.Subject })
	l := []ledger{b.series[i]}
	p := Part{Subject: s.Subject, Name: s.Name, Project: s.Project, Production: s.Production}
	amount := func(f usage.Figure) Amount {
		if !has(s.Subject.Kind, f) {
			return Amount{}
		}
		total, hours, c := b.compare(l, f)
		if f != usage.Errors && c.enough() {
			p.Before, p.Same = c.before, c.now
		}
		return Amount{Value: total, Is: hours > 0}
	}
	p.Written, p.Errors = amount(usage.RowsWritten), amount(usage.Errors)
	p.Read, p.Requests = amount(usage.RowsRead), amount(usage.Requests)
	p.CPUP99, p.BatchP90 = b.worst(l[0], usage.CPUP99), b.worst(l[0], usage.BatchP90)
	if most, ok := b.Tariff.Limit(tariff.DatabaseSize); ok && s.Subject.Kind == usage.Database {
		p.Most = Amount{Value: most.Value, Is: true}
	}
	g := b.grain()
	for back := time.Duration(0); back <= heldFor && !p.Stored.Is; back += g.step {
		v := b.get(l[0], usage.Storage, g, b.To.Add(-1).UTC().Truncate(g.step).Add(-back))
		p.Stored = Amount{Value: v.v, Is: v.ok}
	}
	return p
}

// worst is the greatest of a level in the stretch.
func (b *book) worst(l ledger, f usage.Figure) Amount {
	g := b.grain()
	worst := math.Inf(-1)
	for t := b.From.UTC().Truncate(g.step); t.Before(b.To); t = t.Add(g.step) {
		if v := b.get(l, f, g, t); v.ok {
			worst = max(worst, v.v)
		}
	}
	if math.IsInf(worst, -1) {
		return Amount{}
	}
	return Amount{Value: worst, Is: true}
}
