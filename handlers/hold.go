package handlers

import (
	"context"

	"towline/cards"
	"towline/deploy/gate"
)

func holdCommand() command {
	return keepCommand(cards.Help{
		Name: "hold", Args: "[project] [env] reason", Does: "Stop every change but a rollback until somebody lifts it",
		Examples: []string{"/hold totals are wrong", "/hold shop preview the seed is broken"},
	}, false, func(ctx context.Context, h *Handlers, a ask, project string, k keeping) (cards.Card, error) {
		err := h.engine.Hold(ctx, a.request(project), k.env, k.reason)
		return cards.Held(project, k.env, k.reason, a.by.Person), err
	})
}

func unholdCommand() command {
	return keepCommand(cards.Help{
		Name: "unhold", Args: "[project] [env] reason", Does: "Lift a hold, as a rollback leaves one on production",
		Examples: []string{"/unhold fixed by #43", "/unhold shop preview the seed is repaired"},
	}, false, func(ctx context.Context, h *Handlers, a ask, project string, k keeping) (cards.Card, error) {
		err := h.engine.Unhold(ctx, a.request(project), k.env, k.reason)
		return cards.Unheld(project, k.env, k.reason, a.by.Person), err
	})
}

// keepCommand is a deployer's command about an environment that goes on with a reason: "[project] [env] [for 2h] reason". The card
// is the answer where there is no error.
func keepCommand(help cards.Help, timed bool, do func(context.Context, *Handlers, ask, string, keeping) (cards.Card, error)) command {
	help.Role = gate.Deployer.String()
	return command{
		help: help, needs: gate.Deployer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, rest, err := a.named(help)
			if err != nil {
				return nil, err
			}
			card, err := do(ctx, h, a, project, kept(rest, timed))
			if err != nil {
				return nil, err
			}
			return &card, nil
		},
	}
}
