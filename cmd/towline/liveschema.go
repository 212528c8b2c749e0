package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"towline/config"
	"towline/deploy"
	"towline/migrations"
	"towline/migrations/rehearse"
	"towline/migrations/sqlite"
)

// liveSchema is the schema that the next migration of a project meets, and where it was learnt.
type liveSchema struct {
	folder *folder
	target rehearse.Target
	from   string
}

// liveSchema reads the schema: from production, from a file, or by running the folder's migrations from nothing. The
// folder is open, and to be closed.
func (p program) liveSchema(ctx context.Context, o *rebuildFlags) (_ liveSchema, err error) {
	if (o.config == "") != (o.project == "") || o.config != "" && o.schema != "" {
		return liveSchema{}, &exitError{code: exitUsage, text: "-config and -project go together, and without -schema"}
	}
	var project config.Project
	var c *config.Config
	if o.config != "" {
		if c, project, err = p.projectOf(o); err != nil {
			return liveSchema{}, err
		}
	}
	l := liveSchema{}
	if l.folder, err = openFolder(o.at); err != nil {
		return liveSchema{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.folder.root.Close())
		}
	}()
	l.target.LedgerTable = cmp.Or(project.MigrationsTable, l.folder.content.Layout.Table)
	switch {
	case c != nil:
		err = l.readProduction(ctx, c, project)
	case o.schema != "":
		l.from = o.schema
		l.target.Objects, err = schemaOf(ctx, o.schema)
	case len(l.folder.content.Files) == 0:
		return liveSchema{}, l.folder.noSchema()
	default:
		l.from = fmt.Sprintf("%s of %s, run from nothing. Production may have more: -config and -project read it",
			number(len(l.folder.content.Files), "migration", "migrations"), l.folder.content.Layout.Dir)
		l.target.Objects, err = l.after(ctx, l.folder.content.Files,
			"Give the live schema with -schema, or -config and -project")
	}
	return l, err
}

// noSchema is what to say where there is nothing to learn the schema from.
func (f *folder) noSchema() error {
	text := "there is no migration in " + f.shown()
	if hint := unread(f.content); hint != "" {
		text += ": " + strings.ToLower(hint[:1]) + hint[1:]
	}
	if f.missing {
		text = fmt.Sprintf("the migrations folder %s is not there", f.shown())
	}
	return &exitError{code: exitUnknown, text: text + ", so the schema is not known. Name the folder with -migrations, or give the live schema with -schema, or with -config and -project"}
}

// projectOf finds the project in the config, and takes from it what no flag has said.
func (p program) projectOf(o *rebuildFlags) (*config.Config, config.Project, error) {
	c, err := loadConfig(p, o.config)
	if err != nil {
		return nil, config.Project{}, err
	}
	i := slices.IndexFunc(c.Projects, func(project config.Project) bool { return project.Name == o.project })
	if i < 0 {
		return nil, config.Project{}, &exitError{code: exitRefused, text: "the config has no project " + o.project}
	}
	project := c.Projects[i]
	if o.at.dir == "." && project.Source.Dir != "" {
		o.at.dir = filepath.Join(project.Source.Dir, filepath.FromSlash(project.Source.Path))
	}
	o.at.migrations = cmp.Or(o.at.migrations, project.Migrations)
	o.at.database = cmp.Or(o.at.database, project.Production.Database)
	return c, project, nil
}

// liveQuery lists a database's schema in the order in which it was made.
const liveQuery = `SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master
	WHERE substr(name, 1, 7) <> 'sqlite_' AND substr(lower(name), 1, 4) <> '_cf_' ORDER BY rowid`

