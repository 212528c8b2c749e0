package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrRunning is what Run returns when the Bot runs already.
var ErrRunning = errors.New("bot: already running")

// errNotRunning is what Ready says before the first success and after Run.
var errNotRunning = errors.New("bot: not connected")

// Bot is one Telegram bot: what it receives, what it handles and what it posts.
type Bot struct {
	options Options
	store   Store
	handler Handler
	log     *slog.Logger
	client  *client
	aliases *aliases
	outbox  *Outbox
	state   state
	answers sync.WaitGroup
	// listen opens what a webhook is received on.
	listen func(ctx context.Context, address string) (net.Listener, error)

	receiving sync.Mutex // held while arrivals are journaled and submitted
	mu        sync.Mutex
	arrivals  []*arrival
	running   bool
	self      self
	executors *executors
	broken    error           // what ends Run for good
	cancel    func()          // ends Run
	stopped   time.Time       // when a stop that has begun is to be over
	answering context.Context // of answers to presses, which outlast their handlers
}

// New makes a Bot without calling Telegram; of the store it reads which chats
// have another id now. It returns an error for options that cannot work, and the
// store's; no error contains the token. The outbox can be used at once. A Bot
// that is only asked for Info needs neither store nor handler.
func New(o Options, s Store, h Handler) (*Bot, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	limits := newLimits(o.Pace)
	c, err := newClient(o, limits)
	if err != nil {
		return nil, err
	}
	a := &aliases{store: s}
	if s != nil {
		ctx, cancel := context.WithTimeout(context.Background(), o.RequestTimeout)
		defer cancel()
		if err := a.load(ctx); err != nil {
			return nil, fmt.Errorf("bot: %w", err)
		}
	}
	b := &Bot{options: o, store: s, handler: h, log: o.Log, client: c, aliases: a, outbox: newOutbox(o, s, c, limits, a)}
	// The number before the colon is the bot's id.
	number, _, _ := strings.Cut(o.Token, ":")
	b.self.ID, _ = strconv.ParseInt(number, 10, 64)
	b.state.err = errNotRunning
	b.outbox.moved = b.moved
	b.outbox.fatal = b.fatal
	b.listen = func(ctx context.Context, address string) (net.Listener, error) {
		return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	}
	return b, nil
}

// Outbox is where everything that the bot posts goes.
func (b *Bot) Outbox() *Outbox { return b.outbox }

// Self returns the bot's username and id; the username is "" until Run has
// asked Telegram.
func (b *Bot) Self() (username string, id int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.self.Username, b.self.ID
}

// Ready is nil while updates arrive, else why they do not: what the last request
// ended with, or that no poll has come back for a long time.
func (b *Bot) Ready() error {
	stale := 2 * (b.options.PollTimeout + b.options.RequestTimeout)
	if b.options.Webhook != nil {
		stale = 0 // silence is normal
	}
	return b.state.ready(stale)
}

// Run receives updates, runs handlers and delivers cards until ctx ends, which
// is no error: it then stops the intake, lets running handlers finish and
// delivers what is outstanding, within Options.StopTimeout, and returns nil
// when all of its goroutines have ended. What was not finished is in the
// journal and is done at the next start. It returns ErrConflict when another
// instance receives this bot's updates, ErrUnauthorized when the token is not
// valid, ErrRunning when the Bot runs already, and the store's error when the
// journal cannot be read.
func (b *Bot) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answering, stopAnswering := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAnswering()
	if err := b.begin(cancel, answering); err != nil {
		return err
	}
	defer b.end()
	if err := b.outbox.load(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("bot: %w", err)
	}

	// Deliveries outlast ctx, so that running handlers can still say what they did.
	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var background sync.WaitGroup
	background.Go(func() { b.outbox.run(sending, work) })
	background.Go(func() { b.sweep(ctx) })

	err := b.serve(ctx)
	cancel()
	b.mu.Lock()
	err = or(err, b.broken)
	b.mu.Unlock()
	b.state.fail(or(err, errNotRunning))
	b.stop(ctx, stopAnswering, stopWork)
	stopSending()
	background.Wait()
	return err
}

// stop ends the work in the order in which it depends on each other, all of it within the one time that a stop may take:
// handlers get most of it, and leave some for telling what they did.
func (b *Bot) stop(ctx context.Context, stopAnswering, stopWork func()) {
	b.mu.Lock()
	executors := b.executors
	b.mu.Unlock()
	end, share := b.stopBy(), b.options.StopTimeout/8
	if executors != nil {
		handlers, cancel := context.WithDeadline(context.WithoutCancel(ctx), end.Add(-2*share))
		executors.stop(handlers)
		cancel()
	}
	hurry := time.AfterFunc(time.Until(end.Add(-share)), stopAnswering)
	b.answers.Wait()
	hurry.Stop()
	flush, cancel := context.WithDeadline(context.WithoutCancel(ctx), end)
	b.outbox.flush(flush)
	if flush.Err() != nil {
		stopWork()
	}
	cancel()
}

