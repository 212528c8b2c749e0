package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/layout"
	"towline/migrations/lint"
	"towline/migrations/rehearse"
)

// lintPlace is where the migrations are that lint reads.
type lintPlace struct {
	root    *os.Root // the project: where wrangler's config is
	project string   // its absolute path
	content layout.Content

	repository string // the absolute path of the checkout that it is in; empty: none
	shown      string // the migrations folder as the person named it
	fromRoot   string // and as the repository has it
	passed     string // a folder migrations beside the files that were read, as the person would name it; empty: there is none
}

func (at *lintPlace) close() { _ = at.root.Close() }

// configs are the files by which a project's folder is known.
func configs() []string {
	return []string{
		"wrangler.json", "wrangler.jsonc", "wrangler.toml",
		"drizzle.config.ts", "drizzle.config.js", "drizzle.config.mjs", "drizzle.config.mts", "drizzle.config.cjs", "drizzle.config.json",
	}
}

// nameFolder is the next step where no migrations are found.
const nameFolder = "Name the folder of the migrations, or the project's with wrangler's config"

// findMigrations takes a folder for the project if it has a config of wrangler or drizzle-kit, or a folder migrations and no SQL of its own;
// else for the migrations themselves, whose project is the nearest folder above with such a config, as far as the checkout goes.
func findMigrations(dir string, o layout.Options) (*lintPlace, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(abs); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no folder %s. %s", dir, nameFolder)
	} else if err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a folder", dir)
	}
	at := &lintPlace{project: abs, repository: checkoutOf(abs)}
	if !isProject(abs) {
		at.project = projectAbove(abs, at.repository)
		rel, err := filepath.Rel(at.project, abs)
		if err != nil {
			return nil, err
		}
		o.Dir = filepath.ToSlash(rel)
	}
	if at.root, err = os.OpenRoot(at.project); err != nil {
		return nil, err
	}
	if err := at.read(o); err != nil {
		return nil, errors.Join(err, at.root.Close())
	}
	folder := filepath.Join(at.project, filepath.FromSlash(at.content.Layout.Dir))
	at.shown = relativeTo(abs, folder, dir)
	if folder == abs && isFolder(filepath.Join(abs, layout.DefaultDir)) {
		at.passed = relativeTo(abs, filepath.Join(abs, layout.DefaultDir), dir)
	}
	if at.fromRoot, err = at.below(folder); err != nil {
		return nil, errors.Join(err, at.root.Close())
	}
	if len(at.content.Files) == 0 {
		where := at.shown
		if where == "." {
			where = "this folder"
		}
		return nil, errors.Join(fmt.Errorf("there is no migration in %s. %s", where, cmp.Or(unread(at.content), nameFolder)), at.root.Close())
	}
	return at, nil
}

// unread is what to say of a folder in which wrangler finds no migration though there are some; empty: there are none.
func unread(c layout.Content) string {
	for _, p := range c.Problems {
		if p.Code == layout.CodeConfig && len(c.Files) == 0 {
			text := strings.TrimSuffix(p.Text, ".")
			if c.Layout.Config == "" {
				text += ", where both begin at its own folder"
			}
			return text
		}
	}
	return ""
}

// below is the folder as the repository has it; without one as the working directory has it, or else the project.
func (at *lintPlace) below(folder string) (string, error) {
	if at.repository != "" {
		return relativeTo(at.repository, folder, "."), nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if rel := relativeTo(here, folder, "."); rel != ".." && !strings.HasPrefix(rel, "../") {
		return rel, nil
	}
	return relativeTo(at.project, folder, "."), nil
}

// relativeTo is a folder as seen from another one, which is called name.
func relativeTo(from, folder, name string) string {
	rel, err := filepath.Rel(from, folder)
	if err != nil {
		return filepath.ToSlash(folder)
	}
	return path.Join(filepath.ToSlash(name), filepath.ToSlash(rel))
}

func (at *lintPlace) read(o layout.Options) error {
	l, err := layout.Find(at.root.FS(), o)
	if err != nil {
		return err
	}
	at.content, err = layout.Read(at.root.FS(), l)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the migrations folder %s is not there. %s", l.Dir, nameFolder)
	}
	return err
}

