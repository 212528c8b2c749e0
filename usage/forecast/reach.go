package forecast

import "time"

// Reach is when a limit is reached: the days' beginnings. A time is zero where that does not happen within the forecast. Earliest and
// Latest follow the band.
type Reach struct {
	Likely, Earliest, Latest time.Time
}

// Reaches is the first day on which the value is at the limit or above it. ok is false if that is not likely within the forecast; Earliest may
// be known all the same.
func (f Forecast) Reaches(limit float64) (r Reach, ok bool) {
	for _, p := range f.Points {
		r.note(p.At, p.Value >= limit, p.High >= limit, p.Low >= limit)
	}
	return r, !r.Likely.IsZero()
}

// ReachesSince is Reaches for a level whose last known day is not over at a moment: what that day still gains, and so each one after it, comes on top.
func (f Forecast) ReachesSince(now time.Time, limit float64) (r Reach, ok bool) {
	if n := len(f.Points); n > 1 && f.Points[0].At.After(now) {
		gain := (f.Points[n-1].Value - f.Points[0].Value) / float64(n-1)
		limit -= max(0, gain) * f.Points[0].At.Sub(now).Hours() / 24
	}
	return f.Reaches(limit)
}

// Adds is the day on which what was used already and the days to come add up to the limit; of a day that is under way it is the moment, in steps of ten
// minutes.
func (f Forecast) Adds(used, limit float64) (r Reach, ok bool) {
	var was Point
	for n := range f.Points {
		t := f.Total(n + 1)
		for _, one := range []struct {
			was, is float64
			t       *time.Time
		}{{was.Value, t.Value, &r.Likely}, {was.High, t.High, &r.Earliest}, {was.Low, t.Low, &r.Latest}} {
			if one.t.IsZero() && used+one.is >= limit {
				*one.t = f.within(n, limit-used-one.was, one.is-one.was)
			}
		}
		was = t
	}
	return r, !r.Likely.IsZero()
}

// tenMinutes is how finely a moment within an hour is told.
const tenMinutes = 10 * time.Minute

// within is when some of what a point adds was added: with a day the day, with an hour the moment in it, evenly spread.
func (f Forecast) within(n int, some, all float64) time.Time {
	at := f.Points[n].At
	if !f.hourly || all <= 0 || some <= 0 {
		return at
	}
	end := at.Truncate(time.Hour).Add(time.Hour)
	exact := at.Add(time.Duration(float64(end.Sub(at)) * min(1, some/all))).Truncate(tenMinutes)
	if exact.Before(at) {
		return at
	}
	return exact
}

func (r *Reach) note(at time.Time, likely, early, late bool) {
	for _, one := range []struct {
		is bool
		t  *time.Time
	}{{likely, &r.Likely}, {early, &r.Earliest}, {late, &r.Latest}} {
		if one.is && one.t.IsZero() {
			*one.t = at
		}
	}
}

// Total is what the first n days add up to; At is the last of them. Days beyond the forecast add nothing. It may be more than its
// days, since now and then a day has a spike. Its band is narrower than the days' bands together: what one day has too much another lacks.
func (f Forecast) Total(n int) Point {
	n = max(0, min(n, len(f.Points)))
	var t, apart Point
	for _, p := range f.Points[:n] {
		t.At, t.Value = p.At, t.Value+p.Value
		apart.Low, apart.High = apart.Low+p.Low, apart.High+p.High
	}
	if n == 0 {
		return t
	}
	t.Low, t.High = apart.Low, apart.High
	if n <= len(f.sums) {
		t.Value *= 1 + f.more[n-1]
		wide := f.sums[n-1] * t.Value
		t.Low, t.High = max(0, t.Value-wide), t.Value+wide
	}
	return t
}

// From is the forecast from a day on: what comes before is left out.
func (f Forecast) From(day time.Time) Forecast {
	n := 0
	for n < len(f.Points) && f.Points[n].At.Before(day) {
		n++
	}
	f.Points = f.Points[n:]
	return f
}

// Until is the forecast up to a day, which is left out.
func (f Forecast) Until(day time.Time) Forecast {
	n := 0
	for n < len(f.Points) && f.Points[n].At.Before(day) {
		n++
	}
	f.Points = f.Points[:n]
	return f
}
