package cards

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"towline/deploy/release"
)

// View is everything a run's card is made of.
type View struct {
	Run       release.Run
	Approvers []release.Person // who may approve it, without the requester
	Compare   string           // a page that compares the commits, empty where the host has none
	SQL       string           // what will run, where it is short enough to stand on the card
	Attached  bool             // what will run is a document below the card
	// Unreadable: what will run cannot be read any more.
	Unreadable bool
	Watch      *release.Run // of a promote: the run that watches it
	Queued     string       // what runs at the moment, for a run that waits for its turn

	Kept    *release.Refusal // what would refuse a yes now: a hold, somebody's lock, a freeze; nil: nothing
	Freezes time.Time        // when the calendar freezes production, if that is soon
}

// Run is the one living card of a run.
func Run(v View) Card {
	if v.Run.Kind == release.Backfill {
		return backfilling(v)
	}
	if v.Run.Kind == release.Delete && v.Run.Drop != nil {
		return deleting(v)
	}
	var l lines
	l.add(headline(v))
	l.add(subject(v))
	switch v.Run.Phase {
	case release.Asking:
		return withWays(request(v, l), v.Run)
	case release.Done, release.Unchanged:
		return succeeded(v, l)
	case release.Broken, release.Refused, release.Unresolved:
		return trouble(v, l)
	case release.Rejected, release.Expired, release.Overtaken:
		return closed(v, l)
	case release.Cancelled:
		return cancelled(v, l)
	default:
		return under(v, l)
	}
}

// arrow is where the run goes: "shop → preview".
func arrow(r release.Run) string {
	return fmt.Sprintf("<b>%s → %s</b>", name(r.Project), r.Environment)
}

// headline is the verdict, on one line of a phone.
func headline(v View) string {
	mark, words := verdict(v.Run)
	if v.Run.Phase == release.Queued && v.Queued == "" && v.Run.Place <= 1 {
		words = "starting" // nothing is before it
	}
	if w := v.Watch; w != nil && w.Watch != nil && w.Watch.Verdict == release.WatchWorse && v.Run.Phase == release.Done {
		if mark = "🔴"; deserted(*w.Watch) {
			words += ", with hardly any traffic"
		} else {
			words += ", and doing worse"
		}
	}
	return fmt.Sprintf("%s %s · %s", mark, arrow(v.Run), words)
}

func verdict(r release.Run) (mark, words string) {
	switch r.Phase {
	case release.Asking:
		if r.Breaking != nil {
			return "🔓", "break-glass, to be confirmed"
		}
		if n := len(r.Approvers()); r.Required > 1 {
			return "🟡", fmt.Sprintf("waiting for approval, %d of %d", n, r.Required)
		}
		return "🟡", "waiting for approval"
	case release.Queued:
		return "🟡", "waiting for its turn"
	case release.Preparing:
		return "🟡", "preparing"
	case release.Executing:
		return "🟡", doing(r.Kind)
	case release.Done:
		if r.Kind == release.Rollback {
			return "🟢", fmt.Sprintf("went back to #%d", r.Release)
		}
		if r.Kind == release.Baseline {
			return "🟢", "adopted"
		}
		if r.Kind == release.Delete {
			return "🗑", "deleted"
		}
		return "🟢", "live"
	case release.Unchanged:
		return "🟢", "nothing to do"
	case release.Broken:
		if r.Failure != nil && len(r.Failure.Applied) > 0 {
			return "🔴", "failed half way"
		}
		return "🔴", "failed"
	case release.Refused:
		return "⛔", "refused"
	case release.Rejected:
		if withdrawn(r) {
			return "⚪", "withdrawn"
		}
		return "⛔", "rejected"
	case release.Expired:
		return "⚪", "expired"
	case release.Overtaken:
		return "⚪", "superseded"
	case release.Cancelled:
		if r.Failure != nil && len(r.Failure.Applied) > 0 {
			return "🔴", "cancelled half way"
		}
		return "⚪", "cancelled"
	default:
		return "⚠️", "unknown, a person must look"
	}
}

// withdrawn reports whether the no was the requester's own.
func withdrawn(r release.Run) bool {
	return slices.ContainsFunc(r.Votes, func(v release.Vote) bool { return !v.Yes && v.By.ID == r.Requester.ID })
}

