package handlers

import (
	"context"

	"towline/cards"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func deployCommand() command {
	return command{
		help: cards.Help{
			Name: "deploy", Args: "[project] [ref]", Does: "Put a version on preview", Role: gate.Deployer.String(),
			Examples: []string{"/deploy", "/deploy main", "/deploy shop feature/orders"},
		},
		needs: gate.Deployer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, rest, pick, err := a.project(cards.Deploy, "deploy")
			if err != nil || pick != nil {
				return pick, err
			}
			return h.deploy(ctx, a, project, rest, false)
		},
	}
}

// deploy starts a run for the ref, or asks for one where the source has no default.
func (h *Handlers) deploy(ctx context.Context, a ask, project string, rest []string, reset bool) (*cards.Card, error) {
	if len(rest) > 1 {
		return nil, release.Refuse(release.CodeUsage, "usage", deployCommand().help.Usage())
	}
	ref, verb := "", cards.Deploy
	if reset {
		verb = cards.Reset
	}
	if len(rest) == 1 {
		ref = rest[0]
	} else {
		refs, err := h.engine.Choices(ctx, project)
		if err != nil {
			return nil, err
		}
		if len(refs) > 0 {
			var choices []cards.Button
			for _, r := range refs {
				choices = append(choices, cards.Button{Text: r, Action: cards.Do(verb, project, r)})
			}
			pick := cards.Pick(cards.PickRef(project, reset), choices)
			return &pick, nil
		}
	}
	_, err := h.engine.Deploy(ctx, a.request(project), ref, reset)
	return nil, err // the run's card is the answer
}
