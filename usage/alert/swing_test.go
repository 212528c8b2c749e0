package alert_test

import (
	"testing"
	"time"

	"towline/usage/alert"
	"towline/usage/tariff"
)

func TestWhatSwingsToAndFroIsOneAlertThatStands(t *testing.T) {
	for _, c := range []struct {
		name string
		used func(hour int) float64 // of a database account of 5 GB, in shares
		most int                    // alerts in nine weeks
	}{
		{"three hours above, three below", func(h int) float64 { return []float64{0.43, 0.51}[h/3%2] }, 2},
		{"an import at night that is gone in the morning", func(h int) float64 { return []float64{0.51, 0.43, 0.43, 0.43}[h%24/6] }, 2},
		{"an import on Mondays", func(h int) float64 { return []float64{0.51, 0.43, 0.43, 0.43, 0.43, 0.43, 0.43}[h/24%7] }, 3},
		{"from nothing to almost all of it, every other hour", func(h int) float64 { return []float64{0, 0, 0.96, 0.96}[h%4] }, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &watch{t: t, r: rules(t, tariff.Free)}
			seen := map[string]bool{}
			for h := range 9 * 7 * 24 {
				now := noon.Add(time.Duration(h) * time.Hour)
				w.at(now, w.measure(tariff.AccountStorage, c.used(h)*5e9, now))
				for i := range w.all {
					if seen[w.all[i].ID] = true; !w.all[i].Open() {
						w.all[i].Told = true
					}
				}
			}
			if len(seen) == 0 || len(seen) > c.most {
				t.Errorf("%d alerts, %d at most", len(seen), c.most)
			}
		})
	}
}

func TestAnAlertThatCameBackIsOverLaterThanTheFirst(t *testing.T) {
	w := &watch{t: t, r: rules(t, tariff.Free)}
	w.r.Quiet = alert.Quiet{} // what nobody was shown does not count
	now := noon
	for i, wait := range []time.Duration{time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 7 * 24 * time.Hour} {
		if a := w.at(now, w.measure(tariff.AccountStorage, 2.6e9, now)); !a.Open() || a.Again != i {
			t.Fatalf("crossing %d: %+v", i, a)
		}
		clear := now.Add(10 * time.Hour)
		w.at(clear, w.measure(tariff.AccountStorage, 2e9, clear))
		if a := w.at(clear.Add(wait-time.Minute), w.measure(tariff.AccountStorage, 2e9, clear)); !a.Open() {
			t.Fatalf("crossing %d is over too soon: %+v", i, a)
		}
		if a := w.at(clear.Add(wait), w.measure(tariff.AccountStorage, 2e9, clear)); a.Why != alert.Recovered {
			t.Fatalf("crossing %d is not over: %+v", i, a)
		}
		now = clear.Add(wait + 8*24*time.Hour) // the last moment at which it has come back
	}
	now = now.Add(time.Hour)
	if a := w.at(now, w.measure(tariff.AccountStorage, 2.6e9, now)); a.Again != 0 {
		t.Errorf("after a longer peace: %+v", a)
	}
}
