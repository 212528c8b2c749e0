package alert_test

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"towline/usage"
	"towline/usage/alert"
	"towline/usage/forecast"
	"towline/usage/tariff"
)

// noon is Friday 20 November 2026, 12:00 UTC.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const oneDay = 24 * time.Hour

func rules(t *testing.T, p tariff.Plan) alert.Rules {
	t.Helper()
	tab, err := tariff.Of(p, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return alert.Rules{Table: tab, Percents: []int{50, 80, 95}, Zone: zone(t, "Europe/Berlin"), Quiet: alert.Quiet{From: 22 * time.Hour, To: 7 * time.Hour}, BillingDay: 1}
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// watch is a limit over time: what was judged so far.
type watch struct {
	t   *testing.T
	r   alert.Rules
	all []alert.Alert
}

// at judges one measure at a moment, twice: the second time nothing may change.
func (w *watch) at(now time.Time, ms ...alert.Measure) *alert.Alert {
	w.t.Helper()
	w.all = alert.Judge(w.all, ms, nil, w.r, now)
	again := alert.Judge(w.all, ms, nil, w.r, now)
	if diff := cmp.Diff(w.all, again); diff != "" && len(w.all)+len(again) > 0 {
		w.t.Fatalf("judged again at %s: %s", now, diff)
	}
	if len(w.all) == 0 {
		return nil
	}
	return &w.all[len(w.all)-1]
}

// measure is one of the account at a moment.
func (w *watch) measure(key string, used float64, now time.Time) alert.Measure {
	w.t.Helper()
	e, ok := w.r.Table.Limit(key)
	if !ok {
		w.t.Fatalf("the plan has no %s", key)
	}
	m := alert.Measure{Limit: e, Subject: usage.Whole(), Used: used, Counted: now}
	switch {
	case strings.HasSuffix(key, "per_day"):
		m.From, m.Resets = usage.Day(now), usage.Day(now).Add(oneDay)
	case strings.HasSuffix(key, "per_month"):
		m.From, m.Resets = tariff.BillingMonth(now, w.r.BillingDay)
	}
	return m
}

// reaching adds the days on which the limit is reached.
func reaching(m alert.Measure, early, likely, late time.Time) alert.Measure {
	m.Reach = forecast.Reach{Earliest: early, Likely: likely, Latest: late}
	return m
}

func TestAnAlertBeginsAtTheFirstPercentageAndFollowsTheOthersInTheSameMessage(t *testing.T) {
	w := &watch{t: t, r: rules(t, tariff.Free)}
	if a := w.at(noon, w.measure(tariff.AccountStorage, 2.4e9, noon)); a != nil {
		t.Fatalf("at 48 %%: %+v", a)
	}
	a := w.at(noon.Add(time.Hour), w.measure(tariff.AccountStorage, 2.5e9, noon))
	if a == nil || a.Percent != 50 || !a.Shown || a.Loud || a.Urgent || a.Used != 2.5e9 || a.Most != 5e9 || !a.Hard {
		t.Fatalf("at 50 %%: %+v", a)
	}
	id := a.ID
	a = w.at(noon.Add(2*time.Hour), w.measure(tariff.AccountStorage, 4.1e9, noon))
	if a.ID != id || a.Percent != 80 || a.Repost != 0 || len(w.all) != 1 {
		t.Errorf("at 82 %%: %+v", a)
	}
	a = w.at(noon.Add(3*time.Hour), w.measure(tariff.AccountStorage, 5e9, noon))
	if a.ID != id || a.Percent != 95 || !a.Urgent || !a.Loud || a.Repost != 1 || len(w.all) != 1 {
		t.Errorf("reached: %+v", a)
	}
	if a = w.at(noon.Add(4*time.Hour), w.measure(tariff.AccountStorage, 5.1e9, noon)); a.Repost != 1 {
		t.Errorf("posted anew once more: %+v", a)
	}
}

func TestAnAlertBeginsByDateBelowEveryPercentage(t *testing.T) {
	w := &watch{t: t, r: rules(t, tariff.Free)}
	in := func(days int) time.Time { return usage.Day(noon).Add(time.Duration(days) * oneDay) }
	m := reaching(w.measure(tariff.AccountStorage, 1e9, noon), in(30), in(40), in(55))
	a := w.at(noon, m)
	if a == nil || a.Percent != 0 || a.Loud || !a.Reaches.Equal(in(40)) || !a.Earliest.Equal(in(30)) || !a.Latest.Equal(in(55)) {
		t.Fatalf("%+v", a)
	}
	// A date that is out of sight for less than a day makes no new alert.
	for h := range 23 {
		now := noon.Add(time.Duration(h+1) * time.Hour)
		if a = w.at(now, w.measure(tariff.AccountStorage, 1e9, now)); !a.Open() {
			t.Fatalf("over after %d hours", h)
		}
	}
	if a = w.at(noon.Add(24*time.Hour), m); !a.Open() || !a.Clear.IsZero() {
		t.Fatalf("in sight again: %+v", a)
	}
	w.at(noon.Add(25*time.Hour), w.measure(tariff.AccountStorage, 1e9, noon))
	a = w.at(noon.Add(49*time.Hour), w.measure(tariff.AccountStorage, 1e9, noon))
	if a.Open() || a.Why != alert.Recovered || a.Told || len(w.all) != 1 {
		t.Errorf("a day out of sight: %+v", a)
	}
}

func TestADateFarFromTheLimitHasToBeSure(t *testing.T) {
	in := func(days int) time.Time { return usage.Day(noon).Add(time.Duration(days) * oneDay) }
	for _, c := range []struct {
		name  string
		used  float64
		late  time.Time
		warns bool
	}{
		{"far from it, and the band agrees", 1e9, in(59), true},
		{"far from it, and the band does not", 1e9, time.Time{}, false},
		{"beyond half of it", 2.6e9, time.Time{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &watch{t: t, r: rules(t, tariff.Free)}
			w.r.Percents = []int{90}
			if a := w.at(noon, reaching(w.measure(tariff.AccountStorage, c.used, noon), in(20), in(40), c.late)); c.warns != (a != nil) {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestWhateverIsMeasuredNobodyIsToldTwice(t *testing.T) {
	r := rules(t, tariff.Free)
	rapid.Check(t, func(rt *rapid.T) {
		w, now := &watch{t: t, r: r}, noon
		told := map[string]alert.Alert{}
		for range rapid.IntRange(1, 60).Draw(rt, "looks") {
			now = now.Add(time.Duration(rapid.IntRange(-60, 900).Draw(rt, "minutes")) * time.Minute)
			var ms []alert.Measure
			for _, key := range []string{tariff.AccountStorage, tariff.RowsReadPerDay} {
				m := w.measure(key, rapid.Float64Range(0, 6e6).Draw(rt, key), now)
				if key == tariff.AccountStorage {
					m.Used *= 1000
				}
				if rapid.Bool().Draw(rt, "dated") {
					m.Reach.Likely = now.Add(time.Duration(rapid.IntRange(1, 500).Draw(rt, "hours")) * time.Hour)
				}
				if rapid.IntRange(0, 9).Draw(rt, "seen") > 0 {
					ms = append(ms, m)
				}
			}
			w.at(now, ms...)
			open, is := map[string]int{}, map[string]alert.Alert{}
			for i, a := range w.all {
				if is[a.ID] = a; a.Open() {
					open[a.Limit+a.Subject.ID]++
				}
				was, known := told[a.ID]
				if known && (was.Shown && !a.Shown || a.Repost > was.Repost+1 || !was.Open() && a.Open() || a.Repost > was.Repost && !a.Urgent) {
					rt.Fatalf("%+v became %+v", was, a)
				}
				if !a.Open() && !a.Told {
					w.all[i].Told = rapid.Bool().Draw(rt, "told")
				}
			}
			for id, a := range told {
				if _, kept := is[id]; !kept && a.Shown && !a.Told {
					rt.Fatalf("its end was not told: %+v", a)
				}
			}
			for key, n := range open {
				if n > 1 {
					rt.Fatalf("%d alerts of %s", n, key)
				}
			}
			told = map[string]alert.Alert{}
			for _, a := range w.all {
				told[a.ID] = a
			}
		}
	})
}

func TestNothingFlapsAroundAPercentage(t *testing.T) {
	w := &watch{t: t, r: rules(t, tariff.Free)}
	now := noon
	for i := range 200 {
		now = now.Add(20 * time.Minute)
		w.at(now, w.measure(tariff.AccountStorage, 2.5e9+0.2e9*math.Sin(float64(i)), now)) // 46 to 54 %
	}
	if len(w.all) != 1 || !w.all[0].Open() || w.all[0].Repost != 0 {
		t.Fatalf("%d alerts: %+v", len(w.all), w.all)
	}
	// Well below, but for less than an hour, again and again.
	for i := range 20 {
		now = now.Add(30 * time.Minute)
		w.at(now, w.measure(tariff.AccountStorage, []float64{2e9, 2.6e9}[i%2], now))
	}
	if len(w.all) != 1 || !w.all[0].Open() {
		t.Fatalf("%+v", w.all)
	}
	for range 3 {
		now = now.Add(30 * time.Minute)
		w.at(now, w.measure(tariff.AccountStorage, 2e9, now))
	}
	if w.all[0].Open() || w.all[0].Why != alert.Recovered {
		t.Fatalf("%+v", w.all)
	}
	w.all[0].Told = true
	w.at(now.Add(time.Hour), w.measure(tariff.AccountStorage, 2.6e9, now))
	if len(w.all) != 2 || w.all[0].ID == w.all[1].ID {
		t.Errorf("a later crossing is another alert: %+v", w.all)
	}
}

func TestALimitByTheDayGoesOnOverMidnightUntilAWholeDayStayedBelow(t *testing.T) {
	w := &watch{t: t, r: rules(t, tariff.Free)}
	day := usage.Day(noon)
	per := func(d int, hour int, used, last float64) *alert.Alert {
		now := day.Add(time.Duration(d)*oneDay + time.Duration(hour)*time.Hour)
		m := w.measure(tariff.RowsReadPerDay, used, now)
		m.Last = last
		return w.at(now, m)
	}
	a := per(0, 18, 3.1e6, 0)
	id := a.ID
	for d := 1; d <= 3; d++ {
		for _, hour := range []int{0, 1, 6, 12, 18, 23} {
			if a = per(d, hour, 3.1e6*float64(hour)/24, 3.1e6); a.ID != id || !a.Open() || a.Repost != 0 || len(w.all) != 1 {
				t.Fatalf("day %d, %d o'clock: %+v", d, hour, a)
			}
		}
	}
	if a = per(4, 1, 1e3, 2e6); !a.Open() {
		t.Fatalf("an hour after a calm day: %+v", a)
	}
	if a = per(4, 2, 1e3, 2e6); a.Open() || a.Why != alert.Recovered {
		t.Errorf("a whole day stayed below: %+v", a)
	}
}

func TestALimitThatIsReachedEveryDayIsHeardEveryDay(t *testing.T) {
	w := &watch{t: t, r: rules(t, tariff.Free)}
	day := usage.Day(noon)
	for d := range 3 {
		for hour := range 24 {
			now := day.Add(time.Duration(d)*oneDay + time.Duration(hour)*time.Hour)
			m := w.measure(tariff.RowsReadPerDay, min(5.2e6, float64(hour)*0.35e6), now)
			if d > 0 {
				m.Last = 5.2e6
			}
			w.at(now, m)
		}
	}
	if len(w.all) != 1 || w.all[0].Repost != 3 { // begun as information on the first day, then once for each
		t.Errorf("%+v", w.all)
	}
}

func TestAMonthlyVolumeEndsWithTheBillingMonth(t *testing.T) {
	for _, c := range []struct {
		name string
		day  int
		last time.Time // still of the old month
	}{
		{"on the first", 1, time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC)},
		{"on the 28th", 28, time.Date(2027, 2, 27, 23, 59, 0, 0, time.UTC)},
		{"on the 31st, which February has not", 31, time.Date(2027, 2, 27, 23, 59, 0, 0, time.UTC)},
		{"over the year's end", 15, time.Date(2027, 1, 14, 23, 59, 0, 0, time.UTC)},
		{"in the night of summer time", 28, time.Date(2027, 3, 27, 23, 59, 0, 0, time.UTC)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &watch{t: t, r: rules(t, tariff.Paid)}
			w.r.BillingDay, w.r.Quiet = c.day, alert.Quiet{}
			a := w.at(c.last, w.measure(tariff.RowsWrittenPerMonth, 41e6, c.last))
			if a == nil || a.Percent != 80 || a.Hard || !a.Resets.Equal(c.last.Add(time.Minute)) {
				t.Fatalf("%+v", a)
			}
			now := c.last.Add(time.Minute)
			a = w.at(now, w.measure(tariff.RowsWrittenPerMonth, 0, now))
			if a.Open() || a.Why != alert.Reset || a.Used != 41e6 {
				t.Errorf("a new month: %+v", a)
			}
			if a = w.at(now.Add(20*oneDay), w.measure(tariff.RowsWrittenPerMonth, 26e6, now.Add(20*oneDay))); !a.Open() || a.Percent != 50 {
				t.Errorf("in the new month: %+v", a)
			}
		})
	}
}

func TestWhatIsPredictedWithinADayIsUrgentWhereItIsSure(t *testing.T) {
	tonight, tomorrow := noon.Add(6*time.Hour), usage.Day(noon).Add(oneDay)
	for _, c := range []struct {
		name   string
		used   float64
		early  time.Time
		likely time.Time
		late   time.Time
		urgent bool
	}{
		{"near the limit, by its pace", 4.2e6, noon, tonight, time.Time{}, true},
		{"far from it, and the band agrees", 1e6, noon, tonight, tomorrow, true},
		{"far from it, and the band does not", 2.6e6, noon, tonight, time.Time{}, false},
		{"in two days", 4.2e6, noon, noon.Add(2 * oneDay), noon.Add(2 * oneDay), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &watch{t: t, r: rules(t, tariff.Free)}
			if a := w.at(noon, reaching(w.measure(tariff.RowsReadPerDay, c.used, noon), c.early, c.likely, c.late)); a.Urgent != c.urgent {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestAnAlertEndsWhereItsSubjectOrTheWishIsGone(t *testing.T) {
	shop := usage.Subject{Kind: usage.Database, ID: "1"}
	open := func(t *testing.T) *watch {
		w := &watch{t: t, r: rules(t, tariff.Free)}
		m := w.measure(tariff.DatabaseSize, 400e6, noon)
		m.Subject, m.Name = shop, "shop"
		w.at(noon, m)
		return w
	}
	judge := func(w *watch, exist alert.Subjects) alert.Alert {
		return alert.Judge(w.all, nil, exist, w.r, noon.Add(time.Hour))[0]
	}
	w := open(t)
	if a := judge(w, nil); !a.Open() || a.Name != "shop" {
		t.Errorf("nothing is known: %+v", a)
	}
	if a := judge(w, alert.Subjects{shop: true}); !a.Open() {
		t.Errorf("it is there, and not measured: %+v", a)
	}
	if a := judge(w, alert.Subjects{}); a.Open() || a.Why != alert.Gone {
		t.Errorf("it is gone: %+v", a)
	}
	w.r.Percents = nil
	if a := judge(w, nil); a.Open() || a.Why != alert.Gone {
		t.Errorf("nobody wants to hear of it: %+v", a)
	}
	w = open(t)
	tab, err := tariff.Of(tariff.Free, map[string]string{"database_size": "0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.r.Table = tab
	if a := judge(w, nil); a.Open() {
		t.Errorf("there is no such limit: %+v", a)
	}
}

func TestWhatIsOverIsKeptForAWhile(t *testing.T) {
	w := &watch{t: t, r: rules(t, tariff.Free)}
	w.at(noon, w.measure(tariff.Databases, 9, noon))
	w.at(noon.Add(time.Hour), w.measure(tariff.Databases, 3, noon))
	w.at(noon.Add(2*time.Hour), w.measure(tariff.Databases, 3, noon))
	if len(w.all) != 1 || w.all[0].Open() {
		t.Fatalf("%+v", w.all)
	}
	if w.at(noon.Add(30*oneDay), w.measure(tariff.Databases, 3, noon)) == nil {
		t.Error("nobody was told that it is over")
	}
	w.all[0].Told = true
	if w.at(noon.Add(alert.Kept), w.measure(tariff.Databases, 3, noon)) == nil {
		t.Error("dropped too early")
	}
	if a := w.at(noon.Add(3*time.Hour+alert.Kept), w.measure(tariff.Databases, 3, noon)); a != nil {
		t.Errorf("kept for ever: %+v", a)
	}
}

func TestAlertsComeInOrder(t *testing.T) {
	w := &watch{t: t, r: rules(t, tariff.Free)}
	w.at(noon, w.measure(tariff.Databases, 9, noon), w.measure(tariff.AccountStorage, 4e9, noon), w.measure(tariff.APICallsPer5m, 900, noon))
	ids := make([]string, len(w.all))
	for i, a := range w.all {
		ids[i] = a.ID
	}
	if !slices.IsSorted(ids) || len(ids) != 3 {
		t.Errorf("%q", ids)
	}
}

func TestAnAlertIsTheSameAfterItWasStored(t *testing.T) {
	w := &watch{t: t, r: rules(t, tariff.Free)}
	now := time.Now().In(zone(t, "Asia/Tokyo")) // with a reading of the monotonic clock
	a := *w.at(now, reaching(w.measure(tariff.RowsReadPerDay, 3e6, now), now, now.Add(time.Hour), now.Add(2*time.Hour)))
	a = a.Mute(now.Add(time.Hour), "Dana")
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var b alert.Alert
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	if !a.Same(b) {
		t.Errorf("%+v is not %+v", a, b)
	}
	// Each field matters: none may be left out of what is compared and stored.
	fields := reflect.ValueOf(&b).Elem()
	for i := range fields.NumField() {
		c, f := b, reflect.ValueOf(&b).Elem().Field(i)
		was := reflect.New(f.Type()).Elem()
		was.Set(f)
		switch v := f.Addr().Interface().(type) {
		case *time.Time:
			*v = v.Add(time.Second)
		case *bool:
			*v = !*v
		case *usage.Subject:
			v.ID += "x"
		default:
			switch f.Kind() {
			case reflect.String:
				f.SetString(f.String() + "x")
			case reflect.Float64:
				f.SetFloat(f.Float() + 1)
			case reflect.Uint64:
				f.SetUint(f.Uint() + 1)
			case reflect.Int, reflect.Int64:
				f.SetInt(f.Int() + 1)
			default:
				t.Fatalf("what is a %s?", f.Type())
			}
		}
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		var stored alert.Alert
		if err := json.Unmarshal(text, &stored); err != nil {
			t.Fatal(err)
		}
		if b.Same(c) || !stored.Same(b) {
			t.Errorf("%s is not compared, or not stored", fields.Type().Field(i).Name)
		}
		f.Set(was)
	}
}
