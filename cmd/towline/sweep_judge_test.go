package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"towline/bot"
	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/release"
	"towline/sandbox/telegram"
	"towline/store"
)

// outcome is what a journey must have come to, wherever it was disturbed.
type outcome struct {
	env     release.Environment
	release uint64
	ledger  []string
	count   string // what the migrations counted: each shows how often it was carried out
	hold    bool
	words   []string // of the card of the last run
}

// judge looks at everything once the journey is over and all is quiet.
func (w *scene) judge() {
	w.until("quiet", w.settled)
	time.Sleep(2 * time.Minute) // whatever is still on its way arrives
	w.until("quiet again", w.settled)
	for _, want := range w.plan.ends {
		w.database(want)
		w.records(want)
	}
	runs := w.runs()
	for _, run := range runs {
		if run.Kind == release.Watch {
			w.watched(run)
			continue
		}
		w.card(run)
		w.audit(run)
	}
	if _, ok := w.find(sees(w.plan.ends[len(w.plan.ends)-1].words...)); !ok {
		w.problem("no card says %q\n%s", w.plan.ends[len(w.plan.ends)-1].words, w.chat())
	}
	w.logged()
	w.strays()
	if n := w.sent("/restore", true); n != w.plan.restores {
		w.problem("%d restores were carried out, want %d", n, w.plan.restores)
	}
	for _, v := range w.tg.Violations() {
		w.problem("Telegram would have refused: %s", v)
	}
}

// database is the truth: the ledger and the data.
func (w *scene) database(want outcome) {
	name := map[release.Environment]string{release.Preview: "shop-preview", release.Production: "shop"}[want.env]
	ledger, err := w.query(name, "SELECT name FROM d1_migrations ORDER BY id")
	if err != nil || !slices.Equal(ledger, want.ledger) {
		w.problem("%s: the ledger holds %q, want %q (%v)", name, ledger, want.ledger, err)
	}
	count, err := w.query(name, "SELECT sum(n) FROM count")
	if err != nil || len(count) != 1 || count[0] != want.count {
		w.problem("%s: the count is %q, want %s (%v)", name, count, want.count, err)
	}
}

// records are what the store says of an environment.
func (w *scene) records(want outcome) {
	err := w.store.Deploy().View(context.Background(), func(tx deploy.Tx) error {
		s := tx.State("shop", want.env)
		if s.Live != want.release || s.Lease != nil || s.Unresolved || len(s.Queue) > 0 || s.Request != "" || (s.Hold != nil) != want.hold {
			w.problem("%s: the state is %+v", want.env, s)
		}
		if history := tx.Changes("shop", want.env, 0, 100); len(history) == 0 || history[0].Release != want.release || !slices.Equal(history[0].Ledger, want.ledger) {
			w.problem("%s: the history begins with %+v", want.env, history[:min(1, len(history))])
		}
		if standing := tx.Standing("shop", want.env, want.release); standing != release.Live {
			w.problem("%s: #%d is %q", want.env, want.release, standing)
		}
		if open := tx.Open(); len(open) > 0 {
			w.problem("open runs: %q", open)
		}
		return nil
	})
	if err != nil {
		w.problem("the store cannot be read: %v", err)
	}
}

// runs are all that there were, in their order.
func (w *scene) runs() []release.Run {
	var out []release.Run
	seen := map[string]bool{}
	err := w.store.Deploy().View(context.Background(), func(tx deploy.Tx) error {
		for _, e := range tx.Events(0, 100_000) {
			if run, ok := tx.Run(e.Run); ok && !seen[e.Run] {
				seen[e.Run] = true
				out = append(out, run)
			}
		}
		return nil
	})
	if err != nil {
		w.problem("the store cannot be read: %v", err)
	}
	return out
}

// headline is what the card of a run must say in its first line, by the run's record. It is kept apart from package cards on
// purpose.
func headline(run release.Run) string {
	words := map[release.Phase]string{
		release.Done: "live", release.Unchanged: "nothing to do", release.Broken: "failed", release.Refused: "refused", release.Rejected: "rejected",
		release.Overtaken: "superseded", release.Cancelled: "cancelled", release.Expired: "expired",
		release.Asking: "waiting for approval", release.Unresolved: "unknown",
	}[run.Phase]
	if run.Phase == release.Done && run.Kind == release.Rollback {
		words = fmt.Sprintf("went back to #%d", run.Release)
	}
	return fmt.Sprintf("shop → %s · %s", run.Environment, words)
}

