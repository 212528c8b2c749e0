package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"towline/config"
)

// checkBackups looks whether the folder of the backups can be written to. Otherwise that would show when an approved release is about to
// destroy something, and it would not run.
func checkBackups(v *verdicts, c *config.Config) {
	if !slices.ContainsFunc(c.Projects, func(p config.Project) bool { return p.Backups.Off == "" }) {
		return
	}
	dir := c.Backups.Dir
	for {
		_, err := os.Stat(dir)
		if up := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && up != dir {
			dir = up // it is made when it is needed
			continue
		}
		break
	}
	f, err := os.CreateTemp(dir, ".towline-check-*")
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if where, ok := errors.AsType[*fs.PathError](err); ok {
		err = where.Err
	}
	if err != nil {
		v.section("backups")
		v.bad("name a folder in backups.dir that the bot's user may write to, or make it one", "no backup can be kept in %s: %v", c.Backups.Dir, err)
	}
}
