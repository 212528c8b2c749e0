package release_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"towline/deploy/release"
	"towline/migrations"
)

// word is a short text; few of them, so that two draws are often the same.
func word() *rapid.Generator[string] { return rapid.StringMatching(`[a-c]{1,2}`) }

func drawPlan(t *rapid.T, label string) release.Plan {
	return rapid.Custom(func(t *rapid.T) release.Plan {
		p := release.Plan{
			Kind: rapid.SampledFrom([]release.Kind{release.Promote, release.Rollback}).Draw(t, "kind"), Project: word().Draw(t, "project"),
			Environment: release.Production, Release: rapid.Uint64Range(1, 3).Draw(t, "release"), Bundle: word().Draw(t, "bundle"),
			Target: release.Target{Database: word().Draw(t, "database"), ID: rapid.SampledFrom([]string{"", "id-1", "id-2"}).Draw(t, "id")},
			Ledger: "d1_migrations", Fingerprint: word().Draw(t, "fingerprint"), Applied: rapid.SliceOfN(word(), 0, 2).Draw(t, "applied"),
			Policy: release.Policy{Approvals: rapid.IntRange(1, 2).Draw(t, "approvals")}, Script: word().Draw(t, "script"),
			Transactions: rapid.IntRange(0, 3).Draw(t, "transactions"), RehearsedMS: rapid.Int64Range(0, 9).Draw(t, "ms"),
		}
		for range rapid.IntRange(0, 2).Draw(t, "pending") {
			p.Pending = append(p.Pending, release.Pending{Name: word().Draw(t, "name"), Checksum: word().Draw(t, "checksum"), Statements: []string{word().Draw(t, "text")}})
		}
		for range rapid.IntRange(0, 2).Draw(t, "findings") {
			p.Findings = append(p.Findings, release.Finding{Code: word().Draw(t, "code"), File: "f", Line: 1, Text: word().Draw(t, "words")})
		}
		if p.Kind == release.Rollback {
			p.Back = &release.Back{Way: release.WayTimeTravel, Ledger: []string{}, To: &release.RestorePoint{Bookmark: word().Draw(t, "bookmark")}, Price: release.Price{AtLeast: rapid.Int64Range(0, 9).Draw(t, "price")}}
		}
		return p
	}).Draw(t, label)
}

func TestADigestDoesNotKnowDurationsAndRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t, "plan")
		before := p.Digest()
		p.RehearsedMS++
		p.Transactions++
		p.Statements++
		p.Expected += "x"
		for i := range p.Findings {
			p.Findings[i].Text += "x"
		}
		for i := range p.Pending {
			p.Pending[i].Statements = append(p.Pending[i].Statements, "x")
		}
		if p.Back != nil {
			back := *p.Back
			back.Price = release.Price{Counted: true, AtLeast: 99, Tables: map[string]int64{"t": 99}}
			p.Back = &back
		}
		if p.Digest() != before {
			t.Fatal("the digest changed")
		}
	})
}

