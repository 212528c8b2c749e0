package deploy

import (
	"slices"
	"time"

	"towline/deploy/release"
)

// Light says whether production can go back, how far, and since when nobody has tried. It is made of stored facts, so that
// /status asks nobody for it; only that the database is still there is seen by the look that /status takes at it.
type Light struct {
	Color  Color
	To     uint64    // the release that a rollback without a number goes to; 0: there is none
	Until  time.Time // when the restore point is gone that leads there; zero: none is needed, or there is none
	Adds   bool      // what came since only added to the database, so that going back leaves it as it is
	Oldest time.Time // the oldest restore point that Time Travel still reaches; zero: none
	Before uint64    // the release that this one leads to; 0: the time before the first
	// Tested is when a backup was last restored for practice, or restored and compared when it was taken; zero: never.
	Tested   time.Time
	Backup   time.Time // when the last one was taken; zero: never
	Drill    *release.Drill
	Restores int // that Time Travel has left in these ten minutes
	Why      []LightReason
}

// Color is a traffic light's.
type Color string

// The colors.
const (
	Green  Color = "green"
	Yellow Color = "yellow"
	Red    Color = "red"
)

// LightReason is what keeps a light from green.
type LightReason string

// The reasons, the red ones first.
const (
	LightLost        LightReason = "lost"         // the database that the restore points are of is gone, or another one has its name
	LightNoWay       LightReason = "no_way"       // there is a release to go back to, and nothing leads there
	LightDrillFailed LightReason = "drill_failed" // the last backup could not be restored
	LightNoRestores  LightReason = "no_restores"  // Time Travel is used up for minutes
	LightFirst       LightReason = "first"        // nothing was live before
	LightExpires     LightReason = "expires"      // the restore point is gone soon
	LightUntested    LightReason = "untested"     // no backup was restored for long, or ever
	LightDrift       LightReason = "drift"        // somebody else changed the database
)

// untestedFor is how long a way back counts as tried, and expiresIn how soon the end of a restore point is worth a word.
const (
	untestedFor = 31 * 24 * time.Hour
	expiresIn   = 3 * 24 * time.Hour
)

// lightPage is how many changes are read first.
const lightPage = 4

// light judges an environment's way back.
func (e *Engine) light(tx Tx, p Project, s release.State) *Light {
	if s.Live == 0 {
		return nil
	}
	now := e.now()
	l := &Light{Drill: s.Drill}
	l.Restores, _ = s.RestoresLeft(now)
	l.reach(s, now.Add(-e.retention()))
	dest, refusal := before(tx, p.Name, s.Environment)
	switch {
	case refusal != nil:
		l.add(Yellow, LightFirst)
	case dest.point == nil: // the database is as it was then
		l.To = dest.change.Release
	default:
		l.To, l.Until = dest.change.Release, dest.point.At.Add(e.retention())
		l.Adds = dest.adds
		switch {
		case l.Adds:
		case dest.point.DatabaseID != s.DatabaseID || !now.Before(l.Until):
			l.add(Red, LightNoWay)
		case l.Until.Sub(now) < expiresIn:
			l.add(Yellow, LightExpires)
		}
	}
	if l.Restores == 0 {
		l.add(Yellow, LightNoRestores)
	}
	l.tried(s, now)
	if s.Drift != nil {
		l.add(Yellow, LightDrift)
	}
	if l.Color == "" {
		l.Color = Green
	}
	return l
}

func (l *Light) add(c Color, why LightReason) {
	l.Why = append(l.Why, why)
	if c == Red || l.Color == "" {
		l.Color = c
	}
}

// lose says that the database is not there any more in which the restore points lead back.
func (l *Light) lose() {
	l.Color, l.Oldest, l.Until, l.Adds = Red, time.Time{}, time.Time{}, false
	l.Why = slices.DeleteFunc(l.Why, func(why LightReason) bool {
		return why == LightNoWay || why == LightExpires || why == LightFirst || why == LightNoRestores
	})
	l.Why = append([]LightReason{LightLost}, l.Why...)
}

// reach finds the oldest restore point of this database that Time Travel still leads to.
func (l *Light) reach(s release.State, since time.Time) {
	for _, p := range s.Points {
		if p.Database == s.DatabaseID && !p.At.Before(since) {
			l.Oldest, l.Before = p.At, p.Release
			return
		}
	}
}

// before is where a rollback without a number goes. It reads a few changes, since each of them names the whole ledger, and
// more only where all of them are of the live release.
func before(tx Tx, project string, env release.Environment) (destination, *release.Refusal) {
	dest, refusal := findDestination(tx.Changes(project, env, 0, lightPage), 0)
	if refusal != nil {
		dest, refusal = findDestination(tx.Changes(project, env, 0, historyLimit), 0)
	}
	return dest, refusal
}

// tried says since when the way back was not tried.
func (l *Light) tried(s release.State, now time.Time) {
	if b := s.Backup; b != nil {
		l.Backup = b.At
		if b.Restored {
			l.Tested = b.At
		}
	}
	if d := s.Drill; d != nil && d.Passed && d.At.After(l.Tested) {
		l.Tested = d.At
	} else if d != nil && !d.Passed && !l.Tested.After(d.At) {
		l.add(Red, LightDrillFailed)
		return
	}
	if now.Sub(l.Tested) > untestedFor {
		l.add(Yellow, LightUntested)
	}
}
