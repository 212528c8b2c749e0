package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
)

// swept is what the kill sweep found: `go test ./cmd/towline -run Sweep`, which ends the whole service before and after
// everything that it does to the world, and breaks every request.
type swept struct {
	journeys, instants, inconsistencies int
	passed                              bool
}

// sweepLine is what a sweep of that test prints.
var sweepLine = regexp.MustCompile(`sweep: journey=\S+.* instants=(\d+) inconsistencies=(\d+)`)

// sweep runs the sweep.
func (r *report) sweep(ctx context.Context) error {
	command := exec.CommandContext(ctx, "go", "test", "towline/cmd/towline", "-run", "Sweep", "-v", "-count=1", "-timeout", "60m")
	command.Env = append(os.Environ(), "TOWLINE_SWEEP=full")
	out, err := command.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		return fmt.Errorf("run the sweep: %w", err)
	}
	s, parseErr := tally(out)
	if parseErr != nil {
		return parseErr
	}
	s.passed = err == nil
	r.swept = append(r.swept, s)
	return nil
}

// tally adds up what the sweeps printed.
func tally(out []byte) (s swept, err error) {
	for line := range bytes.Lines(out) {
		found := sweepLine.FindSubmatch(line)
		if found == nil {
			continue
		}
		instants, err1 := strconv.Atoi(string(found[1]))
		wrong, err2 := strconv.Atoi(string(found[2]))
		if err := errors.Join(err1, err2); err != nil {
			return s, err
		}
		s.journeys++
		s.instants += instants
		s.inconsistencies += wrong
	}
	return s, nil
}
