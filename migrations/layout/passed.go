package layout

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// passedOver finds what looks like a migration, lies where migrations lie, and is found by nobody: a file whose name does not end in .sql
// in lower case, a numbered file beside folders of one migration each, and such folders beside files.
func (l Layout) passedOver(fsys fs.FS) ([]Problem, error) {
	entries, err := fs.ReadDir(fsys, l.Dir)
	if err != nil {
		return nil, fmt.Errorf("migrations folder %s: %w", l.Dir, err)
	}
	var found []Problem
	var folders []string
	for _, e := range entries {
		name := e.Name()
		switch ext := path.Ext(name); {
		case hidden(name):
		case e.IsDir():
			if numbered(name) && l.Pattern == plainPattern && isFile(fsys, l.Path(path.Join(name, folderFile))) {
				folders = append(folders, name)
			}
		case l.Matches(name) || !strings.EqualFold(ext, ".sql"):
		case ext != ".sql":
			found = append(found, Problem{CodeConfig, l.Path(name), fmt.Sprintf(
				"Nobody applies this file: wrangler takes .sql in lower case alone, and this name ends in %s. Rename it if it is a migration.", ext)})
		case l.Pattern == folderPattern && numbered(name):
			found = append(found, Problem{CodeConfig, l.Path(name), fmt.Sprintf(
				"Nobody applies this file: the migrations here lie one folder each (%s). Give it a folder of its own if it is a migration.", l.Pattern)})
		}
	}
	if len(folders) > 0 {
		found = append(found, l.inFolders(folders, slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !e.IsDir() && l.Matches(e.Name()) })))
	}
	return found, nil
}

// inFolders says of migrations that lie one folder each, as Prisma and drizzle-kit 1.0 write them, what makes wrangler find them. mixed: there
// are plain ones as well, which it would not find any more then.
func (l Layout) inFolders(folders []string, mixed bool) Problem {
	text := fmt.Sprintf("Nobody applies what lies one folder each in %s (%s): wrangler takes the .sql files beside them alone. "+
		"Set \"migrations_dir\": %q and \"migrations_pattern\": %q in wrangler's config", l.Dir, several(folders), l.Dir, path.Join(l.Dir, folderPattern))
	if mixed {
		text += ", and give those files folders of their own"
	}
	return Problem{CodeConfig, l.Path(path.Join(folders[len(folders)-1], folderFile)), text + "."}
}

// several names the first and the last of many.
func several(names []string) string {
	if len(names) > 2 {
		return fmt.Sprintf("%s to %s, %d folders", names[0], names[len(names)-1], len(names))
	}
	return strings.Join(names, " and ")
}

func numbered(name string) bool { return leadingDigits(name) != "" }

// Day is the day with which a name begins, as people write it: 2026-11-22. Empty where it does not. Files of one day are in the order of
// their names, and so are not taken for two of one number.
func Day(name string) string {
	if len(name) < len(time.DateOnly) {
		return ""
	}
	day, rest := name[:len(time.DateOnly)], name[len(time.DateOnly):]
	if _, err := time.Parse(time.DateOnly, day); err != nil || numbered(rest) {
		return ""
	}
	return day
}
