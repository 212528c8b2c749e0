package handlers

import (
	"context"

	"towline/cards"
	"towline/deploy/gate"
)

func rollbackCommand() command {
	help := cards.Help{
		Name: "rollback", Args: "[project] [#release]", Does: "Ask to go back to an earlier release, with its price first", Role: gate.Deployer.String(),
		Examples: []string{"/rollback", "/rollback #41", "/rollback shop #41"},
	}
	return command{
		help: help, needs: gate.Deployer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, rest, pick, err := a.project(cards.Rollback, "rollback")
			if err != nil || pick != nil {
				return pick, err
			}
			number, err := number(rest, help)
			if err != nil {
				return nil, err
			}
			_, err = h.engine.Rollback(ctx, a.request(project), number)
			return nil, err // the run's card is the answer
		},
	}
}
