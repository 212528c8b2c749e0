package advise

import (
	"context"
	"strings"
	"time"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// sizes counts on a copy of the data, each thing once.
type sizes struct {
	conn   *sqlite.Conn // nil: there is no copy
	within time.Duration
	over   context.Context // ends when the time for counting is used up; nil: nothing was counted yet
	stop   context.CancelFunc
	kept   map[string]float64 // by query; -1: it could not be counted
}

// countWithin is how long all counts may take unless Options say otherwise.
const countWithin = 10 * time.Second

func openSizes(ctx context.Context, o Options) (*sizes, error) {
	s := &sizes{within: o.Within, kept: map[string]float64{}}
	if s.within <= 0 {
		s.within = countWithin
	}
	if o.Data == "" {
		return s, nil
	}
	var err error
	if s.conn, err = openUntouched(ctx, o.Data); err != nil {
		return s, err
	}
	return s, s.conn.Without(func() error {
		// What is grouped goes to the disk where it is much: a copy may have more rows than there is memory.
		for _, setting := range []string{"cache_size = -8000", "temp_store = FILE"} {
			if _, err := s.conn.Exec(ctx, "PRAGMA "+setting); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *sizes) close() error {
	if s.stop != nil {
		s.stop()
	}
	if s.conn == nil {
		return nil
	}
	return s.conn.Close()
}

func (s *sizes) known() bool { return s.conn != nil }

// rows is how many rows a table has.
func (s *sizes) rows(ctx context.Context, t *table) (float64, bool) {
	return s.count(ctx, "SELECT count(*) FROM "+migrations.QuoteName(t.name))
}

// matching is how many rows share the values of the first terms of an index, on the average over the values that there are. A
// term that is fixed counts with its value only.
func (s *sizes) matching(ctx context.Context, t *table, i *index, equals int, fixed map[string]string) (float64, bool) {
	var keys, where []string
	if i.where != "" {
		where = append(where, "("+i.where+")")
	}
	if equals > len(i.terms) {
		return 0, false
	}
	for _, term := range i.terms[:equals] {
		name := term.expression
		if term.column != "" {
			name = migrations.QuoteName(term.column)
		}
		if name == "" {
			return 0, false // an expression of an index that is there, which no pragma tells
		}
		if term.collation != "" {
			name += " COLLATE " + term.collation
		}
		if v := fixed[fold(term.column)]; v != "" && term.column != "" {
			where = append(where, name+" "+is(v))
			continue
		}
		keys = append(keys, name)
	}
	from := " FROM " + migrations.QuoteName(t.name)
	if len(where) > 0 {
		from += " WHERE " + strings.Join(where, " AND ")
	}
	if len(keys) == 0 {
		return s.count(ctx, "SELECT count(*)"+from)
	}
	list := strings.Join(keys, ", ")
	return s.count(ctx, "SELECT coalesce(avg(n), 0) FROM (SELECT count(*) AS n"+from+" GROUP BY "+list+")")
}

func is(v string) string {
	if v == null {
		return "IS NULL"
	}
	return "= " + v
}

// null is the value of a column that IS NULL pins.
const null = "NULL"

func (s *sizes) count(ctx context.Context, sql string) (float64, bool) {
	if s.conn == nil {
		return 0, false
	}
	if n, ok := s.kept[sql]; ok {
		return n, n >= 0
	}
	if s.over == nil {
		s.over, s.stop = context.WithTimeout(context.WithoutCancel(ctx), s.within)
	}
	if s.over.Err() != nil {
		return 0, false
	}
	bounded, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.over, cancel)()
	n := -1.0
	if res, err := s.conn.Exec(bounded, sql); err == nil && len(res.Rows) == 1 {
		switch v := res.Rows[0][0].(type) {
		case int64:
			n = float64(v)
		case float64:
			n = v
		}
	}
	if ctx.Err() == nil {
		s.kept[sql] = n
	}
	return n, n >= 0
}
