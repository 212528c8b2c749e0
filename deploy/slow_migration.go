package deploy

import (
	"context"
	"errors"
	"io"
	"regexp"
	"strings"

	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/drizzle"
	"towline/migrations/layout"
)

// IndexProposal is an index that becomes a migration.
type IndexProposal struct {
	Names     []string // of the indexes; the first names the file
	SQL, Down []string // the statements, with their semicolons
	Why       string   // lines for the comment at its head
}

// NewMigration is the next migration of a project, as files that somebody adds to it.
type NewMigration struct {
	Name  string // as in the ledger
	Files []NewFile
	// Behind names migrations that were posted before and are not in the source yet, to be committed as well.
	Behind []string
	// Schema is what a Drizzle schema file has to say as well, so that drizzle-kit does not write the same again; empty where there is none.
	Schema string
}

// NewFile is one of its files.
type NewFile struct {
	Path    string // below the project's source
	Content []byte
	Replace bool // it is there already: Drizzle's journal
}

// IndexMigration makes the files of a project's next migration, which creates indexes: in its layout, with its DOWN file where the layout has a
// place for one, and with Drizzle's journal and snapshot where there are such. Nothing is written anywhere.
//
// One that was made a moment ago, and is not in the source yet, is reckoned with: the same index has the same files again, another one comes behind
// it. It is refused where the source cannot be read, where an index of the name is there already (in production or in the source's
// migrations), and where production's schema does not take it (any more).
func (e *Engine) IndexMigration(ctx context.Context, project string, i IndexProposal) (NewMigration, error) {
	p, err := e.project(project)
	if err != nil {
		return NewMigration{}, err
	}
	if len(i.SQL) == 0 || len(i.Names) == 0 {
		return NewMigration{}, release.Refuse(release.CodeStaleButton)
	}
	at, err := e.tip(ctx, p)
	if err != nil {
		return NewMigration{}, &OutsideError{Refusal: release.Refuse(release.CodeSource, "problem", err.Error()), Err: err}
	}
	where, err := layout.Find(at.FS, layout.Options{Dir: p.Migrations, Table: p.LedgerTable, Databases: []string{p.Production, p.Preview}})
	if err != nil {
		return NewMigration{}, badMigration(err)
	}
	content, err := layout.Read(at.FS, where)
	if err == nil {
		err = content.Err()
	}
	if err != nil {
		return NewMigration{}, badMigration(err)
	}
	for _, f := range content.Files {
		if name := makes(f, i.Names); name != "" {
			return NewMigration{}, release.Refuse(release.CodeIndexThere, "index", name, "file", f.Name)
		}
	}
	waiting := e.offers.pending(p.Name, content, e.now())
	for _, o := range waiting {
		if o.sql == strings.Join(i.SQL, "\n") {
			return o.made, nil
		}
		if name := makes(o.file, i.Names); name != "" {
			return NewMigration{}, release.Refuse(release.CodeIndexThere, "index", name, "file", o.file.Name)
		}
	}
	if err := e.creatable(ctx, p, i); err != nil {
		return NewMigration{}, err
	}
	source := content
	at, content = behind(at, content, waiting)
	m, err := e.compose(ctx, at, content, i)
	if err == nil {
		for _, o := range waiting {
			m.Behind = append(m.Behind, o.made.Name)
		}
		e.offers.add(p.Name, source, i, m, e.now())
	}
	return m, err
}

// creatable tries the statements on production's schema as it is now.
func (e *Engine) creatable(ctx context.Context, p Project, i IndexProposal) (err error) {
	advisor, _, err := e.advisor(ctx, p)
	if err != nil {
		return factsMissing(err)
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

// tip is what the project's source holds now: its default, or where a ref has to be chosen, that of the live release.
func (e *Engine) tip(ctx context.Context, p Project) (Snapshot, error) {
	choices, err := p.Source.Choices(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	ref := ""
	if len(choices) > 0 {
		err := e.store.View(ctx, func(tx Tx) error {
			if live, ok := tx.Release(p.Name, tx.State(p.Name, release.Production).Live); ok {
				ref = live.Origin.Ref
			}
			return nil
		})
		if err != nil {
			return Snapshot{}, err
		}
		if ref == "" {
			ref = choices[0]
		}
	}
	return p.Source.Fetch(ctx, ref)
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
func (e *Engine) compose(ctx context.Context, at Snapshot, content layout.Content, i IndexProposal) (NewMigration, error) {
	names := make([]string, len(content.Files))
	for n, f := range content.Files {
		names[n] = f.Name
	}
	title := "index-" + i.Names[0]
	pair, err := content.Layout.Next(names, title, e.now())
	if err != nil {
		return NewMigration{}, badMigration(err)
	}
	up := []byte(comment(i.Why) + strings.Join(i.SQL, "\n") + "\n")
	var down []byte
	if pair.Down != "" {
		down = []byte(comment("Takes back "+pair.Name+". Only a rollback runs this.") + strings.Join(i.Down, "\n") + "\n")
	}
	if content.Layout.Kind == layout.Plain {
		m := NewMigration{Name: pair.Name, Files: []NewFile{{Path: pair.Up, Content: up}}}
		if down != nil {
			m.Files = append(m.Files, NewFile{Path: pair.Down, Content: down})
		}
		return m, nil
	}
	w, err := drizzle.Add(ctx, drizzle.Project{FS: at.FS, Layout: content.Layout, Files: content.Files},
		drizzle.Migration{Name: title, SQL: up, Down: down}, drizzle.Options{Now: e.now, Random: entropyOf{e}})
	if err != nil {
		return NewMigration{}, badMigration(err)
	}
	m := NewMigration{Name: w.Name}
	for _, f := range w.Files {
		m.Files = append(m.Files, NewFile{Path: f.Path, Content: f.Data, Replace: f.Replace})
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

// entropyOf reads the engine's randomness, which is guarded.
type entropyOf struct{ e *Engine }

// Read implements io.Reader.
func (r entropyOf) Read(p []byte) (int, error) {
	r.e.ids.Lock()
	defer r.e.ids.Unlock()
	return io.ReadFull(r.e.entropy, p)
}
