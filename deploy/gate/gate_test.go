package gate_test

import (
	"slices"
	"testing"
	"time"

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
		{"a hold came", func(v *gate.Vote) { v.Hold = hold }, release.CodeHold},
		{"a hold does not stop a no", func(v *gate.Vote) { v.Hold, v.Yes = hold, false }, ""},
		{"a hold does not stop a rollback", func(v *gate.Vote) { v.Hold, v.Run.Kind = hold, release.Rollback }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := gate.Vote{
				Run:    release.Run{Kind: release.Promote, Phase: release.Asking, Requester: release.Person{ID: 1}, Approved: "digest", ExpiresAt: now.Add(time.Hour)},
				Digest: "digest", By: actor(2, gate.Approver), Yes: true,
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
