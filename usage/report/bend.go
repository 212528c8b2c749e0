package report

import (
	"cmp"
	"math"
	"slices"
	"time"

	"towline/usage"
)

// Bend is a release after which a project's production took clearly more or less than before, weekday by weekday. Several releases are one bend where they
// went live too close to each other to be told apart.
type Bend struct {
	Project  string
	Releases []uint64
	Back     bool // it was a rollback
	// At is when the first of them went live.
	At     time.Time
	Figure usage.Figure
	// Times is what a day takes since, as a multiple of what the same weekday took before. PerDay is how much that is more, or less, in a day.
	Times, PerDay float64
	// Days is how many whole days since are counted.
	Days int
}

// When a bend is worth a word: half as much again or two thirds, three times what the days vary by anyhow, and more where few are known, and enough to matter.
const (
	bendAtLeast = 1.5
	bendNoise   = 3
	leastNoise  = 0.05
	leastRead   = 10_000 // rows a day
	leastWrites = 1_000
	// bendAfter and bendBefore are how many whole days are needed on either side, and bendLook how many of those before count: the closer, the
	// likelier it is the release.
	bendAfter, bendBefore, bendLook = 2, 4, 14
)

// bends finds them, the greatest change first.
func (b *book) bends() []Bend {
	var all []Bend
	for _, l := range b.series {
		if l.Subject.Kind != usage.Database || !l.Production {
			continue
		}
		groups := b.groups(l.Project)
		for i, g := range groups {
			// The first report that can judge it tells of it: a Sunday's release is in the week after.
			if told := usage.Day(g.last()).AddDate(0, 0, 1+bendAfter); !told.After(b.From) || told.After(b.Now) {
				continue
			}
			for _, f := range []usage.Figure{usage.RowsRead, usage.RowsWritten} {
				after := time.Time{}
				if i > 0 {
					after = groups[i-1].last()
				}
				if bend, ok := b.bend(l, f, g, after, until(groups, i, b.Now)); ok {
					all = append(all, bend)
				}
			}
		}
	}
	slices.SortStableFunc(all, func(x, y Bend) int {
		return cmp.Compare(math.Abs(math.Log(y.Times)), math.Abs(math.Log(x.Times)))
	})
	return all
}

// group is some releases that went live within so few days that no whole ones lie between them.
type group []Change

func (g group) at() time.Time   { return g[0].At }
func (g group) last() time.Time { return g[len(g)-1].At }

// until is when the group after this one begins, or now.
func until(groups []group, i int, now time.Time) time.Time {
	if i+1 < len(groups) {
		return groups[i+1].at()
	}
	return now
}

// groups puts a project's changes together.
func (b *book) groups(project string) []group {
	var all []group
	changes := slices.DeleteFunc(slices.Clone(b.Changes), func(c Change) bool { return c.Project != project || !c.At.Before(b.To) })
	slices.SortStableFunc(changes, func(x, y Change) int { return x.At.Compare(y.At) })
	for _, c := range changes {
		n := len(all) - 1
		if n >= 0 && usage.Day(c.At).Sub(usage.Day(all[n].last())) <= bendAfter*24*time.Hour {
			all[n] = append(all[n], c)
			continue
		}
		all = append(all, group{c})
	}
	return all
}

// bend judges one group by the whole days from the one before it until it, and from it until the next one.
func (b *book) bend(l ledger, f usage.Figure, g group, from, to time.Time) (Bend, bool) {
	weekdays, ok := b.weekdays(l, f, usage.Day(g.at()))
	if !ok {
		return Bend{}, false
	}
	level := func(t time.Time) (float64, bool) {
		v := b.sum([]ledger{l}, f, daily(), t)
		share := weekdays[t.Weekday()]
		return v.v / share, v.hours == 24 && share > 0
	}
	var before, since []float64
	for t := usage.Day(g.at()).AddDate(0, 0, -1); t.After(from) && len(before) < bendLook && t.After(g.at().AddDate(0, 0, -2*bendLook)); t = t.AddDate(0, 0, -1) {
		if v, ok := level(t); ok {
			before = append(before, v)
		}
	}
	for t := usage.Day(g.last()).AddDate(0, 0, 1); !t.AddDate(0, 0, 1).After(to) && t.Before(b.To); t = t.AddDate(0, 0, 1) {
		if v, ok := level(t); ok {
			since = append(since, v)
		}
	}
	if len(before) < bendBefore || len(since) < bendAfter {
		return Bend{}, false
	}
	was, is := middle(before), middle(since)
	out := Bend{Project: l.Project, At: g.at(), Figure: f, Back: g[len(g)-1].Back && len(g) == 1, PerDay: is - was, Days: len(since)}
	if was <= 0 || is <= 0 || !distinct(before, since, was, is, f) {
		return Bend{}, false
	}
	out.Times = is / was
	for _, c := range g {
		if !slices.Contains(out.Releases, c.Release) {
			out.Releases = append(out.Releases, c.Release)
		}
	}
	return out, true
}

// distinct tells whether the days since are another thing than the days before, and not what days do anyhow.
func distinct(before, since []float64, was, is float64, f usage.Figure) bool {
	least := float64(leastRead)
	if f == usage.RowsWritten {
		least = leastWrites
	}
	change := math.Log(is / was)
	if math.Abs(change) < math.Log(bendAtLeast) || max(is, was) < least {
		return false
	}
	var off []float64
	for _, v := range before {
		off = append(off, math.Abs(math.Log(max(v, 1)/was)))
	}
	few := math.Sqrt(1 + 2/float64(len(since)))
	slices.Sort(off)
	noise := max(leastNoise, 1.4826*middle(off), off[len(off)*4/5]/1.2816) // half of the days, and four fifths of them, as standard deviations
	if math.Abs(change) < bendNoise*few*noise {
		return false
	}
	for _, v := range since { // every day since says the same
		if one := math.Log(max(v, 1) / was); one*change <= 0 || math.Abs(one) < math.Abs(change)/3 {
			return false
		}
	}
	return true
}

// weekdays are what each weekday has of a usual day, by the weeks before a moment: 1 is as much as the mean of the seven days around it. It takes two
// weeks to know, and those before a shift count as well: what a weekday has of its own week does not change with the level.
func (b *book) weekdays(l ledger, f usage.Figure, before time.Time) (share [7]float64, ok bool) {
	var parts [7][]float64
	one := func(t time.Time) (float64, bool) {
		v := b.sum([]ledger{l}, f, daily(), t)
		return v.v, v.hours == 24
	}
	for t := before.AddDate(0, 0, -4); t.After(before.Add(-8 * week)); t = t.AddDate(0, 0, -1) {
		var total float64
		whole := true
		for d := -3; d <= 3 && whole; d++ {
			var v float64
			v, whole = one(t.AddDate(0, 0, d))
			total += v
		}
		if whole && total > 0 {
			v, _ := one(t)
			parts[t.Weekday()] = append(parts[t.Weekday()], v/(total/7))
		}
	}
	for i, p := range parts {
		if len(p) == 0 {
			return share, false
		}
		share[i] = middle(p)
	}
	return share, true
}

// middle is the median; 0 of none.
func middle(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}
