package handlers

import (
	"context"

	"towline/cards"
	"towline/deploy/gate"
)

func contractCommand() command {
	help := cards.Help{
		Name: "contract", Args: "[project]", Does: "What the code does not use any more, and when it may be dropped", Role: gate.Viewer.String(),
		Examples: []string{"/contract", "/contract shop"},
	}
	return command{
		help: help, needs: gate.Viewer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, card, err := a.onlyProject(cards.Contract, help.Name)
			if card != nil || err != nil {
				return card, err
			}
			c, err := h.engine.Contract(ctx, project)
			if err != nil {
				return nil, err
			}
			answer := cards.ContractOf(project, c, h.now())
			return &answer, nil
		},
	}
}
