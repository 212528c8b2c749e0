package queries_test

import (
	"fmt"
	"testing"
	"time"

	"towline/deploy/queries"
)

func TestAQueryThatNeverRanHasNoMeans(t *testing.T) {
	q := queries.Count{RowsRead: 30, RowsReturned: 4, RowsWritten: 1, Time: time.Second}
	if q.Each() != 0 || q.Returned() != 0 || q.Written() != 0 || q.Mean() != 0 || q.Ratio() != 6 {
		t.Errorf("%v %v %v %v %v", q.Each(), q.Returned(), q.Written(), q.Mean(), q.Ratio())
	}
	q.Runs = 10
	if q.Each() != 3 || q.Returned() != 0.4 || q.Written() != 0.1 || q.Mean() != 100*time.Millisecond {
		t.Errorf("%v %v %v %v", q.Each(), q.Returned(), q.Written(), q.Mean())
	}
}

func TestWhatDiffersInItsValuesAloneIsAddedUpAndPutInOrder(t *testing.T) {
	list := []queries.Count{{SQL: "SELECT * FROM big", Runs: 1, RowsRead: 50, RowsWritten: 2, Time: time.Minute}}
	for i := range 10 {
		list = append(list, queries.Count{
			SQL: fmt.Sprintf("SELECT * FROM orders WHERE user_id = %d", i+100), Runs: 2, Failed: 1, RowsRead: 9, RowsWritten: 1, RowsReturned: 3, Time: time.Second, P95: time.Duration(i),
		})
	}
	want := queries.Count{SQL: "SELECT * FROM orders WHERE user_id = 100", Runs: 20, Failed: 10, RowsRead: 90, RowsWritten: 10, RowsReturned: 30, Time: 10 * time.Second, P95: 9}
	for by, place := range map[queries.Order]int{queries.ByRowsRead: 0, queries.ByRowsWritten: 0, queries.ByTime: 1} {
		got := queries.Alike(list, by)
		if len(got) != 2 || got[place] != want || got[1-place] != list[0] {
			t.Errorf("by %s: %+v", by, got)
		}
	}
}
