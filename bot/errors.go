package bot

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// What a failed request means. An *Error matches one of these with errors.Is.
var (
	// ErrConflict: somebody else polls with this token, or a webhook is set (409).
	ErrConflict = errors.New("another instance receives this bot's updates")
	// ErrUnauthorized: the token is wrong or was revoked (401; 404 for a malformed one).
	ErrUnauthorized = errors.New("the bot token is not valid")
	// ErrExcluded: the bot was removed, blocked or never was in the chat (403, or 400 "chat not found").
	ErrExcluded = errors.New("the bot cannot post in this chat")
	// ErrMigrated: the group became a supergroup; Error.MigratedTo is its new id.
	ErrMigrated = errors.New("the group became a supergroup")
	// ErrNotModified: the message already looks like that. Client methods treat it as success.
	ErrNotModified = errors.New("the message is not modified")
	// ErrMessageGone: the message to edit does not exist or can no longer be edited.
	ErrMessageGone = errors.New("the message is gone")
	// ErrNoTopic: the forum topic does not exist.
	ErrNoTopic = errors.New("the topic does not exist")
	// ErrQueryTooOld: a press was answered too late, or twice.
	ErrQueryTooOld = errors.New("the press is too old to answer")
	// ErrTooMany: 429; Error.RetryAfter says how long to wait.
	ErrTooMany = errors.New("too many requests")
	// ErrNotAdmin: Telegram tells this, or lets a bot do this, only as an administrator.
	ErrNotAdmin = errors.New("the bot must be an administrator of the chat")
	// ErrRefused: any other 4xx: the same request would be refused again.
	ErrRefused = errors.New("the request was refused")
	// ErrUnavailable: 5xx, a body that is not the Bot API's, or no reply at all.
	// The request may or may not have been carried out.
	ErrUnavailable = errors.New("no usable reply from Telegram")
)

// Error is a request that Telegram refused or that got no usable reply. Neither
// its text nor what it unwraps to contains the bot's token.
type Error struct {
	// Method is the Bot API's method.
	Method string
	// Code is the Bot API's error_code, else the HTTP status; 0 without a reply.
	Code int
	// Description is Telegram's, or the beginning of a foreign body.
	Description string
	// RetryAfter is set with ErrTooMany.
	RetryAfter time.Duration
	// MigratedTo is set with ErrMigrated.
	MigratedTo int64

	kind  error
	cause error // what the network said, where there was no reply
}

// Error gives method, code and description.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "telegram %s: ", e.Method)
	if e.Code != 0 {
		fmt.Fprintf(&b, "%d ", e.Code)
	}
	b.WriteString(e.Description)
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, " (retry after %s)", e.RetryAfter)
	}
	if e.MigratedTo != 0 {
		fmt.Fprintf(&b, " (now %d)", e.MigratedTo)
	}
	return b.String()
}

// Unwrap gives what the error means and, where there was no reply, what the
// network said.
func (e *Error) Unwrap() []error {
	if e.cause != nil {
		return []error{e.kind, e.cause}
	}
	return []error{e.kind}
}

// meaning classifies a refusal. Telegram tells many of them apart by text alone
// (tdlib/telegram-bot-api, Client.cpp).
func meaning(code int, description string, migratedTo int64) error {
	text := strings.ToLower(description)
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(text, p) {
				return true
			}
		}
		return false
	}
	switch {
	case migratedTo != 0:
		return ErrMigrated
	case code == 409:
		return ErrConflict
	case code == 401, code == 404 && !has("method not found"):
		return ErrUnauthorized
	case code == 429:
		return ErrTooMany
	case has("chat_admin_required", "member list is inaccessible", "need administrator rights"):
		return ErrNotAdmin
	case code == 403, has("chat not found", "peer_id_invalid", "not enough rights", "have no rights", "chat_write_forbidden"):
		return ErrExcluded
	case has("message is not modified"):
		return ErrNotModified
	case has("message to edit not found", "message can't be edited", "message_id_invalid"):
		return ErrMessageGone
	case has("message thread not found", "topic_deleted"):
		return ErrNoTopic
	case has("query is too old", "query id is invalid"):
		return ErrQueryTooOld
	case code >= 400 && code < 500:
		return ErrRefused
	}
	return ErrUnavailable
}
