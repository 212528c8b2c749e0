package deploy

import (
	"context"
	"slices"

	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/rehearse"
)

// seen is what a database is, as it was just read. A schema that cannot be kept is no reason to fail: then a later change
// is noticed all the same, and only not shown.
func (e *Engine) seen(ctx context.Context, p Project, t target) *release.Seen {
	out := &release.Seen{Fingerprint: fingerprint(p, t.Objects), Ledger: names(t.Ledger), At: t.At}
	var err error
	if out.Schema, err = e.keepSchema(ctx, theirs(t.Objects)); err != nil {
		e.log.WarnContext(ctx, "the schema could not be kept", "project", p.Name, "error", err)
	}
	return out
}

// drifted says in words what somebody else changed in the draft's database since Towline last knew it; nil: nothing.
func (e *Engine) drifted(ctx context.Context, d draft) []string {
	if d.seen == nil || same(d.seen, d.project, d.target) {
		return nil
	}
	return e.differs(ctx, d.project, d.seen, d.target)
}

// same reports whether a database is as it was seen.
func same(s *release.Seen, p Project, t target) bool {
	return s.Fingerprint == fingerprint(p, t.Objects) && slices.Equal(s.Ledger, names(t.Ledger))
}

// fingerprint is that of a schema without the ledger, and without what Towline keeps there for a time.
func fingerprint(p Project, objs []migrations.Object) string {
	return rehearse.Fingerprint(theirs(objs), p.ledger())
}

// differs says in words how a database differs from what was seen of it: the ledger's names first.
func (e *Engine) differs(ctx context.Context, p Project, s *release.Seen, t target) []string {
	now := names(t.Ledger)
	lines := append(prefixed("ledger: + ", without(now, s.Ledger)), prefixed("ledger: − ", without(s.Ledger, now))...)
	if s.Fingerprint == fingerprint(p, t.Objects) {
		if len(lines) == 0 {
			lines = append(lines, "ledger: another order")
		}
		return lines
	}
	was, err := e.schema(ctx, s.Schema)
	if err == nil {
		var d rehearse.Diff
		if d, err = rehearse.Compare(ctx, was, theirs(t.Objects), p.ledger()); err == nil {
			if d.Empty() {
				return append(lines, "the text of the schema changed")
			}
			return append(lines, changed(d)...)
		}
	}
	e.log.WarnContext(ctx, "a changed schema cannot be compared with what it was", "project", p.Name, "error", err)
	return append(lines, "the schema changed; what it was before cannot be shown")
}

// leftApplied are the findings of names in the ledger that the release lacks, since a rollback left them on purpose.
func leftApplied(d migrations.Difference, left []string) (out []release.Finding) {
	for _, name := range d.Unknown {
		if slices.Contains(left, name) {
			out = append(out, release.Finding{Code: "left_by_rollback", Severity: "info", File: name})
		}
	}
	return out
}

// settled notes in an environment's record what a run that came to its end left there.
func (e *Engine) settled(tx Tx, s *release.State, run *release.Run) {
	if run.Seen != nil {
		s.Seen, s.Drift = run.Seen, nil
	}
	after := run.Plan.After()
	s.Left = slices.DeleteFunc(slices.Clone(s.Left), func(name string) bool { return !slices.Contains(after, name) })
	if back := run.Plan.Back; back != nil {
		s.Left = append(s.Left, without(back.Left, s.Left)...)
	}
	if r, ok := tx.Release(run.Project, run.Release); ok {
		for _, m := range r.Migrations {
			s.Left = slices.DeleteFunc(s.Left, func(name string) bool { return name == m.Name })
		}
	}
	if len(s.Left) == 0 {
		s.Left = nil
	}
}
