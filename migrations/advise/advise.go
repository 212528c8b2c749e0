package advise

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"towline/migrations/rehearse"
	"towline/migrations/sqlite"
)

// Options are what is known of a database besides its schema.
type Options struct {
	// Data is the path of an SQLite file with a copy of its data, which is only read; empty: there is none.
	Data string
	// Stats are the rows of its sqlite_stat1, which an ANALYZE or PRAGMA optimize left there: the planner goes by them. None: there are none.
	Stats []Stat
	// Within bounds all counting on the copy of the data, from the first count on; 0: ten seconds. What is left then is not known, and
	// the plans alone decide.
	Within time.Duration
}

// Stat is a row of sqlite_stat1 (https://sqlite.org/fileformat2.html#stat1tab).
type Stat struct {
	Table, Index string // Index is empty for a table's own row
	Stat         string
}

// Query is one query, and what its runs took.
type Query struct {
	// SQL is one statement; its parameters have no values.
	SQL string
	// Read and Returned are rows per run, as analytics counted them; 0: not counted.
	Read, Returned float64
}

// Advice is what became of a query.
type Advice struct {
	// Refused says why the query cannot be tried here; empty if it could. SQLite's words where they are SQLite's.
	Refused string
	// Before is the query's plan, a line each, deeper ones set in.
	Before []string
	// Suggestions are best first, at most three; none if no index helps.
	Suggestions []Suggestion
	// Notes say which parts of the query no index helps, and why.
	Notes []Note
}

// Suggestion is an index that was tried, or more than one that help only together.
type Suggestion struct {
	Indexes []Index
	// After is the plan with them. For an index that a foreign key needs, which no plan shows, Before and After of the lookup
	// that a DELETE makes in the child.
	After  []string
	Lookup []string // the lookup's plan as it is now; empty for an index of the query's own plan
	// Reads is how many rows one run would read, worked out on the copy of the data; known with Counted alone.
	Reads   float64
	Counted bool
	// Redundant names indexes that are there and would not be needed any more: what they begin with, this one begins with too.
	Redundant []string
}

// Index is one index to be created.
type Index struct {
	Name, Table string
	Terms       []string // as they stand in CREATE INDEX: "author_id", "created_at DESC", "lower(email)"
	Where       string   // of a partial index
}

// SQL is the statement that creates the index, with its semicolon.
func (i Index) SQL() string {
	sql := "CREATE INDEX " + bare(i.Name) + " ON " + bare(i.Table) + " ("
	for n, t := range i.Terms {
		if n > 0 {
			sql += ", "
		}
		sql += t
	}
	sql += ")"
	if i.Where != "" {
		sql += " WHERE " + i.Where
	}
	return sql + ";"
}

// Down is the statement that takes the index away again.
func (i Index) Down() string { return "DROP INDEX " + bare(i.Name) + ";" }

// Note is a part of a query that no index helps.
type Note struct {
	Code NoteCode
	Part string // of the query: "name LIKE '%x%'"
}

// NoteCode is why no index helps.
type NoteCode string

// The codes.
const (
	// Inside: a text is looked for within texts; full-text search (FTS5) finds it.
	Inside NoteCode = "inside"
	// Pattern: LIKE with a parameter; an index helps only patterns that begin with a letter, and it is not known which there are.
	Pattern NoteCode = "pattern"
	// Everything: nothing narrows the rows down, so all of them are read.
	Everything NoteCode = "everything"
	// Unequal: <> and NOT find nearly all rows.
	Unequal NoteCode = "unequal"
	// Skips: rows that OFFSET leaves out are read all the same; going on from the last row seen reads none of them.
	Skips NoteCode = "skips"
	// Named: the query names the index that it wants (INDEXED BY, NOT INDEXED), so no other is used.
	Named NoteCode = "named"
	// Unspied: SQLite does not tell what this form of statement looks for; only expressions and foreign keys were tried.
	Unspied NoteCode = "unspied"
)

// Advisor tries indexes on a copy of one schema. It is not safe for concurrent use.
type Advisor struct {
	conn   *sqlite.Conn // the schema without rows
	schema *schema
	mirror *mirror
	sizes  *sizes
}

// Open makes the copy. The errors are a *rehearse.SchemaError if the schema cannot be made again, what is wrong with the copy of the data,
// or ctx's. The Advisor is to be closed.
func Open(ctx context.Context, t rehearse.Target, o Options) (_ *Advisor, err error) {
	a := &Advisor{}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.conn, err = sqlite.Open(ctx, ":memory:"); err != nil {
		return nil, err
	}
	a.conn.LeaveSize()
	left, err := a.conn.Restore(ctx, t.Objects)
	if err != nil {
		return nil, err
	}
	if len(left) > 0 {
		return nil, &rehearse.SchemaError{Object: left[0].Object, Err: left[0].Err}
	}
	if err := a.learn(ctx, o.Stats); err != nil {
		return nil, err
	}
	if a.schema, err = readSchema(ctx, a.conn); err != nil {
		return nil, err
	}
	if a.mirror, err = newMirror(ctx, a.schema); err != nil {
		return nil, err
	}
	if a.sizes, err = openSizes(ctx, o); err != nil {
		return nil, err
	}
	return a, nil
}

// learn gives the planner what D1's has.
func (a *Advisor) learn(ctx context.Context, stats []Stat) error {
	if len(stats) == 0 {
		return nil
	}
	return a.conn.Without(func() error {
		// ANALYZE of the schema alone makes the table, and reads it again.
		if _, err := a.conn.Exec(ctx, "ANALYZE sqlite_schema"); err != nil {
			return err
		}
		for _, s := range stats {
			var index any
			if s.Index != "" {
				index = s.Index
			}
			if _, err := a.conn.Exec(ctx, "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?1, ?2, ?3)", s.Table, index, s.Stat); err != nil {
				return fmt.Errorf("what ANALYZE found: %w", err)
			}
		}
		_, err := a.conn.Exec(ctx, "ANALYZE sqlite_schema")
		return err
	})
}

// Close ends the copies. Closing twice is fine.
func (a *Advisor) Close() error {
	var err error
	if a.sizes != nil {
		err = a.sizes.close()
	}
	if a.mirror != nil {
		err = errors.Join(err, a.mirror.close())
	}
	if a.conn != nil {
		err = errors.Join(err, a.conn.Close())
	}
	return err
}

// openUntouched opens a file with data to be read only.
func openUntouched(ctx context.Context, path string) (*sqlite.Conn, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	u := url.URL{Scheme: "file", Path: whole, RawQuery: "mode=ro&immutable=1"}
	return sqlite.Open(ctx, u.String())
}

// Has is the first of the names that something in the schema has already; empty if none is taken.
func (a *Advisor) Has(names []string) string {
	for _, name := range names {
		if a.schema.taken[fold(name)] {
			return name
		}
	}
	return ""
}

// Create tries whether statements can be carried out on the copy of the schema, one after the other, and takes them back. refused are
// SQLite's words about the first that cannot, empty if all can; the error is ctx's, or that SQLite failed.
func (a *Advisor) Create(ctx context.Context, statements []string) (refused string, err error) {
	undo := errors.New("taken back")
	err = a.conn.Transaction(ctx, func() error {
		for _, sql := range statements {
			if _, err := a.conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return undo
	})
	if errors.Is(err, undo) {
		return "", nil
	}
	if no, ok := errors.AsType[*sqlite.Error](err); ok {
		return no.Message, nil
	}
	return "", err
}
