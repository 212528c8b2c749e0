package handlers

import (
	"context"

	"towline/cards"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func previewCommand() command {
	help := cards.Help{
		Name: "preview", Args: "reset [project] [ref] | list | empty NAME | delete NAME",
		Does: "Rebuild preview from production's schema, then deploy a version; list, empty or delete preview databases", Role: gate.Deployer.String(),
		Examples: []string{"/preview reset", "/preview reset shop feature/orders", "/preview list", "/preview delete shop-preview"},
	}
	return command{
		help: help, needs: gate.Deployer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			if len(a.args) == 0 {
				return nil, release.Refuse(release.CodeUsage, "usage", help.Usage())
			}
			verb := a.args[0]
			a.args = a.args[1:]
			switch {
			case verb == "list" && len(a.args) == 0:
				return h.previewList(ctx, a)
			case verb == "empty":
				return h.drop(ctx, a, cards.EmptyNow, help.Usage())
			case verb == "delete":
				return h.drop(ctx, a, cards.DeleteNow, help.Usage())
			case verb != "reset":
				return nil, release.Refuse(release.CodeUsage, "usage", help.Usage())
			}
			project, rest, pick, err := a.project(cards.Reset, "preview reset")
			if err != nil || pick != nil {
				return pick, err
			}
			return h.deploy(ctx, a, project, rest, true)
		},
	}
}
