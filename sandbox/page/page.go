package page

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"towline/sandbox/telegram"
)

// Chat is what the page needs of a sandbox Telegram; [telegram.Server] has it. Implementations are safe for concurrent use, and
// what they return belongs to the caller.
type Chat interface {
	// Say writes a message as a member. Its error says in words for people why a client would not let them.
	Say(ctx context.Context, o telegram.SayOptions) (int, error)
	// Press presses a button and waits for the bot's answer; the error is ctx's where none came in time.
	Press(ctx context.Context, o telegram.PressOptions) (telegram.Answer, error)
	// Messages returns the messages of a chat, oldest first, deleted ones included.
	Messages(chat int64) []telegram.Message
	// Message returns one message, and false where there is none.
	Message(chat int64, id int) (telegram.Message, bool)
	// Typing returns what the bot is doing in a chat at this moment, or "".
	Typing(chat int64) string
	// Changes returns the version of everything there is to see, and a channel that is closed once it is higher than since.
	Changes(since int64) (version int64, changed <-chan struct{})
	// Document returns the content of a file, and false where there is none.
	Document(fileID string) (name string, content []byte, ok bool)
	// Commands returns the menu of commands that a person sees in a chat.
	Commands(chat, user int64) []telegram.Command
	// Users lists everybody, the bot included.
	Users() []telegram.User
	// Group returns a group with its members as they are now, and false where there is none.
	Group(chat int64) (telegram.Group, bool)
	// SetMember changes somebody's membership, as done by somebody.
	SetMember(chat int64, m telegram.Member, by int64) error
}

// Member is somebody whom the page's user can play. Their @username is what the Chat's Users say.
type Member struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Role  string `json:"role"`  // a word or two: "deployer"
	About string `json:"about"` // one line: who this is and what they may do
}

// Step is one step of the tour that leads a newcomer through the demo. With Say, tapping the step becomes that member and sends
// the text. With Press, it becomes that member and points at the newest button whose label begins with it; the step is done once such a button was
// pressed by that member, and not refused with an alert. With neither, the step is only read. A step without a Title goes on with the one before it:
// both stand under one title, one after the other.
type Step struct {
	Title string `json:"title"` // a few words: "Ship to preview"
	Text  string `json:"text"`  // one or two sentences
	As    int64  `json:"as"`    // the member who does it; 0 leaves the member as it is
	Say   string `json:"say,omitempty"`
	Press string `json:"press,omitempty"`
}

// Options are what a page is made of. Chat, Group and Members are needed; everything else has a working zero value.
type Options struct {
	Chat    Chat
	Group   int64    // the chat that is shown
	Members []Member // in the order of the switcher; the first is who the user is at the start
	Title   string   // the heading. Default: "Group chat"
	Tour    []Step   // none leaves the tour away
	// AnswerWithin is how long a press waits for the bot. Default: 20 s; a callback query is answered within seconds or never.
	AnswerWithin time.Duration
	// Now is the clock that times are told by. Default: time.Now.
	Now func() time.Time
	// Random makes the identity by which a client notices a restarted server. Default: crypto/rand.
	Random io.Reader
	// Logger gets a line for every say and press that fails. Default: discard.
	Logger *slog.Logger
}

// Page is the chat in a browser. It is safe for concurrent use. Its event streams live until the client goes or Close is called, so
// a server that shuts down calls Close first.
type Page struct {
	o       Options
	epoch   string
	feed    *feed
	handler http.Handler

	mu      sync.Mutex
	before  map[int64]telegram.Member // what those were who are anonymous now
	closed  bool
	closing chan struct{}
	streams sync.WaitGroup
}

//go:embed assets
var assets embed.FS

// New makes a Page. It panics where Options lack a Chat or a Member, or where Random fails: both are mistakes of the program.
func New(o Options) *Page {
	if o.Chat == nil || len(o.Members) == 0 {
		panic("page: Options need a Chat and at least one Member")
	}
	if o.Title == "" {
		o.Title = "Group chat"
	}
	if o.AnswerWithin == 0 {
		o.AnswerWithin = 20 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	var id [8]byte
	if _, err := io.ReadFull(o.Random, id[:]); err != nil {
		panic(fmt.Sprintf("page: reading random bytes: %v", err))
	}
	p := &Page{o: o, epoch: hex.EncodeToString(id[:]), before: map[int64]telegram.Member{}, closing: make(chan struct{})}
	p.feed = newFeed(o.Chat, o.Group)
	p.handler = guard(p.routes())
	return p
}

func (p *Page) routes() http.Handler {
	static, err := fs.Sub(assets, "assets")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(static))
	mux.HandleFunc("GET /api/events", p.events)
	mux.HandleFunc("POST /api/say", p.say)
	mux.HandleFunc("POST /api/press", p.press)
	mux.HandleFunc("POST /api/anonymous", p.anonymous)
	mux.HandleFunc("GET /api/document/{message}", p.document)
	return mux
}

// ServeHTTP serves the page and its endpoints.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// Close ends the event streams and waits until they have ended; later ones are refused. Calling it twice is fine.
func (p *Page) Close() error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.closing)
	}
	p.mu.Unlock()
	p.streams.Wait()
	return nil
}

// open counts a stream in, unless the page is closed.
func (p *Page) open() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.streams.Add(1)
	return true
}

func (p *Page) member(id int64) (Member, bool) {
	for _, m := range p.o.Members {
		if m.ID == id {
			return m, true
		}
	}
	return Member{}, false
}
