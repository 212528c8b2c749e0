package main

import (
	"errors"
	"time"

	"towline/bot"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/handlers"
	"towline/sandbox/page"
	"towline/sandbox/telegram"
)

// The demo's people, chat and account. None of them exists outside of it.
const (
	demoDeployer   = 1001
	demoApprover   = 1002
	demoStranger   = 1003
	demoAdmin      = 1006
	demoGroup      = -1001234567890
	demoProject    = "shop"
	demoProduction = "shop"
	demoPreview    = "shop-preview"
	demoAccount    = "00000000000000000000000000000001"
	demoBotToken   = "1:local-demo"
	demoAPIToken   = "local-demo"
)

// demoPerson is somebody whom the demo's user plays.
type demoPerson struct {
	id             int64
	name, username string
	role           gate.Role       // Stranger: not in the config
	status         telegram.Status // in the group
	about          string
}

func demoPeople() []demoPerson {
	return []demoPerson{
		{demoDeployer, "Dana", "dana_shop", gate.Deployer, telegram.Ordinary, "Writes the app. May deploy, and ask for production."},
		{demoApprover, "Robin", "robin_shop", gate.Approver, telegram.Creator, "May do what Dana may, and approve what others ask for."},
		{demoAdmin, "Alex", "alex_shop", gate.Admin, telegram.Ordinary, "May also go past the gates, with a reason and everybody told."},
		{demoStranger, "Sam", "", gate.Stranger, telegram.Ordinary, "Is in the chat, but not on the team's list."},
	}
}

// demoWiring is the config of a team with one project.
func demoWiring(s deploy.Source, people ...gate.Actor) *wiring {
	return &wiring{
		projects: []deploy.Project{{
			Name: demoProject, Source: s, Migrations: "db/migrations", Seed: "db/seed.sql",
			Preview: demoPreview, Production: demoProduction, ProductionApprovals: deploy.Approvals{Required: 1},
			Rehearse: deploy.Rehearse{Data: true, MaxAge: time.Minute}, Lint: deploy.Lint{ContractAfter: time.Minute},
		}},
		team: handlers.Team{
			People: people, Usernames: map[string]int64{},
			Projects: []handlers.Home{{Project: demoProject, Place: bot.Place{Chat: demoGroup}}},
		},
	}
}

// add puts somebody into the config.
func (w *wiring) add(p demoPerson) {
	w.team.People = append(w.team.People, gate.Actor{Person: release.Person{ID: p.id, Name: p.name}, Role: p.role})
	w.team.Usernames[p.username] = p.id
}

// demoTelegram goes on from a state, or begins it with the demo's people and their group.
func demoTelegram(state string) (*telegram.Server, error) {
	t, err := telegram.Open(telegram.Options{
		Token: demoBotToken, Unlimited: true, State: state,
		Bot: telegram.User{ID: 1, FirstName: "Towline", Username: "towline_bot", IsBot: true},
	})
	if err != nil {
		return nil, err
	}
	if len(t.Groups()) > 0 {
		return t, nil
	}
	var errs []error
	members := []telegram.Member{{User: 1, Status: telegram.Administrator}}
	for _, p := range demoPeople() {
		errs = append(errs, t.AddUser(telegram.User{ID: p.id, FirstName: p.name, Username: p.username}))
		members = append(members, telegram.Member{User: p.id, Status: p.status})
	}
	return t, errors.Join(append(errs, t.AddGroup(telegram.Group{ID: demoGroup, Title: "Shop team", Members: members}))...)
}

func demoMembers() []page.Member {
	var all []page.Member
	for _, p := range demoPeople() {
		all = append(all, page.Member{ID: p.id, Name: p.name, Role: p.role.String(), About: p.about})
	}
	return all
}

