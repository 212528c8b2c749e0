package alert_test

import (
	"testing"
	"time"

	"towline/usage/alert"
	"towline/usage/tariff"
)

func TestQuietHoursHoldBackWhatDoesNotStopProduction(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	night := time.Date(2026, 11, 20, 23, 0, 0, 0, berlin)
	w := &watch{t: t, r: rules(t, tariff.Free)}
	storage := func(used float64, now time.Time) alert.Measure { return w.measure(tariff.AccountStorage, used, now) }
	a := w.at(night, storage(4.9e9, night))
	if a == nil || a.Shown {
		t.Fatalf("at night: %+v", a)
	}
	if next := alert.Next(w.all, w.r, night); !next.Equal(time.Date(2026, 11, 21, 7, 0, 0, 0, berlin)) {
		t.Errorf("next look at %s", next)
	}
	morning := time.Date(2026, 11, 21, 7, 0, 0, 0, berlin)
	if a = w.at(morning.Add(-time.Second), storage(4.9e9, morning)); a.Shown {
		t.Fatalf("before the morning: %+v", a)
	}
	if a = w.at(morning, storage(4.9e9, morning)); !a.Shown || !a.Loud || a.Urgent || a.Repost != 0 {
		t.Errorf("in the morning: %+v", a)
	}

	// What stops production is told at once.
	w = &watch{t: t, r: w.r}
	if a = w.at(night, storage(5e9, night)); !a.Shown || !a.Urgent || !a.Loud || a.Repost != 0 {
		t.Errorf("reached at night: %+v", a)
	}
	w = &watch{t: t, r: w.r}
	w.at(night.Add(-2*time.Hour), storage(3e9, night))
	if a = w.at(night, storage(5e9, night)); a.Repost != 1 {
		t.Errorf("posted in the evening, reached at night: %+v", a)
	}
	// What is reached on the paid plan's included volume stops nothing.
	w = &watch{t: t, r: rules(t, tariff.Paid)}
	if a = w.at(night, w.measure(tariff.StorageIncluded, 6e9, night)); a.Shown || a.Urgent {
		t.Errorf("a volume at night: %+v", a)
	}
	// What came and went in the night is never shown, and forgotten.
	w = &watch{t: t, r: rules(t, tariff.Free)}
	w.at(night, storage(2.6e9, night))
	w.at(night.Add(time.Hour), storage(1e9, night))
	if a = w.at(night.Add(2*time.Hour), storage(1e9, night)); a != nil {
		t.Errorf("came and went: %+v", a)
	}
}

func TestQuietHoursFollowTheClockOverSummerTime(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	for _, c := range []struct {
		name  string
		night time.Time // 23:00
		hours float64   // until 07:00
	}{
		{"an ordinary night", time.Date(2027, 3, 20, 23, 0, 0, 0, berlin), 8},
		{"the night in which summer time begins", time.Date(2027, 3, 27, 23, 0, 0, 0, berlin), 7},
		{"the night in which it ends", time.Date(2026, 10, 24, 23, 0, 0, 0, berlin), 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &watch{t: t, r: rules(t, tariff.Free)}
			w.at(c.night, w.measure(tariff.AccountStorage, 3e9, c.night))
			next := alert.Next(w.all, w.r, c.night)
			if got := next.Sub(c.night).Hours(); got != c.hours {
				t.Fatalf("quiet for %v hours", got)
			}
			if a := w.at(next, w.measure(tariff.AccountStorage, 3e9, next)); !a.Shown {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestAMuteHoldsBackEverythingUntilItEnds(t *testing.T) {
	w := &watch{t: t, r: rules(t, tariff.Free)}
	w.r.Quiet = alert.Quiet{}
	w.at(noon, w.measure(tariff.AccountStorage, 3e9, noon))
	w.all[0] = w.all[0].Mute(noon.Add(oneDay), "Dana")
	a := w.at(noon.Add(time.Hour), w.measure(tariff.AccountStorage, 5e9, noon))
	if a.Urgent || a.Repost != 0 || a.Used != 5e9 {
		t.Errorf("reached while it is muted: %+v", a)
	}
	if next := alert.Next(w.all, w.r, noon.Add(time.Hour)); !next.Equal(noon.Add(oneDay)) {
		t.Errorf("next look at %s", next)
	}
	if a = w.at(noon.Add(oneDay), w.measure(tariff.AccountStorage, 5e9, noon)); !a.Urgent || a.Repost != 1 {
		t.Errorf("the mute is over: %+v", a)
	}

	// A mute outlives the crossing that it was for.
	w.all[0] = w.all[0].Mute(noon.Add(9*oneDay), "Dana")
	w.at(noon.Add(2*oneDay), w.measure(tariff.AccountStorage, 1e9, noon))
	w.at(noon.Add(3*oneDay), w.measure(tariff.AccountStorage, 1e9, noon))
	w.all[0].Told = true
	if a = w.at(noon.Add(4*oneDay), w.measure(tariff.AccountStorage, 4e9, noon)); len(w.all) != 2 || a.Shown || a.MutedBy != "Dana" {
		t.Errorf("%+v", w.all)
	}
}
