package cards

import (
	"fmt"
	"strings"

	"towline/deploy/release"
)

// Help is what a command says of itself: the chat's /help, the command menu and the docs are made of it.
type Help struct {
	Topic    string // what it is for, in a word or a few: the heading that it stands under
	Name     string
	Args     string // as in "/deploy [project] [ref]"
	Does     string // one line
	Role     string // the least that may
	Examples []string
}

// Usage is the command line of a command.
func (h Help) Usage() string { return strings.TrimSpace("/" + h.Name + " " + h.Args) }

// HelpFor lists the commands a person may use, and names the rest.
func HelpFor(who, role string, may, others []Help) Card {
	var l lines
	l.addf("<b>Towline</b> ships releases from this chat. %s, your role is %s.", name(who), name(role))
	topic := ""
	for _, h := range may {
		if h.Topic != topic {
			topic = h.Topic
			l.gap()
			l.addf("<b>%s</b>", esc(topic))
		}
		l.addf("%s\n%s", esc(h.Usage()), esc(h.Does))
	}
	if len(others) > 0 {
		var names []string
		for _, h := range others {
			names = append(names, fmt.Sprintf("/%s (%s)", h.Name, h.Role))
		}
		l.gap()
		l.addf("With another role: %s", strings.Join(names, ", "))
	}
	l.gap()
	l.add("The way of a release: /deploy puts it on preview, /promote asks for production, somebody else approves, /rollback leads back.")
	return Card{HTML: l.String()}
}

// HelpOn explains one command.
func HelpOn(h Help) Card {
	var l lines
	l.addf("<b>%s</b>", esc(h.Usage()))
	l.add(esc(h.Does))
	l.addf("Takes the role %s.", name(h.Role))
	for _, e := range h.Examples {
		l.add("<code>" + esc(e) + "</code>")
	}
	return Card{HTML: l.String()}
}

// UnknownCommand answers a command that does not exist.
func UnknownCommand(typed, near string) Card {
	if near != "" {
		return Card{HTML: fmt.Sprintf("No command is called /%s. Did you mean /%s?", name(typed), name(near))}
	}
	return Card{HTML: fmt.Sprintf("No command is called /%s. /help lists them.", name(typed))}
}

// Who is what /whoami answers.
type Who struct {
	ID    int64
	Name  string
	Role  string
	Chat  int64
	Topic int
	// Projects whose chat this is.
	Projects []string
}

// WhoAmI shows the ids that the config takes.
func WhoAmI(w Who) Card {
	var l lines
	l.addf("<b>%s</b> · role: %s", name(w.Name), name(w.Role))
	l.addf("person <code>%d</code>", w.ID)
	l.addf("chat <code>%d</code>", w.Chat)
	if w.Topic != 0 {
		l.addf("topic <code>%d</code> · in the config: <code>\"%d/%d\"</code>", w.Topic, w.Chat, w.Topic)
	}
	if len(w.Projects) > 0 {
		l.addf("projects here: %s", and(shorten(w.Projects, 10, code)))
	}
	return Card{HTML: l.String()}
}

// The fixed texts that the bot says by itself.
const (
	UnknownPress = "This button is no longer in use. Ask again with the command."
	ExpiredPress = "The time of this button is over. Ask again with the command."
	OlderPress   = "This button was replaced. Use the newest message about it. (stale_button)"
	OthersPress  = "This button is for somebody else. (not_yours)"
	SlowPress    = "Still working on it. The card will show the result."
	// Failure answers a command whose handling broke; %d is the update's id, for the log.
	Failure = "⚠️ This command could not be handled. Nothing was started. The log says why, under update <code>%d</code>."
	// NotYours answers a press on somebody else's Run now.
	NotYours = "Only the one who sent the command can run it now."
	// Started answers a press whose card follows.
	Started = "Started. A card follows."
	// AskedFor answers a press that made a request.
	AskedFor = "Asked for. A card follows."
	// Fresh answers a press on Refresh.
	Fresh = "Up to date."
	// Looking answers a press on Look again.
	Looking = "Looking once more."
	// Settled answers a press that closed a run.
	Settled = "Closed."
	// SQLCaption stands under the document with what will run.
	SQLCaption = "What will run on %s, in this order, for #%d."
	// ErrorCaption stands under the document with a long error.
	ErrorCaption = "The whole error."
)

// Alert is the notifying word to the one who asked, when their run is in trouble.
func Alert(v View) Card {
	r := v.Run
	mark, words := verdict(r)
	var l lines
	l.addf("%s %s · %s", mark, arrow(r), words)
	if r.Phase == release.Overtaken {
		if n := r.OvertakenBy; n != 0 {
			l.addf("%s, #%d is on preview now, so your request for #%d is over. Nothing was changed.", mention(r.Requester), n, r.Release)
		} else {
			l.addf("%s, a newer request took the place of yours. Nothing was changed.", mention(r.Requester))
		}
		return Card{HTML: l.String(), Notify: true}
	}
	if by := EndedByAnother(r); by != nil {
		l.addf("%s, %s did that. Its card says why.", mention(r.Requester), name(by.Shown()))
		return Card{HTML: l.String(), Notify: true}
	}
	l.addf("%s, its card says why, and what to do next.", mention(r.Requester))
	return Card{HTML: l.String(), Notify: true}
}

// EndedByAnother is who rejected or cancelled a run that was not theirs; nil: nobody did.
func EndedByAnother(r release.Run) *release.Person {
	var by *release.Person
	switch {
	case r.Phase == release.Cancelled && r.Cancel != nil:
		by = &r.Cancel.By
	case r.Phase == release.Rejected:
		for i, v := range r.Votes {
			if !v.Yes {
				by = &r.Votes[i].By
			}
		}
	}
	if by == nil || by.ID == r.Requester.ID {
		return nil
	}
	return by
}

// RunNowOffer is the button for a command that was too old.
func RunNowOffer(person, text string) [][]Button {
	return [][]Button{{{Text: "Run now", Action: Do(RunNow, person, text), Style: Primary}}}
}

// RanNow takes the place of that offer when it was taken up.
func RanNow(text, by string) Card {
	return Card{HTML: fmt.Sprintf("%s was run by %s after all.", command(cut(text, 100)), name(by))}
}

// How says in what way a command was not simply typed.
func How(irregular string) string {
	switch irregular {
	case "anonymous":
		return "sent anonymously"
	case "via_bot":
		return "sent through a bot"
	case "bot":
		return "sent by a bot"
	case "channel":
		return "sent as a channel"
	case "automatic_forward":
		return "forwarded from a channel"
	case "business", "guest":
		return "sent on somebody's behalf"
	default:
		return irregular // forwarded, edited, scheduled
	}
}
