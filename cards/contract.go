package cards

import (
	"fmt"
	"time"

	"towline/deploy"
)

// Contract is the verb of a button that shows /contract of a project.
const Contract Verb = "contract" // project

// ContractOf says which parts of production's schema the code does not name any more, and when each may be dropped.
func ContractOf(project string, c deploy.Contract, now time.Time) Card {
	var l lines
	l.addf("🌱 <b>%s</b> · expand and contract", name(project))
	l.gap()
	if !c.Known {
		l.add("What the code uses of the schema is not known yet: it is learnt from the code beside the migrations, when a release goes live on production.")
		l.add("Next: /deploy and /promote, or /promote again what is live after the code has changed.")
		return Card{HTML: l.String()}
	}
	if len(c.Unused) == 0 {
		l.addf("The live release's code names all %d tables and columns of production. Nothing may be dropped.", c.Used)
		return Card{HTML: l.String()}
	}
	l.add("Not named by the code any more:")
	var items []string
	for _, u := range c.Unused {
		items = append(items, contractable(u, now))
	}
	l.spare(listed(items, 20, func(s string) string { return s })...)
	l.gap()
	l.addf("Still used: %d. A drop or rename is refused until the release that stopped using it has been live for %s. A name that "+
		"stands anywhere in the code counts as used.", c.Used, lasting(c.After))
	return Card{HTML: l.String()}
}

// lasting is a length of time that a config names, in its largest whole unit.
func lasting(d time.Duration) string {
	switch {
	case d > 0 && d%(24*time.Hour) == 0:
		return count(int(d/(24*time.Hour)), "day")
	case d > 0 && d%time.Hour == 0:
		return count(int(d/time.Hour), "hour")
	}
	return count(int(d/time.Minute), "minute")
}

func contractable(u deploy.Contractable, now time.Time) string {
	what := u.Table
	if u.Column != "" {
		what += "." + u.Column
	}
	added := "there before Towline"
	if u.Added != 0 {
		added = fmt.Sprintf("added in #%d", u.Added)
	}
	when := "may go now"
	if u.May.After(now) {
		when = "may go after " + stamp(u.May, "dT")
	}
	return fmt.Sprintf("%s: %s, unused since #%d, %s", code(what), added, u.Unused, when)
}
