package chart

import "time"

// Theme is whether a picture is dark on light or light on dark.
type Theme string

// The themes.
const (
	Light Theme = "light"
	Dark  Theme = "dark"
)

// Width and Height are the size of every picture, in pixels. A phone shows it about 390 points wide.
const (
	Width  = 1280
	Height = 720
)

// Picture is what PNG draws: one panel fills it, of two each gets a half, and of three the first two stand side by side above the last.
type Picture struct {
	// Title says what it is about ("shop: the week to 20 November"), Subtitle what else there is to know; both are shortened where they
	// are too long, and Subtitle may be empty.
	Title, Subtitle string
	// Panels are one, two or three.
	Panels []Panel
}

// Shape is how a panel shows its days.
type Shape string

// The shapes.
const (
	// Bars are for what adds up over a day: rows, requests.
	Bars Shape = "bars"
	// Line is for a level: storage.
	Line Shape = "line"
)

// Unit is what a panel counts, and so how its numbers are written.
type Unit string

// The units.
const (
	Rows     Unit = "rows"     // 5 M
	Bytes    Unit = "bytes"    // 1.2 GB, a thousand MB each, as Cloudflare bills
	Requests Unit = "requests" // 5 M
)

// Panel is one chart.
type Panel struct {
	Title string
	Shape Shape
	Unit  Unit
	// Days are the series, in order of time, one a day. A day that is missing between two others, or is not Known, is a gap.
	Days []Day
	// Forecast goes on where Days end; it may be empty.
	Forecast []Ahead
	// Limit is drawn where it is within reach of the figures; where it is far above them it is named, and not drawn. Nil: there is none.
	Limit *Limit
	// Marks are moments to point out: releases.
	Marks []Mark
	// Note is a short sentence beneath the title ("not counted before 3 November"), "" for none.
	Note string
}

// Day is one day of a series. Value is in rows, bytes or requests, by the panel's Unit; below 0 it counts as 0.
type Day struct {
	// At is when the day begins; its date is read in its own location.
	At    time.Time
	Value float64
	// Known is false for a day on which nothing was counted: a gap, not a zero.
	Known bool
	// Partial is a day that is not over, or was counted in part. It is drawn paler.
	Partial bool
}

// Ahead is one day of a forecast: the likely value, and the band in which it should be.
type Ahead struct {
	At               time.Time
	Value, Low, High float64
}

// Limit is a value that should not be reached, and its name ("5 M a day").
type Limit struct {
	Value float64
	Label string
}

// Mark is a moment with a short name ("#42").
type Mark struct {
	At    time.Time
	Label string
}
