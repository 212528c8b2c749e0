package layout

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"towline/migrations"
)

// wranglerConfig is what a wrangler config says of D1.
type wranglerConfig struct {
	path    string // "": there is none
	entries []entry
}

// entry is one of d1_databases.
type entry struct {
	env                              string // "" for the top of the config
	binding, name, id, preview, auto string // auto: the name that wrangler makes up where none is given
	rawDir, cleanDir, dir            string // migrations_dir: as written, as wrangler normalizes it, below the project
	dirSet, patternSet               bool
	pattern                          string // migrations_pattern, normalized, with the folder before it
	table                            string // never empty
}

// named reports whether somebody means this database.
func (e entry) named(by string) bool {
	return by != "" && (by == e.name || by == e.id || by == e.preview || by == e.binding || e.name == "" && by == e.auto)
}

// label names an entry to people.
func (e entry) label() string {
	label := e.name
	if label == "" {
		label = e.binding
	}
	if e.env != "" {
		label += " (env." + e.env + ")"
	}
	return label
}

// wranglerFiles are the names of wrangler's config, the first that there is counting (wrangler,
// packages/workers-utils/src/config/config-helpers.ts, findWranglerConfig).
func wranglerFiles() []string { return []string{"wrangler.json", "wrangler.jsonc", "wrangler.toml"} }

// mostConfig is how many bytes of a config are read.
const mostConfig = 1 << 20

// readWrangler reads the config of the project. Where the project's own folder has none, one in the folders on the way to dir
// is taken, the outermost first: a project may keep its Worker in a folder of its own.
func readWrangler(fsys fs.FS, o Options) (wranglerConfig, error) {
	if o.Config != "" {
		file := path.Clean(o.Config)
		if !fs.ValidPath(file) {
			return wranglerConfig{}, fmt.Errorf("wrangler's config %q: not a path below the project", o.Config)
		}
		text, err := readConfig(fsys, file)
		if err != nil {
			return wranglerConfig{}, err
		}
		return parseWrangler(file, text)
	}
	for _, folder := range wayTo(o.Dir) {
		for _, name := range wranglerFiles() {
			file := path.Join(folder, name)
			text, err := readConfig(fsys, file)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return wranglerConfig{}, err
			}
			return parseWrangler(file, text)
		}
	}
	return wranglerConfig{}, nil
}

// wayTo lists the folders from the project down to dir.
func wayTo(dir string) []string {
	folders := []string{"."}
	if dir == "" || dir == "." {
		return folders
	}
	for i, c := range dir {
		if c == '/' {
			folders = append(folders, dir[:i])
		}
	}
	return append(folders, dir)
}

// readConfig reads an ordinary file of a decent size.
func readConfig(fsys fs.FS, file string) ([]byte, error) {
	info, err := fs.Lstat(fsys, file)
	switch {
	case err != nil:
		return nil, err
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, fmt.Errorf("%s: a symbolic link; put the file itself there", file)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not an ordinary file", file)
	case info.Size() > mostConfig:
		return nil, fmt.Errorf("%s: larger than %d bytes", file, mostConfig)
	}
	return fs.ReadFile(fsys, file)
}

// parseWrangler reads a config. The path says in which language it is and where migrations_dir begins.
func parseWrangler(file string, text []byte) (wranglerConfig, error) {
	decode := decodeJSONC
	if strings.HasSuffix(file, ".toml") {
		decode = decodeTOML
	}
	values, err := decode(text)
	if err != nil {
		return wranglerConfig{}, fmt.Errorf("%s:%w", file, err)
	}
	c := wranglerConfig{path: file}
	if err := c.take(values, "", ""); err != nil {
		return wranglerConfig{}, fmt.Errorf("%s: %w", file, err)
	}
	envs, _ := values["env"].(map[string]any)
	worker, _ := values["name"].(string)
	for _, env := range slices.Sorted(maps.Keys(envs)) {
		section, ok := envs[env].(map[string]any)
		if !ok {
			return wranglerConfig{}, fmt.Errorf("%s: env.%s is no table", file, env)
		}
		if err := c.take(section, env, worker); err != nil {
			return wranglerConfig{}, fmt.Errorf("%s: %w", file, err)
		}
	}
	return c, nil
}

// take adds the databases of one section. Those of the top are not inherited by an environment.
func (c *wranglerConfig) take(section map[string]any, env, worker string) error {
	where := "d1_databases"
	if env != "" {
		where = "env." + env + ".d1_databases"
	}
	value, there := section["d1_databases"]
	if !there {
		return nil
	}
	list, ok := value.([]any)
	if !ok {
		return fmt.Errorf("%s is no list", where)
	}
	if name, ok := section["name"].(string); ok {
		worker = name
	} else if worker != "" {
		worker += "-" + env
	}
	for i, item := range list {
		fields, ok := item.(map[string]any)
		if !ok {
			return fmt.Errorf("%s[%d] is no table", where, i)
		}
		e, err := c.entryOf(fields)
		if err != nil {
			return fmt.Errorf("%s[%d].%w", where, i, err)
		}
		e.env = env
		if worker != "" {
			e.auto = worker + "-" + strings.ReplaceAll(strings.ToLower(e.binding), "_", "-")
		}
		c.entries = append(c.entries, e)
	}
	return nil
}

func (c *wranglerConfig) entryOf(fields map[string]any) (entry, error) {
	var e entry
	for _, f := range []struct {
		key string
		to  *string
	}{
		{"binding", &e.binding}, {"database_name", &e.name}, {"database_id", &e.id}, {"preview_database_id", &e.preview},
		{"migrations_dir", &e.rawDir}, {"migrations_pattern", &e.pattern}, {"migrations_table", &e.table},
	} {
		value, there := fields[f.key]
		if !there {
			continue
		}
		text, ok := value.(string)
		if !ok {
			return entry{}, fmt.Errorf("%s is no string", f.key)
		}
		*f.to = text
	}
	_, e.dirSet = fields["migrations_dir"]
	_, e.patternSet = fields["migrations_pattern"]
	if e.table == "" {
		e.table = migrations.DefaultLedger
	}
	e.cleanDir = DefaultDir
	if e.dirSet {
		e.cleanDir = normalizePath(e.rawDir)
	}
	if e.patternSet {
		e.pattern = normalizePath(e.pattern)
	}
	if e.dir = e.cleanDir; !path.IsAbs(e.dir) {
		e.dir = path.Join(path.Dir(c.path), e.cleanDir)
	}
	return e, nil
}

// normalizePath is wrangler's normalizeRelativePath.
func normalizePath(p string) string { return path.Clean(strings.ReplaceAll(p, `\`, "/")) }
