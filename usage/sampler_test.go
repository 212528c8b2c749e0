package usage_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"towline/usage"
)

func TestANewInstallHasWhatCloudflareKeeps(t *testing.T) {
	w, _, s := start(t)
	for _, of := range []usage.Subject{usage.Whole(), shop(), preview()} {
		days := daysOf(t, s, of)
		first := usage.Day(began().Add(-31 * day))
		if len(days) != 32 {
			t.Errorf("%v has %d days", of, len(days))
		}
		if d := days[first]; d.Hours != 14 { // from 10:00 on: what is left of 09:20 is not a whole hour
			t.Errorf("%v: the first day covers %d hours", of, d.Hours)
		}
		for at := first.Add(day); at.Before(usage.Day(began())); at = at.Add(day) {
			wantFigure(t, fmt.Sprint(of, at), days[at], usage.RowsRead, fmt.Sprintf("%g of 24", truth(of, at)))
		}
	}
	worker := daysOf(t, s, api())[usage.Day(began()).Add(-day)]
	wantFigure(t, "the Worker's yesterday", worker, usage.Requests, fmt.Sprintf("%g of 24", truth(api(), worker.At)))
	wantFigure(t, "the Worker's yesterday", worker, usage.Errors, "24 of 24")
	wantFigure(t, "the Worker's yesterday", worker, usage.RowsRead, "not counted")
	database := daysOf(t, s, shop())[usage.Day(began()).Add(-day)]
	wantFigure(t, "the database's yesterday", database, usage.Errors, "24 of 24")
	wantFigure(t, "the database's yesterday", database, usage.Requests, "not counted")
	if w.longest > 7*day {
		t.Errorf("a stretch of %s was asked for at once", w.longest)
	}
	if n := len(hoursOf(t, s, usage.Subject{Kind: usage.Database, ID: "id-other"})); n != 0 {
		t.Errorf("a database that nobody watches has %d hours", n)
	}
}

func TestTheRunningHourIsKnownSoFarAndGrows(t *testing.T) {
	w, _, s := start(t)
	last := func() usage.Sample {
		all := hoursOf(t, s, shop())
		return all[len(all)-1]
	}
	running := usage.Hour(began())
	if last().At != running {
		t.Fatalf("the last hour is %s", last().At)
	}
	wantFigure(t, "the running hour", last(), usage.RowsRead, fmt.Sprintf("%g of 0", rows(shop(), running)/2))
	today := daysOf(t, s, shop())[usage.Day(running)]
	sum := rows(shop(), running) / 2
	for h := range 9 {
		sum += rows(shop(), today.At.Add(time.Duration(h)*time.Hour))
	}
	wantFigure(t, "today", today, usage.RowsRead, fmt.Sprintf("%g of 9", sum))
	wantFigure(t, "today", today, usage.Storage, "4000 of 2") // measured at 0 and, so far, 6; listed now: the most
	w.pass(time.Hour)
	sample(t, s)
	all := hoursOf(t, s, shop())
	wantFigure(t, "the hour that is over", all[len(all)-2], usage.RowsRead, fmt.Sprintf("%g of 1", rows(shop(), running)))
	wantFigure(t, "the one after it", last(), usage.RowsRead, fmt.Sprintf("%g of 0", rows(shop(), running.Add(time.Hour))/2))
}

func TestHowOftenAnHourIsReadMakesNoDifference(t *testing.T) {
	w, store, s := start(t)
	before, asked := hoursOf(t, s, shop()), len(w.asked)
	for range 5 {
		sample(t, s)
		s = w.sampler(store) // another process
	}
	after := hoursOf(t, s, shop())
	if len(before) != len(after) {
		t.Fatalf("%d hours became %d", len(before), len(after))
	}
	for i := range before {
		if before[i] != after[i] {
			t.Errorf("the hour %s was %+v and is %+v", before[i].At, before[i], after[i])
		}
	}
	if n := len(w.asked) - asked; n != 5*4 {
		t.Errorf("five more passes asked %d times:\n%s", n, strings.Join(w.asked[asked:], "\n"))
	}
}

