package watch

import (
	"math"
	"slices"
	"time"
)

// How much more is worse. A figure has to pass every one of these, since each alone is passed by quiet traffic now and then; quiet_test.go
// counts how often they all are.
const (
	// factor is how many times the usual it is, factorAlone where there is but one stretch to know the usual from, and factorPair where there are
	// two: the middle of two is moved by each of them.
	factor      = 2
	factorAlone = 3
	factorPair  = 2.5
	// beyond is how many times the worst of the stretches before.
	beyond = 1.5
	// latencyFloor and cpuFloor are how much more at least, whatever the factor: 2 ms that become 5 ms hurt nobody.
	latencyFloor = 20 * time.Millisecond
	cpuFloor     = 10 * time.Millisecond
	// rowsFloor is how many rows more a query reads at least.
	rowsFloor = 20
	// rateMore is how many times the rows of an hour before are read where the queries are not the same ones any more.
	rateMore = 1.25
	// shareFloor is how much more of the queries fail at least, and failedFloor how many do.
	shareFloor  = 0.003
	failedFloor = 5
	// surprise is how many standard deviations more fail than the usual share would have.
	surprise = 4
)

// share is how many of how many.
type share struct{ part, all int64 }

func (s share) of() float64 {
	if s.all == 0 {
		return 0
	}
	return float64(s.part) / float64(s.all)
}

func medianShare(list []share) float64 {
	var all []float64
	for _, s := range list {
		all = append(all, s.of())
	}
	return median(all)
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(list))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// more reports whether clearly more fails than before.
func more(now share, before []share) bool {
	worst, all := 0.0, share{}
	for _, b := range before {
		worst = max(worst, b.of())
		all.part, all.all = all.part+b.part, all.all+b.all
	}
	usual := medianShare(before)
	// What would have failed at the usual share, which is never known to be 0: half a failure more than were seen.
	expected := float64(now.all) * max(usual, (float64(all.part)+0.5)/float64(max(all.all, 1)))
	return now.part >= failedFloor && now.of() >= usual+shareFloor && now.of() >= usual*needed(len(before)) && now.of() > worst*beyond &&
		float64(now.part) > expected+surprise*math.Sqrt(expected+1)
}

func needed(stretches int) float64 {
	switch stretches {
	case 1:
		return factorAlone
	case 2:
		return factorPair
	}
	return factor
}

// above reports whether a level is clearly higher than before.
func above(now float64, before []float64, floor float64) bool {
	usual := median(before)
	return now >= usual*needed(len(before)) && now >= usual+floor && now > slices.Max(before)*beyond
}

func times(list []Stretch, of func(Stretch) *time.Duration) []float64 {
	var out []float64
	for _, s := range list {
		if d := of(s); d != nil {
			out = append(out, ms(*d))
		}
	}
	return out
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// level compares a time.
func (r *Result) level(what string, now time.Duration, before []float64, floor time.Duration) {
	if len(before) > 0 {
		r.note(what, ms(now), median(before), above(ms(now), before, ms(floor)))
	}
}

// database compares the figures of all queries together.
func (r *Result) database(c Case, base []Stretch) {
	now := c.After
	var failed []share
	var rows []float64
	for _, s := range base {
		if s.Failed != nil {
			failed = append(failed, share{*s.Failed, *s.Queries})
		}
		if s.RowsRead != nil {
			rows = append(rows, s.rowsEach())
		}
	}
	if now.Failed != nil && len(failed) > 0 {
		s := share{*now.Failed, *now.Queries}
		r.note(Errors, s.of(), medianShare(failed), more(s, failed))
	}
	if c.Busy {
		r.Aside = append(r.Aside, Backfilled)
		return
	}
	if now.BatchP90 != nil && *now.Queries >= Least*2 {
		r.level(Latency, *now.BatchP90, times(base, func(s Stretch) *time.Duration { return s.BatchP90 }), latencyFloor)
	}
	if now.RowsRead != nil && len(rows) > 0 {
		r.rows(now, base, rows)
	}
}

// rowsEach is what a query reads on average. A few runs of one large query, an export or somebody's look at everything, make that many
// times what it is; they are left out where single queries are known.
func (s Stretch) rowsEach() float64 {
	rows := *s.RowsRead
	for _, q := range s.Top {
		if q.Runs < runsFloor {
			rows -= q.RowsRead
		}
	}
	return share{max(rows, 0), *s.Queries}.of()
}

// rows compares what a query reads on average, and finds the one that reads the most of what there is too much.
func (r *Result) rows(now Stretch, base []Stretch, before []float64) {
	f := Figure{What: Rows, Now: now.rowsEach(), Usual: median(before)}
	known := together(base)
	if !above(f.Now, before, rowsFloor) || !now.Listed && *now.Queries < Least*4 || now.fewer(base, known) {
		r.Well = append(r.Well, f)
		return
	}
	var most float64
	for _, q := range now.Top {
		if q.Runs < runsFloor {
			continue
		}
		had := known[q.SQL]
		if extra := float64(q.RowsRead) - float64(q.Runs)*had.rowsEach(); extra > most {
			most, f.Query, f.Runs = extra, q.SQL, q.Runs
		}
	}
	r.Worse = append(r.Worse, f)
}

// fewer reports whether a query reads more on average only because there are fewer of the small ones, as where a cache answers them now or one
// query does what many did: no more rows are read in an hour than before, and none of the queries that were there reads many more.
func (s Stretch) fewer(base []Stretch, known map[string]known) bool {
	var rates []float64
	for _, b := range base {
		if b.Span > 0 && b.RowsRead != nil {
			rates = append(rates, float64(*b.RowsRead)/b.Span.Hours())
		}
	}
	if s.Span <= 0 || len(rates) == 0 || !s.Listed || float64(*s.RowsRead)/s.Span.Hours() >= median(rates)*rateMore {
		return false
	}
	return !slices.ContainsFunc(s.Top, func(q Query) bool {
		k, each := known[q.SQL], share{q.RowsRead, q.Runs}.of()
		return k.Runs >= runsFloor && q.Runs >= runsFloor && each >= factor*k.rowsEach() && each >= k.rowsEach()+rowsFloor
	})
}

// hopeless is what is wrong whatever was before: a tenth of all queries fails.
func (r *Result) hopeless(now Stretch) {
	if now.Failed == nil {
		return
	}
	if s := (share{*now.Failed, *now.Queries}); s.part >= 20 && s.of() >= 0.1 {
		r.Worse = append(r.Worse, Figure{What: Errors, Now: s.of(), New: true})
	}
}
