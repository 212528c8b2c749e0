package cloudflare

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How much history a database keeps: the newest snapshots, and no more of them than fit.
const (
	keepSnapshots = 100
	keepBytes     = 256 << 20
)

// snapshot is the content of a database as it was from a time on.
type snapshot struct {
	bookmark string
	time     time.Time
	size     int
	content  []byte // nil where it lies in a file
}

// history holds the snapshots of one database, oldest first. With a folder they are files whose names say everything:
// BOOKMARK.UNIXMILLI.sqlite.
type history struct {
	dir        string // empty: memory
	snapshots  []snapshot
	generation uint32 // counts restores
	serial     uint32 // counts snapshots
}

var snapshotName = regexp.MustCompile(`^(([0-9a-f]{8})-([0-9a-f]{8})-[0-9a-f]{8}-[0-9a-f]{32})\.(\d+)\.sqlite$`)

func openHistory(dir string) (*history, error) {
	h := &history{dir: dir}
	if dir == "" {
		return h, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir) // sorted by name, so by age
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		m := snapshotName.FindStringSubmatch(e.Name())
		info, err := e.Info()
		if m == nil || err != nil {
			continue
		}
		millis, _ := strconv.ParseInt(m[4], 10, 64)
		h.snapshots = append(h.snapshots, snapshot{bookmark: m[1], time: time.UnixMilli(millis), size: int(info.Size())})
		generation, _ := strconv.ParseUint(m[2], 16, 32)
		serial, _ := strconv.ParseUint(m[3], 16, 32)
		h.generation, h.serial = uint32(generation), uint32(serial)
	}
	return h, nil
}

// add keeps content, as of now, under a new bookmark. Bookmarks look like D1's and sort by age.
func (h *history) add(content []byte, now time.Time, random *source) error {
	unique, err := random.bytes(16)
	if err != nil {
		return err
	}
	h.serial++
	bookmark := fmt.Sprintf("%08x-%08x-%08x-%s", h.generation, h.serial, uint32(now.Unix()), hex.EncodeToString(unique))
	s := snapshot{bookmark: bookmark, time: now.Truncate(time.Millisecond), size: len(content), content: content}
	if h.dir != "" {
		s.content = nil
		if err := writeFile(h.file(s), content); err != nil {
			return err
		}
	}
	h.snapshots = append(h.snapshots, s)
	return h.expire()
}

func (h *history) file(s snapshot) string {
	return filepath.Join(h.dir, fmt.Sprintf("%s.%d.sqlite", s.bookmark, s.time.UnixMilli()))
}

// expire forgets the oldest snapshots, never the newest.
func (h *history) expire() error {
	size := 0
	for _, s := range h.snapshots {
		size += s.size
	}
	var errs []error
	for len(h.snapshots) > 1 && (len(h.snapshots) > keepSnapshots || size > keepBytes) {
		size -= h.snapshots[0].size
		if h.dir != "" {
			errs = append(errs, os.Remove(h.file(h.snapshots[0])))
		}
		h.snapshots = h.snapshots[1:]
	}
	return errors.Join(errs...)
}

// latest returns the newest bookmark, or "".
func (h *history) latest() string {
	if len(h.snapshots) == 0 {
		return ""
	}
	return h.snapshots[len(h.snapshots)-1].bookmark
}

// byBookmark finds a snapshot by its bookmark.
func (h *history) byBookmark(bookmark string) (snapshot, bool) {
	i := slices.IndexFunc(h.snapshots, func(s snapshot) bool { return s.bookmark == strings.ToLower(bookmark) })
	if i < 0 {
		return snapshot{}, false
	}
	return h.snapshots[i], true
}

// at returns the snapshot of the content as it was at a time.
func (h *history) at(t time.Time) (snapshot, bool) {
	for _, s := range slices.Backward(h.snapshots) {
		if !s.time.After(t) {
			return s, true
		}
	}
	return snapshot{}, false
}

func (h *history) read(s snapshot) ([]byte, error) {
	if h.dir == "" {
		return s.content, nil
	}
	return os.ReadFile(h.file(s))
}
