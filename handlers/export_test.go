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
