package handlers

import (
	"context"

	"towline/cards"
	"towline/deploy/gate"
)

func drillCommand() command {
	return command{
		help: cards.Help{
			Name: "drill", Args: "[project]", Does: "Restore production's last backup on the bot's machine and check it", Role: gate.Deployer.String(),
			Examples: []string{"/drill", "/drill shop"},
		},
		needs: gate.Deployer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, pick, err := a.onlyProject(cards.Drill, "drill")
			if err != nil || pick != nil {
				return pick, err
			}
			result, begun, err := h.engine.Drill(ctx, a.request(project))
			if err != nil {
				return nil, err
			}
			card := cards.DrillBegun(project)
			if !begun {
				card = cards.DrillResult(project, result)
			}
			return &card, nil
		},
	}
}
