package handlers

import (
	"context"
	"strings"

	"towline/cards"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func baselineCommand() command {
	help := cards.Help{
		Name: "baseline", Args: "[project] [production] [file]", Does: "Adopt a database that others migrated: record what is there", Role: gate.Deployer.String(),
		Examples: []string{"/baseline", "/baseline shop", "/baseline shop production 0007_orders.sql"},
	}
	return command{
		help: help, needs: gate.Deployer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, rest, pick, err := a.project(cards.Baseline, "baseline")
			if err != nil || pick != nil {
				return pick, err
			}
			if len(rest) > 0 && strings.EqualFold(rest[0], string(release.Production)) {
				rest = rest[1:]
			}
			file := strings.Join(rest, " ")
			if len(rest) > 1 || strings.EqualFold(file, string(release.Preview)) {
				return nil, release.Refuse(release.CodeUsage, "usage", help.Usage())
			}
			_, err = h.engine.Baseline(ctx, a.request(project), file)
			return nil, err // the run's card is the answer
		},
	}
}