// stopBy is when a stop is to be over, which begins with the first call.
func (b *Bot) stopBy() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped.IsZero() {
		b.stopped = time.Now().Add(b.options.StopTimeout)
	}
	return b.stopped
}

func (b *Bot) begin(cancel func(), answering context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running {
		return ErrRunning
	}
	b.running, b.broken, b.cancel, b.stopped, b.answering = true, nil, cancel, time.Time{}, answering
	b.outbox.begin()
	return nil
}

func (b *Bot) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running, b.executors, b.cancel, b.answering = false, nil, nil, nil
	b.client.transport.http.CloseIdleConnections()
}

// fatal ends Run with an error that waiting cannot mend.
func (b *Bot) fatal(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cancel != nil {
		b.broken = or(b.broken, err)
		b.cancel()
	}
}

// moved tells the handler of a migration that a refused request revealed.
func (b *Bot) moved(ctx context.Context, from, to int64) {
	e := Event{Kind: ChatMigrated, Place: Place{Chat: from}, NewChat: to, From: person(nil), Received: b.options.Now()}
	if err := b.event(ctx, queued{}, e); err != nil {
		b.log.Error("the handler failed on a migrated chat", "chat", from, "now", to, "error", err)
	}
}

// serve finds out who the bot is, runs what the journal holds unfinished, and
// then receives updates until ctx ends.
func (b *Bot) serve(ctx context.Context) error {
	err := b.persist(ctx, "getMe", func(ctx context.Context) error {
		me, err := b.client.me(ctx)
		if err == nil {
			b.mu.Lock()
			b.self = me
			b.mu.Unlock()
		}
		return err
	})
	if err == nil {
		err = b.resume(ctx)
	}
	if err == nil && b.options.Webhook == nil {
		err = b.persist(ctx, "deleteWebhook", func(ctx context.Context) error {
			var ok bool
			return b.client.call(ctx, "deleteWebhook", map[string]any{"drop_pending_updates": false}, &ok)
		})
	}
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	var menu sync.WaitGroup // nobody waits for it to be answered
	defer menu.Wait()
	if b.options.Menu != nil {
		menu.Go(func() {
			if err := b.client.setMenu(ctx, b.options.Menu); err != nil && ctx.Err() == nil {
				b.log.Warn("the command menu could not be set", "error", err)
			}
		})
	}
	if b.options.Webhook != nil {
		return b.hook(ctx)
	}
	return b.poll(ctx)
}

// resume starts the executors with the unfinished updates of earlier processes,
// before anything newer.
func (b *Bot) resume(ctx context.Context) error {
	if _, err := b.store.SweepUpdates(ctx, b.options.Now().Add(-keepUpdates)); err != nil {
		return fmt.Errorf("bot: journal: %w", err)
	}
	b.receiving.Lock() // a webhook may bring updates already
	defer b.receiving.Unlock()
	unfinished, err := b.store.Unfinished(ctx)
	if err != nil {
		return fmt.Errorf("bot: journal: %w", err)
	}
	b.mu.Lock()
	b.executors = newExecutors(ctx, b.options.Chats, b.dispatch)
	b.mu.Unlock()
	if len(unfinished) > 0 {
		b.log.Info("going on with unfinished updates", "updates", len(unfinished))
	}
	for _, u := range unfinished {
		b.submit(u)
	}
	return nil
}

// sweep forgets old updates, tokens and cards, every hour.
func (b *Bot) sweep(ctx context.Context) {
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		now := b.options.Now()
		_, err := b.store.SweepUpdates(ctx, now.Add(-keepUpdates))
		_, err2 := b.store.SweepTokens(ctx, now.Add(-keepEnded))
		_, err3 := b.store.SweepCards(ctx, now.Add(-keepCards))
		if err := errors.Join(err, err2, err3); err != nil && ctx.Err() == nil {
			b.log.Warn("sweeping failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// state is what Ready reports.
type state struct {
	mu   sync.Mutex
	err  error
	last time.Time // of the last success; not stored anywhere
}

func (s *state) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *state) succeed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.last = nil, time.Now()
}

func (s *state) ready(stale time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if quiet := time.Since(s.last); s.err == nil && stale > 0 && quiet > stale {
		return fmt.Errorf("bot: no poll has come back for %s", quiet.Round(time.Second))
	}
	return s.err
}
