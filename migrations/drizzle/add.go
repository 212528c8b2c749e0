package drizzle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
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
// in the schema file. The migrations are run from nothing on SQLite under D1's profile to see what the new one changes.
//
// The error says that the layout is not Drizzle's; that the journal or the last snapshot cannot be read, or are of an older drizzle-kit;
// that two snapshots are the last one; that the SQL cannot be split (*migrations.SyntaxError) or does not run on what the folder makes
// (*sqlite.Error), with file and line.
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
	before, after, skipped, err := schemas(ctx, p.Files, migrations.File{Name: pair.Name, SQL: m.SQL})
	if err != nil {
		return Written{}, err
	}
	id, err := newID(o.Random)
	if err != nil {
		return Written{}, err
	}
	w := Written{Name: pair.Name, Skipped: skipped}
	w.Files = append(w.Files, File{Path: pair.Up, Data: withBreakpoints(pair.Name, m.SQL)})
	if m.Down != nil {
		w.Files = append(w.Files, File{Path: pair.Down, Data: m.Down})
	}
	add := p.addToJournal
	if p.Layout.Kind == layout.DrizzleFolders {
		add = p.addFolder
	}
	n := readNames(p.FS, p.Layout.DrizzleConfig)
	told, notes, err := add(&w, pair, diff(before, after), n, id, now)
	if err != nil {
		return Written{}, err
	}
	w.Change = tell(told, n)
	w.Change.Notes = append(w.Change.Notes, notes...)
	return w, nil
}

// addToJournal adds the snapshot and the journal's entry.
func (p Project) addToJournal(w *Written, pair layout.Pair, changes []change, n names, id string, now time.Time) ([]change, []string, error) {
	j, err := p.Layout.Journal(p.FS)
	there := !errors.Is(err, fs.ErrNotExist)
	if err != nil && there {
		return nil, nil, err
	}
	if !there {
		j = layout.Journal{Version: "7", Dialect: "sqlite"}
	}
	entry := layout.JournalEntry{Version: "6", When: now.UnixMilli(), Tag: strings.TrimSuffix(pair.Name, ".sql"), Breakpoints: true}
	if strings.Contains(entry.Tag, "/") {
		return nil, nil, fmt.Errorf("%s: Drizzle's journal knows no folders", pair.Name)
	}
	file := ""
	for _, e := range j.Entries {
		entry.Idx, entry.When = max(entry.Idx, e.Idx+1), max(entry.When, e.When+1)
		file = p.Layout.SnapshotPath(e)
	}
	if file == "" && len(p.Files) > 0 {
		return nil, nil, fmt.Errorf("%s: no entry, although there are migrations; nothing can follow them", p.Layout.JournalPath())
	}
	data, err := p.read(file)
	if err != nil {
		return nil, nil, err
	}
	s, err := parse6(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	told, notes := apply(s, changes, n)
	s.follow(id)
	if data, err = s.encode(); err != nil {
		return nil, nil, err
	}
	j.Entries = append(j.Entries, entry)
	journal, err := encode(j)
	if err != nil {
		return nil, nil, err
	}
	w.Files = append(w.Files, File{Path: p.Layout.SnapshotPath(entry), Data: data}, File{Path: p.Layout.JournalPath(), Data: journal, Replace: there})
	return told, notes, nil
}

// addFolder adds the snapshot of the folder.
func (p Project) addFolder(w *Written, pair layout.Pair, changes []change, n names, id string, _ time.Time) ([]change, []string, error) {
	file, err := p.lastSnapshot()
	if err != nil {
		return nil, nil, err
	}
	data, err := p.read(file)
	if err != nil {
		return nil, nil, err
	}
	s, err := parse7(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	told, notes := apply(s, changes, n)
	s.follow(id)
	if data, err = s.encode(); err != nil {
		return nil, nil, err
	}
	w.Files = append(w.Files, File{Path: path.Join(path.Dir(pair.Up), layout.SnapshotFile), Data: data})
	return told, notes, nil
}

// read reads a snapshot; no path gives nil, the empty schema.
func (p Project) read(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	data, err := fs.ReadFile(p.FS, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: Drizzle's snapshot of the schema is not there, so that nothing can follow it: %w", file, err)
	}
	return data, err
}

// lastSnapshot is the snapshot that no other one follows; "" if there is none.
func (p Project) lastSnapshot() (string, error) {
	files := map[string]string{} // by id
	followed := map[string]bool{}
	for _, f := range p.Files {
		file := path.Join(path.Dir(p.Layout.Path(f.Name)), layout.SnapshotFile)
		data, err := fs.ReadFile(p.FS, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var s struct {
			ID      string   `json:"id"`
			PrevIDs []string `json:"prevIds"`
		}
		if err == nil {
			err = json.Unmarshal(data, &s)
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
		files[s.ID] = file
		for _, id := range s.PrevIDs {
			followed[id] = true
		}
	}
	var last []string
	for id, file := range files {
		if !followed[id] {
			last = append(last, file)
		}
	}
	slices.Sort(last)
	switch {
	case len(last) > 1:
		return "", fmt.Errorf("%s stand side by side, each the last of its branch; `drizzle-kit generate` brings them together first", strings.Join(last, " and "))
	case len(last) == 0 && len(files) > 0:
		return "", errors.New("the snapshots of Drizzle follow each other in a circle")
	case len(last) == 0 && len(p.Files) > 0:
		return "", errors.New("no migration has a snapshot of Drizzle's, so that nothing can follow them")
	case len(last) == 0:
		return "", nil
	}
	return last[0], nil
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
