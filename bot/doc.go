// Package bot is Towline's side of Telegram. It knows chats, commands, buttons
// and messages, and nothing of releases.
//
// A tour, bottom up:
//
//   - client.go and transport.go call the Bot API through go-telegram/bot as a
//     typed client. The transport buffers bodies, keeps the token out of
//     errors, turns every refusal into an *Error and never sends a message
//     twice by itself; limits.go holds back what Telegram would refuse.
//   - wire.go decodes only what is needed of an update, so that a new kind of
//     message cannot make a command unreadable; parse.go finds the command.
//   - intake.go journals updates before Telegram may forget them, whether they
//     come by long polling (poll.go) or by webhook (webhook.go).
//   - executor.go runs the updates of one chat one after the other and those of
//     different chats side by side, again after a crash.
//   - outbox.go keeps the wanted frame of every card and delivers the newest
//     one (deliver.go, schedule.go): paced, retried, never knowingly twice.
//     tokens.go gives each button an opaque callback token, which expires;
//     renew.go gives it another.
//   - dispatch.go calls the handler; pressed.go judges presses, answer.go answers
//     them, reply.go finds the card that somebody answers in words.
//   - port.go is what the package needs of a store; storetest holds the suite
//     that every implementation passes.
//   - bot.go ties them together as a Bot.
//
// Everything the bot posts goes through the Outbox, so a handler that runs
// again after a crash wants the same card again and nothing is posted twice.
package bot

import (
	"context"
	"time"
)

// Place is where a message is: a chat, and in a forum one of its topics.
type Place struct {
	// Chat is Telegram's chat id; groups have negative ones. When a group became
	// a supergroup it is always the new id.
	Chat int64
	// Topic is the forum topic (message_thread_id), 0 outside of one. It is set
	// only where Telegram says is_topic_message, because plain replies carry an
	// id that no message can be sent to.
	Topic int
}

// Person is a Telegram user.
type Person struct {
	// ID is the identity. Names can be changed and imitated.
	ID int64
	// Name is first and last name without control and bidirectional characters,
	// at most 64 characters, never empty; it is not escaped for HTML.
	Name string
	// Username is without the @, "" where there is none.
	Username string
}

// Irregular says in what way a command was not simply typed by a person in a
// chat. What follows from it is the handler's decision.
type Irregular string

// The ways in which a command can be irregular (Bot API, "Message" and "Update").
const (
	Regular          Irregular = ""
	Forwarded        Irregular = "forwarded"         // forward_origin
	Edited           Irregular = "edited"            // edited_message
	Scheduled        Irregular = "scheduled"         // is_from_offline
	Anonymous        Irregular = "anonymous"         // sender_chat is the group itself: an anonymous administrator
	ViaBot           Irregular = "via_bot"           // via_bot
	Channel          Irregular = "channel"           // sender_chat is another chat
	FromBot          Irregular = "bot"               // from.is_bot, or no sender at all
	AutomaticForward Irregular = "automatic_forward" // is_automatic_forward, from a linked channel
	Business         Irregular = "business"          // business_connection_id or sender_business_bot
	Guest            Irregular = "guest"             // guest_query_id
)

// Command is one chat command addressed to this bot.
type Command struct {
	// UpdateID is unique for at least 48 hours; what a handler does is keyed by it.
	UpdateID int64
	Place    Place
	// Message is the id of the message that holds the command.
	Message int
	From    Person
	// Private is true in a chat of one person with the bot.
	Private bool
	// Name is in lower case, without the slash and without @bot.
	Name string
	// Args is the rest of the text, split on blanks.
	Args []string
	// Text is the whole message.
	Text string
	// Sent is when Telegram got the message, Received when the bot journaled it.
	Sent, Received time.Time
	// Irregular is "" for a command that a person typed here just now.
	Irregular Irregular
	// Mentions are the people named in the text, in their order. Somebody without a
	// username is picked from a list, and Telegram gives the id; of an @username the
	// id is 0, and Name and Username are the word as it was typed, without the @.
	Mentions []Person
	// RepliesTo is the author of the message that the command answers; nil when it
	// answers none, or one of a bot, a channel or an anonymous administrator.
	RepliesTo *Person
}

// Reply is an answer in words to the live message of a card whose newest frame
// has OnReply. It is a plain message; an answer that begins with a slash is a
// command or nothing.
type Reply struct {
	// UpdateID is as in Command.
	UpdateID int64
	Place    Place
	// Message is the id of the message that holds the words.
	Message int
	From    Person
	// Data is the frame's OnReply, Card the card's key.
	Data, Card string
	// Text is the whole message, never empty.
	Text string
	// Sent and Received are as in Command, and so is Irregular.
	Sent, Received time.Time
	Irregular      Irregular
}

// Press is a press on a button of one of the bot's cards.
type Press struct {
	// UpdateID is as in Command.
	UpdateID int64
	Place    Place
	// Message is the id of the message that holds the button.
	Message int
	From    Person
	// Data is what the button meant: its Button.Data.
	Data string
	// Card is the key of the card that the button is on.
	Card string
	// Current is true when the button is on the card's newest delivered frame
	// and the message is the card's live one. False means an older frame, a
	// message that was posted anew since, or a second copy.
	Current bool
	// Received is when the bot journaled the press; Telegram gives no time.
	Received time.Time
}

// Toast is the private answer to a press.
type Toast struct {
	// Text is plain text; what exceeds 200 characters is cut. "" just stops the
	// button's spinner.
	Text string
	// Alert shows a dialog that must be closed instead of a short notice.
	Alert bool
}

// Handler decides what commands, presses and replies mean. Its methods are called for
// one update of a chat at a time and for several chats at once. After a crash
// an update can be handled again: what a handler does is keyed by UpdateID. The
// context ends at the handler's time limit, not when the bot is told to stop.
// An error is logged with the update's id, and the update counts as failed.
type Handler interface {
	Command(ctx context.Context, c Command) error
	Press(ctx context.Context, p Press) (Toast, error)
	Reply(ctx context.Context, r Reply) error
}

// EventHandler is implemented by a Handler that also wants to know what
// happens to the chats. The rules of Handler hold.
type EventHandler interface {
	Event(ctx context.Context, e Event) error
}

// EventKind says what happened to a chat.
type EventKind string

// The kinds of Event.
const (
	// ChatMigrated: the group became a supergroup, and Place.Chat is now NewChat.
	// The outbox maps the old id from then on. It may be told more than once.
	ChatMigrated EventKind = "chat_migrated"
	// BotAdded: the bot can post in the chat, which it could not before.
	BotAdded EventKind = "bot_added"
	// BotRemoved: the bot left, was removed or was blocked.
	BotRemoved EventKind = "bot_removed"
	// BotChanged: the bot stays, with other rights.
	BotChanged EventKind = "bot_changed"
)

// Event is something that happened to a chat of the bot.
type Event struct {
	// UpdateID is 0 when it was learned from a refused request.
	UpdateID int64
	Kind     EventKind
	Place    Place
	// NewChat is set with ChatMigrated.
	NewChat int64
	// From is who did it; its ID is 0 when that is not known.
	From Person
	// Title is the chat's title, without control characters and not escaped.
	Title string
	// Status is the bot's status in the chat: "member", "administrator", "left",
	// "kicked" or another of Telegram's. It is "" with ChatMigrated.
	Status   string
	Received time.Time
}
