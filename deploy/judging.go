package deploy

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"towline/deploy/gate"
	"towline/deploy/queries"
	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/layout"
	"towline/migrations/lint"
	"towline/migrations/rehearse"
)

// pendingWork is what a plan would send to a database, and what it knows of it.
type pendingWork struct {
	on   rehearse.Target
	txs  []migrations.Transaction
	diff migrations.Difference
}

// judgement is what rehearsing and linting a plan gave.
type judgement struct {
	report   rehearse.Report
	findings []lint.Finding
	summary  release.Rehearsal
	// statements is how many were linted.
	statements int
}

// judge rehearses what would be sent on local copies, and lints it.
func (e *Engine) judge(ctx context.Context, d draft, work pendingWork) (j judgement, err error) {
	registered, err := e.queries(ctx, d.release)
	if err != nil {
		return j, err
	}
	history, err := e.history(ctx, d)
	if err != nil {
		return j, err
	}
	asked := e.countedQueries(ctx, d.project.Name)
	report, copied, why, err := e.rehearse(ctx, d, work, slices.Concat(registered, asked))
	if err != nil {
		return j, err
	}
	j.report = report
	own, slower := queries.Divide(j.report.Plans, asked)
	j.report.Plans = own
	linted, err := lint.Run(ctx, lint.Input{
		Files: d.files, Target: &work.on, Applied: d.sums, Renames: d.project.Renames, Rows: d.rows, Queries: registered, History: history,
		Extra: problems(d.release), LedgerTable: d.project.ledger(), Report: &j.report,
	}, lint.Options{Severity: severities(d.project)})
	if err != nil {
		return j, fmt.Errorf("lint the migrations: %w", err)
	}
	j.statements = linted.Statements
	j.findings = slices.DeleteFunc(linted.Findings, func(f lint.Finding) bool {
		return f.Code == removedFile && slices.Contains(d.left, f.File) // by a rollback: known, and said in other words
	})
	j.report.Plans = append(own, slower...)
	j.report.Losses = notAllowed(j.report.Losses, j.findings)
	j.summary = summaryOf(j.report)
	if j.report.NoData != "" {
		why = NoCopyUnfit
		e.forgetCopy(ctx, d.project.Name)
	}
	j.summary.Data, j.summary.CopyAt, j.summary.NoCopy = j.report.Data, copied.At, why
	return j, nil
}

// removedFile is the rule about names in the ledger that have no file any more.
const removedFile = "F-MISS"

// problems are what the reader of the layout noticed when the release was made.
func problems(r release.Release) []lint.Finding {
	list := make([]layout.Problem, len(r.Problems))
	for i, p := range r.Problems {
		list[i] = layout.Problem{Code: p.Code, File: p.File, Text: p.Text}
	}
	return lint.Layout(layout.Layout{Dir: r.Folder}, list)
}

func severities(p Project) map[string]lint.Severity {
	out := make(map[string]lint.Severity, len(p.Lint.Severity))
	for code, s := range p.Lint.Severity {
		out[code] = lint.Severity(s)
	}
	return out
}

// notAllowed leaves out the losses of statements that a directive allows, with its reason, to lose rows.
func notAllowed(losses []rehearse.Loss, findings []lint.Finding) []rehearse.Loss {
	return slices.DeleteFunc(slices.Clone(losses), func(l rehearse.Loss) bool {
		return slices.ContainsFunc(findings, func(f lint.Finding) bool {
			return f.Allowed != "" && f.File == l.File && f.Index == l.Index && strings.HasPrefix(f.Code, "D1-FK")
		})
	})
}

// summaryOf is what a card shows of a report.
func summaryOf(r rehearse.Report) release.Rehearsal {
	s := release.Rehearsal{
		DurationMS: r.Duration.Milliseconds(), EstimateMS: r.Estimated.Milliseconds(), RowsRead: r.RowsRead, RowsWritten: r.RowsWritten,
		Rejected: r.RejectedTotal, Lost: slices.Concat(r.LostIndexes, r.LostTriggers),
	}
	for _, t := range r.Tables {
		if t.Before != t.After {
			s.Tables = append(s.Tables, release.Rows{Table: t.Name, Before: t.Before, After: t.After})
		}
	}
	if r.Failed != nil {
		s.Fails = refusedBy(*r.Failed)
	}
	for _, o := range r.Orphans {
		s.Orphans += o.Rows
	}
	for _, c := range r.Cut {
		s.Cut += c.Rows - c.Copied
	}
	for _, l := range r.RowLosses {
		s.Gone += l.Gone
		for _, c := range l.Columns {
			s.Short, s.Rounded, s.Nulled = s.Short+c.Cut, s.Rounded+c.Rounded, s.Nulled+c.Nulled
		}
	}
	for _, p := range r.Plans {
		if p.Worse {
			s.Slower = append(s.Slower, p.Name+": "+p.What)
		}
	}
	return s
}

// refusedBy says where the copy of the data refuses a release, and in which words.
func refusedBy(f rehearse.Failure) string {
	switch {
	case f.AtCommit && f.File == "":
		return "at the end of the transaction: " + f.Message
	case f.AtCommit:
		return fmt.Sprintf("%s: %s", f.File, f.Message)
	}
	return fmt.Sprintf("%s line %d: %s", f.File, f.Line, f.Message)
}

