package handlers

import (
	"context"

	"towline/cards"
	"towline/deploy/gate"
)

func unholdCommand() command {
	help := cards.Help{
		Name: "unhold", Args: "[project] [env] reason", Does: "Lift a hold, as a rollback leaves one on production", Role: gate.Deployer.String(),
		Examples: []string{"/unhold fixed by #43", "/unhold shop preview the seed is repaired"},
	}
	return command{
		help: help, needs: gate.Deployer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, rest, err := a.named(help)
			if err != nil {
				return nil, err
			}
			k := kept(rest, false)
			if err := h.engine.Unhold(ctx, a.request(project), k.env, k.reason); err != nil {
				return nil, err
			}
			card := cards.Unheld(project, k.env, k.reason, a.by.Person)
			return &card, nil
		},
	}
}
