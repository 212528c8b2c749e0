package bot

import "context"

// Bot is one Telegram bot.
type Bot struct {
	outbox *Outbox
}

// New makes a Bot without calling Telegram. It returns an error for options that
// cannot work; no error contains the token.
func New(o Options, s Store, h Handler) (*Bot, error) { return nil, nil }

// Run receives updates, runs handlers and delivers cards until ctx ends, which
// is no error: it then stops the intake, lets running handlers finish and
// delivers what is outstanding within Options.StopTimeout each, and returns nil
// when all of its goroutines have ended. What was not finished is in the
// journal and is done at the next start. It returns ErrConflict when another
// instance receives this bot's updates and ErrUnauthorized when the token is
// not valid. A Bot runs once at a time.
func (b *Bot) Run(ctx context.Context) error { return nil }

// Outbox is where everything that the bot posts goes.
func (b *Bot) Outbox() *Outbox { return b.outbox }

// Self returns the bot's username and id; the username is "" until Run has
// asked Telegram.
func (b *Bot) Self() (username string, id int64) { return "", 0 }

// Ready is nil while updates arrive, else why they do not.
func (b *Bot) Ready() error { return nil }

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
// the bot itself (ErrUnauthorized, ErrUnavailable); a chat has its own.
func (b *Bot) Info(ctx context.Context, chats ...int64) (Info, error) { return Info{}, nil }
