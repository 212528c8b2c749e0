package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"towline/backups"
	"towline/config"
	"towline/deploy"
	"towline/deploy/release"
)

// copiesIn opens the backups of a config.
func copiesIn(c *config.Config, log *slog.Logger) (*backups.Folder, error) {
	f, err := backups.Open(backups.Options{Dir: c.Backups.Dir, Key: c.Backups.Key.Reveal(), Keep: c.Backups.Keep, Logger: log})
	if err != nil {
		return nil, &exitError{code: exitRefused, text: err.Error()}
	}
	return f, nil
}

// keptBy reads the config and opens its backups.
func keptBy(p program, path string) (*config.Config, *backups.Folder, error) {
	c, _, err := config.Load(path, p.getenv)
	if err != nil {
		fmt.Fprintln(p.stderr, err)
		return nil, nil, &exitError{code: exitUnknown, text: "the config says where the backups are, and could not be read"}
	}
	f, err := copiesIn(c, loggerTo(p, slog.LevelWarn, c.Secrets()))
	return c, f, err
}

func configFlag(f *flag.FlagSet) *string {
	return f.String("config", "config.yaml", "the config file, which says where the backups are")
}

func backupsListCommand() subcommand {
	return subcommand{
		name: "backups list", args: "[-project P]", group: itsRecords, does: "List the copies of the databases, newest first: how old, how large, and whether they can be restored.",
		examples: []string{"towline backups list", "towline backups list -project shop"},
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			path, project := configFlag(f), f.String("project", "", "only those of one project")
			return func(ctx context.Context, p program, args []string) error {
				if err := onlyFlags(args); err != nil {
					return err
				}
				c, kept, err := keptBy(p, *path)
				if err != nil {
					return err
				}
				list, err := kept.List(ctx, *project, "", 0)
				if err != nil {
					return err
				}
				if len(list) == 0 {
					fmt.Fprintf(p.stdout, "There are no backups in %s.\n", c.Backups.Dir)
					return nil
				}
				return tabulate(p.stdout, list)
			}
		},
	}
}

// tabulate writes one line for each backup.
func tabulate(w io.Writer, list []deploy.Backup) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tOF\tTAKEN\tSIZE\tROWS\tSTATE")
	for _, b := range list {
		state := "not yet restored to prove it"
		switch {
		case b.Problem != "":
			state = "cannot be used: " + b.Problem
		case !b.CheckedAt.IsZero():
			state = "restored here " + b.CheckedAt.UTC().Format("2006-01-02")
		}
		if b.Encrypted {
			state = "encrypted, " + state
		}
		of := b.Project + " " + string(b.Environment)
		if b.Release != 0 {
			of += fmt.Sprintf(" before #%d", b.Release)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\n", b.ID, of, b.TakenAt.UTC().Format("2006-01-02 15:04 UTC"), size(b.Bytes), rowsOf(b.Rows), state)
	}
	return t.Flush()
}

func rowsOf(tables map[string]int64) (rows int64) {
	for _, n := range tables {
		rows += n
	}
	return rows
}

func backupsCheckCommand() subcommand {
	return subcommand{
		name: "backups check", args: "[ID]", group: itsRecords, does: "Restore a copy of a database on this machine to prove that it can be; without ID, the newest of each environment.",
		examples: []string{"towline backups check", "towline backups check 01M7YZMHG0ZBRA1ZEDXNDB39Q4"},
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			path := configFlag(f)
			return func(ctx context.Context, p program, args []string) error {
				_, kept, err := keptBy(p, *path)
				if err != nil {
					return err
				}
				if len(args) == 0 {
					if args, err = newest(ctx, kept); err != nil {
						return err
					}
				}
				return checkAll(ctx, p, kept, args)
			}
		},
	}
}

// newest are the ids of the newest copy of each environment.
func newest(ctx context.Context, kept *backups.Folder) (ids []string, err error) {
	list, err := kept.List(ctx, "", "", 0)
	type of struct {
		project string
		env     release.Environment
	}
	seen := map[of]bool{}
	for _, b := range list {
		if at := (of{b.Project, b.Environment}); !seen[at] {
			seen[at] = true
			ids = append(ids, b.ID)
		}
	}
	if err == nil && len(ids) == 0 {
		err = &exitError{code: exitRefused, text: "there is no backup to check"}
	}
	return ids, err
}

