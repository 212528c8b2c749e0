package gate_test

import (
	"slices"
	"testing"
	"time"

	"towline/deploy/freeze"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/rehearse"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// good is a promote that nothing speaks against.
func good() gate.Start {
	return gate.Start{
		Kind: release.Promote, Environment: release.Production, Release: 42, Refs: []string{"main"}, AllowedRefs: []string{"main"},
		PreviewLive: 42, Self: "run", State: release.State{Live: 41},
		Target: gate.Known(migrations.Difference{}, now), Rehearsal: gate.Known(rehearse.Report{}, now),
	}
}

func TestARunStartsOnlyWhereNoGateRefuses(t *testing.T) {
	hold := &release.Hold{By: release.Person{Name: "Dana"}, Reason: "rollback", At: now}
	lock := &release.Lock{By: release.Person{ID: 2, Name: "Robin"}, Reason: "import", At: now.Add(-time.Hour), Until: now.Add(time.Hour)}
	frozen := freeze.Verdict{Frozen: true, Reason: "weekend", Window: "0 16 * * FRI for 64h", Until: now.Add(44 * time.Hour)}
	everything := []release.Code{
		release.CodeHold, release.CodeLock, release.CodeFreeze, release.CodeRefNotAllowed, release.CodeWouldUndo, release.CodeNotOnPreview,
		release.CodeFactsMissing, release.CodeFactsOld, release.CodeEdited, release.CodeMissing, release.CodeWouldLoseRows, release.CodeRehearsalFailed, release.CodeUnsettled,
	}
	for _, c := range []struct {
		name   string
		change func(s *gate.Start)
		code   release.Code
		facts  map[string]string
		items  []string
	}{
		{name: "nothing speaks against it", change: func(*gate.Start) {}},
		{name: "an earlier run is unknown", code: release.CodeUnsettled, facts: map[string]string{"run": "other"},
			change: func(s *gate.Start) {
				s.State.Lease, s.State.Unresolved = &release.Lease{Run: "other"}, true
			}},
		{name: "its own lease does not stop it", change: func(s *gate.Start) { s.State.Lease, s.State.Unresolved = &release.Lease{Run: "run"}, true }},
		{name: "somebody else is at work: it waits, and is not refused", change: func(s *gate.Start) { s.State.Lease = &release.Lease{Run: "other"} }},
		{name: "a hold", change: func(s *gate.Start) { s.State.Hold = hold }, code: release.CodeHold,
			facts: map[string]string{"by": "Dana", "reason": "rollback", "since": "2026-11-21T12:00:00Z"}},
		{name: "a rollback goes through a hold", change: func(s *gate.Start) { s.State.Hold, s.Kind = hold, release.Rollback }},
		{name: "a ref that is not allowed", change: func(s *gate.Start) { s.Refs = []string{"feature", "mainly"} }, code: release.CodeRefNotAllowed,
			facts: map[string]string{"ref": "feature, mainly", "allowed": "main"}},
		{name: "no ref is known", change: func(s *gate.Start) { s.Refs = nil }, code: release.CodeRefNotAllowed},
		{name: "any ref is allowed", change: func(s *gate.Start) { s.Refs, s.AllowedRefs = nil, nil }},
		{name: "one of its refs is allowed", change: func(s *gate.Start) { s.Refs = []string{"feature", "main"} }},
		{name: "a rollback is asked for no ref", change: func(s *gate.Start) { s.Refs, s.Kind = nil, release.Rollback }},
		{name: "preview shows another release", change: func(s *gate.Start) { s.PreviewLive = 43 }, code: release.CodeNotOnPreview,
			facts: map[string]string{"release": "42", "preview": "43"}},
		{name: "a rollback need not be on preview", change: func(s *gate.Start) { s.PreviewLive, s.Kind = 43, release.Rollback }},
		{name: "a deploy need not be on preview yet", change: func(s *gate.Start) {
			s.PreviewLive, s.Kind, s.Environment = 0, release.Deploy, release.Preview
		}},
		{name: "the database could not be read", change: func(s *gate.Start) { s.Target = gate.Unknown[migrations.Difference]("timeout") },
			code: release.CodeFactsMissing, facts: map[string]string{"what": "the database", "problem": "timeout"}},
		{name: "nobody read the database", change: func(s *gate.Start) { s.Target = gate.Fact[migrations.Difference]{} }, code: release.CodeFactsMissing},
		{name: "nobody rehearsed", change: func(s *gate.Start) { s.Rehearsal = gate.Fact[rehearse.Report]{} }, code: release.CodeFactsMissing},
		{name: "facts as old as may be", change: func(s *gate.Start) { s.Target.At = now.Add(-gate.MaxAge) }},
		{name: "facts that are too old", change: func(s *gate.Start) { s.Target.At = now.Add(-gate.MaxAge - 1) }, code: release.CodeFactsOld,
			facts: map[string]string{"what": "the database", "age": "10s"}},
		{name: "a rehearsal that is too old", change: func(s *gate.Start) { s.Rehearsal.At = now.Add(-time.Minute) }, code: release.CodeFactsOld},
		{name: "facts from the future: a clock was set", change: func(s *gate.Start) { s.Target.At = now.Add(time.Minute) }, code: release.CodeFactsOld},
		{name: "an edited file", change: func(s *gate.Start) { s.Target.Value.Edited = []string{"a.sql", "b.sql"} }, code: release.CodeEdited,
			facts: map[string]string{"environment": "production"}, items: []string{"a.sql", "b.sql"}},
		{name: "a file that is gone", change: func(s *gate.Start) { s.Target.Value.Unknown = []string{"a.sql"} }, code: release.CodeMissing, items: []string{"a.sql"}},
		{name: "a renamed file", code: release.CodeMissing, items: []string{"a.sql → b.sql"}, change: func(s *gate.Start) {
			s.Target.Value.Unknown, s.Target.Value.Renamed = []string{"a.sql"}, map[string]string{"a.sql": "b.sql"}
		}},
		{name: "an older release than the live one would undo it", code: release.CodeWouldUndo, items: []string{"a.sql"},
			facts:  map[string]string{"release": "42", "live": "43"},
			change: func(s *gate.Start) { s.Target.Value.Unknown, s.State.Live = []string{"a.sql"}, 43 }},
		{name: "a rollback lacks files on purpose", change: func(s *gate.Start) {
			s.Kind, s.Target.Value.Unknown, s.Target.Value.Edited = release.Rollback, []string{"a.sql"}, []string{"b.sql"}
		}},
		{name: "rows would be lost", code: release.CodeWouldLoseRows,
			facts: map[string]string{"file": "a.sql", "line": "3", "table": "child", "by": "parent", "kind": "rows deleted", "statement": "DROP TABLE parent"},
			items: []string{"a.sql:3 parent: child (rows deleted)"},
			change: func(s *gate.Start) {
				s.Rehearsal.Value.Losses = []rehearse.Loss{{Place: rehearse.Place{File: "a.sql", Line: 3, Statement: "DROP TABLE parent"}, Table: "child", By: "parent", Kind: rehearse.RowsDeleted}}
			}},
		{name: "the rehearsal failed", code: release.CodeRehearsalFailed,
			facts: map[string]string{"file": "a.sql", "line": "7", "statement": "SELEC 1", "words": "syntax error"},
			change: func(s *gate.Start) {
				s.Rehearsal.Value.Failure = &rehearse.Failure{Place: rehearse.Place{File: "a.sql", Line: 7, Statement: "SELEC 1"}, Message: "syntax error"}
			}},
		{name: "an older release than the live one, though its ledger fits", change: func(s *gate.Start) { s.State.Live = 43 }, code: release.CodeWouldUndo,
			facts: map[string]string{"release": "42", "live": "43"}},
		{name: "going back is not told to go back", change: func(s *gate.Start) { s.State.Live, s.Kind = 43, release.Rollback }},
		{name: "a newer release that lacks what is live would undo it as well", code: release.CodeWouldUndo, items: []string{"a.sql"},
			facts:  map[string]string{"release": "42", "live": "41"},
			change: func(s *gate.Start) { s.Target.Value.Unknown, s.LiveNames = []string{"a.sql"}, []string{"a.sql"} }},
		{name: "somebody else's lock", change: func(s *gate.Start) { s.State.Lock = lock }, code: release.CodeLock,
			facts: map[string]string{"by": "Robin", "reason": "import", "since": "2026-11-21T11:00:00Z", "until": "2026-11-21T13:00:00Z", "environment": "production"}},
		{name: "somebody else's lock stops a rollback as well", change: func(s *gate.Start) { s.State.Lock, s.Kind = lock, release.Rollback }, code: release.CodeLock},
		{name: "one's own lock", change: func(s *gate.Start) { s.State.Lock, s.By = lock, lock.By }},
		{name: "a lock that is over", change: func(s *gate.Start) { s.State.Lock = &release.Lock{By: lock.By, Until: now} }},
		{name: "a freeze of the calendar", change: func(s *gate.Start) { s.Calendar = frozen }, code: release.CodeFreeze,
			facts: map[string]string{"reason": "weekend", "window": "0 16 * * FRI for 64h", "until": "2026-11-23T08:00:00Z"}},
		{name: "a freeze does not stop preview", change: func(s *gate.Start) {
			s.Calendar, s.Kind, s.Environment = frozen, release.Deploy, release.Preview
		}},
		{name: "a freeze does not stop the way back", change: func(s *gate.Start) { s.Calendar, s.Kind = frozen, release.Rollback }},
		{name: "a freeze that somebody began", code: release.CodeFreeze, facts: map[string]string{"reason": "launch", "by": "Robin", "until": "2026-11-21T13:00:00Z"},
			change: func(s *gate.Start) {
				s.State.Freeze = &release.Freeze{By: lock.By, Reason: "launch", Until: now.Add(time.Hour)}
			}},
		{name: "a freeze that is over", change: func(s *gate.Start) { s.State.Freeze = &release.Freeze{Until: now} }},
		{name: "the name of an anonymous admin is not told", code: release.CodeHold, facts: map[string]string{"by": "an anonymous admin"},
			change: func(s *gate.Start) {
				s.State.Hold = &release.Hold{By: release.Person{ID: 1, Name: "Dana", Anonymous: true}, At: now}
			}},
		{name: "gates that are skipped do not speak", change: func(s *gate.Start) {
			s.State.Hold, s.State.Lock, s.Calendar, s.Refs, s.PreviewLive, s.State.Live = hold, lock, frozen, nil, 0, 43
			s.Rehearsal.Value.Losses, s.Rehearsal.Value.Failure = []rehearse.Loss{{}}, &rehearse.Failure{}
			s.Skip = everything
		}},
		{name: "facts that are missing are never skipped", change: func(s *gate.Start) { s.Target, s.Skip = gate.Fact[migrations.Difference]{}, everything }, code: release.CodeFactsMissing},
		{name: "facts that are old are never skipped", change: func(s *gate.Start) { s.Target.At, s.Skip = now.Add(-time.Minute), everything }, code: release.CodeFactsOld},
		{name: "an edited file is never skipped", change: func(s *gate.Start) { s.Target.Value.Edited, s.Skip = []string{"a.sql"}, everything }, code: release.CodeEdited},
		{name: "a missing file is never skipped", change: func(s *gate.Start) { s.Target.Value.Unknown, s.Skip = []string{"a.sql"}, everything }, code: release.CodeMissing},
		{name: "what the ledger says would be undone is never skipped", code: release.CodeWouldUndo, change: func(s *gate.Start) {
			s.Target.Value.Unknown, s.State.Live, s.Skip = []string{"a.sql"}, 43, everything
		}},
		{name: "an unknown run is never skipped", code: release.CodeUnsettled, change: func(s *gate.Start) {
			s.State.Lease, s.State.Unresolved, s.Skip = &release.Lease{Run: "other"}, true, everything
		}},
		{name: "the first gate speaks: what blocks the environment before what is wrong with the release", code: release.CodeHold,
			change: func(s *gate.Start) { s.State.Hold, s.Refs, s.PreviewLive = hold, nil, 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := good()
			c.change(&s)
			compare(t, s.Check(now), c.code, c.facts, c.items)
		})
	}
}

// compare checks a refusal; an empty code stands for none.
func compare(t *testing.T, r *release.Refusal, code release.Code, facts map[string]string, items []string) {
	t.Helper()
	if r == nil {
		if code != "" {
			t.Errorf("not refused; want %s", code)
		}
		return
	}
	if r.Code != code {
		t.Fatalf("refused with %s, want %q", r.Code, code)
	}
	for name, want := range facts {
		if r.Facts[name] != want {
			t.Errorf("fact %s is %q, want %q", name, r.Facts[name], want)
		}
	}
	if items != nil && !slices.Equal(r.Items, items) {
		t.Errorf("items %q, want %q", r.Items, items)
	}
}

func TestAVoteCountsOnlyWhereNothingSpeaksAgainstIt(t *testing.T) {
	actor := func(id int64, role gate.Role) gate.Actor {
		return gate.Actor{Person: release.Person{ID: id, Name: "Robin"}, Role: role}
	}
	vote := func(by int64) release.Vote {
		return release.Vote{By: release.Person{ID: by, Name: "Robin"}, Yes: true, Digest: "digest"}
	}
	hold := &release.Hold{By: release.Person{Name: "Dana"}}
	lock := &release.Lock{By: release.Person{ID: 9}, Until: now.Add(time.Hour)}
	breaking := &release.BreakGlass{By: release.Person{ID: 1, Name: "Robin"}}
	for _, c := range []struct {
		name   string
		change func(v *gate.Vote)
		code   release.Code
	}{
		{"an approver approves", func(*gate.Vote) {}, ""},
		{"an admin approves", func(v *gate.Vote) { v.By.Role = gate.Admin }, ""},
		{"a deployer may not", func(v *gate.Vote) { v.By.Role = gate.Deployer }, release.CodeNotAllowed},
		{"a stranger may not", func(v *gate.Vote) { v.By.Role = gate.Stranger }, release.CodeUnknownPerson},
		{"the requester may not, not even as an admin", func(v *gate.Vote) { v.By = actor(1, gate.Admin) }, release.CodeOwnApproval},
		{"the requester hears that first", func(v *gate.Vote) { v.By = actor(1, gate.Deployer) }, release.CodeOwnApproval},
		{"the requester withdraws", func(v *gate.Vote) { v.By, v.Yes = actor(1, gate.Viewer), false }, ""},
		{"the requester withdraws what has changed since", func(v *gate.Vote) { v.By, v.Yes, v.Digest = actor(1, gate.Viewer), false, "old" }, ""},
		{"a deployer may not reject", func(v *gate.Vote) { v.By.Role, v.Yes = gate.Deployer, false }, release.CodeNotAllowed},
		{"twice", func(v *gate.Vote) { v.Run.Votes = []release.Vote{vote(2)} }, release.CodeAlreadyVoted},
		{"a no without a reason", func(v *gate.Vote) { v.Yes, v.Reason = false, "" }, release.CodeNeedsReason},
		{"a yes needs no reason", func(v *gate.Vote) { v.Reason = "" }, ""},
		{"withdrawing needs no reason", func(v *gate.Vote) { v.By, v.Yes, v.Reason = actor(1, gate.Viewer), false, "" }, ""},
		{"breaking glass is not stopped without a reason", func(v *gate.Vote) { v.Run.Breaking, v.Yes, v.Reason = breaking, false, "" }, release.CodeNeedsReason},
		{"a second thought", func(v *gate.Vote) { v.Run.Votes, v.Yes = []release.Vote{vote(2)}, false }, ""},
		{"a vote on what it was before does not count as one", func(v *gate.Vote) {
			old := vote(2)
			old.Digest = "old"
			v.Run.Votes = []release.Vote{old}
		}, ""},
		{"an old button", func(v *gate.Vote) { v.Digest = "old" }, release.CodeDigestMismatch},
		{"no digest", func(v *gate.Vote) { v.Digest = "" }, release.CodeDigestMismatch},
		{"at the last moment", func(v *gate.Vote) { v.Run.ExpiresAt = now.Add(1) }, ""},
		{"too late", func(v *gate.Vote) { v.Run.ExpiresAt = now }, release.CodeExpired},
		{"it has expired", func(v *gate.Vote) { v.Run.Phase = release.Expired }, release.CodeExpired},
		{"a newer one stands", func(v *gate.Vote) { v.Run.Phase = release.Overtaken }, release.CodeSuperseded},
		{"it is queued", func(v *gate.Vote) { v.Run.Phase = release.Queued }, release.CodeAlreadyDone},
		{"it is done", func(v *gate.Vote) { v.Run.Phase = release.Done }, release.CodeAlreadyDone},
		{"it was rejected", func(v *gate.Vote) { v.Run.Phase = release.Rejected }, release.CodeAlreadyDone},
		{"a hold came", func(v *gate.Vote) { v.State.Hold = hold }, release.CodeHold},
		{"a hold does not stop a no", func(v *gate.Vote) { v.State.Hold, v.Yes = hold, false }, ""},
		{"somebody who left the chat", func(v *gate.Vote) { v.Here.Value = false }, release.CodeNotMember},
		{"a no of somebody who left the chat", func(v *gate.Vote) { v.Here.Value, v.Yes = false, false }, release.CodeNotMember},
		{"nobody can tell whether they left", func(v *gate.Vote) { v.Here = gate.Unknown[bool]("no admin") }, release.CodeFactsMissing},
		{"a no, where nobody can tell whether they left", func(v *gate.Vote) { v.Here, v.Yes = gate.Unknown[bool]("no admin"), false }, ""},
		{"they were there a minute ago", func(v *gate.Vote) { v.Here.At = now.Add(-time.Minute) }, release.CodeFactsOld},
		{"the plan wants an admin", func(v *gate.Vote) { v.Run.Plan = &release.Plan{Policy: release.Policy{Role: "admin"}} }, release.CodeNotAllowed},
		{"the right is lent by the requester", func(v *gate.Vote) { v.Lent = true }, release.CodeOwnDelegate},
		{"a no with a right that is lent by the requester", func(v *gate.Vote) { v.Lent, v.Yes = true, false }, ""},
		{"a vote that became void does not count as one", func(v *gate.Vote) {
			old := vote(2)
			old.Void = "role ended"
			v.Run.Votes = []release.Vote{old}
		}, ""},
		{"a lock came", func(v *gate.Vote) { v.State.Lock = lock }, release.CodeLock},
		{"the requester's own lock", func(v *gate.Vote) { v.State.Lock = &release.Lock{By: v.Run.Requester, Until: now.Add(1)} }, ""},
		{"a freeze came", func(v *gate.Vote) { v.Calendar.Frozen = true }, release.CodeFreeze},
		{"breaking glass is confirmed by the admin who asked", func(v *gate.Vote) { v.Run.Breaking, v.By = breaking, actor(1, gate.Admin) }, ""},
		{"breaking glass is confirmed through a hold", func(v *gate.Vote) {
			v.Run.Breaking, v.By, v.State.Hold = breaking, actor(1, gate.Admin), hold
		}, ""},
		{"breaking glass is confirmed by nobody else", func(v *gate.Vote) { v.Run.Breaking, v.By = breaking, actor(2, gate.Admin) }, release.CodeNotYours},
		{"breaking glass by one who is no admin any more", func(v *gate.Vote) { v.Run.Breaking, v.By = breaking, actor(1, gate.Approver) }, release.CodeNotAllowed},
		{"breaking glass never skips the digest", func(v *gate.Vote) { v.Run.Breaking, v.By, v.Digest = breaking, actor(1, gate.Admin), "old" }, release.CodeDigestMismatch},
		{"breaking glass is stopped by any approver", func(v *gate.Vote) { v.Run.Breaking, v.Yes = breaking, false }, ""},
		{"breaking glass is not stopped by a deployer", func(v *gate.Vote) { v.Run.Breaking, v.Yes, v.By.Role = breaking, false, gate.Deployer }, release.CodeNotAllowed},
		{"a hold does not stop a rollback", func(v *gate.Vote) { v.State.Hold, v.Run.Kind = hold, release.Rollback }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := gate.Vote{
				Run:    release.Run{Kind: release.Promote, Environment: release.Production, Phase: release.Asking, Requester: release.Person{ID: 1}, Approved: "digest", ExpiresAt: now.Add(time.Hour)},
				Digest: "digest", By: actor(2, gate.Approver), Yes: true, Reason: "wrong week", Here: gate.Known(true, now),
			}
			c.change(&v)
			compare(t, v.Check(now), c.code, nil, nil)
		})
	}
}

