// Package sourcetest says, by tests, what every implementation of usage.Source promises. An implementation runs [Run] in its own tests,
// against whatever stands for Cloudflare there:
//
//	func TestItKeepsThePromisesOfASource(t *testing.T) {
//		sourcetest.Run(t, open)
//	}
//
// A case describes an account in which exactly so much was done in each hour, a [Scene], and compares every figure that comes back with it.
package sourcetest

import (
	"testing"
	"time"

	"towline/usage"
)

// Scene is an account and what was done in it.
type Scene struct {
	// Now is what time it is, for the source and for Cloudflare.
	Now time.Time
	// Databases are what databases do, and Workers what Workers do. Names are different.
	Databases []Database
	Workers   []Worker
	// Page is how many groups an answer has at most, and Longest how much time one question may span; 0: what is usual.
	Page    int
	Longest time.Duration
	// Lag is how late the figures are.
	Lag time.Duration
	// NotAllowed is a token that may not ask, Busy an account whose questions are used up, and Partial one whose answers have an error
	// beside the data.
	NotAllowed, Busy, Partial bool
	// Missing and Disabled are datasets that do not exist for the account, and that it may not use.
	Missing, Disabled []usage.Dataset
}

// Database does the same in each hour from one to another, both on the full hour.
type Database struct {
	Name     string
	From, To time.Time
	Reads    Runs
	Writes   Runs
	Size     int64 // in bytes, from From on to the end of the scene
	Took     time.Duration
}

// Runs are what is asked of a database in an hour. Failed of them fail, and read and write nothing.
type Runs struct {
	PerHour, Failed int64
	Rows            int64 // that one run reads, or writes
}

// Worker does the same in each hour from one to another.
type Worker struct {
	Script          string
	From, To        time.Time
	PerHour, Failed int64
	CPU             time.Duration // of half of the requests at most
}

// Account is a source of a scene's account.
type Account struct {
	usage.Source
	// Subject is what a database's name stands for.
	Subject func(name string) usage.Subject
}

// Run runs the suite. open makes the account of a scene; what it starts ends with the test.
func Run(t *testing.T, open func(t *testing.T, s Scene) Account) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, open func(*testing.T, Scene) Account)
	}{
		{"what may be asked is told for every dataset, with bounds", bounds},
		{"a dataset that does not exist or may not be used is told apart", without},
		{"the list of databases has each with its id, size and age", inventory},
		{"rows and queries are counted by the hour, of databases and of the account", activity},
		{"failed queries are counted by the hour", failures},
		{"the account's storage is the sum of what its databases have", storage},
		{"requests are counted by the hour, of Workers and of the account", invocations},
		{"an hour in which nothing happened has no sample", nothing},
		{"subjects of another kind have nothing", otherKinds},
		{"an answer that fills a page is asked for in parts", pages},
		{"a stretch longer than one question may span is counted whole", longStretch},
		{"two halves are the whole", halves},
		{"the running hour is counted as far as it has come", running},
		{"what cannot be asked is an error with a meaning, and nothing else", refusals},
		{"a cancelled context ends every method", cancelled},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open) })
	}
}

// now is the time of most scenes: a quarter past ten.
func now() time.Time { return time.Date(2026, 3, 12, 10, 15, 0, 0, time.UTC) }

// ago is a full hour before now.
func ago(hours int) time.Time { return usage.Hour(now()).Add(-time.Duration(hours) * time.Hour) }

// shop and its preview are the databases of most scenes.
func shops(from, to time.Time) []Database {
	return []Database{
		{Name: "shop", From: from, To: to, Reads: Runs{PerHour: 30, Failed: 3, Rows: 100}, Writes: Runs{PerHour: 6, Rows: 2}, Size: 1 << 20, Took: 4 * time.Millisecond},
		{Name: "shop-preview", From: from, To: to, Reads: Runs{PerHour: 2, Rows: 5}, Writes: Runs{PerHour: 1, Rows: 7}, Size: 1 << 14, Took: 2 * time.Millisecond},
	}
}

// figures are a sample's, by name; times are left out, since they are estimates.
func figures(s usage.Sample) map[string]float64 {
	out := map[string]float64{}
	for _, f := range usage.Figures() {
		if v, ok := s.Get(f); ok && f != usage.BatchP90 && f != usage.CPUP50 && f != usage.CPUP99 {
			out[f.String()] = v
		}
	}
	return out
}

// counted is what came back of one subject in one hour.
type counted struct {
	Kind    usage.Kind
	ID      string
	Hour    time.Time
	Figures map[string]float64
}

// hours asks, checks what is true of every answer, and returns it in a form that can be compared.
func hours(t *testing.T, a usage.Source, d usage.Dataset, subjects []usage.Subject, from, to time.Time) []counted {
	t.Helper()
	got, err := a.Hours(t.Context(), d, subjects, from, to)
	if err != nil {
		t.Fatalf("%s: %v", d, err)
	}
	var out []counted
	seen := map[usage.Subject]map[time.Time]bool{}
	last := from
	for _, c := range got {
		at := c.Sample.At
		switch {
		case at != usage.Hour(at) || at.Location() != time.UTC || at.Before(from) || !at.Before(to):
			t.Errorf("%s: a sample of %s, from %s to %s", d, at, from, to)
		case at.Before(last):
			t.Errorf("%s: %s comes after %s", d, at, last)
		case seen[c.Subject][at]:
			t.Errorf("%s: %v has %s twice", d, c.Subject, at)
		case c.Sample.Hours != 1 || c.Sample.Empty():
			t.Errorf("%s: a sample of %d hours, empty: %t", d, c.Sample.Hours, c.Sample.Empty())
		}
		if seen[c.Subject] == nil {
			seen[c.Subject] = map[time.Time]bool{}
		}
		seen[c.Subject][at], last = true, at
		out = append(out, counted{c.Subject.Kind, c.Subject.ID, at, figures(c.Sample)})
	}
	return out
}
