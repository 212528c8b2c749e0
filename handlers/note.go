package handlers

import (
	"context"
	"strings"

	"towline/cards"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func noteCommand() command {
	help := cards.Help{
		Name: "note", Args: "[project] #release text", Does: "Say why a release failed or was rolled back", Role: gate.Deployer.String(),
		Examples: []string{"/note #42 the totals counted cancelled orders", "/note shop #42 the totals counted cancelled orders"},
	}
	return command{
		help: help, needs: gate.Deployer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, rest, err := a.named(help)
			if err != nil {
				return nil, err
			}
			if len(rest) < 2 {
				return nil, release.Refuse(release.CodeUsage, "usage", help.Usage())
			}
			of, err := number(rest[:1], help)
			if err != nil {
				return nil, err
			}
			text := strings.Join(rest[1:], " ")
			if _, err := h.engine.AddNote(ctx, a.request(project), of, text); err != nil {
				return nil, err
			}
			card := cards.Noted(project, of, text, a.by.Shown())
			return &card, nil
		},
	}
}
