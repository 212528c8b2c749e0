package watch

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// When a single query is worse.
const (
	// runsFloor is how often it ran at least, and runsSlow for its times, of which a few say little.
	runsFloor = 5
	runsSlow  = 20
	// failingTimes is how many times its usual share of failures one has, and failingAlone where one stretch alone has it. They are more than
	// for all queries together: there are many of them, and each may have its day.
	failingTimes = 4
	failingAlone = 6
	// failingNew is the share of its runs that fail where it was not there before, since some failures are an app's way of asking (a
	// name that is taken).
	failingNew = 0.1
	// slowNew is what 95 of 100 runs of a new query take, slowMore how much longer one takes that was there, slowTimes how many times.
	slowNew   = 300 * time.Millisecond
	slowMore  = 100 * time.Millisecond
	slowTimes = 3
	// scansNew is how many rows a new query reads each time, and scansShare of all that were read together; scansTimes how many
	// times what it read before, and scansMore how many more.
	scansNew   = 5000
	scansMore  = 1000
	scansShare = 0.2
	scansTimes = 5
)

// known is what a query was like before.
type known struct {
	Query
	stretches []share // its failures
}

func (k known) rowsEach() float64 {
	if k.Runs == 0 {
		return 0
	}
	return float64(k.RowsRead) / float64(k.Runs)
}

// together adds up what was before, by the queries' texts. A time is the longest.
func together(base []Stretch) map[string]known {
	all := map[string]known{}
	for _, s := range base {
		for _, q := range s.Top {
			k := all[q.SQL]
			k.SQL, k.Runs, k.Failed, k.RowsRead, k.Time = q.SQL, k.Runs+q.Runs, k.Failed+q.Failed, k.RowsRead+q.RowsRead, k.Time+q.Time
			k.P95 = max(k.P95, q.P95)
			k.stretches = append(k.stretches, share{q.Failed, q.Runs})
			all[q.SQL] = k
		}
	}
	return all
}

// queries compares single queries.
func (r *Result) queries(c Case, base []Stretch) {
	listed := slices.DeleteFunc(slices.Clone(base), func(s Stretch) bool { return !s.Listed })
	if !c.After.Listed || len(listed) == 0 {
		r.Aside = append(r.Aside, Unlisted)
		return
	}
	before := together(listed)
	var failing, slow, scans []Figure
	var all int64
	for _, q := range c.After.Top {
		all += q.RowsRead
	}
	for _, q := range c.After.Top {
		k, had := before[q.SQL]
		f := Figure{Query: q.SQL, Runs: q.Runs, New: !had || k.Runs < runsFloor}
		if fails(q, k, f.New) {
			failing = append(failing, f.with(Failing, share{q.Failed, q.Runs}.of(), share{k.Failed, k.Runs}.of()))
		}
		if c.Busy {
			continue
		}
		if isSlow(q, k, f.New) {
			slow = append(slow, f.with(Slow, ms(q.P95), ms(k.P95)))
		}
		each := share{q.RowsRead, q.Runs}.of()
		if scansMany(q, k, f.New, all) && !r.hasRows(q.SQL) {
			scans = append(scans, f.with(Scans, each, k.rowsEach()))
		}
	}
	for _, list := range [][]Figure{failing, slow, scans} {
		slices.SortStableFunc(list, func(a, b Figure) int {
			return cmp.Compare(b.Now*float64(b.Runs), a.Now*float64(a.Runs))
		})
		r.Worse = append(r.Worse, list...)
	}
}

func (f Figure) with(what string, now, usual float64) Figure {
	f.What, f.Now, f.Usual = what, now, usual
	return f
}

// hasRows: the figure of all queries' rows names this one already.
func (r *Result) hasRows(sql string) bool {
	return slices.ContainsFunc(r.Worse, func(f Figure) bool { return f.What == Rows && f.Query == sql })
}

func fails(q Query, before known, isNew bool) bool {
	now := share{q.Failed, q.Runs}
	if q.Failed < failedFloor {
		return false
	}
	if isNew {
		return now.of() >= failingNew
	}
	// A query has few runs in each stretch, of which often none fails: its usual share is that of all of them, if it is more.
	usual, times := max(medianShare(before.stretches), share{before.Failed, before.Runs}.of()), float64(failingTimes)
	if len(before.stretches) == 1 {
		times = failingAlone
	}
	return more(now, before.stretches) && now.of() >= times*usual && apart(now, share{before.Failed, before.Runs})
}

// apart reports whether two counts are further from each other than chance takes them, where both are of the same share. A query has few runs in
// a stretch, so that what is usual of it is itself a matter of chance: of eighty runs of which three in a hundred fail, none does one time in eleven.
func apart(now, before share) bool {
	pooled := share{now.part + before.part, now.all + before.all}.of()
	deviation := math.Sqrt(pooled * (1 - pooled) * (1/float64(max(now.all, 1)) + 1/float64(max(before.all, 1))))
	return now.of()-before.of() > surprise*deviation
}

func isSlow(q Query, before known, isNew bool) bool {
	if q.P95 == 0 {
		return false
	}
	if isNew {
		return q.Runs >= runsFloor && q.P95 >= slowNew
	}
	return q.Runs >= runsSlow && before.P95 > 0 && q.P95 >= slowTimes*before.P95 && q.P95 >= before.P95+slowMore
}

func scansMany(q Query, before known, isNew bool, all int64) bool {
	each := share{q.RowsRead, q.Runs}.of()
	if q.Runs < runsFloor || float64(q.RowsRead) < scansShare*float64(all) {
		return false
	}
	if isNew {
		return each >= scansNew
	}
	return each >= scansTimes*before.rowsEach() && each >= before.rowsEach()+scansMore
}
