package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"towline/config"
	"towline/migrations/layout"
	"towline/migrations/lint"
)

func lintCommand() subcommand {
	return subcommand{
		name: "lint", args: "[DIR]", group: theMigrations,
		does: "Say what migrations would do on D1 that nobody wants; exit code 1 where it finds an error.",
		examples: []string{
			"towline lint db/migrations",
			"towline lint -base origin/main -format github .",
			"towline lint -rule F-NODOWN=error -rule D1-FK07=info db/migrations",
			"towline lint -schema live.sql -applied 0041_carts.sql db/migrations",
		},
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			o := lintFlags{rules: make(map[string]lint.Severity)}
			o.flags(f)
			return func(ctx context.Context, p program, args []string) error {
				switch {
				case len(args) > 1:
					return &exitError{code: exitUsage, text: fmt.Sprintf("%q is too much: one folder, and flags before it", args[1])}
				case len(args) == 1:
					o.dir = args[0]
				}
				return p.lint(ctx, o)
			}
		},
	}
}

// lintFlags are what lint was asked for.
type lintFlags struct {
	dir, format, base string
	config, project   string
	database          string
	schemas           []string
	applied, table    string
	queries, docs     string
	rules             map[string]lint.Severity
}

func (o *lintFlags) flags(f *flag.FlagSet) {
	o.dir = "."
	f.StringVar(&o.format, "format", "text", "text for people; json, sarif or github for machines (docs/lint.md)")
	f.StringVar(&o.base, "base", "", "a branch or commit of git: only what was added or changed since this branch left it is looked at. Files that were there count as applied")
	f.Func("rule", "CODE=SEVERITY in place of a rule's own: error, warning, info or off. May be given several times", o.rule)
	f.StringVar(&o.config, "config", "", "Towline's config, for what a project says about rules, renames, the ledger and its queries; with -project")
	f.StringVar(&o.project, "project", "", "the project in -config; left out where it has one")
	f.StringVar(&o.database, "database", "", "the database's name, where wrangler's config has several")
	f.Func("schema", "a file with the live schema as SQL, as `wrangler d1 export --no-data` writes it; the files are then checked against it, and not against what the earlier ones make from nothing. "+
		"Which files it has: -base, -applied, or the rows of the ledger in an export of that table, given with a second -schema", func(name string) error {
		o.schemas = append(o.schemas, name)
		return nil
	})
	f.StringVar(&o.applied, "applied", "", "the last file that is applied: it and all that sort before it are not checked")
	f.StringVar(&o.queries, "queries", "", "a folder of the app's own queries (*.sql), whose plans are compared before and after")
	f.StringVar(&o.table, "table", "", "the ledger's table; left out, what wrangler's config says, else d1_migrations")
	f.StringVar(&o.docs, "docs", "", "where your copy of docs/lint.md is published, for the links in json and sarif")
}

// rule reads CODE=SEVERITY.
func (o *lintFlags) rule(text string) error {
	code, severity, ok := strings.Cut(text, "=")
	code = strings.ToUpper(strings.TrimSpace(code))
	s := lint.Severity(strings.ToLower(strings.TrimSpace(severity)))
	if !ok || !slices.Contains([]lint.Severity{lint.Error, lint.Warning, lint.Info, lint.Off}, s) {
		return errors.New("expected CODE=error, =warning, =info or =off")
	}
	if !slices.ContainsFunc(lint.Catalogue(), func(r lint.Rule) bool { return r.Code == code }) {
		return fmt.Errorf("there is no rule %s; docs/lint.md lists them", code)
	}
	o.rules[code] = s
	return nil
}

// printers are the formats.
func printers() map[string]func(io.Writer, lint.Report, lint.Printing) error {
	return map[string]func(io.Writer, lint.Report, lint.Printing) error{
		"text": lint.WriteText, "json": lint.WriteJSON, "sarif": lint.WriteSARIF, "github": lint.WriteGitHub,
	}
}

func (p program) lint(ctx context.Context, o lintFlags) error {
	write, ok := printers()[o.format]
	if !ok {
		return &exitError{code: exitUsage, text: fmt.Sprintf("there is no format %q; there are text, json, sarif and github", o.format)}
	}
	wants, err := o.wants(p)
	if err != nil {
		return err
	}
	at, err := findMigrations(o.dir, layout.Options{Table: wants.table, Databases: wants.databases})
	if err != nil {
		return &exitError{code: exitUnknown, text: err.Error()}
	}
	defer at.close()
	in, err := at.input(ctx, o, wants)
	if err != nil {
		return err
	}
	report, err := lint.Run(ctx, in, lint.Options{Severity: wants.severity})
	if err != nil {
		return err
	}
	printing := lint.Printing{Dir: at.shown, Docs: o.docs}
	if o.format != "text" {
		printing.Dir = at.fromRoot
	}
	if err := write(p.stdout, report, printing); err != nil {
		return err
	}
	if at.passed != "" {
		to := p.stdout
		if o.format != "text" {
			to = p.stderr
		}
		fmt.Fprintf(to, "These are the .sql files of %s itself. The folder %s was not read: name it, if the migrations are there.\n", at.shown, at.passed)
	}
	if report.Count(lint.Error) > 0 {
		return &exitError{code: exitRefused}
	}
	return nil
}

// lintWants is what the flags and the project in the config want together; a flag wins.
type lintWants struct {
	severity  map[string]lint.Severity
	renames   map[string]string
	table     string
	queries   string // below the project, where the config says it
	databases []string
}

func (o lintFlags) wants(p program) (lintWants, error) {
	w := lintWants{severity: make(map[string]lint.Severity), table: o.table}
	if o.database != "" {
		w.databases = []string{o.database}
	}
	if o.config == "" && o.project != "" {
		return w, &exitError{code: exitUsage, text: "-project names a project of a config: give -config too"}
	}
	if o.config != "" {
		c, _, err := config.Load(o.config, p.getenv)
		if err != nil {
			fmt.Fprintln(p.stderr, err)
			return w, &exitError{code: exitUnknown, text: "the config could not be read"}
		}
		project, err := o.projectOf(c)
		if err != nil {
			return w, err
		}
		w.take(project)
	}
	for code, s := range o.rules {
		w.severity[code] = s
	}
	return w, nil
}

func (o lintFlags) projectOf(c *config.Config) (config.Project, error) {
	var names []string
	for _, project := range c.Projects {
		if project.Name == o.project || o.project == "" && len(c.Projects) == 1 {
			return project, nil
		}
		names = append(names, project.Name)
	}
	return config.Project{}, &exitError{code: exitUsage, text: fmt.Sprintf("-project says which: %s has %s", o.config, strings.Join(names, ", "))}
}

// take takes over what a project says.
func (w *lintWants) take(project config.Project) {
	for code, severity := range project.Lint.Rules.Map() {
		w.severity[code] = lint.Severity(severity)
	}
	w.renames = project.Renames.Map()
	w.queries = project.Queries
	if w.table == "" {
		w.table = project.MigrationsTable
	}
	if len(w.databases) == 0 {
		w.databases = []string{project.Production.Database, project.Preview.Database}
	}
}
