package layout

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"towline/migrations"
)

// Kind is who writes the migrations of a project, and so which bookkeeping of files a new one needs.
type Kind string

// The kinds.
const (
	Plain          Kind = "plain"           // SQL files, numbered by hand or by wrangler
	DrizzleJournal Kind = "drizzle journal" // drizzle-kit before 1.0: NNNN_tag.sql, meta/_journal.json, meta/NNNN_snapshot.json
	DrizzleFolders Kind = "drizzle folders" // drizzle-kit since 1.0: TIMESTAMP_name/migration.sql and snapshot.json
)

// DefaultDir is where wrangler looks for migrations if its config does not say, and so does Towline.
const DefaultDir = "migrations"

// Options is what Towline's own config says.
type Options struct {
	// Dir is the folder of the migrations below the project, "" to find it. It wins over wrangler's migrations_dir.
	Dir string
	// Table is the ledger's table, "" for what wrangler's config says. It wins over wrangler's migrations_table.
	Table string
	// Config is the path of wrangler's config below the project, "" to look for it: in the project's folder and in those on the way to
	// Dir.
	Config string
	// Databases are names, ids or bindings of the databases that the migrations are for. They pick the entry among
	// wrangler's d1_databases.
	Databases []string
}

// Layout is where the migrations of a project are, and which files are UP and which DOWN. The zero value is none.
type Layout struct {
	Kind Kind
	// Dir is the folder below the project, with slashes, "." for the project itself. It need not be there yet.
	Dir string
	// Pattern says which files below Dir are migrations, as wrangler's migrations_pattern does, without Dir before it.
	Pattern string
	// Table is the ledger's table, never empty.
	Table string
	// Config is the wrangler config that was read, DrizzleConfig drizzle-kit's: paths below the project, "" for none.
	Config, DrizzleConfig string
	// Problems are what is wrong with the configs themselves.
	Problems []Problem
}

// Codes of problems.
const (
	CodeDownAsUp  = "F-DOWN"  // a DOWN file that wrangler would apply as a migration
	CodeStrayDown = "F-STRAY" // a DOWN file whose migration is not there
	CodeDuplicate = "F-DUP"   // two migrations of one number
	CodeJournal   = "F-JRN"   // Drizzle's journal or snapshots and the files do not agree
	CodeConfig    = "F-CFG"   // wrangler's config means something else than was read
)

// Problem is something wrong with the files as they lie there, found by reading alone.
type Problem struct {
	Code string
	File string // path below the project
	Text string // what would happen and what to do; one to three sentences
}

// Content is a project's migrations.
type Content struct {
	Layout Layout
	// Files are what wrangler would apply, in its order: also a file that a problem calls a DOWN file. One without a DOWN file
	// has a nil Down.
	Files []migrations.File
	// Problems are those of the layout and of the files, in the order of the files.
	Problems []Problem
}

// Err is an error that names all problems with which the files must not be applied (F-DOWN and F-STRAY), or nil. What lint
// shows and a person can weigh is not among them.
func (c Content) Err() error {
	var wrong []error
	for _, p := range c.Problems {
		switch p.Code {
		case CodeDownAsUp, CodeStrayDown:
			wrong = append(wrong, errors.New(p.File+": "+p.Text))
		}
	}
	return errors.Join(wrong...)
}

// DownPath returns where the DOWN file of a migration belongs, as a path below the project. It is a place where the pattern
// does not look, so that wrangler never applies it:
//
//   - for NAME/migration.sql the file NAME/down.sql beside it;
//   - for any other file the same name below Dir/down;
//   - where the pattern matches that too, the same name below the folder Dir-down beside Dir.
//
// It is "" where there is no such place: the migrations are the project itself, under a pattern that matches everything.
func (l Layout) DownPath(name string) string {
	inside := path.Join(downFolder, name)
	if dir, base := path.Split(name); base == folderFile && dir != "" {
		inside = dir + "down.sql"
	}
	switch {
	case !l.Matches(inside):
		return path.Join(l.Dir, inside)
	case l.Dir == ".":
		return ""
	}
	return path.Join(l.Dir+"-"+downFolder, name)
}

// Path is the path of a migration below the project.
func (l Layout) Path(name string) string { return path.Join(l.Dir, name) }

// Matches reports whether wrangler takes a file below Dir for a migration.
func (l Layout) Matches(name string) bool {
	g, err := parseGlob(l.Pattern)
	return err == nil && g.matches(name)
}

const (
	downFolder = "down"          // below the migrations
	folderFile = "migration.sql" // the one file of a folder per migration

	plainPattern  = "*.sql" // wrangler's own
	folderPattern = "*/" + folderFile
)

// Find looks for the project's migrations: in wrangler's config (wrangler.json, wrangler.jsonc or wrangler.toml, the first
// that there is, as wrangler does), in drizzle-kit's, and else in DefaultDir. fsys is the project's folder.
//
// The error says what is wrong: a config that cannot be read, with its line; a folder that is not below the project; a pattern that
// wrangler would refuse, or that uses what this package does not read; databases whose entries name different folders.
// A folder that is not there is no error of Find.
func Find(fsys fs.FS, o Options) (Layout, error) {
	return find(fsys, o)
}

// Read reads the migrations of a layout. What is wrong with the files as a set are the Content's Problems.
//
// The error names everything at once with which the files cannot be read as they were meant: a folder that is missing (then
// it is fs.ErrNotExist); a symbolic link or device where wrangler would look for a migration (it would pass it over in
// silence, and a link may lead out of the project); a name that is not UTF-8 or has control characters.
func Read(fsys fs.FS, l Layout) (Content, error) {
	return read(fsys, l)
}

// hidden reports whether wrangler's pattern passes over a name.
func hidden(name string) bool { return strings.HasPrefix(name, ".") }
