package bot

import (
	"context"
	"encoding/json"
	"net"
)

// ParseCommand and Mentions are parse.go's, with entities as Telegram sends them.
func ParseCommand(text, entities, username string) (name string, args []string, mentions int, ok bool) {
	var e []wireEntity
	if json.Unmarshal([]byte(entities), &e) != nil {
		return "", nil, 0, false
	}
	name, args, ok = parseCommand(text, e, username)
	return name, args, len(Mentions(text, e, username)), ok
}

// Mentions is mentions.
func Mentions(text string, e []wireEntity, username string) []Person {
	return mentions(text, e, username)
}

// ListenOn makes the bot receive its webhook on a listener that is open already, so that nobody else can take the port in between.
func (b *Bot) ListenOn(l net.Listener) {
	b.listen = func(context.Context, string) (net.Listener, error) { return l, nil }
}

// Handle does with an update what happens after it was journaled, and returns when
// that is done.
func (b *Bot) Handle(ctx context.Context, u Update) {
	q := queued{Update: u}
	q.err = json.Unmarshal(u.Raw, &q.decoded)
	b.dispatch(ctx, q)
	b.answers.Wait()
}

// Post delivers the cards that are due, without a Run.
func (b *Bot) Post(ctx context.Context) {
	for {
		j, _ := b.outbox.next()
		if j == nil {
			return
		}
		b.outbox.deliver(ctx, j)
	}
}
