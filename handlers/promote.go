package handlers

import (
	"context"
	"strconv"
	"strings"

	"towline/cards"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func promoteCommand() command {
	help := cards.Help{
		Name: "promote", Args: "[project] [#release]", Does: "Ask to put preview's release on production", Role: gate.Deployer.String(),
		Examples: []string{"/promote", "/promote #42", "/promote shop #42"},
	}
	return command{
		help: help, needs: gate.Deployer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, rest, pick, err := a.project(cards.Promote, "promote")
			if err != nil || pick != nil {
				return pick, err
			}
			number, err := number(rest, help)
			if err != nil {
				return nil, err
			}
			_, err = h.engine.Promote(ctx, a.request(project), number)
			return nil, err // the run's card is the answer
		},
	}
}

// number reads "#42" or "42"; nothing is 0.
func number(args []string, help cards.Help) (uint64, error) {
	if len(args) == 0 {
		return 0, nil
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(args[0], "#"), 10, 64)
	if err != nil || n == 0 || len(args) > 1 {
		return 0, release.Refuse(release.CodeUsage, "usage", help.Usage())
	}
	return n, nil
}

func number64(n int64) string { return strconv.FormatInt(n, 10) }
