package handlers

import (
	"context"

	"towline/cards"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func previewCommand() command {
	help := cards.Help{
		Name: "preview", Args: "reset [project] [ref]", Does: "Rebuild preview from production's schema, then deploy a version", Role: gate.Deployer.String(),
		Examples: []string{"/preview reset", "/preview reset shop feature/orders"},
	}
	return command{
		help: help, needs: gate.Deployer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			if len(a.args) == 0 || a.args[0] != "reset" {
				return nil, release.Refuse(release.CodeUsage, "usage", help.Usage())
			}
			a.args = a.args[1:]
			project, rest, pick, err := a.project(cards.Reset, "preview reset")
			if err != nil || pick != nil {
				return pick, err
			}
			return h.deploy(ctx, a, project, rest, true)
		},
	}
}
