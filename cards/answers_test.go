package cards_test

import (
	"testing"
	"time"

	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
)

func live(number uint64) *release.Release {
	return &release.Release{Project: "shop", Number: number, Digest: digest, CreatedBy: dana, CreatedAt: noon,
		Origin:     release.Origin{Ref: "main", Commit: "a1b2c3d4"},
		Migrations: []release.Migration{{Name: "0007_orders.sql"}}, Files: 1}
}

func environments(change func(preview, production *deploy.EnvironmentStatus)) deploy.Status {
	preview := deploy.EnvironmentStatus{Environment: release.Preview, Database: "shop-preview", Exists: true, Applied: 9, Live: live(42),
		State: release.State{Live: 42, LiveSince: noon}}
	production := deploy.EnvironmentStatus{Environment: release.Production, Database: "shop", Exists: true, Applied: 1008, Live: live(41),
		State: release.State{Live: 41, LiveSince: noon.Add(-48 * time.Hour)}}
	change(&preview, &production)
	return deploy.Status{Project: "shop", Environments: []deploy.EnvironmentStatus{preview, production}}
}

func TestStatus(t *testing.T) {
	type env = deploy.EnvironmentStatus
	request := run(release.Promote, release.Asking)
	working := run(release.Promote, release.Executing)
	all := map[string]cards.Card{}
	for name, change := range map[string]func(preview, production *env){
		"nothing yet": func(a, b *env) {
			*a = env{Environment: release.Preview, Database: "shop-preview"}
			*b = env{Environment: release.Production, Database: "shop"}
		},
		"preview is ahead":     func(*env, *env) {},
		"both the same":        func(_, b *env) { b.Live, b.State.Live = live(42), 42 },
		"waiting for approval": func(_, b *env) { b.Request = &request },
		"running, with a queue": func(_, b *env) {
			b.Running, b.Waiting = &working, 2
		},
		"held": func(_, b *env) {
			b.State.Hold = &release.Hold{Reason: "Rollback to #41", By: robin, At: noon}
		},
		"locked": func(a, b *env) {
			a.State.Lock = &release.Lock{By: robin, Reason: "trying the import", At: noon, Until: noon.Add(90 * time.Minute)}
			b.State.Lock = &release.Lock{By: kim, Reason: "load test", At: noon, Until: noon.Add(48 * time.Hour)}
		},
		"held on preview": func(a, _ *env) {
			a.State.Hold = &release.Hold{Reason: "the seed is broken", By: robin, At: noon}
		},
		"frozen by hand":         func(_, b *env) { b.State.Freeze = &launch },
		"frozen by the calendar": func(_, b *env) { b.Calendar, b.Freezes = weekend, noon.Add(168*time.Hour) },
		"a freeze to come":       func(_, b *env) { b.Freezes = noon.Add(30 * time.Hour) },
		"somebody is alone": func(_, b *env) {
			b.Lonely = []deploy.Lonely{{Who: robin, Need: 1}, {Who: dana, Need: 2, Have: 1}, {Who: kim, Need: 2, Have: 1}}
		},
		"unknown":            func(_, b *env) { b.State.Unresolved = true },
		"D1 cannot be asked": func(_, b *env) { b.Problem, b.Exists = "look for database shop: timeout", false },
		"the ledger differs": func(a, b *env) {
			a.Behind, b.Foreign = []string{"0007_orders.sql"}, []string{"1.sql", "2.sql", "3.sql", "4.sql", "5.sql"}
		},
	} {
		all[name] = cards.StatusOf(environments(change))
	}
	golden(t, "status", all)
}

func TestReleases(t *testing.T) {
	list := []deploy.Listed{
		{Release: *live(42), Preview: release.Live, Production: release.Waiting},
		{Release: *live(41), Preview: release.Superseded, Production: release.Live},
		{Release: *live(40), Preview: release.Failed},
		{Release: *live(39), Preview: release.Running, Production: release.RolledBack},
	}
	golden(t, "releases", map[string]cards.Card{
		"none": cards.ReleasesOf("shop", nil, false), "all of them": cards.ReleasesOf("shop", list, false), "a page": cards.ReleasesOf("shop", list, true),
	})
}

func TestTheOtherAnswers(t *testing.T) {
	helps := []cards.Help{
		{Topic: "Ship", Name: "deploy", Args: "[project] [ref]", Does: "Put a version on preview", Role: "deployer", Examples: []string{"/deploy", "/deploy shop main"}},
		{Topic: "Ship", Name: "promote", Args: "[project] [#release]", Does: "Ask for production", Role: "deployer"},
		{Topic: "Look", Name: "status", Args: "[project]", Does: "How things stand", Role: "viewer"},
	}
	golden(t, "answers", map[string]cards.Card{
		"help":                       cards.HelpFor("Dana", "deployer", helps, nil),
		"help for a viewer":          cards.HelpFor("Val", "viewer", nil, helps),
		"help on one":                cards.HelpOn(helps[0]),
		"unknown command, near":      cards.UnknownCommand("deplyo", "deploy"),
		"unknown command, not":       cards.UnknownCommand("brew", ""),
		"whoami":                     cards.WhoAmI(cards.Who{ID: 1001, Name: "Dana", Role: "deployer", Chat: group, Projects: []string{"shop", "blog"}}),
		"whoami in a topic":          cards.WhoAmI(cards.Who{ID: 1003, Name: "Sam", Role: "stranger", Chat: group, Topic: 7}),
		"pick a project":             cards.Pick(cards.PickProject("deploy"), []cards.Button{{Text: "shop", Action: cards.Do(cards.Deploy, "shop")}, {Text: "blog", Action: cards.Do(cards.Deploy, "blog")}, {Text: "api", Action: cards.Do(cards.Deploy, "api")}}),
		"pick a version":             cards.Pick(cards.PickRef("shop", false), []cards.Button{{Text: "v1", Action: cards.Do(cards.Deploy, "shop", "v1")}}),
		"pick a version to rebuild":  cards.Pick(cards.PickRef("shop", true), []cards.Button{{Text: "v1", Action: cards.Do(cards.Reset, "shop", "v1")}}),
		"chosen":                     cards.Chosen("shop", "v1", "Dana", false),
		"chosen, reset":              cards.Chosen("shop", "", "Dana", true),
		"run now":                    cards.RanNow("/deploy shop main", "Dana"),
		"a press without membership": cards.NotCounted(),
		"no longer held":             cards.Unheld("shop", release.Production, "fixed by #43", robin),
	})
}

func TestAnActionIsReadAsItWasWritten(t *testing.T) {
	for _, args := range [][]string{nil, {""}, {"shop", ""}, {"a b", "c%d", "ü & +", "\n"}, {"1001", "/deploy shop feature/x  y"}} {
		want := cards.Do(cards.Deploy, args...)
		got, err := cards.ParseAction(want.String())
		if err != nil || got.String() != want.String() || len(got.Args) != len(args) {
			t.Errorf("%q became %q (%v)", args, got.Args, err)
		}
		for i := range args {
			if got.Arg(i) != args[i] {
				t.Errorf("%q became %q", args[i], got.Arg(i))
			}
		}
	}
	if _, err := cards.ParseAction("deploy %zz"); err == nil {
		t.Error("a broken action was read")
	}
	if got := cards.Do(cards.Deploy).Arg(3); got != "" {
		t.Errorf("an argument that is not there is %q", got)
	}
}
