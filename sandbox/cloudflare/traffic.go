package cloudflare

import (
	"time"
)

// Traffic is what an account's databases and Workers are said to have done, so that analytics have something to tell: weeks of history at
// once, which go on by the Server's clock. It is computed when it is asked for and takes no memory, however much there is. The same
// Traffic gives the same figures each time. What was really asked of a database counts beside it.
type Traffic struct {
	// Seed makes two Traffics of the same form differ.
	Seed uint64
	// Since is when it began; growth is counted from there. Zero: 35 days before the Server was opened, which is as far back as analytics
	// are ever asked.
	Since     time.Time
	Databases []DatabaseTraffic
	Workers   []WorkerTraffic
}

// Course is how much happens when, as a factor of what is usual. The zero Course is an even flow.
type Course struct {
	// Weekdays are factors by time.Weekday, Sunday first, in UTC. All zero: every day is alike.
	Weekdays [7]float64
	// Nights is by how much the night is quieter than the day: 0 not at all, 1 nothing happens at four in the morning (UTC). The sum of a day
	// stays what it is.
	Nights float64
	// Growth is the share by which a day has more than the one before: 0.01 doubles in ten weeks.
	Growth float64
	// Noise is by how much an hour and a day may be off: 0.1 is a tenth up or down for each.
	Noise float64
	// Spikes are stretches with a factor of their own, such as a crawler's visit or an hour in which nothing worked.
	Spikes []Spike
	// Shifts are moments from which on everything has a further factor: a release that bent the curve.
	Shifts []Shift
}

// Spike is a stretch of time with a factor of its own.
type Spike struct {
	At     time.Time
	For    time.Duration
	Factor float64
}

// Shift is a factor from a moment on.
type Shift struct {
	At     time.Time
	Factor float64
}

// DatabaseTraffic is what a database does. While no database has the name, there are no figures of it; once one has, the whole history
// is that database's.
type DatabaseTraffic struct {
	// Name is the database's.
	Name string
	Course
	// Queries are what is asked of it. Everything that analytics count of the database, but its size, is the sum of these.
	Queries []QueryTraffic
	// Size is in bytes when the Traffic began, and SizePerDay how much it grows. The API tells it as the database's size where it is more than
	// the real one.
	Size, SizePerDay int64
}

// QueryTraffic is one query and what its runs take.
type QueryTraffic struct {
	// SQL is the text, with ? for parameters. A text that begins with SELECT, EXPLAIN, VALUES or PRAGMA counts as a read query.
	SQL string
	// PerDay is how often it is run on a usual day when the Traffic began.
	PerDay float64
	// RowsRead, RowsWritten and RowsReturned are those of one run, RowsRead when the Traffic began.
	RowsRead, RowsWritten, RowsReturned int64
	// RowsReadGrowth is how many more rows a run reads each day: a table that grows, and no index.
	RowsReadGrowth float64
	// Time is what an ordinary run takes inside the database. The P95 is twice and the P99 three times that. 0: a millisecond, and a
	// microsecond for each row that is read.
	Time time.Duration
	// Failing is the share of runs that fail, and Error with what words; none: "D1_ERROR: database is locked". Runs that fail read and write nothing.
	Failing float64
	Error   string
	// From and Until bound when it is run at all, such as a query that came with a release. Zero: no bound.
	From, Until time.Time
}

// WorkerTraffic is what a Worker does.
type WorkerTraffic struct {
	// Script is the Worker's name.
	Script string
	Course
	// PerDay is how many requests there are on a usual day when the Traffic began.
	PerDay float64
	// Failing is the share of them that do not end well.
	Failing float64
	// CPU is what an ordinary request takes, P50. The P99 is four times that. 0: two milliseconds.
	CPU time.Duration
}

// Workdays are the weekday factors of an app that people use at work.
func Workdays() [7]float64 { return [7]float64{0.35, 1.15, 1.2, 1.2, 1.15, 1.1, 0.45} }

// AddTraffic adds to what the account's databases and Workers are said to have done.
func (s *Server) AddTraffic(t Traffic) {
	s.analytics.mu.Lock()
	defer s.analytics.mu.Unlock()
	s.analytics.traffic = append(s.analytics.traffic, t)
}
