package handlers

import (
	"context"
	"slices"
	"strings"

	"towline/cards"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// Line is one chat command typed on the command line.
type Line struct {
	Key   string // unique; what is asked for twice under one key is done once
	By    gate.Actor
	Words []string // "unhold", "shop", "fixed", "by", "#43"
}

// Answer is what the command line prints. An empty Code: nothing was refused.
type Answer struct {
	Text string
	Code release.Code
}

// Line carries out a chat command for the command line: the same command, the same gates, the same refusals. Every project
// can be named. An error is the program's fault, or something outside that could not be asked.
func (h *Handlers) Line(ctx context.Context, l Line) (Answer, error) {
	if len(l.Words) == 0 {
		return Answer{Text: "no command", Code: release.CodeUsage}, nil
	}
	name := strings.TrimPrefix(strings.ToLower(l.Words[0]), "/")
	a := ask{
		key: l.Key, by: l.By, team: h.team(ctx), text: strings.Join(l.Words, " "), args: l.Words[1:], addressed: true, terminal: true,
	}
	i := slices.IndexFunc(commands(), func(c command) bool { return c.help.Name == name })
	if i < 0 {
		card := cards.UnknownCommand(name, nearest(name))
		return Answer{Text: cards.Text(card), Code: release.CodeUsage}, nil
	}
	if err := h.engine.Heard(ctx, a.request(a.about()), a.text); err != nil {
		return Answer{}, err
	}
	c := commands()[i]
	var card *cards.Card
	var err error
	if r := gate.Needs(a.by, c.needs, name); r != nil {
		h.engine.TurnedAway(ctx, a.request(a.about()), name, r)
		err = r
	} else {
		card, err = c.handle(ctx, h, a)
	}
	if r, ok := deploy.IsRefusal(err); ok {
		said := h.refused(a, r)
		return Answer{Text: cards.Text(*said), Code: r.Code}, nil
	}
	if err != nil {
		return Answer{}, err
	}
	if card == nil {
		return Answer{Text: cards.InTheChat(name)}, nil
	}
	if card.Buttons != nil && card.Asks {
		return Answer{Text: cards.Text(*card), Code: release.CodeUsage}, nil
	}
	return Answer{Text: cards.Text(*card)}, nil
}
