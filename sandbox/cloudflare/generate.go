package cloudflare

import (
	"hash/fnv"
	"math"
	"slices"
	"time"
)

// The rows of the datasets: what was really asked of the databases, and what the traffic says.

func (s *Server) activity(w window, yield func(row)) error {
	return s.each(w, func(db *database, t *told) {
		db.counts.activity(db.record.UUID, w, yield)
		t.queries(w, func(r row, q QueryTraffic) {
			r.id = db.record.UUID
			r.sum[kindOf(q.SQL)] = r.count
			yield(r)
		})
	})
}

func (s *Server) queries(w window, yield func(row)) error {
	return s.each(w, func(db *database, t *told) {
		db.counts.queries(db.record.UUID, w, yield)
		t.queries(w, func(r row, _ QueryTraffic) {
			r.id = db.record.UUID
			yield(r)
		})
	})
}

func (s *Server) sizes(w window, yield func(row)) error {
	return s.each(w, func(db *database, t *told) {
		sizes := map[time.Time]float64{}
		db.counts.sizes(w, func(hour time.Time, size float64) { sizes[hour] = size })
		for hour := w.from.Truncate(time.Hour); hour.Before(w.to); hour = hour.Add(time.Hour) {
			if size := max(t.size(hour), sizes[hour]); size > 0 {
				yield(row{at: hour, id: db.record.UUID, size: size})
			}
		}
	})
}

func (s *Server) invocations(w window, yield func(row)) error {
	_, all := s.analytics.look()
	for _, t := range all {
		for _, worker := range t.Workers {
			if w.only == "" || w.only == worker.Script {
				worker.rows(s.flowOf(t, worker.Script, 0), w, yield)
			}
		}
	}
	return nil
}

// told is what the traffic says of one database.
type told struct {
	flows   []flow // one for each of traffics
	traffic []DatabaseTraffic
}

// each visits the databases that a window is about.
func (s *Server) each(w window, visit func(*database, *told)) error {
	databases, err := s.catalogue.list("")
	if err != nil {
		return err
	}
	for _, db := range databases {
		if w.only == "" || w.only == db.record.UUID {
			visit(db, s.told(db.record.Name))
		}
	}
	return nil
}

func (s *Server) told(name string) *told {
	_, all := s.analytics.look()
	t := &told{}
	for _, traffic := range all {
		for _, d := range traffic.Databases {
			if d.Name == name {
				t.traffic = append(t.traffic, d)
				t.flows = append(t.flows, s.flowOf(traffic, name, 0))
			}
		}
	}
	return t
}

// size is in bytes; 0: nothing is said.
func (t *told) size(at time.Time) float64 {
	size := 0.0
	for i, d := range t.traffic {
		if days := t.flows[i].days(at); days >= 0 {
			size += float64(d.Size) + float64(d.SizePerDay)*days
		}
	}
	return math.Floor(size)
}

// queries hands on the runs of each query, those that failed apart.
func (t *told) queries(w window, yield func(row, QueryTraffic)) {
	for i, d := range t.traffic {
		for n, q := range d.Queries {
			f := t.flows[i]
			f.salt += uint64(n) + 1
			f.runs(d.Course, q.PerDay, q.From, q.Until, w, func(at time.Time, from, to int64) {
				failed := share(to, q.Failing) - share(from, q.Failing)
				if ok := to - from - failed; ok > 0 {
					yield(q.row(at, ok, f.days(at.Truncate(time.Hour))), q)
				}
				if failed > 0 {
					r := row{at: at, query: plainText(q.SQL), failure: q.Error, count: float64(failed), times: []timing{{0.1, float64(failed)}}}
					if r.failure == "" {
						r.failure = "D1_ERROR: database is locked"
					}
					yield(r, q)
				}
			})
		}
	}
}

// share is how many of the first n are of a share.
func share(n int64, of float64) int64 { return int64(math.Floor(float64(n)*of + 0.5)) }

// row is so many runs that succeeded.
func (q QueryTraffic) row(at time.Time, runs int64, days float64) row {
	read := float64(q.RowsRead) + math.Floor(q.RowsReadGrowth*days)
	took := float64(q.Time) / float64(time.Millisecond)
	if q.Time == 0 {
		took = 1 + read/1000
	}
	n := float64(runs)
	r := row{at: at, query: plainText(q.SQL), count: n, times: spread(took, n, 2, 3)}
	r.sum[rowsRead], r.sum[rowsWritten], r.sum[rowsReturned] = n*read, n*float64(q.RowsWritten), n*float64(q.RowsReturned)
	r.sum[queryDurationMs] = n * took
	return r
}

func (t WorkerTraffic) rows(f flow, w window, yield func(row)) {
	took := float64(t.CPU) / float64(time.Microsecond)
	if t.CPU == 0 {
		took = 2000
	}
	f.runs(t.Course, t.PerDay, time.Time{}, time.Time{}, w, func(at time.Time, from, to int64) {
		failed := share(to, t.Failing) - share(from, t.Failing)
		for status, n := range map[string]int64{"success": to - from - failed, "scriptThrewException": failed} {
			if n == 0 {
				continue
			}
			r := row{at: at, id: t.Script, status: status, times: spread(took, float64(n), 2, 4)}
			r.sum[requests] = float64(n)
			if status != "success" {
				r.sum[requestErrors] = float64(n)
			}
			yield(r)
		}
	})
}

