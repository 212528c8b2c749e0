package release

import (
	"slices"
	"strings"
)

// Code is a stable reason for a refusal. Codes stay; their wording, which is in package cards, may change.
type Code string

// The reasons for which something is refused.
const (
	// Who may.
	CodeUnknownPerson Code = "unknown_person"
	CodeNotAllowed    Code = "not_allowed"
	CodeOwnApproval   Code = "own_approval"

	// The request.
	CodeAlreadyVoted   Code = "already_voted"
	CodeAlreadyDone    Code = "already_done"
	CodeExpired        Code = "request_expired"
	CodeSuperseded     Code = "request_superseded"
	CodeDigestMismatch Code = "digest_mismatch"
	CodeStaleButton    Code = "stale_button"
	CodeRefNotAllowed  Code = "ref_not_allowed"
	CodeNotOnPreview   Code = "not_on_preview"
	CodeWouldUndo      Code = "would_undo"
	CodeHold           Code = "hold_active"
	CodeNoHold         Code = "no_hold"
	CodeNeedsReason    Code = "needs_reason"
	CodeAlreadyLive    Code = "already_live"
	CodeUnknownRelease Code = "unknown_release"
	CodeNothingBefore  Code = "nothing_to_go_back_to"
	CodePointExpired   Code = "restore_point_expired"
	CodePointMissing   Code = "restore_point_missing"
	CodeUnknownProject Code = "unknown_project"
	CodeWrongChat      Code = "wrong_chat"
	CodeUnsettled      Code = "unknown_state"
	CodeNotMember      Code = "not_a_member"
	CodeOwnDelegate    Code = "own_delegate"
	CodeNotYours       Code = "not_yours"

	// The environment is kept.
	CodeLock          Code = "lock_conflict"
	CodeNoLock        Code = "no_lock"
	CodeFreeze        Code = "freeze_active"
	CodeNoFreeze      Code = "no_freeze"
	CodeNoRun         Code = "nothing_to_cancel"
	CodeTooLate       Code = "too_late_to_cancel"
	CodeBadTime       Code = "bad_time"
	CodeUnknownWho    Code = "unknown_who"
	CodeConfig        Code = "config_refused"
	CodeNothingToLend Code = "nothing_to_lend"
	CodeApprovals     Code = "approvals_missing"

	// The command.
	CodeIrregular      Code = "irregular_command"
	CodeCommandExpired Code = "command_expired"
	CodeUsage          Code = "usage"

	// Backfills.
	CodeBackfillPlace      Code = "backfill_not_last"   // it is not the last file, or there are two
	CodeBackfillUnfinished Code = "backfill_unfinished" // another release would go over it
	CodeBackfillUnfit      Code = "backfill_unfit"      // its windows would be wrong or slow
	CodeNoBackfill         Code = "no_backfill"         // there is none to pause, resume or stop

	// The ways back.
	CodeNotOnlyMore  Code = "not_only_more"    // what came since changed what the older code knows
	CodeNoDown       Code = "no_down_file"     // migrations without a DOWN file
	CodeDownFails    Code = "down_fails"       // a DOWN file that does not do
	CodeRestoresUsed Code = "restores_used_up" // Time Travel's ten in ten minutes
	CodeWayFixed     Code = "way_fixed"        // somebody has approved the one that is asked about
	CodeNoSuchWay    Code = "no_such_way"      // it was not weighed

	// Adopting a database.
	CodeNothingToAdopt Code = "nothing_to_baseline"
	CodeNoBaseline     Code = "no_baseline_fits"  // no prefix of the files makes the schema that is there
	CodeUnknownFile    Code = "unknown_migration" // the release has none of that name

	// Production's database.
	CodeNoDrift   Code = "no_drift"   // it is as Towline knows it
	CodeNoBackup  Code = "no_backup"  // there is none to restore
	CodeNoBackups Code = "no_backups" // none are kept
	// CodeBackupsUnread: their folder cannot be read.
	CodeBackupsUnread Code = "backups_unreadable"
	CodeDrilling      Code = "drill_runs" // one does already

	// Preview databases.
	CodeProduction     Code = "is_production"      // it is, or was, a production database
	CodeNoPreview      Code = "no_such_preview"    // no project has, or had, a preview database of that name
	CodePreviewShared  Code = "preview_shared"     // several projects have it
	CodeNotMade        Code = "not_made_here"      // Towline did not create it, and it was not named twice
	CodePreviewChanged Code = "preview_changed"    // since its facts were shown
	CodePreviewBusy    Code = "preview_written"    // somebody writes to it
	CodeNothingToReset Code = "nothing_to_rebuild" // no release is live that it could be rebuilt for

	// An index for a slow query.
	CodeIndexThere Code = "index_there" // a migration or the schema has it already
	CodeIndexUnfit Code = "index_unfit" // the schema is not what it was when the index was tried

	// The content and the target.
	CodeSource          Code = "source_unavailable"
	CodeBadMigration    Code = "bad_migration"
	CodeEdited          Code = "migration_edited"
	CodeMissing         Code = "migration_missing"
	CodeRehearsalFailed Code = "rehearsal_failed"
	CodeWouldLoseRows   Code = "would_lose_rows"
	CodeLint            Code = "lint_errors"
	CodeFactsMissing    Code = "facts_unavailable"
	CodeFactsOld        Code = "facts_too_old"
)

// Refusal is a no: a stable code, the facts behind it, and, through the code, one next step. It is an error, so that a
// decision can return it; the words for people are made in package cards.
type Refusal struct {
	Code  Code              `json:"code"`
	Facts map[string]string `json:"facts,omitempty"`
	Items []string          `json:"items,omitempty"`
}

// Refuse makes a refusal from pairs of fact names and values.
func Refuse(code Code, pairs ...string) *Refusal {
	r := &Refusal{Code: code}
	for i := 0; i+1 < len(pairs); i += 2 {
		if r.Facts == nil {
			r.Facts = map[string]string{}
		}
		r.Facts[pairs[i]] = pairs[i+1]
	}
	return r
}

// Listing returns the refusal with the things it is about: file names, tables.
func (r *Refusal) Listing(items ...string) *Refusal {
	r.Items = items
	return r
}

// OfContent reports whether what the release would do is refused, which its rehearsal's report tells in full.
func (r *Refusal) OfContent() bool {
	return slices.Contains([]Code{CodeRehearsalFailed, CodeWouldLoseRows, CodeLint}, r.Code)
}

// Error is for logs.
func (r *Refusal) Error() string {
	if len(r.Items) > 0 {
		return string(r.Code) + ": " + strings.Join(r.Items, ", ")
	}
	return string(r.Code)
}
