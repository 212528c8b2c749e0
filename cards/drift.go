package cards

import (
	"towline/deploy/release"
)

// drifts says on a request that somebody else changed the database since Towline last knew it.
func drifts(l *lines, r release.Run) {
	if len(r.Plan.Drift) == 0 {
		return
	}
	l.add("⚠️ <b>Changed from outside since Towline last knew it:</b>")
	l.spare(driftLines(r.Plan.Drift, 5)...)
	l.add("The plan is made for the database as it is now, with that in it.")
}

func driftLines(changes []string, n int) []string {
	return listed(changes, n, func(c string) string { return flat(c, 160) })
}
