package drizzle

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"towline/migrations"
	"towline/migrations/layout"
)

// Project is a Drizzle project as it lies there.
type Project struct {
	FS     fs.FS
	Layout layout.Layout     // of kind DrizzleJournal or DrizzleFolders
	Files  []migrations.File // all its migrations, in order
}

// Migration is a new one.
type Migration struct {
	Name string // free text, which becomes part of the file's name
	SQL  []byte
	Down []byte // nil: it has no DOWN file
}

// Options is everything from outside.
type Options struct {
	Now    func() time.Time
	Random io.Reader // 16 bytes of it become the snapshot's id
}

// Written is a new migration, to be written below the project.
type Written struct {
	Name    string // as in the ledger
	Files   []File // new, but for the journal; the journal comes last
	Change  Change // what the schema file has to say
	Skipped int    // statements of the migrations before it that did not run on an empty database, of whose effect nothing is known here
}

// File is a file to be written.
type File struct {
	Path    string // below the project
	Data    []byte
	Replace bool // it is there already
}

// Add makes the files of a migration that drizzle-kit did not write, so that `drizzle-kit generate` finds no difference once Change is made
// in the schema file. The migrations are run from nothing on SQLite under D1's profile to see what the new one changes. Where the last ones
// have no snapshot, the new snapshot catches up with them.
//
// The error says that the layout is not Drizzle's; that the journal or the last snapshot cannot be read, or are of an older drizzle-kit;
// that two snapshots are the last one; that the SQL cannot be split (*migrations.SyntaxError) or does not run on what the folder makes
// (*sqlite.Error), with file and line; or that drizzle-kit keeps folders and wrangler's pattern takes files.
func Add(ctx context.Context, p Project, m Migration, o Options) (Written, error) {
	if p.Layout.Kind != layout.DrizzleJournal && p.Layout.Kind != layout.DrizzleFolders {
		return Written{}, fmt.Errorf("%s is no folder of Drizzle's", p.Layout.Dir)
	}
	names := make([]string, len(p.Files))
	for i, f := range p.Files {
		names[i] = f.Name
	}
	now := o.Now()
	pair, err := p.Layout.Next(names, m.Name, now)
	if err != nil {
		return Written{}, err
	}
	if m.Down != nil && pair.Down == "" {
		return Written{}, fmt.Errorf("wrangler's migrations_pattern %s matches every place where a DOWN file could be", p.Layout.Pattern)
	}
	if p.Layout.Kind == layout.DrizzleFolders && path.Dir(pair.Up) == p.Layout.Dir {
		return Written{}, fmt.Errorf("drizzle-kit keeps a folder for each migration of %s, and wrangler's pattern %s does not take those: set migrations_pattern to %s in wrangler's config first",
			p.Layout.Dir, p.Layout.Pattern, path.Join(p.Layout.Dir, "*/migration.sql"))
	}
	books, err := p.open(pair)
	if err != nil {
		return Written{}, err
	}
	h, err := follow(ctx, p.Files, books.pictured, migrations.File{Name: pair.Name, SQL: m.SQL})
	if err != nil {
		return Written{}, err
	}
	w := Written{Name: pair.Name, Skipped: h.failed}
	w.Files = append(w.Files, File{Path: pair.Up, Data: withBreakpoints(pair.Name, m.SQL)})
	if m.Down != nil {
		w.Files = append(w.Files, File{Path: pair.Down, Data: m.Down})
	}
	n := readNames(p.FS, p.Layout.DrizzleConfig)
	apply(books.last, diff(h.pictured, h.before), n)
	told, notes := apply(books.last, diff(h.before, h.after), n)
	kept, err := books.close(now, o.Random)
	if err != nil {
		return Written{}, err
	}
	w.Files = append(w.Files, kept...)
	w.Change = tell(told, n)
	w.Change.Notes = append(w.Change.Notes, notes...)
	if late := names[books.pictured:]; len(late) > 0 {
		w.Change.Notes = append(w.Change.Notes, fmt.Sprintf(
			"Drizzle had no snapshot of what %s did. The new one shows that as well: make sure that the schema file says it, too.", several(late)))
	}
	return w, nil
}

// several names the first and the last of many.
func several(names []string) string {
	if len(names) > 2 {
		return fmt.Sprintf("%s … %s (%d files)", names[0], names[len(names)-1], len(names))
	}
	return strings.Join(names, " and ")
}

// newID is a random UUID, as drizzle-kit names its snapshots.
func newID(random io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

// breakpoint is the comment by which Drizzle's own migrator takes a file apart; D1 takes one statement at a time from it.
const breakpoint = "--> statement-breakpoint"

// withBreakpoints puts the comment between the statements, if there is none yet.
func withBreakpoints(name string, sql []byte) []byte {
	list, err := migrations.Split(name, sql)
	if err != nil || len(list) < 2 || bytes.Contains(sql, []byte(breakpoint)) {
		return sql
	}
	var out bytes.Buffer
	from := 0
	for _, s := range list[:len(list)-1] {
		end := s.Offset + len(s.SQL)
		end += semicolon(string(sql[end:]))
		out.Write(sql[from:end])
		out.WriteString("\n" + breakpoint)
		if rest := sql[end:]; !bytes.HasPrefix(rest, []byte("\n")) && !bytes.HasPrefix(rest, []byte("\r\n")) {
			out.WriteByte('\n') // what follows on the line is no comment of ours
		}
		from = end
	}
	out.Write(sql[from:])
	return out.Bytes()
}

// semicolon is the length of what goes before the next semicolon, and of itself; there may be comments in between.
func semicolon(sql string) int {
	tokens, _ := migrations.Lex(sql)
	for _, t := range tokens {
		if t.Kind == migrations.TokenSemicolon {
			return t.End
		}
	}
	return len(sql)
}
