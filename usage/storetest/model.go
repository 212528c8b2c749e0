package storetest

import (
	"slices"
	"time"

	"towline/usage"
)

func sorted(hours []usage.Sample) []usage.Sample {
	return slices.SortedFunc(slices.Values(hours), func(a, b usage.Sample) int { return a.At.Compare(b.At) })
}

// model is what a change does, in maps.
func model(hours, days map[time.Time]usage.Sample, from, to time.Time, with []usage.Sample) {
	for at := from; at.Before(to); at = at.Add(time.Hour) {
		if _, had := hours[at]; had {
			delete(days, usage.Day(at))
		}
		delete(hours, at)
	}
	of := map[time.Time][]usage.Sample{}
	for _, h := range with {
		hours[h.At] = h
		of[usage.Day(h.At)] = append(of[usage.Day(h.At)], h)
	}
	for day, all := range of {
		days[day] = usage.RollUp(day, all)
	}
}
