package cards

import (
	"fmt"
	"time"

	"towline/usage"
	"towline/usage/chart"
	"towline/usage/report"
)

// UsagePicture is what a report's picture shows.
func UsagePicture(u Usage, show Show) chart.Picture {
	r := u.Report
	about := "The account"
	if u.Project != "" {
		about = clean(u.Project)
	}
	// The dates stand apart: a long name is shortened, and they are not.
	p := chart.Picture{Title: about, Subtitle: fmt.Sprintf("%s to %s, days in UTC", r.From.Format("2 Jan"), r.To.Format("2 Jan 2006"))}
	panels := []struct {
		show  Show
		title string
		of    report.Measure
	}{{ShowRead, "Rows read a day", r.Read}, {ShowWritten, "Rows written a day", r.Written}, {ShowStorage, "Storage", r.Stored}}
	for _, one := range panels {
		if show == ShowAll || show == one.show {
			p.Panels = append(p.Panels, u.panel(one.title, one.of))
		}
	}
	return p
}

// aheadShown is how many days of a forecast a chart has: half of what it has of the past.
const aheadShown = 14

func (u Usage) panel(title string, m report.Measure) chart.Panel {
	p := chart.Panel{Title: title, Shape: chart.Bars, Unit: chart.Rows, Marks: u.marks()}
	if m.Figure == usage.Storage {
		p.Shape, p.Unit = chart.Line, chart.Bytes
	}
	var first time.Time
	for _, d := range m.Days {
		if d.Known && first.IsZero() {
			first = d.At
		}
		p.Days = append(p.Days, chart.Day{At: d.At, Value: d.Value, Known: d.Known, Partial: d.Partial})
	}
	most := aheadShown * max(1, len(m.Days)/28)
	for _, a := range m.Ahead {
		if len(p.Forecast) < most && (len(m.Days) == 0 || a.At.After(m.Days[len(m.Days)-1].At)) {
			p.Forecast = append(p.Forecast, chart.Ahead{At: a.At, Value: a.Value, Low: a.Low, High: a.High})
		}
	}
	if m.Limit != nil {
		p.Limit = &chart.Limit{Value: m.PerDay, Label: limitLabel(m)}
	}
	switch {
	case first.IsZero():
		p.Note = "not counted"
	case first.After(m.Days[0].At):
		p.Note = "not counted before " + first.Format("2 January")
	case m.TooLittle:
		p.Note = "no forecast: two weeks are needed"
	}
	return p
}

// limitLabel names a limit on its line.
func limitLabel(m report.Measure) string {
	switch {
	case m.Figure == usage.Storage:
		return storageLimit(m)
	case monthly(m):
		return theLimit(m) + " a month, per day"
	}
	return theLimit(m) + " a day"
}

// mostMarks is how many releases a chart points out.
const mostMarks = 6

// marks are the releases of the charts' days: of one project all of them, where they are not too many; of several those that bent the curve.
func (u Usage) marks() []chart.Mark {
	var all []chart.Mark
	days := u.Report.Read.Days
	projects := map[string]bool{}
	for _, c := range u.Changes {
		projects[c.Project] = true
	}
	if len(projects) <= 1 && len(days) > 0 {
		for _, c := range u.Changes {
			if !c.At.Before(days[0].At) && c.At.Before(u.Report.To) {
				all = append(all, chart.Mark{At: c.At, Label: fmt.Sprintf("#%d", c.Release)})
			}
		}
	}
	if len(all) > 0 && len(all) <= mostMarks {
		return all
	}
	all = nil
	for _, b := range u.Report.Bends {
		if len(all) < mostMarks && b.Figure == usage.RowsRead {
			all = append(all, chart.Mark{At: b.At, Label: fmt.Sprintf("#%d", b.Releases[0])})
		}
	}
	return all
}
