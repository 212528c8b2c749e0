package handlers

import (
	"context"
	"strings"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func backfillCommand() command {
	help := cards.Help{
		Name: "backfill", Args: "[project] [pause|resume|stop] [env]", Does: "How a backfill stands; pause, resume or stop it", Role: gate.Viewer.String(),
		Examples: []string{"/backfill", "/backfill shop pause", "/backfill shop resume production"},
	}
	return command{
		help: help, needs: gate.Viewer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, rest, pick, err := a.project(cards.Backfills, "backfill")
			if err != nil || pick != nil {
				return pick, err
			}
			verb, env, ok := backfillWords(rest)
			if !ok {
				return nil, release.Refuse(release.CodeUsage, "usage", help.Usage())
			}
			all, err := h.engine.Backfills(ctx, project)
			if err != nil {
				return nil, err
			}
			if verb == "" {
				card := cards.Backfilled(project, all)
				return &card, nil
			}
			return h.backfill(ctx, a, project, verb, among(all, env))
		},
	}
}

// backfillWords reads what stands behind the project: a verb, and an environment where there may be two.
func backfillWords(rest []string) (verb cards.Verb, env release.Environment, ok bool) {
	if len(rest) == 0 {
		return "", "", true
	}
	switch strings.ToLower(rest[0]) {
	case "pause":
		verb = cards.Pause
	case "resume":
		verb = cards.Resume
	case "stop":
		verb = cards.Stop
	default:
		return "", "", false
	}
	if len(rest) == 1 {
		return verb, "", true
	}
	env, ok = environment(rest[1])
	return verb, env, ok && len(rest) == 2
}

// among are the backfills of an environment; empty: of both.
func among(all []deploy.BackfillStatus, env release.Environment) []deploy.BackfillStatus {
	var out []deploy.BackfillStatus
	for _, b := range all {
		if env == "" || b.Environment == env {
			out = append(out, b)
		}
	}
	return out
}

// backfill carries an order out on the one backfill that is meant, or asks which.
func (h *Handlers) backfill(ctx context.Context, a ask, project string, verb cards.Verb, meant []deploy.BackfillStatus) (*cards.Card, error) {
	var card cards.Card
	switch len(meant) {
	case 0:
		return nil, release.Refuse(release.CodeNoBackfill, "project", project)
	case 1:
		run, err := h.orderBackfill(ctx, a, project, verb, meant[0].Run.ID)
		if err != nil {
			return nil, err
		}
		card = cards.BackfillOrdered(run, verb)
	default:
		card = cards.WhichBackfill(project, verb, meant)
	}
	return &card, nil
}

func (h *Handlers) orderBackfill(ctx context.Context, a ask, project string, verb cards.Verb, id string) (release.Run, error) {
	switch verb {
	case cards.Pause:
		return h.engine.PauseBackfill(ctx, a.request(project), id)
	case cards.Stop:
		return h.engine.StopBackfill(ctx, a.request(project), id)
	default:
		return h.engine.ResumeBackfill(ctx, a.request(project), id)
	}
}

// backfillPress does what a button about a backfill means. An answer of the bot's is shown again; a run's card is the projector's.
func (h *Handlers) backfillPress(ctx context.Context, a ask, p bot.Press, action cards.Action) (string, error) {
	project, id := action.Arg(0), action.Arg(1)
	if err := h.belongs(ctx, a, id); err != nil {
		return "", err
	}
	run, err := h.orderBackfill(ctx, a, project, action.Verb, id)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(p.Card, replies) {
		err = h.replace(ctx, p, cards.BackfillOrdered(run, action.Verb))
	}
	return cards.BackfillToast(action.Verb), err
}

// fillKeepsButtons: a backfill that can go on has its buttons, whichever run is the newest.
func (h *Handlers) fillKeepsButtons(ctx context.Context, run release.Run) (bool, error) {
	if run.Phase.Open() {
		return true, nil
	}
	state, err := h.engine.State(ctx, run.Project, run.Environment)
	return err == nil && state.Backfill != nil && state.Backfill.Run == run.ID && state.Backfill.Stopped, err
}