// card compares what Telegram shows of a run with the run.
func (w *scene) card(run release.Run) {
	c, found, err := w.store.Bot().Card(context.Background(), "run/"+run.ID)
	if err != nil || !found {
		w.problem("run %s has no card: %v", run.ID, err)
		return
	}
	m, ok := w.tg.Message(c.Chat, c.Message)
	first, _, _ := strings.Cut(m.Text, "\n")
	switch {
	case !ok || m.Deleted:
		w.problem("the card of run %s is not in the chat", run.ID)
	case !strings.Contains(first, headline(run)):
		w.problem("the card of a run that is %s says %q", run.Phase, first)
	case run.Release != 0 && !strings.Contains(m.Text, fmt.Sprintf("#%d", run.Release)):
		w.problem("the card does not name #%d: %q", run.Release, m.Text)
	}
	var want, have []string
	for _, row := range c.Wanted.Buttons {
		for _, b := range row {
			want = append(want, b.Text)
		}
	}
	for _, b := range slices.Concat(m.Buttons...) {
		have = append(have, b.Text)
	}
	if !slices.Equal(want, have) {
		w.problem("the card of a run that is %s has the buttons %q, want %q", run.Phase, have, want)
	}
}

// watched holds a watch against the promote that it belongs to: it is over, told on the promote's card and nowhere else, and logged once.
func (w *scene) watched(run release.Run) {
	var promote release.Run
	got := map[string]int{}
	err := w.store.Deploy().View(context.Background(), func(tx deploy.Tx) error {
		promote, _ = tx.Run(run.Watch.Of)
		return nil
	})
	for e, wrong := range audit.Walk(context.Background(), w.store.Deploy(), "shop") {
		if err = errors.Join(err, wrong); wrong == nil && e.Run == run.ID {
			got[e.What]++
		}
	}
	if err != nil {
		w.problem("the store cannot be read: %v", err)
	}
	end := map[release.Phase]string{release.Done: "watched", release.Overtaken: "watch superseded"}[run.Phase]
	if promote.Watched != run.ID || end == "" || got["watch"] != 1 || got[end] != 1 || len(got) != 2 {
		w.problem("the watch of a promote that is watched by %q is %s, and in the log as %v", promote.Watched, run.Phase, got)
	}
	words := "too little traffic"
	if run.Phase == release.Overtaken {
		words = "The watch ended early"
	} else if run.Watch.Verdict == release.WatchUnseen && !w.healthy {
		words = "could not be watched"
	}
	c, found, err := w.store.Bot().Card(context.Background(), "run/"+promote.ID)
	m, ok := w.tg.Message(c.Chat, c.Message)
	if err != nil || !found || !ok || !strings.Contains(m.Text, words) {
		w.problem("the card of a promote whose watch is %s %s says %q (%v)", run.Phase, run.Watch.Verdict, m.Text, err)
	}
	if _, found, err := w.store.Bot().Card(context.Background(), "run/"+run.ID); found || err != nil {
		w.problem("the watch has a card of its own (%v)", err)
	}
}

// audit holds the log of a run against the run: everything once.
func (w *scene) audit(run release.Run) {
	got := map[string][]string{}
	for e, err := range audit.Walk(context.Background(), w.store.Deploy(), "shop") {
		if err != nil {
			w.problem("the audit log cannot be read: %v", err)
			return
		}
		if e.Run == run.ID {
			got[e.What] = append(got[e.What], strings.TrimSuffix(e.Detail, ", found"))
		}
		if e.Run == run.ID && e.What == "approved" {
			got["by"] = append(got["by"], fmt.Sprint(e.Who.ID, " ", e.Digest))
		}
	}
	wants := func(what string, n int) {
		if len(got[what]) != n {
			w.problem("the log of the run that is %s has %d entries %q, want %d", run.Phase, len(got[what]), what, n)
		}
	}
	wants("requested", 1)
	yes := 0
	for _, v := range run.Votes {
		if v.Yes {
			yes++
		}
	}
	wants("approved", yes)
	if once := slices.Compact(slices.Sorted(slices.Values(got["by"]))); len(once) != yes {
		w.problem("of %d votes %d are of different people", yes, len(once))
	}
	if run.Phase != release.Done {
		return
	}
	var steps []string
	for _, s := range run.Steps {
		if s.Name != release.StepFetch {
			steps = append(steps, s.Name)
		}
	}
	if looked := len(got["looked again"]); !slices.Equal(got["intent"], steps) || !slices.Equal(got["step"], steps) || len(got["ended"]) != 1+looked {
		w.problem("the log has the intents %q and the results %q of the steps %q, and %d ends", got["intent"], got["step"], steps, len(got["ended"]))
	}
	wants("started", max(1, len(got["plan changed"])+1))
	wants("running", 1)
}

