package main

import (
	"context"
	"testing"
	"time"
)

// lastWords is how long before the end of the whole test binary a wait is given up, so that what hangs can say what it waited for.
const lastWords = 20 * time.Second

// patient is the context of everything that a test waits for. It sets no time of its own: how fast the machine is decides
// nothing. What never comes is told shortly before -timeout ends the test binary.
func patient(parent context.Context, t testing.TB) (context.Context, context.CancelFunc) {
	if timed, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if end, limited := timed.Deadline(); limited {
			return context.WithDeadline(parent, end.Add(-lastWords))
		}
	}
	return context.WithCancel(parent)
}
