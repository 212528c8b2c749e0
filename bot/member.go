package bot

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// memberTime bounds asking who somebody is in a chat: a person waits for it.
const memberTime = 5 * time.Second

// Membership is somebody's place in a chat.
type Membership struct {
	// Status is Telegram's: "creator", "administrator", "member", "restricted",
	// "left" or "kicked"; "" for somebody whom the chat has never seen.
	Status string
	// In is true for whoever is in the chat now. Of the restricted only some are.
	In bool
	// Anonymous is true for an administrator who writes in the chat's name, and
	// whose own name must not be shown there.
	Anonymous bool
}

// Member asks Telegram who somebody is in a chat, within 5 s. Whatever the error,
// nothing is known. It is ErrNotAdmin where the answer takes an administrator:
// Telegram tells of others reliably only to one (Bot API, "getChatMember"). It is
// ErrExcluded where the bot is not in the chat itself, ErrTooMany or
// ErrUnavailable where Telegram did not answer. It does not need Run.
func (b *Bot) Member(ctx context.Context, chat, user int64) (Membership, error) {
	ctx, cancel := context.WithTimeout(ctx, memberTime)
	defer cancel()
	chat = b.aliases.resolve(chat)
	m, err := b.client.member(ctx, chat, user)
	if e, ok := errors.AsType[*Error](err); ok && e.MigratedTo != 0 {
		chat = e.MigratedTo
		m, err = b.client.member(ctx, chat, user)
	}
	if !errors.Is(err, ErrRefused) {
		return m, err
	}
	// "Nobody of that kind here" means something only when an administrator is told.
	_, self := b.Self()
	own, failed := b.client.member(ctx, chat, self)
	switch {
	case failed != nil:
		return Membership{}, failed
	case own.Status != "administrator" && own.Status != "creator":
		return Membership{}, fmt.Errorf("%w: %w", ErrNotAdmin, err)
	}
	return Membership{}, nil
}

// member is getChatMember, cut down.
func (c *client) member(ctx context.Context, chat, user int64) (Membership, error) {
	var m struct {
		Status    string `json:"status"`
		IsMember  bool   `json:"is_member"`
		Anonymous bool   `json:"is_anonymous"`
	}
	if err := c.call(ctx, "getChatMember", map[string]any{"chat_id": chat, "user_id": user}, &m); err != nil {
		return Membership{}, err
	}
	in := false
	switch m.Status {
	case "creator", "administrator", "member":
		in = true
	case "restricted":
		in = m.IsMember
	}
	return Membership{Status: m.Status, In: in, Anonymous: m.Anonymous}, nil
}
