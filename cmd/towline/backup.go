package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"towline/control"
	"towline/deploy/audit"
	"towline/store"
)

func backupCommand() subcommand {
	return subcommand{
		name: "backup", args: "FILE", group: itsRecords, does: "Copy the store into one file, also while the bot runs, and prove the copy.",
		examples: []string{"towline backup -config /etc/towline/config.yaml /var/backups/towline.tar"},
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			var w place
			w.flags(f)
			force := f.Bool("force", false, "replace the file if it is there")
			return func(ctx context.Context, p program, args []string) error {
				path, err := oneFile("backup", args)
				if err != nil {
					return err
				}
				return w.atDesk(ctx, p, false, func(d control.Desk) error { return backup(ctx, p, d, path, *force) })
			}
		},
	}
}

// oneFile is the one argument of a command.
func oneFile(command string, args []string) (string, error) {
	if len(args) != 1 || strings.HasPrefix(args[0], "-") {
		return "", &exitError{code: exitUsage, text: fmt.Sprintf("name one file, after the flags: towline %s FILE", command)}
	}
	return args[0], nil
}

func backup(ctx context.Context, p program, d control.Desk, path string, force bool) error {
	var report store.Report
	err := save(path, force,
		func(w io.Writer) error { return d.Backup(ctx, w) },
		func(partial string) (err error) {
			report, err = store.CheckBackup(ctx, partial, nil)
			return err
		})
	if err != nil {
		return notSaved(err)
	}
	fmt.Fprintf(p.stdout, "The backup is in %s.\n%s", path, found(report))
	return nil
}

// notSaved says of a backup that failed that there is none.
func notSaved(err error) error {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e
	}
	text := fmt.Sprintf("there is no backup: %v", err)
	if _, damaged := errors.AsType[*store.DamagedError](err); damaged {
		text += "\nThe copy is as damaged as the store. Stop the bot, copy the store's file and its folder of blobs as they are, and look at an older backup with `towline restore -check`."
		return &exitError{code: exitRefused, text: text}
	}
	return &exitError{code: exitUnknown, text: text}
}

// found says what a backup holds.
func found(r store.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "It holds %s, %s, %s of records and %s (%s).\n",
		number(r.Releases, "release", "releases"), number(r.Runs, "run", "runs"), size(r.Records), number(r.Blobs, "blob", "blobs"), size(r.BlobBytes))
	if !r.Created.IsZero() {
		fmt.Fprintf(&b, "It is of %s, format %d.\n", r.Created.UTC().Format("2006-01-02 15:04:05 UTC"), r.Format)
	}
	for _, l := range r.Logs {
		name := l.Project
		if name == "" {
			name = "the team"
		}
		fmt.Fprintf(&b, "The audit log of %s is whole: head %s\n", name, l.Head)
	}
	return b.String()
}

func size(bytes int64) string { return humanize.Bytes(uint64(max(0, bytes))) }

func restoreCommand() subcommand {
	return subcommand{
		name: "restore", args: "FILE", group: itsRecords, does: "Check a backup and put it in the place of the store; what was there is kept beside it.",
		examples: []string{"towline restore -check /var/backups/towline.tar", "towline restore -config /etc/towline/config.yaml /var/backups/towline.tar"},
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			var r restoring
			r.place.flags(f)
			f.BoolVar(&r.check, "check", false, "check only, and change nothing; needs neither config nor store")
			f.StringVar(&r.project, "project", "", "the project of -head, or "+teamLog)
			f.StringVar(&r.head, "head", "", "a head that a weekly report printed, 12:3f2a…, which the log of -project must contain")
			return func(ctx context.Context, p program, args []string) error {
				path, err := oneFile("restore", args)
				if err != nil {
					return err
				}
				return r.restore(ctx, p, path)
			}
		},
	}
}

// restoring are the flags of restore.
type restoring struct {
	place         place
	check         bool
	project, head string
}

func (r restoring) restore(ctx context.Context, p program, archive string) error {
	marks, err := marksOf(r.project, r.head)
	if err != nil {
		return err
	}
	if _, err := os.Stat(archive); err != nil {
		return err
	}
	if r.check {
		report, err := store.CheckBackup(ctx, archive, marks)
		if err != nil {
			return notRestored(err)
		}
		fmt.Fprintf(p.stdout, "%s is a whole backup.\n%s", archive, found(report))
		return nil
	}
	path, _, err := r.place.find(p)
	if err != nil {
		return err
	}
	if err := nobodyServes(ctx, path); err != nil {
		return err
	}
	restored, err := store.Restore(ctx, archive, path, time.Now(), marks)
	if err != nil {
		return notRestored(err)
	}
	fmt.Fprintf(p.stdout, "The backup is in place: %s.\n%s", path, found(restored.Report))
	if restored.Aside != "" {
		fmt.Fprintf(p.stdout, "What was there is kept in %s.\n", restored.Aside)
	}
	fmt.Fprintln(p.stdout, "It knows nothing of what happened since. When the bot starts it looks at D1 before it changes anything; look at `towline status`, too.")
	return nil
}

// marksOf reads a head that somebody wrote down.
func marksOf(project, head string) (map[string][]audit.Head, error) {
	if head == "" {
		return nil, nil
	}
	mark, err := audit.ParseHead(head)
	if err == nil && project == "" {
		err = errors.New("-head is the head of one log: name its project with -project")
	}
	if err != nil {
		return nil, &exitError{code: exitUsage, text: err.Error()}
	}
	if project == teamLog {
		project = ""
	}
	return map[string][]audit.Head{project: {mark}}, nil
}

// nobodyServes refuses to go on while a bot runs.
func nobodyServes(ctx context.Context, path string) error {
	client, err := control.Connect(ctx, path)
	switch {
	case errors.Is(err, control.ErrNobody):
		return nil
	case err != nil:
		return &exitError{code: exitUnknown, text: err.Error()}
	}
	return &exitError{code: exitRefused, text: fmt.Sprintf("process %d serves %s. Stop it first; nothing was changed.", client.Process().PID, path)}
}

// notRestored says what was wrong, and that nothing was changed.
func notRestored(err error) error {
	if held, ok := errors.AsType[*store.BusyError](err); ok {
		return &exitError{code: exitRefused, text: fmt.Sprintf("%v. Stop it first; nothing was changed.", held)}
	}
	if damaged, ok := errors.AsType[*store.DamagedError](err); ok {
		return &exitError{code: exitRefused, text: fmt.Sprintf("%v\nNothing was changed.", damaged)}
	}
	return err
}
