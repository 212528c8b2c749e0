package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"towline/migrations"
	"towline/migrations/drizzle"
	"towline/migrations/layout"
)

func newCommand() subcommand {
	return subcommand{
		name: "new", args: "NAME", group: theMigrations,
		does: "Writes the next migration: a file UP and one DOWN, with Drizzle's snapshot where Drizzle is used.",
		examples: []string{
			"towline new add-email",
			"towline new -dir apps/api 'email in lower case'",
			"echo 'ALTER TABLE users ADD COLUMN email TEXT;' | towline new -sql - add-email",
		},
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			var at projectFlags
			at.flags(f)
			sql := f.String("sql", "", "a file with the statements, - for what comes in; left out, the file is a frame to fill. In a Drizzle project give them: the snapshot has to show what they do")
			return func(ctx context.Context, p program, args []string) error {
				return p.newMigration(ctx, at, *sql, strings.Join(args, " "))
			}
		},
	}
}

// projectFlags say where the migrations of a project are.
type projectFlags struct{ dir, migrations, database string }

func (at *projectFlags) flags(f *flag.FlagSet) {
	f.StringVar(&at.dir, "dir", ".", "the folder of the project, in which wrangler's config is")
	f.StringVar(&at.migrations, "migrations", "", "the folder of the migrations below it; left out, what wrangler's or drizzle-kit's config says")
	f.StringVar(&at.database, "database", "", "the database's name, where wrangler's config has several")
}

func (p program) newMigration(ctx context.Context, at projectFlags, sqlFile, title string) error {
	if title == "" {
		return &exitError{code: exitUsage, text: "a name is needed: towline new add-email"}
	}
	f, err := openFolder(at)
	if err != nil {
		return err
	}
	defer f.root.Close()
	var sql []byte
	switch sqlFile {
	case "":
	case "-":
		sql, err = io.ReadAll(p.stdin)
	default:
		sql, err = os.ReadFile(sqlFile)
	}
	if err != nil {
		return err
	}
	if err := f.write(ctx, p, title, sql, nil); err != nil {
		return err
	}
	f.tellNew(p)
	return nil
}

// tellNew says that the folder was not there before: somebody may have been in the wrong place.
func (f *folder) tellNew(p program) {
	if f.missing {
		fmt.Fprintf(p.stdout, "\nThe folder %s is new. If the project keeps its migrations elsewhere, remove it and name theirs with -migrations.\n", f.content.Layout.Dir)
	}
}

// folder is a project's folder with its migrations, open for one more. It is closed by its root.
type folder struct {
	root    *os.Root
	dir     string // the project's folder as the person named it
	content layout.Content
	missing bool // there is no folder of migrations yet
}

// shown is the path of the migrations as the person has it.
func (f *folder) shown() string {
	return filepath.ToSlash(filepath.Join(f.dir, filepath.FromSlash(f.content.Layout.Dir)))
}

// openFolder reads the migrations of a project. A folder that is not there yet has none; one that was named has to be there.
func openFolder(at projectFlags) (_ *folder, err error) {
	root, err := os.OpenRoot(at.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &exitError{code: exitUnknown, text: fmt.Sprintf("there is no folder %s. Name the project's with -dir", at.dir)}
	}
	if err != nil {
		return nil, &exitError{code: exitUnknown, text: err.Error()}
	}
	f := &folder{root: root, dir: at.dir}
	code := exitRefused
	defer func() {
		if err != nil {
			err = &exitError{code: code, text: errors.Join(err, root.Close()).Error()}
		}
	}()
	o := layout.Options{Dir: at.migrations}
	if at.database != "" {
		o.Databases = []string{at.database}
	}
	l, err := layout.Find(root.FS(), o)
	if err != nil {
		return nil, err
	}
	f.content, err = layout.Read(root.FS(), l)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	f.content, f.missing = layout.Content{Layout: l, Problems: l.Problems}, true
	if at.migrations != "" {
		code = exitUnknown
		return nil, fmt.Errorf("the migrations folder %s is not there. Name another with -migrations, or make it if it is to be new: mkdir -p %[1]s", f.shown())
	}
	return f, nil
}

// write writes the next migration into the layout that is there, and prints what it wrote and what is left to do. Without up the files are frames
// to fill; without down the DOWN file is one. Nothing that is there is overwritten, but for Drizzle's journal, which grows.
func (f *folder) write(ctx context.Context, p program, title string, up, down []byte) error {
	for _, problem := range f.content.Problems {
		fmt.Fprintf(p.stderr, "%s: %s %s\n", problem.File, problem.Code, problem.Text)
	}
	w, err := f.make(ctx, title, up, down)
	if err != nil {
		return &exitError{code: exitRefused, text: err.Error()}
	}
	return f.put(p, w, up == nil)
}

