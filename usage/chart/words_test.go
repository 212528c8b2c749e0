package chart_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"towline/usage/chart"
)

// readable finds words that a phone could not show: too small, cut off at an edge, or on top of each other.
func readable(words []chart.Word, panels int) error {
	least := 26.0
	if panels == 3 {
		least = 22
	}
	for i, a := range words {
		if a.Size < least {
			return fmt.Errorf("%q is written with letters of %v pixels", a.Text, a.Size)
		}
		if a.Left < 0 || a.Right > chart.Width || a.Top < 0 || a.Bottom > chart.Height {
			return fmt.Errorf("%q is cut off: it reaches from %.0f, %.0f to %.0f, %.0f", a.Text, a.Left, a.Top, a.Right, a.Bottom)
		}
		for _, b := range words[:i] {
			if a.Left < b.Right && b.Left < a.Right && a.Top < b.Bottom && b.Top < a.Bottom {
				return fmt.Errorf("%q is on top of %q", a.Text, b.Text)
			}
		}
	}
	return nil
}

func TestNoWordOfTheGalleryIsCutOffOrOnAnother(t *testing.T) {
	long(t)
	for _, p := range gallery() {
		words, err := chart.Words(p.picture, chart.Light)
		if err != nil {
			t.Fatal(err)
		}
		if err := readable(words, len(p.picture.Panels)); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}

// anyPanel draws a panel that may come about.
func anyPanel(t *rapid.T) chart.Panel {
	p := chart.Panel{
		Title: rapid.StringMatching(`[A-Z][a-z ]{0,60}`).Draw(t, "title"),
		Shape: rapid.SampledFrom([]chart.Shape{chart.Bars, chart.Line}).Draw(t, "shape"),
		Unit:  rapid.SampledFrom([]chart.Unit{chart.Rows, chart.Bytes, chart.Requests}).Draw(t, "unit"),
		Note:  rapid.SampledFrom([]string{"", "Not counted before 3 November"}).Draw(t, "note"),
	}
	size := math.Pow(10, rapid.Float64Range(-1, 13).Draw(t, "size"))
	value := func(name string) float64 { return math.Round(size * rapid.Float64Range(0, 1.5).Draw(t, name)) }
	start := friday().AddDate(0, 0, -rapid.IntRange(0, 700).Draw(t, "start"))
	at := start
	for range rapid.IntRange(0, 60).Draw(t, "days") {
		p.Days = append(p.Days, chart.Day{At: at, Value: value("value"), Known: rapid.IntRange(0, 9).Draw(t, "known") > 0, Partial: rapid.Bool().Draw(t, "partial")})
		at = at.AddDate(0, 0, rapid.SampledFrom([]int{1, 1, 1, 1, 1, 1, 2, 9}).Draw(t, "step"))
	}
	for range rapid.IntRange(0, 40).Draw(t, "ahead") {
		v := value("likely")
		p.Forecast = append(p.Forecast, chart.Ahead{At: at, Value: v, Low: v / 2, High: v * rapid.Float64Range(1, 9).Draw(t, "band")})
		at = at.AddDate(0, 0, 1)
	}
	if rapid.Bool().Draw(t, "limited") {
		p.Limit = &chart.Limit{Value: value("limit"), Label: rapid.SampledFrom([]string{"limit 5 M a day", "5 GB", "what the plan includes in a month: 25 bn"}).Draw(t, "label")}
	}
	for range rapid.IntRange(0, 12).Draw(t, "marks") {
		p.Marks = append(p.Marks, chart.Mark{
			At:    start.Add(time.Duration(rapid.IntRange(-24, 24*90).Draw(t, "hour")) * time.Hour),
			Label: rapid.SampledFrom([]string{"#4", "#1234", "release #42 of the shop"}).Draw(t, "mark"),
		})
	}
	return p
}

func TestNoWordOfAnyPictureIsCutOffOrOnAnother(t *testing.T) {
	long(t)
	rapid.Check(t, func(t *rapid.T) {
		p := chart.Picture{Title: rapid.StringMatching(`[a-z\-]{1,70}`).Draw(t, "title"), Subtitle: rapid.StringMatching(`[a-z ]{0,70}`).Draw(t, "subtitle")}
		for range rapid.IntRange(1, 3).Draw(t, "panels") {
			p.Panels = append(p.Panels, anyPanel(t))
		}
		words, err := chart.Words(p, chart.Dark)
		if err != nil {
			t.Fatal(err)
		}
		if err := readable(words, len(p.Panels)); err != nil {
			t.Error(err)
		}
	})
}