// readProduction reads schema and ledger, and carries out here what production has not had yet.
func (l *liveSchema) readProduction(ctx context.Context, c *config.Config, project config.Project) error {
	d1, err := databasesOf(c, nil)
	if err != nil {
		return &exitError{code: exitUnknown, text: err.Error()}
	}
	db, err := d1.Find(ctx, project.Production.Database)
	if err != nil {
		return &exitError{code: exitUnknown, text: fmt.Sprintf("database %s: %v", project.Production.Database, err)}
	}
	rows, err := d1.Read(ctx, db.ID, []string{liveQuery})
	if err != nil {
		return &exitError{code: exitUnknown, text: fmt.Sprintf("database %s: %v", db.Name, err)}
	}
	for _, v := range rows[0].Values {
		l.target.Objects = append(l.target.Objects, migrations.Object{Type: textOf(v[0]), Name: textOf(v[1]), Table: textOf(v[2]), SQL: textOf(v[3])})
	}
	ledger, err := d1.Read(ctx, db.ID, []string{migrations.LedgerQuery(l.target.LedgerTable)})
	if _, none := errors.AsType[*deploy.RejectedError](err); err != nil && !none {
		return &exitError{code: exitUnknown, text: fmt.Sprintf("database %s: %v", db.Name, err)}
	} else if err == nil {
		for _, v := range ledger[0].Values {
			id, _ := v[0].(int64)
			l.target.Ledger = append(l.target.Ledger, migrations.LedgerRow{ID: id, Name: textOf(v[1]), AppliedAt: textOf(v[2])})
		}
	}
	pending := migrations.Compare(l.folder.content.Files, l.target.Ledger, nil).Pending
	l.from = "production database " + db.Name
	if len(pending) > 0 {
		l.from += ", after " + number(len(pending), "migration", "migrations") + " that it has not had yet"
	}
	l.target.Objects, err = l.after(ctx, pending, "Mend them first")
	l.target.Ledger = nil
	return err
}

func textOf(v any) string {
	s, _ := v.(string)
	return s
}

// after is the schema once the files have run on the target; do says what helps if they do not.
func (l *liveSchema) after(ctx context.Context, files []migrations.File, do string) ([]migrations.Object, error) {
	if len(files) == 0 {
		return l.target.Objects, nil
	}
	report, err := rehearseFiles(ctx, l.target, files)
	if e, failed := errors.AsType[*exitError](err); failed {
		e.text += ". " + do
	}
	return report.After, err
}

// rehearseFiles carries files out on a copy of the target. A refusal is an error, with its place.
func rehearseFiles(ctx context.Context, t rehearse.Target, files []migrations.File) (rehearse.Report, error) {
	txs, err := migrations.Apply(files, migrations.Options{Ledger: t.LedgerTable})
	if err != nil {
		return rehearse.Report{}, &exitError{code: exitRefused, text: err.Error()}
	}
	report, err := rehearse.Run(ctx, t, txs)
	if err != nil {
		return report, &exitError{code: exitUnknown, text: err.Error()}
	}
	if f := report.Failure; f != nil {
		return report, &exitError{code: exitRefused, text: fmt.Sprintf("%s: %s", f.Place, f.Message)}
	}
	return report, nil
}

// schemaOf reads a schema from a file of SQL. Only its CREATE statements count; in an export they are in no order that
// works, so each is tried again after the others.
func schemaOf(ctx context.Context, file string) (_ []migrations.Object, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, &exitError{code: exitUnknown, text: err.Error()}
	}
	list, err := migrations.Split(file, text)
	if err != nil {
		return nil, &exitError{code: exitRefused, text: err.Error()}
	}
	list = slices.DeleteFunc(list, func(s migrations.Statement) bool {
		return !strings.HasPrefix(strings.ToUpper(s.SQL), "CREATE") || strings.Contains(s.SQL, "sqlite_sequence(")
	})
	c, err := sqlite.Open(ctx, ":memory:")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	// The profile is off: these objects exist on D1, whatever it would say today.
	if err := c.Without(func() error { return createAll(ctx, c, list) }); err != nil {
		return nil, &exitError{code: exitRefused, text: err.Error()}
	}
	return c.Objects(ctx)
}

func createAll(ctx context.Context, c *sqlite.Conn, list []migrations.Statement) error {
	for len(list) > 0 {
		var failed []migrations.Statement
		var first error
		for _, s := range list {
			if _, err := c.Exec(ctx, s.SQL); err != nil {
				failed, first = append(failed, s), cmp.Or(first, fmt.Errorf("%s:%d:%d: %w", s.File, s.Line, s.Col, err))
			}
		}
		if len(failed) == len(list) {
			return first
		}
		list = failed
	}
	return nil
}
