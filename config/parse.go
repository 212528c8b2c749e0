package config

import (
	"errors"
	"io/fs"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// The defaults, each documented in config.example.yaml.
const (
	defaultTelegramURL   = "https://api.telegram.org"
	defaultCloudflareURL = "https://api.cloudflare.com/client/v4"
	defaultStore         = "towline.db"
	defaultBackups       = "backups"
	defaultKeep          = 30 * 24 * time.Hour // as long as Time Travel's bookmarks
	defaultContract      = 24 * time.Hour
	defaultStale         = 14 * 24 * time.Hour
	defaultWatch         = 30 * time.Minute
	defaultExpire        = 24 * time.Hour
	defaultStop          = time.Minute
	defaultReport        = "0 9 * * MON"
)

// maxSize is the largest config file: a thousand projects take half of it.
const maxSize = 1 << 20

// Parse turns the text of a config file into a Config. name is what errors call the file; relative paths start at dir;
// getenv gives the value of a variable, "" where it is not set. The error is of type Errors, in the order of the file.
func Parse(name string, content []byte, dir string, getenv func(string) string) (*Config, []Warning, error) {
	d := &decoder{name: name, dir: dir, getenv: getenv, places: map[string]*yaml.Node{}}
	text := strings.TrimPrefix(string(content), "\ufeff")
	d.lines = splitLines(text)
	root := d.root(text)
	if root == nil {
		return nil, nil, d.finish()
	}
	c := d.config(root)
	if errs := d.finish(); len(errs) > 0 {
		return nil, d.warns, errs
	}
	c.secrets = d.secrets
	return c, d.warns, nil
}

// root reads the text into nodes; nil where it is no YAML, as recorded.
func (d *decoder) root(text string) *yaml.Node {
	if len(text) > maxSize {
		d.failAt(1, 1, "", "larger than 1 MB, which no config is")
		return nil
	}
	if at := strayByte(text); at >= 0 {
		before := splitLines(text[:at])
		last := before[len(before)-1]
		d.maskLine(len(before))
		d.failAt(len(before), utf8.RuneCountInString(last)+1, "", "a byte that is no text; save the file as UTF-8")
		return nil
	}
	var document yaml.Node
	err := yaml.Load([]byte(text), &document)
	if err == nil && len(document.Content) == 1 {
		return resolve(document.Content[0])
	}
	d.notYAML(err)
	return nil
}

// notYAML records what the YAML reader found. The line is masked: nobody knows yet which part of it is a secret.
func (d *decoder) notYAML(err error) {
	var load *yaml.LoadError
	line, col, problem := 1, 1, "not YAML"
	if errors.As(err, &load) {
		problem = "not YAML: " + load.Message
		if load.Mark.Line > 0 {
			line, col = load.Mark.Line, load.Mark.Column
		}
		if load.ContextMark.Line > 0 && d.blank(line) {
			line, col = load.ContextMark.Line, load.ContextMark.Column
		}
	}
	switch {
	case err == nil, strings.Contains(problem, "no documents"):
		d.failAt(1, 1, "", "the file is empty; config.example.yaml shows what belongs into it")
		return
	case strings.Contains(problem, "expected single document"):
		problem = "a second document begins; expected one"
		line = d.secondDocument()
	case strings.Contains(problem, "found a tab character"):
		problem = "not YAML: indented with a tab; use spaces"
	}
	if line <= len(d.lines) && unquoted.MatchString(d.lines[line-1]) {
		problem += "; inside { } and [ ] write \"${NAME}\" with quotes"
	}
	d.maskLine(line)
	d.failAt(line, col, "", problem)
}

var unquoted = regexp.MustCompile(`[{\[].*[^"'$]\$\{`)

func (d *decoder) blank(line int) bool {
	return line > len(d.lines) || strings.TrimSpace(d.lines[line-1]) == ""
}

func (d *decoder) secondDocument() int {
	content := false
	for i, line := range d.lines {
		if content && (strings.HasPrefix(line, "---") || strings.HasPrefix(line, "...")) {
			return i + 1
		}
		content = content || strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "%")
	}
	return 1
}

// maskLine hides what stands behind the first colon of a line, or all of a line without one: it may be a secret, and
// where the structure is broken nothing tells whether it is.
func (d *decoder) maskLine(line int) {
	if line > len(d.lines) {
		return
	}
	text := d.lines[line-1]
	if key, rest, found := strings.Cut(text, ": "); found && keyShape.MatchString(key) {
		text = rest
	}
	for word := range strings.FieldsSeq(text) {
		if len(word) >= 4 {
			d.masks = append(d.masks, mask{line, word})
		}
	}
}

var keyShape = regexp.MustCompile(`^[ -]*[a-z_]{1,24}$`)

// strayByte is the offset of the first byte that is no UTF-8 text, or -1.
func strayByte(text string) int {
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd") {
			return i
		}
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f || r >= 0x80 && r < 0xa0 && r != 0x85 || r == 0xfeff || r == 0xfffe || r == 0xffff {
			return i
		}
	}
	return -1
}

// splitLines splits where YAML sees the end of a line. There is always at least one.
func splitLines(text string) []string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text)
	return strings.Split(text, "\n")
}

// cause is the last part of an error about a file, without the path that the message already has.
func cause(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
