package layout

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"towline/migrations"
)

func find(fsys fs.FS, o Options) (Layout, error) {
	if o.Dir != "" {
		o.Dir = path.Clean(o.Dir)
		if !fs.ValidPath(o.Dir) {
			return Layout{}, fmt.Errorf("migrations folder %q: not a path below the project", o.Dir)
		}
	}
	config, err := readWrangler(fsys, o)
	if err != nil {
		return Layout{}, err
	}
	kit, err := readDrizzleConfig(fsys)
	if err != nil {
		return Layout{}, err
	}
	l := Layout{Config: config.path, DrizzleConfig: kit.path}
	entry, err := l.choose(config, o)
	if err != nil {
		return Layout{}, err
	}
	l.placeDir(fsys, o, entry, kit)
	if !fs.ValidPath(l.Dir) {
		return Layout{}, fmt.Errorf("%s: migrations_dir %q leads out of the project", l.Config, entry.rawDir)
	}
	l.Kind = kindOf(fsys, l.Dir, kit)
	if err := l.placePattern(fsys, entry); err != nil {
		return Layout{}, err
	}
	l.placeTable(o, entry)
	return l, nil
}

// choose picks the entry of wrangler's config that is meant; nil if none is.
func (l *Layout) choose(c wranglerConfig, o Options) (*entry, error) {
	all := c.entries
	if o.Dir != "" {
		all = only(all, func(e entry) bool { return e.dir == o.Dir })
	}
	if named := only(all, func(e entry) bool { return slices.ContainsFunc(o.Databases, e.named) }); len(named) > 0 {
		all = named
	}
	if len(all) == 0 {
		return nil, nil
	}
	first := all[0]
	for _, e := range all[1:] {
		switch {
		case e.dir != first.dir:
			return nil, fmt.Errorf("%s: %s has its migrations in %s, and %s in %s. Say which is meant: `migrations:` in Towline's config, -database on the command line",
				c.path, first.label(), first.dir, e.label(), e.dir)
		case e.pattern != first.pattern && e.patternSet == first.patternSet, e.patternSet != first.patternSet:
			return nil, fmt.Errorf("%s: %s and %s read %s with different migrations_pattern. Give both the same", c.path, first.label(), e.label(), first.dir)
		case e.table != first.table && o.Table == "":
			return nil, fmt.Errorf("%s: %s and %s have different migrations_table. Give both the same, or say which is meant with `migrations_table:` in Towline's config",
				c.path, first.label(), e.label())
		}
	}
	return &first, nil
}

func only(all []entry, keep func(entry) bool) []entry {
	var kept []entry
	for _, e := range all {
		if keep(e) {
			kept = append(kept, e)
		}
	}
	return kept
}

// placeDir decides on the folder: Towline's config, then wrangler's, then drizzle-kit's, then the default.
func (l *Layout) placeDir(fsys fs.FS, o Options, e *entry, kit drizzleConfig) {
	switch {
	case o.Dir != "":
		l.Dir = o.Dir
	case e != nil && (e.dirSet || kit.out == "" || isDir(fsys, e.dir)):
		l.Dir = e.dir
	case e != nil:
		l.Dir = kit.out
		l.Problems = append(l.Problems, Problem{CodeConfig, l.Config, fmt.Sprintf(
			"wrangler would look for migrations in %s, which is not there; drizzle-kit writes them to %s. Set \"migrations_dir\": %q for %s.",
			e.dir, kit.out, kit.out, e.label())})
	case kit.out != "":
		l.Dir = kit.out
	default:
		l.Dir = DefaultDir
	}
}

// placePattern decides which files are migrations.
func (l *Layout) placePattern(fsys fs.FS, e *entry) error {
	l.Pattern = plainPattern
	mine := e != nil && e.dir == l.Dir
	if mine && e.patternSet {
		if !e.dirSet {
			return fmt.Errorf("%s: %s has a migrations_pattern and no migrations_dir, which wrangler refuses", l.Config, e.label())
		}
		inside, ok := strings.CutPrefix(e.pattern, e.cleanDir+"/")
		if e.cleanDir == "." {
			inside, ok = e.pattern, true
		}
		if !ok {
			return fmt.Errorf("%s: the migrations_pattern %q of %s does not begin with its migrations_dir, %s/, which wrangler refuses",
				l.Config, e.pattern, e.label(), e.cleanDir)
		}
		l.Pattern = inside
		if _, err := parseGlob(inside); err != nil {
			return fmt.Errorf("%s: %s: %w", l.Config, e.label(), err)
		}
		return nil
	}
	if l.Kind != DrizzleFolders || mine && holdsSQL(fsys, l.Dir) {
		return nil // what wrangler finds by itself stays what it finds; passedOver says what it does not
	}
	l.Pattern = folderPattern
	if mine {
		l.Problems = append(l.Problems, Problem{CodeConfig, l.Config, fmt.Sprintf(
			"wrangler would find no migration in %s: they lie one folder each. Set \"migrations_pattern\": %q for %s.",
			l.Dir, path.Join(e.cleanDir, l.Pattern), e.label())})
	}
	return nil
}

func (l *Layout) placeTable(o Options, e *entry) {
	switch {
	case o.Table != "":
		l.Table = o.Table
		if e != nil && e.table != o.Table {
			l.Problems = append(l.Problems, Problem{CodeConfig, l.Config, fmt.Sprintf(
				"%s keeps its ledger in %s, and Towline's config says %s. Both must name the same table, or each would apply everything again.",
				e.label(), e.table, o.Table)})
		}
	case e != nil:
		l.Table = e.table
	default:
		l.Table = migrations.DefaultLedger
	}
}

// holdsSQL reports whether a folder has migrations of the plain kind.
func holdsSQL(fsys fs.FS, dir string) bool {
	entries, err := fs.ReadDir(fsys, dir)
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return !e.IsDir() && !hidden(e.Name()) && strings.HasSuffix(e.Name(), ".sql")
	})
}

func isDir(fsys fs.FS, dir string) bool {
	info, err := fs.Lstat(fsys, dir)
	return err == nil && info.IsDir()
}

func isFile(fsys fs.FS, name string) bool {
	info, err := fs.Lstat(fsys, name)
	return err == nil && info.Mode().IsRegular()
}
