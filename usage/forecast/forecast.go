// Package forecast continues a series of days: a trend, a weekday pattern, and a band that says how sure that is.
//
// Daily does it for counts (rows read per day) and levels (bytes stored). Reaches, Adds and Total say what the continuation
// means: when a limit is reached, and what a stretch adds up to. Today continues a day that is not over. How it works, and how
// far off it was on series it had not seen, is in the README beside this file.
package forecast

import (
	"errors"
	"time"
)

// Day is one known day of a series; a day that was not counted is missing, and one that is not over does not belong here.
type Day struct {
	At    time.Time // where the UTC day begins
	Value float64
}

// Point is one day of a forecast. Four of five days should lie from Low to High. None of the three is negative.
type Point struct {
	At               time.Time
	Value, Low, High float64
}

// Kind is how a series behaves.
type Kind string

// The kinds.
const (
	// Count begins at 0 every day, and has weekdays: rows, requests.
	Count Kind = "count"
	// Level goes on from where it was: storage.
	Level Kind = "level"
)

// Forecast is how a series goes on.
type Forecast struct {
	// Points begin on the day after the last known one.
	Points []Point
	// Error is the mean absolute error that this way of forecasting had on days of the series itself, held back and
	// forecast one to seven days ahead, as a share of what was counted (MAPE): 0.08 is 8 %. Naive is that of taking the
	// same day of the week before, on the same days. Days on which next to nothing was counted have no such share, and are
	// left out.
	Error, Naive float64
	// Tested is how many days were held back in all; 0: the series is too short to tell, and Error and Naive say nothing.
	Tested int
	// History is how many known days it is made from: those of the last 16 weeks.
	History int
	// Shift is the day on which the level of a count last changed at once; zero: it did not.
	Shift time.Time
	// News is the first of the last few days of a count, where these were far from all that was to be expected of them; zero: they were not.
	// Whether it stays so cannot be told yet: the bands hold both.
	News time.Time
	// Method says in a few words what was found to fit, for whoever wonders.
	Method string

	// For each number of days: what their sum usually has beyond the forecast, and by how much it may be off then, as shares.
	more, sums []float64
	hourly     bool // the points are hours
}

// ErrTooLittle is returned for a series with less than two weeks of known days.
var ErrTooLittle = errors.New("two weeks of days are needed for a forecast")

const (
	// enough is how many known days a forecast takes, and window how many it looks at.
	enough = 14
	window = 112
	oneDay = 24 * time.Hour
)
