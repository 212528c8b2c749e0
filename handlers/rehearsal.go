package handlers

import (
	"context"
	"fmt"
	"strconv"

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
	plan := release.Plan{Project: run.Project, Environment: run.Environment, Release: run.Release, Report: run.Plan.Report}
	return h.post(ctx, a, "run/"+run.ID+"/rehearsal/"+release.Short(plan.Report), plan)
}

// postRefused posts the report behind a refusal.
func (h *Handlers) postRefused(ctx context.Context, a ask, action cards.Action) (string, error) {
	project := action.Arg(0)
	if !a.pressable(project) {
		return "", release.Refuse(release.CodeWrongChat, "project", project)
	}
	number, err := strconv.ParseUint(action.Arg(1), 10, 64)
	if err != nil {
		return "", release.Refuse(release.CodeStaleButton)
	}
	plan := release.Plan{Project: project, Environment: release.Production, Release: number, Report: action.Arg(2)}
	return h.post(ctx, a, "refused/"+project+"/"+action.Arg(1)+"/"+release.Short(plan.Report), plan)
}

// post posts a report as a document, once for each card.
func (h *Handlers) post(ctx context.Context, a ask, card string, plan release.Plan) (string, error) {
	text, err := h.engine.Report(ctx, plan)
	if err != nil {
		return "", err
	}
	if text == nil {
		return "", release.Refuse(release.CodeStaleButton)
	}
	name := fmt.Sprintf("%s-%d-%s-rehearsal.txt", plan.Project, plan.Release, plan.Environment)
	err = h.outbox.Want(ctx, card, bot.Frame{
		Place: a.place, Final: true, HTML: fmt.Sprintf(cards.ReportCaption, plan.Release, plan.Environment),
		Document: &bot.Document{Name: name, Content: text},
	})
	return cards.ReportPosted, err
}
