package layout

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

const (
	journalFile = "meta/_journal.json"
	// SnapshotFile is the name of the schema that drizzle-kit 1.0 keeps beside a migration.
	SnapshotFile = "snapshot.json"
)

// Journal is Drizzle's list of migrations, meta/_journal.json, of drizzle-kit before 1.0.
type Journal struct {
	Version string         `json:"version"` // "7" since drizzle-kit 0.22, "6" and "5" before
	Dialect string         `json:"dialect"` // "sqlite"
	Entries []JournalEntry `json:"entries"` // in the order in which drizzle-orm applies them
}

// JournalEntry is one migration of the journal: the file TAG.sql and the schema meta/NNNN_snapshot.json.
type JournalEntry struct {
	Idx         int    `json:"idx"`         // from 0; names the snapshot
	Version     string `json:"version"`     // of the snapshot, "6" for SQLite
	When        int64  `json:"when"`        // milliseconds since 1970; drizzle-orm applies what is newer than the last it applied
	Tag         string `json:"tag"`         // the file's name without .sql
	Breakpoints bool   `json:"breakpoints"` // whether statements are kept apart by "--> statement-breakpoint"
}

// ParseJournal reads a journal. The error begins with line and column.
func ParseJournal(text []byte) (Journal, error) {
	var j Journal
	if err := decodeJSON(trimMark(text), &j); err != nil {
		return Journal{}, err
	}
	return j, nil
}

// Journal reads the journal of the layout.
func (l Layout) Journal(fsys fs.FS) (Journal, error) {
	file := l.JournalPath()
	text, err := readConfig(fsys, file)
	if err != nil {
		return Journal{}, err
	}
	j, err := ParseJournal(text)
	if err != nil {
		return Journal{}, fmt.Errorf("%s:%w", file, err)
	}
	return j, nil
}

// JournalPath is the path of Drizzle's journal below the project.
func (l Layout) JournalPath() string { return path.Join(l.Dir, journalFile) }

// snapshotEnd ends the names of the snapshots beside the journal.
const snapshotEnd = "_snapshot.json"

// SnapshotPath is where drizzle-kit keeps the schema after a migration of the journal, below the project: named by its number, or, where
// migrations are numbered by their time (migrations.prefix of drizzle-kit's config), by that.
func (l Layout) SnapshotPath(e JournalEntry) string {
	number := fmt.Sprintf("%04d", e.Idx)
	if digits := leadingDigits(e.Tag); len(digits) >= len("1700000000") {
		number = digits
	}
	return path.Join(l.Dir, path.Dir(journalFile), number+snapshotEnd)
}

// LastSnapshot is the snapshot beside the journal that drizzle-kit takes for the newest, below the project: the last by its name, whatever
// that is, of those that do not begin with "_". Empty: there is none.
func (l Layout) LastSnapshot(fsys fs.FS) string {
	dir := path.Join(l.Dir, path.Dir(journalFile))
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return ""
	}
	last := ""
	for _, e := range entries { // by name
		if !e.IsDir() && !strings.HasPrefix(e.Name(), "_") && strings.HasSuffix(e.Name(), ".json") {
			last = path.Join(dir, e.Name())
		}
	}
	return last
}

// Pictured reports whether a snapshot's name says that it shows the schema after this migration.
func (e JournalEntry) Pictured(snapshot string) bool {
	name, ok := strings.CutSuffix(path.Base(snapshot), snapshotEnd)
	return ok && (name == fmt.Sprintf("%04d", e.Idx) || name != "" && strings.HasPrefix(e.Tag, name))
}
