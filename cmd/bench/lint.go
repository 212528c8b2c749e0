package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"towline/migrations/layout"
	"towline/migrations/lint"
)

// The size of what is linted, and the aims, from the issue that asked for them.
const (
	lintFiles, lintProjects = 800, 45
	aimLint                 = 2.0 // seconds
	aimLintPeak             = 200 // MB
)

// linted is one round over all projects.
type linted struct {
	Files, Statements, Projects, Findings int
	Seconds                               float64 // without the start of the process
	whole                                 weighed
}

// lints writes the projects' files and has them linted in a process of its own, which rehearses each of them on the way.
func (r *report) lints(ctx context.Context, dir string) error {
	files, projects := lintFiles, lintProjects
	if r.settings.quick {
		files, projects = 24, 3
	}
	root, err := folder(dir, "lint-")
	if err != nil {
		return err
	}
	if err := writeProjects(root, files, projects); err != nil {
		return err
	}
	for range r.settings.runs {
		var l linted
		if l.whole, err = inChild(ctx, "lint", root, &l); err != nil {
			return err
		}
		if l.Files != files || l.Projects != projects {
			return fmt.Errorf("%d files of %d projects were linted, not %d of %d", l.Files, l.Projects, files, projects)
		}
		r.linted = append(r.linted, l)
	}
	return nil
}

// writeProjects makes the folders. Every project is another app: the tables and their order differ, and none is large.
func writeProjects(root string, files, projects int) error {
	for p := range projects {
		dir := filepath.Join(root, fmt.Sprintf("app-%02d", p))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		n := files / projects
		if p < files%projects {
			n++
		}
		for i := range n {
			name, sql := projectFile(p, i)
			if err := os.WriteFile(filepath.Join(dir, name), []byte(sql), 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// projectFile is file i of project p: what teams write, in the proportions in which they write it.
func projectFile(p, i int) (name, sql string) {
	nouns := []string{"users", "orders", "items", "invoices", "teams", "notes", "events", "tags", "files", "tokens"}
	noun := func(k int) string { return nouns[(p+k)%len(nouns)] + fmt.Sprint(k/len(nouns)) }
	table := noun(i / 5)
	switch i % 5 {
	case 0:
		sql = fmt.Sprintf("CREATE TABLE %s (\n  id INTEGER PRIMARY KEY AUTOINCREMENT,\n  name TEXT NOT NULL,\n  email TEXT,\n  status TEXT NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'done')),\n  created_at INTEGER NOT NULL DEFAULT (unixepoch())", table)
		if i > 0 {
			sql += fmt.Sprintf(",\n  parent_id INTEGER REFERENCES %s(id) ON DELETE CASCADE", noun(i/5-1))
		}
		sql += ");\n"
		if i > 0 {
			sql += fmt.Sprintf("CREATE INDEX %[1]s_parent ON %[1]s(parent_id);\n", table)
		}
		sql += fmt.Sprintf("CREATE TABLE %[1]s_log (id INTEGER PRIMARY KEY, of INTEGER NOT NULL REFERENCES %[1]s(id), what TEXT, at TEXT DEFAULT CURRENT_TIMESTAMP);\nCREATE INDEX %[1]s_log_of ON %[1]s_log(of);\n", table)
	case 1:
		sql = fmt.Sprintf("-- search\nALTER TABLE %[1]s ADD COLUMN email_lower TEXT;\nUPDATE %[1]s SET email_lower = lower(email) WHERE email IS NOT NULL AND email_lower IS NULL;\nCREATE INDEX %[1]s_email_lower ON %[1]s(email_lower);\n", table)
	case 2:
		sql = fmt.Sprintf("CREATE TRIGGER %[1]s_ai AFTER INSERT ON %[1]s BEGIN\n  INSERT INTO %[1]s_log(of, what) VALUES (new.id, 'made');\nEND;\nCREATE VIEW %[1]s_done AS SELECT id, name FROM %[1]s WHERE status = 'done';\n", table)
	case 3:
		sql = fmt.Sprintf("INSERT INTO %[1]s(name, email, status) VALUES ('First', 'first@example.com', 'new'), ('Second', NULL, 'done');\nALTER TABLE %[1]s ADD COLUMN score REAL NOT NULL DEFAULT 0;\n", table)
	default:
		sql = fmt.Sprintf(`CREATE TABLE __new_%[1]s_log (id INTEGER PRIMARY KEY, of INTEGER NOT NULL REFERENCES %[1]s(id), what TEXT NOT NULL DEFAULT '', at TEXT);
INSERT INTO __new_%[1]s_log(id, of, what, at) SELECT id, of, coalesce(what, ''), at FROM %[1]s_log;
DROP TABLE %[1]s_log;
ALTER TABLE __new_%[1]s_log RENAME TO %[1]s_log;
CREATE INDEX %[1]s_log_of ON %[1]s_log(of);
`, table)
	}
	return fmt.Sprintf("%04d_%s.sql", i+1, table), sql
}

// lintFolder lints every project below dir, as many at once as there are processors.
func lintFolder(ctx context.Context, dir string) (any, error) {
	began := time.Now()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var (
		mutex sync.Mutex
		group sync.WaitGroup
		total linted
		errs  []error
	)
	queue := make(chan string)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for name := range queue {
				report, err := lintProject(ctx, dir, name)
				mutex.Lock()
				errs = append(errs, err)
				total.Projects++
				total.Files += report.Files
				total.Statements += report.Statements
				total.Findings += len(report.Findings)
				mutex.Unlock()
			}
		})
	}
	for _, e := range slices.Backward(entries) {
		queue <- e.Name()
	}
	close(queue)
	group.Wait()
	total.Seconds = seconds(time.Since(began))
	return total, errors.Join(errs...)
}

// lintProject lints the whole folder of a project. The linter rehearses what it looks at.
func lintProject(ctx context.Context, root, name string) (lint.Report, error) {
	fsys := os.DirFS(root)
	l, err := layout.Find(fsys, layout.Options{Dir: name})
	if err != nil {
		return lint.Report{}, err
	}
	content, err := layout.Read(fsys, l)
	if err != nil {
		return lint.Report{}, err
	}
	return lint.Run(ctx, lint.Input{Files: content.Files, Extra: lint.Layout(l, content.Problems)}, lint.Options{})
}

// linting are the lines about it.
func (r *report) linting() []figure {
	l := r.linted[0]
	took := take(r.linted, func(l linted) float64 { return seconds(l.whole.wall) })
	busy := take(r.linted, func(l linted) float64 { return seconds(l.whole.busy) })
	peak := take(r.linted, func(l linted) float64 { return l.whole.peak })
	name := fmt.Sprintf("lint, %d files of %d projects", l.Files, l.Projects)
	return []figure{
		{name, took.say("%.2f", 1, "s"), "under 2 s", took.median() < aimLint,
			fmt.Sprintf("a process from its start to its end: %d statements linted and rehearsed, from an empty database on; %d findings; processors were busy for %s", l.Statements, l.Findings, busy.say("%.2f", 1, "s"))},
		{name + ", memory", peak.say("%.0f", 1, "MB"), "under 200 MB", peak.median() < aimLintPeak, "the most that was resident"},
	}
}