func doing(k release.Kind) string {
	switch k {
	case release.Promote:
		return "promoting"
	case release.Rollback:
		return "going back"
	case release.Reset:
		return "rebuilding"
	case release.Backfill:
		return "backfilling"
	case release.Baseline:
		return "adopting"
	case release.Watch:
		return "watching"
	case release.Delete:
		return "deleting"
	default:
		return "deploying"
	}
}

// subject says which release, from where, by whom.
func subject(v View) string {
	r := v.Run
	var l lines
	switch {
	case r.Release == 0:
		l.addf("%s by %s", origin(r.Origin, r.Ref), name(r.Requester.Shown()))
	case r.Kind == release.Rollback:
		l.addf("From <b>#%d</b> to <b>#%d</b>, asked for by %s", r.Was, r.Release, name(r.Requester.Shown()))
	case r.Kind == release.Baseline:
		l.addf("The database is adopted by the files of <b>#%d</b>, asked for by %s · %s", r.Release, name(r.Requester.Shown()), origin(r.Origin, r.Ref))
	case r.Environment == release.Production:
		l.addf("Release <b>#%d</b>, asked for by %s · %s", r.Release, name(r.Requester.Shown()), origin(r.Origin, r.Ref))
	default:
		l.addf("Release <b>#%d</b> by %s · %s", r.Release, name(r.Requester.Shown()), origin(r.Origin, r.Ref))
	}
	if r.Origin.Subject != "" && r.Kind != release.Rollback && r.Kind != release.Baseline {
		l.addf("“%s” %s", name(r.Origin.Subject), author(r.Origin))
	}
	return strings.TrimSpace(l.String())
}

func author(o release.Origin) string {
	if o.Author == "" {
		return ""
	}
	return "by " + name(o.Author)
}

func origin(o release.Origin, asked string) string {
	ref := o.Ref
	if ref == "" {
		ref = asked
	}
	var parts []string
	if ref != "" {
		parts = append(parts, code(ref))
	}
	if o.Commit != "" {
		parts = append(parts, code(o.Commit[:min(7, len(o.Commit))]))
	}
	if o.Dirty {
		parts = append(parts, "with uncommitted changes")
	}
	if len(parts) == 0 {
		return "the folder as it is"
	}
	return strings.Join(parts, " ")
}

// under is a run that waits for its turn or is at work.
func under(v View, l lines) Card {
	r := v.Run
	if r.Phase == release.Queued {
		l.gap()
		if r.Place > 1 {
			l.addf("Place %d in the queue.", r.Place)
		}
		if v.Queued != "" {
			l.addf("Now running: %s", v.Queued)
		}
		return Card{HTML: l.String(), Buttons: [][]Button{cancelButton(r)}}
	}
	work(&l, r)
	if r.Breaking != nil {
		breaking(&l, r)
	}
	l.gap()
	steps(&l, r)
	if c := r.Cancel; c != nil {
		l.addf("✋ %s asked to stop it; it stops before its next step.", name(c.By.Shown()))
		return Card{HTML: l.String()}
	}
	return Card{HTML: l.String(), Buttons: [][]Button{cancelButton(r)}}
}

// work says what the plan does.
func work(l *lines, r release.Run) {
	if r.Plan == nil {
		return
	}
	if r.Kind == release.Baseline {
		records(l, r)
		return
	}
	p := *r.Plan
	l.gap()
	if p.Reset {
		l.add("Preview is emptied and rebuilt from production's schema, ledger and seed first.")
	}
	if p.Target.ID == "" {
		l.addf("Creates the database %s", code(p.Target.Database))
	}
	if p.Back != nil {
		return
	}
	toBackfill(l, p)
	if len(p.Pending) == 0 {
		l.add("No migrations to run.")
		return
	}
	l.add(size(p))
	var names []string
	for _, m := range p.Pending {
		names = append(names, m.Name)
	}
	byName := map[string]release.Pending{}
	for _, m := range p.Pending {
		byName[m.Name] = m
	}
	l.spare(listed(names, 8, func(n string) string { return code(n) + does(byName[n].Statements) })...)
}

// size is the work in figures: "2 migrations · 5 statements · one transaction".
func size(p release.Plan) string {
	parts := []string{count(len(p.Pending), "migration"), count(p.Statements, "statement")}
	if p.Transactions > 1 {
		parts = append(parts, fmt.Sprintf("⚠️ <b>%d transactions</b>, not one", p.Transactions))
	} else {
		parts = append(parts, "one transaction")
	}
	return strings.Join(parts, " · ")
}

