// Package handlers is where the chat meets the engine: an update becomes a decision of deploy, and what deploy stored
// becomes the cards that people see.
//
// There is one file for each chat command, and help.go beside them gathers what each says of itself. press.go takes
// buttons, which mean the same as commands. admit.go decides who is heard at all. projector.go follows the engine's
// events and keeps one living card for each run. No words are made here: they are in package cards.
package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/deploy/slow"
	"towline/migrations"
	"towline/usage"
	"towline/usage/alert"
	"towline/usage/chart"
)

// Engine is what the handlers ask of package deploy.
type Engine interface {
	PreviewKeeper
	Reported

	Deploy(ctx context.Context, r deploy.Request, ref string, reset bool) (release.Run, error)
	Promote(ctx context.Context, r deploy.Request, number uint64) (release.Run, error)
	Rollback(ctx context.Context, r deploy.Request, number uint64) (release.Run, error)
	BreakGlass(ctx context.Context, r deploy.Request, kind release.Kind, number uint64, reason string) (release.Run, error)
	Vote(ctx context.Context, b deploy.Ballot) (release.Run, error)
	Resolve(ctx context.Context, id string, by gate.Actor, look bool) (release.Run, error)
	Cancel(ctx context.Context, r deploy.Request, id string) (release.Run, error)
	Backfills(ctx context.Context, project string) ([]deploy.BackfillStatus, error)
	PauseBackfill(ctx context.Context, r deploy.Request, id string) (release.Run, error)
	ResumeBackfill(ctx context.Context, r deploy.Request, id string) (release.Run, error)
	StopBackfill(ctx context.Context, r deploy.Request, id string) (release.Run, error)
	Drill(ctx context.Context, r deploy.Request) (result release.Drill, begun bool, err error)
	Adopt(ctx context.Context, r deploy.Request, key string) (release.Drift, error)
	Investigate(ctx context.Context, r deploy.Request, key string) (deploy.DriftView, error)
	Baseline(ctx context.Context, r deploy.Request, upTo string) (release.Run, error)
	ChooseWay(ctx context.Context, r deploy.Request, id, digest string, way release.Way) (release.Run, error)

	LockFor(ctx context.Context, r deploy.Request, env release.Environment, span time.Duration, reason string) (release.Lock, error)
	Unlock(ctx context.Context, r deploy.Request, env release.Environment) (release.Lock, error)
	TakeOver(ctx context.Context, r deploy.Request, env release.Environment) (release.Lock, error)
	Hold(ctx context.Context, r deploy.Request, env release.Environment, reason string) error
	Unhold(ctx context.Context, r deploy.Request, env release.Environment, reason string) error
	FreezeNow(ctx context.Context, r deploy.Request, span time.Duration, reason string) (release.Freeze, error)
	Unfreeze(ctx context.Context, r deploy.Request) error
	Delegate(ctx context.Context, r deploy.Request, to release.Person, until time.Time) (release.Delegation, error)
	AddNote(ctx context.Context, r deploy.Request, number uint64, text string) (release.Release, error)
	Heard(ctx context.Context, r deploy.Request, text string) error
	TurnedAway(ctx context.Context, r deploy.Request, act string, why *release.Refusal)

	Project(name string) (deploy.Project, bool)
	Status(ctx context.Context, project string) (deploy.Status, error)
	Releases(ctx context.Context, project string, below uint64, limit int) ([]deploy.Listed, error)
	Choices(ctx context.Context, project string) ([]string, error)
	State(ctx context.Context, project string, env release.Environment) (release.State, error)
	People(ctx context.Context) ([]deploy.Standing, error)
	Log(ctx context.Context, project string, limit int) ([]audit.Entry, error)
	Lonely(ctx context.Context, project string) (map[release.Environment][]deploy.Lonely, error)
	OpenRuns(ctx context.Context, project string) ([]release.Run, error)
	FindRun(ctx context.Context, id string) (release.Run, bool, error)
	Script(ctx context.Context, plan release.Plan) ([]migrations.Transaction, error)
	Report(ctx context.Context, plan release.Plan) ([]byte, error)
	Contract(ctx context.Context, project string) (deploy.Contract, error)
	Slow(ctx context.Context, project string) (slow.Report, error)
	IndexMigration(ctx context.Context, project string, i slow.Proposal) (slow.Migration, error)
	BackupsOf(ctx context.Context, project string, limit int) ([]deploy.Backup, error)
	Events(ctx context.Context, after uint64, limit int) ([]deploy.Event, error)
	Changed() <-chan struct{}
}

