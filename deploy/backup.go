package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/rehearse"
)

const (
	// backupTimeout bounds how long a backup may take, from the first question to D1 until it was restored here.
	backupTimeout = 30 * time.Minute
	// guessedRate is how many bytes of a database D1 exports in a second, as long as no backup of the team has told. It is a
	// guess of ours; Cloudflare says nothing of it.
	guessedRate = 4e6
	// telling is how large a backup must be, in bytes, for its time to tell a rate: a small one tells what an export takes at
	// least.
	telling = 1e6
)

// backup takes a copy of the data out of the database before something destroys a part of it, and restores it here to prove
// that it can be.
type backup struct{ *execution }

func (b backup) do(ctx context.Context) (string, error) {
	if b.e.backups == nil || b.e.exports == nil {
		return "", errors.New("this Towline keeps no backups")
	}
	taken, err := b.take(ctx)
	if err != nil {
		return "", err
	}
	return taken.ID, b.unmoved(ctx)
}

// errChangedMeanwhile says that the database is not what the plan is about any more. Between a plan and its first change there are seconds
// as a rule, and with a backup minutes.
var errChangedMeanwhile = errors.New("its schema or its ledger is another one now")

// unmoved returns errChangedMeanwhile if somebody changed the schema or the ledger since the plan was made.
func (b backup) unmoved(ctx context.Context) error {
	now, err := b.e.look(ctx, b.p, b.run.Environment, b.run.Plan.Target)
	if err != nil {
		return plainly(err)
	}
	plan := b.run.Plan
	moved := !plan.Reset && !slices.Equal(names(now.Ledger), plan.Applied) // a reset's are those of production
	if now.Database.ID != plan.Target.ID || rehearse.Fingerprint(now.Objects, plan.Ledger) != plan.Fingerprint || moved {
		return errChangedMeanwhile
	}
	return nil
}

// copyOut writes the database, and says how. Rows are counted before and after; what has the same number both times is what
// the copy must have as well.
func (e *Engine) copyOut(ctx context.Context, t target, w io.Writer, about *Backup) error {
	before := e.rowsOf(ctx, t)
	d, err := e.dump(ctx, t, w, about.Unexported != "")
	if err != nil {
		return err
	}
	about.Tables, about.Missing, about.Took = d.Tables, d.Missing, d.Took
	about.Rows = before
	after := e.rowsOf(ctx, t)
	maps.DeleteFunc(about.Rows, func(table string, rows int64) bool { return after[table] != rows })
	return nil
}

// rowsOf counts the rows of every plain table. A count that does not come, because the database is too large for it or busy, is
// missing.
func (e *Engine) rowsOf(ctx context.Context, t target) map[string]int64 {
	counts := map[string]int64{}
	if t.Size > maxCounted {
		return counts
	}
	var tables, statements []string
	virtual := shadows(t.Objects)
	for _, o := range t.Objects {
		if o.Type == "table" && !isVirtual(o) && !virtual(o.Name) {
			tables = append(tables, o.Name)
			statements = append(statements, "SELECT count(*) AS __towline_n FROM "+quoteName(o.Name))
		}
	}
	if len(statements) == 0 {
		return counts
	}
	rows, err := e.d1.Read(ctx, t.Database.ID, statements)
	if err != nil {
		e.log.InfoContext(ctx, "rows were not counted beside a backup", "database", t.Database.Database, "error", err)
		return counts
	}
	for i, r := range rows {
		if n, ok := r.Values[0][0].(int64); ok && len(r.Values) == 1 {
			counts[tables[i]] = n
		}
	}
	return counts
}

// maxCounted is the size of a database, in bytes, up to which its rows are counted beside a backup.
const maxCounted = 500e6

