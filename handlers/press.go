package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// Press handles one press of a button. A refusal is a private toast; the group sees only what changed.
func (h *Handlers) Press(ctx context.Context, p bot.Press) (bot.Toast, error) {
	team := h.team(ctx)
	a := ask{
		key: updateKey(p.UpdateID, p.Received), place: p.Place, message: p.Message, team: team,
		by: gate.Actor{Person: release.Person{ID: p.From.ID, Name: p.From.Name}, Role: team.role(p.From.ID)},
	}
	action, err := cards.ParseAction(p.Data)
	if err != nil {
		return bot.Toast{}, err
	}
	if r := gate.Needs(a.by, gate.Viewer, string(action.Verb)); r != nil {
		return refusedPress(r), nil
	}
	if !looks(action.Verb) {
		a.here, a.by.Anonymous = h.member(ctx, p.Place.Chat, p.From.ID)
	}
	toast, err := h.act(ctx, a, p, action)
	if err == nil {
		return bot.Toast{Text: toast}, nil
	}
	if r, ok := deploy.IsRefusal(err); ok {
		h.log.InfoContext(ctx, "press refused", "code", r.Code, "verb", action.Verb, "update", p.UpdateID)
		if action.Verb == cards.Approve && a.here.Problem == cards.NoMembership(false) {
			card := cards.NotCounted() // Telegram is in trouble, and may not show the toast
			err = h.reply(ctx, a, &card)
			return refusedPress(r), err
		}
		return refusedPress(r), nil
	}
	return bot.Toast{}, err
}

// looks tells whether a button only shows something, so that it does not matter whether whoever pressed it is in the chat still.
func looks(v cards.Verb) bool {
	return slices.Contains([]cards.Verb{cards.Status, cards.Releases, cards.Contract, cards.Backups, cards.SlowQueries, cards.UsageChart, cards.InWords}, v)
}

// member finds out whether somebody is in a chat now. Whoever may be acting anonymously is taken to be: a name that was
// shown cannot be taken back.
func (h *Handlers) member(ctx context.Context, chat, person int64) (here gate.Fact[bool], anonymous bool) {
	if h.members == nil {
		return gate.Unknown[bool]("there is no chat to be a member of"), false
	}
	at := h.now()
	m, err := h.members.Member(ctx, chat, person)
	if err != nil {
		h.log.WarnContext(ctx, "Telegram does not say who is in a chat", "chat", chat, "error", err)
		return gate.Unknown[bool](cards.NoMembership(errors.Is(err, bot.ErrNotAdmin))), true
	}
	return gate.Known(m.In, at), m.Anonymous
}

func refusedPress(r *release.Refusal) bot.Toast {
	return bot.Toast{Text: cards.RefusalToast(r), Alert: true}
}

// act does what a button means, and says the toast for it.
func (h *Handlers) act(ctx context.Context, a ask, p bot.Press, action cards.Action) (string, error) {
	if toast, ours, err := h.ofState(ctx, a, p, action); ours {
		return toast, err
	}
	switch action.Verb {
	case cards.Approve, cards.Reject, cards.Because, cards.Look, cards.Settle, cards.Rehearsal:
		if err := h.belongs(ctx, a, action.Arg(0)); err != nil {
			return "", err
		}
	}
	switch action.Verb {
	case cards.Approve, cards.Reject:
		return h.vote(ctx, a, p, action)
	case cards.Because:
		return h.because(ctx, a, p, action)
	case cards.Look, cards.Settle:
		look := action.Verb == cards.Look
		_, err := h.engine.Resolve(ctx, action.Arg(0), a.by, look)
		if look {
			return cards.Looking, err
		}
		return cards.Settled, err
	case cards.AskDelete, cards.AskEmpty, cards.DeleteNow, cards.EmptyNow, cards.KeepIt:
		return h.previewPress(ctx, a, p, action)
	case cards.Rehearsal:
		return h.postReport(ctx, a, action.Arg(0))
	case cards.RefusedReport:
		return h.postRefused(ctx, a, action)
	case cards.IndexFile:
		return h.indexFile(ctx, a, action)
	case cards.UsageChart:
		return h.chartPress(ctx, a, p, action)
	case cards.InWords:
		return h.wordsPress(ctx, a, p, action)
	case cards.Mute, cards.Unmute:
		return h.mute(ctx, a, p, action)
	case cards.Status, cards.Releases, cards.Backfills, cards.Freeze, cards.Audit, cards.Contract, cards.Backups, cards.SlowQueries:
		return h.refresh(ctx, a, p, action)
	}
	if !p.Current {
		return "", release.Refuse(release.CodeStaleButton)
	}
	if action.Verb == cards.RunNow {
		return h.runNow(ctx, a, p, action)
	}
	return h.start(ctx, a, p, action)
}

