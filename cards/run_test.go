package cards_test

import (
	"testing"
	"time"

	"towline/cards"
	"towline/deploy/release"
)

func same(*release.Run) {}

func rendered(views map[string]cards.View) map[string]cards.Card {
	out := map[string]cards.Card{}
	for name, v := range views {
		out[name] = cards.Run(v)
	}
	return out
}

func TestARunOnItsWay(t *testing.T) {
	golden(t, "underway", rendered(map[string]cards.View{
		"queued, next":         with(run(release.Deploy, release.Queued), func(r *release.Run) { r.Release, r.Plan = 0, nil }),
		"queued, third":        {Run: with(run(release.Deploy, release.Queued), func(r *release.Run) { r.Place = 3 }).Run, Queued: "promoting #41, asked for by Kim"},
		"promote queued":       with(run(release.Promote, release.Queued), same),
		"preparing, fetching":  with(run(release.Deploy, release.Preparing), func(r *release.Run) { r.Release, r.Plan = 0, nil; r.Steps = steps(release.StepIntent, "fetch") }),
		"preparing, rehearsal": with(run(release.Deploy, release.Preparing), func(r *release.Run) { r.Plan = nil; r.Steps = steps(release.StepDone, "fetch") }),
		"preparing a promote":  with(run(release.Promote, release.Preparing), same),
		"deploying": with(run(release.Deploy, release.Executing), func(r *release.Run) {
			r.Steps = steps(release.StepIntent, "fetch", "restore point", "apply")
		}),
		"deploying to a new database": with(run(release.Deploy, release.Executing), func(r *release.Run) {
			r.Plan.Target.ID = ""
			r.Steps = steps(release.StepIntent, "fetch", "provision")
		}),
		"rebuilding preview": with(run(release.Reset, release.Executing), func(r *release.Run) {
			r.Steps = steps(release.StepIntent, "fetch", "restore point", "reset")
		}),
		"promoting, a reply was lost": with(run(release.Promote, release.Executing), func(r *release.Run) {
			r.Steps = steps(release.StepIntent, "restore point", "apply", "verify")
			r.Steps[1].Found = true
		}),
		"promoting in many transactions": with(run(release.Promote, release.Executing), func(r *release.Run) {
			r.Plan.Transactions = 60
			r.Steps = steps(release.StepDone, "restore point")
			for i := range 60 {
				s := release.Step{Name: release.StepApply, Index: i, State: release.StepPlanned}
				if i < 37 {
					s.State = release.StepDone
				}
				r.Steps = append(r.Steps, s)
			}
		}),
		"going back": with(run(release.Rollback, release.Executing), func(r *release.Run) {
			r.Steps = steps(release.StepIntent, "restore point", "undo")
		}),
	}))
}