// findingsOf are a judgement's findings as a plan has them, the gravest first, with what only the rehearsal says.
func findingsOf(j judgement) []release.Finding {
	var out []release.Finding
	for _, f := range j.findings {
		out = append(out, release.Finding{
			Code: f.Code, Name: f.Name, Severity: string(f.Severity), File: f.File, Line: f.Line, Table: f.Table, Text: f.Text,
			Advice: f.Advice, Rewrite: f.Rewrite, Allowed: f.Allowed,
		})
	}
	for _, w := range j.report.Warnings {
		known := slices.ContainsFunc(j.findings, func(f lint.Finding) bool {
			return f.File == w.File && f.Index == w.Index && (w.Index > 0 || f.Line == w.Line)
		})
		if !known {
			out = append(out, release.Finding{Code: "fails_with_rows", Severity: string(lint.Warning), File: w.File, Line: w.Line, Text: w.Message})
		}
	}
	for _, u := range j.report.Unrehearsed {
		out = append(out, release.Finding{Code: "not_rehearsed", Severity: string(lint.Warning), File: u.File, Line: u.Line, Text: u.Message})
	}
	rank := func(f release.Finding) int {
		if f.Allowed != "" {
			return 2 // somebody meant it, and people should see that
		}
		return map[string]int{string(lint.Error): 0, string(lint.Warning): 1, string(lint.Info): 3}[f.Severity]
	}
	slices.SortStableFunc(out, func(a, b release.Finding) int { return rank(a) - rank(b) })
	return out
}

// note takes over into a plan what its rehearsal found out.
func note(plan *release.Plan, report rehearse.Report) {
	summary := summaryOf(report)
	plan.Findings, plan.Rehearsal = findingsOf(judgement{report: report}), &summary
	plan.RehearsedMS = report.Duration.Milliseconds()
	plan.Expected = rehearse.Fingerprint(report.After, plan.Ledger)
}

// noteAll is note for a plan that was linted, too.
func (e *Engine) noteAll(ctx context.Context, plan *release.Plan, d draft, j judgement) error {
	known := plan.Findings
	note(plan, j.report)
	plan.Findings, plan.Rehearsal = append(known, findingsOf(j)...), &j.summary
	plan.Backup = e.backupFor(ctx, d, j.report)
	plan.Size = d.target.Size
	if len(plan.Pending) == 0 || plan.Target.ID == "" || d.run.Kind == release.Reset {
		return e.keepReport(ctx, plan, j)
	}
	judged := j.report
	judged.Rejected, judged.Cut, judged.RowLosses = nil, nil, nil // people's rows are in the document alone
	var err error
	if plan.Judged, err = e.keepValue(ctx, judged); err != nil {
		return err
	}
	if plan.Before, err = e.keepValue(ctx, d.target.Objects); err != nil {
		return err
	}
	return e.keepReport(ctx, plan, j)
}

// keepReport keeps the whole report, as the document that people read.
func (e *Engine) keepReport(ctx context.Context, plan *release.Plan, j judgement) error {
	if len(plan.Pending) == 0 {
		return nil
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "Release #%d on %s, rehearsed %s\n\n", plan.Release, plan.Environment, e.now().UTC().Format(time.RFC3339))
	b.Write(rehearse.Document(j.report))
	b.WriteString("\nFindings\n\n")
	if err := lint.WriteText(&b, lint.Report{Findings: j.findings, Files: len(plan.Pending), Statements: j.statements}, lint.Printing{}); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	var err error
	plan.Report, err = e.blobs.PutBlob(ctx, b.Bytes())
	return wrap(err, "keep the report")
}

// Report returns the whole report of a plan's rehearsal, a text; nil where there is none.
func (e *Engine) Report(ctx context.Context, plan release.Plan) ([]byte, error) {
	if plan.Report == "" {
		return nil, nil
	}
	text, err := e.blobs.Blob(ctx, plan.Report)
	return text, wrap(err, "read the report of the plan")
}

// backupFor says whether a plan needs a backup, and why.
func (e *Engine) backupFor(ctx context.Context, d draft, r rehearse.Report) *release.BackupPlan {
	if len(r.Destroys) == 0 || d.target.Database.ID == "" || d.run.Kind == release.Reset || e.backups == nil || e.exports == nil {
		return nil
	}
	b := &release.BackupPlan{Off: d.project.NoBackup, Tables: slices.ContainsFunc(d.target.Objects, isVirtual) || e.unexported(ctx, d.project.Name, d.run.Environment, d.target) != ""}
	for _, x := range r.Destroys {
		why := string(x.Kind) + " " + x.Table
		switch x.Kind {
		case rehearse.DropsColumn:
			why += "." + x.Name
		case rehearse.DeletesRows, rehearse.UpdatesRows:
			why = string(x.Kind) + " of " + x.Table
		}
		b.Why = append(b.Why, why)
	}
	if b.Wanted() && !b.Tables {
		b.Seconds, b.Guessed = e.expected(ctx, d.project.Name, d.run.Environment, d.target.Size)
	}
	return b
}

// stillSo reads the target once more if judging took so long that its facts would be too old, and takes over the time if
// nothing has changed meanwhile.
func (e *Engine) stillSo(ctx context.Context, d draft, out *planned) error {
	if e.now().Sub(d.target.At) < gate.MaxAge/2 {
		return nil
	}
	again, err := e.look(ctx, d.project, d.run.Environment, d.target.Database)
	if err != nil {
		return err
	}
	same := slices.Equal(names(again.Ledger), names(d.target.Ledger)) && again.Database == d.target.Database &&
		rehearse.Fingerprint(again.Objects, d.project.ledger()) == rehearse.Fingerprint(d.target.Objects, d.project.ledger())
	if same {
		out.difference.At, out.rehearsal.At = again.At, again.At
	}
	return nil
}
