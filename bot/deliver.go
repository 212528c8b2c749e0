package bot

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// deliver makes one step towards what a card wants: a new message, an edit, or
// an old message that loses its buttons.
func (o *Outbox) deliver(ctx context.Context, j *job) {
	unlock, ok := o.lock(ctx, j.key)
	if !ok {
		o.landed(j, Card{}, false, o.pace.Retry)
		return
	}
	c, found, err := o.store.Card(ctx, j.key)
	if err == nil && found && !c.Settled() {
		err = o.step(ctx, c)
		if err == nil || errors.Is(err, errForgotten) {
			o.mu.Lock()
			j.retry = nil
			o.edited[j.key] = time.Now()
			o.mu.Unlock()
		} else {
			err = o.overcome(ctx, j, c, err)
		}
	}
	var wait time.Duration
	if err != nil && !errors.Is(err, errForgotten) {
		wait = o.wait(j, err)
	} else {
		c, found, err = o.store.Card(ctx, j.key)
		if err != nil {
			wait = o.wait(j, err)
		}
	}
	unlock()
	o.landed(j, c, !found, wait)
}

// wait is how long a failed delivery rests; it grows with every failure.
func (o *Outbox) wait(j *job, err error) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if j.retry == nil {
		j.retry = backoff.NewExponentialBackOff()
		j.retry.InitialInterval, j.retry.MaxInterval = o.pace.Retry, o.pace.RetryMost
		j.retry.Reset()
	}
	d := max(j.retry.NextBackOff(), time.Millisecond)
	if errors.Is(err, context.Canceled) {
		return d // told to stop; the next start goes on
	}
	o.log.Warn("delivery failed, will be repeated", "card", j.key, "chat", j.chat, "wait", d, "error", err)
	return d
}

// step makes Telegram show a little more of what is wanted, and records it.
func (o *Outbox) step(ctx context.Context, c Card) error {
	chat := o.aliases.resolve(c.Wanted.Place.Chat)
	here := c.Message != 0 && c.Chat == chat && c.Topic == c.Wanted.Place.Topic
	switch {
	case c.SentHash != c.WantedHash && (!here || c.SentDigest != c.Digest && c.Wanted.Photo == nil), c.Wanted.Repost > c.Reposted, c.Message == 0:
		return o.post(ctx, c, chat)
	case c.SentHash != c.WantedHash:
		return o.edit(ctx, c)
	}
	return o.strip(ctx, c, c.Stale[0])
}

// outgoing is the wanted frame as it goes to Telegram.
func (c Card) outgoing(chat int64, now time.Time) post {
	f := c.Wanted
	p := post{
		place: Place{Chat: chat, Topic: f.Place.Topic}, message: c.Message, replyTo: f.ReplyTo,
		html: f.HTML, keyboard: render(f.Buttons, living(c.Tokens, now)), silent: !f.Notify,
	}
	switch {
	case f.Document != nil:
		p.name = f.Document.Name
	case f.Photo != nil:
		p.name, p.photo = f.Photo.Name, true
	}
	return p
}

// post sends a new message: first what is about to be sent is stored, then it is
// sent, then where it is. After a crash in between it is in doubt, and sent again.
func (o *Outbox) post(ctx context.Context, c Card, chat int64) error {
	now := o.now()
	p := c.outgoing(chat, now)
	if c.Digest != "" {
		content, err := o.store.Document(ctx, c.Digest)
		if err != nil {
			return err
		}
		p.content = content
	}
	attempt := Attempt{
		Hash: c.WantedHash, Digest: c.Digest, Tokens: c.tokenIDs(now),
		Repost: c.Wanted.Repost, Topic: c.Wanted.Place.Topic,
	}
	if c.Attempt != nil {
		o.log.Warn("sending was in doubt: a message may appear twice", "card", c.Key, "chat", chat)
	}
	if err := o.change(ctx, c.Key, func(c *Card) { c.Attempt = &attempt }); err != nil {
		return err
	}
	id, err := o.client.send(ctx, p)
	if errors.Is(err, ErrNoTopic) && p.place.Topic != 0 {
		o.log.Warn("the topic is gone, posting without it", "card", c.Key, "chat", chat, "topic", p.place.Topic)
		p.place.Topic = 0
		id, err = o.client.send(ctx, p)
	}
	if err != nil {
		if !errors.Is(err, ErrUnavailable) { // refused: nothing is in doubt
			err = errors.Join(err, o.change(ctx, c.Key, func(c *Card) { c.Attempt = nil }))
		}
		return err
	}
	return o.record(ctx, c.Key, func(c *Card) { *c = c.posted(attempt, MessageRef{chat, id}, o.now()) })
}

