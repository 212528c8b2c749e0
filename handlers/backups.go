package handlers

import (
	"context"

	"towline/cards"
	"towline/deploy/gate"
)

func backupsCommand() command {
	help := cards.Help{
		Name: "backups", Args: "[project]", Does: "The copies of the databases: how old, how large, and whether they can be restored", Role: gate.Viewer.String(),
		Examples: []string{"/backups", "/backups shop"},
	}
	return command{
		help: help, needs: gate.Viewer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, card, err := a.onlyProject(cards.Backups, help.Name)
			if card != nil || err != nil {
				return card, err
			}
			list, err := h.engine.BackupsOf(ctx, project, page+1)
			if err != nil {
				return nil, err
			}
			answer := cards.BackupsOf(project, list[:min(page, len(list))], len(list) > page)
			return &answer, nil
		},
	}
}
