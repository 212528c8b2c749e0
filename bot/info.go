package bot

import (
	"context"
	"errors"
)

// Info is what Telegram says about the bot and its chats.
type Info struct {
	ID             int64
	Name, Username string
	// ReadsAll is true when privacy mode is off. With it on, a plain /command in a
	// group reaches the bot only as an administrator, or when it was the last bot
	// to post (Bot features, "Privacy mode").
	ReadsAll bool
	Chats    []ChatInfo
}

// ChatInfo is what Telegram says about one chat.
type ChatInfo struct {
	// Chat is the id that was asked for; MigratedTo another one it has now, else 0.
	Chat, MigratedTo int64
	Title            string
	// Type is "private", "group", "supergroup" or "channel".
	Type  string
	Forum bool
	// Status is the bot's own: "administrator", "member", "left" and so on.
	Status string
	// Err is why nothing is known: ErrExcluded, ErrUnavailable.
	Err error
}

// Info asks Telegram about the bot and the given chats. The error is that of
// the bot itself (ErrUnauthorized, ErrUnavailable); a chat has its own. It does
// not need Run, and does not disturb one that runs elsewhere.
func (b *Bot) Info(ctx context.Context, chats ...int64) (Info, error) {
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !b.running {
			b.client.transport.http.CloseIdleConnections()
		}
	}()
	me, err := b.client.me(ctx)
	if err != nil {
		return Info{}, err
	}
	info := Info{ID: me.ID, Name: clean(me.FirstName), Username: me.Username, ReadsAll: me.ReadsAll}
	for _, chat := range chats {
		info.Chats = append(info.Chats, b.chatInfo(ctx, me.ID, chat))
	}
	return info, nil
}

func (b *Bot) chatInfo(ctx context.Context, me, chat int64) ChatInfo {
	info := ChatInfo{Chat: chat}
	var c struct {
		Title string `json:"title"`
		Type  string `json:"type"`
		Forum bool   `json:"is_forum"`
	}
	id := chat
	err := b.client.call(ctx, "getChat", map[string]any{"chat_id": id}, &c)
	var e *Error
	if errors.As(err, &e) && e.MigratedTo != 0 {
		info.MigratedTo, id = e.MigratedTo, e.MigratedTo
		err = b.client.call(ctx, "getChat", map[string]any{"chat_id": id}, &c)
	}
	if err != nil {
		info.Err = err
		return info
	}
	info.Title, info.Type, info.Forum = clean(c.Title), c.Type, c.Forum
	if c.Type == "private" {
		return info
	}
	var m struct {
		Status string `json:"status"`
	}
	info.Err = b.client.call(ctx, "getChatMember", map[string]any{"chat_id": id, "user_id": me}, &m)
	info.Status = m.Status
	return info
}
