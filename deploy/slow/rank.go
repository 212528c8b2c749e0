package slow

import (
	"slices"
	"strings"
	"time"

	"towline/deploy/queries"
)

const (
	// most is how many queries of each order are shown.
	most = 3
	// ratio is how many rows a query reads for each that it returns, or writes, to be among those that read too many; ratioRows how
	// many it reads altogether.
	ratio     = 10
	ratioRows = 1000
)

// choose takes the worst by each measure.
func (r *Report) choose(list []queries.Count) {
	place := map[string]int{}
	worst := func(more func(a, b queries.Count) bool, counts func(queries.Count) bool) (places []int) {
		sorted := slices.DeleteFunc(slices.Clone(list), func(q queries.Count) bool { return !counts(q) })
		slices.SortStableFunc(sorted, func(a, b queries.Count) int {
			switch {
			case more(a, b):
				return -1
			case more(b, a):
				return 1
			}
			return strings.Compare(a.SQL, b.SQL)
		})
		for _, q := range sorted[:min(most, len(sorted))] {
			if _, known := place[q.SQL]; !known {
				place[q.SQL] = len(r.Queries)
				r.Queries = append(r.Queries, Query{Count: q})
			}
			places = append(places, place[q.SQL])
		}
		return places
	}
	r.ByRead = worst(func(a, b queries.Count) bool { return a.RowsRead > b.RowsRead }, func(q queries.Count) bool { return q.RowsRead > 0 })
	r.ByTime = worst(func(a, b queries.Count) bool { return a.Time > b.Time }, func(q queries.Count) bool { return q.Time > 0 })
	r.ByRatio = worst(func(a, b queries.Count) bool { return a.Ratio() > b.Ratio() },
		func(q queries.Count) bool { return q.Ratio() >= ratio && q.RowsRead >= ratioRows })
}

// What makes a query worse than before: so many times the rows or the time of a run, and so many more; seldom is how many runs say nothing.
const (
	worseTimes = 2
	worseRows  = 100
	worseTime  = 10 * time.Millisecond
	seldom     = 5
)

// compare finds out which queries are new since the release, and which are worse.
func (r *Report) compare(before []queries.Count) {
	if r.BeforeTo.IsZero() || len(before) == 0 {
		return
	}
	whole := len(before) < queries.Limit*9/10 // else one that is missing may only have been among the cheaper ones
	before = queries.Alike(before, queries.ByRowsRead)
	place := map[string]int{}
	for n, q := range before {
		place[queries.Shape(q.SQL)] = n
	}
	for i := range r.Queries {
		q := &r.Queries[i]
		n, asked := place[queries.Shape(q.SQL)]
		if !asked {
			q.New = whole
			continue
		}
		q.Was = &before[n]
		if q.Runs < seldom || q.Was.Runs < seldom {
			continue
		}
		rows := q.Each() >= worseTimes*q.Was.Each() && q.Each() >= q.Was.Each()+worseRows
		slower := q.Mean() >= worseTimes*q.Was.Mean() && q.Mean() >= q.Was.Mean()+worseTime
		q.Worse = rows || slower
	}
}
