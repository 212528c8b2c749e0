package rehearse

import (
	"context"
	"strings"
	"time"
)

// Limiting lets the clock stop only statements that contain a text, and those not on a copy where they end by themselves (empty: there is
// none): whatever else a test's release does is not in a hurry, however busy the machine is.
func Limiting(text, notOn string) Option {
	return func(s *settings) {
		s.limit = func(ctx context.Context, on, sql string, most time.Duration) (context.Context, context.CancelFunc) {
			if strings.Contains(sql, text) && on != notOn {
				return limit(ctx, on, sql, most)
			}
			return context.WithCancel(ctx)
		}
	}
}