func TestAGapAfterDowntimeIsFilledAsFarAsCloudflareRemembers(t *testing.T) {
	w, store, _ := start(t)
	w.pass(6 * day)
	s := w.sampler(store)
	sample(t, s)
	for at := usage.Day(began()); at.Before(usage.Day(w.now)); at = at.Add(day) {
		wantFigure(t, at.String(), daysOf(t, s, shop())[at], usage.RowsRead, fmt.Sprintf("%g of 24", truth(shop(), at)))
	}
	stopped := w.now
	w.pass(40 * day)
	s = w.sampler(store)
	sample(t, s)
	days := daysOf(t, s, shop())
	lost := 0
	for at := usage.Day(stopped).Add(day); at.Before(usage.Day(w.now)); at = at.Add(day) {
		switch d, there := days[at]; {
		case at.Before(usage.Day(w.now.Add(-31 * day))):
			lost++
			if there {
				t.Errorf("%s is there, and Cloudflare has forgotten it: %+v", at, d)
			}
		case at.Equal(usage.Day(w.now.Add(-31 * day))):
			wantFigure(t, "the day that is being forgotten", d, usage.RowsWritten, figure(d, usage.RowsWritten))
			if d.Hours != 14 {
				t.Errorf("it covers %d hours", d.Hours)
			}
		default:
			wantFigure(t, at.String(), d, usage.RowsRead, fmt.Sprintf("%g of 24", truth(shop(), at)))
		}
	}
	if lost != 8 {
		t.Errorf("%d days are lost", lost)
	}
}

func TestNothingHappenedIsZeroAndNotCountedIsMissing(t *testing.T) {
	w := newWorld()
	w.busy = func(s usage.Subject, hour time.Time) bool { return s.Kind == usage.Account || hour.Hour() == 5 }
	w.bounds[usage.Queries] = usage.Bounds{}
	delete(w.bounds, usage.Invocations)
	s := w.sampler(newStore())
	sample(t, s)
	yesterday := daysOf(t, s, shop())[usage.Day(began()).Add(-day)]
	five := yesterday.At.Add(5 * time.Hour)
	wantFigure(t, "a database that works one hour a day", yesterday, usage.RowsRead, fmt.Sprintf("%g of 24", rows(shop(), five)))
	wantFigure(t, "its times", yesterday, usage.BatchP90, fmt.Sprintf("%g of 1", rows(shop(), five)/100))
	wantFigure(t, "its failures", yesterday, usage.Errors, "not counted")
	if n := len(hoursOf(t, s, api())); n != 0 {
		t.Errorf("the Worker has %d hours", n)
	}
	state := stateOf(t, s)
	for d, why := range map[usage.Dataset]usage.Why{usage.Activity: "", usage.Queries: usage.Disabled, usage.Invocations: usage.Missing} {
		if got := state.Datasets[d]; got.Why != why || got.Available != (why == "") {
			t.Errorf("%s: %+v", d, got)
		}
	}
	if state.Trouble != "" {
		t.Errorf("trouble: %s", state.Trouble)
	}
}

func TestAnIdleAccountIsCountedOnceItsHoursAreOld(t *testing.T) {
	w := newWorld()
	w.busy = func(usage.Subject, time.Time) bool { return false }
	s := w.sampler(newStore())
	sample(t, s)
	today := daysOf(t, s, shop())[usage.Day(began())]
	wantFigure(t, "what is settled of today", today, usage.RowsRead, "0 of 3") // 09:20 now, and six hours are waited for
	if to := stateOf(t, s).Datasets[usage.Activity].CountedTo; !to.Equal(usage.Hour(began()).Add(-6 * time.Hour)) {
		t.Errorf("counted to %s", to)
	}
}

func TestAFigureThatTheAccountsSchemaLacksIsNotZero(t *testing.T) {
	w := newWorld()
	w.lacks[usage.WriteQueries] = true
	w.busy = func(s usage.Subject, _ time.Time) bool { return s != preview() }
	s := w.sampler(newStore())
	sample(t, s)
	yesterday := daysOf(t, s, preview())[usage.Day(began()).Add(-day)]
	wantFigure(t, "a database that does nothing", yesterday, usage.ReadQueries, "0 of 24")
	wantFigure(t, "a database that does nothing", yesterday, usage.WriteQueries, "not counted")
}

func TestWhatLagsBehindIsSaidAndFilledIn(t *testing.T) {
	w := newWorld()
	w.lag = 4 * time.Hour
	s := w.sampler(newStore())
	sample(t, s)
	if to := stateOf(t, s).Datasets[usage.Activity].CountedTo; !to.Equal(usage.Hour(began()).Add(-4 * time.Hour)) {
		t.Errorf("counted to %s", to)
	}
	if today := daysOf(t, s, shop())[usage.Day(began())]; today.Hours != 5 {
		t.Errorf("today covers %d hours", today.Hours)
	}
	w.pass(20 * time.Hour)
	sample(t, s)
	wantFigure(t, "the day after it", daysOf(t, s, shop())[usage.Day(began())], usage.RowsRead, fmt.Sprintf("%g of 24", truth(shop(), usage.Day(began()))))
}

func TestTroubleLeavesWhatIsThereAndIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		break_  func(w *world)
		why     usage.Why // of the dataset
		trouble usage.Why
		fails   bool
	}{
		"no permission": {func(w *world) {
			w.fails[usage.Activity] = fmt.Errorf("403: %w", usage.ErrNotAllowed)
		}, usage.NotAllowed, "", false},
		"no permission to ask what there is": {func(w *world) { w.asking = usage.ErrNotAllowed }, usage.NotAllowed, "", false},
		"too many questions":                 {func(w *world) { w.fails[usage.Activity] = usage.ErrBusy }, usage.Busy, usage.Busy, true},
		"half an answer":                     {func(w *world) { w.fails[usage.Activity] = errors.New("data and errors both") }, usage.NoAnswer, usage.NoAnswer, true},
		"no list of databases":               {func(w *world) { w.listing = errors.New("gone away") }, "", usage.NoAnswer, true},
		"nothing answers": {func(w *world) {
			w.listing, w.asking = errors.New("gone away"), errors.New("gone away")
		}, usage.NoAnswer, usage.NoAnswer, true},
	} {
		t.Run(name, func(t *testing.T) {
			w, store, s := start(t)
			before := hoursOf(t, s, shop())
			w.pass(3 * day)
			c.break_(w)
			if err := s.Sample(t.Context()); (err != nil) != c.fails {
				t.Errorf("the pass returned %v", err)
			}
			state := stateOf(t, s)
			if d := state.Datasets[usage.Activity]; d.Why != c.why || state.Trouble != c.trouble || d.CountedTo.IsZero() || d.Back != 31*day {
				t.Errorf("%+v, trouble %q", d, state.Trouble)
			}
			if !state.LastPass.Equal(w.clock()) || state.Count != 3 || state.Size != 4370 {
				t.Errorf("state %+v", state)
			}
			after := hoursOf(t, s, shop())
			for i, h := range before[:len(before)-6] {
				if h != after[i] {
					t.Fatalf("%s was %+v and is %+v", h.At, h, after[i])
				}
			}
			if of, ok := s.Subject("shop"); of != shop() || !ok {
				t.Errorf("shop is %v, %v", of, ok)
			}
			w.listing, w.asking, w.fails = nil, nil, map[usage.Dataset]error{}
			s = w.sampler(store)
			sample(t, s)
			for at := usage.Day(began()); at.Before(usage.Day(w.now)); at = at.Add(day) {
				wantFigure(t, at.String(), daysOf(t, s, shop())[at], usage.RowsRead, fmt.Sprintf("%g of 24", truth(shop(), at)))
			}
			if state := stateOf(t, s); state.Trouble != "" || !state.Datasets[usage.Activity].Available {
				t.Errorf("afterwards: %+v", state)
			}
		})
	}
}

func TestOnceCloudflareIsBusyNothingMoreIsAsked(t *testing.T) {
	w := newWorld()
	w.fails[usage.Sizes] = usage.ErrBusy
	s := w.sampler(newStore())
	if err := s.Sample(t.Context()); !errors.Is(err, usage.ErrBusy) {
		t.Fatalf("%v", err)
	}
	if len(w.asked) != 2 {
		t.Errorf("asked: %v", w.asked)
	}
	state := stateOf(t, s)
	for d, why := range map[usage.Dataset]usage.Why{usage.Activity: "", usage.Sizes: usage.Busy, usage.Queries: usage.Busy, usage.Invocations: usage.Busy} {
		if state.Datasets[d].Why != why {
			t.Errorf("%s: %+v", d, state.Datasets[d])
		}
	}
}

func TestAWorkerIsCountedFromWhenItWasFirstSeen(t *testing.T) {
	w, store := newWorld(), newStore()
	first := usage.Hour(began()).Add(-100 * time.Hour)
	w.busy = func(s usage.Subject, hour time.Time) bool {
		return s.Kind == usage.Account || s == api() && (hour.Equal(first) || hour.After(began().Add(5*time.Hour)))
	}
	s := usage.New(usage.Options{Store: store, Source: w, Now: w.clock, Watch: func() usage.Watched { return usage.Watched{Workers: []string{"api", "mistyped"}} }})
	sample(t, s)
	asked := len(w.asked)
	w.pass(time.Hour)
	sample(t, s)
	all := hoursOf(t, s, api())
	if all[0].At != first || len(all) != 101 { // up to the hour before the one that is running
		t.Fatalf("%d hours since %s", len(all), all[0].At)
	}
	wantFigure(t, "the hour in which it was seen", all[0], usage.Requests, fmt.Sprintf("%g of 1", rows(api(), first)))
	wantFigure(t, "the one after it", all[1], usage.Requests, "0 of 1")
	if n := len(hoursOf(t, s, usage.Subject{Kind: usage.Worker, ID: "mistyped"})); n != 0 {
		t.Errorf("one that was never seen has %d hours", n)
	}
	if n := len(w.asked) - asked; n != 3 { // no database is watched, so nobody's queries are asked for
		t.Errorf("the second pass asked %d times: %v", n, w.asked[asked:])
	}
}

