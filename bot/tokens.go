package bot

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"time"
)

// tokenBytes is the randomness of a callback token: 128 bits, 22 characters of
// the 64 bytes that callback_data may have. Data in a button is seen and can be
// made up by anybody in the chat, so it only names a row in the store.
const tokenBytes = 16

// settleTime is how long a press waits for a delivery of its card that is under
// way: the button can be pressed before its message's id came back.
const settleTime = 3 * time.Second

// newTokens makes a token for every different Data in the frame. Those that the
// card has already are not used.
func newTokens(random io.Reader, f Frame) (map[string]string, error) {
	tokens := map[string]string{}
	for _, row := range f.Buttons {
		for _, b := range row {
			if b.Data == "" || tokens[b.Data] != "" {
				continue
			}
			raw := make([]byte, tokenBytes)
			if _, err := io.ReadFull(random, raw); err != nil {
				return nil, fmt.Errorf("bot: callback token: %w", err)
			}
			tokens[b.Data] = base64.RawURLEncoding.EncodeToString(raw)
		}
	}
	return tokens, nil
}

// tokensOf lists the tokens of the buttons of a frame.
func tokensOf(f Frame, tokens map[string]string) []string {
	var list []string
	for _, row := range f.Buttons {
		for _, b := range row {
			if b.Data != "" {
				list = append(list, tokens[b.Data])
			}
		}
	}
	return list
}

// meant is what a pressed button stands for.
type meant struct {
	known   bool
	card    string
	data    string
	current bool
}

// pressed looks up a callback token and judges the message it was pressed on.
// onMessage says that the message as Telegram shows it really has that button;
// one that should have no live buttons then loses them.
func (o *Outbox) pressed(ctx context.Context, token string, on MessageRef, onMessage bool) (meant, error) {
	c, data, found, err := o.store.CardByToken(ctx, token)
	if err != nil {
		return meant{}, err
	}
	if !found {
		if onMessage {
			o.stripOnce(ctx, on)
		}
		return meant{}, nil
	}
	waiting, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	unlock, locked := o.lock(waiting, c.Key)
	if locked {
		defer unlock()
		c, err = o.claim(ctx, c.Key, token, on, onMessage)
	} else {
		c, _, err = o.store.Card(ctx, c.Key)
	}
	if err != nil {
		return meant{}, err
	}
	if on.Chat != o.aliases.resolve(c.Wanted.Place.Chat) && on.Chat != c.Chat {
		return meant{}, nil // a token carried to another chat
	}
	current := on.Message == c.Message && on.Chat == c.Chat && slices.Contains(c.SentTokens, token)
	return meant{known: true, card: c.Key, data: data, current: current}, nil
}

// claim settles what a press reveals about where a card is. A message whose
// sending was in doubt is there after all: it becomes the live one and no second
// copy is sent. Any other message than the live one is to lose its buttons.
func (o *Outbox) claim(ctx context.Context, key, token string, on MessageRef, onMessage bool) (Card, error) {
	c, found, err := o.store.Card(ctx, key)
	if err != nil || !found || !onMessage || on == (MessageRef{c.Chat, c.Message}) {
		return c, err
	}
	c, err = o.store.ChangeCard(ctx, key, func(c Card, found bool) (Card, error) {
		inDoubt := c.Attempt != nil && slices.Contains(c.Attempt.Tokens, token) && on.Message > c.Message
		switch {
		case !found:
			return c, errForgotten
		case inDoubt && on.Chat == o.aliases.resolve(c.Wanted.Place.Chat):
			attempt := *c.Attempt
			attempt.Hash = "" // several could be in doubt: an edit makes sure of what it shows
			return c.posted(attempt, on, o.now()), nil
		case !slices.Contains(c.Stale, on):
			c.Stale = append(c.Stale, on)
		}
		return c, nil
	})
	if err == nil {
		o.schedule(c)
	}
	return c, err
}

// stripOnce takes the buttons of a message that no card knows. It is not worth
// repeating: the next press does.
func (o *Outbox) stripOnce(ctx context.Context, m MessageRef) {
	if err := o.client.strip(ctx, m); err != nil {
		o.log.Info("buttons of an unknown card remain", "chat", m.Chat, "message", m.Message, "error", err)
	}
}
