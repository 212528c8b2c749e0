package telegram

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
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
	// Wait is how the server waits between the attempts of a webhook, in slow faults and before a second conflict is
	// answered. Default: real time. A test may record the durations and return at once.
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
	// State is the file in which [Open] keeps everything over a restart, or "" for memory alone. It is as secret as the chats.
	State string
}

// Server is the Telegram of one bot. It is safe for concurrent use.
type Server struct {
	o    Options
	bot  User
	spec *spec

	// ctx ends with Close; work counts the webhook's goroutines.
	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup

	mu         sync.Mutex // guards all below, and everything they point to
	users      map[int64]*person
	chats      map[int64]*chat
	accountIDs int // the last message id in private chats and basic groups, which share one count
	inbox      inbox
	hook       *webhook
	queries    map[string]*query
	files      map[string]*storedFile // by file id
	paths      map[string]*storedFile // by file path
	menus      map[menuKey][]Command
	limits     limiter
	faults     []*armedFault
	down       *outage // nil: none
	calls      []Call
	violations []string
	version    int64
	changed    chan struct{}
	journal    *journal // nil: memory alone
}

// person is a user and what the bot may do about them.
type person struct {
	User
	spoke map[int64]bool // chats in which the bot has seen them
}

// New makes a Server in memory that knows nobody but the bot. It panics if the token or the bot's id or username is missing, since
// nothing would work then, and if there is a State, which is for [Open].
func New(o Options) *Server {
	if err := o.check(); err != nil {
		panic(err.Error())
	}
	if o.State != "" {
		panic("telegram: Options with a State are for Open")
	}
	return newServer(o)
}

func (o Options) check() error {
	if o.Token == "" || o.Bot.ID <= 0 || o.Bot.Username == "" {
		return errors.New("telegram: Options need a Token and a Bot with ID and Username")
	}
	return nil
}

func newServer(o Options) *Server {
	o = o.withDefaults()
	s := &Server{
		o: o, bot: o.Bot, spec: loadSpec(),
		users: map[int64]*person{}, chats: map[int64]*chat{}, queries: map[string]*query{},
		files: map[string]*storedFile{}, paths: map[string]*storedFile{}, menus: map[menuKey][]Command{},
		limits: newLimiter(o.Limits), changed: make(chan struct{}),
	}
	s.bot.IsBot = true
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.users[s.bot.ID] = &person{User: s.bot}
	s.inbox = newInbox(s.randomUint()%900_000_000 + 1_000)
	return s
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait == nil {
		o.Wait = wait
	}
	if o.PollCap <= 0 || o.PollCap > maxPoll {
		o.PollCap = maxPoll
	}
	if o.WebhookClient == nil {
		o.WebhookClient = &http.Client{
			Transport:     &http.Transport{DisableKeepAlives: true},
			Timeout:       time.Minute,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// wait waits in real time.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close ends long polls and the webhook's sender, and waits until they have ended. Requests that come later are answered as
// by a server that restarts. Its error is that the State could not be written, then or earlier. Calling it twice is fine.
func (s *Server) Close() error {
	s.mu.Lock() // so that no goroutine is started between the end and the wait for it
	s.stop()
	s.mu.Unlock()
	s.work.Wait()
	s.o.WebhookClient.CloseIdleConnections()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.journal == nil {
		return nil
	}
	if err := s.journal.close(); err != nil {
		return fmt.Errorf("telegram: keep the state: %w", err)
	}
	return nil
}

// errClosed is what people's calls return after Close.
var errClosed = errors.New("telegram: the server is closed")

// notify tells everybody who waits for Changes. The caller holds mu.
func (s *Server) notify() {
	s.version++
	close(s.changed)
	s.changed = make(chan struct{})
}

// Changes returns the version of everything people can see and of Calls, and a channel that is closed once the version is higher than
// since: at once where it already is.
func (s *Server) Changes(since int64) (version int64, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.version > since {
		over := make(chan struct{})
		close(over)
		return s.version, over
	}
	return s.version, s.changed
}
