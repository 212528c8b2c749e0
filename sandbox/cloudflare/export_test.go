package cloudflare

import (
	"time"

	"towline/migrations/sqlite"
)

// Used notes a query that reads so many rows, at regular times of the 33 days up to a moment.
func Used(s *Server, id string, to time.Time, every time.Duration, rows int64) {
	db, err := s.catalogue.find(id, false)
	if err != nil {
		panic(err)
	}
	for at := to.AddDate(0, 0, -33); at.Before(to); at = at.Add(every) {
		db.counts.note(carriedOut{
			at: at, statements: []statement{{sql: "SELECT * FROM item"}},
			results: []statementResult{{Result: sqlite.Result{RowsRead: rows}, size: 4096, duration: time.Millisecond}},
		})
	}
}

// Records is how many records a database's counts take.
func Records(s *Server, id string) int {
	db, err := s.catalogue.find(id, false)
	if err != nil {
		panic(err)
	}
	return len(db.counts.all)
}
