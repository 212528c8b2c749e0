package deploy_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"towline/deploy"
	"towline/deploy/queries"
	"towline/deploy/release"
)

// listening is a D1 that keeps what was asked of it.
type listening struct {
	deploy.Databases
	deploy.Exports

	mu    sync.Mutex
	asked []string
}

func (l *listening) Read(ctx context.Context, id string, statements []string) ([]deploy.Rows, error) {
	l.mu.Lock()
	l.asked = append(l.asked, statements...)
	l.mu.Unlock()
	return l.Databases.Read(ctx, id, statements)
}

func TestWhatTowlineAsksOnItsWayIsToldFromAnAppsQueries(t *testing.T) {
	s, _ := keeping(t, newWorld(t))
	l := &listening{Databases: s.remote, Exports: s.remote.(deploy.Exports)}
	s.remote, s.databases = l, l
	s.start()
	search := notes.and(files{"0001_search.sql": "CREATE VIRTUAL TABLE search USING fts5(body);\nINSERT INTO search VALUES ('the tow line');\n"})
	s.version("v1", search)
	s.wants(s.ship("v1"), release.Done)
	s.version("v2", search.and(files{"0002_tidy.sql": tidied["0002_tidy.sql"]})) // destroys, so that its tables are backed up one by one
	s.wants(s.ship("v2"), release.Done)
	s.rollback(1) // with its price
	l.mu.Lock()
	defer l.mu.Unlock()
	counted := 0
	for _, sql := range l.asked {
		if strings.Contains(sql, "count(*)") {
			counted++
		}
		if sql != "SELECT 1" && !queries.Bookkeeping(sql, "d1_migrations") {
			t.Errorf("it would be called the app's: %s", sql)
		}
	}
	if counted == 0 {
		t.Errorf("no rows were counted: %q", l.asked)
	}
}