// spread is so many times around one, which is also their average: half of them take no longer than it, one of twenty several times as long, and one
// of a hundred longer still.
func spread(took, n, p95, p99 float64) []timing {
	return []timing{{took * 0.5, n * 0.35}, {took, n * 0.3}, {took * 1.2, n * 0.29}, {took * p95, n * 0.045}, {took * p99, n * 0.015}}
}

// flow is how much happens when.
type flow struct {
	since time.Time
	salt  uint64
}

func (s *Server) flowOf(t Traffic, name string, n uint64) flow {
	since := t.Since
	if since.IsZero() {
		since = s.analytics.opened.Add(-35 * 24 * time.Hour)
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return flow{since.UTC(), h.Sum64() ^ mix(t.Seed) + n}
}

// days is how long the traffic has gone on; negative: it has not begun.
func (f flow) days(at time.Time) float64 { return at.Sub(f.since).Hours() / 24 }

// runs hands on what happens from one moment to another, in minutes or hours that have anything: the moment, and how many there were in its
// hour before it and up to its end.
func (f flow) runs(c Course, perDay float64, begin, end time.Time, w window, yield func(at time.Time, from, to int64)) {
	begin = later(begin, f.since)
	for hour := later(w.from, begin).UTC().Truncate(time.Hour); hour.Before(w.to); hour = hour.Add(time.Hour) {
		minutes := max(min(int(w.to.Sub(hour)/time.Minute), 60), 0) // those that are over
		counts := f.hour(c, perDay, begin, end, hour)
		if !w.minutes && !hour.Before(w.from) && !hour.Add(time.Hour).After(w.to) {
			if n := counts(minutes); n > 0 {
				yield(hour, 0, n)
			}
			continue
		}
		before := int64(0)
		for m := range minutes {
			n := counts(m + 1)
			if n > before {
				yield(hour.Add(time.Duration(m)*time.Minute), before, n)
			}
			before = n
		}
	}
}

// hour is how many there are up to the end of so many minutes of an hour.
func (f flow) hour(c Course, perDay float64, begin, end, hour time.Time) func(minutes int) int64 {
	rate := perDay / (24 * 60) * c.weekday(hour) * (1 + c.Nights*math.Cos(2*math.Pi*float64(hour.Hour()-16)/24)) * math.Pow(1+c.Growth, f.days(hour)) *
		(1 + c.Noise*f.random(hour.Unix())) * (1 + c.Noise*f.random(hour.Truncate(24*time.Hour).Unix()+1))
	rate = max(rate, 0)
	rest := (f.random(hour.Unix()+2) + 1) / 2 // what is left over of a whole one from the hour before
	if c.even(hour, begin, end) {
		rate *= c.step(hour, begin, end)
		return func(minutes int) int64 { return int64(math.Floor(rest + rate*float64(minutes))) }
	}
	var until [61]float64
	for m := range 60 {
		until[m+1] = until[m] + rate*c.step(hour.Add(time.Duration(m)*time.Minute), begin, end)
	}
	return func(minutes int) int64 { return int64(math.Floor(rest + until[minutes])) }
}

// even says that nothing begins or ends within an hour.
func (c Course) even(hour, begin, end time.Time) bool {
	within := func(t time.Time) bool { return t.After(hour) && t.Before(hour.Add(time.Hour)) }
	return !within(begin) && !within(end) &&
		!slices.ContainsFunc(c.Spikes, func(s Spike) bool { return within(s.At) || within(s.At.Add(s.For)) }) &&
		!slices.ContainsFunc(c.Shifts, func(s Shift) bool { return within(s.At) })
}

func (c Course) weekday(t time.Time) float64 {
	if c.Weekdays == [7]float64{} {
		return 1
	}
	return c.Weekdays[t.Weekday()]
}

// step is the factor of what begins and ends at a moment.
func (c Course) step(at, begin, end time.Time) float64 {
	if at.Before(begin) || !end.IsZero() && !at.Before(end) {
		return 0
	}
	factor := 1.0
	for _, s := range c.Spikes {
		if !at.Before(s.At) && at.Before(s.At.Add(s.For)) {
			factor *= s.Factor
		}
	}
	for _, s := range c.Shifts {
		if !at.Before(s.At) {
			factor *= s.Factor
		}
	}
	return factor
}

// random is a number from -1 to 1 that is always the same for the same flow and moment.
func (f flow) random(moment int64) float64 {
	return float64(mix(f.salt^mix(uint64(moment)))>>11)/(1<<52) - 1 //nolint:gosec // only the bits matter
}

// mix spreads every bit of a number over all of it ("Fast splittable pseudorandom number generators", Steele, Lea and Flood, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
