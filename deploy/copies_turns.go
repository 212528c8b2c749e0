package deploy

import (
	"context"
	"sync"
	"time"

	"towline/deploy/release"
)

// copying are the projects whose data is being copied, and when that last failed.
type copying struct {
	mu     sync.Mutex
	turns  map[string]copyTurn
	failed map[string]time.Time
}

// copyTurn is one copy that is being taken.
type copyTurn struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// begin is nil where somebody copies the project's data already. Else the copy is to be taken with the context, and end is to be
// called.
func (c *copying) begin(ctx context.Context, project string) (taking context.Context, end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.turns[project]; ok {
		return nil, nil
	}
	if c.turns == nil {
		c.turns = make(map[string]copyTurn)
	}
	taking, cancel := context.WithTimeout(ctx, copyTimeout)
	turn := copyTurn{cancel, make(chan struct{})}
	c.turns[project] = turn
	return taking, func() {
		cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.turns, project)
		close(turn.done)
	}
}

// under is the copy that is being taken of a project's data.
func (c *copying) under(project string) (copyTurn, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	turn, ok := c.turns[project]
	return turn, ok
}

// tried notes how a copy went that ended at a time.
func (c *copying) tried(project string, at time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil {
		c.failed = make(map[string]time.Time)
	}
	delete(c.failed, project)
	if err != nil {
		c.failed[project] = at
	}
}

// failedSince reports whether the last copy failed, and not before a time.
func (c *copying) failedSince(project string, at time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, ok := c.failed[project]
	return ok && !last.Before(at)
}

// uncopied waits until nobody copies the data of the database that a run is about to change: an export blocks it. Who goes back does not wait
// for a copy; it is given up.
func (e *Engine) uncopied(ctx context.Context, run release.Run) error {
	if run.Environment != release.Production {
		return nil
	}
	turn, ok := e.copying.under(run.Project)
	if !ok {
		return nil
	}
	if run.Kind == release.Rollback {
		turn.cancel()
	}
	select {
	case <-turn.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
