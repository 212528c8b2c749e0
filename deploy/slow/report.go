package slow

import (
	"time"

	"towline/deploy/queries"
)

// App is whose queries are looked at.
type App struct {
	Project, Database string
	// Release is the one that is live, LiveSince since when; 0 where none is known.
	Release   uint64
	LiveSince time.Time
	// Copies tells whether the project is rehearsed on copies of the data at all.
	Copies bool
}

// Report is what a project's queries on production cost, and what would help.
type Report struct {
	App
	From, To time.Time // what was looked at
	// BeforeFrom and BeforeTo are the stretch before the release that it is compared with; zero where there is none.
	BeforeFrom, BeforeTo time.Time
	Queries              []Query
	// ByRead, ByTime and ByRatio are places in Queries, the worst first.
	ByRead, ByTime, ByRatio []int
	// Copied is when the copy of the data was taken on which indexes were weighed; zero: there is none that fits, and only the plans are known.
	Copied time.Time
	// Untried is why no index could be tried at all; empty where they were.
	Untried string
	// Unread counts statements that write and could not be read here, so that what an index costs may be more.
	Unread int
}

// Query is one of them.
type Query struct {
	queries.Count
	Was *queries.Count // the same before the release; nil where it was not asked, or nothing was compared
	// New: nobody asked it before the release. Worse: it reads twice as many rows each time as before, or takes twice as long.
	New, Worse bool
	Plan       []string // how SQLite carries it out now
	Refused    string   // why it could not be tried
	Notes      []Note   // what no index helps
	Index      *Index   // what would help; nil: nothing was found
}

// Note is a part of a query that no index helps: a code of package migrations/advise, and the part.
type Note struct{ Code, Part string }

// Index is what was tried for a query and helps: one index, or several that help only together.
type Index struct {
	Names         []string
	SQL, Down     []string // the statements that create them, and that take them away again
	Before, After []string // the plans
	// Lookup: Before and After are not the query's own plan but that of looking for the rows of a child, which a foreign key makes necessary.
	Lookup bool
	// Each is how many rows a run would read. AtLeast: only because it returns that many; nothing was counted.
	Each    float64
	AtLeast bool
	// Spares is how many rows read a month it would save, at the pace of the stretch; at most, where Each is at least.
	Spares int64
	// Writes is how many rows more would be written a month, at the most.
	Writes    int64
	Redundant []string // indexes that would not be needed any more
}

// shown leaves out of all texts what a chat should not keep. Until then they are as they were asked, so that they can be tried.
func (r *Report) shown() {
	for i := range r.Queries {
		q := &r.Queries[i]
		q.SQL = queries.Shown(q.SQL)
		if q.Was != nil {
			q.Was.SQL = queries.Shown(q.Was.SQL)
		}
		for n := range q.Notes {
			q.Notes[n].Part = queries.Shown(q.Notes[n].Part)
		}
	}
}
