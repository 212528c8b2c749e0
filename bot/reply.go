package bot

import (
	"context"
	"strings"
	"time"
)

// reply hands on an answer in words to a card that asked for one. What begins
// with a slash is meant for somebody as a command.
func (b *Bot) reply(ctx context.Context, u queued, m *wireMessage, edited bool) error {
	q, ok := m.answered()
	if !ok || strings.TrimSpace(m.Text) == "" || strings.HasPrefix(m.Text, "/") {
		return nil
	}
	_, self := b.Self()
	if q.From == nil || q.From.ID != self {
		return nil
	}
	c, ok, err := b.outbox.asked(ctx, MessageRef{Chat: m.Chat.ID, Message: q.ID}, u.Received)
	if err != nil || !ok {
		return err
	}
	r := Reply{
		UpdateID: u.ID, Place: b.here(m), Message: m.ID, From: person(m.From), Data: c.Wanted.OnReply, Card: c.Key,
		Text: m.Text, Sent: m.sent(), Received: u.Received, Irregular: m.irregular(edited),
	}
	err = b.call(ctx, u, func(ctx context.Context) error { return b.handler.Reply(ctx, r) })
	return b.excuse(ctx, u, r.Place, r.Message, err)
}

// asked finds the card whose live message that is and which asks for an answer in
// words, at the time it was received.
func (o *Outbox) asked(ctx context.Context, on MessageRef, received time.Time) (Card, bool, error) {
	c, found, err := o.store.CardByMessage(ctx, on)
	if err == nil && !found && o.landing(ctx, on.Chat) {
		c, found, err = o.store.CardByMessage(ctx, on)
	}
	if err != nil || !found || c.Wanted.OnReply == "" {
		return Card{}, false, err
	}
	// An OnReply lives as long as a button of the frame.
	life := Token{Until: c.Wanted.Until, Shown: c.Changed}
	return c, !life.expired(received), nil
}

// landing waits for the delivery that is under way in a chat, for a moment: its
// message can be answered before its id came back. It tells whether there was one.
func (o *Outbox) landing(ctx context.Context, chat int64) bool {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	o.mu.Lock()
	key := ""
	for _, j := range o.jobs {
		if j.flying && j.chat == o.aliases.resolve(chat) {
			key = j.key // one at a time in a chat
		}
	}
	o.mu.Unlock()
	if key == "" {
		return false
	}
	if unlock, ok := o.lock(ctx, key); ok {
		unlock()
	}
	return true
}
