package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"towline/cards"
	"towline/control"
	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/handlers"
	"towline/store"
	"towline/usage"
)

// desk answers the command line for a store: in the bot's process through the socket, and in the command's own where no
// bot runs.
type desk struct {
	store *store.Store
	now   func() time.Time
	// line and people are nil where the config was not read: then there are no commands of the chat.
	line   func(context.Context, handlers.Line) (handlers.Answer, error)
	people func(context.Context) []gate.Actor
	// usage has what was counted; projects is nil where the config was not read.
	usage    usage.Reader
	projects func() []deploy.Project
	// bot: this process is the bot, so that what is asked for begins at once.
	bot bool
}

var _ control.Desk = (*desk)(nil)

// kind is what a chat command does, as far as it matters who types it on the command line.
type kind int

const (
	// asks: somebody else has to decide about it, so it has to be known who asked.
	asks kind = iota
	// changes something at once, which whoever can open the store may do: they could change the file as well.
	changes
	// reads only.
	reads
)

// kindOf knows the commands that need nobody's name. Any other does.
func kindOf(command string, words ...string) kind {
	if command == "preview" && len(words) == 1 && words[0] == "list" {
		return reads
	}
	switch command {
	case "status", "releases", "people", "audit", "report", "contract", "slow", "backups", "help", "whoami":
		return reads
	case "hold", "unhold", "lock", "unlock", "freeze", "cancel", "note", "reload", "backfill", "drill":
		return changes
	}
	return asks
}

// Line implements control.Desk.
func (d *desk) Line(ctx context.Context, o control.Order) (control.Answer, error) {
	name := strings.ToLower(strings.TrimPrefix(o.Words[0], "/"))
	by, known := d.who(ctx, o)
	switch {
	case o.As == 0 && kindOf(name, o.Words[1:]...) == asks:
		return d.needsSomebody(ctx, name), nil
	case !known:
		r := cards.Refusal(gate.Needs(by, gate.Viewer, name), "")
		return control.Answer{Text: cards.Text(r) + "\n" + d.listed(ctx), Code: string(release.CodeUnknownPerson), Exit: exitRefused}, nil
	case !d.bot && name == "reload":
		return control.Answer{Text: "No bot runs on this store. One reads the config when it starts."}, nil
	}
	got, err := d.line(ctx, handlers.Line{Key: "line/" + rand.Text(), By: by, Words: o.Words})
	if err != nil {
		return control.Answer{}, err
	}
	a := control.Answer{Text: got.Text, Code: string(got.Code), Exit: exitOf(got.Code)}
	if !d.bot && a.Exit == exitFine && kindOf(name, o.Words[1:]...) != reads {
		a.Text += "\n\nNo bot runs on this store: it is stored, and the chat hears of it when `towline serve` starts."
		if kindOf(name) == asks {
			a.Text += " A run begins then."
		}
	}
	return a, nil
}

// exitOf is the exit code for a refusal.
func exitOf(code release.Code) int {
	switch code {
	case "":
		return exitFine
	case release.CodeUsage:
		return exitUsage
	case release.CodeFactsMissing, release.CodeFactsOld, release.CodeSource:
		return exitUnknown
	}
	return exitRefused
}

// who orders it: the operating system's user, with every right, since the store is theirs; or somebody of the config with
// the rights that they have in the chat. Then the log says through whom, too.
func (d *desk) who(ctx context.Context, o control.Order) (by gate.Actor, known bool) {
	if o.As == 0 {
		return gate.Actor{Person: release.Person{Name: o.User + " on the command line"}, Role: gate.Admin}, true
	}
	for _, p := range d.people(ctx) {
		if p.ID == o.As {
			p.Name = fmt.Sprintf("%s (by %s on the command line)", p.Name, o.User)
			return p, true
		}
	}
	return gate.Actor{Person: release.Person{ID: o.As}}, false
}

// needsSomebody refuses a command that nobody's name is on.
func (d *desk) needsSomebody(ctx context.Context, name string) control.Answer {
	text := fmt.Sprintf("%s is done in somebody's name: whoever asks may not approve, and their role counts. Say whose: towline %s -as ID …\n%s",
		name, name, d.listed(ctx))
	return control.Answer{Text: text, Code: string(release.CodeUsage), Exit: exitUsage}
}