// shadows knows the tables that virtual tables keep for themselves, by their names: TABLE_data, TABLE_idx and the like.
func shadows(objects []migrations.Object) func(name string) bool {
	var owners []string
	for _, o := range objects {
		if isVirtual(o) {
			owners = append(owners, o.Name+"_")
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(owners, func(owner string) bool { return strings.HasPrefix(name, owner) })
	}
}

func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// plainly takes the class out of an error: a backup changes nothing, so that nothing is in doubt after one that failed.
func plainly(err error) error { return errors.New(words(err)) }

// took notes a backup in the run.
func (b backup) took(taken Backup) {
	t := release.BackupTaken{
		ID: taken.ID, At: taken.TakenAt, Bytes: taken.Bytes, Millis: taken.Took.Milliseconds(), Restored: !taken.CheckedAt.IsZero(), Missing: taken.Missing,
		Unexported: taken.Unexported,
	}
	for _, rows := range taken.Rows {
		t.Rows += rows
	}
	b.run.Backup = &t
}

// observe looks for a whole backup of this run, of a database that is still what the plan is about. One that was not
// restored to prove it is none.
func (b backup) observe(ctx context.Context) (outcome, string, error) {
	if b.e.backups == nil {
		return absent, "", nil
	}
	kept, err := b.e.backups.List(ctx, b.run.Project, b.run.Environment, 0)
	if err != nil {
		return unclear, "", fmt.Errorf("list the backups: %w", err)
	}
	for _, k := range kept {
		if k.Run == b.run.ID && k.Problem == "" && !k.CheckedAt.IsZero() && inexact(k) == "" && b.unmoved(ctx) == nil {
			b.took(k)
			return present, k.ID, nil
		}
	}
	return absent, "", nil
}

func (b backup) failed(err error) release.Failure {
	if errors.Is(err, errChangedMeanwhile) {
		return release.Failure{Code: "changed_meanwhile", Words: words(err)}
	}
	return release.Failure{Code: "no_backup", Words: words(err)}
}

// expected is for how many seconds an export of so many bytes will block a database, by what earlier backups of the same
// database took, or else those of others; 0: the size is not known.
func (e *Engine) expected(ctx context.Context, project string, env release.Environment, size int64) (n int, guessed bool) {
	if size <= 0 {
		return 0, false
	}
	own, err := e.backups.List(ctx, project, env, 20)
	if err == nil && !slices.ContainsFunc(own, tells) {
		var others []Backup
		others, err = e.backups.List(ctx, "", "", 50)
		own = append(own, others...)
	}
	if err != nil {
		e.log.InfoContext(ctx, "how long a backup takes is guessed, since earlier ones cannot be listed", "error", err)
	}
	return seconds(own, size)
}

// tells reports whether a backup's time tells how fast an export is.
func tells(b Backup) bool {
	return b.Problem == "" && !b.Tables && b.Took > 0 && b.Size >= telling
}

// seconds is the shortest time that a small backup took, and the size by the median rate of the larger ones. guessed: none of
// them tells anything of a database of this size.
func seconds(earlier []Backup, size int64) (n int, guessed bool) {
	least, told := time.Second, false
	var rates []float64
	for _, b := range earlier {
		switch {
		case tells(b):
			rates = append(rates, float64(b.Size)/b.Took.Seconds())
		case b.Problem == "" && !b.Tables && b.Took > 0:
			least, told = min(max(least, b.Took), 10*time.Second), true
		}
	}
	rate := float64(guessedRate)
	if len(rates) > 0 {
		slices.Sort(rates)
		rate = rates[len(rates)/2]
	}
	if len(rates) > 0 && size >= telling {
		least = 0 // it is in the rate already
	}
	n = max(1, int((least + time.Duration(float64(size)/rate*float64(time.Second)) + time.Second - 1).Seconds()))
	return n, len(rates) == 0 && (!told || size >= telling)
}

// BackupsOf lists a project's backups, newest first; nil where this Towline keeps none. An *OutsideError: they cannot be read.
func (e *Engine) BackupsOf(ctx context.Context, project string, limit int) ([]Backup, error) {
	if e.backups == nil {
		return nil, nil
	}
	kept, err := e.backups.List(ctx, project, "", limit)
	if err != nil && ctx.Err() == nil {
		return nil, &OutsideError{Refusal: release.Refuse(release.CodeBackupsUnread, "problem", err.Error()), Err: err}
	}
	return kept, err
}

// Expected says for how long a backup of an environment would block its database; 0: not known.
func (e *Engine) Expected(ctx context.Context, project string, env release.Environment, size int64) time.Duration {
	if e.backups == nil {
		return 0
	}
	n, _ := e.expected(ctx, project, env, size)
	return time.Duration(n) * time.Second
}