// Outbox delivers what people should see. Want returns once it is stored; Renew gives a card's buttons new tokens.
type Outbox interface {
	Want(ctx context.Context, key string, f bot.Frame) error
	Renew(ctx context.Context, key string) error
}

// Members tells who is in a chat now.
type Members interface {
	Member(ctx context.Context, chat, user int64) (bot.Membership, error)
}

// Team is who may do what, and which project belongs to which chat. It is read anew for every update.
type Team struct {
	People   []gate.Actor // with what is lent to them
	Projects []Home
	// Usernames are those of the config, in lower case and without the @. They find somebody who is named in a command.
	Usernames map[string]int64
	// Zone is where the team's days begin; nil: UTC.
	Zone *time.Location
	// Report is when the weekly report is due; nil: never.
	Report Schedule
	// Alerts are the limits, and what people want to hear of them.
	Alerts alert.Rules
	// Charts is how the charts of reports are drawn; empty: light.
	Charts chart.Theme
}

// Home is where a project is talked about. Without a topic it is every topic of the chat.
type Home struct {
	Project string
	Place   bot.Place
}

// Handlers handles what people send. It is safe for concurrent use.
type Handlers struct {
	engine  Engine
	outbox  Outbox
	members Members
	team    func(context.Context) Team
	reload  func(ctx context.Context, by release.Person) (Reloaded, error)
	compare func(web, from, to string) string
	now     func() time.Time
	log     *slog.Logger
	visits  *visits
	alarm   alarm
}

// Options are what Handlers is made of.
type Options struct {
	Engine Engine
	Outbox Outbox
	// Members is asked about whoever presses a button. nil: there is no chat, and nobody presses.
	Members Members
	Team    func(context.Context) Team
	// Reload reads the config again, all or nothing; nil where there is none to read.
	Reload func(ctx context.Context, by release.Person) (Reloaded, error)
	// Compare makes the address of a page that compares two commits, empty where the host has none.
	Compare func(web, from, to string) string
	// Usage is what was counted, and AlertStore keeps the alerts about it. nil: nothing is counted, and there are none.
	Usage      usage.Reader
	AlertStore alert.Store
	Now        func() time.Time
	Log        *slog.Logger
}

// New makes the handlers.
func New(o Options) *Handlers {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Handlers{
		engine: o.Engine, outbox: o.Outbox, members: o.Members, team: o.Team, reload: o.Reload, compare: o.Compare, now: o.Now, log: o.Log, visits: newVisits(),
		alarm: alarm{use: o.Usage, store: o.AlertStore},
	}
}

var _ bot.Handler = (*Handlers)(nil)

// ask is one request of a person, taken apart: typed as a command, or meant by a button.
type ask struct {
	key     string // unique for the update
	place   bot.Place
	message int // to reply to, 0 for none
	by      gate.Actor
	team    Team
	text    string // the whole command
	args    []string
	// mentions are the people named in the command, and repliesTo the author of the message that it answers.
	mentions  []bot.Person
	repliesTo *bot.Person
	// addressed: it can only be meant for this bot, being private or typed as /command@bot.
	addressed bool
	// terminal: it was typed on the command line, which is in no chat and may name every project.
	terminal bool
	// here is whether the person is in the chat, where they pressed something.
	here gate.Fact[bool]
}

func (a ask) request(project string) deploy.Request {
	r := deploy.Request{Project: project, By: a.by, Key: a.key}
	if !a.terminal {
		r.ReplyTo = address(a.place, a.message)
	}
	return r
}

// command is one chat command: what it says of itself, and what it does.
type command struct {
	help   cards.Help
	needs  gate.Role
	handle func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error)
}