func TestARequestForApproval(t *testing.T) {
	golden(t, "request", rendered(map[string]cards.View{
		"promote": {Run: run(release.Promote, release.Asking), Approvers: []release.Person{robin, kim}, SQL: cards.Excerpt(script(1)),
			Compare: "https://example.com/shop/compare/0f0f0f0...a1b2c3d"},
		"promote, nobody may approve": {Run: run(release.Promote, release.Asking)},
		"promote, SQL attached":       {Run: run(release.Promote, release.Asking), Attached: true},
		"promote, SQL unreadable":     {Run: run(release.Promote, release.Asking), Unreadable: true},
		"promote to a new database":   with(run(release.Promote, release.Asking), func(r *release.Run) { r.Plan.Target.ID = ""; r.WasFrom = nil; r.Was = 0 }),
		"promote without migrations":  with(run(release.Promote, release.Asking), func(r *release.Run) { r.Plan.Pending, r.Plan.Statements, r.Plan.Transactions = nil, 0, 0 }),
		"promote in 3 transactions":   with(run(release.Promote, release.Asking), func(r *release.Run) { r.Plan.Transactions = 3 }),
		"promote of 40 migrations": with(run(release.Promote, release.Asking), func(r *release.Run) {
			r.Plan.Pending, r.Plan.Statements = pending(40), 1043
		}),
		"promote, one of two votes": with(run(release.Promote, release.Asking), func(r *release.Run) {
			r.Required = 2
			r.Votes = []release.Vote{{By: robin, Yes: true, Digest: digest, At: noon}}
		}),
		"promote, changed since approved": with(run(release.Promote, release.Asking), func(r *release.Run) {
			r.Votes = []release.Vote{{By: robin, Yes: true, Digest: older, At: noon}}
			r.Changes = []release.Difference{
				{What: "applied", Added: []string{"0006_hotfix.sql"}}, {What: "pending", Removed: []string{"0006_hotfix.sql"}},
				{What: "schema", Before: "aaaa", After: "bbbb"}, {What: "target", Before: "create shop", After: "id-1"},
				{What: "policy", Before: "1", After: "2"}, {What: "findings", Added: []string{"out_of_order 0007_orders.sql:0"}},
				{What: "release", Before: "#41 aa", After: "#42 bb"}, {What: "content"}, {What: "way", After: "down"},
			}
		}),
		"promote with findings": with(run(release.Promote, release.Asking), func(r *release.Run) {
			r.Plan.Findings = []release.Finding{
				{Code: "out_of_order", File: "0007_orders.sql"},
				{Code: "fails_with_rows", File: "0008_totals.sql", Line: 3, Text: "Cannot add a NOT NULL column with default value NULL"},
				{Code: "not_rehearsed", File: "0008_totals.sql", Line: 9, Text: "no such module: vec0"},
			}
		}),
		"promote from a folder with changes": with(run(release.Promote, release.Asking), func(r *release.Run) {
			r.Ref, r.Origin = "", release.Origin{Commit: "a1b2c3d4", Dirty: true}
		}),
		"rollback by DOWN files": {Run: run(release.Rollback, release.Asking), Approvers: []release.Person{robin}, SQL: cards.Excerpt(script(1))},
		"rollback by DOWN files, rows not counted": with(run(release.Rollback, release.Asking), func(r *release.Run) {
			r.Plan.Back.Price = release.Price{Reason: release.NotCountedNow}
		}),
		"rollback by DOWN files that drop nothing": with(run(release.Rollback, release.Asking), func(r *release.Run) {
			r.Plan.Back.Tables, r.Plan.Back.Columns = nil, nil
		}),
		"rollback of the pointer alone": with(run(release.Rollback, release.Asking), func(r *release.Run) {
			r.Plan.Back = &release.Back{Way: release.WayNothing}
		}),
		"rollback that leaves what was only added": with(run(release.Rollback, release.Asking), func(r *release.Run) {
			nothing := release.Back{
				Way: release.WayNothing, Left: []string{"0008_totals.sql"}, Adds: []string{"column customers.country", "table orders"},
				Careful: []string{"rows of customers cannot be deleted while orders refers to them"}, Price: release.Price{Counted: true},
			}
			down, back := *r.Plan.Back, weighed(release.Price{Counted: true, AtLeast: 3118, Written: 5230, WrittenAt: noon})
			r.Plan.Back, r.Plan.Pending, r.Plan.Ways = &nothing, nil, []release.Back{nothing, down, back}
		}),
		"rollback by DOWN files, the others weighed": with(run(release.Rollback, release.Asking), func(r *release.Run) {
			r.Plan.Ways = []release.Back{*r.Plan.Back, notOnlyMore(), weighed(release.Price{Counted: true, Written: 12, WrittenAt: noon})}
		}),
		"rollback by Time Travel, the others weighed": with(run(release.Rollback, release.Asking), func(r *release.Run) {
			taken := weighed(release.Price{Counted: true, AtLeast: 2, Tables: map[string]int64{"orders": 2}, Written: 5230, WrittenAt: noon})
			down := release.Back{Way: release.WayDown, Not: release.Refuse(release.CodeNoDown).Listing("0008_totals.sql")}
			r.Plan.Back, r.Plan.Pending, r.Plan.Ways = &taken, nil, []release.Back{taken, notOnlyMore(), down}
		}),
		"rollback by DOWN files, Time Travel used up, and somebody approved": with(run(release.Rollback, release.Asking), func(r *release.Run) {
			used := release.Back{Way: release.WayTimeTravel, To: point(), Not: release.Refuse(release.CodeRestoresUsed, "until", "2026-11-21T12:10:00Z")}
			nothing := release.Back{Way: release.WayNothing, Price: release.Price{Counted: true}}
			r.Required, r.Votes = 2, []release.Vote{{By: robin, Yes: true, Digest: digest, At: noon}}
			r.Plan.Ways = []release.Back{*r.Plan.Back, nothing, used}
		}),
		"promote over a change from outside": with(run(release.Promote, release.Asking), func(r *release.Run) {
			r.Plan.Drift = []string{"ledger: + 0006_hotfix.sql", "index users_email added"}
		}),
		"rollback by Time Travel, counted": {Run: travel(release.Price{Counted: true, AtLeast: 3118,
			Tables: map[string]int64{"orders": 3000, "customers": 100, "tags": 18}}), Approvers: []release.Person{robin}},
		"rollback by Time Travel, none more":        {Run: travel(release.Price{Counted: true}), Approvers: []release.Person{robin}},
		"rollback by Time Travel, not counted then": {Run: travel(release.Price{Reason: release.NotCountedThen}), Approvers: []release.Person{robin}},
		"rollback by Time Travel, not counted now":  {Run: travel(release.Price{Reason: release.NotCountedNow}), Approvers: []release.Person{robin}},
	}))
}

