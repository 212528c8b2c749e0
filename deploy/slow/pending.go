package slow

import (
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"towline/migrations"
	"towline/migrations/layout"
)

// pending are the migrations of indexes that were posted and are not in their project's source yet. The next one comes behind them: two of
// one number, or two journals that each know one of them, would undo each other once both are committed. They are remembered only while the
// process runs and for a day, since nobody says whether they are wanted.
type pending struct {
	mu   sync.Mutex
	list map[string][]draft // by project
}

type draft struct {
	sql  string
	at   time.Time
	base []string // the names of the source's migrations then
	made Migration
	file migrations.File
}

// draftFor is how long one that nobody commits is reckoned with.
const draftFor = 24 * time.Hour

// of are those of a project that are still to come. There are none as soon as the source has others than these.
func (p *pending) of(project string, content layout.Content, now time.Time) []draft {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.list[project]
	expected := map[string]bool{}
	for _, f := range list {
		expected[f.made.Name] = true
		for _, name := range f.base {
			expected[name] = true
		}
	}
	there := map[string]bool{}
	for _, f := range content.Files {
		there[f.Name] = true
		if !expected[f.Name] {
			list = nil
		}
	}
	list = slices.DeleteFunc(slices.Clone(list), func(f draft) bool { return there[f.made.Name] || now.Sub(f.at) >= draftFor })
	if p.list == nil {
		p.list = map[string][]draft{}
	}
	p.list[project] = list
	return list
}

// add remembers one.
func (p *pending) add(project string, content layout.Content, i Proposal, m Migration, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := draft{sql: strings.Join(i.SQL, "\n"), at: now, made: m, file: migrations.File{Name: m.Name, SQL: m.Files[0].Content}}
	for _, c := range content.Files {
		f.base = append(f.base, c.Name)
	}
	p.list[project] = append(p.list[project], f)
}

// behind is the source as it will be once what was posted is committed.
func behind(at fs.FS, content layout.Content, list []draft) (fs.FS, layout.Content) {
	if len(list) == 0 {
		return at, content
	}
	over := overlay{FS: at, files: map[string][]byte{}}
	content.Files = slices.Clone(content.Files)
	for _, o := range list {
		content.Files = append(content.Files, o.file)
		for _, f := range o.made.Files {
			over.files[f.Path] = f.Content
		}
	}
	slices.SortStableFunc(content.Files, func(a, b migrations.File) int {
		switch {
		case migrations.Less(a.Name, b.Name):
			return -1
		case migrations.Less(b.Name, a.Name):
			return 1
		}
		return 0
	})
	return over, content
}

// overlay has some files more than what is below it, for those who read them whole.
type overlay struct {
	fs.FS
	files map[string][]byte
}

// ReadFile implements fs.ReadFileFS.
func (o overlay) ReadFile(name string) ([]byte, error) {
	if content, ok := o.files[name]; ok {
		return slices.Clone(content), nil
	}
	return fs.ReadFile(o.FS, name)
}
