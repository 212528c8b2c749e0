package handlers

import (
	"context"

	"towline/cards"
	"towline/deploy/gate"
)

func statusCommand() command {
	return command{
		help: cards.Help{
			Name: "status", Args: "[project]", Does: "How things stand on preview and production", Role: gate.Viewer.String(),
			Examples: []string{"/status", "/status shop"},
		},
		needs: gate.Viewer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, pick, err := a.onlyProject(cards.Status, "status")
			if err != nil || pick != nil {
				return pick, err
			}
			status, err := h.engine.Status(ctx, project)
			if err != nil {
				return nil, err
			}
			card := cards.StatusOf(status)
			return &card, nil
		},
	}
}