func TestADigestChangesWithEverythingThatItBinds(t *testing.T) {
	plan := func() release.Plan {
		return release.Plan{
			Kind: release.Rollback, Project: "shop", Environment: release.Production, Release: 1, Bundle: "b", Target: release.Target{Database: "shop"},
			Ledger: "d1_migrations", Fingerprint: "f", Applied: []string{"a"}, Pending: []release.Pending{{Name: "p", Checksum: "c"}},
			Findings: []release.Finding{{Code: "code", File: "f", Line: 1}}, Policy: release.Policy{Approvals: 1}, Script: "s",
			Back: &release.Back{Way: release.WayTimeTravel, To: &release.RestorePoint{Bookmark: "m"}},
		}
	}
	for name, change := range map[string]func(p *release.Plan){
		"kind":                      func(p *release.Plan) { p.Kind = release.Promote },
		"project":                   func(p *release.Plan) { p.Project = "x" },
		"environment":               func(p *release.Plan) { p.Environment = release.Preview },
		"release":                   func(p *release.Plan) { p.Release = 2 },
		"bundle":                    func(p *release.Plan) { p.Bundle = "x" },
		"database's name":           func(p *release.Plan) { p.Target.Database = "x" },
		"database's id":             func(p *release.Plan) { p.Target.ID = "x" },
		"ledger table":              func(p *release.Plan) { p.Ledger = "x" },
		"schema":                    func(p *release.Plan) { p.Fingerprint = "x" },
		"applied":                   func(p *release.Plan) { p.Applied = []string{"a", "b"} },
		"applied order":             func(p *release.Plan) { p.Applied = []string{"b", "a"} },
		"pending name":              func(p *release.Plan) { p.Pending[0].Name = "x" },
		"pending checksum":          func(p *release.Plan) { p.Pending[0].Checksum = "x" },
		"finding's code":            func(p *release.Plan) { p.Findings[0].Code = "x" },
		"finding's line":            func(p *release.Plan) { p.Findings[0].Line = 2 },
		"approvals":                 func(p *release.Plan) { p.Policy.Approvals = 2 },
		"statements as they go out": func(p *release.Plan) { p.Script = "x" },
		"way back":                  func(p *release.Plan) { p.Back.Way = release.WayDown },
		"restore point":             func(p *release.Plan) { p.Back.To.Bookmark = "x" },
	} {
		was, is := plan(), plan()
		change(&is)
		if was.Digest() == is.Digest() {
			t.Errorf("the %s is not bound", name)
		}
		if len(release.Differences(was, is)) == 0 {
			t.Errorf("nobody is told that the %s changed", name)
		}
	}
	if a := plan(); a.Digest() != plan().Digest() {
		t.Error("the same plan has two digests")
	}
}

func TestDifferencesAreEmptyExactlyIfTheDigestsAreTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawPlan(t, "a"), drawPlan(t, "b")
		if rapid.Bool().Draw(t, "same") {
			b = a
			b.RehearsedMS++
		}
		if same, told := a.Digest() == b.Digest(), release.Differences(a, b); same != (len(told) == 0) {
			t.Fatalf("same digest: %t, differences: %+v", same, told)
		}
	})
}

func TestAPlanIsTheSameAfterItLayInAStore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t, "plan")
		content, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var back release.Plan
		if err := json.Unmarshal(content, &back); err != nil {
			t.Fatal(err)
		}
		if p.Digest() != back.Digest() || len(release.Differences(p, back)) != 0 {
			t.Fatalf("%s\n%+v\n%+v", content, p, back)
		}
	})
}

func TestDifferencesNameWhatCameAndWhatWent(t *testing.T) {
	a := release.Plan{Target: release.Target{Database: "shop"}, Applied: []string{"1", "2"}, Fingerprint: strings.Repeat("a", 64), Release: 1}
	b := release.Plan{Target: release.Target{Database: "shop", ID: "id"}, Applied: []string{"1", "3"}, Fingerprint: strings.Repeat("b", 64), Release: 1}
	want := []release.Difference{
		{What: "target", Before: "create shop", After: "id"},
		{What: "applied", Added: []string{"3"}, Removed: []string{"2"}},
		{What: "schema", Before: "aaaaaaaa", After: "bbbbbbbb"},
	}
	if diff := cmp.Diff(want, release.Differences(a, b)); diff != "" {
		t.Error(diff)
	}
}

func TestABundleIsNamedByItsContentAlone(t *testing.T) {
	one := migrations.File{Name: "0001_a.sql", SQL: []byte("SELECT 1;")}
	two := migrations.File{Name: "0002_b.sql", SQL: []byte("SELECT 2;"), Down: []byte("SELECT 3;")}
	digest := release.DigestOf([]migrations.File{one, two})
	if digest != release.DigestOf([]migrations.File{one, two}) || len(digest) != 64 {
		t.Errorf("digest %s", digest)
	}
	seen := map[string]string{digest: "itself"}
	change := func(what string, files ...migrations.File) {
		d := release.DigestOf(files)
		if other, ok := seen[d]; ok {
			t.Errorf("%s has the digest of %s", what, other)
		}
		seen[d] = what
	}
	edited, renamed, emptyDown, noDown := two, two, two, two
	edited.SQL, renamed.Name, emptyDown.Down, noDown.Down = []byte("SELECT 2; "), "0003_b.sql", []byte{}, nil
	change("another order", two, one)
	change("a file less", one)
	change("nothing")
	change("an edited file", one, edited)
	change("a renamed file", one, renamed)
	change("an empty DOWN", one, emptyDown)
	change("no DOWN", one, noDown)
}

