package bot

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
)

// dispatch turns an update into a call of the handler and records its outcome.
func (b *Bot) dispatch(ctx context.Context, u queued) {
	outcome := Garbled
	if u.err != nil {
		b.log.Error("an update cannot be decoded and is left alone", "update", u.ID, "bytes", len(u.Raw), "error", u.err)
	} else {
		err := b.guarded(ctx, u)
		if err != nil && ctx.Err() != nil {
			b.log.Warn("stopped in the middle of an update, which will run again", "update", u.ID, "error", err)
			return
		}
		outcome = Done
		if err != nil {
			outcome = Failed
			b.log.Error("an update failed", "update", u.ID, "error", err)
		}
	}
	if err := b.store.Finish(context.WithoutCancel(ctx), u.ID, outcome); err != nil {
		b.log.Error("an update's outcome could not be stored; it will run again after a restart", "update", u.ID, "error", err)
	}
}

// route calls the handler for what an update is about. Most updates of a group
// are not for the bot and end here.
func (b *Bot) route(ctx context.Context, u queued) error {
	switch w := u.decoded; {
	case w.Message != nil && w.Message.MigratedTo != 0:
		return b.migrated(ctx, u, w.Message, w.Message.Chat.ID, w.Message.MigratedTo)
	case w.Message != nil && w.Message.MigratedFrom != 0:
		return b.migrated(ctx, u, w.Message, w.Message.MigratedFrom, w.Message.Chat.ID)
	case w.Message != nil:
		return b.command(ctx, u, w.Message, false)
	case w.EditedMessage != nil:
		return b.command(ctx, u, w.EditedMessage, true)
	case w.CallbackQuery != nil:
		return b.press(ctx, u, w.CallbackQuery)
	case w.MyChatMember != nil:
		return b.membership(ctx, u, w.MyChatMember)
	}
	return nil
}

// guarded is route, with a panic as an error: of a handler, or of what stands
// before it.
func (b *Bot) guarded(ctx context.Context, u queued) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = b.panicked(u, p)
		}
	}()
	return b.route(ctx, u)
}

// call runs a handler within its time limit and turns a panic into an error.
func (b *Bot) call(ctx context.Context, u queued, handle func(ctx context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, b.options.HandlerTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = b.panicked(u, p)
		}
	}()
	return handle(ctx)
}

func (b *Bot) panicked(u queued, p any) error {
	b.log.Error("a panic cost an update", "update", u.ID, "panic", p, "stack", string(debug.Stack()))
	return fmt.Errorf("bot: panicked: %v", p)
}

// here is the place of a message, with the id that its chat has now.
func (b *Bot) here(m *wireMessage) Place {
	p := m.place()
	p.Chat = b.aliases.resolve(p.Chat)
	return p
}

func (b *Bot) command(ctx context.Context, u queued, m *wireMessage, edited bool) error {
	username, _ := b.Self()
	name, args, ok := parseCommand(m.Text, m.Entities, username)
	if !ok {
		return b.reply(ctx, u, m, edited)
	}
	c := Command{
		UpdateID: u.ID, Place: b.here(m), Message: m.ID, From: person(m.From), Private: m.Chat.Type == "private",
		Name: name, Args: args, Text: m.Text, Sent: m.sent(), Received: u.Received, Irregular: m.irregular(edited),
		Mentions: mentions(m.Text, m.Entities, username), RepliesTo: m.repliesTo(),
	}
	err := b.call(ctx, u, func(ctx context.Context) error { return b.handler.Command(ctx, c) })
	return b.excuse(ctx, u, c.Place, c.Message, err)
}

// excuse says in the chat that a handler failed.
func (b *Bot) excuse(ctx context.Context, u queued, at Place, message int, err error) error {
	if err == nil || b.options.Failure == "" || ctx.Err() != nil {
		return err
	}
	frame := Frame{Place: at, ReplyTo: message, HTML: numbered(b.options.Failure, u.ID), Kind: KindAnswer, Final: true}
	return errors.Join(err, b.outbox.Want(ctx, "failure/"+strconv.FormatInt(u.ID, 10), frame))
}

// numbered puts an update's id into a text that has a place for it.
func numbered(text string, id int64) string {
	return strings.ReplaceAll(text, "%d", strconv.FormatInt(id, 10))
}

func (b *Bot) press(ctx context.Context, u queued, q *wireCallback) error {
	if q.Message == nil {
		return nil // of an inline message, which this bot never sends
	}
	answer := b.answerTo(ctx, u, q.ID)
	defer func() { answer(b.failed(u)) }() // where a panic leaves it unanswered
	on := MessageRef{Chat: q.Message.Chat.ID, Message: q.Message.ID}
	m, err := b.outbox.pressed(ctx, pressing{
		token: q.Data, on: on, by: q.From.ID, shown: q.Message.Markup.holds(q.Data), received: u.Received,
	})
	if err != nil {
		answer(b.failed(u))
		return err
	}
	if m.verdict != pressGood {
		answer(b.options.refusal(m.verdict))
		return nil
	}
	p := Press{
		UpdateID: u.ID, Place: b.here(q.Message), Message: q.Message.ID, From: person(&q.From),
		Data: m.data, Card: m.card, Current: m.current, Received: u.Received,
	}
	var toast Toast
	err = b.call(ctx, u, func(ctx context.Context) (err error) {
		toast, err = b.handler.Press(ctx, p)
		return err
	})
	if err != nil && toast == (Toast{}) {
		toast = b.failed(u)
	}
	answer(toast)
	return err
}

// failed is the toast for a press that the bot could not deal with.
func (b *Bot) failed(u queued) Toast {
	t := b.options.FailedPress
	t.Text = numbered(t.Text, u.ID)
	return t
}

// membership tells of the bot's own place in a chat.
func (b *Bot) membership(ctx context.Context, u queued, m *wireMember) error {
	e := Event{
		UpdateID: u.ID, Kind: BotChanged, Place: Place{Chat: b.aliases.resolve(m.Chat.ID)}, From: person(&m.From),
		Title: clean(m.Chat.Title), Status: m.New.Status, Received: u.Received,
	}
	was, is := inside(m.Old.Status), inside(m.New.Status)
	switch {
	case is && !was:
		e.Kind = BotAdded
	case was && !is:
		e.Kind = BotRemoved
	}
	if is {
		if err := b.outbox.revive(ctx, e.Place.Chat); err != nil {
			return err
		}
	}
	return b.event(ctx, u, e)
}

// inside tells whether a ChatMember.status can be in the chat.
func inside(status string) bool { return status != "" && status != "left" && status != "kicked" }

// migrated stores a group's new id and tells of it. Both the old and the new
// group hold a message about it, and a refused request tells it as well.
func (b *Bot) migrated(ctx context.Context, u queued, m *wireMessage, from, to int64) error {
	if err := b.aliases.set(ctx, from, to); err != nil {
		return err
	}
	if err := b.outbox.rehome(ctx, from); err != nil {
		return err
	}
	return b.event(ctx, u, Event{
		UpdateID: u.ID, Kind: ChatMigrated, Place: Place{Chat: from}, NewChat: to, From: person(m.From),
		Title: clean(m.Chat.Title), Received: u.Received,
	})
}

// event tells a handler that wants to know.
func (b *Bot) event(ctx context.Context, u queued, e Event) error {
	h, ok := b.handler.(EventHandler)
	if !ok {
		return nil
	}
	return b.call(ctx, u, func(ctx context.Context) error { return h.Event(ctx, e) })
}
