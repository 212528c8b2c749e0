package deploy_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"towline/deploy/queries"
)

// asks are the queries that a database had, each at its time, as analytics tell.
type asks struct {
	list  []ask
	err   error
	times int // that somebody wanted to know
}

type ask struct {
	at  time.Time
	sql string
}

func (a *asks) Queries(_ context.Context, _ string, from, to time.Time, _ queries.Order, limit int) ([]queries.Count, error) {
	a.times++
	var list []queries.Count
	for _, q := range a.list {
		if !q.at.Before(from) && q.at.Before(to) && len(list) < limit {
			list = append(list, queries.Count{SQL: q.sql, Runs: 1})
		}
	}
	return list, a.err
}

func TestTowlinesOwnLooksAreNoUseOfAPreview(t *testing.T) {
	const (
		day    = 24 * time.Hour
		status = `SELECT json_group_array(name) AS names FROM "d1_migrations"`
		schema = "SELECT type, name, tbl_name, sql FROM sqlite_master"
		app    = "SELECT * FROM notes WHERE id = ?"
	)
	for name, c := range map[string]struct {
		ago   map[int]string // by how many days ago
		err   error
		stale bool
		used  int // days ago; -1: not as far back as that is known
	}{
		"only looks":                           {ago: map[int]string{0: status, 1: schema, 9: "SELECT 1"}, stale: true, used: -1},
		"the app, today":                       {ago: map[int]string{0: app, 1: status}, used: 0},
		"looks, and the app some days ago":     {ago: map[int]string{0: status, 6: app, 20: app}, used: 6},
		"looks, and the app long ago":          {ago: map[int]string{0: status, 20: app, 25: app}, stale: true, used: 20},
		"nobody tells whose queries they were": {ago: map[int]string{0: status}, err: errors.New("not authorized"), used: 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := keeping(t, newWorld(t))
			s.stale = func() time.Duration { return 14 * day }
			live(s)
			s.later(40 * day)
			told := &asks{err: c.err}
			for days, sql := range c.ago {
				told.list = append(told.list, ask{s.now().Add(-time.Duration(days) * day), sql})
			}
			hour := s.now().Truncate(time.Hour)
			s.uses, s.queries = useOf{hour, s.now().Add(-40 * day), true}, told
			s.start()
			all, err := s.engine.StalePreviews(t.Context())
			if err != nil || len(all) == 1 != c.stale {
				t.Errorf("%+v, %v", all, err)
			}
			p := s.preview("shop-preview")
			switch {
			case c.used < 0 && p.Used.IsZero():
			case c.used >= 0 && s.now().Sub(p.Used) >= time.Duration(c.used)*day && s.now().Sub(p.Used) < time.Duration(c.used+1)*day:
			default:
				t.Errorf("used %s, now is %s", p.Used, s.now())
			}
			if again := s.preview("shop-preview"); again.Digest() != p.Digest() || told.times > 3*8 {
				t.Errorf("%s and %s, %d questions", p.Digest(), again.Digest(), told.times)
			}
		})
	}
}