// logged proves the audit log, and looks in it for everything that was said.
func (w *scene) logged() {
	ctx := context.Background()
	for _, project := range []string{"shop", ""} {
		if _, err := audit.VerifyLog(ctx, w.store.Deploy(), project); err != nil {
			w.problem("%v", err)
		}
	}
	heard, uncounted := map[string]int{}, 0
	for e, err := range audit.Walk(ctx, w.store.Deploy(), "shop") {
		if err == nil && e.What == "refused" && e.Run != "" && e.Detail == string(release.CodeFactsMissing) {
			uncounted++
		}
		if err == nil && e.What == "command" {
			heard[e.Detail]++
		}
	}
	for _, m := range w.bots() {
		if strings.Contains(m.Text, "did not count") {
			uncounted--
		}
	}
	if uncounted != 0 {
		w.problem("%d votes more were dropped than people were told of", uncounted)
	}
	said := map[string]int{}
	for _, m := range w.tg.Messages(teamChat) {
		if !m.FromBot && strings.HasPrefix(m.Text, "/") {
			said[m.Text]++
		}
	}
	for text, n := range said {
		if heard[text] != n {
			w.problem("%q was said %d times and is in the audit log %d times", text, n, heard[text])
		}
	}
}

// strays are copies of messages whose sending was in doubt. There may be one for each time that the doubt arose, and whatever
// it still shows, it moves nothing: a press on it takes its buttons away.
func (w *scene) strays() {
	ctx := context.Background()
	for _, m := range w.bots() {
		_, known, err := w.store.Bot().CardByMessage(ctx, bot.MessageRef{Chat: teamChat, Message: m.ID})
		if err != nil {
			w.problem("the store cannot be read: %v", err)
		}
		if known || len(m.Buttons) == 0 {
			continue
		}
		w.doubles++
		w.pressStray(m)
	}
	w.until("quiet after the strays", w.settled)
	if w.healthy && w.plan.restores == 0 && w.repeats > 0 && (!w.twice || w.repeats > 1) {
		w.problem("people had to do %d things again", w.repeats)
	}
	if w.healthy && w.doubles > w.lives-1 {
		w.problem("%d messages stand there twice after %d deaths", w.doubles, w.lives-1)
	}
}

func (w *scene) pressStray(m telegram.Message) {
	before := len(w.runs())
	for _, b := range slices.Concat(m.Buttons...) {
		if b.Data == "" {
			continue
		}
		toast := w.pressed(demoApprover, m, b)
		if !refusedToast(toast) {
			w.problem("a press on a copy that does not count is answered %q", toast)
		}
		w.until("quiet after the press", w.settled)
		if now, _ := w.tg.Message(teamChat, m.ID); len(now.Buttons) > 0 {
			w.problem("a copy that does not count keeps its buttons: %q", now.Text)
		}
		break
	}
	if after := len(w.runs()); after != before {
		w.problem("a press on a copy that does not count began a run")
	}
}

// honest holds a run that did not come to its end against the database: what its card says was done is there, and no more.
func (w *scene) honest() {
	runs := w.runs()
	i := slices.IndexFunc(runs, func(r release.Run) bool { return r.Phase == release.Broken && r.Plan != nil })
	if i < 0 || runs[len(runs)-1].Phase != release.Broken {
		return
	}
	run := runs[len(runs)-1]
	if run.Plan.Target.ID == "" {
		return // there is no database yet
	}
	want := slices.Concat(run.Plan.Applied, run.Failure.Applied)
	if run.Failure.Step == release.StepVerify {
		want = run.Plan.After()
	}
	name := map[release.Environment]string{release.Preview: "shop-preview", release.Production: "shop"}[run.Environment]
	got, err := w.query(name, "SELECT name FROM d1_migrations ORDER BY id")
	if err != nil && len(want) == 0 {
		return // a database without a ledger
	}
	if err != nil || !slices.Equal(got, want) {
		w.problem("the card says that %q is there, and the ledger holds %q (%v)", want, got, err)
	}
}

// backup proves what is on disk: a copy of it passes every check that a restore makes.
func (w *scene) backup() {
	path := filepath.Join(w.dir, "backup.towline")
	f, err := os.Create(path)
	if err != nil {
		w.t.Fatal(err)
	}
	err = errors.Join(w.store.Backup(context.Background(), f, time.Now()), f.Close())
	if err == nil {
		_, err = store.CheckBackup(context.Background(), path, nil)
	}
	if err != nil {
		w.problem("a backup: %v", err)
	}
}
