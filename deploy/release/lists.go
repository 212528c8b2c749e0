package release

// Kinds are all kinds of run.
func Kinds() []Kind {
	return []Kind{Deploy, Promote, Rollback, Reset, Baseline, Backfill, Delete, Watch}
}

// Phases are all phases of a run; Phase.Open tells those in which it is not over.
func Phases() []Phase {
	return []Phase{Preparing, Asking, Queued, Executing, Paused, Done, Unchanged, Broken, Refused, Rejected, Expired, Overtaken, Cancelled, Unresolved}
}
