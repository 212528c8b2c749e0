package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"towline/backups"
	"towline/config"
	"towline/deploy"
	"towline/migrations"
	"towline/migrations/dump"
	"towline/migrations/sqlite"
)

// landing is a D1 database that a backup is to be put into.
type landing struct {
	p       program
	d1      account
	db      deploy.Database // without an id where it is not there yet
	objects []migrations.Object
	rows    map[string]int64 // by table, as they are now
	whose   []string         // which environments of which projects use it, in words
	backup  deploy.Backup
	here    backups.Restored // what the backup became on this machine
	path    string           // of that file
}

// into puts a backup into a D1 database, after it has said what that overwrites. Production has to be named twice, and no
// release may run meanwhile, so that the bot must not run where the database is one of a project.
func (r bringing) into(ctx context.Context, p program, c *config.Config, kept *backups.Folder, b deploy.Backup) error {
	whose, production := usersOf(c, r.to)
	d1, err := databasesOf(c, loggerTo(p, slog.LevelWarn, c.Secrets()))
	if err != nil {
		return &exitError{code: exitRefused, text: err.Error()}
	}
	dir, err := os.MkdirTemp("", "towline-backup-*") // mode 0700
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a copy of data, in a folder that nobody else can open
	l := &landing{p: p, d1: d1, whose: whose, backup: b, path: filepath.Join(dir, "restored.db")}
	if l.here, err = kept.Restore(ctx, b.ID, l.path); err != nil {
		return &exitError{code: exitRefused, text: fmt.Sprintf("%v\nNothing was changed.", err)}
	}
	if err := l.look(ctx, r.to); err != nil {
		return &exitError{code: exitUnknown, text: fmt.Sprintf("%v\nNothing was changed.", err)}
	}
	if err := l.say(ctx); err != nil {
		return err
	}
	if production && r.production != r.to {
		return &exitError{code: exitRefused, text: fmt.Sprintf("%s is production (%s). To overwrite it, name it once more: -production %s. Nothing was changed.", r.to, strings.Join(whose, ", "), r.to)}
	}
	text, size, err := l.text(ctx)
	if err != nil {
		return err
	}
	defer text.Close() //nolint:errcheck // read only
	if !r.yes {
		return &exitError{code: exitRefused, text: "nothing was changed. With -yes it is done."}
	}
	if len(whose) > 0 {
		if err := nobodyServes(ctx, c.Store.Path); err != nil {
			return err
		}
	}
	return l.put(ctx, r.to, text, size)
}

// usersOf says which environments have a database of that name, and whether one of them is production.
func usersOf(c *config.Config, name string) (whose []string, production bool) {
	for _, project := range c.Projects {
		if project.Preview.Database == name {
			whose = append(whose, "preview of "+project.Name)
		}
		if project.Production.Database == name {
			whose, production = append(whose, "production of "+project.Name), true
		}
	}
	return whose, production
}

// look reads what is in the database now.
func (l *landing) look(ctx context.Context, name string) (err error) {
	l.db, err = l.d1.Find(ctx, name)
	if errors.Is(err, deploy.ErrNoDatabase) {
		return nil
	}
	if err != nil {
		return err
	}
	answers, err := l.d1.Read(ctx, l.db.ID, []string{"SELECT type, name, tbl_name, coalesce(sql, '') AS sql FROM sqlite_master ORDER BY rowid"})
	if err != nil {
		return err
	}
	l.objects = nil
	for _, row := range answers[0].Values {
		l.objects = append(l.objects, migrations.Object{Type: word(row[0]), Name: word(row[1]), Table: word(row[2]), SQL: word(row[3])})
	}
	l.rows, err = l.count(ctx)
	return err
}

func word(v any) string { s, _ := v.(string); return s }

// count counts the rows of every table, virtual ones included, at most ten at a time: D1 allows 30 s for a call.
func (l *landing) count(ctx context.Context) (map[string]int64, error) {
	var tables []string
	for _, o := range l.objects {
		if name := strings.ToLower(o.Name); o.Type == "table" && !strings.HasPrefix(name, "sqlite_") && !strings.HasPrefix(name, "_cf_") && !l.shadow(o.Name) {
			tables = append(tables, o.Name)
		}
	}
	rows := map[string]int64{}
	for part := range slices.Chunk(tables, 10) {
		statements := make([]string, len(part))
		for i, name := range part {
			statements[i] = `SELECT count(*) AS n FROM "` + strings.ReplaceAll(name, `"`, `""`) + `"`
		}
		answers, err := l.d1.Read(ctx, l.db.ID, statements)
		if err != nil {
			return nil, err
		}
		for i, a := range answers {
			n, _ := a.Values[0][0].(int64)
			rows[part[i]] = n
		}
	}
	return rows, nil
}

