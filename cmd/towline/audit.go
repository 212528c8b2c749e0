package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"towline/control"
	"towline/deploy/audit"
)

// auditVerifyCommand stands beside the chat's /audit, which shows the last entries: this one only the command line has.
func auditVerifyCommand() subcommand {
	return subcommand{
		name: "audit verify", args: "[-project P] [-head HEAD]", group: itsRecords,
		does: "Prove that the audit log is as it was written, or name the first entry that is not.",
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			var w place
			var q control.AuditQuery
			w.flags(f)
			f.StringVar(&q.Project, "project", "", "one project's log, or "+teamLog+"; left out: all")
			f.StringVar(&q.Head, "head", "", "a head that a weekly report printed, 12:3f2a…, which the log of -project must contain")
			file := f.String("file", "", "verify an exported jsonl file instead of the store")
			asJSON := f.Bool("json", false, `print {"text": …, "code": …}`)
			return func(ctx context.Context, p program, args []string) error {
				if err := onlyFlags(args); err != nil {
					return err
				}
				if *file != "" {
					return verifyFile(p, *file, q, *asJSON)
				}
				return w.atDesk(ctx, p, false, func(d control.Desk) error {
					a, err := d.Verify(ctx, q)
					if err != nil {
						return &exitError{code: exitUnknown, text: err.Error()}
					}
					return p.print(a, *asJSON)
				})
			}
		},
	}
}

// verifyFile proves an export by itself.
func verifyFile(p program, path string, q control.AuditQuery, asJSON bool) error {
	marks, err := marksOf(q.Project, q.Head)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // read only
	sound, err := audit.VerifyJSONL(f, marks)
	a, err := verdict(sound, err)
	if err != nil {
		return err
	}
	return p.print(a, asJSON)
}

func auditExportCommand() subcommand {
	return subcommand{
		name: "audit export", args: "[-project P] [-format jsonl|csv] [-o FILE]", group: itsRecords,
		does: "Write the audit log out: jsonl can be verified again with audit verify -file, csv is for a spreadsheet.",
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			var w place
			var q control.AuditQuery
			w.flags(f)
			f.StringVar(&q.Project, "project", "", "one project's log, or "+teamLog+"; left out: all")
			f.StringVar(&q.Format, "format", "jsonl", "jsonl or csv")
			out := f.String("o", "", "write to this file instead of the standard output")
			force := f.Bool("force", false, "replace the file if it is there")
			return func(ctx context.Context, p program, args []string) error {
				if err := onlyFlags(args); err != nil {
					return err
				}
				return w.atDesk(ctx, p, false, func(d control.Desk) error { return export(ctx, p, d, q, *out, *force) })
			}
		},
	}
}

func export(ctx context.Context, p program, d control.Desk, q control.AuditQuery, out string, force bool) error {
	fill := func(w io.Writer) error { return d.Export(ctx, q, w) }
	var err error
	if out == "" {
		err = fill(p.stdout)
	} else if err = save(out, force, fill, nil); err == nil {
		fmt.Fprintf(p.stdout, "The audit log is in %s.\n", out)
	}
	if r, ok := errors.AsType[*control.RefusedError](err); ok {
		return p.print(r.Answer, false)
	}
	return err
}