// edit changes the live message. One that is gone is posted anew.
func (o *Outbox) edit(ctx context.Context, c Card) error {
	now := o.now()
	p := c.outgoing(c.Chat, now)
	if c.Wanted.Photo != nil && c.SentDigest != c.Digest {
		if err := o.repaint(ctx, c, &p); err != nil {
			return err
		}
	}
	err := o.client.edit(ctx, p)
	if errors.Is(err, ErrMessageGone) {
		o.log.Info("the message is gone, posting anew", "card", c.Key, "chat", c.Chat, "message", c.Message)
		return o.record(ctx, c.Key, func(c *Card) { c.Message, c.SentHash, c.SentTokens = 0, "", nil })
	}
	if err != nil {
		return err
	}
	hash, digest, tokens := c.WantedHash, c.Digest, c.tokenIDs(now)
	return o.record(ctx, c.Key, func(c *Card) {
		c.SentHash, c.SentDigest, c.SentTokens, c.Changed = hash, digest, tokens, o.now()
		*c = c.shown(c.Changed)
	})
}

// repaint makes p put another picture into the live message. From here on nobody
// knows which of the two is shown until the edit is recorded: were the one before
// wanted again after a crash, it would otherwise count as shown.
func (o *Outbox) repaint(ctx context.Context, c Card, p *post) error {
	content, err := o.store.Document(ctx, c.Digest)
	if err != nil {
		return err
	}
	p.content = content
	return o.change(ctx, c.Key, func(c *Card) { c.SentHash, c.SentDigest = "", "" })
}

// retire makes an older message one that a newer one took over from: it loses its
// buttons, and its words where the card has others for it.
func (o *Outbox) retire(ctx context.Context, c Card, m MessageRef) error {
	if c.Wanted.Left == "" || c.Wanted.form() != aText {
		return o.client.strip(ctx, m)
	}
	return o.client.edit(ctx, post{place: Place{Chat: m.Chat}, message: m.Message, html: c.Wanted.Left})
}

// strip retires an older message. Where Telegram refuses that there is nothing
// left to do.
func (o *Outbox) strip(ctx context.Context, c Card, m MessageRef) error {
	err := o.retire(ctx, c, m)
	if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrTooMany) || errors.Is(err, ErrUnauthorized) {
		return err
	}
	if err != nil {
		o.log.Info("buttons of an older message remain", "card", c.Key, "chat", m.Chat, "message", m.Message, "error", err)
	}
	return o.record(ctx, c.Key, func(c *Card) {
		var left []MessageRef
		for _, s := range c.Stale {
			if s != m {
				left = append(left, s)
			}
		}
		c.Stale = left
	})
}

// change changes a card's record; errForgotten when there is none any more.
func (o *Outbox) change(ctx context.Context, key string, change func(*Card)) error {
	_, err := o.store.ChangeCard(ctx, key, func(c Card, found bool) (Card, error) {
		if !found {
			return c, errForgotten
		}
		change(&c)
		return c, nil
	})
	return err
}

// record is change for what Telegram has done already. It does not give up while
// the process lives: without the record the same thing would be done again.
func (o *Outbox) record(ctx context.Context, key string, change func(*Card)) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = o.pace.Retry, o.pace.RetryMost
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		// A stop must not keep from the record what has just been done.
		err := o.change(context.WithoutCancel(ctx), key, change)
		if err != nil && !errors.Is(err, errForgotten) {
			o.log.Error("a delivery could not be recorded, trying again", "card", key, "error", err)
			return struct{}{}, err
		}
		if err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, nil
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0))
	return err
}

// overcome deals with a refusal. It returns nil when the next step may follow at
// once, or the error when the delivery is to be repeated later.
func (o *Outbox) overcome(ctx context.Context, j *job, c Card, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err // the store's
	}
	switch {
	case errors.Is(err, ErrTooMany):
		o.log.Warn("Telegram asks for a pause", "chat", j.chat, "wait", e.RetryAfter)
		o.limits.freeze(j.chat, max(e.RetryAfter, time.Second))
		return nil
	case errors.Is(err, ErrMigrated):
		from := o.aliases.resolve(c.Wanted.Place.Chat)
		if err := o.aliases.set(ctx, from, e.MigratedTo); err != nil {
			return err
		}
		if o.aliases.resolve(from) == from {
			return err // Telegram moves it in a circle: not at once again
		}
		if err := o.rehome(ctx, from); err != nil {
			return err
		}
		o.moved(ctx, from, e.MigratedTo)
		return nil
	case errors.Is(err, ErrUnauthorized):
		o.fatal(err)
		return err
	case errors.Is(err, ErrExcluded), errors.Is(err, ErrRefused), errors.Is(err, ErrNoTopic):
		o.log.Error("delivery given up until the card changes", "card", c.Key, "chat", j.chat, "error", err)
		return o.change(ctx, c.Key, func(c *Card) { c.Parked = e.Description })
	}
	return err
}
