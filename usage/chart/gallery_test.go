package chart_test

import (
	"math"
	"time"

	"towline/usage/chart"
)

// The pictures of the gallery are what the golden images show. They end on Friday 20 November 2026.
func friday() time.Time { return time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC) }

// grown makes days that end on a day: a value, growth per day, a weekly rhythm and a little unrest, the same every time.
func grown(end time.Time, n int, value, growth, weekly, unrest float64) []chart.Day {
	days := make([]chart.Day, n)
	state := uint32(2463534242)
	for i := range days {
		at := end.AddDate(0, 0, i-n+1)
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		v := (value + growth*float64(i)) * (1 + unrest*(float64(state%1000)/500-1))
		if w := at.Weekday(); w == time.Saturday || w == time.Sunday {
			v *= 1 - weekly
		}
		days[i] = chart.Day{At: at, Value: v, Known: true}
	}
	return days
}

// onward goes on after days, with a band that opens.
func onward(days []chart.Day, n int, growth, weekly, band float64) []chart.Ahead {
	list := make([]chart.Ahead, n)
	last := days[len(days)-1]
	for i := range list {
		at := last.At.AddDate(0, 0, i+1)
		v := last.Value + growth*float64(i+1)
		if w := at.Weekday(); w == time.Saturday || w == time.Sunday {
			v *= 1 - weekly
		}
		wide := v * band * math.Sqrt(float64(i+1))
		list[i] = chart.Ahead{At: at, Value: v, Low: v - wide, High: v + wide}
	}
	return list
}

func reads() chart.Panel {
	days := grown(friday(), 28, 2.1e6, 4.5e4, 0.45, 0.07)
	for i := 17; i < len(days); i++ {
		days[i].Value *= 1.25
	}
	today := chart.Day{At: friday().AddDate(0, 0, 1), Value: 1.1e6, Known: true, Partial: true}
	return chart.Panel{
		Title: "Rows read a day", Shape: chart.Bars, Unit: chart.Rows, Days: append(days, today),
		Forecast: onward(append(days, chart.Day{At: today.At, Value: days[27].Value}), 13, 3.5e4, 0.45, 0.03),
		Limit:    &chart.Limit{Value: 5e6, Label: "limit 5 M a day"},
		Marks:    []chart.Mark{{At: friday().AddDate(0, 0, -10).Add(15 * time.Hour), Label: "#42"}},
	}
}

func writes() chart.Panel {
	days := grown(friday(), 28, 6100, 60, 0.5, 0.12)
	days[9].Known, days[10].Known, days[11].Known = false, false, false
	return chart.Panel{
		Title: "Rows written a day", Shape: chart.Bars, Unit: chart.Rows, Days: days,
		Forecast: onward(days, 14, 40, 0.5, 0.04), Limit: &chart.Limit{Value: 100e3, Label: "limit 100 k a day"},
	}
}

func storage() chart.Panel {
	days := grown(friday(), 28, 301e6, 4.4e6, 0, 0.002)
	return chart.Panel{
		Title: "Storage", Shape: chart.Line, Unit: chart.Bytes, Days: days, Forecast: onward(days, 28, 4.4e6, 0, 0.008),
		Limit: &chart.Limit{Value: 500e6, Label: "limit 500 MB"},
		Marks: []chart.Mark{{At: friday().AddDate(0, 0, -10), Label: "#42"}, {At: friday().AddDate(0, 0, -9), Label: "#43"}, {At: friday().AddDate(0, 0, -2), Label: "#44"}},
	}
}

// picture is one of the gallery.
type picture struct {
	name    string
	picture chart.Picture
}

