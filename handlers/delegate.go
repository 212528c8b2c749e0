package handlers

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"towline/cards"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func delegateHelp() cards.Help {
	return cards.Help{
		Name: "delegate", Args: "@person until DATE", Does: "Lend your role to somebody until a day, or take it back with off", Role: gate.Approver.String(),
		Examples: []string{"/delegate @robin until 2026-12-24", "/delegate Robin until friday", "/delegate 1002 off"},
	}
}

func delegateCommand() command {
	return command{
		help: delegateHelp(), needs: gate.Approver,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			who, when, off := cutTime(a.args)
			if !off && when == "" {
				return nil, release.Refuse(release.CodeUsage, "usage", delegateHelp().Usage())
			}
			to, err := a.person(who)
			if err != nil {
				return nil, err
			}
			var end time.Time // over: it takes back
			if !off {
				if end, err = h.lendsUntil(a, when); err != nil {
					return nil, err
				}
			}
			lent, err := h.engine.Delegate(ctx, a.request(""), to, end)
			if err != nil {
				return nil, err
			}
			card := cards.Delegated(lent)
			if off {
				card = cards.Undelegated(to, a.by.Shown())
			}
			return &card, nil
		},
	}
}

// cutTime parts "@robin until friday" and "Robin Smith off".
func cutTime(args []string) (who []string, when string, off bool) {
	if n := len(args); n > 0 && strings.EqualFold(args[n-1], "off") {
		return args[:n-1], "", true
	}
	i := slices.IndexFunc(args, func(w string) bool { return strings.EqualFold(w, "until") || strings.EqualFold(w, "for") })
	if i < 0 {
		return args, "", false
	}
	return args[:i], strings.Join(args[i+1:], " "), false
}

// lendsUntil reads the end in the team's zone. It is still to come.
func (h *Handlers) lendsUntil(a ask, when string) (time.Time, error) {
	now := h.now().In(a.team.zone())
	end, ok := until(when, now)
	if !ok {
		return end, release.Refuse(release.CodeBadTime, "command", "delegate")
	}
	if !end.After(now) {
		return end, release.Refuse(release.CodeBadTime, "command", "delegate", "over", when)
	}
	return end, nil
}

// zone is where the team's days begin.
func (t Team) zone() *time.Location {
	if t.Zone == nil {
		return time.UTC
	}
	return t.Zone
}

// person finds the one who is meant: picked from Telegram's list, the author of the message that the command answers, or
// named by id, username or the config's name.
func (a ask) person(words []string) (release.Person, error) {
	picked := map[int64]bool{}
	for _, m := range a.mentions {
		if m.ID != 0 {
			picked[m.ID] = true
		}
	}
	typed := strings.Join(words, " ")
	switch {
	case len(picked) > 1:
		return release.Person{}, release.Refuse(release.CodeUsage, "usage", delegateHelp().Usage())
	case len(picked) == 1:
		for id := range picked {
			return a.team.person(id, typed)
		}
	case typed == "" && a.repliesTo != nil:
		return a.team.person(a.repliesTo.ID, a.repliesTo.Name)
	case typed == "":
		return release.Person{}, release.Refuse(release.CodeUsage, "usage", delegateHelp().Usage())
	}
	return a.team.called(typed)
}

// person is somebody of the config by the id. What they were called is for the answer where they are not.
func (t Team) person(id int64, called string) (release.Person, error) {
	for _, p := range t.People {
		if p.ID == id {
			return release.Person{ID: p.ID, Name: p.Name}, nil
		}
	}
	return release.Person{}, t.nobody(called)
}

// called is somebody of the config by id, username or name. After an @ a username comes first: who is called by it may
// have the name of somebody else.
func (t Team) called(typed string) (release.Person, error) {
	typed, at := strings.CutPrefix(typed, "@")
	known := t.Usernames[strings.ToLower(typed)]
	if at && known != 0 {
		return t.person(known, typed)
	}
	var found []release.Person
	for _, p := range t.People {
		if strings.EqualFold(p.Name, typed) || known == p.ID || strconv.FormatInt(p.ID, 10) == typed {
			found = append(found, release.Person{ID: p.ID, Name: p.Name})
		}
	}
	switch len(found) {
	case 0:
		return release.Person{}, t.nobody(typed)
	case 1:
		return found[0], nil
	}
	var which []string
	for _, p := range found {
		which = append(which, fmt.Sprintf("%d (%s)", p.ID, p.Name))
	}
	return release.Person{}, release.Refuse(release.CodeUnknownWho, "who", typed, "which", "several").Listing(which...)
}

func (t Team) nobody(called string) *release.Refusal {
	var all []string
	for _, p := range t.People {
		all = append(all, fmt.Sprintf("%s (%d)", p.Name, p.ID))
	}
	return release.Refuse(release.CodeUnknownWho, "who", called).Listing(all...)
}
