package bot

import (
	"context"
	"errors"
	"fmt"
)

// ErrNoCard is what Renew returns for a card that the outbox does not have.
var ErrNoCard = errors.New("bot: there is no such card")

// Renew gives the Data buttons of a card's newest frame new callback tokens and
// returns once that is stored; the message is edited while the bot runs, or posted
// anew where it is gone. The old tokens are dead then, but for presses that were
// made while the message still showed them: those count. Renewing what has not
// been shown yet, or has no such buttons, changes nothing. It returns ErrNoCard,
// and the store's errors.
func (o *Outbox) Renew(ctx context.Context, key string) error {
	c, found, err := o.store.Card(ctx, key)
	if err != nil {
		return fmt.Errorf("bot: card %s: %w", key, err)
	}
	if !found {
		return fmt.Errorf("%w: %s", ErrNoCard, key)
	}
	fresh, err := newTokens(o.random, c.Wanted)
	if err != nil {
		return err
	}
	c, err = o.store.ChangeCard(ctx, key, func(c Card, found bool) (Card, error) {
		if !found {
			return c, ErrNoCard
		}
		return c.renewed(fresh, o.now())
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("bot: card %s: %w", key, err)
	}
	o.schedule(c)
	return nil
}
