// Package watch judges how production does after a promote: figures in, verdict out. It asks nobody and knows no time.
//
// A Stretch is what was counted of a database and its Workers in some time. Judge compares the one after a promote with those
// of the same weekday hour in the weeks before or, where those say too little, with the hours before the promote. It is made to be
// right about two things: that it is quiet where nothing is wrong, however the traffic comes and goes, since nobody looks at an
// alarm that is false every other week; and that it never says well of what it could not see. compare.go has the figures of all
// traffic, queries.go those of single queries, gone.go traffic that is not there any more.
package watch

import "time"

// Stretch is what was counted in some time. A figure that was not counted is nil.
type Stretch struct {
	Queries, Failed, RowsRead *int64
	BatchP90                  *time.Duration
	Requests, Errors          *int64 // of the Workers
	CPUP99                    *time.Duration
	// Span is how long it was, as far as it was counted; 0: not known.
	Span time.Duration
	// Top are the queries that took the most time, and Listed says that they were asked for: one that is not among them hardly counts.
	Top    []Query
	Listed bool
}

// Query is what one query's runs took together.
type Query struct {
	SQL                    string
	Runs, Failed, RowsRead int64
	Time                   time.Duration // of all runs
	P95                    time.Duration // of one; 0: not told
}

// Case is what there is to judge.
type Case struct {
	After Stretch
	Weeks []Stretch // the same hours of the same weekday, in the weeks before
	Hours *Stretch  // those before the promote
	// Workers: the project has some, so that their figures are missed where they are missing.
	Workers bool
	// Busy: a backfill ran in the same time, so that what queries read and take says nothing of the release.
	Busy bool
	// Course is given where After is all of a watch's time and was counted as far as anybody can know. Without it, traffic that has gone is
	// too little to tell.
	Course *Course
}

// Verdict is what the figures say.
type Verdict string

// The verdicts.
const (
	Well   Verdict = "well"   // what could be compared is as usual, the database's figures among it
	Worse  Verdict = "worse"  // something is clearly worse
	Little Verdict = "little" // too little traffic to tell
	Alone  Verdict = "alone"  // there is nothing to compare the database's figures with
	Unseen Verdict = "unseen" // the database's figures were not counted
)

// Result is a verdict with its reasons.
type Result struct {
	Verdict  Verdict
	ByWeeks  bool // compared with the weeks before, not with the hours before the promote
	Weeks    int  // how many of them had enough traffic
	Queries  int64
	Requests int64
	Worse    []Figure // the most important first
	Well     []Figure
	Aside    []string // codes of what was not compared
}

// Figure is one thing that was compared: parts of one for errors, milliseconds for latency, cpu and slow, rows of one query for rows and
// scans, how many there were for gone.
type Figure struct {
	What       string
	Now, Usual float64
	New        bool // there was no such query before; Usual says nothing
	Query      string
	Runs       int64
}

// What a Figure is about.
const (
	Errors       = "errors"  // queries that failed, of all
	Latency      = "latency" // what nine of ten batches do not exceed
	Rows         = "rows"    // read by a query, on average; Query is the one that reads the most of what there is too much
	Failing      = "failing" // a single query that fails
	Slow         = "slow"    // a single query, what 95 of 100 runs do not exceed
	Scans        = "scans"   // rows that a single query reads each time
	WorkerErrors = "worker_errors"
	WorkerCPU    = "worker_cpu" // what 99 of 100 requests do not exceed
	// Gone and WorkerGone are traffic that is not there: queries, requests, and how many are usual in those minutes. Among Well they had gone
	// before the promote.
	Gone       = "gone"
	WorkerGone = "worker_gone"
)

// What was not compared.
const (
	DatabaseLittle    = "database_little"    // it had too few queries
	DatabaseAlone     = "database_alone"     // there is nothing before to compare with
	DatabaseUncounted = "database_uncounted" // Cloudflare did not say
	WorkersLittle     = "workers_little"
	WorkersAlone      = "workers_alone"
	WorkersUncounted  = "workers_uncounted"
	Backfilled        = "backfill" // a backfill ran, so that latency, rows and slow queries were left out
	Unlisted          = "queries"  // single queries could not be listed
)

// Least is how many queries, or requests, a stretch has at least if anything is to be learnt from it.
const Least = 50

// Enough reports whether the database's figures of a stretch can be learnt from.
func (s Stretch) Enough() bool { return value(s.Queries) >= Least }

// EnoughRequests reports the same of the Workers'.
func (s Stretch) EnoughRequests() bool { return value(s.Requests) >= Least }

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// Judge compares the time after a promote with what is usual.
func Judge(c Case) Result {
	r := Result{Queries: value(c.After.Queries), Requests: value(c.After.Requests)}
	database, weeks := usual(c, Stretch.Enough)
	r.Weeks, r.ByWeeks = weeks, weeks > 0
	var seen Verdict
	switch {
	case c.After.Queries == nil:
		seen = r.leave(DatabaseUncounted, Unseen)
	case !c.After.Enough():
		seen = r.leave(DatabaseLittle, Little)
	case len(database) == 0:
		seen = r.leave(DatabaseAlone, Alone)
		r.hopeless(c.After)
	default:
		seen = Well
		r.database(c, database)
		r.queries(c, database)
	}
	if c.Workers {
		r.workers(c)
	}
	if r.gone(c) && seen == Well {
		seen = Little
	}
	if r.Verdict = seen; len(r.Worse) > 0 {
		r.Verdict = Worse
		r.Worse = r.Worse[:min(len(r.Worse), most)]
	}
	return r
}

// most is how many things that are worse are told.
const most = 6

func (r *Result) leave(code string, v Verdict) Verdict {
	r.Aside = append(r.Aside, code)
	return v
}

// usual are the stretches to compare with: of the weeks those that say enough, else the hours before.
func usual(c Case, enough func(Stretch) bool) (list []Stretch, weeks int) {
	for _, w := range c.Weeks {
		if enough(w) {
			list = append(list, w)
		}
	}
	if weeks = len(list); weeks == 0 && c.Hours != nil && enough(*c.Hours) {
		list = append(list, *c.Hours)
	}
	return list, weeks
}

// workers compares the Workers' figures.
func (r *Result) workers(c Case) {
	base, weeks := usual(c, Stretch.EnoughRequests)
	switch {
	case c.After.Requests == nil:
		r.leave(WorkersUncounted, "")
		return
	case !c.After.EnoughRequests():
		r.leave(WorkersLittle, "")
		return
	case len(base) == 0:
		r.leave(WorkersAlone, "")
		return
	}
	if len(r.Well)+len(r.Worse) == 0 {
		r.Weeks, r.ByWeeks = weeks, weeks > 0
	}
	var before []share
	for _, s := range base {
		if s.Errors != nil {
			before = append(before, share{*s.Errors, *s.Requests})
		}
	}
	if c.After.Errors != nil && len(before) > 0 {
		r.note(WorkerErrors, share{*c.After.Errors, *c.After.Requests}.of(), medianShare(before), more(share{*c.After.Errors, *c.After.Requests}, before))
	}
	if c.After.CPUP99 != nil && *c.After.Requests >= Least*4 {
		r.level(WorkerCPU, *c.After.CPUP99, times(base, func(s Stretch) *time.Duration { return s.CPUP99 }), cpuFloor)
	}
}

// note takes down a figure, with the better or with the worse.
func (r *Result) note(what string, now, usual float64, worse bool) {
	f := Figure{What: what, Now: now, Usual: usual}
	if worse {
		r.Worse = append(r.Worse, f)
	} else {
		r.Well = append(r.Well, f)
	}
}