// commands lists the chat's commands by what they are for, in the order in which one needs them.
func commands() []command {
	var all []command
	for _, t := range []struct {
		topic string
		of    []command
	}{
		{"Ship", []command{
			deployCommand(), promoteCommand(), rejectCommand(), cancelCommand(), backfillCommand(), rollbackCommand(), previewCommand(), breakglassCommand(), baselineCommand(),
		}},
		{"Look", []command{statusCommand(), releasesCommand(), usageCommand(), reportCommand(), contractCommand(), slowCommand(), backupsCommand(), drillCommand(), auditCommand(), peopleCommand()}},
		{"Stop changes", []command{lockCommand(), unlockCommand(), holdCommand(), unholdCommand(), freezeCommand()}},
		{"The rest", []command{noteCommand(), delegateCommand(), reloadCommand(), helpCommand(), whoamiCommand()}},
	} {
		for _, c := range t.of {
			c.help.Topic = t.topic
			all = append(all, c)
		}
	}
	return all
}

// Menu is the commands as Telegram's menu shows them.
func Menu() []bot.MenuCommand {
	var menu []bot.MenuCommand
	for _, c := range commands() {
		menu = append(menu, bot.MenuCommand{Name: c.help.Name, Description: c.help.Does})
	}
	return menu
}

// Command handles one chat command. It runs again with the same update after a crash, and then does nothing twice.
func (h *Handlers) Command(ctx context.Context, c bot.Command) error {
	a, card, heard := h.admit(ctx, c)
	if !heard {
		return nil
	}
	if err := h.engine.Heard(ctx, a.request(a.about()), a.text); err != nil {
		return err
	}
	if card == nil {
		var err error
		if card, err = h.run(ctx, a, c.Name); err != nil {
			return err
		}
	}
	return h.reply(ctx, a, card)
}

// run finds the command and carries it out. Its refusals become cards.
func (h *Handlers) run(ctx context.Context, a ask, name string) (*cards.Card, error) {
	for _, c := range commands() {
		if c.help.Name != name && !(name == "start" && c.help.Name == "help") {
			continue
		}
		if r := gate.Needs(a.by, c.needs, c.help.Name); r != nil {
			h.engine.TurnedAway(ctx, a.request(a.about()), c.help.Name, r)
			return h.refused(a, r), nil
		}
		card, err := c.handle(ctx, h, a)
		if err == nil {
			return card, nil
		}
		return h.explain(ctx, a, err)
	}
	near := nearest(name)
	if near == "" && !a.addressed {
		return nil, nil // another bot's, as far as anybody can tell
	}
	unknown := cards.UnknownCommand(name, near)
	return &unknown, nil
}

// known reports whether a command is one of ours.
func known(name string) bool {
	return name == "start" || slices.ContainsFunc(commands(), func(c command) bool { return c.help.Name == name })
}

// explain turns an error into what to say about it. What is no refusal is the program's fault, and goes to the log.
func (h *Handlers) explain(ctx context.Context, a ask, err error) (*cards.Card, error) {
	r, ok := deploy.IsRefusal(err)
	if !ok {
		return nil, err
	}
	if outside, ok := errors.AsType[*deploy.OutsideError](err); ok {
		h.log.WarnContext(ctx, "refused, since something outside could not be read", "code", r.Code, "error", outside.Err)
	}
	return h.refused(a, r), nil
}

func (h *Handlers) refused(a ask, r *release.Refusal) *cards.Card {
	project := ""
	if here := a.projects(); len(here) == 1 {
		project = here[0]
	}
	card := cards.Refusal(r, project)
	return &card
}

// reply posts the answer to an ask. The key makes a repeated handling of the same update the same message.
func (h *Handlers) reply(ctx context.Context, a ask, card *cards.Card) error {
	if card == nil {
		return nil
	}
	f := frame(*card, a.place, a.message)
	f.Final = true
	return h.outbox.Want(ctx, replies+a.key, f)
}

// replies is how the keys of answers begin; those of runs begin otherwise.
const replies = "reply/"

