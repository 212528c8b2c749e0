package handlers

import (
	"context"
	"fmt"

	"towline/usage/alert"
)

// Measures are the limits that are judged, with what is used of each, as far as anything is known of it; nothing where nothing is counted.
func (h *Handlers) Measures(ctx context.Context) ([]alert.Measure, error) {
	if h.alarm.use == nil {
		return nil, nil
	}
	team, now := h.team(ctx), h.now()
	account, databases, _, err := h.known(ctx, team, now)
	if err != nil {
		return nil, fmt.Errorf("read what was used: %w", err)
	}
	return alert.Measures(team.Alerts, now, account, databases), nil
}
