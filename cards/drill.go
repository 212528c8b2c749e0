package cards

import (
	"fmt"
	"time"

	"towline/deploy/release"
)

// DrillBegun answers /drill at once: a restore takes a while.
func DrillBegun(project string) Card {
	return Card{HTML: fmt.Sprintf("⏳ The last backup of %s is being restored here and compared. The result follows; production is not touched.", where(project, release.Production))}
}

// DrillResult says how a drill went. A failed one makes a sound: the way back that everybody counts on is none.
func DrillResult(project string, d release.Drill) Card {
	var l lines
	switch {
	case d.Passed:
		l.addf("🟢 %s: the drill passed", where(project, release.Production))
		l.addf("The backup of %s was restored here in %s: every table has the rows and the content that it had, %s in all.",
			day(d.Taken), took(time.Duration(d.Millis)*time.Millisecond), count(d.Rows, "row"))
	case d.Untried:
		l.addf("🔴 %s: the drill failed", where(project, release.Production))
		l.addf("The backup of %s could not be tried on the bot's machine, and nothing is known against it:", day(d.Taken))
		l.add(quote(d.Words))
	default:
		l.addf("🔴 %s: the drill failed", where(project, release.Production))
		l.addf("The backup of %s cannot be relied on:", day(d.Taken))
		l.add(quote(orElse(d.Words, "it could not be restored")))
	}
	if d.By.ID != 0 || d.By.Name != "" {
		l.addf("Asked for by %s.", name(d.By.Shown()))
	}
	switch {
	case d.Untried:
		l.addf("Mend that there, then say <code>/drill %s</code>.", name(project))
	case !d.Passed:
		l.addf("<code>/status %s</code> says how else production can go back, <code>/backups %s</code> has the other backups. The next destructive release takes a new one.", name(project), name(project))
	}
	return Card{HTML: l.String(), Notify: !d.Passed}
}

// aboutProduction: what speaks against looking at production's database, or at its backups.
func aboutProduction(r release.Refusal, f func(string) string) (said, bool) {
	switch r.Code {
	case release.CodeNoDrift:
		return said{what: "Production's database is as Towline knows it.", next: "See /status."}, true
	case release.CodeNoBackups:
		return said{what: "No backups are kept.", next: "Name a folder for them in the config: backups, dir."}, true
	case release.CodeBackupsUnread:
		return said{
			what: "The backups cannot be read:", facts: []string{quote(r.Facts["problem"])},
			next: "Let the bot's user read and write that folder, or name another one in the config: backups, dir. On the bot's machine, towline check tries it.",
		}, true
	case release.CodeNoBackup:
		return said{
			what: "There is no backup of production yet.",
			next: "One is taken by itself before the next destructive release. By hand, now: wrangler d1 export --remote --output backup.sql, with the database's name.",
		}, true
	case release.CodeDrilling:
		return said{what: fmt.Sprintf("A drill is under way, asked for by %s.", orElse(f("by"), "somebody")), next: "Its result follows."}, true
	}
	return said{}, false
}

// Drill is the verb of a button that starts a drill.
const Drill Verb = "drill" // project