// demoTour leads a newcomer from the first deploy to the way back, and through what a team trusts it for.
func demoTour() []page.Step {
	ask := func(text string) page.Step { return page.Step{Text: text, As: demoDeployer, Press: "Promote"} }
	agree := func(text string) page.Step { return page.Step{Text: text, As: demoApprover, Press: "Approve"} }
	return []page.Step{
		{Title: "Put v1 on preview", Text: "Dana deploys the first version. The preview database is made on the way.", As: demoDeployer, Say: "/deploy v1"},
		{Title: "Ask for production", Text: "The card of the deploy has a Promote button. Dana presses it.", As: demoDeployer, Press: "Promote"},
		{Title: "Approve as somebody else", Text: "Dana may not approve her own request, and Sam none at all. Robin reads the SQL and approves.", As: demoApprover, Press: "Approve"},
		{Title: "See what it uses", Text: "The account has been busy for a month. What is read and written, what it costs, and when a limit comes near. The bot posts this each week.", As: demoDeployer, Say: "/usage"},
		{Title: "Find the slow query", Text: "One query reads the whole table for a single row. An index for it was tried on a copy.", As: demoDeployer, Say: "/slow"},
		{Text: "One tap makes the index the next migration file.", As: demoDeployer, Press: "Index for 1"},
		{Title: "Ship v2 the same way", Text: "v2 adds orders.", As: demoDeployer, Say: "/deploy v2"},
		ask("v2 is on preview. Dana asks for production."),
		agree("Robin approves. Once v2 is live, customers begin to order."),
		{Title: "A migration that fails", Text: "v3-broken has a typing mistake. It is found by a rehearsal, before any database is touched.", As: demoDeployer, Say: "/deploy v3-broken"},
		{Title: "Its repaired successor", Text: "v3 repairs it. Other content is a new release.", As: demoDeployer, Say: "/deploy v3"},
		ask("The repaired version is on preview. Dana asks for production."),
		agree("Robin approves once more."),
		{Title: "Go back", Text: "v3 only added to the schema, so that v2's code works on with it: nothing has to be undone. The card shows the other ways, and what they would cost.", As: demoDeployer, Say: "/rollback"},
		agree("Robin reads the price, and approves. Production is held afterwards."),
		{Text: "Nothing reaches production until somebody says why it may again.", As: demoDeployer, Say: "/unhold the cause is found"},
		{Title: "What D1 would do silently", Text: "v4-rebuild rebuilds a table as many tools do. Its orders would be deleted; Towline refuses.", As: demoDeployer, Say: "/deploy v4-rebuild"},
		{Title: "The same, safely", Text: "v4 makes the same change with the migration that towline rebuild writes: the orders are guarded, and it fails as a whole if a row were lost.", As: demoDeployer, Say: "/deploy v4"},
		ask("Dana asks for production. It is rehearsed on a copy of production's data first; the card has what that showed."),
		agree("A table is made anew, so a backup is taken before, and restored on this machine to prove that it can be."),
		{Title: "Look at the backups", Text: "How old they are, and which were restored for proof.", As: demoDeployer, Say: "/backups"},
		{Title: "Fill a column bit by bit", Text: "v5 adds a column. Its last file is a backfill: after v5 is live, the rows that were there are filled in small steps.", As: demoDeployer, Say: "/deploy v5"},
		{Title: "Keep production for yourself", Text: "Robin looks into the orders. Nobody else changes production meanwhile.", As: demoApprover, Say: "/lock looking into the orders"},
		{Text: "Dana asks for production all the same. The answer says who has it, why and until when.", As: demoDeployer, Say: "/promote"},
		{Text: "If it cannot wait, one tap takes the lock over. Robin is told.", As: demoDeployer, Press: "Take over"},
		{Title: "When nobody can approve", Text: "Alex goes past the lock and the approval. The card names each gate that would be skipped.", As: demoAdmin, Say: "/breakglass checkout is down"},
		{Text: "Alex confirms it. It stays on the release and in the weekly report.", As: demoAdmin, Press: "Break glass"},
		{Text: "The backfill rests while production is locked. Dana gives the lock back.", As: demoDeployer, Say: "/unlock"},
		{Title: "How far the backfill is", Text: "It has a card of its own, with Pause, Resume and Stop while it works. It looks every minute whether it may.", As: demoDeployer, Say: "/backfill"},
		{Title: "Who did what", Text: "Every command, vote and step is in the log, each entry chained to the one before it.", As: demoDeployer, Say: "/audit"},
	}
}
