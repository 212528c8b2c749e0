package handlers

import (
	"context"
	"strings"

	"towline/cards"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func unholdCommand() command {
	help := cards.Help{
		Name: "unhold", Args: "[project] reason", Does: "Lift the hold that a rollback left on production", Role: gate.Deployer.String(),
		Examples: []string{"/unhold fixed by #43", "/unhold shop fixed by #43"},
	}
	return command{
		help: help, needs: gate.Deployer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			here := a.projects()
			if len(here) > 1 && (len(a.args) == 0 || !contains(here, a.args[0])) {
				return nil, release.Refuse(release.CodeUsage, "usage", help.Usage()).Listing(here...)
			}
			project, rest, _, err := a.project("", "unhold")
			if err != nil {
				return nil, err
			}
			reason := strings.Join(rest, " ")
			if err := h.engine.Unhold(ctx, a.request(project), release.Production, reason); err != nil {
				return nil, err
			}
			card := cards.Unheld(project, reason, a.by.Shown())
			return &card, nil
		},
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if strings.EqualFold(x, s) {
			return true
		}
	}
	return false
}
