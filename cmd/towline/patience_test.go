package main

import (
	"context"
	"testing"
	"time"
)

const (
	// lastWords is how long before the end of the whole test binary a wait is given up, so that what hangs can say what it waited for.
	lastWords = 20 * time.Second
	// hanging is when a test certainly hangs: it is many times what the slowest one takes, so that what never comes takes no other
	// test with it.
	hanging = 4 * time.Minute
)

// patient is the context of everything that a test waits for. How fast the machine is decides nothing; what never comes is told.
func patient(parent context.Context, t testing.TB) (context.Context, context.CancelFunc) {
	over := time.Now().Add(hanging)
	if timed, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if end, limited := timed.Deadline(); limited && end.Add(-lastWords).Before(over) {
			over = end.Add(-lastWords)
		}
	}
	return context.WithDeadline(parent, over)
}
