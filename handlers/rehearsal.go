package handlers

import (
	"context"
	"fmt"

	"towline/bot"
	"towline/cards"
	"towline/deploy/release"
)

// postReport posts the report of a run's rehearsal as a document, once for each plan.
func (h *Handlers) postReport(ctx context.Context, a ask, id string) (string, error) {
	run, ok, err := h.engine.FindRun(ctx, id)
	if err != nil {
		return "", err
	}
	if !ok || run.Plan == nil {
		return "", release.Refuse(release.CodeStaleButton)
	}
	text, err := h.engine.Report(ctx, *run.Plan)
	if err != nil {
		return "", err
	}
	if text == nil {
		return "", release.Refuse(release.CodeStaleButton)
	}
	name := fmt.Sprintf("%s-%d-%s-rehearsal.txt", run.Project, run.Release, run.Environment)
	err = h.outbox.Want(ctx, "run/"+run.ID+"/rehearsal/"+release.Short(run.Plan.Report), bot.Frame{
		Place: a.place, Final: true, HTML: fmt.Sprintf(cards.ReportCaption, run.Release, run.Environment),
		Document: &bot.Document{Name: name, Content: text},
	})
	return cards.ReportPosted, err
}
