package cards

import (
	"fmt"
	"strings"
	"time"

	"towline/deploy"
	"towline/deploy/freeze"
	"towline/deploy/release"
)

// The toasts of a lock.
const (
	GivenBack = "Given back."
	NowYours  = "It is yours now. Its former holder is told."
	Prolonged = "Kept for longer."
)

// edge is what a freeze does to what is under way.
const edge = "A promote that has begun is carried to its end; one that waits is not started. A rollback passes, and so does break-glass."

// KeepStamp names, in a button, the very lock that it is about: one that came later is another.
func KeepStamp(l release.Lock) string { return l.At.UTC().Format(time.RFC3339) }

// where is an environment as a card's first line names it.
func where(project string, env release.Environment) string {
	return fmt.Sprintf("<b>%s → %s</b>", name(project), name(string(env)))
}

// who begins a sentence with a person.
func who(p release.Person) string {
	if p.Anonymous {
		return upper(p.Shown())
	}
	return name(p.Name)
}

// askThem says whom to ask; somebody unnamed is asked in the chat.
func askThem(p release.Person) string {
	if p.Anonymous || p.ID == 0 {
		return "Ask in the chat"
	}
	return "Ask " + name(p.Name)
}

// reasonOf is why somebody keeps an environment, in their words.
func reasonOf(s string) string { return "“" + flat(s, 300) + "”" }

// till is when something ends: the time of day where that is enough.
func till(since, until time.Time) string {
	if until.Sub(since) <= 12*time.Hour {
		return stamp(until, "t")
	}
	return day(until)
}

// day is a moment that may be days away.
func day(t time.Time) string { return stamp(t, "wdt") }

// Locked says that somebody keeps an environment for themselves.
func Locked(project string, env release.Environment, k release.Lock) Card {
	var l lines
	l.addf("🔒 %s is locked by %s until %s", where(project, env), name(k.By.Shown()), till(k.At, k.Until))
	l.add(reasonOf(k.Reason))
	l.add(others(env) + " You are reminded before it ends.")
	l.addf("Done sooner: <code>/unlock %s%s</code>", name(project), named(env))
	return Card{HTML: l.String(), Buttons: [][]Button{{unlockButton(project, env, k)}}, Until: k.Until}
}

func others(env release.Environment) string {
	if env == release.Preview {
		return "Nobody else can deploy there; they can take it over, and you are told."
	}
	return "Nobody else can promote or roll back there; they can take it over, and you are told."
}

// named is an environment as a command takes it; production may be left out.
func named(env release.Environment) string {
	if env == release.Production {
		return ""
	}
	return " " + name(string(env))
}

func unlockButton(project string, env release.Environment, k release.Lock) Button {
	return Button{Text: "Unlock", Action: Do(Unlock, project, string(env), KeepStamp(k))}
}

// Unlocked says that an environment was given back.
func Unlocked(project string, env release.Environment, was release.Lock, by release.Person) Card {
	var l lines
	l.addf("🔓 %s is free again", where(project, env))
	if was.By.ID == by.ID {
		l.addf("%s gave it back: %s", who(by), reasonOf(was.Reason))
	} else {
		l.addf("%s lifted the lock of %s, who is told: %s", who(by), name(was.By.Shown()), reasonOf(was.Reason))
	}
	return Card{HTML: l.String()}
}

// TakenOver says that a lock is somebody else's now.
func TakenOver(project string, env release.Environment, k release.Lock) Card {
	var l lines
	l.addf("🔒 %s is locked by %s now, until %s", where(project, env), name(k.By.Shown()), till(k.At, k.Until))
	l.add(reasonOf(k.Reason))
	l.add("It was taken over; the former holder is told.")
	return Card{HTML: l.String(), Buttons: [][]Button{{unlockButton(project, env, k)}}, Until: k.Until}
}

// Held says that an environment is held.
func Held(project string, env release.Environment, reason string, by release.Person) Card {
	var l lines
	l.addf("🔒 %s is held by %s", where(project, env), name(by.Shown()))
	l.add(reasonOf(reason))
	if env == release.Preview {
		l.add("Nothing is deployed there until somebody lifts it.")
	} else {
		l.add("Nothing but a rollback happens there until somebody lifts it.")
	}
	l.addf("When the cause is gone: <code>/unhold %s%s reason</code>", name(project), named(env))
	return Card{HTML: l.String()}
}

// Unheld says that a hold is over.
func Unheld(project string, env release.Environment, reason string, by release.Person) Card {
	return Card{HTML: fmt.Sprintf("🔓 %s is no longer held, says %s: %s", where(project, env), name(by.Shown()), reasonOf(reason))}
}

// Freezing is what keeps production from changing by the clock: what somebody said, and the calendar.
type Freezing struct {
	Project  string
	Manual   *release.Freeze // nil: nobody's that counts now
	Calendar freeze.Verdict  // now
	Next     time.Time       // when the calendar freezes next; zero: not within a year
	NextWhy  freeze.Verdict
}