// frame is a card as the bot posts it.
func frame(c cards.Card, place bot.Place, replyTo int) bot.Frame {
	f := bot.Frame{Place: place, ReplyTo: replyTo, HTML: c.HTML, Notify: c.Notify, Until: c.Until}
	if c.OnReply.Verb != "" {
		f.OnReply = c.OnReply.String()
	}
	for _, row := range c.Buttons {
		var out []bot.Button
		for _, b := range row {
			button := bot.Button{Text: b.Text, URL: b.URL, Copy: b.Copy, Style: string(b.Style), For: b.For}
			if b.Action.Verb != "" {
				button.Data = b.Action.String()
			}
			out = append(out, button)
		}
		f.Buttons = append(f.Buttons, out)
	}
	return f
}

// projects are those whose chat the ask came from.
func (a ask) projects() []string {
	var out []string
	for _, p := range a.team.Projects {
		if a.terminal || p.Place.Chat == a.place.Chat && (p.Place.Topic == 0 || p.Place.Topic == a.place.Topic) {
			out = append(out, p.Project)
		}
	}
	return out
}

// project takes the project off the arguments. Where it is left out, the chat's only one is meant; where the chat has
// several, card asks which.
func (a ask) project(verb cards.Verb, name string) (project string, rest []string, card *cards.Card, err error) {
	here := a.projects()
	if project, err = a.firstWord(); project != "" || err != nil {
		return project, a.args[1:], nil, err
	}
	switch {
	case len(here) == 1:
		return here[0], a.args, nil, nil
	case len(here) == 0:
		return "", nil, nil, release.Refuse(release.CodeWrongChat)
	case len(a.args) > 0 && len(a.args) != 1:
		return "", nil, nil, release.Refuse(release.CodeUnknownProject, "project", a.args[0]).Listing(here...)
	}
	var choices []cards.Button
	for _, p := range here {
		choices = append(choices, cards.Button{Text: p, Action: cards.Do(verb, append([]string{p}, a.args...)...)})
	}
	pick := cards.Pick(cards.PickProject(name), choices)
	return "", nil, &pick, nil
}

// firstWord is the project that the first argument names, empty if it names none. One of another chat is refused.
func (a ask) firstWord() (project string, err error) {
	if len(a.args) == 0 {
		return "", nil
	}
	is := func(p string) bool { return strings.EqualFold(p, a.args[0]) }
	here := a.projects()
	if i := slices.IndexFunc(here, is); i >= 0 {
		return here[i], nil
	}
	if i := slices.IndexFunc(a.team.Projects, func(h Home) bool { return is(h.Project) }); i >= 0 {
		return "", release.Refuse(release.CodeWrongChat, "project", a.team.Projects[i].Project)
	}
	return "", nil
}

// onlyProject is project for a command that takes nothing else: any other word was meant for one, and there is none of that name.
func (a ask) onlyProject(verb cards.Verb, name string) (project string, card *cards.Card, err error) {
	project, rest, card, err := a.project(verb, name)
	if card != nil {
		rest = a.args // none of them was a project
	}
	if err == nil && len(rest) > 0 {
		return "", nil, release.Refuse(release.CodeUnknownProject, "project", rest[0]).Listing(a.projects()...)
	}
	return project, card, err
}

// about is the project that a command is probably about, for the log: the one that is named, or the chat's only one.
func (a ask) about() string {
	here := a.projects()
	for _, arg := range a.args {
		if contains(here, arg) {
			return strings.ToLower(arg)
		}
	}
	if len(here) == 1 {
		return here[0]
	}
	return ""
}

// contains tells whether a list has a word, in whatever case.
func contains(list []string, word string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, word) })
}

// address keeps, with a run, where its request came from; parseAddress reads it.
func address(p bot.Place, message int) string {
	return fmt.Sprintf("%d/%d/%d", p.Chat, p.Topic, message)
}

func parseAddress(s string) (p bot.Place, message int, ok bool) {
	n, err := fmt.Sscanf(s, "%d/%d/%d", &p.Chat, &p.Topic, &message)
	return p, message, err == nil && n == 3
}