// listed are the people whom -as takes.
func (d *desk) listed(ctx context.Context) string {
	var all []string
	for _, p := range d.people(ctx) {
		all = append(all, fmt.Sprintf("%d is %s, %s", p.ID, p.Name, p.Role))
	}
	return "In the config: " + strings.Join(all, "; ") + "."
}

// Backup implements control.Desk.
func (d *desk) Backup(ctx context.Context, w io.Writer) error {
	return d.store.Backup(ctx, w, d.now())
}

// codeTampered is the reason when the audit log is not as it was written.
const codeTampered = "audit_tampered"

// Verify implements control.Desk.
func (d *desk) Verify(ctx context.Context, q control.AuditQuery) (control.Answer, error) {
	logs, err := d.logs(ctx, q)
	if r, ok := errors.AsType[*control.RefusedError](err); ok {
		return r.Answer, nil
	}
	if err != nil {
		return control.Answer{}, err
	}
	marks, err := marksOf(q.Project, q.Head)
	if err != nil {
		return control.Answer{Text: err.Error(), Code: string(release.CodeUsage), Exit: exitUsage}, nil
	}
	var sound []audit.Verified
	for _, project := range logs {
		head, err := audit.VerifyLog(ctx, d.store.Deploy(), project, marks[project]...)
		if err != nil {
			return verdict(sound, err)
		}
		sound = append(sound, audit.Verified{Project: project, Head: head})
	}
	return verdict(sound, nil)
}

// verdict puts a verification into words.
func verdict(sound []audit.Verified, err error) (control.Answer, error) {
	var b strings.Builder
	for _, l := range sound {
		name := l.Project
		if name == "" {
			name = "the team"
		}
		fmt.Fprintf(&b, "%s: %s, as written. Head %s\n", name, number(int(l.Head.Seq), "entry", "entries"), l.Head) //nolint:gosec // a count
	}
	if err == nil {
		if len(sound) == 0 {
			b.WriteString("The audit log is empty.\n")
		}
		return control.Answer{Text: strings.TrimSpace(b.String())}, nil
	}
	_, chain := errors.AsType[*audit.Error](err)
	_, line := errors.AsType[*audit.LineError](err)
	if !chain && !line {
		return control.Answer{}, err
	}
	fmt.Fprintf(&b, "%v\nSomebody or something other than Towline wrote there. Keep a copy of the store as it is, and compare it with the latest backup.", err)
	return control.Answer{Text: b.String(), Code: codeTampered, Exit: exitRefused}, nil
}

// Export implements control.Desk.
func (d *desk) Export(ctx context.Context, q control.AuditQuery, w io.Writer) error {
	logs, err := d.logs(ctx, q)
	if err != nil {
		return err
	}
	entries := func(yield func(audit.Entry, error) bool) {
		for _, project := range logs {
			for e, err := range audit.Walk(ctx, d.store.Deploy(), project) {
				if !yield(e, err) {
					return
				}
			}
		}
	}
	switch q.Format {
	case "", "jsonl":
		return audit.WriteJSONL(w, entries)
	case "csv":
		return audit.WriteCSV(w, entries)
	}
	return refusedLine(exitUsage, string(release.CodeUsage), fmt.Sprintf("-format is jsonl or csv, and not %q", q.Format))
}

// logs are those that a query is about.
func (d *desk) logs(ctx context.Context, q control.AuditQuery) (logs []string, err error) {
	err = d.store.Deploy().View(ctx, func(tx deploy.Tx) error {
		logs = tx.Logs()
		return nil
	})
	switch {
	case err != nil || q.Project == "":
		return logs, err
	case q.Project == teamLog:
		return []string{""}, nil
	case slices.Contains(logs, q.Project):
		return []string{q.Project}, nil
	}
	text := fmt.Sprintf("no project %s has an audit log here; these have: %s", q.Project, strings.Join(slices.DeleteFunc(logs, func(l string) bool { return l == "" }), ", "))
	return nil, refusedLine(exitRefused, string(release.CodeUnknownProject), text)
}

// teamLog is what -project takes for the team's own log: no project can have this name.
const teamLog = "_team"

func refusedLine(exit int, code, text string) error {
	return &control.RefusedError{Answer: control.Answer{Text: text, Code: code, Exit: exit}}
}
