package drizzle

import (
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

// books are what drizzle-kit keeps beside the migrations, open for one more.
type books struct {
	last     snapshot // becomes the new one
	file     string   // of the new snapshot
	pictured int      // how many of the files the last snapshot shows

	// Of a journal.
	journal      *layout.Journal // nil: there is none in this layout
	journalPath  string
	journalThere bool
	tag          string
}

// open reads the last snapshot, and the journal where the layout has one.
func (p Project) open(pair layout.Pair) (*books, error) {
	if p.Layout.Kind == layout.DrizzleFolders {
		return p.openFolders(pair)
	}
	j, err := p.Layout.Journal(p.FS)
	b := &books{journal: &j, journalPath: p.Layout.JournalPath(), journalThere: !errors.Is(err, fs.ErrNotExist), tag: strings.TrimSuffix(pair.Name, ".sql")}
	switch {
	case err != nil && b.journalThere:
		return nil, err
	case !b.journalThere:
		j = layout.Journal{Version: "7", Dialect: "sqlite"}
	}
	if strings.Contains(b.tag, "/") {
		return nil, fmt.Errorf("%s: Drizzle's journal knows no folders", pair.Name)
	}
	next, file := 0, p.Layout.LastSnapshot(p.FS)
	if !b.journalThere {
		file = ""
	}
	known := file == ""
	for _, e := range j.Entries {
		next = max(next, e.Idx+1)
		if !e.Pictured(file) {
			continue
		}
		known = true
		if i := p.index(e.Tag + ".sql"); i >= 0 {
			b.pictured = i + 1
		}
	}
	b.file = p.Layout.SnapshotPath(layout.JournalEntry{Idx: next, Tag: b.tag})
	switch {
	case !known:
		return nil, fmt.Errorf("%s is the newest snapshot, by its name, and belongs to no entry of %s", file, b.journalPath)
	case path.Base(b.file) <= path.Base(file):
		return nil, fmt.Errorf("drizzle-kit would take %s for newer than %s, the snapshot of the new migration", file, b.file)
	}
	data, err := p.read(file)
	if err != nil {
		return nil, err
	}
	if b.last, err = parse6(data); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return b, nil
}

// openFolders reads the last snapshot of drizzle-kit 1.0.
func (p Project) openFolders(pair layout.Pair) (*books, error) {
	file, err := p.lastSnapshot()
	if err != nil {
		return nil, err
	}
	data, err := p.read(file)
	if err != nil {
		return nil, err
	}
	b := &books{file: path.Join(path.Dir(pair.Up), layout.SnapshotFile)}
	if i := slices.IndexFunc(p.Files, func(f migrations.File) bool { return path.Dir(p.Layout.Path(f.Name)) == path.Dir(file) }); file != "" && i >= 0 {
		b.pictured = i + 1
	}
	if b.last, err = parse7(data); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return b, nil
}

// close makes the last snapshot the new one, and adds the journal's entry.
func (b *books) close(now time.Time, random io.Reader) ([]File, error) {
	id, err := newID(random)
	if err != nil {
		return nil, err
	}
	b.last.follow(id)
	data, err := b.last.encode()
	if err != nil {
		return nil, err
	}
	files := []File{{Path: b.file, Data: data}}
	if b.journal == nil {
		return files, nil
	}
	entry := layout.JournalEntry{Version: "6", When: now.UnixMilli(), Tag: b.tag, Breakpoints: true}
	for _, e := range b.journal.Entries {
		entry.Idx, entry.When = max(entry.Idx, e.Idx+1), max(entry.When, e.When+1)
	}
	b.journal.Entries = append(b.journal.Entries, entry)
	if data, err = encode(b.journal); err != nil {
		return nil, err
	}
	return append(files, File{Path: b.journalPath, Data: data, Replace: b.journalThere}), nil
}

func (p Project) index(name string) int {
	return slices.IndexFunc(p.Files, func(f migrations.File) bool { return f.Name == name })
}

// read reads a snapshot; no path gives nil, the empty schema.
func (p Project) read(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	return fs.ReadFile(p.FS, file)
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
		return "", fmt.Errorf("%s stand side by side, each the last of its branch; `drizzle-kit generate --custom` brings them together", strings.Join(last, " and "))
	case len(last) == 0 && len(files) > 0:
		return "", errors.New("the snapshots of Drizzle follow each other in a circle")
	case len(last) == 0:
		return "", nil
	}
	return last[0], nil
}
