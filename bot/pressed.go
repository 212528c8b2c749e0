package bot

import (
	"context"
	"slices"
	"time"
)

// settleTime is how long a press waits for a delivery of its card that is under
// way: the button can be pressed before its message's id came back.
const settleTime = 3 * time.Second

// pressing is a press as it came.
type pressing struct {
	token string
	on    MessageRef
	by    int64
	// shown: the message as Telegram shows it really has that button.
	shown    bool
	received time.Time
}

// verdict is what becomes of a press.
type verdict int

const (
	pressUnknown  verdict = iota // no such button here
	pressOlder                   // on another message than the live one, or replaced
	pressExpired                 // its time is over
	pressNotYours                // it is for other people
	pressGood
)

// meant is what a pressed button stands for.
type meant struct {
	verdict
	card    string
	data    string
	current bool
}

// pressed looks up a callback token and judges who pressed it, when, and on which
// message. A message that should have no such button then loses it.
func (o *Outbox) pressed(ctx context.Context, p pressing) (meant, error) {
	c, _, found, err := o.store.CardByToken(ctx, p.token)
	if err != nil {
		return meant{}, err
	}
	if !found {
		return meant{}, o.unknown(ctx, p)
	}
	waiting, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	unlock, locked := o.lock(waiting, c.Key)
	if locked {
		defer unlock()
		c, err = o.claim(ctx, c.Key, p)
	} else {
		c, _, err = o.store.Card(ctx, c.Key)
	}
	if err != nil {
		return meant{}, err
	}
	t, found := c.token(p.token)
	if !found { // forgotten in between
		return meant{}, nil
	}
	m := meant{verdict: c.judge(t, p, o.aliases), card: c.Key, data: t.Data}
	if m.verdict == pressExpired && p.shown {
		return m, o.again(ctx, c.Key)
	}
	m.current = p.on == (MessageRef{c.Chat, c.Message}) && c.shows(t.Data) || c.inFlight(p)
	return m, nil
}

// judge says what a press on a token is worth. Where another token took over, a
// press still counts on a button that the live message had then, of which Telegram
// sends along what it looked like: it was good when it was made. Somebody may have pressed while the bot was away, and it renewed
// the buttons before it heard of that; a toast would come too late to tell them.
func (c Card) judge(t Token, p pressing, a *aliases) verdict {
	live := p.on == MessageRef{c.Chat, c.Message} || c.inFlight(p)
	switch {
	case p.on.Chat != c.Chat && a.resolve(p.on.Chat) != a.resolve(c.Wanted.Place.Chat):
		return pressUnknown // a token carried to another chat
	case !live && !p.shown:
		return pressUnknown // and one carried to another message
	case !live:
		return pressOlder
	case t.expired(p.received):
		return pressExpired
	case !t.Revoked.IsZero() && !p.shown:
		return pressOlder
	case len(t.For) > 0 && !slices.Contains(t.For, p.by):
		return pressNotYours
	}
	return pressGood
}

// inFlight tells of a press on a message that is being posted: it is there, but
// its id is not stored yet.
func (c Card) inFlight(p pressing) bool {
	return p.shown && c.Attempt != nil && slices.Contains(c.Attempt.Tokens, p.token) &&
		p.on.Chat == c.Wanted.Place.Chat && (p.on.Chat != c.Chat || p.on.Message > c.Message)
}

// claim settles what a press reveals about where a card is. A message whose
// sending was in doubt is there after all: it becomes the live one and no second
// copy is sent. Any other message than the live one is to lose its buttons.
func (o *Outbox) claim(ctx context.Context, key string, p pressing) (Card, error) {
	c, found, err := o.store.Card(ctx, key)
	if err != nil || !found || !p.shown || p.on == (MessageRef{c.Chat, c.Message}) {
		return c, err
	}
	c, err = o.store.ChangeCard(ctx, key, func(c Card, found bool) (Card, error) {
		switch {
		case !found:
			return c, errForgotten
		case c.inFlight(p):
			attempt := *c.Attempt
			attempt.Hash = "" // several could be in doubt: an edit makes sure of what it shows
			return c.posted(attempt, p.on, o.now()), nil
		case !slices.Contains(c.Stale, p.on):
			c.Stale = append(c.Stale, p.on)
		}
		return c, nil
	})
	if err == nil {
		o.schedule(c)
	}
	return c, err
}

// unknown deals with a button whose token nobody knows: it disappears. Where its
// message is a card's live one, the card's own buttons stay.
func (o *Outbox) unknown(ctx context.Context, p pressing) error {
	if !p.shown {
		return nil
	}
	c, found, err := o.store.CardByMessage(ctx, p.on)
	if err != nil {
		return err
	}
	if found {
		return o.again(ctx, c.Key)
	}
	// It is not worth repeating: the next press does.
	if err := o.client.strip(ctx, p.on); err != nil {
		o.log.Info("buttons of an unknown card remain", "chat", p.on.Chat, "message", p.on.Message, "error", err)
	}
	return nil
}

// again delivers a card's newest frame once more, with the buttons that it has
// now.
func (o *Outbox) again(ctx context.Context, key string) error {
	return o.rearrange(ctx, key, func(c Card) (Card, error) { c.SentHash = ""; return c, nil })
}