// gallery are pictures of every kind, and of every kind of trouble.
func gallery() []picture {
	one := func(name string, p chart.Panel) picture {
		return picture{name, chart.Picture{Title: "shop", Subtitle: "Four weeks to 20 November, and two to come", Panels: []chart.Panel{p}}}
	}
	week := chart.Picture{Title: "shop", Subtitle: "Week to 20 November", Panels: []chart.Panel{reads(), writes(), storage()}}
	two := chart.Picture{Title: "shop: rows", Subtitle: "Four weeks to 20 November", Panels: []chart.Panel{reads(), writes()}}
	return []picture{
		{"week", week}, {"two", two}, one("reads", reads()), one("storage", storage()),
		one("gap", noted(writes(), "Not counted from 2 to 4 November: Towline was down")),
		one("nothing", chart.Panel{Title: "Rows read a day", Shape: chart.Bars, Unit: chart.Rows, Limit: &chart.Limit{Value: 5e6, Label: "limit 5 M a day"}}),
		one("unknown", plain(chart.Bars, chart.Rows, make([]chart.Day, 14)...)),
		one("one-day", plain(chart.Bars, chart.Rows, chart.Day{At: friday(), Value: 812, Known: true})),
		one("one-level", plain(chart.Line, chart.Bytes, chart.Day{At: friday(), Value: 40960, Known: true, Partial: true})),
		one("zeros", plain(chart.Bars, chart.Requests, grown(friday(), 10, 0, 0, 0, 0)...)),
		one("few", plain(chart.Bars, chart.Rows, grown(friday(), 12, 1, 0.2, 0, 0.4)...)),
		one("huge", plain(chart.Bars, chart.Rows, grown(friday(), 31, 9.4e14, 0, 0.3, 0.2)...)),
		one("over", over()), one("wild", wild()), one("islands", islands()),
		one("two-years", plain(chart.Line, chart.Bytes, grown(friday(), 732, 2e9, 9e6, 0, 0.02)...)),
		one("two-years-of-rows", plain(chart.Bars, chart.Rows, grown(friday(), 732, 2e6, 4e3, 0.4, 0.2)...)),
		one("quarter", plain(chart.Bars, chart.Rows, grown(friday(), 92, 2e6, 4e3, 0.4, 0.2)...)),
		{"far", far()}, {"crowded", crowded()},
	}
}

func plain(s chart.Shape, u chart.Unit, days ...chart.Day) chart.Panel {
	for i := range days {
		if days[i].At.IsZero() {
			days[i].At = friday().AddDate(0, 0, i+1-len(days))
		}
	}
	return chart.Panel{Title: "What was used", Shape: s, Unit: u, Days: days}
}

// over has days that reached the limit, and a spike.
func over() chart.Panel {
	p := reads()
	p.Days[12].Value, p.Days[24].Value, p.Days[26].Value = 9.3e6, 5e6, 5.6e6
	return p
}

// wild has a forecast whose band knows no bounds, values that are no numbers, and others below nothing.
func wild() chart.Panel {
	p := writes()
	p.Days[3].Value, p.Days[4].Value, p.Days[5].Value = math.NaN(), math.Inf(1), -50
	for i := range p.Forecast {
		p.Forecast[i].Low, p.Forecast[i].High = -1e9, p.Forecast[i].Value*float64(2+i)
	}
	p.Forecast[5].Value = math.NaN()
	return p
}

// islands is a level of which little was counted.
func islands() chart.Panel {
	p := storage()
	for i := range p.Days {
		p.Days[i].Known = i == 2 || i > 8 && i < 15 || i == 20
	}
	p.Days[20].Partial = true
	return p
}

// far has limits that are out of reach, and a release.
func far() chart.Picture {
	a, b, c := reads(), writes(), storage()
	a.Limit = &chart.Limit{Value: 25e9 / 31, Label: "limit 25 bn a month, per day"}
	b.Marks, c.Limit.Value, c.Limit.Label = a.Marks, 10e9, "limit 10 GB"
	c.Marks = nil
	return chart.Picture{Title: "shop", Subtitle: "Week to 20 November", Panels: []chart.Panel{a, b, c}}
}

// crowded has too much of everything.
func crowded() chart.Picture {
	marks := []chart.Mark{}
	for i := range 40 {
		marks = append(marks, chart.Mark{At: friday().AddDate(0, 0, -i).Add(9 * time.Hour), Label: "release #" + string(rune('0'+i%10))})
	}
	a, b, c := reads(), writes(), storage()
	a.Title, a.Marks = "Rows read a day in a database whose name has no end in sight", marks
	b.Marks, c.Marks = marks, marks[:20]
	b.Note = "Not counted from 2 to 4 November: Towline was down, and nobody noticed until Wednesday"
	b.Limit.Label = "limit of the free plan: 100 k a day for the whole account"
	return chart.Picture{
		Title: "a-project-with-a-long-name-that-somebody-chose", Subtitle: "Four weeks to 20 November, and two to come, in UTC days", Panels: []chart.Panel{a, b, c},
	}
}

func noted(p chart.Panel, note string) chart.Panel {
	p.Note = note
	return p
}
