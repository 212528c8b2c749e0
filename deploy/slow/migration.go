package slow

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/advise"
	"towline/migrations/drizzle"
	"towline/migrations/layout"
)

// Proposal is an index that becomes a migration.
type Proposal struct {
	Names     []string // of the indexes; the first names the file
	SQL, Down []string // the statements, with their semicolons
	Why       string   // lines for the comment at its head
}

// Migration is the next migration of a project, as files that somebody adds to it.
type Migration struct {
	Name  string // as in the ledger
	Files []File
	// Behind names migrations that were posted before and are not in the source yet, to be committed as well.
	Behind []string
	// Schema is what a Drizzle schema file has to say as well, so that drizzle-kit does not write the same again; empty where there is none.
	Schema string
}

// File is one of its files.
type File struct {
	Path    string // below the project's source
	Content []byte
	Replace bool // it is there already: Drizzle's journal
}

// Project is what a migration is made for. Errors are the implementation's own, as people get them; Migration returns them as they are.
type Project interface {
	// Tip is the project's folder as its source holds it now, with the migrations in it.
	Tip(ctx context.Context) (fs.FS, layout.Content, error)
	// Advisor is a copy of production's schema as it is now, which the caller closes.
	Advisor(ctx context.Context) (a *advise.Advisor, copied time.Time, err error)
}

// Drafts makes migrations of indexes, and remembers those that it made. It is safe for concurrent use.
type Drafts struct {
	now    func() time.Time
	random io.Reader
	made   pending
}

// NewDrafts makes Drafts that remember nothing. What Drizzle numbers by the time and by chance is numbered by now and random, which are to be safe
// for concurrent use.
func NewDrafts(now func() time.Time, random io.Reader) *Drafts {
	return &Drafts{now: now, random: random}
}

// Migration makes the files of a project's next migration, which creates indexes: in its layout, with its DOWN file where the layout has a
// place for one, and with Drizzle's journal and snapshot where there are such. Nothing is written anywhere.
//
// One that was made a moment ago, and is not in the source yet, is reckoned with: the same index has the same files again, another one comes behind
// it. It is refused, with a *release.Refusal, where an index of the name is there already (in production or in the source's migrations), and where
// production's schema does not take it (any more). Other errors are those of p.
func (d *Drafts) Migration(ctx context.Context, project string, p Project, i Proposal) (Migration, error) {
	if len(i.SQL) == 0 || len(i.Names) == 0 {
		return Migration{}, release.Refuse(release.CodeStaleButton)
	}
	at, content, err := p.Tip(ctx)
	if err != nil {
		return Migration{}, err
	}
	for _, f := range content.Files {
		if name := makes(f, i.Names); name != "" {
			return Migration{}, release.Refuse(release.CodeIndexThere, "index", name, "file", f.Name)
		}
	}
	waiting := d.made.of(project, content, d.now())
	for _, o := range waiting {
		if o.sql == strings.Join(i.SQL, "\n") {
			return o.made, nil
		}
		if name := makes(o.file, i.Names); name != "" {
			return Migration{}, release.Refuse(release.CodeIndexThere, "index", name, "file", o.file.Name)
		}
	}
	if err := creatable(ctx, p, i); err != nil {
		return Migration{}, err
	}
	source := content
	at, content = behind(at, content, waiting)
	m, err := d.compose(ctx, at, content, i)
	if err == nil {
		for _, o := range waiting {
			m.Behind = append(m.Behind, o.made.Name)
		}
		d.made.add(project, source, i, m, d.now())
	}
	return m, err
}

// creatable tries the statements on production's schema as it is now.
func creatable(ctx context.Context, p Project, i Proposal) (err error) {
	advisor, _, err := p.Advisor(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, advisor.Close()) }()
	if name := advisor.Has(i.Names); name != "" {
		return release.Refuse(release.CodeIndexThere, "index", name)
	}
	refused, err := advisor.Create(ctx, i.SQL)
	if err == nil && refused != "" {
		return release.Refuse(release.CodeIndexUnfit, "words", refused)
	}
	return err
}

// makes is which of the names a migration's text has as a word of its own.
func makes(f migrations.File, names []string) string {
	tokens, _ := migrations.Lex(string(f.SQL))
	for _, t := range tokens {
		if !t.Means() {
			continue
		}
		for _, name := range names {
			if strings.EqualFold(migrations.Unquote(t.Text(string(f.SQL))), name) {
				return name
			}
		}
	}
	return ""
}

// compose puts the files together.
func (d *Drafts) compose(ctx context.Context, at fs.FS, content layout.Content, i Proposal) (Migration, error) {
	names := make([]string, len(content.Files))
	for n, f := range content.Files {
		names[n] = f.Name
	}
	title := "index-" + i.Names[0]
	pair, err := content.Layout.Next(names, title, d.now())
	if err != nil {
		return Migration{}, release.BadMigration(err)
	}
	up := []byte(comment(i.Why) + strings.Join(i.SQL, "\n") + "\n")
	var down []byte
	if pair.Down != "" {
		down = []byte(comment("Takes back "+pair.Name+". Only a rollback runs this.") + strings.Join(i.Down, "\n") + "\n")
	}
	if content.Layout.Kind == layout.Plain {
		m := Migration{Name: pair.Name, Files: []File{{Path: pair.Up, Content: up}}}
		if down != nil {
			m.Files = append(m.Files, File{Path: pair.Down, Content: down})
		}
		return m, nil
	}
	w, err := drizzle.Add(ctx, drizzle.Project{FS: at, Layout: content.Layout, Files: content.Files},
		drizzle.Migration{Name: title, SQL: up, Down: down}, drizzle.Options{Now: d.now, Random: d.random})
	if err != nil {
		return Migration{}, release.BadMigration(err)
	}
	m := Migration{Name: w.Name}
	for _, f := range w.Files {
		m.Files = append(m.Files, File{Path: f.Path, Content: f.Data, Replace: f.Replace})
	}
	if !w.Change.Empty() {
		m.Schema = w.Change.String()
	}
	return m, nil
}

// comment writes lines as SQL's. Quotes, semicolons and BEGIN TRANSACTION are left out: remote /query and wrangler's splitters trip over them
// in comments, and what looks like a directive of Towline's is none.
func comment(why string) string {
	begin := regexp.MustCompile(`(?i)\bbegin\s+transaction`)
	why = begin.ReplaceAllString(why, "begin")
	clean := strings.NewReplacer("$", "", "'", "", `"`, "", "`", "", ";", "", "[", "(", "]", ")", "/*", "", "*/", "", "towline:", "towline ")
	var b strings.Builder
	for line := range strings.Lines(why) {
		line = strings.TrimRight(clean.Replace(strings.ToValidUTF8(line, "")), " \t\r\n")
		b.WriteString(strings.TrimRight("-- "+line, " ") + "\n")
	}
	return b.String()
}
