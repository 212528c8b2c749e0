package deploy

import (
	"context"
	"time"

	"towline/deploy/audit"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// breakTime is how long an administrator has to confirm that gates shall be skipped.
const breakTime = 10 * time.Minute

// BreakGlass asks for a promote or a rollback past the gates that refuse it now, and past other people's approval. It
// leaves a request that names every gate that it would skip; the administrator who asked, and nobody else, confirms it by
// approving. Facts that cannot be read, the ledger, the restore point and the digest are never skipped, nor is a run of
// which nobody knows how it ended: those are refusals here as everywhere.
func (e *Engine) BreakGlass(ctx context.Context, r Request, kind release.Kind, number uint64, reason string) (release.Run, error) {
	run, err := e.breakGlass(ctx, r, kind, number, reason)
	return run, e.told(ctx, r, "breakglass", err)
}

func (e *Engine) breakGlass(ctx context.Context, r Request, kind release.Kind, number uint64, reason string) (release.Run, error) {
	p, err := e.may(ctx, r, gate.Admin, "breakglass")
	if err != nil {
		return release.Run{}, err
	}
	if reason == "" {
		return release.Run{}, release.Refuse(release.CodeNeedsReason, "command", "breakglass")
	}
	if kind == release.Rollback {
		number, err = e.backTo(ctx, p, number)
	} else {
		number, err = e.onPreview(ctx, p, number)
	}
	if err != nil {
		return release.Run{}, err
	}
	return e.ask(ctx, p, r, release.Run{
		Kind: kind, Environment: release.Production, Release: number, Breaking: &release.BreakGlass{By: r.By.Person, Reason: reason},
	})
}

// breaks fills in what a request past the gates skips: the refusals of gates that may be skipped, and the approval of
// others. One that is never skipped is what remains.
func (e *Engine) breaks(tx Tx, p Project, run *release.Run, plan planned) *release.Refusal {
	var skips []release.Refusal
	for _, r := range e.startGates(tx, p, *run, plan).Refusals(e.now()) {
		if r.Never {
			return r.Refusal
		}
		skips = append(skips, *r.Refusal)
	}
	need := p.approvals(run.Environment)
	skips = append(skips, *release.Refuse(release.CodeApprovals, "required", number64(uint64(need.Required)), "role", need.Role.String()))
	run.Breaking.Skips = skips
	return nil
}

// broken notes on the release, for ever, that gates were skipped for it.
func (e *Engine) broken(tx Tx, run release.Run, at time.Time) {
	run.Breaking.At, run.Breaking.Run = at, run.ID
	if r, ok := tx.Release(run.Project, run.Release); ok {
		r.BreakGlass = append(r.BreakGlass, *run.Breaking)
		tx.PutRelease(r)
	}
	var codes string
	for _, c := range run.Breaking.Codes() {
		codes += " " + string(c)
	}
	tx.Append(Event{Run: run.ID, Project: run.Project, Environment: run.Environment, Kind: GlassBroken, At: at, By: run.Breaking.By, Text: run.Breaking.Reason})
	tx.Audit(audit.Entry{
		At: at, Project: run.Project, Environment: run.Environment, Who: run.Breaking.By, What: "break-glass", Run: run.ID, Release: run.Release,
		Digest: run.Approved, Detail: run.Breaking.Reason + "; skipped:" + codes,
	})
}
