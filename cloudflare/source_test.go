package cloudflare_test

import (
	"testing"
	"time"

	"towline/cloudflare"
	sandbox "towline/sandbox/cloudflare"
	"towline/usage"
	"towline/usage/sourcetest"
)

func TestItKeepsThePromisesOfASource(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T, s sourcetest.Scene) sourcetest.Account {
		d, _ := scene(t, s)
		ids := map[string]string{}
		return sourcetest.Account{Source: d, Subject: func(name string) usage.Subject {
			if ids[name] == "" {
				db, err := d.Find(t.Context(), name)
				if err != nil {
					t.Fatal(err)
				}
				ids[name] = db.ID
			}
			return usage.Subject{Kind: usage.Database, ID: ids[name]}
		}}
	})
}

// scene is an account in which exactly that was done, its clock standing still.
func scene(t *testing.T, s sourcetest.Scene) (*cloudflare.D1, *sandbox.Faults) {
	t.Helper()
	like := sandbox.Analytics{Lag: s.Lag, NotAllowed: s.NotAllowed, Busy: s.Busy, Partial: s.Partial, Page: s.Page, Longest: s.Longest, Budget: 100_000}
	for _, d := range s.Missing {
		like.Missing = append(like.Missing, string(d))
	}
	for _, d := range s.Disabled {
		like.Disabled = append(like.Disabled, string(d))
	}
	clock := func() time.Time { return s.Now }
	server, err := sandbox.New(sandbox.Options{AccountID: account, Token: token, Now: clock, Traffic: trafficOf(s)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	server.SetAnalytics(like)
	faults := sandbox.NewFaults(server)
	d := open(t, cloudflare.Options{APIURL: behind(t, faults), Now: clock})
	for _, db := range s.Databases {
		if _, err := d.Create(t.Context(), db.Name); err != nil {
			t.Fatal(err)
		}
	}
	return d, faults
}

// trafficOf is an even flow of so many an hour, from one full hour to another.
func trafficOf(s sourcetest.Scene) (all []sandbox.Traffic) {
	for _, db := range s.Databases {
		took := max(db.Took, time.Millisecond)
		all = append(all, sandbox.Traffic{Since: db.From, Databases: []sandbox.DatabaseTraffic{{
			Name: db.Name, Size: db.Size,
			Queries: []sandbox.QueryTraffic{
				{SQL: "SELECT * FROM item WHERE name = ?", PerDay: float64(24 * db.Reads.PerHour), RowsRead: db.Reads.Rows, Time: took,
					Failing: share(db.Reads.Failed, db.Reads.PerHour), From: db.From, Until: db.To},
				{SQL: "INSERT INTO item (name) VALUES (?)", PerDay: float64(24 * db.Writes.PerHour), RowsWritten: db.Writes.Rows, Time: took,
					Failing: share(db.Writes.Failed, db.Writes.PerHour), From: db.From, Until: db.To},
			},
		}}})
	}
	for _, w := range s.Workers {
		all = append(all, sandbox.Traffic{Since: w.From, Workers: []sandbox.WorkerTraffic{{
			Script: w.Script, PerDay: float64(24 * w.PerHour), Failing: share(w.Failed, w.PerHour), CPU: w.CPU,
			Course: sandbox.Course{Shifts: []sandbox.Shift{{At: w.To, Factor: 0}}},
		}}})
	}
	return all
}

func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
