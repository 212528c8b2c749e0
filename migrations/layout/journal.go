package layout

import (
	"fmt"
	"io/fs"
	"path"
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