// TestARunIsTheSameAfterItLayInAStore fills every field of a run, so that one which is not kept is noticed.
func TestARunIsTheSameAfterItLayInAStore(t *testing.T) {
	var run release.Run
	fill(reflect.ValueOf(&run).Elem())
	content, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	var back release.Run
	if err := json.Unmarshal(content, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(run, back); diff != "" {
		t.Error(diff)
	}
	counted := release.RestorePoint{Rows: map[string]int64{}, Ledger: []string{}}
	content, _ = json.Marshal(counted)
	var point release.RestorePoint
	if err := json.Unmarshal(content, &point); err != nil || point.Rows == nil || point.Ledger == nil {
		t.Errorf("an empty count is taken for none: %s", content)
	}
}

// fill gives every field a value that is not zero.
func fill(v reflect.Value) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(2026, 11, 21, 12, 0, 0, 1, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint64:
		v.SetUint(7)
	case reflect.Float64:
		v.SetFloat(7)
	default:
		panic("a kind of field that this test does not know: " + v.Kind().String())
	}
}

func TestAPhaseIsOpenWhileTheRunCanStillChangeSomething(t *testing.T) {
	open := []release.Phase{release.Preparing, release.Asking, release.Queued, release.Executing}
	for _, p := range append(open, release.Done, release.Unchanged, release.Broken, release.Refused, release.Rejected, release.Expired, release.Overtaken, release.Unresolved, "") {
		if p.Open() != slices.Contains(open, p) {
			t.Errorf("%q is open: %t", p, p.Open())
		}
	}
}

func TestAVoteIsForOneDigest(t *testing.T) {
	run := release.Run{Approved: "new", Votes: []release.Vote{
		{By: release.Person{ID: 1}, Yes: true, Digest: "old"}, {By: release.Person{ID: 2}, Yes: true, Digest: "new"}, {By: release.Person{ID: 3}, Digest: "new"},
	}}
	if people := run.Approvers(); len(people) != 1 || people[0].ID != 2 {
		t.Errorf("approvers %v", people)
	}
	if run.Voted(1) || !run.Voted(2) || !run.Voted(3) {
		t.Error("who has voted is wrong")
	}
}

func TestTheNamesAfterAPlan(t *testing.T) {
	p := release.Plan{Applied: []string{"1"}, Pending: []release.Pending{{Name: "2"}, {Name: "3"}}}
	if got := p.After(); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("forward %q", got)
	}
	p.Back = &release.Back{Ledger: []string{"0"}}
	if got := p.After(); !slices.Equal(got, []string{"0"}) {
		t.Errorf("back %q", got)
	}
}

func TestARefusalListsWhatItIsAbout(t *testing.T) {
	r := release.Refuse(release.CodeEdited, "environment", "preview").Listing("a.sql", "b.sql")
	if r.Error() != "migration_edited: a.sql, b.sql" || r.Facts["environment"] != "preview" {
		t.Errorf("%s %v", r, r.Facts)
	}
	if plain := release.Refuse(release.CodeHold); plain.Error() != "hold_active" {
		t.Errorf("%s", plain)
	}
}

func TestARunThatChangedTheDatabaseOrMayHaveHasTouchedIt(t *testing.T) {
	for _, name := range []string{release.StepReset, release.StepApply, release.StepUndo, release.StepRestore} {
		for state, want := range map[release.StepState]bool{
			release.StepPlanned: false, release.StepIntent: false, release.StepFailed: false, release.StepDone: true, release.StepUnknown: true,
		} {
			run := release.Run{Steps: []release.Step{{Name: release.StepPoint, State: release.StepDone}, {Name: name, State: state}, {Name: release.StepVerify, State: release.StepPlanned}}}
			if got := run.Touched(); got != want {
				t.Errorf("%s %s: %v", name, state, got)
			}
		}
	}
	if read := (release.Run{Steps: []release.Step{{Name: release.StepFetch, State: release.StepDone}, {Name: release.StepBackup, State: release.StepDone}}}); read.Touched() || (release.Run{}).Touched() {
		t.Error("a run that only read has touched the database")
	}
}
