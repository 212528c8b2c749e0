package alert

import "time"

// voice decides whether an open alert is shown for the first time, or posted anew as urgent. A mute holds back either; quiet hours hold
// back what is not urgent.
func (j *judgement) voice(a *Alert) {
	if !a.Open() || a.Muted.After(j.now) || !a.Clear.IsZero() && !a.Shown {
		return
	}
	urgent := j.pressing(*a)
	switch {
	case !a.Shown && (urgent || !j.quiet):
		a.Shown, a.Urgent = true, urgent
		a.Loud = urgent || a.Hard && a.Percent == j.r.Percents[len(j.r.Percents)-1]
	case a.Shown && urgent && !a.Urgent:
		a.Urgent, a.Loud = true, true
		a.Repost++
	}
}

// pressing is urgent, of an alert as it is stored.
func (j *judgement) pressing(a Alert) bool {
	if len(j.r.Percents) == 0 {
		return false
	}
	m := Measure{Used: a.Used}
	m.Limit.Value, m.Limit.Hard = a.Most, a.Hard
	m.Reach.Likely, m.Reach.Latest = a.Reaches, a.Latest
	return j.urgent(m)
}

// Next is when the clock alone may change what Judge says of alerts: a mute or the quiet hours end, a month does. Zero: never.
func Next(all []Alert, r Rules, now time.Time) (next time.Time) {
	note := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, a := range all {
		if !a.Open() {
			continue
		}
		note(a.Muted)
		note(a.Resets)
		if !a.Clear.IsZero() {
			note(a.Clear.Add(a.Settle))
		}
		if !a.Shown && r.quiet(now) {
			note(r.loudAgain(now))
		}
	}
	return next
}

// loudAgain is the end of the quiet hours that now is in, to the minute: on the team's clock, whatever it is put to meanwhile.
func (r Rules) loudAgain(now time.Time) time.Time {
	for t := now.Truncate(time.Minute).Add(time.Minute); t.Before(now.Add(26 * time.Hour)); t = t.Add(time.Minute) {
		if !r.quiet(t) {
			return t
		}
	}
	return time.Time{}
}

// Mute silences an alert, until a moment; one in the past ends a mute.
func (a Alert) Mute(until time.Time, by string) Alert {
	a.Muted, a.MutedBy = until, by
	return a
}
