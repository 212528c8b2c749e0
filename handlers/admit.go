package handlers

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"towline/bot"
	"towline/cards"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// fresh is how old a command may be when it is received. After a downtime up to a day of commands arrives at once, and
// a /promote of last night is not what anybody wants now.
const fresh = 90 * time.Second

// strangerEvery is how often a person who is not on the list gets an answer.
const strangerEvery = time.Hour

// admit decides whether a command is heard: heard=false is silence. card is an answer that ends it: a refusal.
func (h *Handlers) admit(ctx context.Context, c bot.Command) (a ask, card *cards.Card, heard bool) {
	a = ask{
		key: updateKey(c.UpdateID, c.Received), place: c.Place, message: c.Message, team: h.team(ctx), text: c.Text, args: c.Args, mentions: c.Mentions, repliesTo: c.RepliesTo,
		by: gate.Actor{Person: release.Person{ID: c.From.ID, Name: c.From.Name}},
	}
	a.by.Role = a.team.role(c.From.ID)
	irregular := c.Irregular != bot.Regular
	if irregular {
		a.by.Role = gate.Stranger // whoever is named, nobody is known to have meant it
	}
	first, _, _ := strings.Cut(c.Text, " ")
	a.addressed = c.Private || strings.Contains(first, "@")
	if a.by.Role == gate.Stranger && !a.addressed && !known(c.Name) {
		return a, nil, false // a stranger who talks to another bot
	}
	// Somebody of the team may ask anywhere which ids the config takes for a new chat.
	whoami := c.Name == "whoami" && a.by.Role > gate.Stranger
	if !a.team.knows(c.Place) && !whoami && (!c.Private || a.by.Role == gate.Stranger) {
		h.log.Info("a command from a chat that is not in the config", "chat", c.Place.Chat, "topic", c.Place.Topic, "person", c.From.ID)
		return a, nil, false
	}
	switch {
	case irregular:
		if a.team.role(c.From.ID) == gate.Stranger && !h.visits.allow(c.Place.Chat, c.From.ID, h.now()) {
			return a, nil, false
		}
		return a, h.refused(a, release.Refuse(release.CodeIrregular, "how", cards.How(string(c.Irregular)))), true
	case a.by.Role == gate.Stranger:
		if !h.visits.allow(c.Place.Chat, c.From.ID, h.now()) {
			return a, nil, false
		}
		if c.Name == "whoami" {
			return a, nil, true
		}
		return a, h.refused(a, gate.Needs(a.by, gate.Viewer, c.Name)), true
	}
	if age := c.Received.Sub(c.Sent); age > fresh {
		card := h.refused(a, release.Refuse(release.CodeCommandExpired, "age", age.Round(time.Second).String()))
		card.Buttons = cards.RunNowOffer(fmt.Sprint(c.From.ID), c.Text)
		return a, card, true
	}
	return a, nil, true
}

// updateKey names what an update asks for, for ever: the id alone does not, since Telegram begins anew with it after a week
// without updates (Bot API, "Update"). When it was journaled is the same each time it is handled.
func updateKey(id int64, received time.Time) string {
	return fmt.Sprintf("update/%d/%d", id, received.Unix())
}

// role of a person, Stranger where the config does not name them.
func (t Team) role(id int64) gate.Role {
	for _, p := range t.People {
		if p.ID == id {
			return p.Role
		}
	}
	return gate.Stranger
}

// knows reports whether a place is some project's.
func (t Team) knows(p bot.Place) bool {
	for _, home := range t.Projects {
		if home.Place.Chat == p.Chat {
			return true
		}
	}
	return false
}

// visits remembers when strangers got their last answer. It may forget with a restart: one answer more does no harm.
type visits struct {
	mu   sync.Mutex
	last map[[2]int64]time.Time
}

func newVisits() *visits { return &visits{last: map[[2]int64]time.Time{}} }

func (v *visits) allow(chat, person int64, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for key, at := range v.last {
		if now.Sub(at) >= strangerEvery {
			delete(v.last, key)
		}
	}
	key := [2]int64{chat, person}
	if _, seen := v.last[key]; seen {
		return false
	}
	v.last[key] = now
	return true
}
