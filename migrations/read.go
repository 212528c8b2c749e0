package migrations

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// downFolder holds the DOWN files, below the migrations folder, where wrangler's default pattern does not look.
const downFolder = "down"

// Read returns the migrations of a folder in wrangler's order: DIR/*.sql, and for each the file of the same name in
// DIR/down, if there is one. Names that begin with a dot, other files and other folders are left out, as wrangler leaves
// them out (its default migrations_pattern). A folder without migrations gives none.
//
// The error names everything that is wrong at once: a folder that is missing; a file NAME.down.sql among the migrations
// (wrangler would apply it as a migration); a DOWN file without its migration; a symbolic link or device where a file is
// expected (wrangler would pass it over in silence, and a link may lead out of the project); a name that is not UTF-8 or
// has control characters; one folder per migration, which only wrangler's migrations_pattern reads.
func Read(fsys fs.FS, dir string) ([]File, error) {
	dir = path.Clean(dir)
	if err := checkFolder(fsys, dir); err != nil {
		return nil, err
	}
	ups, err := list(fsys, dir)
	if err != nil {
		return nil, err
	}
	downs, err := listDowns(fsys, dir)
	if err != nil {
		return nil, err
	}
	var wrong []error
	for _, name := range ups {
		if strings.HasSuffix(strings.ToLower(name), ".down.sql") {
			wrong = append(wrong, fmt.Errorf("%s: wrangler would apply this as a migration; a DOWN file belongs at %s",
				path.Join(dir, name), path.Join(dir, downFolder, name[:len(name)-len(".down.sql")]+".sql")))
		}
	}
	for _, name := range downs {
		if !slices.Contains(ups, name) {
			wrong = append(wrong, fmt.Errorf("%s: there is no migration %s that it could undo",
				path.Join(dir, downFolder, name), path.Join(dir, name)))
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	if len(ups) == 0 {
		return nil, checkFolderPerMigration(fsys, dir)
	}
	return load(fsys, dir, ups, downs)
}

func load(fsys fs.FS, dir string, ups, downs []string) ([]File, error) {
	files := make([]File, 0, len(ups))
	for _, name := range ups {
		f := File{Name: name}
		var err error
		if f.SQL, err = fs.ReadFile(fsys, path.Join(dir, name)); err != nil {
			return nil, err
		}
		if slices.Contains(downs, name) {
			if f.Down, err = fs.ReadFile(fsys, path.Join(dir, downFolder, name)); err != nil {
				return nil, err
			}
			if f.Down == nil {
				f.Down = []byte{}
			}
		}
		files = append(files, f)
	}
	return files, nil
}

// checkFolder makes sure that every part of the path is a folder, not a link to one.
func checkFolder(fsys fs.FS, dir string) error {
	if !fs.ValidPath(dir) {
		return fmt.Errorf("migrations folder %q: not a path below the project", dir)
	}
	for i := 0; i <= len(dir); i++ {
		if i < len(dir) && dir[i] != '/' {
			continue
		}
		part := dir[:i]
		info, err := fs.Lstat(fsys, part)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("migrations folder %s: there is no %s: %w", dir, part, fs.ErrNotExist)
		case err != nil:
			return fmt.Errorf("migrations folder %s: %w", dir, err)
		case info.Mode()&fs.ModeSymlink != 0:
			return fmt.Errorf("migrations folder %s: %s is a symbolic link; name the folder that it leads to", dir, part)
		case !info.IsDir():
			return fmt.Errorf("migrations folder %s: %s is not a folder", dir, part)
		}
	}
	return nil
}

// list returns the names of the migrations of one folder, in order.
func list(fsys fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("migrations folder %s: %w", dir, err)
	}
	var names []string
	var wrong []error
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || !strings.HasSuffix(name, ".sql") || e.IsDir() {
			continue
		}
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			wrong = append(wrong, fmt.Errorf("%s: a symbolic link; put the file itself there", path.Join(dir, name)))
		case !e.Type().IsRegular():
			wrong = append(wrong, fmt.Errorf("%s: not an ordinary file", path.Join(dir, name)))
		case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
			wrong = append(wrong, fmt.Errorf("%q: the name is not UTF-8 or has control characters", path.Join(dir, name)))
		}
		names = append(names, name)
	}
	Sort(names)
	return names, errors.Join(wrong...)
}

func listDowns(fsys fs.FS, dir string) ([]string, error) {
	folder := path.Join(dir, downFolder)
	info, err := fs.Lstat(fsys, folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("DOWN files: %w", err)
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, fmt.Errorf("%s: a symbolic link; put the folder itself there", folder)
	case !info.IsDir():
		return nil, fmt.Errorf("%s: not a folder; the DOWN files belong into a folder of that name", folder)
	}
	return list(fsys, folder)
}

// checkFolderPerMigration notices a layout that Read does not read, which would otherwise pass for an empty folder.
func checkFolderPerMigration(fsys fs.FS, dir string) error {
	found, err := fs.Glob(fsys, path.Join(dir, "*", "migration.sql"))
	if err != nil || len(found) == 0 {
		return nil
	}
	return fmt.Errorf("%s: one folder per migration is not read; the migrations are expected as %s",
		found[0], path.Join(dir, "*.sql"))
}
