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
	// One at a time, so that the order of the journal is the order of handling.
	b.receiving.Lock()
	defer b.receiving.Unlock()
	added, err := b.store.Journal(ctx, updates)
	if err != nil {
		return fmt.Errorf("bot: journal: %w", err)
	}
	for _, u := range added {
		b.submit(u)
	}
	return nil
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
