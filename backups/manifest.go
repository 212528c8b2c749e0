package backups

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"towline/deploy"
	"towline/deploy/release"
)

// manifest is what is kept beside a copy. Fields may be added, never renamed; a manifest of a newer version is not read.
type manifest struct {
	Version     int                 `json:"version"`
	ID          string              `json:"id"`
	Project     string              `json:"project"`
	Environment release.Environment `json:"environment"`
	Database    string              `json:"database"`
	DatabaseID  string              `json:"database_id"`
	TakenAt     time.Time           `json:"taken_at"`
	Release     uint64              `json:"release,omitempty"`
	Run         string              `json:"run,omitempty"`
	Bookmark    string              `json:"bookmark,omitempty"`
	Way         string              `json:"way"` // export or tables
	Unexported  string              `json:"unexported,omitempty"`
	Rows        map[string]int64    `json:"rows,omitempty"` // by table: as counted at D1, then as restored
	Missing     []string            `json:"missing,omitempty"`
	Took        int64               `json:"took_ms,omitempty"`
	Bytes       int64               `json:"bytes"`  // of the file
	Size        int64               `json:"size"`   // of the SQL text
	Sum         string              `json:"sha256"` // of the SQL text
	Encrypted   bool                `json:"encrypted"`
	CheckedAt   time.Time           `json:"checked_at,omitzero"`
	Hashes      map[string]string   `json:"hashes,omitempty"`  // by table, of the rows as they were restored first
	Problem     string              `json:"problem,omitempty"` // what the last check found wrong
}

const (
	manifestVersion = 1
	wayExport       = "export"
	wayTables       = "tables"
)

func manifestOf(b deploy.Backup) manifest {
	m := manifest{
		Version: manifestVersion, ID: b.ID, Project: b.Project, Environment: b.Environment, Database: b.Database, DatabaseID: b.DatabaseID,
		TakenAt: b.TakenAt, Release: b.Release, Run: b.Run, Bookmark: b.Bookmark, Way: wayExport, Unexported: b.Unexported, Rows: b.Rows, Missing: b.Missing,
		Took: millis(b.Took), Bytes: b.Bytes, Size: b.Size, Sum: b.Sum, Encrypted: b.Encrypted, CheckedAt: b.CheckedAt, Problem: b.Problem,
	}
	if b.Tables {
		m.Way = wayTables
	}
	return m
}

func (m manifest) backup() deploy.Backup {
	return deploy.Backup{
		ID: m.ID, Project: m.Project, Environment: m.Environment, Database: m.Database, DatabaseID: m.DatabaseID, TakenAt: m.TakenAt,
		Release: m.Release, Run: m.Run, Bookmark: m.Bookmark, Tables: m.Way == wayTables, Unexported: m.Unexported, Rows: m.Rows, Missing: m.Missing,
		Took: time.Duration(m.Took) * time.Millisecond, Bytes: m.Bytes, Size: m.Size, Sum: m.Sum, Encrypted: m.Encrypted,
		CheckedAt: m.CheckedAt, Problem: m.Problem,
	}
}

// place is where a copy of that id is.
type place struct {
	dir, id string
}

func (p place) manifest() string { return filepath.Join(p.dir, p.id+".json") }

func (p place) content(encrypted bool) string {
	name := filepath.Join(p.dir, p.id+".sql.gz")
	if encrypted {
		name += ".age"
	}
	return name
}

// read returns the manifest. What can be seen without reading the copy counts: a file that is gone, or of another size, is a
// Problem.
func (p place) read() (manifest, error) {
	text, err := os.ReadFile(p.manifest())
	if err != nil {
		return manifest{}, err
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return manifest{}, fmt.Errorf("the manifest cannot be read: %w", err)
	}
	if m.Version != manifestVersion {
		return manifest{}, fmt.Errorf("the manifest has version %d, this Towline reads %d", m.Version, manifestVersion)
	}
	if m.ID != p.id {
		return manifest{}, errors.New("the manifest is that of another backup")
	}
	info, err := os.Stat(p.content(m.Encrypted))
	switch {
	case errors.Is(err, os.ErrNotExist):
		m.Problem = "its file is gone"
	case err != nil:
		return manifest{}, err
	case info.Size() != m.Bytes:
		m.Problem = fmt.Sprintf("its file has %d bytes, not the %d that were written", info.Size(), m.Bytes)
	}
	return m, nil
}

// write replaces the manifest in one step.
func (p place) write(m manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	f, err := newFile(p.dir)
	if err != nil {
		return err
	}
	defer f.discard()
	if _, err := f.Write(append(text, '\n')); err != nil {
		return err
	}
	return f.keep(p.manifest())
}

// millis is a length of time in milliseconds, rounded up: 0 means that it is not known.
func millis(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }
