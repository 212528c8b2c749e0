package tariff

import "time"

// BillingMonth is the billing month that a moment is in: from its billing day at 00:00 UTC until the next one. day is 1 to 31, of a month that is shorter
// its last; another counts as 1.
func BillingMonth(t time.Time, day int) (from, until time.Time) {
	if day < 1 || day > 31 {
		day = 1
	}
	t = t.UTC()
	begins := func(month time.Month) time.Time {
		last := time.Date(t.Year(), month+1, 0, 0, 0, 0, 0, time.UTC)
		return time.Date(t.Year(), month, min(day, last.Day()), 0, 0, 0, 0, time.UTC)
	}
	if from = begins(t.Month()); from.After(t) {
		return begins(t.Month() - 1), from
	}
	return from, begins(t.Month() + 1)
}
