package rehearse

import (
	"context"
	"strings"
	"time"
)

// Limiting lets the clock stop only statements that contain a text: whatever else a test's release does is not in a hurry, however busy the
// machine is.
func Limiting(text string) Option {
	return func(s *settings) {
		s.limit = func(ctx context.Context, sql string, most time.Duration) (context.Context, context.CancelFunc) {
			if strings.Contains(sql, text) {
				return limit(ctx, sql, most)
			}
			return context.WithCancel(ctx)
		}
	}
}
