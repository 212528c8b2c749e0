package backups

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"towline/deploy"
	"towline/deploy/release"
)

// DefaultKeep is how long copies are kept.
const DefaultKeep = 30 * 24 * time.Hour

// leftovers is how old a half-written file is before it is taken for that of a process that died.
const leftovers = 24 * time.Hour

// Options say where copies are kept and how. Dir is required; every other zero value has a meaning.
type Options struct {
	Dir    string           // made when the first copy is kept
	Key    string           // what age-keygen wrote, identities and comments; empty: copies are not encrypted
	Keep   time.Duration    // how long; 0: DefaultKeep
	Now    func() time.Time // nil: time.Now
	Random io.Reader        // for ids; nil: crypto/rand
	Logger *slog.Logger     // nil: none
}

// Format hides the key from every verb of package fmt.
func (o Options) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "{Dir:%s Keep:%s}", o.Dir, o.Keep) }

// LogValue hides the key from slog.
func (o Options) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(o)) }

// Folder is a folder of copies. It is safe for concurrent use; one process at a time may write to it.
type Folder struct {
	dir    string
	keys   keys
	keep   time.Duration
	now    func() time.Time
	log    *slog.Logger
	mu     sync.Mutex // of random
	random io.Reader
}

var _ deploy.Backups = (*Folder)(nil)

var (
	idForm   = regexp.MustCompile(`^[0-7][0-9A-HJKMNP-TV-Z]{25}$`)
	nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
)

// Open checks the options. It reads and makes nothing. The error does not contain the key.
func Open(o Options) (*Folder, error) {
	if o.Dir == "" {
		return nil, errors.New("backups need a folder")
	}
	k, err := parseKeys(o.Key)
	if err != nil {
		return nil, fmt.Errorf("backups: %w", err)
	}
	f := &Folder{dir: o.Dir, keys: k, keep: o.Keep, now: o.Now, log: o.Logger, random: o.Random}
	if f.keep <= 0 {
		f.keep = DefaultKeep
	}
	if f.now == nil {
		f.now = time.Now
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	if f.random == nil {
		f.random = rand.Reader
	}
	return f, nil
}

// environment is the folder of an environment's copies.
func (f *Folder) environment(project string, env release.Environment) (string, error) {
	if !nameForm.MatchString(project) || !nameForm.MatchString(string(env)) {
		return "", fmt.Errorf("%q and %q cannot be names of folders", project, env)
	}
	return filepath.Join(f.dir, project, string(env)), nil
}

// find is where the copy of that id is, or deploy.ErrNoBackup.
func (f *Folder) find(id string) (place, error) {
	if !idForm.MatchString(id) {
		return place{}, fmt.Errorf("%q: %w", id, deploy.ErrNoBackup)
	}
	found, err := f.places("", "")
	if err != nil {
		return place{}, err
	}
	for _, p := range found {
		if p.id == id {
			return p, nil
		}
	}
	return place{}, fmt.Errorf("%s: %w", id, deploy.ErrNoBackup)
}

// places lists where copies are, of one environment or of all, newest first. What has not the name of a manifest is not ours.
func (f *Folder) places(project string, env release.Environment) ([]place, error) {
	projects, err := folders(f.dir, project)
	if err != nil {
		return nil, err
	}
	var found []place
	for _, dir := range projects {
		environments, err := folders(dir, string(env))
		if err != nil {
			return nil, err
		}
		for _, dir := range environments {
			entries, err := entries(dir)
			if err != nil {
				return nil, err
			}
			for _, e := range entries {
				if id, ok := strings.CutSuffix(e.Name(), ".json"); ok && idForm.MatchString(id) && e.Type().IsRegular() {
					found = append(found, place{dir, id})
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b place) int { return strings.Compare(b.id, a.id) })
	return found, nil
}

// folders lists those below dir, or the one of that name.
func folders(dir, name string) ([]string, error) {
	entries, err := entries(dir)
	var found []string
	for _, e := range entries {
		if e.IsDir() && nameForm.MatchString(e.Name()) && (name == "" || e.Name() == name) {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	return found, err
}

// entries is what a folder holds; one that is not there holds nothing.
func entries(dir string) ([]os.DirEntry, error) {
	all, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return all, err
}

// List implements deploy.Backups. A limit of 0 means all.
func (f *Folder) List(ctx context.Context, project string, env release.Environment, limit int) ([]deploy.Backup, error) {
	found, err := f.places(project, env)
	if err != nil {
		return nil, fmt.Errorf("list the backups: %w", err)
	}
	if limit > 0 && len(found) > limit {
		found = found[:limit]
	}
	out := make([]deploy.Backup, 0, len(found))
	for _, p := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out = append(out, p.backup())
	}
	return out, nil
}

// backup is what is known of a copy, if only that it cannot be read.
func (p place) backup() deploy.Backup {
	m, err := p.read()
	if err == nil {
		return m.backup()
	}
	return deploy.Backup{
		ID: p.id, Project: filepath.Base(filepath.Dir(p.dir)), Environment: release.Environment(filepath.Base(p.dir)),
		TakenAt: takenAt(p.id), Problem: err.Error(),
	}
}

// Find implements deploy.Backups.
func (f *Folder) Find(_ context.Context, id string) (deploy.Backup, error) {
	p, err := f.find(id)
	if err != nil {
		return deploy.Backup{}, err
	}
	return p.backup(), nil
}
