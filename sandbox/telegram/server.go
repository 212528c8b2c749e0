package telegram

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// Options are what a Server is made of. Token and Bot are needed; everything else has a working zero value.
type Options struct {
	Token string // the bot's token; requests with another one are answered 401
	Bot   User   // the bot; IsBot is implied, Username is needed
	// ReadsAll says that the bot's privacy mode is off (getMe: can_read_all_group_messages).
	ReadsAll bool
	// Now is the clock for dates, expiry and rate limits. Default: time.Now.
	Now func() time.Time
	// Wait is how the server waits between the attempts of a webhook and in slow faults. Default: real time. A test may
	// record the durations and return at once.
	Wait func(context.Context, time.Duration) error
	// PollCap shortens long polls, so that a test's poller comes round quickly. Default and maximum: 50 s, Telegram's own cap.
	PollCap time.Duration
	// Unlimited switches off the rate limits.
	Unlimited bool
	// Limits are the rate limits; a zero field means Telegram's figure.
	Limits Limits
	// LocalWebhooks allows http:// and any port in setWebhook, as a self-hosted Bot API server in local mode does.
	LocalWebhooks bool
	// WebhookClient sends updates to the bot's webhook. Default: a client of the server's own, without redirects.
	WebhookClient *http.Client
	// EmptyCopyText lets pass `"copy_text":{"text":""}` beside another action, which go-telegram/bot puts on every button
	// and Telegram doesn't mind (go-telegram/bot issue 167). By default it is refused.
	EmptyCopyText bool
	// Random is the source of file ids, callback query ids and the like. Default: crypto/rand.
	Random io.Reader
	// Logger gets one debug line per request. Default: discard.
	Logger *slog.Logger
}

// Server is the Telegram of one bot. It is safe for concurrent use.
type Server struct{}

// New makes a Server without people.
func New(o Options) *Server { return &Server{} }

// ServeHTTP answers /bot<TOKEN>/<method> and /file/bot<TOKEN>/<path>.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {}

// Close ends long polls and the webhook's sender, and waits until they have ended. Calling it twice is fine.
func (s *Server) Close() error { return nil }

// AddUser makes a person known, or changes them. A person who has never written to the bot can't be written to by it.
func (s *Server) AddUser(u User) error { return nil }

// AddGroup makes a group with its members.
func (s *Server) AddGroup(g Group) error { return nil }

// Users lists everybody, by id, the bot included.
func (s *Server) Users() []User { return nil }

// Groups lists the groups, by title, with their members as they are now.
func (s *Server) Groups() []Group { return nil }

// SetMember changes somebody's membership, as an administrator would: the bot gets my_chat_member about itself, chat_member
// about others (where it is an administrator and asked for it), and the service messages about joining and leaving.
func (s *Server) SetMember(chat int64, m Member, by int64) error { return nil }

// MigrateGroup turns a basic group into a supergroup and returns its new id. From then on requests for the old id are
// answered 400 with migrate_to_chat_id; messages don't move.
func (s *Server) MigrateGroup(old int64) (int64, error) { return 0, nil }

// SayOptions are a message that a person writes.
type SayOptions struct {
	Chat    int64 // a group, or the person's own id for their chat with the bot
	Topic   int   // the forum topic; 0 is General
	From    int64
	Text    string
	ReplyTo int // the message that is answered
	// Document is a file sent along; Text is its caption then.
	Document *Upload

	Forwarded bool      // forwarded from somewhere else (forward_origin)
	Scheduled bool      // sent by the client's schedule (is_from_offline)
	Anonymous bool      // as the group itself; implied by Member.Anonymous
	ViaBot    bool      // through an inline bot (via_bot)
	Date      time.Time // default: now
}

// Upload is a file that a person sends.
type Upload struct {
	Name    string
	Content []byte
}

// Say writes a message and returns its id. It fails where a client would not let the person write: unknown people, strangers in
// a group, restricted members, an unknown topic, an empty or too long text.
func (s *Server) Say(ctx context.Context, o SayOptions) (int, error) { return 0, nil }

// Edit changes the text of a person's own message; the bot may get edited_message.
func (s *Server) Edit(ctx context.Context, chat int64, id int, from int64, text string) error {
	return nil
}

// Delete removes a message, as its author or an administrator would. Bots are not told.
func (s *Server) Delete(ctx context.Context, chat int64, id int, from int64) error { return nil }

// React sets a person's reactions to a message; none removes them.
func (s *Server) React(ctx context.Context, chat int64, id int, from int64, emoji ...string) error {
	return nil
}

// PressOptions say which button is pressed, by its data or by its label.
type PressOptions struct {
	Chat    int64
	Message int
	From    int64
	Data    string // callback_data, or
	Text    string // the button's label: the first that has it
	// Forged sends Data although no button of the message carries it now, as an old client or an attacker can.
	Forged bool
}

// Answer is what answerCallbackQuery showed to the person who pressed.
type Answer struct {
	Text  string `json:"text"`
	Alert bool   `json:"show_alert"` // a dialog with an OK button instead of a toast
	URL   string `json:"url,omitempty"`
}

// Press presses a button and waits for the bot's answerCallbackQuery until ctx is done; the error is ctx's then, and the
// press is with the bot all the same. Other errors: there is no such message or button.
func (s *Server) Press(ctx context.Context, o PressOptions) (Answer, error) { return Answer{}, nil }

// Messages returns the messages of a chat, oldest first, deleted ones included.
func (s *Server) Messages(chat int64) []Message { return nil }

// Message returns one message.
func (s *Server) Message(chat int64, id int) (Message, bool) { return Message{}, false }

// Typing returns the action ("typing", "upload_document" …) that the bot shows in a chat at this moment, or "". It lasts 5 s.
func (s *Server) Typing(chat int64) string { return "" }

// Changes returns the version of everything people can see, and a channel that is closed once the version is higher than
// since: at once where it already is.
func (s *Server) Changes(since int64) (version int64, changed <-chan struct{}) { return 0, nil }

// WaitFor waits until the messages of a chat are as the caller wants them, or ctx is done; the error then is ctx's with a
// description of the last messages.
func (s *Server) WaitFor(ctx context.Context, chat int64, ok func([]Message) bool) error { return nil }

// Document returns the content of a file, by its file id.
func (s *Server) Document(fileID string) (name string, content []byte, ok bool) { return "", nil, false }

// Command is an entry of the menu of commands.
type Command struct {
	Command     string `json:"command"`
	Description string `json:"description"`
}

// Commands returns the menu that a person sees in a chat: that of the most specific scope and language that setMyCommands filled.
func (s *Server) Commands(chat, user int64) []Command { return nil }

// Call is one request of the bot and what it was answered.
type Call struct {
	Method string            // as the specification spells it
	Params map[string]string // as sent; objects as JSON; an uploaded file as its name; secret_token is masked
	Status int               // HTTP status; 0 where the connection was broken
	Answer []byte            // the body of the answer, as sent
	At     time.Time
}

// Calls returns the latest requests (at most 10,000), oldest first. A request under way is not in it yet.
func (s *Server) Calls() []Call { return nil }

// Violations returns every request so far that is wrong whatever the state of the chats: unknown methods and parameters, wrong
// types, impossible buttons, methods the sandbox does not carry out.
func (s *Server) Violations() []string { return nil }

// Limits are rate limits (Bot FAQ, "My bot is hitting limits"; the figure for edits is the one that bots report). Each
// is a bucket that refills evenly.
type Limits struct {
	Chat      int // messages per second to one chat; 1
	ChatBurst int // how many at once; 20
	Group     int // messages per minute to one group; 20
	Edits     int // edits per minute in one group; 20
	All       int // messages per second overall; 30
}

// FaultKind is a way in which a request goes wrong.
type FaultKind string

// The faults.
const (
	TooManyRequests FaultKind = "too many requests" // 429 with RetryAfter, no effect
	ServerError     FaultKind = "server error"      // 500 in JSON, no effect
	BadGateway      FaultKind = "bad gateway"       // 502 in HTML from a proxy, no effect
	ConflictError   FaultKind = "conflict"          // 409 as another poller causes it, no effect
	LostBefore      FaultKind = "lost before"       // the connection breaks and nothing has happened
	LostAfter       FaultKind = "lost after"        // the request is carried out, then the connection breaks
	ErrorAfter      FaultKind = "error after"       // the request is carried out, then 502 in HTML
	Slow            FaultKind = "slow"              // answered after Delay, or once Until is closed
	WasMigrated     FaultKind = "migrated"          // 400 with migrate_to_chat_id MigrateTo, no effect
	WasKicked       FaultKind = "kicked"            // 403, no effect
	Again           FaultKind = "again"             // getUpdates only: updates it confirms are delivered once more
)

// Fault makes the next requests that match it go wrong.
type Fault struct {
	Kind   FaultKind
	Method string // which method; "" means all but getUpdates
	Chat   int64  // only requests with this chat_id; 0 means any
	Skip   int    // let so many matching requests pass first
	Times  int    // then spoil so many; 0 means one

	RetryAfter time.Duration   // TooManyRequests, in whole seconds; default 1 s
	Delay      time.Duration   // Slow
	Until      <-chan struct{} // Slow: instead of Delay
	MigrateTo  int64           // WasMigrated
}

// Fault adds a fault. Faults are tried in the order in which they were added; the first that matches is used.
func (s *Server) Fault(f Fault) {}
