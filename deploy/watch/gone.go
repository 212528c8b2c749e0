package watch

import "slices"

// When traffic has gone.
const (
	// goneFloor is how many queries, or requests, there were at least each time, and goneAlone where only the hours before tell: so many do not
	// stay away by chance.
	goneFloor = 200
	goneAlone = 300
	// goneShare is how much is left at most of the least there was.
	goneShare = 0.05
	// goneWeeks is how many weeks tell what is usual.
	goneWeeks = 2
	// goneBefore is how much of the usual there was at most before the promote where it had gone by then.
	goneBefore = 0.2
)

// Course is how much there was at the very minutes of a watch, for traffic that has gone. Whole hours would not do: a job that runs at each full
// hour would be missed in the half hour after it. Only Queries and Requests of its stretches are looked at.
type Course struct {
	Weeks  []Around // a week before, two weeks before and so on
	Before Stretch  // the hour before the promote
	// Hours are the same minutes of the hours before the promote, and Day is the day before, for an app that is too young for ByWeeks.
	Hours []Stretch
	Day   Around
}

// ByWeeks reports whether the weeks tell what is usual.
func (c Course) ByWeeks() bool { return len(c.known(Stretch.queries)) >= goneWeeks }

// Around is the same minutes of another day, and the hour before the promote there.
type Around struct{ Same, Before Stretch }

// Suspect reports whether there is so little after a promote that its Course is worth asking for.
func Suspect(c Case) bool {
	return suspect(c, (Stretch).queries) || c.Workers && suspect(c, (Stretch).requests)
}

func (s Stretch) queries() int64  { return value(s.Queries) }
func (s Stretch) requests() int64 { return value(s.Requests) }

func suspect(c Case, of func(Stretch) int64) bool {
	fewer := func(s Stretch) bool { return of(s) >= goneFloor && float64(of(c.After)) < goneShare*float64(of(s)) }
	return slices.ContainsFunc(c.Weeks, fewer) || c.Hours != nil && fewer(*c.Hours)
}

// gone finds traffic that has gone since the promote, or had by then.
func (r *Result) gone(c Case) (before bool) {
	if c.Course == nil {
		return false
	}
	var lost []Figure
	for _, k := range []struct {
		what    string
		counted *int64
		of      func(Stretch) int64
	}{{Gone, c.After.Queries, Stretch.queries}, {WorkerGone, c.After.Requests, Stretch.requests}} {
		if k.what == WorkerGone && !c.Workers || k.what == Gone && k.counted == nil {
			continue
		}
		usual, ok := c.Course.fallen(value(k.counted), k.of)
		f := Figure{What: k.what, Now: float64(value(k.counted)), Usual: usual}
		switch {
		case !ok:
		case c.Course.already(k.of):
			r.Well, before = append([]Figure{f}, r.Well...), before || k.what == Gone
		default:
			lost = append(lost, f)
		}
	}
	r.Worse = append(lost, r.Worse...)
	return before
}

// fallen reports whether there was many times as much every time, and how much is usual.
func (c Course) fallen(now int64, of func(Stretch) int64) (usual float64, ok bool) {
	var all []float64
	many := func(s Stretch, floor int64) bool {
		all = append(all, float64(of(s)))
		return of(s) >= floor && float64(now) < goneShare*float64(of(s))
	}
	weeks := c.known(of)
	for _, w := range weeks {
		if !many(w.Same, goneFloor) {
			return 0, false
		}
	}
	if len(weeks) >= goneWeeks {
		return median(all), true
	}
	for _, h := range c.Hours {
		if !many(h, goneAlone) {
			return 0, false
		}
	}
	// An office's app is quiet after hours: where the day before was as busy, it must have stayed so.
	if of(c.Day.Before) >= goneFloor && !many(c.Day.Same, goneFloor) {
		return 0, false
	}
	return median(all), len(c.Hours) > 0
}

// known are the weeks without those before the app had any traffic.
func (c Course) known(of func(Stretch) int64) []Around {
	n := len(c.Weeks)
	for n > 0 && of(c.Weeks[n-1].Same)+of(c.Weeks[n-1].Before) == 0 {
		n--
	}
	return c.Weeks[:n]
}

// already reports whether it was as quiet before the promote, as on a holiday: that is no release's doing.
func (c Course) already(of func(Stretch) int64) bool {
	weeks := c.known(of)
	for _, w := range weeks {
		if usual := of(w.Before); usual < goneFloor || float64(of(c.Before)) >= goneBefore*float64(usual) {
			return false
		}
	}
	return len(weeks) > 0
}
