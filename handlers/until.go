package handlers

import (
	"strconv"
	"strings"
	"time"
)

// until reads the time at which something that is given to somebody ends, as people write it: "2026-12-24", with "18:00" after
// it or without, "24.12.", "24 december", "tomorrow", "friday" (the next one, never today), or a span from now: "3d", "2h",
// "2 weeks". A day means its end, and one without a year the next of its name. now carries the zone in which days are
// counted. The result may be over; not ok: it is no time at all.
func until(text string, now time.Time) (t time.Time, ok bool) {
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 0 || len(text) > 64 {
		return t, false
	}
	for _, read := range []func([]string, time.Time) (time.Time, bool){afterSpan, namedDay, isoDay, dottedDay, monthDay} {
		if t, ok := read(words, now); ok {
			return t, true
		}
	}
	return t, false
}

// endOf is the last second of a day, since a day that is read as its midnight would be taken for the day after.
func endOf(year int, month time.Month, day int, zone *time.Location) (time.Time, bool) {
	t := time.Date(year, month, day, 12, 0, 0, 0, zone)
	if year < 2000 || year > 2200 || t.Day() != day || t.Month() != month {
		return time.Time{}, false
	}
	return time.Date(year, month, day+1, 0, 0, 0, 0, zone).Add(-time.Second), true
}

// comingDay is the end of the next day of that name, today's included.
func comingDay(month time.Month, day int, now time.Time) (time.Time, bool) {
	for year := now.Year(); year <= now.Year()+8; year++ { // 29 February may be eight years away
		if t, ok := endOf(year, month, day, now.Location()); ok && t.After(now) {
			return t, true
		}
	}
	return time.Time{}, false
}

// afterSpan reads "3d", "1d 12h", "2 days".
func afterSpan(words []string, now time.Time) (time.Time, bool) {
	d, n := span(words)
	return now.Add(d), n > 0 && n == len(words)
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// namedDay reads "today", "tomorrow" and the days of the week.
func namedDay(words []string, now time.Time) (time.Time, bool) {
	if len(words) != 1 {
		return now, false
	}
	days := -1
	switch words[0] {
	case "today":
		days = 0
	case "tomorrow":
		days = 1
	}
	for ahead := 1; ahead <= 7 && days < 0; ahead++ {
		weekday := (now.Weekday() + time.Weekday(ahead)) % 7
		if begins(weekday.String(), words[0]) {
			days = ahead
		}
	}
	if days < 0 {
		return now, false
	}
	year, month, day := time.Date(now.Year(), now.Month(), now.Day()+days, 12, 0, 0, 0, now.Location()).Date()
	return endOf(year, month, day, now.Location())
}

// begins: "fri" and "friday" both name Friday.
func begins(name, typed string) bool {
	return len(typed) >= 3 && strings.HasPrefix(strings.ToLower(name), typed)
}

// isoDay reads "2026-12-24" and "2026-12-24 18:00".
func isoDay(words []string, now time.Time) (time.Time, bool) {
	day, err := time.Parse("2006-01-02", words[0])
	if err != nil || len(words) > 2 {
		return now, false
	}
	end, ok := endOf(day.Year(), day.Month(), day.Day(), now.Location())
	if len(words) == 1 || !ok {
		return end, ok
	}
	clock, err := time.Parse("15:04", words[1])
	if err != nil {
		return now, false
	}
	return time.Date(day.Year(), day.Month(), day.Day(), clock.Hour(), clock.Minute(), 0, 0, now.Location()), true
}

// dottedDay reads "24.12.", "24.12" and "24.12.2026".
func dottedDay(words []string, now time.Time) (time.Time, bool) {
	parts := strings.Split(strings.TrimSuffix(words[0], "."), ".")
	if len(words) != 1 || len(parts) < 2 || len(parts) > 3 {
		return now, false
	}
	var n [3]int
	for i, p := range parts {
		if !digits(p) || len(p) > 4 {
			return now, false
		}
		n[i], _ = strconv.Atoi(p) // four digits at most
	}
	return dayOf(time.Month(n[1]), n[0], n[2], len(parts) == 3, now)
}

// monthDay reads "24 december", "december 24", "24. dec 2026", "dec 24th, 2026".
func monthDay(words []string, now time.Time) (time.Time, bool) {
	if len(words) < 2 || len(words) > 3 {
		return now, false
	}
	name, number := words[1], words[0]
	if !('0' <= number[0] && number[0] <= '9') {
		name, number = number, name
	}
	number = strings.TrimRight(number, ".,")
	for _, ending := range []string{"st", "nd", "rd", "th"} {
		number = strings.TrimSuffix(number, ending)
	}
	if !digits(number) || len(number) > 2 {
		return now, false
	}
	day, _ := strconv.Atoi(number)
	year := 0
	if len(words) == 3 {
		if !digits(words[2]) || len(words[2]) != 4 {
			return now, false
		}
		year, _ = strconv.Atoi(words[2])
	}
	for month := time.January; month <= time.December; month++ {
		if begins(month.String(), strings.TrimRight(name, ".,")) {
			return dayOf(month, day, year, len(words) == 3, now)
		}
	}
	return now, false
}

// dayOf is the end of a day of a year, or of the coming one.
func dayOf(month time.Month, day, year int, ofYear bool, now time.Time) (time.Time, bool) {
	if month < time.January || month > time.December || day < 1 || day > 31 {
		return now, false
	}
	if ofYear {
		return endOf(year, month, day, now.Location())
	}
	return comingDay(month, day, now)
}
