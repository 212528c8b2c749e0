// Package forecast continues a series of days: a trend, a weekday pattern, and a band that says how sure that is.
//
// Daily does it for counts (rows read per day) and levels (bytes stored). Reaches and Total say what the continuation
// means: when a limit is reached, and what a stretch adds up to. Rest continues a day that is not over. How it works, and how
// far off it was on series it had not seen, is in the README beside this file.
package forecast

import (
	"errors"
	"time"
)

// Day is one known day of a series; a day that was not counted is missing. Value is not negative.
type Day struct {
	At    time.Time // where the UTC day begins
	Value float64
}

// Point is one day of a forecast. Four of five days should lie from Low to High.
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
	// forecast one to seven days ahead, as a share of what was counted (MAPE): 0.08 is 8 %. Naive is that of taking the same day of the week before,
	// on the same days. Days on which next to nothing was counted have no such share, and are left out.
	Error, Naive float64
	// Tested is how many days were held back in all; 0: the series is too short to tell, and Error and Naive say nothing.
	Tested int
	// History is how many known days it is made from: those after the last shift of the level count.
	History int
	// Shift is where the level last changed at once; zero: nowhere.
	Shift time.Time
	// Method says in a few words what was found to fit, for whoever wonders.
	Method string
}

// ErrTooLittle is returned for a series with less than two weeks of known days.
var ErrTooLittle = errors.New("two weeks of days are needed for a forecast")

// enough is how many known days a forecast takes.
const enough = 14
