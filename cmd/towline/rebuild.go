package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/drizzle"
	"towline/migrations/rebuild"
	"towline/migrations/rehearse"
)

func rebuildCommand() subcommand {
	return subcommand{
		name: "rebuild", args: "TABLE", group: theMigrations,
		does: "Writes the migration that gives a table another CREATE TABLE and keeps its rows and those of its children.",
		examples: []string{
			"towline rebuild -show customers > customers.sql",
			"towline rebuild -sql customers.sql customers",
			"towline rebuild -sql customers.sql -rename nm=name -config config.yaml -project shop customers",
		},
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			var o rebuildFlags
			o.flags(f)
			return func(ctx context.Context, p program, args []string) error {
				if len(args) != 1 {
					return &exitError{code: exitUsage, text: "one table is needed, after the flags: towline rebuild -sql customers.sql customers"}
				}
				return p.rebuild(ctx, o, args[0])
			}
		},
	}
}

// rebuildFlags say what a rebuild is made of.
type rebuildFlags struct {
	at                      projectFlags
	schema, config, project string // where the schema comes from
	sql, name               string
	show, unindexed         bool
	renames                 map[string]string
	leave                   []string
}

func (o *rebuildFlags) flags(f *flag.FlagSet) {
	o.at.flags(f)
	o.renames = make(map[string]string)
	f.StringVar(&o.sql, "sql", "-", "a file with the CREATE TABLE as it is to be, - for what comes in")
	f.BoolVar(&o.show, "show", false, "print the CREATE TABLE as it is, and write nothing")
	f.StringVar(&o.schema, "schema", "", "a file with the live schema as SQL, such as an export without data; left out, the migrations are run from nothing")
	f.StringVar(&o.config, "config", "", "Towline's config: with -project the schema is read from production, and nothing is written there")
	f.StringVar(&o.project, "project", "", "the project of -config whose production is read")
	f.StringVar(&o.name, "name", "", "the name of the migration; left out, rebuild-TABLE")
	f.BoolVar(&o.unindexed, "unindexed", false, "allow children without an index on their foreign key: fine for a few hundred rows")
	f.Func("rename", "a column that goes on under another name, `old=new`; may be given several times", func(v string) error {
		from, to, ok := strings.Cut(v, "=")
		if !ok || from == "" || to == "" {
			return errors.New("it is written old=new")
		}
		o.renames[from] = to
		return nil
	})
	f.Func("leave", "an index or trigger of the table that is not made again; may be given several times", func(v string) error {
		o.leave = append(o.leave, v)
		return nil
	})
}

// rebuild writes the migration, after a rehearsal that lost nothing.
func (p program) rebuild(ctx context.Context, o rebuildFlags, table string) error {
	live, err := p.liveSchema(ctx, &o)
	if err != nil {
		return err
	}
	defer live.folder.root.Close()
	if o.show {
		return p.showTable(live.target.Objects, table)
	}
	create, err := p.input(o.sql)
	if err != nil {
		return &exitError{code: exitUnknown, text: err.Error()}
	}
	options := rebuild.Options{Renames: o.renames, Leave: o.leave, Unindexed: o.unindexed}
	up, err := rebuild.Generate(ctx, live.target.Objects, table, string(create), options)
	if err != nil {
		return rebuildError(err)
	}
	down, noWay := rebuild.Down(ctx, live.target.Objects, table, string(create), options)
	if _, refused := errors.AsType[*rebuild.RefusedError](noWay); noWay != nil && !refused {
		return rebuildError(noWay)
	}
	title := o.name
	if title == "" {
		title = "rebuild-" + table
	}
	w, err := live.folder.makeRebuild(ctx, title, up, down, noWay == nil)
	if err != nil {
		return &exitError{code: exitRefused, text: err.Error()}
	}
	report, err := live.rehearsed(ctx, w, o.leave)
	if err != nil {
		return err
	}
	if err := live.folder.put(p, w, false); err != nil {
		return err
	}
	p.tellRebuild(live, up, down, noWay, report)
	live.folder.tellNew(p)
	return nil
}

