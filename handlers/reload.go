package handlers

import (
	"context"

	"towline/cards"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// Reloaded is what reading the config again came to: what is another now, or what is wrong with it, in which case the old
// one stays.
type Reloaded struct {
	Changes  []string // in sentences
	Warnings []string // what is legal and probably not meant
	Restart  []string // sections that changed, and that count only after a restart
	Problems []string // with file and line; nothing was taken over
}

func reloadCommand() command {
	help := cards.Help{
		Name: "reload", Does: "Read the config again, all or nothing", Role: gate.Admin.String(), Examples: []string{"/reload"},
	}
	return command{
		help: help, needs: gate.Admin,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			if len(a.args) > 0 {
				return nil, release.Refuse(release.CodeUsage, "usage", help.Usage())
			}
			if h.reload == nil {
				return nil, release.Refuse(release.CodeConfig, "why", "none")
			}
			got, err := h.reload(ctx, a.by.Person)
			if err != nil {
				return nil, err
			}
			if len(got.Problems) > 0 {
				return nil, release.Refuse(release.CodeConfig).Listing(got.Problems...)
			}
			card := cards.Reloaded(cards.Reload{Changes: got.Changes, Warns: got.Warnings, Restart: got.Restart}, a.by.Shown())
			return &card, nil
		},
	}
}
