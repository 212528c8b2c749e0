package handlers

import (
	"context"
	"slices"
	"strings"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func cancelCommand() command {
	help := cards.Help{
		Name: "cancel", Args: "[project] [env]", Does: "Leave the queue, or stop a run at its next safe step", Role: gate.Deployer.String(),
		Examples: []string{"/cancel", "/cancel shop preview"},
	}
	return command{
		help: help, needs: gate.Deployer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, rest, pick, err := a.project(cards.Cancel, "cancel")
			if err != nil || pick != nil {
				return pick, err
			}
			runs, err := h.engine.OpenRuns(ctx, project)
			if err != nil {
				return nil, err
			}
			if len(rest) > 0 {
				env, ok := deploy.ParseEnvironment(rest[0])
				if !ok || len(rest) > 1 {
					return nil, release.Refuse(release.CodeUsage, "usage", help.Usage())
				}
				runs = slices.DeleteFunc(runs, func(r release.Run) bool { return r.Environment != env })
			}
			return h.cancelOne(ctx, a, project, runs)
		},
	}
}

// cancelOne cancels what can only be meant: the one open run, or the one of the person who asks. Where there are several,
// buttons ask.
func (h *Handlers) cancelOne(ctx context.Context, a ask, project string, runs []release.Run) (*cards.Card, error) {
	if len(runs) > 1 {
		own := slices.DeleteFunc(slices.Clone(runs), func(r release.Run) bool { return r.Requester.ID != a.by.ID })
		if len(own) == 1 {
			runs = own
		}
	}
	if len(runs) == 0 {
		return nil, release.Refuse(release.CodeNoRun)
	}
	if len(runs) > 1 {
		var choices []cards.Button
		for _, r := range runs {
			choices = append(choices, cards.Button{Text: cards.RunInShort(r), Action: cards.Do(cards.Cancel, project, r.ID)})
		}
		pick := cards.Pick(cards.PickRun(project), choices)
		return &pick, nil
	}
	run, err := h.engine.Cancel(ctx, a.request(project), runs[0].ID)
	if err != nil {
		return nil, err
	}
	card := cards.CancelAsked(run)
	return &card, nil
}

// cancelRun cancels the run that a button names. A question that the bot asked is answered by that.
func (h *Handlers) cancelRun(ctx context.Context, a ask, p bot.Press, action cards.Action) (string, error) {
	if action.Arg(1) == "" { // the project was the question
		a.args = action.Args
		card, err := cancelCommand().handle(ctx, h, a)
		if err != nil || card == nil {
			return "", err
		}
		return "", h.replace(ctx, p, *card)
	}
	if err := h.belongs(ctx, a, action.Arg(1)); err != nil {
		return "", err
	}
	run, err := h.engine.Cancel(ctx, a.request(action.Arg(0)), action.Arg(1))
	if err == nil && strings.HasPrefix(p.Card, replies) {
		err = h.replace(ctx, p, cards.CancelAsked(run))
	}
	return cards.Cancelling(run), err
}
