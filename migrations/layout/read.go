package layout

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"unicode"
	"unicode/utf8"

	"towline/migrations"
)

func read(fsys fs.FS, l Layout) (Content, error) {
	g, err := parseGlob(l.Pattern)
	if err != nil {
		return Content{}, err
	}
	if err := checkFolder(fsys, l.Dir); err != nil {
		return Content{}, err
	}
	names, err := list(fsys, l.Dir, g)
	if err != nil {
		return Content{}, err
	}
	content := Content{Layout: l, Problems: append([]Problem(nil), l.Problems...)}
	var wrong []error
	for _, name := range names {
		f := migrations.File{Name: name}
		if f.SQL, err = fs.ReadFile(fsys, l.Path(name)); err != nil {
			wrong = append(wrong, err)
			continue
		}
		if f.Down, err = l.readDown(fsys, name); err != nil {
			wrong = append(wrong, err)
		}
		content.Files = append(content.Files, f)
	}
	problems, err := l.problems(fsys, names)
	if wrong = append(wrong, err); errors.Join(wrong...) != nil {
		return Content{}, errors.Join(wrong...)
	}
	content.Problems = append(content.Problems, problems...)
	return content, nil
}

// readDown reads the DOWN file of a migration; nil if there is none.
func (l Layout) readDown(fsys fs.FS, name string) ([]byte, error) {
	file := l.DownPath(name)
	if file == "" {
		return nil, nil
	}
	if err := checkFolder(fsys, path.Dir(file)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	info, err := fs.Lstat(fsys, file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	if err := checkFile(file, info.Mode()); err != nil {
		return nil, err
	}
	down, err := fs.ReadFile(fsys, file)
	if down == nil && err == nil {
		down = []byte{}
	}
	return down, err
}

// list returns the names of the files below dir that match, in wrangler's order.
func list(fsys fs.FS, dir string, g glob) ([]string, error) {
	w := walker{fsys: fsys, dir: dir, glob: g}
	if err := w.walk(""); err != nil {
		return nil, err
	}
	migrations.Sort(w.names)
	return w.names, errors.Join(w.wrong...)
}

// walker collects the files of a pattern.
type walker struct {
	fsys  fs.FS
	dir   string
	glob  glob
	names []string
	wrong []error
}

// walk looks at what is in a folder, "" or one ending with a slash.
func (w *walker) walk(folder string) error {
	entries, err := fs.ReadDir(w.fsys, path.Join(w.dir, folder))
	if err != nil {
		return fmt.Errorf("migrations folder %s: %w", path.Join(w.dir, folder), err)
	}
	for _, e := range entries {
		name := folder + e.Name()
		mode := e.Type()
		switch {
		case hidden(e.Name()):
		case mode.IsDir():
			if !w.glob.mayHold(name) {
				continue
			}
			if err := w.walk(name + "/"); err != nil {
				return err
			}
		case w.glob.matches(name), mode&fs.ModeSymlink != 0 && w.linkToFolder(name):
			w.names = append(w.names, name)
			w.wrong = append(w.wrong, checkFile(path.Join(w.dir, name), mode))
		}
	}
	return nil
}

// linkToFolder reports whether a symbolic link leads to a folder in which migrations would be looked for if it were one.
func (w *walker) linkToFolder(name string) bool {
	if !w.glob.mayHold(name) {
		return false
	}
	info, err := fs.Stat(w.fsys, path.Join(w.dir, name))
	return err == nil && info.IsDir()
}

// checkFile refuses what wrangler would pass over in silence although it is called like a migration.
func checkFile(file string, mode fs.FileMode) error {
	name := path.Base(file)
	switch {
	case mode&fs.ModeSymlink != 0:
		return fmt.Errorf("%s: a symbolic link; put the file itself there", file)
	case !mode.IsRegular():
		return fmt.Errorf("%s: not an ordinary file", file)
	case !utf8.ValidString(file) || bytes.ContainsFunc([]byte(name), unicode.IsControl) || bytes.ContainsFunc([]byte(file), unicode.IsControl):
		return fmt.Errorf("%q: the name is not UTF-8 or has control characters", file)
	}
	return nil
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
