package handlers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// Cursor remembers how far the projector has come, over restarts.
type Cursor interface {
	Cursor(ctx context.Context, follower string) (seq uint64, err error)
	SetCursor(ctx context.Context, follower string, seq uint64) error
}

// follower is the projector's name with the Cursor.
const follower = "cards"

// batch is how many events are read at once.
const batch = 200

// Project follows the engine's events until ctx ends, and keeps every run's card as the run is. What it wants of the
// outbox it may want twice, which is the same; what it has not wanted yet it wants after the next start.
func (h *Handlers) Project(ctx context.Context, c Cursor) error {
	seq, err := c.Cursor(ctx, follower)
	if err != nil {
		return fmt.Errorf("read the cursor of the cards: %w", err)
	}
	if err := h.renew(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		changed := h.engine.Changed()
		events, err := h.engine.Events(ctx, seq, batch)
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		if len(events) == 0 {
			select {
			case <-ctx.Done():
			case <-changed:
			}
			continue
		}
		if err := h.showAll(ctx, events); err != nil {
			return err
		}
		seq = events[len(events)-1].Seq
		if err := c.SetCursor(ctx, follower, seq); err != nil {
			return fmt.Errorf("store the cursor of the cards: %w", err)
		}
	}
	return nil
}

// renew shows the card of every run that waits for people as it is now, with one fresh set of buttons: whatever happened to
// the message while the bot was away, there is one that can be pressed.
func (h *Handlers) renew(ctx context.Context) error {
	for _, home := range h.team(ctx).Projects {
		for _, env := range []release.Environment{release.Preview, release.Production} {
			state, err := h.engine.State(ctx, home.Project, env)
			if err != nil {
				return fmt.Errorf("look for what waits for people: %w", err)
			}
			ids := []string{state.Request}
			if state.Unresolved && state.Lease != nil {
				ids = append(ids, state.Lease.Run)
			}
			for _, id := range ids {
				if err := h.renewRun(ctx, id); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (h *Handlers) renewRun(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	err := h.show(ctx, id)
	if err == nil {
		err = h.outbox.Renew(ctx, "run/"+id)
	}
	if _, bad := errors.AsType[*bot.FrameError](err); bad || errors.Is(err, bot.ErrNoCard) {
		h.log.ErrorContext(ctx, "a card cannot be renewed", "run", id, "error", err)
		return nil
	}
	return err
}

// showAll shows each run that the events name once, as it is now, and announces what is worth a message of its own.
func (h *Handlers) showAll(ctx context.Context, events []deploy.Event) error {
	shown := map[string]bool{}
	for _, e := range events {
		if err := h.announce(ctx, e); err != nil {
			return fmt.Errorf("tell event %d: %w", e.Seq, err)
		}
		if e.Run == "" || shown[e.Run] {
			continue
		}
		shown[e.Run] = true
		err := h.show(ctx, e.Run)
		if bad, ok := errors.AsType[*bot.FrameError](err); ok {
			// One card that Telegram would refuse must not hold up every other.
			h.log.ErrorContext(ctx, "a card cannot be shown", "run", e.Run, "error", bad)
			continue
		}
		if err != nil {
			return fmt.Errorf("show run %s: %w", e.Run, err)
		}
	}
	return nil
}

// show wants the run's card, and what belongs to it, as the run is now.
func (h *Handlers) show(ctx context.Context, id string) error {
	run, ok, err := h.engine.FindRun(ctx, id)
	if err != nil || !ok {
		return err
	}
	if run.Kind == release.Watch { // which has no card of its own
		return h.show(ctx, run.Watch.Of)
	}
	team := h.team(ctx)
	place, message, ok := parseAddress(run.ReplyTo)
	if !ok {
		place, message = team.home(run.Project), 0
	}
	if place.Chat == 0 {
		return nil // the project has left the config, and nobody asked from a chat
	}
	view, script, err := h.view(ctx, run, team)
	if err != nil {
		return err
	}
	f := frame(cards.Run(view), place, message)
	keep, err := h.keepsButtons(ctx, run)
	if err != nil {
		return err
	}
	if !keep {
		f.Buttons = nil
	}
	f.Repost, f.Left = run.Asked, cards.Left(run)
	f.Final = !run.Phase.Open() && run.Phase != release.Unresolved && (view.Watch == nil || !view.Watch.Phase.Open())
	if run.Phase == release.Unresolved {
		f.Kind = bot.KindApproval // a person has to act, and the alert says so: the card comes first
	}
	if err := h.outbox.Want(ctx, "run/"+run.ID, f); err != nil {
		return err
	}
	if view.Attached {
		if err := h.attach(ctx, run, place, script); err != nil {
			return err
		}
	}
	return h.aside(ctx, view, place, message)
}

// view gathers what a run's card is made of. script is what will run, where the run waits for approval.
func (h *Handlers) view(ctx context.Context, run release.Run, team Team) (v cards.View, script string, err error) {
	v.Run = run
	for _, p := range team.People {
		if p.Role >= gate.Approver && p.ID != run.Requester.ID {
			v.Approvers = append(v.Approvers, p.Person)
		}
	}
	if run.Watched != "" {
		watch, ok, err := h.engine.FindRun(ctx, run.Watched)
		if err != nil {
			return v, "", err
		}
		if ok {
			v.Watch = &watch
		}
	}
	if run.Phase == release.Queued {
		if v.Queued, err = h.ahead(ctx, run); err != nil {
			return v, "", err
		}
	}
	if run.Phase != release.Asking {
		return v, "", nil
	}
	if v.Kept, v.Freezes, err = h.keptFrom(ctx, run); err != nil {
		return v, "", err
	}
	if was := run.WasFrom; was != nil && h.compare != nil && run.Kind == release.Promote {
		v.Compare = h.compare(run.Origin.Web, was.Commit, run.Origin.Commit)
	}
	txs, err := h.engine.Script(ctx, *run.Plan)
	if err != nil {
		// A blob that is damaged must not keep every other card from being shown; the run itself would stop at it too.
		h.log.ErrorContext(ctx, "what a run would send cannot be shown", "run", run.ID, "error", err)
		v.Unreadable = true
		return v, "", nil
	}
	if len(txs) == 0 {
		return v, "", nil
	}
	script = cards.Script(txs)
	if v.Attached = !cards.Inline(script); !v.Attached {
		v.SQL = cards.Excerpt(txs)
	}
	return v, script, nil
}

// ahead says what a queued run waits for.
func (h *Handlers) ahead(ctx context.Context, run release.Run) (string, error) {
	state, err := h.engine.State(ctx, run.Project, run.Environment)
	if err != nil || state.Lease == nil || state.Lease.Run == run.ID {
		return "", err
	}
	other, ok, err := h.engine.FindRun(ctx, state.Lease.Run)
	if err != nil || !ok {
		return "", err
	}
	return cards.Ahead(other), nil
}

// keepsButtons: a card that people must act on has its buttons; of the others only the newest of an environment, and on
// preview only while production is not dealing with that release already.
func (h *Handlers) keepsButtons(ctx context.Context, run release.Run) (bool, error) {
	if run.Phase == release.Asking || run.Phase == release.Unresolved {
		return true, nil
	}
	if run.Kind == release.Backfill {
		return h.fillKeepsButtons(ctx, run)
	}
	state, err := h.engine.State(ctx, run.Project, run.Environment)
	if err != nil || state.Last != run.ID || run.Environment == release.Production {
		return state.Last == run.ID && err == nil, err
	}
	production, err := h.engine.State(ctx, run.Project, release.Production)
	if err != nil {
		return false, err
	}
	if run.Phase != release.Done && run.Phase != release.Unchanged {
		return true, nil // the way out of a refusal
	}
	return production.Live != run.Release && !h.concerns(ctx, production, run.Release), nil
}

// concerns reports whether an environment is asked for, or is getting, that release.
func (h *Handlers) concerns(ctx context.Context, s release.State, number uint64) bool {
	ids := append([]string{s.Request}, s.Queue...)
	if s.Lease != nil {
		ids = append(ids, s.Lease.Run)
	}
	for _, id := range ids {
		if run, ok, err := h.engine.FindRun(ctx, id); err == nil && ok && run.Release == number && run.Kind == release.Promote {
			return true
		}
	}
	return false
}

// attach posts what will run as a document, once for each plan that people are asked about.
func (h *Handlers) attach(ctx context.Context, run release.Run, place bot.Place, script string) error {
	name := fmt.Sprintf("%s-%d-%s.sql", run.Project, run.Release, run.Environment)
	return h.outbox.Want(ctx, "run/"+run.ID+"/sql/"+release.Short(run.Approved), bot.Frame{
		Place: place, Final: true,
		HTML:     fmt.Sprintf(cards.SQLCaption, run.Environment, run.Release),
		Document: &bot.Document{Name: name, Content: []byte(script)},
	})
}

// patience is how long a run may take before its end is worth a sound: whoever asked has looked away by then.
const patience = 15 * time.Second

// aside posts what does not fit on the card: a long error as a document, and a notifying word where a run is in trouble
// and whoever asked may have looked away.
func (h *Handlers) aside(ctx context.Context, v cards.View, place bot.Place, message int) error {
	run := v.Run
	if run.Failure != nil && cards.Long(run.Failure.Words) {
		if err := h.document(ctx, run, place, run.Failure.Words); err != nil {
			return err
		}
	}
	if run.Refusal != nil {
		for _, fact := range []string{"problem", "words"} {
			if words := run.Refusal.Facts[fact]; cards.Long(words) {
				if err := h.document(ctx, run, place, words); err != nil {
					return err
				}
			}
		}
	}
	late := run.EndedAt.Sub(run.RequestedAt) > patience
	trouble := run.Phase == release.Broken || run.Phase == release.Refused
	if run.Phase == release.Unresolved || run.Phase == release.Overtaken && run.Kind != release.Backfill || cards.EndedByAnother(run) != nil || trouble && (late || run.Environment == release.Production) {
		f := frame(cards.Alert(v), place, message)
		f.Final, f.Kind = true, bot.KindAlert // after the card, of which it says that it has the answer
		return h.outbox.Want(ctx, "run/"+run.ID+"/alert/"+string(run.Phase), f)
	}
	return nil
}

func (h *Handlers) document(ctx context.Context, run release.Run, place bot.Place, words string) error {
	return h.outbox.Want(ctx, "run/"+run.ID+"/error", bot.Frame{
		Place: place, Final: true, HTML: cards.ErrorCaption,
		Document: &bot.Document{Name: "error.txt", Content: []byte(words)},
	})
}

// home is where a project is talked about.
func (t Team) home(project string) bot.Place {
	for _, h := range t.Projects {
		if h.Project == project {
			return h.Place
		}
	}
	return bot.Place{}
}
