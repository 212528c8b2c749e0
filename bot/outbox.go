package bot

import "context"

// Outbox keeps the wanted frame of every card and makes Telegram show it.
type Outbox struct{}

// Want stores f as the newest frame of the card key and returns once it is
// stored; it is delivered while the bot runs. The newest frame of a key wins, and
// wanting the same frame twice is wanting it once.
func (o *Outbox) Want(ctx context.Context, key string, f Frame) error { return nil }

// Sent returns where the live message of a card is; ok is false when it has
// none yet.
func (o *Outbox) Sent(ctx context.Context, key string) (p Place, message int, ok bool, err error) {
	return Place{}, 0, false, nil
}

// Forget removes a card from the outbox. Its message stays as it is, and its
// buttons are answered as unknown. A missing card is fine.
func (o *Outbox) Forget(ctx context.Context, key string) error { return nil }

// Wait returns when everything wanted so far is delivered or parked, or when
// ctx ends.
func (o *Outbox) Wait(ctx context.Context) error { return nil }
