package layout

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// drizzleConfig is what drizzle-kit's config says, as far as it can be read without running it.
type drizzleConfig struct {
	path string // "": there is none
	out  string // the folder of the migrations below the project; drizzle-kit's default is drizzle
	next bool   // package.json asks for drizzle-kit 1.0 or later
}

// drizzleFiles are the names of drizzle-kit's config, in its order of looking, with those that people give it.
func drizzleFiles() []string {
	return []string{"drizzle.config.ts", "drizzle.config.js", "drizzle.config.json", "drizzle.config.mts", "drizzle.config.mjs", "drizzle.config.cts", "drizzle.config.cjs"}
}

// readDrizzleConfig looks for drizzle-kit's config. It is a program more often than not, and nothing of a project is run:
// the folder is taken from a plain `out: "..."`, and is drizzle-kit's default where there is none to be seen.
func readDrizzleConfig(fsys fs.FS) (drizzleConfig, error) {
	for _, name := range drizzleFiles() {
		text, err := readConfig(fsys, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return drizzleConfig{}, err
		}
		c := drizzleConfig{path: name, out: "drizzle", next: nextDrizzle(fsys)}
		if m := outOf().FindSubmatch(text); m != nil {
			if out := normalizePath(string(m[1])); fs.ValidPath(out) {
				c.out = out
			}
		}
		return c, nil
	}
	return drizzleConfig{}, nil
}

func outOf() *regexp.Regexp {
	return regexp.MustCompile("(?m)(?:^|[{,])[ \t]*[\"']?out[\"']?[ \t]*:[ \t]*[\"'`]([^\"'`$\n]+)[\"'`]")
}

// nextDrizzle reports whether package.json asks for drizzle-kit 1.0 or later, which writes a folder per migration.
func nextDrizzle(fsys fs.FS) bool {
	text, err := readConfig(fsys, "package.json")
	if err != nil {
		return false
	}
	values, err := decodeJSONC(text)
	if err != nil {
		return false
	}
	for _, key := range []string{"devDependencies", "dependencies"} {
		list, _ := values[key].(map[string]any)
		version, _ := list["drizzle-kit"].(string)
		version = strings.TrimLeft(version, "^~>=v ")
		if version == "beta" || version == "rc" {
			return true
		}
		if major, _, _ := strings.Cut(version, "."); major != "" && major != "0" && strings.Trim(major, "0123456789") == "" {
			return true
		}
	}
	return false
}

// kindOf says who writes the migrations of a folder: by what lies there, and where nothing does yet by drizzle-kit's config.
func kindOf(fsys fs.FS, dir string, kit drizzleConfig) Kind {
	mine := kit.path != "" && kit.out == dir
	switch {
	case isFile(fsys, path.Join(dir, journalFile)):
		return DrizzleJournal
	case holdsFolders(fsys, dir, mine):
		return DrizzleFolders
	case mine && !holdsSQL(fsys, dir) && kit.next:
		return DrizzleFolders
	case mine && !holdsSQL(fsys, dir):
		return DrizzleJournal
	}
	return Plain
}

// holdsFolders reports whether a folder has migrations of drizzle-kit 1.0: a snapshot beside the SQL, or, where drizzle-kit's
// config names the folder, the SQL alone.
func holdsFolders(fsys fs.FS, dir string, mine bool) bool {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return e.IsDir() && !hidden(e.Name()) && isFile(fsys, path.Join(dir, e.Name(), folderFile)) &&
			(mine || isFile(fsys, path.Join(dir, e.Name(), SnapshotFile)))
	})
}
