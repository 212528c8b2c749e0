package deploy

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sweepCopies removes copies of people's data that nobody wants any more: of projects that do not rehearse on their data now,
// and, at a start, what a process that was killed left half done.
func (e *Engine) sweepCopies(ctx context.Context, start bool) {
	wanted := map[string]bool{}
	for _, p := range e.projects() {
		if p.Rehearse.Data {
			wanted[p.Name] = true
		}
	}
	entries, err := os.ReadDir(e.scratch)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.log.WarnContext(ctx, "the copies of data cannot be listed", "error", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		project, _, kept := strings.Cut(name, ".db")
		half := strings.HasPrefix(name, rehearsing) || strings.HasSuffix(name, ".new")
		if half && !start || !half && (!kept || wanted[project]) {
			continue
		}
		if err := os.Remove(filepath.Join(e.scratch, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			e.log.WarnContext(ctx, "a copy of data that nobody wants any more is still there", "error", err)
		}
	}
}

// forgetCopy makes the next plan take another copy of a project's data.
func (e *Engine) forgetCopy(ctx context.Context, project string) {
	if err := os.Remove(e.copyPath(project) + ".json"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.log.WarnContext(ctx, "a copy of data that is of no use is still there", "error", err)
	}
}

// rehearsing begins the names of the files that rehearsals work on.
const rehearsing = "towline-rehearsal-"
