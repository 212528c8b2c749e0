package drizzle

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// names is how the schema file calls tables and columns. It is read without running it: what is not found is called as
// SQL calls it.
type names struct {
	files  []string                     // the schema files that were read
	tables map[string]string            // constant by table
	keys   map[string]map[string]string // property by column, by table
	source map[string]map[string]string // what stands behind the property, likewise
	taken  map[string]bool              // constants
}

// mostSource and mostFiles bound what is read of a project's source.
const (
	mostSource = 1 << 20
	mostFiles  = 200
)

// readNames reads the schema files that drizzle-kit's config names.
func readNames(fsys fs.FS, config string) names {
	n := names{tables: map[string]string{}, keys: map[string]map[string]string{}, source: map[string]map[string]string{}, taken: map[string]bool{}}
	if config == "" {
		return n
	}
	text, err := fs.ReadFile(fsys, config)
	if err != nil {
		return n
	}
	for _, pattern := range schemaPatterns(string(text)) {
		for _, file := range schemaFiles(fsys, path.Join(path.Dir(config), pattern)) {
			if len(n.files) == mostFiles || slices.Contains(n.files, file) {
				continue
			}
			if info, err := fs.Lstat(fsys, file); err != nil || !info.Mode().IsRegular() || info.Size() > mostSource {
				continue
			}
			if source, err := fs.ReadFile(fsys, file); err == nil {
				n.files = append(n.files, file)
				n.scan(string(source))
			}
		}
	}
	return n
}

// schemaPatterns are the strings of `schema: "..."` or `schema: ["...", "..."]`.
func schemaPatterns(config string) []string {
	m := regexp.MustCompile("(?m)(?:^|[{,])[ \t]*[\"']?schema[\"']?[ \t]*:[ \t]*(\\[[^\\]]*\\]|[\"'`][^\"'`\n]+[\"'`])").FindStringSubmatch(config)
	if m == nil {
		return nil
	}
	var all []string
	for _, s := range regexp.MustCompile("[\"'`]([^\"'`\n]+)[\"'`]").FindAllStringSubmatch(m[1], -1) {
		all = append(all, s[1])
	}
	return all
}

// schemaFiles are the files of a path, a folder or a pattern.
func schemaFiles(fsys fs.FS, pattern string) []string {
	if !fs.ValidPath(pattern) {
		return nil
	}
	if info, err := fs.Lstat(fsys, pattern); err == nil && info.IsDir() {
		pattern = path.Join(pattern, "*.{ts,js,mts,mjs,cts,cjs}")
	} else if err == nil {
		return []string{pattern}
	}
	found, err := doublestar.Glob(fsys, pattern)
	if err != nil {
		return nil
	}
	slices.Sort(found)
	return found
}

// scan notes the tables of a schema file with their columns.
func (n names) scan(source string) {
	for _, m := range regexp.MustCompile(`\b(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=`).FindAllStringSubmatch(source, -1) {
		n.taken[m[1]] = true
	}
	table := regexp.MustCompile("\\b(?:const|let|var)\\s+([A-Za-z_$][\\w$]*)\\s*=\\s*[\\w$.]*[tT]able[\\w$]*\\(\\s*[\"'`]([^\"'`]+)[\"'`]")
	found := table.FindAllStringSubmatchIndex(source, -1)
	for i, at := range found {
		end := len(source)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		name := source[at[4]:at[5]]
		n.tables[name] = source[at[2]:at[3]]
		n.keys[name], n.source[name] = columnsOf(source[at[1]:end])
	}
}

// columnsOf reads the columns of a table out of what stands behind its name: their properties, and the text of each.
func columnsOf(source string) (keys, texts map[string]string) {
	column := regexp.MustCompile("(?:[\"']([^\"'\n]+)[\"']|([A-Za-z_$][\\w$]*))\\s*:\\s*[A-Za-z_$][\\w$.]*(?:<[^>\n]*>)?\\(\\s*(?:[\"'`]([^\"'`\n]+)[\"'`])?")
	keys, texts = map[string]string{}, map[string]string{}
	found := column.FindAllStringSubmatchIndex(source, -1)
	group := func(at []int, n int) string {
		if at[2*n] < 0 {
			return ""
		}
		return source[at[2*n]:at[2*n+1]]
	}
	for i, at := range found {
		end := len(source)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		key := group(at, 1) + group(at, 2)
		called := group(at, 3)
		if called == "" {
			called = key
		}
		if _, there := keys[called]; !there {
			text, _, _ := strings.Cut(source[at[0]:end], "\n}")
			_, text, _ = strings.Cut(text, ":")
			keys[called], texts[called] = key, strings.TrimSpace(text)
		}
	}
	return keys, texts
}

// head is a column's text before its first method, `integer("at", { mode: "timestamp" })`; "" if there is no text.
func (n names) head(table, column string) string {
	text := n.source[table][column]
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '(', '[', '{', '"', '\'', '`':
			i = behind(text, i) - 1
		case '.', ',', '\n':
			return strings.TrimSpace(text[:i])
		}
	}
	return strings.TrimSpace(text)
}

// method is the call of a method in a column's text, `.default("x")`; "" if there is none.
func (n names) method(table, column, name string) string {
	text := n.source[table][column]
	i := strings.Index(text, "."+name+"(")
	if i < 0 {
		return ""
	}
	return text[i:behind(text, i+len(name)+1)]
}

// behind is where the string or the bracket that begins at i has ended.
func behind(text string, i int) int {
	open := text[i]
	if open == '"' || open == '\'' || open == '`' {
		for j := i + 1; j < len(text); j++ {
			switch text[j] {
			case '\\':
				j++
			case open:
				return j + 1
			}
		}
		return len(text)
	}
	for j := i + 1; j < len(text); j++ {
		switch text[j] {
		case '(', '[', '{', '"', '\'', '`':
			j = behind(text, j) - 1
		case ')', ']', '}':
			return j + 1
		}
	}
	return len(text)
}

// constant is what the schema file calls a table.
func (n names) constant(table string) string {
	if c, ok := n.tables[table]; ok {
		return c
	}
	c := identifier(table)
	for slices.Contains(reservedWords(), c) || n.taken[c] {
		c += "Table"
	}
	return c
}

// key is what the schema file calls a column.
func (n names) key(table, column string) string {
	if k, ok := n.keys[table][column]; ok {
		return k
	}
	if camel := camelCase(column); camel != column {
		for _, k := range n.keys[table] {
			if k == camel { // a schema that leaves the names to drizzle-kit's casing
				return k
			}
		}
	}
	return identifier(column)
}

// identifier makes a name of JavaScript of any name.
func identifier(name string) string {
	id := strings.Map(func(r rune) rune {
		if r == '_' || r == '$' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
	if id == "" || id[0] >= '0' && id[0] <= '9' {
		id = "_" + id
	}
	return id
}

func camelCase(name string) string {
	words := strings.Split(name, "_")
	for i, w := range words {
		if i > 0 && w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "")
}

// reservedWords are those of JavaScript, and the names that the printed text uses itself.
func reservedWords() []string {
	return strings.Fields(`arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for
		function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try
		typeof undefined var void while with yield integer text real blob numeric index uniqueIndex unique primaryKey foreignKey check sql customType sqliteTable sqliteView t`)
}
