package handlers

import (
	"context"
	"strconv"

	"towline/cards"
	"towline/deploy/gate"
)

// page is how many releases one message lists.
const page = 8

func releasesCommand() command {
	return command{
		help: cards.Help{
			Name: "releases", Args: "[project]", Does: "The latest releases and where each one is", Role: gate.Viewer.String(),
			Examples: []string{"/releases", "/releases shop"},
		},
		needs: gate.Viewer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			var below uint64 // from the button Older
			if len(a.args) == 2 {
				if number, err := strconv.ParseUint(a.args[1], 10, 64); err == nil {
					below, a.args = number, a.args[:1]
				}
			}
			project, pick, err := a.onlyProject(cards.Releases, "releases")
			if err != nil || pick != nil {
				return pick, err
			}
			list, err := h.engine.Releases(ctx, project, below, page+1)
			if err != nil {
				return nil, err
			}
			card := cards.ReleasesOf(project, list[:min(page, len(list))], len(list) > page)
			return &card, nil
		},
	}
}