// input reads a file, or what comes in.
func (p program) input(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(p.stdin)
	}
	return os.ReadFile(file)
}

// rebuildError gives a refusal its exit code.
func rebuildError(err error) error {
	if _, refused := errors.AsType[*rebuild.RefusedError](err); refused {
		return &exitError{code: exitRefused, text: err.Error()}
	}
	return &exitError{code: exitUnknown, text: err.Error()}
}

func (p program) showTable(objects []migrations.Object, table string) error {
	for _, o := range objects {
		if o.Type == "table" && strings.EqualFold(o.Name, table) {
			fmt.Fprintf(p.stdout, "%s;\n", o.SQL)
			return nil
		}
	}
	return &exitError{code: exitRefused, text: "there is no table " + table + " in the schema"}
}

// makeRebuild is the migration as files. Where no way back can be written there is no DOWN file: an empty one would be
// taken for a way back.
func (f *folder) makeRebuild(ctx context.Context, title string, up, down rebuild.Result, back bool) (drizzle.Written, error) {
	var downSQL []byte
	if back {
		downSQL = []byte(down.SQL)
	}
	w, err := f.make(ctx, title, []byte(up.SQL), downSQL)
	if err != nil || back {
		return w, err
	}
	path, kept := f.content.Layout.DownPath(w.Name), w.Files[:0]
	for _, file := range w.Files {
		if file.Path != path {
			kept = append(kept, file)
		}
	}
	w.Files = kept
	return w, nil
}

// rehearsed carries the new file out on the schema, with rows, and refuses to go on if anything is lost. Losses are looked
// for with CHECK constraints off: made-up rows seldom meet them, and a copy that fails over one says nothing of real rows.
func (l liveSchema) rehearsed(ctx context.Context, w drizzle.Written, leave []string) (rehearse.Report, error) {
	file := migrations.File{Name: w.Name}
	for _, written := range w.Files {
		if written.Path == l.folder.content.Layout.Path(w.Name) {
			file.SQL = written.Data
		}
	}
	if _, err := rehearseFiles(ctx, l.target, []migrations.File{file}); err != nil {
		return rehearse.Report{}, err
	}
	file.SQL = append([]byte("PRAGMA ignore_check_constraints = ON;\n"), file.SQL...)
	report, err := rehearseFiles(ctx, l.target, []migrations.File{file})
	if err != nil {
		return report, err
	}
	lost := slices.DeleteFunc(slices.Concat(report.LostIndexes, report.LostTriggers), func(name string) bool {
		return slices.ContainsFunc(leave, func(l string) bool { return strings.EqualFold(l, name) })
	})
	for _, loss := range report.Losses {
		lost = append(lost, fmt.Sprintf("%s: %s", loss.Table, loss.Kind))
	}
	if len(lost) > 0 {
		return report, &exitError{code: exitRefused, text: "nothing was written: a rehearsal loses " + strings.Join(lost, ", ")}
	}
	return report, nil
}

// tellRebuild says on what the migration rests and what it leaves behind.
func (p program) tellRebuild(live liveSchema, up, down rebuild.Result, noWay error, r rehearse.Report) {
	fmt.Fprintf(p.stdout, "\nschema: %s\n", live.from)
	if len(up.Guarded) > 0 {
		fmt.Fprintf(p.stdout, "guarded: %s\n", strings.Join(up.Guarded, ", "))
	}
	for _, w := range up.Warnings {
		fmt.Fprintf(p.stdout, "note: %s\n", w)
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(p.stdout, "with rows: %s\n", w.Message)
	}
	if noWay != nil {
		fmt.Fprintf(p.stdout, "no DOWN file: %v\n", noWay)
	}
	for _, w := range down.Warnings {
		fmt.Fprintf(p.stdout, "on the way back: %s\n", w)
	}
	fmt.Fprintf(p.stdout, "rehearsed: %s, with made-up rows in the tables; none is lost, and no other index or trigger\n", number(len(up.Statements), "statement", "statements"))
}
