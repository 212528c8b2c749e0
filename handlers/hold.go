package handlers

import (
	"context"

	"towline/cards"
	"towline/deploy/gate"
)

func holdCommand() command {
	help := cards.Help{
		Name: "hold", Args: "[project] [env] reason", Does: "Stop every change but a rollback until somebody lifts it", Role: gate.Deployer.String(),
		Examples: []string{"/hold totals are wrong", "/hold shop preview the seed is broken"},
	}
	return command{
		help: help, needs: gate.Deployer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, rest, err := a.named(help)
			if err != nil {
				return nil, err
			}
			k := kept(rest, false)
			if err := h.engine.Hold(ctx, a.request(project), k.env, k.reason); err != nil {
				return nil, err
			}
			card := cards.Held(project, k.env, k.reason, a.by.Person)
			return &card, nil
		},
	}
}
