package handlers

import (
	"context"
	"strings"
	"time"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func lockCommand() command {
	return keepCommand(cards.Help{
		Name: "lock", Args: "[project] [env] [for 2h] reason", Does: "Keep production, or preview, for yourself for a while",
		Examples: []string{"/lock checking the import", "/lock shop preview for 90m trying the new totals"},
	}, true, func(ctx context.Context, h *Handlers, a ask, project string, k keeping) (cards.Card, error) {
		lock, err := h.engine.LockFor(ctx, a.request(project), k.env, k.span, k.reason)
		return cards.Locked(project, k.env, lock), err
	})
}

func unlockCommand() command {
	help := cards.Help{
		Name: "unlock", Args: "[project] [env]", Does: "Give a locked environment back", Role: gate.Deployer.String(),
		Examples: []string{"/unlock", "/unlock shop preview"},
	}
	return command{
		help: help, needs: gate.Deployer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, rest, pick, err := a.project(cards.Unlock, "unlock")
			if err != nil || pick != nil {
				return pick, err
			}
			env := release.Production
			if len(rest) > 0 {
				var ok bool
				if env, ok = environment(rest[0]); !ok || len(rest) > 1 {
					return nil, release.Refuse(release.CodeUsage, "usage", help.Usage()) // a mistyped environment is not production
				}
			}
			was, err := h.engine.Unlock(ctx, a.request(project), env)
			if err != nil {
				return nil, err
			}
			card := cards.Unlocked(project, env, was, a.by.Person)
			return &card, nil
		},
	}
}

// lockPress does what a button about a lock means: give it back, take it over, keep it for longer. The button is about one
// very lock; where that has ended, and another came, it is stale.
func (h *Handlers) lockPress(ctx context.Context, a ask, p bot.Press, action cards.Action) (string, error) {
	project, env := action.Arg(0), release.Production
	if word := action.Arg(1); word != "" {
		var ok bool
		if env, ok = environment(word); !ok {
			return "", release.Refuse(release.CodeUsage, "usage", unlockCommand().help.Usage())
		}
	}
	state, err := h.engine.State(ctx, project, env)
	if err != nil {
		return "", err
	}
	now := h.now()
	taken := action.Verb == cards.TakeOver && state.Lock.Active(now) && state.Lock.By.ID == a.by.ID // the same press, handled again
	if since := action.Arg(2); since != "" && state.Lock.Active(now) && cards.KeepStamp(*state.Lock) != since && !taken {
		return "", release.Refuse(release.CodeStaleButton)
	}
	var card cards.Card
	var toast string
	request := a.request(project)
	switch action.Verb {
	case cards.Unlock:
		var was release.Lock
		was, err = h.engine.Unlock(ctx, request, env)
		card, toast = cards.Unlocked(project, env, was, a.by.Person), cards.GivenBack
	case cards.TakeOver:
		var lock release.Lock
		lock, err = h.engine.TakeOver(ctx, request, env)
		card, toast = cards.TakenOver(project, env, lock), cards.NowYours
	default:
		if !state.Lock.Active(now) {
			return "", release.Refuse(release.CodeNoLock, "environment", string(env))
		}
		span := min(state.Lock.Until.Sub(now)+deploy.LockDefault, deploy.LockMost).Round(time.Second)
		var lock release.Lock
		lock, err = h.engine.LockFor(ctx, request, env, span, state.Lock.Reason)
		card, toast = cards.Locked(project, env, lock), cards.Prolonged
	}
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(p.Card, replies) || strings.HasPrefix(p.Card, news) {
		return toast, h.replace(ctx, p, card)
	}
	return toast, nil // a run's card, which the projector keeps
}
