package queries

import (
	"cmp"
	"slices"
)

// Alike adds up queries that differ in their values alone, and puts the costliest first again. The text of each is its costliest one's, if they come
// in that order.
func Alike(list []Count, by Order) []Count {
	place := map[string]int{}
	var out []Count
	for _, q := range list {
		shape := Shape(q.SQL)
		i, known := place[shape]
		if !known {
			place[shape] = len(out)
			out = append(out, q)
			continue
		}
		o := &out[i]
		o.Runs, o.Failed, o.Time, o.P95 = o.Runs+q.Runs, o.Failed+q.Failed, o.Time+q.Time, max(o.P95, q.P95)
		o.RowsRead, o.RowsWritten, o.RowsReturned = o.RowsRead+q.RowsRead, o.RowsWritten+q.RowsWritten, o.RowsReturned+q.RowsReturned
	}
	slices.SortStableFunc(out, func(a, b Count) int { return cmp.Compare(b.cost(by), a.cost(by)) })
	return out
}
