package cards

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"towline/deploy"
	"towline/deploy/release"
	"towline/migrations"
)

// The verbs of the buttons about a change from outside.
const (
	Adopt       Verb = "adopt"       // project, key of the change that was shown
	Investigate Verb = "investigate" // project, key of the change that was shown
)

// The toasts of a change from outside.
const (
	Adopted       = "Adopted. It is the known state from now on."
	Investigating = "Noted. The differences follow; nobody is told again."
)

// DriftCaption stands over the document that shows a change from outside in full.
const DriftCaption = "What was changed from outside in production of <b>%s</b>, object by object."

// drifts says on a request that somebody else changed the database since Towline last knew it.
func drifts(l *lines, r release.Run) {
	if len(r.Plan.Drift) == 0 {
		return
	}
	l.add("⚠️ <b>Changed from outside since Towline last knew it:</b>")
	l.spare(driftLines(r.Plan.Drift, 5)...)
	l.add("The plan is made for the database as it is now, with that in it.")
}

// Name is a short text from outside as a caption may have it.
func Name(s string) string { return name(s) }

func driftLines(changes []string, n int) []string {
	return listed(changes, n, func(c string) string { return flat(c, 160) })
}

// Drifted tells, once, that production's database was changed past Towline. seen is when it was last known.
func Drifted(project string, d release.Drift, seen time.Time) Card {
	var l lines
	l.addf("⚠️ %s was changed from outside", where(project, release.Production))
	l.addf("Noticed %s. What changed since %s:", when(d.At), when(seen))
	l.spare(driftLines(d.Changes, 10)...)
	if len(d.Applied) > 0 {
		l.addf("ℹ️ %s %s of a release, and wrangler or another tool applied %s. A promote finds %s applied, and does not run %s again.",
			and(shorten(d.Applied, 4, code)), isAre(len(d.Applied)), itThem(len(d.Applied)), itThem(len(d.Applied)), itThem(len(d.Applied)))
	}
	l.gap()
	l.add("Nothing was done about it. Adopt it if it was meant, or say that you look into it.")
	return Card{HTML: l.String(), Notify: true, Buttons: [][]Button{driftButtons(project, d)}}
}

func driftButtons(project string, d release.Drift) []Button {
	adopt := Button{Text: "Adopt", Action: Do(Adopt, project, d.Key())}
	if d.Looking != nil {
		return []Button{adopt, {Text: "Show the differences", Action: Do(Investigate, project, d.Key())}}
	}
	return []Button{adopt, {Text: "Investigate", Action: Do(Investigate, project, d.Key()), Style: Primary}}
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func itThem(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// DriftAdopted takes the place of the message when somebody adopted the change.
func DriftAdopted(project string, d release.Drift, by release.Person) Card {
	var l lines
	l.addf("🟢 %s: %s adopted the change from outside. It is the known state from now on.", where(project, release.Production), name(by.Shown()))
	l.spare(driftLines(d.Changes, 10)...)
	return Card{HTML: l.String()}
}

// DriftLooked takes the place of the message when somebody looks into the change.
func DriftLooked(project string, d release.Drift) Card {
	var l lines
	by := release.Person{Name: "Somebody"}
	if d.Looking != nil {
		by = *d.Looking
	}
	l.addf("🔎 %s was changed from outside; %s looks into it", where(project, release.Production), name(by.Shown()))
	l.spare(driftLines(d.Changes, 10)...)
	l.gap()
	l.add("Nobody is told of it again. Adopt it when it is known to be meant.")
	return Card{HTML: l.String(), Buttons: [][]Button{driftButtons(project, d)}}
}

// statusDrift are the buttons of a change from outside under /status.
func statusDrift(s deploy.Status) [][]Button {
	for _, e := range s.Environments {
		if d := e.State.Drift; d != nil && e.Environment == release.Production {
			return [][]Button{driftButtons(s.Project, *d)}
		}
	}
	return nil
}

// driftStatus says under /status that production was changed from outside.
func driftStatus(l *lines, e deploy.EnvironmentStatus) {
	d := e.State.Drift
	if d == nil || e.Environment != release.Production {
		return
	}
	looks := ""
	if d.Looking != nil {
		looks = ", " + name(d.Looking.Shown()) + " looks into it"
	}
	l.addf("⚠️ changed from outside, noticed %s%s:", when(d.At), looks)
	l.spare(driftLines(d.Changes, 4)...)
}

// DriftDocument shows a change from outside object by object, as a text.
func DriftDocument(project string, v deploy.DriftView) string {
	var b strings.Builder
	fmt.Fprintf(&b, "-- %s, production: known as of %s, changed from outside by %s (UTC)\n", project, clock(v.SeenAt), clock(v.Drift.At))
	for _, c := range v.Drift.Changes {
		b.WriteString("-- " + strings.Join(strings.Fields(clean(c)), " ") + "\n")
	}
	if v.Was == nil && v.Now == nil {
		b.WriteString("\n-- The schema as it was known cannot be shown any more.\n")
		return b.String()
	}
	was, now := byName(v.Was), byName(v.Now)
	var keys []string
	for k := range was {
		keys = append(keys, k)
	}
	for k := range now {
		if _, had := was[k]; !had {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		before, had := was[k]
		after, has := now[k]
		switch {
		case !had:
			fmt.Fprintf(&b, "\n-- added: %s\n%s;\n", k, clean(after))
		case !has:
			fmt.Fprintf(&b, "\n-- removed: %s; it was\n%s;\n", k, clean(before))
		case before != after:
			fmt.Fprintf(&b, "\n-- changed: %s; it was\n%s;\n-- and is\n%s;\n", k, clean(before), clean(after))
		}
	}
	return b.String()
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

func byName(objs []migrations.Object) map[string]string {
	out := map[string]string{}
	for _, o := range objs {
		out[o.Type+" "+o.Name] = o.SQL
	}
	return out
}
