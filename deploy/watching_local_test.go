package deploy_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"towline/cloudflare"
	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
)

// busy is what the shop and its Worker do all year: quieter at night and at the weekend, and never twice the same.
func busy(shifts ...sandbox.Shift) sandbox.Traffic {
	course := sandbox.Course{Weekdays: sandbox.Workdays(), Nights: 0.6, Growth: 0.004, Noise: 0.15, Shifts: shifts}
	return sandbox.Traffic{
		Seed: 11,
		Databases: []sandbox.DatabaseTraffic{{Name: "shop", Course: course, Queries: []sandbox.QueryTraffic{
			{SQL: "SELECT * FROM orders WHERE id = ?", PerDay: 200_000, RowsRead: 1, RowsReturned: 1, Time: 2 * time.Millisecond},
			{SQL: "SELECT * FROM items WHERE order_id = ?", PerDay: 60_000, RowsRead: 30, RowsReturned: 4, Time: 3 * time.Millisecond},
			{SQL: "INSERT INTO users (name) VALUES (?)", PerDay: 20_000, RowsRead: 1, RowsWritten: 2, Failing: 0.02, Error: "UNIQUE constraint failed: users.name"},
		}}},
		Workers: []sandbox.WorkerTraffic{{Script: "shop-api", Course: course, PerDay: 90_000, Failing: 0.001, CPU: 3 * time.Millisecond}},
	}
}

// since is something that begins in this moment.
func since(q sandbox.QueryTraffic) func() sandbox.Traffic {
	return func() sandbox.Traffic {
		q.From = time.Now()
		return sandbox.Traffic{Databases: []sandbox.DatabaseTraffic{{Name: "shop", Queries: []sandbox.QueryTraffic{q}}}}
	}
}

func TestAWatchOnTheLocalCloudflaresTrafficSeesWhatIsThere(t *testing.T) {
	for _, c := range []struct {
		name  string
		begin func() sandbox.Traffic // with the promote
		want  []string
		query string
		quiet bool // nobody comes any more from the minute after the promote on
	}{
		{name: "nothing but traffic"},
		{
			name: "a query without its column", want: []string{"errors", "failing"}, query: "vat",
			begin: since(sandbox.QueryTraffic{SQL: "SELECT vat FROM items WHERE id = ?", PerDay: 30_000, Failing: 1, Error: "no such column: vat"}),
		},
		{
			name: "a query that reads the table", want: []string{"rows"}, query: "sku",
			begin: since(sandbox.QueryTraffic{SQL: "SELECT * FROM items WHERE sku = ?", PerDay: 20_000, RowsRead: 4000, RowsReturned: 1, Time: 5 * time.Millisecond}),
		},
		{
			name: "a query that is slow", want: []string{"slow"}, query: "sum",
			begin: since(sandbox.QueryTraffic{SQL: "SELECT sum(total) FROM orders", PerDay: 2000, RowsRead: 20, RowsReturned: 1, Time: 400 * time.Millisecond}),
		},
		{
			name: "a Worker that fails", want: []string{"worker_errors"},
			begin: func() sandbox.Traffic {
				from := sandbox.Course{Shifts: []sandbox.Shift{{At: time.Now(), Factor: 2e6}}}
				return sandbox.Traffic{Workers: []sandbox.WorkerTraffic{{Script: "shop-api", Course: from, PerDay: 0.01, Failing: 1}}}
			},
		},
		{name: "a shop that nobody reaches any more", want: []string{"gone", "worker_gone"}, quiet: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			sampled(t) // not in the bubble, which has a result to give
			w := watchedLocally(t, c.begin, c.quiet)
			var got []string
			for _, f := range w.Watch.Worse {
				got = append(got, f.What)
				if f.Query != "" && !strings.Contains(f.Query, c.query) {
					t.Errorf("%s names %q", f.What, f.Query)
				}
			}
			if !slices.Equal(got, c.want) || w.Watch.Weeks != 4 || !c.quiet && len(w.Watch.Aside) > 0 {
				t.Errorf("%s, %d weeks, aside %q, worse %+v, well %+v", found(w), w.Watch.Weeks, w.Watch.Aside, w.Watch.Worse, w.Watch.Well)
			}
		})
	}
}

// watchedLocally promotes on a Thursday noon, with something that begins then, and waits for the watch.
func watchedLocally(t *testing.T, begin func() sandbox.Traffic, quiet bool) (watch release.Run) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2000, 6, 15, 12, 7, 0, 0, time.UTC)))
		server, err := sandbox.New(sandbox.Options{AccountID: account, Token: token, AnalyticsLag: 4 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		if quiet {
			server.AddTraffic(busy(sandbox.Shift{At: time.Date(2000, 6, 15, 12, 8, 0, 0, time.UTC)}))
		} else {
			server.AddTraffic(busy())
		}
		const url = "http://127.0.0.1/client/v4"
		d, err := cloudflare.New(cloudflare.Options{AccountID: account, Token: token, APIURL: url, HTTP: &http.Client{Transport: inProcess{server}}})
		if err != nil {
			t.Fatal(err)
		}
		w := inWorld(t, server, url, account, token)
		w.inside, w.traffic, w.queries = d, d, d
		w.project.Watch, w.project.Workers = 30*time.Minute, []string{"shop-api"}
		s := w.openAt(t, filepath.Join(dir, "towline.db"))
		s.version("v1", counted)
		shipped := s.send("v1")
		if begin != nil {
			server.AddTraffic(begin())
		}
		watch = s.endedAtLast(s.watchOf(shipped))
		s.stop()
	})
	return watch
}