func checkAll(ctx context.Context, p program, kept *backups.Folder, ids []string) error {
	worst := exitFine
	for _, id := range ids {
		b, err := kept.Check(ctx, id)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, deploy.ErrNoBackup):
			return noBackup(id)
		case err == nil:
			fmt.Fprintf(p.stdout, "%s %s %s, taken %s: restored here, %s in %s, as it was.\n", b.ID, b.Project, b.Environment,
				b.TakenAt.UTC().Format("2006-01-02 15:04 UTC"), number(int(rowsOf(b.Rows)), "row", "rows"), number(len(b.Rows), "table", "tables"))
			for _, missing := range b.Missing {
				fmt.Fprintf(p.stdout, "  not in it as it was: %s\n", missing)
			}
		default:
			fmt.Fprintf(p.stderr, "%s %s %s: %v\n", b.ID, b.Project, b.Environment, err)
			worst = exitRefused
			if errors.Is(err, backups.ErrNoKey) {
				worst = exitUnknown
			}
		}
	}
	if worst != exitFine {
		return &exitError{code: worst}
	}
	return nil
}

func noBackup(id string) error {
	return &exitError{code: exitRefused, text: fmt.Sprintf("there is no backup %s; `towline backups list` lists them", id)}
}

func backupsRestoreCommand() subcommand {
	return subcommand{
		name: "backups restore", args: "-file OUT.db | -sql OUT.sql | -to DATABASE  ID", group: itsRecords,
		does: "Make a database file of a copy, or its SQL text, or put it into a D1 database in the place of what is there.",
		examples: []string{
			"towline backups restore -file out.db 01M7YZMHG0ZBRA1ZEDXNDB39Q4",
			"towline backups restore -to shop-copy 01M7YZMHG0ZBRA1ZEDXNDB39Q4",
			"towline backups restore -to shop-copy -yes 01M7YZMHG0ZBRA1ZEDXNDB39Q4",
		},
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			var r bringing
			f.StringVar(&r.config, "config", "config.yaml", "the config file, which says where the backups are")
			f.StringVar(&r.file, "file", "", "make this SQLite file")
			f.StringVar(&r.sql, "sql", "", "write the SQL text to this file, decrypted")
			f.StringVar(&r.to, "to", "", "the name of a D1 database whose content it replaces; without -yes it only says what would be overwritten")
			f.BoolVar(&r.yes, "yes", false, "do it")
			f.StringVar(&r.production, "production", "", "with -to, the name once more where it is a project's production")
			return func(ctx context.Context, p program, args []string) error {
				if len(args) != 1 || strings.HasPrefix(args[0], "-") {
					return &exitError{code: exitUsage, text: "name one backup, after the flags: towline backups restore -file out.db ID"}
				}
				return r.restore(ctx, p, args[0])
			}
		},
	}
}

// bringing are the flags of backups restore.
type bringing struct {
	config, file, sql, to, production string
	yes                               bool
}

func (r bringing) restore(ctx context.Context, p program, id string) error {
	ways := 0
	for _, way := range []string{r.file, r.sql, r.to} {
		if way != "" {
			ways++
		}
	}
	if ways != 1 {
		return &exitError{code: exitUsage, text: "say where to: one of -file, -sql and -to"}
	}
	c, kept, err := keptBy(p, r.config)
	if err != nil {
		return err
	}
	b, err := kept.Find(ctx, id)
	if errors.Is(err, deploy.ErrNoBackup) {
		return noBackup(id)
	}
	if err != nil {
		return err
	}
	switch {
	case r.file != "":
		return toFile(ctx, p, kept, b, r.file)
	case r.sql != "":
		return toText(ctx, p, kept, b, r.sql)
	}
	return r.into(ctx, p, c, kept, b)
}

// toFile makes an SQLite file. One that is there is not touched.
func toFile(ctx context.Context, p program, kept *backups.Folder, b deploy.Backup, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return inTheWay(path)
	}
	restored, err := kept.Restore(ctx, b.ID, path)
	if errors.Is(err, fs.ErrExist) {
		return inTheWay(path)
	}
	if err != nil {
		return &exitError{code: exitRefused, text: err.Error()}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s holds %s %s as of %s.\n", path, b.Project, b.Environment, b.TakenAt.UTC().Format("2006-01-02 15:04:05 UTC"))
	rows := restored.Rows()
	for _, table := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(p.stdout, "  %s: %s\n", table, number(int(rows[table]), "row", "rows"))
	}
	for _, missing := range b.Missing {
		fmt.Fprintf(p.stdout, "Not in it as it was: %s\n", missing)
	}
	return nil
}

func toText(ctx context.Context, p program, kept *backups.Folder, b deploy.Backup, path string) error {
	err := save(path, false, func(w io.Writer) error {
		text, err := kept.Open(ctx, b.ID)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, text)
		return errors.Join(err, text.Close())
	}, nil)
	if _, told := errors.AsType[*exitError](err); told {
		return err
	}
	if err != nil {
		return &exitError{code: exitRefused, text: err.Error()}
	}
	fmt.Fprintf(p.stdout, "%s holds the SQL text of %s %s as of %s. It is not encrypted.\n", path, b.Project, b.Environment, b.TakenAt.UTC().Format(time.DateTime+" UTC"))
	return nil
}
