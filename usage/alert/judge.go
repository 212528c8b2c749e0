package alert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"towline/usage"
)

const (
	// below is by how many points use must be under the lowest percentage before an alert recovers.
	below = 5
	// settle is how long that must be so, and settleDate how long a date must be out of sight, that no forecast that wavers makes two alerts.
	settle     = time.Hour
	settleDate = 24 * time.Hour
	// settleAgain is how long it takes of an alert that came back, and settleOften of one that came back and came back: what swings to and fro,
	// by night or by the week, is one alert that stands.
	settleAgain = 24 * time.Hour
	settleOften = 7 * 24 * time.Hour
	// soon is what "stops production within a day" means, and near from what share on a forecast of that is believed without its band.
	soon = 24 * time.Hour
	near = 0.8
	// calm is how long an alert must not have been urgent before it may be so anew.
	calm = 12 * time.Hour
	// Kept is how long an alert is kept once it is over: as long as a mute may last, and a week for the report.
	Kept = 8 * 24 * time.Hour
)

// Judge says how the alerts stand now, in order of ID: those that there were, changed where their measures changed, and new ones. Those
// that were over for longer than Kept are left out, and so are those that were over before anybody was shown them.
//
// An alert begins when use is at one of the percentages, or a date is in sight on which the limit is reached: a limit by the day within a week,
// one by the month within the month, another within 60 days; below half of the limit the whole band of the forecast has to agree. It recovers when use has been well below the lowest percentage for an hour, and no
// date in sight for a day. One that comes back within Kept has to be gone for a day, and what comes back again for a week, before it is over. A limit by the day goes on over midnight until a whole day stayed below; one by the month ends with the month. A
// measure that is missing says nothing, and leaves its alert as it is.
//
// The result depends on the arguments alone, and judging the result again, by the same measures at the same moment, changes nothing.
func Judge(prev []Alert, measures []Measure, exist Subjects, r Rules, now time.Time) []Alert {
	j := judgement{r: r, now: now, quiet: r.quiet(now)}
	open := map[string]int{}
	for _, a := range prev {
		if a.Open() {
			open[a.key()] = len(j.all)
		}
		j.all = append(j.all, a)
	}
	measured := map[string]bool{}
	for _, m := range measures {
		key := keyOf(m.Limit.Key, m.Subject)
		measured[key] = true
		i, is := open[key]
		if is && j.monthEnded(j.all[i], m) {
			j.end(&j.all[i], Reset)
			is = false
		}
		switch {
		case is:
			j.follow(&j.all[i], m)
		case j.begins(m):
			j.all = append(j.all, j.begin(m))
		}
	}
	for i := range j.all {
		a := &j.all[i]
		if a.Open() && !measured[a.key()] && j.gone(*a, exist) {
			j.end(a, Gone)
		}
		j.voice(a)
	}
	j.all = slices.DeleteFunc(j.all, func(a Alert) bool {
		return !a.Open() && (!a.Shown || a.Told && now.Sub(a.Over) > Kept)
	})
	slices.SortFunc(j.all, func(a, b Alert) int { return cmp.Compare(a.ID, b.ID) })
	return j.all
}

type judgement struct {
	r     Rules
	now   time.Time
	quiet bool
	all   []Alert
}

func (a Alert) key() string { return keyOf(a.Limit, a.Subject) }

func keyOf(limit string, s usage.Subject) string {
	return strings.TrimSuffix(fmt.Sprintf("%s/%s/%s", limit, s.Kind, s.ID), "/")
}

// begins reports whether there is a reason for an alert.
func (j *judgement) begins(m Measure) bool {
	if len(j.r.Percents) == 0 || m.Limit.Value <= 0 {
		return false
	}
	if j.percent(m.Used, m.Limit.Value) > 0 || m.Last >= m.Limit.Value {
		return true
	}
	// Far from the limit a date has to be sure before people hear of it: the whole band reaches it.
	return !m.Reach.Likely.IsZero() && (!m.Reach.Latest.IsZero() || share(max(m.Used, m.Last), m.Limit.Value) >= half)
}

