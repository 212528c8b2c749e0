package handlers

import (
	"context"
	"strings"
	"time"

	"towline/cards"
	"towline/deploy/freeze"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func freezeCommand() command {
	help := cards.Help{
		Name: "freeze", Args: "[project] [now for 4h reason | off]", Does: "When production does not change; an approver can freeze it", Role: gate.Viewer.String(),
		Examples: []string{"/freeze", "/freeze now for 4h launch", "/freeze shop off"},
	}
	return command{
		help: help, needs: gate.Viewer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			if here := a.projects(); len(here) > 1 && len(a.args) > 0 && !contains(here, a.args[0]) {
				return nil, release.Refuse(release.CodeUsage, "usage", help.Usage()).Listing(here...) // buttons would lose the words
			}
			project, rest, pick, err := a.project(cards.Freeze, "freeze")
			if err != nil || pick != nil {
				return pick, err
			}
			switch {
			case len(rest) == 0:
				return h.freezing(ctx, project)
			case strings.EqualFold(rest[0], "off") && len(rest) == 1:
				return h.unfreeze(ctx, a, project)
			case strings.EqualFold(rest[0], "now"):
				return h.freezeNow(ctx, a, project, rest[1:])
			}
			return nil, release.Refuse(release.CodeUsage, "usage", help.Usage())
		},
	}
}

// freezing shows what keeps production from changing by the clock.
func (h *Handlers) freezing(ctx context.Context, project string) (*cards.Card, error) {
	state, err := h.engine.State(ctx, project, release.Production)
	if err != nil {
		return nil, err
	}
	now := h.now()
	f := cards.Freezing{Project: project}
	if state.Freeze.Active(now) {
		f.Manual = state.Freeze
	}
	if p, ok := h.engine.Project(project); ok {
		f.Calendar = p.Freeze.At(now)
		f.Next, f.NextWhy, _ = p.Freeze.Next(now)
	}
	card := cards.FreezeOf(f)
	return &card, nil
}

func (h *Handlers) freezeNow(ctx context.Context, a ask, project string, words []string) (*cards.Card, error) {
	d, n := forSpan(words)
	why := words[n:]
	if n == 0 {
		d = lastSpan(words)
	}
	f, err := h.engine.FreezeNow(ctx, a.request(project), d, reason(strings.Join(why, " ")))
	if err != nil {
		return nil, err
	}
	card := cards.FrozenNow(project, f)
	return &card, nil
}

func (h *Handlers) unfreeze(ctx context.Context, a ask, project string) (*cards.Card, error) {
	if err := h.engine.Unfreeze(ctx, a.request(project)); err != nil {
		return nil, err
	}
	card := cards.Unfrozen(project, a.by.Person, h.calendar(project))
	return &card, nil
}

// calendar is what the config's freeze windows say of a project now.
func (h *Handlers) calendar(project string) freeze.Verdict {
	p, ok := h.engine.Project(project)
	if !ok {
		return freeze.Verdict{}
	}
	return p.Freeze.At(h.now())
}

// freezeSoon is how long before a freeze those who approve are told of it.
const freezeSoon = 12 * time.Hour

// keptFrom is what would refuse a yes to a run now, and when the calendar freezes production if that is soon.
func (h *Handlers) keptFrom(ctx context.Context, run release.Run) (r *release.Refusal, freezes time.Time, err error) {
	p, ok := h.engine.Project(run.Project)
	if !ok || run.Breaking != nil {
		return nil, freezes, nil
	}
	state, err := h.engine.State(ctx, run.Project, run.Environment)
	if err != nil {
		return nil, freezes, err
	}
	now := h.now()
	r = gate.Start{
		Kind: run.Kind, Environment: run.Environment, By: run.Requester, State: state, Calendar: p.Freeze.At(now),
	}.Kept(now)
	if run.Environment != release.Production || run.Kind == release.Rollback {
		return r, freezes, nil
	}
	if begins, _, ok := p.Freeze.Next(now); ok && begins.Sub(now) <= freezeSoon && r == nil {
		freezes = begins
	}
	return r, freezes, nil
}
