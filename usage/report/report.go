// Package report puts together what a week or a month was like: what was used, against which limit, how that changed, what it costs, how it goes
// on, and which release bent the curve.
//
// Build is pure: an Input has all that is to be known, as values, and a Report is what follows from it. stretch.go adds samples up and compares
// stretches of time, bend.go finds releases after which a day is not what it was, cost.go prices the billing month, and ahead.go asks package
// forecast how things go on.
//
// What was not counted is never taken for 0: a sum says how many hours it is of, two stretches are compared by the hours that were counted in both,
// and a day of a chart that was not counted is a gap.
package report

import (
	"time"

	"towline/usage"
	"towline/usage/forecast"
	"towline/usage/tariff"
)

// Input is everything that a report is made from.
type Input struct {
	// From and To are the stretch that is reported, To exclusive; they are in the team's zone, whose clock hours are compared by. Samples count from the first
	// hour that is wholly in it.
	From, To time.Time
	// Now is the present, or To where a report of an older stretch is made again.
	Now time.Time
	// Tariff is what the account's plan allows and what it charges. BillingDay is the day of the month on which a billing month begins, from 1 to
	// 31, of a month that is shorter its last; 0 is 1.
	Tariff     tariff.Table
	BillingDay int
	// Account is the whole account, and Series are the databases and Workers of the report's projects.
	Account Series
	Series  []Series
	// Whole: the report's charts and sums are the account's, since its limits are. Else they are those of Series together.
	Whole bool
	// Changes are what became live on production, in any order, from some weeks before From on.
	Changes []Change
}

// Back is how far back a report looks: days for the forecasts and for the weeks that a release is compared with.
const Back = 120 * 24 * time.Hour

// Series is what was counted of one subject, in order of time. Days are UTC days, from Back before To on; Hours are kept for usage.HoursKept only. A stretch of
// more than two weeks is added up from days, and of the day in which it begins from hours.
type Series struct {
	Subject       usage.Subject
	Name, Project string // empty for the account
	Production    bool   // of a database: the project's production
	Days, Hours   []usage.Sample
}

// Change is a release that became live on a project's production.
type Change struct {
	Project string
	Release uint64
	At      time.Time
	Back    bool // by a rollback
}

// Report is what a stretch of time was like.
type Report struct {
	From, To, Now time.Time
	// Whole: Read, Written and Stored are the account's.
	Whole bool
	Plan  tariff.Plan
	// Read, Written and Stored are what the charts show. Requests are the Workers'; nothing of them may be known.
	Read, Written, Stored, Requests Measure
	// Bends are the releases that clearly changed what a day takes, the greatest change first: those of the stretch, and of the days before it that
	// could not be judged before it began.
	Bends []Bend
	Cost  Cost
	// Parts are the databases and Workers of Series, each by itself, in their order.
	Parts []Part
	// Since is the first day of which anything is known; zero: nothing is.
	Since time.Time
}

// Measure is one figure over the stretch, and how it goes on.
type Measure struct {
	Figure usage.Figure
	// Days are UTC days without a hole, oldest first: those of the chart. A day that was not counted is not Known.
	Days []Day
	// Sum is what was counted in the stretch; of a level it is the last that is known. Hours is how many hours of the stretch were counted, and Of how
	// many of it are over. Where Hours is 0 nothing is known.
	Sum       float64
	Hours, Of int
	// Before is what the stretch of the same length before had, over those of its hours that have a counterpart, and Same what this one
	// had in them: their ratio is the change. Both are 0 where too little of either was counted. Of a level Before is what it was at From.
	Before, Same float64
	Compared     bool
	// Peak is the fullest UTC day of the stretch that was counted. Of a stretch without one it is the zero Day.
	Peak Day

	// Ahead is how it goes on, from the day after the last whole one that is known, and not before today; empty where there is TooLittle to go by. Error and Naive are how
	// far off this way of forecasting was on days held back, and how far taking the same day of the week before was; 0: it could not be tried.
	Ahead        []forecast.Point
	TooLittle    bool
	Error, Naive float64
	// Next is what the seven days from today on add up to; of a count, and zero where that is not known.
	Next forecast.Point
	// News is since when the last few days are far from all that was to be expected, so that nobody can say yet how it goes on; zero: they are not. Shift is the
	// day of the stretch, or of the week before it, on which the level changed at once and stayed; zero: it did not.
	News, Shift time.Time

	// Limit is the limit that is nearest above; nil: there is none. PerDay is what of it one day may take: of a monthly volume its share.
	Limit  *tariff.Entry
	PerDay float64
	// Shared: the limit is the whole account's, and this is a part of what counts.
	Shared bool
	// Month is what was counted of the billing month, where Limit is a volume for one.
	Month float64
	// Over is on how many UTC days of the stretch a limit by the day was reached, and LastOver the last of them.
	Over     int
	LastOver time.Time
	// Reach is when it is reached at this pace; nil: not within sight, or that cannot be told.
	Reach *Reach
}

// Known tells whether anything of the stretch was counted.
func (m Measure) Known() bool { return m.Hours > 0 }

// Share is how much of the limit was used: on the fullest day, in the billing month or at the end.
func (m Measure) Share() float64 {
	if m.Limit == nil || m.PerDay <= 0 {
		return 0
	}
	if m.Figure.Counts() {
		return m.Peak.Value / m.PerDay
	}
	return m.Sum / m.PerDay
}

// Day is one UTC day of a chart.
type Day struct {
	At    time.Time
	Value float64
	Known bool
	// Partial: it is not over, or was counted in part.
	Partial bool
}

// Reach is when a limit is reached: likely At, from Earliest to Latest by the forecast's band. Latest may be zero: perhaps never.
type Reach struct {
	At, Earliest, Latest time.Time
}

// Part is one database or Worker by itself.
type Part struct {
	Subject       usage.Subject
	Name, Project string
	Production    bool
	// The figures of the stretch; one that Is not was not counted.
	Read, Written, Stored, Errors, Requests, CPUP99, BatchP90 Amount
	// Most is how large a database may be.
	Most Amount
	// Before is what the stretch before had of rows read, or of a Worker's requests; Same is what this one had in the same hours.
	Before, Same float64
}

// Amount is a figure that may not have been counted.
type Amount struct {
	Value float64
	Is    bool
}

// Build makes a report.
func Build(in Input) Report {
	if in.Now.Before(in.To) {
		in.Now = in.To
	}
	r := Report{From: in.From, To: in.To, Now: in.Now, Whole: in.Whole, Plan: in.Tariff.Plan()}
	b := newBook(in)
	r.Since = b.since()
	r.Read = b.measure(usage.RowsRead)
	r.Written = b.measure(usage.RowsWritten)
	r.Stored = b.measure(usage.Storage)
	r.Requests = b.measure(usage.Requests)
	r.Bends = b.bends()
	r.Cost = b.cost()
	for _, s := range in.Series {
		r.Parts = append(r.Parts, b.part(s))
	}
	return r
}
