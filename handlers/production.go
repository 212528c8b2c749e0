package handlers

import (
	"context"
	"fmt"
	"strings"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
)

// ofState does what a button means that is about a run's plan or about production's database; ours=false: it is another.
func (h *Handlers) ofState(ctx context.Context, a ask, p bot.Press, action cards.Action) (toast string, ours bool, err error) {
	switch action.Verb {
	case cards.Way:
		if err := h.belongs(ctx, a, action.Arg(0)); err != nil {
			return "", true, err
		}
		_, err := h.engine.ChooseWay(ctx, a.request(""), action.Arg(0), action.Arg(1), release.Way(action.Arg(2)))
		return cards.WayChosen, true, err
	case cards.Baseline:
		if !p.Current {
			return "", true, release.Refuse(release.CodeStaleButton)
		}
		project := action.Arg(0)
		if !a.pressable(project) {
			return "", true, release.Refuse(release.CodeWrongChat, "project", project)
		}
		_, err := h.engine.Baseline(ctx, a.request(project), action.Arg(1))
		return cards.AskedFor, true, err
	case cards.Drill:
		toast, err := h.refresh(ctx, a, p, action)
		return toast, true, err
	case cards.Adopt, cards.Investigate:
		toast, err := h.aboutDrift(ctx, a, p, action)
		return toast, true, err
	}
	return "", false, nil
}

// aboutDrift adopts a change from outside, or notes who looks into it and shows it.
func (h *Handlers) aboutDrift(ctx context.Context, a ask, p bot.Press, action cards.Action) (string, error) {
	project, key := action.Arg(0), action.Arg(1)
	if !a.pressable(project) {
		return "", release.Refuse(release.CodeWrongChat, "project", project)
	}
	if action.Verb == cards.Adopt {
		d, err := h.engine.Adopt(ctx, a.request(project), key)
		if err != nil {
			return "", err
		}
		return cards.Adopted, h.instead(ctx, p, cards.DriftAdopted(project, d, a.by.Person))
	}
	v, err := h.engine.Investigate(ctx, a.request(project), key)
	if err != nil {
		return "", err
	}
	err = h.outbox.Want(ctx, "drift/"+project+"/"+v.Drift.Key(), bot.Frame{
		Place: p.Place, ReplyTo: p.Message, Final: true, HTML: fmt.Sprintf(cards.DriftCaption, cards.Name(project)),
		Document: &bot.Document{Name: project + "-drift.sql", Content: []byte(cards.DriftDocument(project, v))},
	})
	if err != nil {
		return "", err
	}
	return cards.Investigating, h.instead(ctx, p, cards.DriftLooked(project, v.Drift))
}

// instead shows a card in the place of the message that told of an event. Below /status it is a message of its own: that
// card has more to say.
func (h *Handlers) instead(ctx context.Context, p bot.Press, card cards.Card) error {
	if strings.HasPrefix(p.Card, news) {
		return h.replace(ctx, p, card)
	}
	f := frame(card, p.Place, p.Message)
	f.Final = true
	return h.outbox.Want(ctx, p.Card+"/drift", f)
}

// ofProduction tells of a change from outside that is still there, and how a drill went.
func (h *Handlers) ofProduction(ctx context.Context, e deploy.Event) (*cards.Card, error) {
	state, err := h.engine.State(ctx, e.Project, e.Environment)
	if err != nil {
		return nil, err
	}
	var card cards.Card
	switch d := state.Drift; {
	case e.Kind == deploy.DriftFound && d != nil && d.Key() == e.Text && state.Seen != nil:
		card = cards.Drifted(e.Project, *d, state.Seen.At)
	case e.Kind == deploy.DrillEnded && state.Drill != nil:
		card = cards.DrillResult(e.Project, *state.Drill)
	default:
		return nil, nil
	}
	return &card, nil
}