// does sums up a file's statements.
func does(statements []string) string {
	if len(statements) == 0 {
		return " (no statements)"
	}
	s := " " + name(statements[0])
	if more := len(statements) - 1; more > 0 {
		s += fmt.Sprintf(" +%d", more)
	}
	return s
}

// steps shows how far the run has come.
func steps(l *lines, r release.Run) {
	if r.Phase == release.Preparing && len(r.Steps) == 0 {
		l.add("⏳ checking once more")
	}
	for i := 0; i < len(r.Steps); {
		same := sameName(r.Steps[i:])
		if same <= manySteps {
			l.add(step(r.Steps[i], r))
			i++
			continue
		}
		l.add(together(r.Steps[i:i+same], r))
		i += same
	}
	if r.Phase == release.Preparing && len(r.Steps) > 0 && r.Steps[len(r.Steps)-1].State == release.StepDone {
		l.add("⏳ planning and rehearsing")
	}
}

// manySteps of one name are told as one line.
const manySteps = 4

func sameName(list []release.Step) int {
	n := 1
	for n < len(list) && list[n].Name == list[0].Name {
		n++
	}
	return n
}

// together tells many transactions by the one that the run has come to.
func together(list []release.Step, r release.Run) string {
	for i, s := range list {
		if s.State != release.StepDone {
			return step(list[max(0, i-btoi(s.State == release.StepPlanned))], r)
		}
	}
	return step(list[len(list)-1], r)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// step says what has been done, what is being done, or what failed: a word for each mark.
func step(s release.Step, r release.Run) string {
	doing, done := stepNames(s.Name)
	if r.Kind == release.Baseline && s.Name == release.StepApply {
		doing, done = "writing the ledger", "ledger written"
	}
	part := ""
	if n := transactions(s, r); n > 1 {
		part = fmt.Sprintf(", %d of %d", s.Index+1-btoi(r.Plan.Reset), n)
	}
	switch s.State {
	case release.StepIntent:
		return "⏳ " + doing + part
	case release.StepFailed:
		return "❌ failed: " + doing + part
	case release.StepUnknown:
		return "⚠️ unknown: " + doing + part
	case release.StepPlanned:
		return "▫️ to do: " + doing + part
	}
	text := "✅ " + done + part
	if !s.Ended.IsZero() && s.Ended.Sub(s.Begun) >= 100*time.Millisecond {
		text += " · " + took(s.Ended.Sub(s.Begun))
	}
	if s.Found {
		text += "\nℹ️ its reply was lost; Cloudflare was asked, and it had happened"
	}
	return text
}

// transactions is of how many parts a step is one.
func transactions(s release.Step, r release.Run) int {
	if r.Plan == nil || s.Name != release.StepApply && s.Name != release.StepUndo {
		return 1
	}
	return r.Plan.Transactions
}

func stepNames(step string) (doing, done string) {
	switch step {
	case release.StepFetch:
		return "reading the source", "source read"
	case release.StepProvision:
		return "creating the database", "database created"
	case release.StepPoint:
		return "taking a restore point", "restore point taken, read back"
	case release.StepBackup:
		return "taking a backup and restoring it here", "backup taken, restored here to prove it"
	case release.StepReset:
		return "rebuilding preview", "preview rebuilt"
	case release.StepBackfill:
		return "going through its windows", "gone through its windows"
	case release.StepApply:
		return "applying migrations and ledger", "migrations and ledger applied"
	case release.StepUndo:
		return "applying DOWN files and ledger", "DOWN files and ledger applied"
	case release.StepRestore:
		return "restoring the database", "database restored"
	case release.StepDelete:
		return "deleting the database", "database deleted"
	case release.StepVerify:
		return "reading the result back", "result read back, as planned"
	default:
		return name(step), name(step)
	}
}

// Ahead says, in a few words, what another run waits for.
func Ahead(r release.Run) string {
	if r.Drop != nil && r.Kind == release.Delete {
		return fmt.Sprintf("%s %s, asked for by %s", doing(r.Kind), name(r.Drop.Database), name(r.Requester.Shown()))
	}
	return fmt.Sprintf("%s #%d, asked for by %s", doing(r.Kind), r.Release, name(r.Requester.Shown()))
}

// Left is what an older copy of a run's card says when the run was asked about again.
func Left(r release.Run) string {
	return fmt.Sprintf("⚪ %s · asked again, see the newer message", arrow(r))
}
