package handlers

import (
	"context"

	"towline/cards"
	"towline/deploy/release"
)

// ofState does what a button means that is about the state of a run or of a database, and not about asking for something;
// ours=false: it is another.
func (h *Handlers) ofState(ctx context.Context, a ask, action cards.Action) (toast string, ours bool, err error) {
	switch action.Verb {
	case cards.Way:
		if err := h.belongs(ctx, a, action.Arg(0)); err != nil {
			return "", true, err
		}
		_, err := h.engine.ChooseWay(ctx, a.request(""), action.Arg(0), action.Arg(1), release.Way(action.Arg(2)))
		return cards.WayChosen, true, err
	}
	return "", false, nil
}