// belongs refuses a press that comes from a chat where the run's project is not talked about: what a button stands for
// can be sent from anywhere.
func (h *Handlers) belongs(ctx context.Context, a ask, id string) error {
	run, ok, err := h.engine.FindRun(ctx, id)
	if err != nil {
		return err
	}
	if !ok {
		return release.Refuse(release.CodeStaleButton)
	}
	if !a.pressable(run.Project) {
		return release.Refuse(release.CodeWrongChat, "project", run.Project)
	}
	return nil
}

// pressable reports whether a project is talked about in the chat of a press. Its topic does not matter: a button works on
// the bot's own message alone, and that stands elsewhere in the chat once the topic is gone.
func (a ask) pressable(project string) bool {
	return slices.ContainsFunc(a.team.Projects, func(h Home) bool {
		return h.Place.Chat == a.place.Chat && strings.EqualFold(h.Project, project)
	})
}

// start does what the command of the same name would.
func (h *Handlers) start(ctx context.Context, a ask, p bot.Press, action cards.Action) (string, error) {
	project := action.Arg(0)
	if !a.pressable(project) {
		return "", release.Refuse(release.CodeWrongChat, "project", project)
	}
	request := a.request(project)
	switch action.Verb {
	case cards.Deploy, cards.Reset:
		a.key = "press/" + p.Card + "/" + action.String() // a second tap is the same run
		return h.chosen(ctx, a, p, action)
	case cards.Promote, cards.Rollback:
		var number uint64
		if action.Arg(1) != "" {
			var err error
			if number, err = strconv.ParseUint(strings.TrimPrefix(action.Arg(1), "#"), 10, 64); err != nil {
				return "", fmt.Errorf("button %q: %w", action, err)
			}
		}
		ask := h.engine.Promote
		if action.Verb == cards.Rollback {
			ask = h.engine.Rollback
		}
		_, err := ask(ctx, request, number)
		return cards.AskedFor, err
	case cards.Cancel:
		return h.cancelRun(ctx, a, p, action)
	case cards.Pause, cards.Resume, cards.Stop:
		return h.backfillPress(ctx, a, p, action)
	case cards.Unlock, cards.TakeOver, cards.Extend:
		return h.lockPress(ctx, a, p, action)
	}
	return "", release.Refuse(release.CodeStaleButton)
}

// chosen deploys what a button names. A question that the bot asked is answered by that, and loses its buttons.
func (h *Handlers) chosen(ctx context.Context, a ask, p bot.Press, action cards.Action) (string, error) {
	project, ref, reset := action.Arg(0), action.Arg(1), action.Verb == cards.Reset
	var rest []string
	if ref != "" {
		rest = []string{ref}
	}
	card, err := h.deploy(ctx, a, project, rest, reset)
	if err != nil {
		return "", err
	}
	if card != nil {
		return "", h.replace(ctx, p, *card) // the next question
	}
	if strings.HasPrefix(p.Card, replies) {
		return cards.Started, h.replace(ctx, p, cards.Chosen(project, ref, a.by.Shown(), reset))
	}
	return cards.Started, nil
}

// replace shows another card in the place of the one that was pressed.
func (h *Handlers) replace(ctx context.Context, p bot.Press, card cards.Card) error {
	f := frame(card, p.Place, 0)
	f.Final = true
	return h.outbox.Want(ctx, p.Card, f)
}

// refresh renders an answer again, in place.
func (h *Handlers) refresh(ctx context.Context, a ask, p bot.Press, action cards.Action) (string, error) {
	a.args = action.Args
	card, err := h.run(ctx, a, string(action.Verb))
	if err != nil || card == nil {
		return "", err
	}
	return cards.Fresh, h.replace(ctx, p, *card)
}

// runNow carries out a command that was too old when it came, for the one who sent it, once.
func (h *Handlers) runNow(ctx context.Context, a ask, p bot.Press, action cards.Action) (string, error) {
	if action.Arg(0) != strconv.FormatInt(a.by.ID, 10) {
		return cards.NotYours, nil
	}
	words := strings.Fields(action.Arg(1))
	if len(words) == 0 {
		return "", release.Refuse(release.CodeStaleButton)
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(words[0]), "/"), "@")
	a.key, a.args = "press/"+p.Card, words[1:] // a second tap is the same request
	card, err := h.run(ctx, a, name)
	if err != nil {
		return "", err
	}
	if err := h.reply(ctx, a, card); err != nil {
		return "", err
	}
	return cards.Started, h.replace(ctx, p, cards.RanNow(action.Arg(1), a.by.Shown()))
}