func TestADatabaseMadeAnewUnderTheSameNameIsAnother(t *testing.T) {
	w, _, s := start(t)
	old := hoursOf(t, s, shop())
	w.pass(30 * time.Hour)
	w.stored[0] = usage.Stored{ID: "id-new", Name: "shop", Size: 1, Created: w.now.Add(-90 * time.Minute)}
	w.busy = func(s usage.Subject, hour time.Time) bool { return s.ID != "id-new" || hour.Equal(usage.Hour(w.now)) }
	sample(t, s)
	of, ok := s.Subject("shop")
	if !ok || of.ID != "id-new" {
		t.Fatalf("shop is %v", of)
	}
	if now := hoursOf(t, s, of); len(now) != 3 || !now[0].At.Equal(usage.Hour(w.now).Add(-2*time.Hour)) {
		t.Errorf("the new one has %d hours: %+v", len(now), now)
	}
	if n := len(hoursOf(t, s, shop())); n != len(old) {
		t.Errorf("the old one had %d hours and has %d", len(old), n)
	}
	if _, ok := s.Subject("other"); ok {
		t.Error("a database that nobody watches has a subject")
	}
}

func TestADatabaseThatLeftTheConfigIsCountedAsLongAsItIsThere(t *testing.T) {
	w, store, _ := start(t)
	s := usage.New(usage.Options{Store: store, Source: w, Now: w.clock})
	w.pass(10 * time.Hour)
	sample(t, s)
	all := hoursOf(t, s, preview())
	if last := all[len(all)-1]; !last.At.Equal(usage.Hour(w.now)) {
		t.Errorf("it was counted to %s", last.At)
	}
	w.stored = w.stored[:1]
	w.pass(10 * time.Hour)
	sample(t, s)
	if _, there := stateOf(t, s).Databases["shop-preview"]; there {
		t.Error("a database that is gone is listed")
	}
	if n := len(hoursOf(t, s, preview())); n != len(all) {
		t.Errorf("%d hours of it became %d", len(all), n)
	}
}

func TestASizeThatIsNotToldIsNotZero(t *testing.T) {
	w := newWorld()
	w.stored[0].Size = -1
	w.bounds = nil
	s := w.sampler(newStore())
	sample(t, s)
	if state := stateOf(t, s); state.Unsized != 1 || state.Size != 370 || state.Count != 3 {
		t.Errorf("%+v", state)
	}
	if n := len(hoursOf(t, s, shop())); n != 0 {
		t.Errorf("the database has %d hours", n)
	}
	account := hoursOf(t, s, usage.Whole())
	wantFigure(t, "the account", account[0], usage.Storage, "not counted")
	wantFigure(t, "the account", account[0], usage.Databases, "3 of 1")
	wantFigure(t, "the account", account[0], usage.APICalls, "42 of 1")
}

func TestWhatAllDatabasesTakeIsWhatTheListSaysWhereItWasLookedAt(t *testing.T) {
	w := newWorld()
	w.now, w.lag = began().Add(3*time.Hour), 0 // 12:20: analytics measure at 0, 6 and 12, deleted databases among them
	s := w.sampler(newStore())
	at := func(hour int) string {
		t.Helper()
		for _, h := range hoursOf(t, s, usage.Whole()) {
			if h.At.Equal(usage.Day(began()).Add(time.Duration(hour) * time.Hour)) {
				return figure(h, usage.Storage)
			}
		}
		return "no hour"
	}
	w.stored = w.stored[1:]
	for range 3 {
		sample(t, s)
		if before, now := at(6), at(12); before != fmt.Sprintf("%g of 1", 1000+rows(usage.Whole(), usage.Day(began()).Add(6*time.Hour))) || now != "370 of 1" {
			t.Errorf("at 6 it was %s, and at 12 %s", before, now)
		}
		w.pass(time.Hour)
	}
	if now := at(14); now != "370 of 1" {
		t.Errorf("at 14 it was %s", now)
	}
}

func TestReadersAreNotInTheWayOfAPass(t *testing.T) {
	w, _, s := start(t)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-s.Changed():
				default:
				}
				state := stateOf(t, s)
				state.Databases["shop"], state.Datasets[usage.Activity] = usage.Stored{}, usage.Standing{} // it is the reader's own
				if of, ok := s.Subject("shop"); !ok || of != shop() {
					t.Errorf("shop is %v", of)
				}
				if n := len(hoursOf(t, s, shop())); n < 31*24 {
					t.Errorf("%d hours", n)
				}
			}
		})
	}
	for range 5 {
		w.pass(time.Hour)
		sample(t, s)
	}
	close(done)
	readers.Wait()
}