// put writes the files of a new migration, and prints what it wrote and what is left to do. framed: its SQL is still a frame.
func (f *folder) put(p program, w drizzle.Written, framed bool) error {
	l := f.content.Layout
	if err := f.save(w.Files); err != nil {
		return &exitError{code: exitRefused, text: err.Error()}
	}
	for _, file := range w.Files {
		fmt.Fprintf(p.stdout, "%s\n", file.Path)
	}
	if w.Skipped > 0 {
		fmt.Fprintf(p.stdout, "\n%d statements of earlier migrations did not run on an empty database; what they would have made is not in the snapshot.\n", w.Skipped)
	}
	switch {
	case l.Kind == layout.Plain:
	case framed:
		fmt.Fprint(p.stdout, "\nDrizzle's snapshot says that this migration changes no table. Use it for data; for tables give the statements with -sql, or change the schema file and let drizzle-kit write the migration.\n")
	case w.Change.Empty():
		fmt.Fprint(p.stdout, "\nThe schema file needs no change.\n")
	default:
		fmt.Fprintf(p.stdout, "\n%s", w.Change)
	}
	return nil
}

// make is the new migration as files.
func (f *folder) make(ctx context.Context, title string, up, down []byte) (drizzle.Written, error) {
	names := make([]string, len(f.content.Files))
	for i, file := range f.content.Files {
		names[i] = file.Name
	}
	now := time.Now()
	pair, err := f.content.Layout.Next(names, title, now)
	if err != nil {
		return drizzle.Written{}, err
	}
	if up == nil {
		up = upFrame(pair.Name)
	} else if _, err := migrations.Split(pair.Name, up); err != nil {
		return drizzle.Written{}, err
	}
	if down == nil && pair.Down != "" {
		down = downFrame(pair)
	}
	if down != nil && pair.Down == "" {
		return drizzle.Written{}, fmt.Errorf("wrangler's migrations_pattern %s matches every place where a DOWN file could be", f.content.Layout.Pattern)
	}
	if f.content.Layout.Kind != layout.Plain {
		return drizzle.Add(ctx, drizzle.Project{FS: f.root.FS(), Layout: f.content.Layout, Files: f.content.Files},
			drizzle.Migration{Name: title, SQL: up, Down: down}, drizzle.Options{Now: func() time.Time { return now }, Random: rand.Reader})
	}
	w := drizzle.Written{Name: pair.Name, Files: []drizzle.File{{Path: pair.Up, Data: up}}}
	if down != nil {
		w.Files = append(w.Files, drizzle.File{Path: pair.Down, Data: down})
	}
	return w, nil
}

// upFrame is a migration to fill.
func upFrame(name string) []byte {
	return fmt.Appendf(nil, `-- %s: what this is for.
--
-- Each statement ends with a semicolon; all of them run on D1 as one transaction. `+"`towline lint`"+` says what they would do.
-- Allow a finding where it is meant, before its statement:  -- towline:allow CODE reason="..."

`, strings.TrimSuffix(strings.TrimSuffix(name, ".sql"), "/migration"))
}

// downFrame is a DOWN file to fill.
func downFrame(pair layout.Pair) []byte {
	return fmt.Appendf(nil, `-- Takes %s back. Only a rollback runs this; wrangler never does.
-- Where nothing has to be taken back (the older code works with the newer schema), delete this file.

`, pair.Up)
}

// save writes the files, the ones that replace others last. What fails leaves nothing behind.
func (f *folder) save(files []drizzle.File) (err error) {
	var made []string
	defer func() {
		if err == nil {
			return
		}
		for _, name := range made {
			err = errors.Join(err, f.root.Remove(name))
		}
	}()
	for _, file := range files {
		if err := f.root.MkdirAll(path.Dir(file.Path), 0o755); err != nil {
			return err
		}
		if file.Replace {
			if err := f.replace(file); err != nil {
				return err
			}
			continue
		}
		out, err := f.root.OpenFile(file.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there already; nothing was written", file.Path)
		}
		if err != nil {
			return err
		}
		made = append(made, file.Path)
		_, err = io.Copy(out, bytes.NewReader(file.Data))
		if err := errors.Join(err, out.Close()); err != nil {
			return err
		}
	}
	return nil
}

// replace puts a file in the place of another at once.
func (f *folder) replace(file drizzle.File) error {
	partial := file.Path + ".partial"
	if err := f.root.WriteFile(partial, file.Data, 0o644); err != nil {
		return err
	}
	if err := f.root.Rename(partial, file.Path); err != nil {
		return errors.Join(err, f.root.Remove(partial))
	}
	return nil
}