func TestARunThatWentWell(t *testing.T) {
	all := []string{"restore point", "apply", "verify"}
	golden(t, "ended", rendered(map[string]cards.View{
		"deployed": with(run(release.Deploy, release.Done), func(r *release.Run) {
			r.Point = point()
			r.Steps = steps(release.StepDone, append([]string{"fetch"}, all...)...)
		}),
		"deployed unchanged": with(run(release.Deploy, release.Unchanged), same),
		"rebuilt": with(run(release.Reset, release.Done), func(r *release.Run) {
			r.Steps = steps(release.StepDone, "fetch", "restore point", "reset", "apply", "verify")
		}),
		"rebuilt without migrations": with(run(release.Reset, release.Done), func(r *release.Run) { r.Plan.Pending = nil }),
		"promoted":                   with(run(release.Promote, release.Done), func(r *release.Run) { r.Point = point(); r.Steps = steps(release.StepDone, all...) }),
		"promoted by two": with(run(release.Promote, release.Done), func(r *release.Run) {
			r.Votes = append(r.Votes, release.Vote{By: kim, Yes: true, Digest: digest})
		}),
		"promoted without migrations": with(run(release.Promote, release.Done), func(r *release.Run) { r.Plan.Pending = nil }),
		"promoted, schema differs":    with(run(release.Promote, release.Done), func(r *release.Run) { r.Notes = []string{"schema_differs"} }),
		"promoted on the free plan":   with(run(release.Promote, release.Done), func(r *release.Run) { r.Point = keptFor(release.RetentionFree) }),
		"promoted on the paid plan":   with(run(release.Promote, release.Done), func(r *release.Run) { r.Point = keptFor(release.Retention) }),
		"promoted, 90 s":              with(run(release.Promote, release.Done), func(r *release.Run) { r.EndedAt = r.StartedAt.Add(92 * time.Second) }),
		"rolled back by DOWN": with(run(release.Rollback, release.Done), func(r *release.Run) {
			r.Point = point()
			r.Steps = steps(release.StepDone, "restore point", "undo", "verify")
		}),
		"rolled back by Time Travel": with(travel(release.Price{Counted: true}), func(r *release.Run) {
			r.Phase, r.Point, r.Votes = release.Done, point(), run(release.Rollback, release.Done).Votes
			undo := *point()
			undo.Bookmark = "0000-undo"
			r.Undo = &undo
		}),
		"rolled back, what was added is left": with(run(release.Rollback, release.Done), func(r *release.Run) {
			r.Plan.Back = &release.Back{Way: release.WayNothing, Left: []string{"0008_totals.sql"}}
		}),
		"rolled back, nothing changed": with(run(release.Rollback, release.Done), func(r *release.Run) { r.Plan.Back = &release.Back{Way: release.WayNothing} }),
	}))
}

