package cards

import (
	"fmt"
	"strings"

	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// People is what /people shows.
type People struct {
	Standings []deploy.Standing
	// Here tells, by id, who is in the chat where it was asked; of whoever is missing nobody knows.
	Here map[int64]bool
	// Closed: Telegram tells the bot nothing about the chat, since it is no administrator there.
	Closed bool
	// Unasked is how many people were not asked about, being more than a command should ask Telegram for.
	Unasked int
	// Projects are those of the chat, or the one that was named.
	Projects []ProjectPeople
}

// ProjectPeople is who would be alone with a request.
type ProjectPeople struct {
	Project string
	Lonely  map[release.Environment][]deploy.Lonely
}

// PeopleOf says who may what.
func PeopleOf(p People) Card {
	var l lines
	l.add("<b>Who may what</b>")
	for role := gate.Admin; role >= gate.Viewer; role-- {
		var own []string
		for _, s := range p.Standings {
			if s.Own == role {
				own = append(own, p.person(s))
			}
		}
		if len(own) > 0 {
			l.gap()
			l.addf("<b>%s</b>", role)
			l.spare(own...)
		}
	}
	l.gap()
	for _, project := range p.Projects {
		for _, env := range []release.Environment{release.Preview, release.Production} {
			lonely(&l, project.Project, env, project.Lonely[env])
		}
	}
	if p.Closed {
		l.add("Telegram tells only administrators reliably who is in this chat, and approvals count only from members of it. Make the bot an administrator.")
	}
	if p.Unasked > 0 {
		l.addf("Whether %d others are here was not asked.", p.Unasked)
	}
	l.add("A higher role may do what a lower one may. <code>/delegate @person until friday</code> lends yours.")
	return Card{HTML: l.String()}
}

// person is one line: the name, what is lent to them, and whether they are here.
func (p People) person(s deploy.Standing) string {
	var b strings.Builder
	fmt.Fprintf(&b, "• %s", orElse(name(s.Name), fmt.Sprintf("person %d", s.ID)))
	for _, d := range s.Lent {
		fmt.Fprintf(&b, " · %s until %s, lent by %s", name(d.Role), day(d.Until), name(d.By.Shown()))
	}
	if here, known := p.Here[s.ID]; known && here {
		b.WriteString(" · here")
	} else if known {
		b.WriteString(" · not in this chat")
	}
	return b.String()
}

// lonely warns of requests that nobody, or too few people, could approve.
func lonely(l *lines, project string, env release.Environment, all []deploy.Lonely) {
	var found lines
	lonelyLines(&found, deploy.EnvironmentStatus{Lonely: all})
	for _, line := range found {
		l.addf("⚠️ <b>%s</b> %s: %s", name(project), env, strings.TrimPrefix(line.html, "⚠️ "))
	}
}

// Delegated says who lends what to whom.
func Delegated(d release.Delegation) Card {
	to := orElse(name(d.To.Name), fmt.Sprintf("person %d", d.To.ID))
	by := name(d.By.Shown())
	var l lines
	l.addf("🤝 <b>%s</b> has the role %s until %s, lent by %s.", to, name(d.Role), day(d.Until), by)
	l.addf("It never counts for what %s asks for: somebody else approves that.", by)
	l.addf("It ends sooner where %s's own role does. %s takes it back.", by, command("/delegate "+takesBack(d.To)+" off"))
	return Card{HTML: l.String()}
}

// takesBack is how a person is named in a command that can be copied.
func takesBack(p release.Person) string {
	if n := strings.Join(strings.Fields(clean(p.Name)), " "); n != "" {
		return n
	}
	return fmt.Sprint(p.ID)
}

// Undelegated says that what was lent is taken back.
func Undelegated(to release.Person, by string) Card {
	return Card{HTML: fmt.Sprintf("↩️ taken back: what was lent to <b>%s</b> no longer counts, says %s. Their own role stays.",
		orElse(name(to.Name), fmt.Sprintf("person %d", to.ID)), name(by))}
}

// Reload is what reading the config again came to.
type Reload struct {
	Changes []string // in sentences
	Warns   []string // what is legal and probably not meant
	Restart []string // the sections that changed and count only after a restart
}

// Reloaded says what counts from now on.
func Reloaded(r Reload, by string) Card {
	var l lines
	switch len(r.Changes) {
	case 0:
		l.add("🔄 <b>The config</b> was read again: nothing in it is different.")
	default:
		l.addf("🔄 <b>The config</b> was read again by %s, and counts from now on.", name(by))
		l.spare(listed(r.Changes, 20, func(s string) string { return flat(s, 200) })...)
	}
	if len(r.Restart) > 0 {
		l.gap()
		l.addf("Read at start only, so a restart is needed: %s", and(shorten(r.Restart, 6, code)))
	}
	if len(r.Warns) > 0 {
		l.gap()
		l.add("Probably not meant:")
		l.spare(listed(r.Warns, 6, func(s string) string { return flat(s, 300) })...)
	}
	return Card{HTML: l.String()}
}
