package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"towline/usage"
)

// opener makes the account of a scene.
type opener = func(*testing.T, Scene) Account

// same compares what came back with what is wanted, in any order within an hour.
func same(t *testing.T, want, got []counted) {
	t.Helper()
	less := func(a, b counted) bool {
		return fmt.Sprint(a.Hour.Unix(), a.Kind, a.ID) < fmt.Sprint(b.Hour.Unix(), b.Kind, b.ID)
	}
	if diff := cmp.Diff(want, got, cmpopts.SortSlices(less), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func bounds(t *testing.T, open opener) {
	a := open(t, Scene{Now: now(), Page: 5000, Longest: 36 * time.Hour})
	got, err := a.Datasets(t.Context())
	if err != nil || len(got) != len(usage.AllDatasets()) {
		t.Fatalf("%v, %v", got, err)
	}
	for _, d := range usage.AllDatasets() {
		if b := got[d]; !b.Enabled || b.Page != 5000 || b.Longest != 36*time.Hour || b.Back < 30*24*time.Hour {
			t.Errorf("%s: %+v", d, b)
		}
	}
}

func without(t *testing.T, open opener) {
	a := open(t, Scene{Now: now(), Databases: shops(ago(5), ago(0)), Missing: []usage.Dataset{usage.Invocations}, Disabled: []usage.Dataset{usage.Queries}})
	got, err := a.Datasets(t.Context())
	if err != nil || len(got) != 3 || !got[usage.Activity].Enabled || got[usage.Queries].Enabled {
		t.Errorf("%v, %v", got, err)
	}
	if _, there := got[usage.Invocations]; there {
		t.Errorf("a dataset that does not exist is told: %v", got)
	}
	for _, d := range []usage.Dataset{usage.Invocations, usage.Queries} {
		all := []usage.Subject{usage.Whole(), a.Subject("shop"), {Kind: usage.Worker, ID: "shop"}}
		if c, err := a.Hours(t.Context(), d, all, ago(5), ago(0)); err == nil || c != nil {
			t.Errorf("%s: %v, %v", d, c, err)
		}
	}
	if len(hours(t, a, usage.Activity, []usage.Subject{usage.Whole()}, ago(5), ago(0))) == 0 {
		t.Error("the others are not counted either")
	}
}

func inventory(t *testing.T, open opener) {
	s := Scene{Now: now()}
	for i := range 3 {
		s.Databases = append(s.Databases, Database{Name: fmt.Sprintf("shop-%d", i), From: ago(48), To: ago(40), Size: int64(1+i) << 20, Reads: Runs{PerHour: 1}})
	}
	a := open(t, s)
	all, err := a.Inventory(t.Context())
	if err != nil || len(all) != 3 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, d := range all {
		var i int
		if _, err := fmt.Sscanf(d.Name, "shop-%d", &i); err != nil || d.Size != int64(1+i)<<20 || a.Subject(d.Name).ID != d.ID || d.Created.IsZero() || d.Created.After(s.Now) {
			t.Errorf("%+v, %v", d, err)
		}
	}
	if all, err := open(t, Scene{Now: now()}).Inventory(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("of an empty account: %v, %v", all, err)
	}
}

// activityOf is what a database's hours are to have.
func activityOf(d Database) map[string]float64 {
	return map[string]float64{
		"rows_read": float64((d.Reads.PerHour - d.Reads.Failed) * d.Reads.Rows), "rows_written": float64((d.Writes.PerHour - d.Writes.Failed) * d.Writes.Rows),
		"read_queries": float64(d.Reads.PerHour), "write_queries": float64(d.Writes.PerHour),
	}
}

func plus(a, b map[string]float64) map[string]float64 {
	out := map[string]float64{}
	for name, v := range a {
		out[name] = v + b[name]
	}
	return out
}

func activity(t *testing.T, open opener) {
	s := Scene{Now: now(), Databases: shops(ago(30), ago(4))}
	a := open(t, s)
	shop, preview := a.Subject("shop"), a.Subject("shop-preview")
	var want []counted
	for h := ago(30); h.Before(ago(4)); h = h.Add(time.Hour) {
		want = append(want,
			counted{shop.Kind, shop.ID, h, activityOf(s.Databases[0])},
			counted{preview.Kind, preview.ID, h, activityOf(s.Databases[1])},
			counted{usage.Account, "", h, plus(activityOf(s.Databases[0]), activityOf(s.Databases[1]))})
	}
	same(t, want, hours(t, a, usage.Activity, []usage.Subject{shop, preview, usage.Whole()}, ago(40), ago(0)))
	same(t, want[1:2], hours(t, a, usage.Activity, []usage.Subject{preview}, ago(30), ago(29)))
	all, err := a.Hours(t.Context(), usage.Activity, []usage.Subject{shop}, ago(30), ago(29))
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	if p90, ok := all[0].Sample.Get(usage.BatchP90); !ok || p90 < 4 || p90 > 40 {
		t.Errorf("batches of 4 ms have a P90 of %g, %t", p90, ok)
	}
}

func failures(t *testing.T, open opener) {
	s := Scene{Now: now(), Databases: shops(ago(6), ago(4))}
	a := open(t, s)
	shop, preview := a.Subject("shop"), a.Subject("shop-preview")
	var want []counted
	for h := ago(6); h.Before(ago(4)); h = h.Add(time.Hour) {
		want = append(want, counted{shop.Kind, shop.ID, h, map[string]float64{"errors": 3}}, counted{preview.Kind, preview.ID, h, map[string]float64{"errors": 0}})
	}
	same(t, want, hours(t, a, usage.Queries, []usage.Subject{shop, preview}, ago(8), ago(0)))
}

func storage(t *testing.T, open opener) {
	s := Scene{Now: now(), Databases: shops(ago(30), ago(4))}
	s.Databases[1].From = ago(20)
	a := open(t, s)
	shop, preview := a.Subject("shop"), a.Subject("shop-preview")
	bytes := func(n int64) map[string]float64 { return map[string]float64{"storage_bytes": float64(n)} }
	var want []counted
	for h := ago(24); h.Before(ago(2)); h = h.Add(time.Hour) {
		sum := s.Databases[0].Size
		want = append(want, counted{shop.Kind, shop.ID, h, bytes(sum)})
		if !h.Before(ago(20)) {
			want = append(want, counted{preview.Kind, preview.ID, h, bytes(s.Databases[1].Size)})
			sum += s.Databases[1].Size
		}
		want = append(want, counted{usage.Account, "", h, bytes(sum)})
	}
	same(t, want, hours(t, a, usage.Sizes, []usage.Subject{shop, preview, usage.Whole()}, ago(24), ago(2)))
}

func invocations(t *testing.T, open opener) {
	s := Scene{Now: now(), Workers: []Worker{
		{Script: "shop", From: ago(9), To: ago(4), PerHour: 120, Failed: 6, CPU: 3 * time.Millisecond},
		{Script: "till", From: ago(6), To: ago(4), PerHour: 8, CPU: time.Millisecond},
	}}
	a := open(t, s)
	shop, till := usage.Subject{Kind: usage.Worker, ID: "shop"}, usage.Subject{Kind: usage.Worker, ID: "till"}
	of := func(n, failed float64) map[string]float64 { return map[string]float64{"requests": n, "errors": failed} }
	var want []counted
	for h := ago(9); h.Before(ago(4)); h = h.Add(time.Hour) {
		want = append(want, counted{shop.Kind, shop.ID, h, of(120, 6)})
		sum := 120.0
		if !h.Before(ago(6)) {
			sum += 8
			want = append(want, counted{till.Kind, till.ID, h, of(8, 0)})
		}
		want = append(want, counted{usage.Account, "", h, of(sum, 6)})
	}
	same(t, want, hours(t, a, usage.Invocations, []usage.Subject{shop, till, usage.Whole()}, ago(20), ago(0)))
	all, err := a.Hours(t.Context(), usage.Invocations, []usage.Subject{shop}, ago(9), ago(8))
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	p50, ok := all[0].Sample.Get(usage.CPUP50)
	p99, also := all[0].Sample.Get(usage.CPUP99)
	if !ok || !also || p50 != 3000 || p99 < p50 {
		t.Errorf("3 ms are %g µs, and the P99 %g", p50, p99)
	}
}

func nothing(t *testing.T, open opener) {
	a := open(t, Scene{Now: now(), Databases: shops(ago(30), ago(20)), Workers: []Worker{{Script: "shop", From: ago(30), To: ago(20), PerHour: 1}}})
	all := []usage.Subject{usage.Whole(), a.Subject("shop"), {Kind: usage.Worker, ID: "shop"}}
	for _, d := range []usage.Dataset{usage.Activity, usage.Queries, usage.Invocations} {
		if got := hours(t, a, d, all, ago(19), ago(1)); len(got) != 0 {
			t.Errorf("%s: %v", d, got)
		}
	}
	for _, d := range usage.AllDatasets() {
		if got := hours(t, a, d, nil, ago(30), ago(20)); len(got) != 0 {
			t.Errorf("%s of no subject: %v", d, got)
		}
		if got := hours(t, a, d, all, ago(25), ago(25)); len(got) != 0 {
			t.Errorf("%s of no time: %v", d, got)
		}
	}
}

func otherKinds(t *testing.T, open opener) {
	a := open(t, Scene{Now: now(), Databases: shops(ago(9), ago(5)), Workers: []Worker{{Script: "shop", From: ago(9), To: ago(5), PerHour: 1}}})
	worker := usage.Subject{Kind: usage.Worker, ID: "shop"}
	for _, d := range []usage.Dataset{usage.Activity, usage.Sizes, usage.Queries} {
		if got := hours(t, a, d, []usage.Subject{worker}, ago(9), ago(5)); len(got) != 0 {
			t.Errorf("a Worker's %s: %v", d, got)
		}
	}
	if got := hours(t, a, usage.Invocations, []usage.Subject{a.Subject("shop")}, ago(9), ago(5)); len(got) != 0 {
		t.Errorf("a database's invocations: %v", got)
	}
	if got := hours(t, a, usage.Queries, []usage.Subject{usage.Whole()}, ago(9), ago(5)); len(got) != 0 {
		t.Errorf("the account's failed queries: %v", got)
	}
}

// crowd is an account with more than its pages hold.
func crowd(page int) Scene {
	s := Scene{Now: now(), Page: page}
	for i := range 7 {
		s.Databases = append(s.Databases, Database{
			Name: fmt.Sprintf("shop-%d", i), From: ago(9), To: ago(4), Size: 4096,
			Reads: Runs{PerHour: int64(10 + i), Failed: int64(i % 2), Rows: 3}, Writes: Runs{PerHour: 2, Rows: 1},
		})
		s.Workers = append(s.Workers, Worker{Script: fmt.Sprintf("shop-%d", i), From: ago(9), To: ago(4), PerHour: int64(5 + i), Failed: int64(i % 3)})
	}
	return s
}

func pages(t *testing.T, open opener) {
	whole := open(t, crowd(0))
	for _, page := range []int{9, 4} { // more than an hour's databases, and less
		cut := open(t, crowd(page))
		for _, d := range usage.AllDatasets() {
			for name, subjects := range map[string]func(Account) []usage.Subject{
				"the account": func(Account) []usage.Subject { return []usage.Subject{usage.Whole()} },
				"some":        func(a Account) []usage.Subject { return some(a, 3) },
				"all":         func(a Account) []usage.Subject { return append(some(a, 7), usage.Whole()) },
				"one":         func(a Account) []usage.Subject { return some(a, 1) },
				"many, most of which do nothing": func(a Account) []usage.Subject {
					all := some(a, 7)
					for i := range 60 {
						all = append(all, usage.Subject{Kind: usage.Worker, ID: fmt.Sprintf("idle-%d", i)},
							usage.Subject{Kind: usage.Database, ID: fmt.Sprintf("00000000-0000-4000-8000-0000000000%02d", i)})
					}
					return all
				},
			} {
				t.Run(fmt.Sprintf("%d, %s, %s", page, d, name), func(t *testing.T) {
					want, got := hours(t, whole, d, subjects(whole), ago(11), ago(3)), hours(t, cut, d, subjects(cut), ago(11), ago(3))
					if len(want) == 0 && !(d == usage.Queries && name == "the account") {
						t.Error("there is nothing to compare")
					}
					same(t, unnamed(whole, want), unnamed(cut, got))
				})
			}
		}
	}
}

// some are the first so many databases and Workers of a crowd.
func some(a Account, n int) (all []usage.Subject) {
	for i := range n {
		name := fmt.Sprintf("shop-%d", i)
		all = append(all, a.Subject(name), usage.Subject{Kind: usage.Worker, ID: name})
	}
	return all
}

// unnamed replaces the ids of a crowd's databases, which are others in each account, by their names.
func unnamed(a Account, all []counted) []counted {
	for i := range all {
		for n := range 7 {
			if name := fmt.Sprintf("shop-%d", n); all[i].ID == a.Subject(name).ID {
				all[i].ID = name
			}
		}
	}
	return all
}

func longStretch(t *testing.T, open opener) {
	s := Scene{Now: now(), Longest: 60 * time.Hour, Databases: shops(ago(700), ago(4)), Workers: []Worker{{Script: "shop", From: ago(700), To: ago(4), PerHour: 5}}}
	a := open(t, s)
	for d, want := range map[usage.Dataset]int{usage.Activity: 2 * 696, usage.Queries: 696, usage.Invocations: 2 * 696} {
		all := []usage.Subject{usage.Whole(), a.Subject("shop"), {Kind: usage.Worker, ID: "shop"}}
		if got := hours(t, a, d, all, ago(720), ago(0)); len(got) != want {
			t.Errorf("%s: %d hours, want %d", d, len(got), want)
		}
	}
	if got := hours(t, a, usage.Sizes, []usage.Subject{usage.Whole()}, ago(620), ago(1)); len(got) != 619 {
		t.Errorf("the account's storage is known for %d hours, want 619", len(got))
	}
}

func halves(t *testing.T, open opener) {
	a := open(t, Scene{Now: now(), Databases: shops(ago(30), ago(4)), Workers: []Worker{{Script: "shop", From: ago(30), To: ago(4), PerHour: 5}}})
	all := []usage.Subject{usage.Whole(), a.Subject("shop"), a.Subject("shop-preview"), {Kind: usage.Worker, ID: "shop"}}
	for _, d := range usage.AllDatasets() {
		whole := hours(t, a, d, all, ago(28), ago(2))
		same(t, whole, append(hours(t, a, d, all, ago(28), ago(13)), hours(t, a, d, all, ago(13), ago(2))...))
	}
}

func running(t *testing.T, open opener) {
	s := Scene{Now: now(), Databases: shops(ago(3), ago(-2))}
	a := open(t, s)
	got := hours(t, a, usage.Activity, []usage.Subject{a.Subject("shop")}, ago(1), ago(-1))
	if len(got) != 2 || got[0].Figures["write_queries"] != 6 || got[1].Figures["write_queries"] < 1 || got[1].Figures["write_queries"] > 2 {
		t.Errorf("at a quarter past: %v", got)
	}
	s.Lag = 80 * time.Minute
	a = open(t, s)
	if got := hours(t, a, usage.Activity, []usage.Subject{a.Subject("shop")}, ago(2), ago(-1)); len(got) != 1 || got[0].Hour != ago(2) {
		t.Errorf("80 minutes later: %v", got)
	}
}

func refusals(t *testing.T, open opener) {
	for _, c := range []struct {
		name  string
		scene Scene
		want  error
	}{
		{"not allowed", Scene{NotAllowed: true}, usage.ErrNotAllowed},
		{"too many questions", Scene{Busy: true}, usage.ErrBusy},
		{"data and errors both", Scene{Partial: true}, nil},
	} {
		c.scene.Now, c.scene.Databases = now(), shops(ago(9), ago(4))
		a := open(t, c.scene)
		all := []usage.Subject{usage.Whole(), a.Subject("shop"), {Kind: usage.Worker, ID: "shop"}}
		if b, err := a.Datasets(t.Context()); err == nil || b != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: datasets %v, %v", c.name, b, err)
		}
		for _, d := range usage.AllDatasets() {
			if got, err := a.Hours(t.Context(), d, all, ago(9), ago(4)); err == nil || got != nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%s: %s %v, %v", c.name, d, got, err)
			}
		}
		if errors.Is(c.want, usage.ErrNotAllowed) {
			if all, err := a.Inventory(t.Context()); err != nil || len(all) != 2 {
				t.Errorf("the list of databases needs another permission: %v, %v", all, err)
			}
		}
	}
	a := open(t, Scene{Now: now(), Databases: shops(ago(9), ago(4))})
	if got, err := a.Hours(t.Context(), usage.Activity, []usage.Subject{usage.Whole()}, ago(40*24), ago(4)); err == nil || got != nil {
		t.Errorf("longer ago than anything is kept: %d samples, %v", len(got), err)
	}
}

func cancelled(t *testing.T, open opener) {
	a := open(t, Scene{Now: now(), Databases: shops(ago(9), ago(4))})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := a.Datasets(ctx)
	_, also := a.Inventory(ctx)
	_, third := a.Hours(ctx, usage.Activity, []usage.Subject{usage.Whole()}, ago(9), ago(4))
	for _, err := range []error{err, also, third} {
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}