func TestARequestThatEndedWithoutARun(t *testing.T) {
	vote := func(by release.Person) func(*release.Run) {
		return func(r *release.Run) { r.Votes = []release.Vote{{By: by, Digest: digest, At: noon}} }
	}
	golden(t, "closed", rendered(map[string]cards.View{
		"rejected":                      with(run(release.Promote, release.Rejected), vote(robin)),
		"withdrawn":                     with(run(release.Promote, release.Rejected), vote(dana)),
		"expired":                       with(run(release.Promote, release.Expired), same),
		"expired rollback":              with(run(release.Rollback, release.Expired), same),
		"superseded by a newer release": with(run(release.Promote, release.Overtaken), func(r *release.Run) { r.OvertakenBy = 43 }),
		"superseded":                    with(run(release.Promote, release.Overtaken), same),
	}))
}

func TestARunInTrouble(t *testing.T) {
	failed := func(kind release.Kind, f release.Failure) cards.View {
		return with(run(kind, release.Broken), func(r *release.Run) {
			r.Failure, r.Point = &f, point()
			r.Steps = steps(release.StepFailed, "restore point", "apply")
		})
	}
	unknown := func(kind release.Kind, step, code string) cards.View {
		return with(run(kind, release.Unresolved), func(r *release.Run) {
			r.Failure, r.Point = &release.Failure{Code: code, Words: "no usable answer from Cloudflare: timeout"}, point()
			r.Steps = steps(release.StepUnknown, "restore point", step)
		})
	}
	views := map[string]cards.View{
		"refused by D1, one of many": failed(release.Promote, release.Failure{Code: "refused_by_d1", Words: "no such module: vec0: SQLITE_ERROR", OneOf: 5}),
		"refused by D1, as foretold": with(run(release.Promote, release.Broken), func(r *release.Run) {
			r.Plan.Rehearsal = &release.Rehearsal{Data: true, CopyAt: noon, Fails: "0007_orders.sql line 2: malformed JSON"}
			r.Failure = &release.Failure{Code: "refused_by_d1", Words: "malformed JSON: SQLITE_ERROR", OneOf: 5}
		}),
		"refused by D1, the only one": failed(release.Deploy, release.Failure{Code: "refused_by_d1", Words: "too many columns", OneOf: 1}),
		"half way":                    failed(release.Promote, release.Failure{Code: "refused_by_d1", Words: "too big", OneOf: 2, Applied: []string{"0007_orders.sql"}}),
		"half way back":               failed(release.Rollback, release.Failure{Code: "refused_by_d1", Words: "too big", OneOf: 2, Applied: []string{"0008_totals.sql"}}),
		"applied and not read back":   failed(release.Promote, release.Failure{Code: "not_read_back", Words: "HTTP 502", Applied: []string{"0007_orders.sql"}}),
		"settled by a person":         failed(release.Promote, release.Failure{Code: "closed_by_person"}),
		"restore unknown":             unknown(release.Rollback, "restore", "unknown_outcome"),
		"apply unknown":               unknown(release.Deploy, "apply", "unknown_outcome"),
		"cannot go on, unknown":       unknown(release.Promote, "apply", "cannot_go_on"),
	}
	for _, code := range []string{"not_created", "restore_point_missing", "not_applied", "not_restored", "not_verified", "not_read_back", "cannot_go_on", "foreign_keys_broken", "assertion_failed", "turned_away"} {
		views[code] = failed(release.Promote, release.Failure{Code: code, File: "0008_totals.sql", Line: 12, Words: "the words of " + code})
		views[code+" on preview"] = failed(release.Deploy, release.Failure{Code: code, File: "0008_totals.sql", Line: 12, Words: "the words of " + code})
	}
	golden(t, "trouble", rendered(views))
	golden(t, "alerts", map[string]cards.Card{
		"failed":                        cards.Alert(views["half way"]),
		"unknown":                       cards.Alert(views["restore unknown"]),
		"superseded by a newer release": cards.Alert(with(run(release.Promote, release.Overtaken), func(r *release.Run) { r.OvertakenBy = 43 })),
		"rejected": cards.Alert(with(run(release.Promote, release.Rejected), func(r *release.Run) {
			r.Votes = []release.Vote{{By: robin, Digest: digest, At: noon, Reason: "wrong week"}}
		})),
		"cancelled by somebody unseen": cards.Alert(with(run(release.Promote, release.Cancelled), func(r *release.Run) {
			r.Cancel = &release.Cancel{By: release.Person{ID: 1002, Name: "Robin", Anonymous: true}, At: noon}
		})),
		"superseded": cards.Alert(with(run(release.Promote, release.Overtaken), same)),
	})
}