func TestAPatternWithAStarNamesWhatIsBelowIt(t *testing.T) {
	for _, c := range []struct {
		pattern, ref string
		want         bool
	}{
		{"main", "main", true}, {"main", "mainline", false}, {"main", "refs/tags/main", false}, {"main", "Main", false},
		{"release/*", "release/1", true}, {"release/*", "release/1/2", true}, {"release/*", "release/", false}, {"release/*", "release", false},
		{"release/*", "prerelease/1", false}, {"v*", "v1.2", true}, {"*", "anything", true}, {"*", "", false}, {"main", "", false},
	} {
		if got := gate.RefMatches(c.pattern, c.ref); got != c.want {
			t.Errorf("%q names %q: %t", c.pattern, c.ref, got)
		}
	}
}

func TestAHigherRoleIncludesTheLowerOnes(t *testing.T) {
	for has := gate.Stranger; has <= gate.Admin; has++ {
		for needs := gate.Viewer; needs <= gate.Admin; needs++ {
			r := gate.Needs(gate.Actor{Person: release.Person{ID: 7}, Role: has}, needs, "promote")
			code := release.CodeNotAllowed
			switch {
			case has >= needs:
				code = ""
			case has == gate.Stranger:
				code = release.CodeUnknownPerson
			}
			compare(t, r, code, nil, nil)
			if code == release.CodeNotAllowed && (r.Facts["role"] != has.String() || r.Facts["needs"] != needs.String() || r.Facts["act"] != "promote") {
				t.Errorf("facts %v", r.Facts)
			}
		}
		parsed, err := gate.ParseRole(has.String())
		if (err == nil) != (has != gate.Stranger) || err == nil && parsed != has {
			t.Errorf("%s is read as %s, %v", has, parsed, err)
		}
	}
	if _, err := gate.ParseRole("Admin"); err == nil {
		t.Error("a role in capitals was read")
	}
}
