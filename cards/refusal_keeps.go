package cards

import (
	"fmt"
	"time"

	"towline/deploy/release"
)

// aboutKeeps: the environment is locked, held or frozen, or is not.
func aboutKeeps(r release.Refusal, run release.Run, f func(string) string) (said, bool) {
	project, env := keptWhere(r, run)
	switch r.Code {
	case release.CodeHold:
		s := said{
			what: fmt.Sprintf("%s is held by %s: %s.", upper(string(env)), orElse(f("by"), "somebody"), reasonOf(r.Facts["reason"])),
			next: fmt.Sprintf("When the cause is gone: <code>/unhold %s%s reason</code>", name(project), named(env)),
		}
		if project == "" {
			s.next = "Lift it with /unhold and a reason when the cause is gone."
		}
		if env == release.Production {
			s.advice = "A rollback passes."
		}
		return s, true
	case release.CodeNoHold:
		return said{what: upper(string(env)) + " is not held. There is nothing to lift."}, true
	case release.CodeLock:
		return locked(r, run, f), true
	case release.CodeNoLock:
		return said{what: upper(string(env)) + " is free: nobody has a lock on it.", next: "There is nothing to give back, and nothing to take over."}, true
	case release.CodeFreeze:
		return said{
			what:   "Production is frozen" + frozenHow(r, f) + ".",
			advice: "A rollback passes, and in need an admin's /breakglass.",
			next:   "Try again when it is over. /freeze shows when.",
		}, true
	case release.CodeNoFreeze:
		return said{what: "Nobody's freeze is on, so there is none to end.", next: "What the calendar freezes ends by itself, or in the config. /freeze shows it."}, true
	case release.CodeBadTime:
		s := said{what: fmt.Sprintf("That takes a time between a minute and %s.", orElse(f("most"), "a few weeks"))}
		if example := exampleOf(r.Facts["command"]); example != "" {
			s.next = "For example: " + command(example)
		}
		return s, true
	}
	return said{}, false
}

// keptWhere is the environment that a refusal is about; its facts know better than the run.
func keptWhere(r release.Refusal, run release.Run) (project string, env release.Environment) {
	project, env = orElse(r.Facts["project"], run.Project), release.Environment(orElse(r.Facts["environment"], string(run.Environment)))
	if env != release.Preview {
		env = release.Production
	}
	return project, env
}

func locked(r release.Refusal, run release.Run, f func(string) string) said {
	project, env := keptWhere(r, run)
	s := said{
		what: fmt.Sprintf("%s is locked by %s: %s.", upper(string(env)), orElse(f("by"), "somebody"), reasonOf(r.Facts["reason"])),
		next: fmt.Sprintf("Wait, ask %s, or take it over: they are told.", orElse(f("by"), "them")),
	}
	since, err := time.Parse(time.RFC3339, r.Facts["since"])
	until, err2 := time.Parse(time.RFC3339, r.Facts["until"])
	if err != nil || err2 != nil {
		return s
	}
	s.facts = []string{fmt.Sprintf("Locked %s, until %s.", when(since), till(since, until))}
	if project != "" {
		s.buttons = [][]Button{{{Text: "Take over", Action: Do(TakeOver, project, string(env), r.Facts["since"])}}}
	}
	if run.Kind != "" && run.Phase == release.Refused {
		s.buttons = append(s.buttons, retry(run)...)
	}
	return s
}

// frozenHow says by whom or what, until when and why.
func frozenHow(r release.Refusal, f func(string) string) string {
	how := ""
	switch {
	case r.Facts["by"] != "":
		how = " by " + f("by")
	case r.Facts["window"] != "":
		how = " by the calendar"
	}
	if until, err := time.Parse(time.RFC3339, r.Facts["until"]); err == nil {
		how += " until " + day(until)
	}
	return how + calendarReason(r.Facts["outside"] != "", r.Facts["reason"])
}

// exampleOf is a command with what it needs.
func exampleOf(command string) string {
	switch command {
	case "lock":
		return "/lock for 2h checking the import"
	case "hold":
		return "/hold totals are wrong"
	case "unhold":
		return "/unhold fixed by #43"
	case "freeze":
		return "/freeze now for 4h launch"
	case "reject":
		return "/reject not before the launch"
	case "note":
		return "/note #42 the totals counted cancelled orders"
	case "breakglass":
		return "/breakglass checkout is down, #42 repairs it"
	default:
		return ""
	}
}