func has(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

func isProject(dir string) bool {
	if slices.ContainsFunc(configs(), func(name string) bool { return has(dir, name) }) {
		return true
	}
	sql, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	return err == nil && len(sql) == 0 && has(dir, layout.DefaultDir)
}

// projectAbove is the nearest folder above with a config, else the one that holds the migrations.
func projectAbove(dir, repository string) string {
	for above := filepath.Dir(dir); ; above = filepath.Dir(above) {
		if slices.ContainsFunc(configs(), func(name string) bool { return has(above, name) }) {
			return above
		}
		if above == repository || repository == "" || above == filepath.Dir(above) {
			return filepath.Dir(dir)
		}
	}
}

// checkoutOf is the nearest folder from dir upwards that git calls the root of a checkout; empty if there is none.
func checkoutOf(dir string) string {
	for ; ; dir = filepath.Dir(dir) {
		if has(dir, ".git") {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// input gathers what lint looks at.
func (at *lintPlace) input(ctx context.Context, o lintFlags, w lintWants) (lint.Input, error) {
	l := at.content.Layout
	in := lint.Input{Files: at.ups(), LedgerTable: l.Table, Renames: w.renames}
	problems := at.content.Problems
	if o.base != "" {
		since, err := at.since(ctx, o.base)
		if err != nil {
			return in, &exitError{code: exitUnknown, text: err.Error()}
		}
		in.Known, in.Applied = since.names, since.checksums
		problems = slices.DeleteFunc(slices.Clone(problems), func(p layout.Problem) bool { return !since.changed[at.inRepository(p.File)] })
	}
	if o.applied != "" {
		if !slices.ContainsFunc(in.Files, func(f migrations.File) bool { return f.Name == o.applied }) {
			return in, &exitError{code: exitUsage, text: fmt.Sprintf("-applied: there is no %s among the %s in %s", o.applied, number(len(in.Files), "file", "files"), at.shown)}
		}
		for _, f := range in.Files {
			if !migrations.Less(o.applied, f.Name) && !slices.Contains(in.Known, f.Name) {
				in.Known = append(in.Known, f.Name)
			}
		}
	}
	in.Extra = lint.Layout(l, problems)
	if err := at.target(ctx, o, &in); err != nil {
		return in, err
	}
	queries, err := at.queries(o, w)
	in.Queries = queries
	return in, err
}

// ups are the files without those that are DOWN files in the wrong place, about which the layout has said what there is to say.
func (at *lintPlace) ups() []migrations.File {
	down := make(map[string]bool)
	for _, p := range at.content.Problems {
		if p.Code == layout.CodeDownAsUp {
			down[p.File] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(at.content.Files), func(f migrations.File) bool { return down[at.content.Layout.Path(f.Name)] })
}

// inRepository is a path of the project as the repository has it.
func (at *lintPlace) inRepository(file string) string {
	return relativeTo(at.repository, filepath.Join(at.project, filepath.FromSlash(file)), ".")
}

// queries reads the app's own queries, by the flag or by the config.
func (at *lintPlace) queries(o lintFlags, w lintWants) ([]rehearse.Query, error) {
	var fsys fs.FS
	switch {
	case o.queries != "":
		if !isFolder(o.queries) {
			return nil, &exitError{code: exitUnknown, text: fmt.Sprintf("-queries: %s is not a folder", o.queries)}
		}
		fsys = os.DirFS(o.queries)
	case w.queries == "":
		return nil, nil
	default:
		dir := at.above(w.queries)
		if dir == "" {
			return nil, &exitError{code: exitUnknown, text: fmt.Sprintf("the config's queries: there is no folder %s in %s or above. Name it with -queries", w.queries, at.project)}
		}
		fsys = os.DirFS(dir)
	}
	list, err := readQueries(fsys)
	if err != nil {
		return nil, &exitError{code: exitUnknown, text: err.Error()}
	}
	return list, nil
}

// above is a folder of the project. Where only the migrations folder was named, and no config of wrangler or drizzle-kit says where the project
// begins, that is looked for from there upwards, as far as the checkout goes.
func (at *lintPlace) above(folder string) string {
	for dir := at.project; ; dir = filepath.Dir(dir) {
		if found := filepath.Join(dir, filepath.FromSlash(folder)); isFolder(found) {
			return found
		}
		if dir == at.repository || dir == filepath.Dir(dir) {
			return ""
		}
	}
}

func isFolder(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && info.IsDir()
}

// readQueries reads the *.sql of a folder; a file with several statements gives several queries.
func readQueries(fsys fs.FS) ([]rehearse.Query, error) {
	names, err := fs.Glob(fsys, "*.sql")
	if err != nil {
		return nil, err
	}
	var list []rehearse.Query
	for _, name := range names {
		sql, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		statements, err := migrations.SplitLoose(name, sql)
		if err != nil && len(statements) == 0 {
			return nil, err
		}
		for _, s := range statements {
			q := rehearse.Query{Name: strings.TrimSuffix(name, ".sql"), SQL: s.SQL}
			if len(statements) > 1 {
				q.Name = fmt.Sprintf("%s, statement %d", q.Name, s.Index)
			}
			list = append(list, q)
		}
	}
	return list, nil
}
