package cards

import (
	"fmt"
	"slices"

	"towline/deploy"
)

// lightLines say whether production can go back, how far, and since when nobody has tried.
func lightLines(l *lines, project string, e deploy.EnvironmentStatus) {
	g := e.Light
	if g == nil {
		return
	}
	mark, verdict := "🟢", "green"
	switch g.Color {
	case deploy.Yellow:
		mark, verdict = "🟡", "yellow"
	case deploy.Red:
		mark, verdict = "🔴", "red"
	}
	l.addf("%s way back %s: %s", mark, verdict, backTo(*g))
	if !g.Oldest.IsZero() {
		what := "to the time before the first release"
		if g.Before != 0 {
			what = fmt.Sprintf("to #%d", g.Before)
		}
		l.addf("Time Travel reaches %s, %s", day(g.Oldest), what)
	}
	l.add(testedWhen(*g, project))
	for _, why := range g.Why {
		l.add(lightReason(why, *g, project))
	}
}

// backTo says where a rollback would go.
func backTo(g deploy.Light) string {
	switch {
	case slices.Contains(g.Why, deploy.LightLost):
		return "the database in which the restore points lead back is not there any more"
	case slices.Contains(g.Why, deploy.LightNoWay):
		return fmt.Sprintf("#%d was live before, and its restore point is gone", g.To)
	case g.To == 0:
		return "nothing was live before"
	case g.Adds:
		return fmt.Sprintf("#%d was live before, and what came since only added to the database", g.To)
	case g.Until.IsZero():
		return fmt.Sprintf("#%d was live before, on the database as it is", g.To)
	default:
		return fmt.Sprintf("#%d was live before, its restore point is kept until %s", g.To, day(g.Until))
	}
}

// testedWhen says when the way back was last tried.
func testedWhen(g deploy.Light, project string) string {
	switch {
	case g.Tested.IsZero() && g.Backup.IsZero():
		return "no backup was taken yet"
	case g.Tested.IsZero():
		return fmt.Sprintf("last backup %s, never restored for practice", when(g.Backup))
	case g.Drill != nil && g.Drill.Passed && g.Tested.Equal(g.Drill.At):
		return fmt.Sprintf("last drill passed %s", when(g.Tested))
	default:
		return fmt.Sprintf("last backup %s, restored here and compared then", when(g.Tested))
	}
}

func lightReason(why deploy.LightReason, g deploy.Light, project string) string {
	switch why {
	case deploy.LightLost:
		return "• what was saved of it: <code>/backups " + name(project) + "</code>"
	case deploy.LightNoWay:
		return "• <code>/rollback " + name(project) + "</code> says whether DOWN files lead back; else ship a fix forward, or restore a backup: <code>/backups " + name(project) + "</code>"
	case deploy.LightDrillFailed:
		return "• the last drill failed: " + flat(orElse(g.Drill.Words, "the backup could not be restored"), 200)
	case deploy.LightNoRestores:
		return "• Time Travel's ten restores in ten minutes are used up"
	case deploy.LightFirst:
		return "• the first release can be undone by the command on its card alone"
	case deploy.LightExpires:
		return "• that is soon: afterwards only what DOWN files and backups give is left"
	case deploy.LightUntested:
		if g.Tested.IsZero() && g.Backup.IsZero() {
			return "• nothing was ever restored for practice: the first backup is taken before the next release that destroys something"
		}
		return "• untested for a month or more: <code>/drill " + name(project) + "</code> restores the last backup here and checks it"
	case deploy.LightDrift:
		return "• the database was changed from outside, see below"
	default:
		return ""
	}
}
