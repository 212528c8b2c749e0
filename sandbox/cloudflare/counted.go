package cloudflare

import (
	"strings"
	"sync"
	"time"
)

// counted is what the requests of one second to a database count for; of a minute or an hour, where that is long ago.
type counted struct {
	at      time.Time
	sum     [sums]float64
	size    float64 // the database's, at the end
	times   []timing
	queries map[asking]*queried
}

// asking is a query's text, and with what it failed.
type asking struct{ text, failure string }

type queried struct {
	count float64
	sum   [sums]float64
	times []timing
}

// countedMost is how many records are kept as they are. Beyond, those older than an hour are put together by minutes, and then those older
// than a day by hours, so that a database that is used for weeks takes no more than some megabytes. timesMost and textsMost bound the times and
// the queries of a record.
const (
	countedMost = 8192
	timesMost   = 64
	textsMost   = 256
)

// counts are what a database has counted. They are safe for concurrent use: who reads them does not wait for the database.
type counts struct {
	mu  sync.Mutex
	all []*counted // oldest first
}

// carriedOut is one request to a database: its statements, the results of those that were carried out, and why the next one was not.
type carriedOut struct {
	at         time.Time
	statements []statement
	results    []statementResult
	failure    string
	imported   bool // as a file: then its statements are no queries
}

// note counts a request. Of one that failed, the queries are counted and no rows: it was undone.
func (c *counts) note(r carriedOut) {
	one := &counted{at: r.at.Truncate(time.Second), queries: map[asking]*queried{}}
	batch := 0.0
	for i, result := range r.results {
		one.sum[kindOf(r.statements[i].sql)]++
		took := float64(result.duration) / float64(time.Millisecond)
		batch += took
		one.size = float64(result.size)
		q := &queried{count: 1, times: []timing{{took, 1}}}
		if r.failure == "" {
			q.sum[rowsRead], q.sum[rowsWritten], q.sum[rowsReturned] = float64(result.RowsRead), float64(result.RowsWritten), float64(len(result.Rows))
			one.sum[rowsRead] += q.sum[rowsRead]
			one.sum[rowsWritten] += q.sum[rowsWritten]
		}
		q.sum[queryDurationMs] = took
		if !r.imported {
			one.ask(asking{text: plainText(r.statements[i].sql)}, q)
		}
	}
	if r.failure != "" {
		failed := r.statements[len(r.results)].sql
		one.size = 0 // it is what it was before
		one.sum[kindOf(failed)]++
		one.ask(asking{plainText(failed), r.failure}, &queried{count: 1, times: []timing{{0, 1}}})
	}
	one.times = []timing{{batch, 1}}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.all) - 1; n >= 0 && c.all[n].at.Equal(one.at) {
		c.all[n].add(one)
		return
	}
	c.all = append(c.all, one)
	if len(c.all) > countedMost {
		c.shorten(r.at.Add(-retention-time.Hour), r.at.Add(-time.Hour), time.Minute)
	}
	if len(c.all) > countedMost {
		c.shorten(r.at.Add(-retention-time.Hour), r.at.Add(-24*time.Hour), time.Hour)
	}
}

// kindOf says whether a query counts as one that reads or one that writes.
func kindOf(sql string) sum {
	if readsOnly(sql) {
		return readQueries
	}
	return writeQueries
}

// plainText is a query's text as analytics show it: without the values that were bound, which are none of it.
func plainText(sql string) string {
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(sql), ";"))
}

// ask adds a query to those of the record.
func (c *counted) ask(a asking, q *queried) {
	was := c.queries[a]
	if was == nil && len(c.queries) >= textsMost {
		return
	}
	if was == nil {
		was = &queried{}
		c.queries[a] = was
	}
	was.count += q.count
	for i, v := range q.sum {
		was.sum[i] += v
	}
	was.times = append(was.times, q.times...)
	if len(was.times) > timesMost {
		was.times = thin(was.times)
	}
}

func (c *counted) add(other *counted) {
	for i, v := range other.sum {
		c.sum[i] += v
	}
	if other.size > 0 {
		c.size = other.size
	}
	c.times = append(c.times, other.times...)
	if len(c.times) > timesMost {
		c.times = thin(c.times)
	}
	for a, q := range other.queries {
		c.ask(a, q)
	}
}

// thin keeps half of the times, each for two.
func thin(times []timing) []timing {
	var kept []timing
	for i := 0; i+1 < len(times); i += 2 {
		kept = append(kept, timing{times[i].value, times[i].weight + times[i+1].weight})
	}
	return kept
}

// shorten forgets what is older than oldest, and puts together what is before a moment and in the same unit of time. The caller has the lock.
func (c *counts) shorten(oldest, before time.Time, unit time.Duration) {
	var kept []*counted
	for _, one := range c.all {
		if one.at.Before(oldest) {
			continue
		}
		if one.at.Before(before) {
			one.at = one.at.Truncate(unit)
		}
		if n := len(kept) - 1; n >= 0 && kept[n].at.Equal(one.at) {
			kept[n].add(one)
			continue
		}
		kept = append(kept, one)
	}
	c.all = kept
}

// activity hands on what was counted as rows of the dataset of rows and queries.
func (c *counts) activity(id string, w window, yield func(row)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.all {
		if one.at.Before(w.from.Truncate(time.Hour)) || !one.at.Before(w.to) {
			continue
		}
		yield(row{at: one.at, id: id, sum: one.sum, times: one.times})
	}
}

// queries hands on what was counted as rows of the dataset of queries.
func (c *counts) queries(id string, w window, yield func(row)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.all {
		if one.at.Before(w.from.Truncate(time.Hour)) || !one.at.Before(w.to) {
			continue
		}
		for a, q := range one.queries {
			yield(row{at: one.at, id: id, query: a.text, failure: a.failure, count: q.count, sum: q.sum, times: q.times})
		}
	}
}

// sizes hands on the size at the end of each hour, from the first change on.
func (c *counts) sizes(w window, yield func(hour time.Time, size float64)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next, size := 0, 0.0
	for hour := w.from.Truncate(time.Hour); hour.Before(w.to); hour = hour.Add(time.Hour) {
		end := earlier(hour.Add(time.Hour), w.to)
		for ; next < len(c.all) && c.all[next].at.Before(end); next++ {
			if c.all[next].size > 0 {
				size = c.all[next].size
			}
		}
		if size > 0 {
			yield(hour, size)
		}
	}
}