func (j *judgement) begin(m Measure) Alert {
	a := Alert{Limit: m.Limit.Key, Subject: m.Subject, Since: j.now}
	for n := j.now.Unix(); ; n++ { // a clock that went back does not make two of one
		a.ID = fmt.Sprintf("%s/%d", a.key(), n)
		if !slices.ContainsFunc(j.all, func(b Alert) bool { return b.ID == a.ID }) {
			break
		}
	}
	for _, b := range j.all {
		if b.key() != a.key() {
			continue
		}
		if b.Muted.After(a.Muted) && b.Muted.After(j.now) { // a mute is of the limit, not of one crossing
			a.Muted, a.MutedBy = b.Muted, b.MutedBy
		}
		if b.Why == Recovered && j.now.Sub(b.Over) <= Kept {
			a.Again = max(a.Again, b.Again+1)
		}
	}
	j.take(&a, m)
	return a
}

// take writes into an alert what a measure says.
func (j *judgement) take(a *Alert, m Measure) {
	a.Name, a.Unit, a.Hard = m.Name, m.Limit.Unit, m.Limit.Hard
	a.Used, a.Last, a.Most, a.Counted, a.Resets = m.Used, m.Last, m.Limit.Value, m.Counted, m.Resets
	a.Percent = j.percent(max(m.Used, m.Last), m.Limit.Value)
	a.Reaches, a.Earliest, a.Latest = m.Reach.Likely, m.Reach.Earliest, m.Reach.Latest
}

// percent is the highest of the percentages that use is at; 0: none.
func (j *judgement) percent(used, limit float64) int {
	for _, p := range slices.Backward(j.r.Percents) {
		if 100*share(used, limit) >= float64(p) {
			return p
		}
	}
	return 0
}

// follow takes an open alert to what is measured now, and ends it once its reason has been gone for long enough.
func (j *judgement) follow(a *Alert, m Measure) {
	reset := !a.Resets.IsZero() && !m.Resets.Equal(a.Resets)
	wait := settling(*a)
	j.take(a, m)
	if j.there(m) {
		a.Clear, a.Settle = time.Time{}, 0
	} else {
		if a.Clear.IsZero() {
			a.Clear, a.Settle = j.now, wait
		}
		if j.now.Sub(a.Clear) >= a.Settle {
			j.end(a, Recovered)
			return
		}
	}
	switch {
	case !a.Urgent || j.urgent(m):
		a.Calm = time.Time{}
	case reset || !a.Calm.IsZero() && j.now.Sub(a.Calm) >= calm:
		a.Urgent, a.Calm = false, time.Time{}
	case a.Calm.IsZero():
		a.Calm = j.now
	}
}

// settling is how long the reason of an alert must be gone until it is over.
func settling(a Alert) time.Duration {
	switch {
	case a.Again >= 2:
		return settleOften
	case a.Again == 1:
		return settleAgain
	case a.Percent == 0:
		return settleDate
	}
	return settle
}

// there reports whether an open alert still has a reason: use is not well below the lowest percentage, or a date is in sight.
func (j *judgement) there(m Measure) bool {
	if len(j.r.Percents) == 0 {
		return false
	}
	return 100*share(max(m.Used, m.Last), m.Limit.Value) >= float64(max(1, j.r.Percents[0]-below)) || !m.Reach.Likely.IsZero()
}

// urgent reports whether a limit that stops something is reached, or will be within a day: by its pace where it is near, else only where the
// whole band says so.
func (j *judgement) urgent(m Measure) bool {
	if !m.Limit.Hard {
		return false
	}
	if m.Share() >= 1 {
		return true
	}
	within := func(t time.Time) bool { return !t.IsZero() && !t.After(j.now.Add(soon)) }
	return within(m.Reach.Likely) && (m.Share() >= near || within(m.Reach.Latest))
}

// monthEnded reports whether an alert was about another month than the measure.
func (j *judgement) monthEnded(a Alert, m Measure) bool {
	return !ways()[m.Limit.Key].daily && !a.Resets.IsZero() && !m.From.Before(a.Resets)
}

// gone reports whether an alert of which nothing is measured is about something that is no more.
func (j *judgement) gone(a Alert, exist Subjects) bool {
	if len(j.r.Percents) == 0 || exist != nil && a.Subject.Kind != usage.Account && !exist[a.Subject] {
		return true
	}
	_, limited := j.r.Table.Limit(a.Limit)
	return !limited
}

func (j *judgement) end(a *Alert, why Ending) {
	a.Over, a.Why, a.Told = j.now, why, !a.Shown
	a.Reaches, a.Earliest, a.Latest = time.Time{}, time.Time{}, time.Time{}
}