// FreezeOf shows what keeps production from changing now, and next.
func FreezeOf(f Freezing) Card {
	var l lines
	if f.Manual != nil || f.Calendar.Frozen {
		l.addf("❄️ %s is frozen", where(f.Project, release.Production))
	} else {
		l.addf("🟢 %s is not frozen now", where(f.Project, release.Production))
	}
	freezes(&l, "By ", f.Manual, f.Calendar)
	switch {
	case !f.Next.IsZero() && (f.NextWhy.Outside || f.NextWhy.Reason == f.Calendar.Reason):
		l.addf("Next by the calendar: %s", day(f.Next))
	case !f.Next.IsZero():
		l.addf("Next by the calendar: %s%s", day(f.Next), because(f.NextWhy.Reason))
	case !f.Calendar.Frozen:
		l.add("The calendar freezes nothing in the year ahead.")
	}
	l.gap()
	l.add(edge)
	if f.Manual != nil {
		l.addf("End it sooner: <code>/freeze %s off</code>", name(f.Project))
	} else if !f.Calendar.Frozen {
		l.addf("Freeze it: <code>/freeze %s now for 4h reason</code>", name(f.Project))
	}
	return Card{HTML: l.String(), Buttons: [][]Button{{{Text: "Refresh", Action: Do(Freeze, f.Project)}}}}
}

// freezes are a line for each freeze that counts now.
func freezes(l *lines, by string, manual *release.Freeze, calendar freeze.Verdict) {
	if manual != nil {
		l.addf("%s%s until %s%s", by, name(manual.By.Shown()), till(manual.At, manual.Until), because(manual.Reason))
	}
	if calendar.Frozen {
		l.addf("%sthe calendar %s%s", by, calendarEnd(calendar.Until), calendarReason(calendar.Outside, calendar.Reason))
	}
}

func calendarEnd(until time.Time) string {
	if until.IsZero() {
		return "for more than a year"
	}
	return "until " + day(until)
}

// calendarReason is the team's own words for a window, or that production changes only within some.
func calendarReason(outside bool, reason string) string {
	if outside {
		return ", " + name(reason)
	}
	return because(reason)
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reasonOf(reason)
}

// FrozenNow says that somebody froze production.
func FrozenNow(project string, f release.Freeze) Card {
	var l lines
	l.addf("❄️ %s is frozen until %s", where(project, release.Production), till(f.At, f.Until))
	l.addf("By %s: %s", name(f.By.Shown()), reasonOf(f.Reason))
	l.gap()
	l.add(edge)
	l.addf("End it sooner: <code>/freeze %s off</code>", name(project))
	return Card{HTML: l.String()}
}

// Unfrozen says that somebody ended a freeze, and whether the calendar's goes on.
func Unfrozen(project string, by release.Person, calendar freeze.Verdict) Card {
	var l lines
	l.addf("%s.", thawed(project, calendar))
	l.addf("%s ended it.", who(by))
	freezes(&l, stillBy, nil, calendar)
	return Card{HTML: l.String()}
}

// stillBy begins the line about a freeze that goes on.
const stillBy = "Frozen by "

func thawed(project string, calendar freeze.Verdict) string {
	if calendar.Frozen {
		return fmt.Sprintf("❄️ %s stays frozen: a freeze is over, the calendar's goes on", where(project, release.Production))
	}
	return fmt.Sprintf("🟢 %s is not frozen any more", where(project, release.Production))
}

// keptLines say of an environment what keeps it: a hold, a lock, a freeze now, a freeze to come.
func keptLines(l *lines, project string, e deploy.EnvironmentStatus) {
	if h := e.State.Hold; h != nil {
		l.addf("🔒 held by %s %s: %s", name(h.By.Shown()), when(h.At), reasonOf(h.Reason))
		l.addf("Lift it with <code>/unhold %s%s reason</code>", name(project), named(e.Environment))
	}
	if k := e.State.Lock; k != nil {
		l.addf("🔒 locked by %s until %s: %s", name(k.By.Shown()), till(k.At, k.Until), reasonOf(k.Reason))
	}
	freezes(l, "❄️ frozen by ", e.State.Freeze, e.Calendar)
	if !e.Calendar.Frozen && !e.Freezes.IsZero() {
		l.addf("the next freeze begins %s", day(e.Freezes))
	}
}

// frozen reports whether an environment must not change by the clock.
func frozen(e deploy.EnvironmentStatus) bool { return e.State.Freeze != nil || e.Calendar.Frozen }

// lonelyLines name those whose requests nobody, or too few, could approve.
func lonelyLines(l *lines, e deploy.EnvironmentStatus) {
	type lack struct{ have, need int }
	var kinds []lack
	who := map[lack][]string{}
	for _, p := range e.Lonely {
		k := lack{p.Have, p.Need}
		if who[k] == nil {
			kinds = append(kinds, k)
		}
		who[k] = append(who[k], p.Who.Shown())
	}
	for _, k := range kinds {
		people := and(shorten(who[k], 4, name))
		if k.have == 0 {
			l.addf("⚠️ %s would find nobody to approve", people)
		} else {
			l.addf("⚠️ %s would find %d of the %d who must approve", people, k.have, k.need)
		}
	}
}

// keptNote tells, on a request for approval, what would refuse a yes now, or soon.
func keptNote(v View) []string {
	var out []string
	if r := v.Kept; r != nil {
		s := refusal(*r, v.Run)
		out = append(out, "⛔ A yes would be refused now. "+s.what)
		out = append(out, s.facts...)
	}
	if !v.Freezes.IsZero() {
		out = append(out, fmt.Sprintf("❄️ A freeze begins at %s; approve before.", till(v.Freezes.Add(-time.Minute), v.Freezes)))
	}
	return out
}

// upper begins a sentence with a word of the engine's.
func upper(word string) string { return strings.ToUpper(word[:1]) + word[1:] }
