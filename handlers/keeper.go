package handlers

import (
	"context"
	"errors"
	"fmt"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
)

// news is how the keys of messages begin that tell of one event.
const news = "event/"

// announce posts what an event is worth a message of its own for: somebody must act, or somebody else acted on what was
// theirs. The key makes it one message however often the event is read.
func (h *Handlers) announce(ctx context.Context, e deploy.Event) error {
	team := h.team(ctx)
	place, replyTo := team.home(e.Project), 0
	var card *cards.Card
	var err error
	switch e.Kind {
	case deploy.RunTurn, deploy.RunStuck, deploy.GlassBroken, deploy.WatchAlarm:
		var run release.Run
		if run, card, err = h.ofRun(ctx, e); err == nil && (e.Kind == deploy.RunTurn || e.Kind == deploy.WatchAlarm) {
			if asked, message, ok := parseAddress(run.ReplyTo); ok {
				place, replyTo = asked, message // where its card is
			}
		}
	case deploy.DriftFound, deploy.DrillEnded:
		card, err = h.ofProduction(ctx, e)
		if asked, message, ok := parseAddress(e.From); ok {
			place, replyTo = asked, message
		}
	default:
		card, err = h.ofKeep(ctx, e)
	}
	if err != nil || card == nil || place.Chat == 0 {
		return err
	}
	f := frame(*card, place, replyTo)
	f.Final, f.Kind = true, bot.KindAlert
	err = h.outbox.Want(ctx, fmt.Sprint(news, e.Seq), f)
	if bad, ok := errors.AsType[*bot.FrameError](err); ok {
		h.log.ErrorContext(ctx, "an event cannot be told", "event", e.Seq, "kind", e.Kind, "error", bad)
		return nil
	}
	return err
}

// ofRun tells that a run has its turn, or that gates were skipped for it.
func (h *Handlers) ofRun(ctx context.Context, e deploy.Event) (release.Run, *cards.Card, error) {
	run, ok, err := h.engine.FindRun(ctx, e.Run)
	if err != nil || !ok {
		return run, nil, err
	}
	var card cards.Card
	switch {
	case e.Kind == deploy.RunTurn:
		card = cards.YourTurn(run)
	case e.Kind == deploy.RunStuck && run.Phase == release.Paused:
		card = cards.BackfillStuck(run)
	case e.Kind == deploy.WatchAlarm:
		state, err := h.engine.State(ctx, run.Project, run.Environment)
		if err != nil || run.Watch == nil {
			return run, nil, err
		}
		card = cards.WatchAlarm(run, state.LiveRun == run.Watch.Of)
	case run.Breaking != nil:
		card = cards.GlassBroken(run)
	default:
		return run, nil, nil
	}
	return run, &card, nil
}

// ofKeep tells what became of a lock, a hold or a freeze. A reminder that comes late, of what is gone by now, is left out.
func (h *Handlers) ofKeep(ctx context.Context, e deploy.Event) (*cards.Card, error) {
	var card cards.Card
	switch e.Kind {
	case deploy.LockTaken:
		card = cards.LockTaken(e)
	case deploy.LockLifted:
		card = cards.LockLifted(e)
	case deploy.LockExpired:
		card = cards.LockOver(e)
	case deploy.FreezeExpired:
		card = cards.FreezeOver(e, h.calendar(e.Project))
	case deploy.LockReminder, deploy.HoldReminder, deploy.LockChanged, deploy.HoldChanged, deploy.FreezeChanged:
		state, err := h.engine.State(ctx, e.Project, e.Environment)
		if err != nil {
			return nil, err
		}
		if e.Kind != deploy.LockReminder && e.Kind != deploy.HoldReminder {
			return h.changed(e, state), nil
		}
		return h.reminder(e, state), nil
	default:
		return nil, nil
	}
	return &card, nil
}

// reminder asks the owner of a lock or a hold whether it is still wanted, if it is still theirs.
func (h *Handlers) reminder(e deploy.Event, state release.State) *cards.Card {
	var card cards.Card
	switch {
	case e.Kind == deploy.LockReminder && state.Lock.Active(h.now()) && state.Lock.By.ID == e.To.ID:
		card = cards.StillLocked(e.Project, e.Environment, *state.Lock)
	case e.Kind == deploy.HoldReminder && state.Hold != nil && state.Hold.By.ID == e.To.ID:
		card = cards.StillHeld(e.Project, e.Environment, *state.Hold)
	default:
		return nil
	}
	return &card
}

// changed tells the chat what was done on the command line. What was done in the chat was answered there, and what a
// rollback leaves behind stands on its card. A change that was undone before it could be told is left out: the event that
// undid it tells how things stand.
func (h *Handlers) changed(e deploy.Event, state release.State) *cards.Card {
	if e.From != "" || e.Run != "" {
		return nil
	}
	on := state.Freeze.Active(h.now())
	switch e.Kind {
	case deploy.HoldChanged:
		on = state.Hold != nil
	case deploy.LockChanged:
		on = state.Lock.Active(h.now())
	}
	if on == e.Over {
		return nil
	}
	var card cards.Card
	switch {
	case e.Kind == deploy.HoldChanged && on:
		card = cards.Held(e.Project, e.Environment, state.Hold.Reason, state.Hold.By)
	case e.Kind == deploy.HoldChanged:
		card = cards.Unheld(e.Project, e.Environment, e.Text, e.By)
	case e.Kind == deploy.LockChanged && on:
		card = cards.Locked(e.Project, e.Environment, *state.Lock)
	case e.Kind == deploy.LockChanged:
		card = cards.Unlocked(e.Project, e.Environment, release.Lock{By: e.By, Reason: e.Text}, e.By)
	case on:
		card = cards.FrozenNow(e.Project, *state.Freeze)
	default:
		card = cards.Unfrozen(e.Project, e.By, h.calendar(e.Project))
	}
	return &card
}
