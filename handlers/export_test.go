package handlers

import (
	"context"
	"time"
)

// Until is until, for the tests.
var Until = until

// PostStalePreviews is postStalePreviews, for the tests.
func (h *Handlers) PostStalePreviews(ctx context.Context, team Team, slot time.Time) error {
	return h.postStalePreviews(ctx, team, slot)
}

// SlotAfter is when something is due next.
func SlotAfter(s Schedule, t time.Time) time.Time { return slotAfter(s, t) }