// shadow reports whether a table belongs to a virtual one.
func (l *landing) shadow(name string) bool {
	return slices.ContainsFunc(l.objects, func(o migrations.Object) bool {
		return strings.HasPrefix(o.SQL, "CREATE VIRTUAL TABLE") && strings.HasPrefix(name, o.Name+"_")
	})
}

// say prints what would be overwritten, and who else writes.
func (l *landing) say(ctx context.Context) error {
	b, w := l.backup, l.p.stdout
	fmt.Fprintf(w, "Backup %s of %s %s, taken %s.\n", b.ID, b.Project, b.Environment, b.TakenAt.UTC().Format("2006-01-02 15:04:05 UTC"))
	for _, missing := range b.Missing {
		fmt.Fprintf(w, "Not in it as it was: %s\n", missing)
	}
	if l.db.ID == "" {
		fmt.Fprintln(w, "There is no database of that name; it is made.")
		return nil
	}
	fmt.Fprintf(w, "It takes the place of everything in %s (%s):\n", l.db.Name, l.db.ID)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  TABLE\tNOW\tIN THE BACKUP")
	then := l.here.Rows()
	for _, name := range slices.Sorted(maps.Keys(merged(l.rows, then))) {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", name, rowsAt(l.rows, name), rowsAt(then, name))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "Used by: %s.\n", cmp.Or(strings.Join(l.whose, ", "), "no project of the config"))
	fmt.Fprintln(w, l.lately(ctx))
	return nil
}

func merged(a, b map[string]int64) map[string]int64 {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func rowsAt(rows map[string]int64, table string) string {
	if n, ok := rows[table]; ok {
		return number(int(n), "row", "rows")
	}
	return "not there"
}

// lately says how much was written to the database in the last hour: its app, if it has one, goes on writing.
func (l *landing) lately(ctx context.Context) string {
	rows, asOf, err := l.d1.RowsWritten(ctx, l.db.ID, time.Now().Add(-time.Hour))
	switch {
	case err != nil:
		return fmt.Sprintf("Whether an app writes to it could not be found out: %v", err)
	case asOf.IsZero():
		return "Cloudflare has counted no use of it in the last hour."
	}
	return fmt.Sprintf("Cloudflare has counted %s in the last hour, up to %s. Whoever writes goes on doing so.",
		number(int(rows), "row written", "rows written"), asOf.UTC().Format("15:04 UTC"))
}

// put empties the database and imports the backup's text. If the import is refused, Time Travel takes the database back.
func (l *landing) put(ctx context.Context, name string, text io.ReadSeeker, size int64) (err error) {
	if l.db.ID == "" {
		if l.db, err = l.d1.Create(ctx, name); err != nil {
			return &exitError{code: exitUnknown, text: fmt.Sprintf("make %s: %v", name, err)}
		}
	}
	point, err := l.d1.Bookmark(ctx, l.db.ID)
	if err != nil {
		return &exitError{code: exitUnknown, text: fmt.Sprintf("no restore point could be taken: %v\nNothing was changed.", err)}
	}
	undo := fmt.Sprintf("wrangler d1 time-travel restore %s --bookmark=%s", name, point)
	fmt.Fprintf(l.p.stdout, "Undo: %s\n", undo)
	if err := l.empty(ctx); err != nil {
		return l.failed(err, undo)
	}
	if err := l.d1.Import(ctx, l.db.ID, text, size); err != nil {
		return l.back(ctx, err, point, undo)
	}
	if err := l.look(ctx, name); err != nil {
		return &exitError{code: exitUnknown, text: fmt.Sprintf("the backup was put in place, and could not be read back: %v\nUndo: %s", err, undo)}
	}
	for table, rows := range l.here.Rows() {
		if l.rows[table] != rows {
			return &exitError{code: exitRefused, text: fmt.Sprintf("table %s has %s now, and %d in the backup: somebody writes to it.\nUndo: %s", table, rowsAt(l.rows, table), rows, undo)}
		}
	}
	fmt.Fprintf(l.p.stdout, "%s is as the backup has it: %s in %s.\n", name, number(int(rowsOf(l.here.Rows())), "row", "rows"), number(len(l.here.Rows()), "table", "tables"))
	if len(l.whose) > 0 {
		fmt.Fprintln(l.p.stdout, "Its ledger is that of the backup, too: look at `towline status` before the next release.")
	}
	return nil
}

// text writes the restored file as statements that D1 takes. What it would not take is known now, before anything is emptied.
func (l *landing) text(ctx context.Context) (*os.File, int64, error) {
	file, err := os.Create(l.path + ".sql")
	if err != nil {
		return nil, 0, &exitError{code: exitUnknown, text: fmt.Sprintf("%v\nNothing was changed.", err)}
	}
	written, err := l.write(ctx, file)
	switch {
	case err != nil:
		err = &exitError{code: exitUnknown, text: fmt.Sprintf("%v\nNothing was changed.", err)}
	case len(written.Long) > 0 || len(written.Raw) > 0:
		err = l.notTaken(written)
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	size, err := file.Seek(0, io.SeekEnd)
	return file, size, err
}

func (l *landing) write(ctx context.Context, w io.Writer) (written dump.Written, err error) {
	conn, err := sqlite.Open(ctx, l.path)
	if err != nil {
		return written, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return dump.Write(ctx, w, dump.Source{Objects: l.here.Contents.Objects, Query: func(ctx context.Context, sql string) (rows [][]any, err error) {
		err = conn.Without(func() error {
			res, err := conn.Exec(ctx, sql)
			rows = res.Rows
			return err
		})
		return rows, err
	}})
}

// notTaken says that D1 would refuse the backup's text, and what is left.
func (l *landing) notTaken(written dump.Written) error {
	var text strings.Builder
	if len(written.Long) > 0 {
		fmt.Fprintf(&text, "D1 would refuse it: a statement may have %d bytes, and a row of %s takes more.\n", migrations.MaxStatement, strings.Join(written.Long, ", of "))
	}
	if len(written.Raw) > 0 {
		fmt.Fprintf(&text, "D1 would refuse it: the rows of %s cannot be read back.\n", strings.Join(written.Raw, ", "))
	}
	fmt.Fprintf(&text, "Nothing was changed. As a file it can be had: towline backups restore -file out.db %s", l.backup.ID)
	if b := l.backup; b.Bookmark != "" && b.DatabaseID == l.db.ID {
		fmt.Fprintf(&text, "\nWhile Time Travel reaches back to it: wrangler d1 time-travel restore %s --bookmark=%s", l.db.Name, b.Bookmark)
	}
	return &exitError{code: exitRefused, text: text.String()}
}

// scratchLedger is the ledger that emptying a database leaves behind, under a name that no backup has.
const scratchLedger = "towline_restore"

// empty drops everything in one transaction.
func (l *landing) empty(ctx context.Context) error {
	if len(l.objects) == 0 {
		return nil
	}
	tx, err := migrations.Reset(l.objects, nil, nil, nil, migrations.Options{Ledger: scratchLedger})
	if err != nil {
		return err
	}
	statements := make([]string, 0, len(tx.Statements)+1)
	for _, s := range tx.Statements {
		statements = append(statements, s.SQL)
	}
	_, err = l.d1.Apply(ctx, l.db.ID, append(statements, `DROP TABLE "`+scratchLedger+`"`))
	return err
}

// failed says of an emptying that went wrong what is there now.
func (l *landing) failed(err error, undo string) error {
	if _, no := errors.AsType[*deploy.RejectedError](err); no {
		return &exitError{code: exitRefused, text: fmt.Sprintf("the database could not be emptied: %v\nNothing was changed.", err)}
	}
	return &exitError{code: exitUnknown, text: fmt.Sprintf("whether the database was emptied is unknown: %v\nLook at it. To have it as it was: %s", err, undo)}
}

// back undoes an emptied database whose import was refused.
func (l *landing) back(ctx context.Context, cause error, point, undo string) error {
	if _, no := errors.AsType[*deploy.RejectedError](cause); !no {
		return &exitError{code: exitUnknown, text: fmt.Sprintf("whether the backup was put in place is unknown: %v\nD1 may still be at work. Look at it. To have it as it was: %s", cause, undo)}
	}
	if _, err := l.d1.Restore(context.WithoutCancel(ctx), l.db.ID, point); err != nil {
		return &exitError{code: exitUnknown, text: fmt.Sprintf("the backup could not be put in place: %v\nThe database is empty now, and Time Travel did not take it back: %v\nTo have it as it was: %s", cause, err, undo)}
	}
	return &exitError{code: exitRefused, text: fmt.Sprintf("the backup could not be put in place: %v\nThe database was taken back to what it was.", cause)}
}
