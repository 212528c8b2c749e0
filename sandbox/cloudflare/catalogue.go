package cloudflare

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

var (
	databaseName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	uuidForm     = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// record is what is kept of a database besides its content. Fields may be added.
type record struct {
	UUID         string    `json:"uuid"`
	Name         string    `json:"name"`
	CreatedAt    time.Time `json:"created_at"`
	Region       string    `json:"region"`
	Jurisdiction string    `json:"jurisdiction,omitempty"`
}

// catalogueFile is the form of catalogue.json.
type catalogueFile struct {
	Version   int      `json:"version"`
	Databases []record `json:"databases"`
}

// catalogue knows all databases. It is safe for concurrent use.
type catalogue struct {
	dir string // empty: memory
	surroundings
	mu        sync.Mutex
	closed    bool
	databases []*database // oldest first
}

func openCatalogue(dir string, around surroundings) (*catalogue, error) {
	c := &catalogue{dir: dir, surroundings: around}
	if dir == "" {
		return c, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(c.path())
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	var file catalogueFile
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", c.path(), err)
	}
	for _, r := range file.Databases {
		db, err := openDatabase(dir, r, around)
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		c.databases = append(c.databases, db)
	}
	return c, nil
}

func (c *catalogue) path() string { return filepath.Join(c.dir, "catalogue.json") }

// save writes catalogue.json anew. The caller holds the lock.
func (c *catalogue) save() error {
	if c.dir == "" {
		return nil
	}
	file := catalogueFile{Version: 1}
	for _, db := range c.databases {
		file.Databases = append(file.Databases, db.record)
	}
	text, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(c.path(), text)
}

// create makes an empty database. A name that is taken is refused with 7502.
func (c *catalogue) create(name, region, jurisdiction string) (*database, error) {
	if !databaseName.MatchString(name) {
		return nil, malformed("invalid database name")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed()
	}
	if c.named(name) != nil {
		return nil, refuse(http.StatusBadRequest, 7502, "A database with the name %s already exists", name)
	}
	id, err := c.random.uuid()
	if err != nil {
		return nil, err
	}
	if region == "" {
		region = "weur"
	}
	r := record{id, name, c.now().UTC().Truncate(time.Millisecond), strings.ToUpper(region), jurisdiction}
	db, err := openDatabase(c.dir, r, c.surroundings)
	if err != nil {
		return nil, err
	}
	c.databases = append(c.databases, db)
	if err := c.save(); err != nil {
		c.databases = c.databases[:len(c.databases)-1]
		return nil, errors.Join(err, db.remove())
	}
	return db, nil
}

// named finds a database by its name. The caller holds the lock.
func (c *catalogue) named(name string) *database {
	return c.first(func(r record) bool { return r.Name == name })
}

func (c *catalogue) first(match func(record) bool) *database {
	i := slices.IndexFunc(c.databases, func(db *database) bool { return match(db.record) })
	if i < 0 {
		return nil
	}
	return c.databases[i]
}

// find looks a database up by its id, or also by its name, which wrangler uses when it deletes one.
func (c *catalogue) find(key string, alsoByName bool) (*database, error) {
	if !alsoByName && !uuidForm.MatchString(key) {
		return nil, malformed("failed to decode id")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed()
	}
	db := c.first(func(r record) bool { return r.UUID == strings.ToLower(key) })
	if db == nil && alsoByName {
		db = c.named(key)
	}
	if db == nil {
		return nil, notFound(key)
	}
	return db, nil
}

// list returns the databases whose name contains part, oldest first.
func (c *catalogue) list(part string) ([]*database, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed()
	}
	return slices.DeleteFunc(slices.Clone(c.databases), func(db *database) bool { return !strings.Contains(db.record.Name, part) }), nil
}

// remove deletes a database and its history.
func (c *catalogue) remove(db *database) error {
	c.mu.Lock()
	c.databases = slices.DeleteFunc(c.databases, func(other *database) bool { return other == db })
	err := c.save()
	c.mu.Unlock()
	return errors.Join(err, db.remove())
}

func (c *catalogue) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	var errs []error
	for _, db := range c.databases {
		errs = append(errs, db.close())
	}
	return errors.Join(errs...)
}

func notFound(key string) *apiError {
	return refuse(http.StatusNotFound, 7404, "The database %s could not be found", key)
}

func errClosed() *apiError {
	return refuse(http.StatusInternalServerError, 7500, "internal error; reference = e_closed")
}

// writeFile replaces a file by one with the given content, in one step.
func writeFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already where all went well
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
