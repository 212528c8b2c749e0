package bot

import (
	"context"
	"errors"
	"time"
)

// revive delivers again what was parked in a chat, which the bot can post in
// again.
func (o *Outbox) revive(ctx context.Context, chat int64) error {
	for _, name := range o.aliases.names(chat) {
		keys, err := o.store.ParkedIn(ctx, name)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if err := o.rearrange(ctx, key, func(c Card) (Card, error) { c.Parked = ""; return c, nil }); err != nil {
				return err
			}
		}
	}
	return nil
}

// rehome makes the cards of a group that became a supergroup cards of the new
// one. Messages of the old group cannot be edited, nor can their buttons be
// pressed: what somebody is still to act on is posted anew, and the rest with its
// next frame.
func (o *Outbox) rehome(ctx context.Context, from int64) error {
	keys, err := o.store.CardsIn(ctx, from)
	if err != nil {
		return err
	}
	to := o.aliases.resolve(from)
	for _, key := range keys {
		err := o.rearrange(ctx, key, func(c Card) (Card, error) {
			if c.Chat != from || o.aliases.resolve(c.Wanted.Place.Chat) != to {
				return c, errUnchanged
			}
			return c.moved(to, o.now())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// moved is c as a card of another chat.
func (c Card) moved(to int64, now time.Time) (Card, error) {
	shown := c.SentHash == c.WantedHash
	pending := c.Wanted.OnReply != "" || !c.Wanted.Final && len(c.tokenIDs(now)) > 0
	if shown && !pending && c.Wanted.Place.Chat == to {
		return c, errUnchanged
	}
	c.Wanted.Place.Chat = to
	c.WantedHash = c.Wanted.hash(c.Digest, c.Tokens)
	c.Stale, c.Attempt = nil, nil
	if shown && !pending {
		c.SentHash = c.WantedHash
		return c, nil
	}
	c.Chat, c.Message, c.SentHash, c.SentTokens = 0, 0, "", nil
	return c, nil
}

// rearrange changes a card that there may be, and delivers what follows from it.
func (o *Outbox) rearrange(ctx context.Context, key string, change func(Card) (Card, error)) error {
	c, err := o.store.ChangeCard(ctx, key, func(c Card, found bool) (Card, error) {
		if !found {
			return c, errUnchanged
		}
		return change(c)
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	if err == nil {
		o.schedule(c)
	}
	return err
}
