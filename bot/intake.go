package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// errBusy says that updates should come again later.
var errBusy = errors.New("bot: too many updates are waiting")

// subscribed are the kinds of update that are asked for. Telegram keeps the last
// setting when none is given, so it always is.
func subscribed() []string {
	return []string{"message", "edited_message", "callback_query", "my_chat_member"}
}

// receive journals updates and hands the new ones to their chats. When it
// returns nil Telegram may forget them. Updates that are there already are left
// alone: Telegram repeats what it does not know to have arrived.
func (b *Bot) receive(ctx context.Context, raws []json.RawMessage) error {
	if len(raws) == 0 {
		return nil
	}
	now := b.options.Now()
	updates := make([]Update, 0, len(raws))
	for _, raw := range raws {
		id, err := updateID(raw)
		if err != nil {
			b.log.Error("an update without a readable id is left alone", "bytes", len(raw), "error", err)
			continue
		}
		updates = append(updates, Update{ID: id, Raw: raw, Received: now})
	}
	return b.journal(ctx, &arrival{updates: updates})
}

// arrival is what one poll or one webhook request brought.
type arrival struct {
	updates []Update
	done    bool // under Bot.receiving, as err
	err     error
}

// journal stores an arrival and those that wait with it. A store syncs to disk
// once in a transaction: what arrives meanwhile shares the next one.
func (b *Bot) journal(ctx context.Context, a *arrival) error {
	b.mu.Lock()
	b.arrivals = append(b.arrivals, a)
	b.mu.Unlock()
	// One at a time, so that the order of the journal is the order of handling.
	b.receiving.Lock()
	defer b.receiving.Unlock()
	if a.done {
		return a.err
	}
	b.mu.Lock()
	batch := b.arrivals
	b.arrivals = nil
	b.mu.Unlock()
	var updates []Update
	for _, a := range batch {
		updates = append(updates, a.updates...)
	}
	// Whoever gave up waiting must not cost the others theirs.
	added, err := b.store.Journal(context.WithoutCancel(ctx), updates)
	if err != nil {
		err = fmt.Errorf("bot: journal: %w", err)
	}
	for _, a := range batch {
		a.done, a.err = true, err
	}
	for _, u := range added {
		b.submit(u)
	}
	return err
}

// submit decodes a journaled update and puts it into its chat's queue.
func (b *Bot) submit(u Update) {
	b.mu.Lock()
	executors := b.executors
	b.mu.Unlock()
	if executors == nil {
		return // Run has not begun to handle; it starts with what the journal holds
	}
	q := queued{Update: u}
	q.err = json.Unmarshal(u.Raw, &q.decoded)
	executors.submit(b.aliases.resolve(q.decoded.chat()), q)
}
