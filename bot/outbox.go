package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const (
	mostButtons   = 100
	mostRow       = 8
	mostDocument  = 50 << 20
	mostPhoto     = 10 << 20
	mostSides     = 10000
	mostRatio     = 20
	mostCardKey   = 256
	mostButtonURL = 2048
)

var (
	// errUnchanged leaves a card's record as it is.
	errUnchanged = errors.New("unchanged")
	// errForgotten says that a card was forgotten while it was being delivered.
	errForgotten = errors.New("forgotten")
)

// Outbox keeps the wanted frame of every card and makes Telegram show it. It is
// safe for concurrent use, also while the bot does not run.
type Outbox struct {
	store   Store
	client  *client
	limits  *limits
	aliases *aliases
	random  io.Reader
	now     func() time.Time
	log     *slog.Logger
	pace    Pace
	// moved is told of a group that became a supergroup, fatal of a revoked token.
	moved func(ctx context.Context, from, to int64)
	fatal func(error)

	mu     sync.Mutex
	jobs   map[string]*job          // cards with something to deliver
	order  uint64                   // numbers jobs, for first come, first served
	busy   map[int64]bool           // chats with a delivery under way
	edited map[string]time.Time     // when a card was last delivered, for its pace
	held   map[string]chan struct{} // cards that are locked
	idle   []chan struct{}          // closed when there are no jobs
	hasty  bool                     // stopping: the pace of edits no longer matters
	wake   chan struct{}            // something to look at
	// flushed is closed when a flush has nothing left to wait for.
	flushed chan struct{}
}

func newOutbox(o Options, s Store, c *client, l *limits, a *aliases) *Outbox {
	return &Outbox{
		store: s, client: c, limits: l, aliases: a, random: o.Rand, now: o.Now, log: o.Log, pace: o.Pace,
		jobs: map[string]*job{}, busy: map[int64]bool{}, edited: map[string]time.Time{},
		held: map[string]chan struct{}{}, wake: make(chan struct{}, 1),
	}
}

// begin makes ready for another run.
func (o *Outbox) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hasty, o.flushed = false, nil
}

// Want stores f as the newest frame of the card key and returns once it is
// stored; it is delivered while the bot runs. The newest frame of a key wins, and
// wanting the same frame twice is wanting it once. It returns a *FrameError for
// a frame that Telegram would refuse, and the store's errors.
func (o *Outbox) Want(ctx context.Context, key string, f Frame) error {
	if err := f.check(key); err != nil {
		return err
	}
	f.Place.Chat = o.aliases.resolve(f.Place.Chat)
	digest, err := "", error(nil)
	if f.Document != nil {
		if digest, err = o.store.PutDocument(ctx, f.Document.Content); err != nil {
			return fmt.Errorf("bot: card %s: %w", key, err)
		}
		f.Document = &Document{Name: f.Document.Name}
	}
	if f.Photo != nil {
		if digest, err = o.store.PutDocument(ctx, f.Photo.Content); err != nil {
			return fmt.Errorf("bot: card %s: %w", key, err)
		}
		f.Photo = &Photo{Name: f.Photo.Name}
	}
	fresh, err := newTokens(o.random, f)
	if err != nil {
		return err
	}
	c, err := o.store.ChangeCard(ctx, key, func(c Card, found bool) (Card, error) {
		return c.wanting(f, digest, fresh, found, o.now())
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("bot: card %s: %w", key, err)
	}
	o.schedule(c)
	return nil
}

// wanting is c with f as its newest frame.
func (c Card) wanting(f Frame, digest string, fresh map[string]string, found bool, now time.Time) (Card, error) {
	if found && c.Wanted.form() != f.form() {
		return c, &FrameError{c.Key, "a card cannot change between text, file and picture"}
	}
	tokens := wantTokens(c.Tokens, f, fresh, now)
	hash := f.hash(digest, tokens)
	if found && hash == c.WantedHash && f.Repost == c.Wanted.Repost && f.alike(c.Wanted) {
		return c, errUnchanged
	}
	c.Wanted, c.Digest, c.Tokens, c.WantedHash = f, digest, tokens, hash
	c.Parked, c.Changed = "", now
	return c, nil
}

// alike tells whether two frames that look the same also mean the same.
func (f Frame) alike(g Frame) bool {
	if f.Final != g.Final || f.Kind != g.Kind || f.OnReply != g.OnReply || f.Left != g.Left || !f.Until.Equal(g.Until) {
		return false
	}
	return slices.EqualFunc(f.data(), g.data(), func(a, b Button) bool { return slices.Equal(a.For, b.For) })
}

// data are the buttons of a frame that have Data.
func (f Frame) data() []Button {
	var list []Button
	for _, row := range f.Buttons {
		for _, b := range row {
			if b.Data != "" {
				list = append(list, b)
			}
		}
	}
	return list
}

// hash identifies what a frame looks like and where.
func (f Frame) hash(digest string, tokens []Token) string {
	name := "" // a picture's is not shown
	if f.Document != nil {
		name = f.Document.Name
	}
	// Strings, numbers and slices of them always marshal.
	b, _ := json.Marshal([]any{f.Place, f.HTML, render(f.Buttons, inUse(tokens)), name, digest})
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// render makes Telegram's keyboard of a frame's buttons. Those whose token is
// over are left out.
func render(rows [][]Button, tokens map[string]string) keyboard {
	var k keyboard
	for _, row := range rows {
		var line []keyboardButton
		for _, b := range row {
			button := keyboardButton{Text: b.Text, Style: b.Style, URL: b.URL}
			if b.Data != "" {
				if button.Data = tokens[b.Data]; button.Data == "" {
					continue
				}
			}
			if b.Copy != "" {
				button.Copy = &copyText{b.Copy}
			}
			line = append(line, button)
		}
		if len(line) > 0 {
			k.Rows = append(k.Rows, line)
		}
	}
	return k
}

// check finds what Telegram would refuse.
func (f Frame) check(key string) error {
	refuse := func(format string, args ...any) error { return &FrameError{key, fmt.Sprintf(format, args...)} }
	most := mostText
	if f.form() != aText {
		most = mostCaption
		if reason := f.wrongFile(); reason != "" {
			return refuse("%s", reason)
		}
	}
	n := parsedUnits(f.HTML)
	switch {
	case key == "" || len(key) > mostCardKey:
		return refuse("a key has 1 to %d bytes", mostCardKey)
	case !slices.Contains([]Kind{KindAuto, KindAnswer, KindApproval, KindAlert, KindProgress, KindReport}, f.Kind):
		return refuse("unknown kind %q", f.Kind)
	case f.Place.Chat == 0:
		return refuse("no chat")
	case n == 0 && f.form() == aText:
		return refuse("no text")
	case n > most:
		return refuse("the text has %d UTF-16 units, and %d is the most", n, most)
	}
	people := map[string][]int64{}
	for _, b := range f.data() {
		if others, ok := people[b.Data]; ok && !slices.Equal(others, b.For) {
			return refuse("buttons with the same Data are for different people")
		}
		people[b.Data] = b.For
	}
	return checkButtons(f.Buttons, refuse)
}

func checkButtons(rows [][]Button, refuse func(string, ...any) error) error {
	total := 0
	for _, row := range rows {
		if total += len(row); len(row) > mostRow || total > mostButtons {
			return refuse("more than %d buttons in a row or %d in all", mostRow, mostButtons)
		}
		for _, b := range row {
			actions := 0
			for _, a := range []string{b.Data, b.URL, b.Copy} {
				if a != "" {
					actions++
				}
			}
			switch {
			case b.Text == "":
				return refuse("a button without text")
			case actions != 1:
				return refuse("button %q needs exactly one of Data, URL and Copy", b.Text)
			case units(b.Copy) > mostCopy || len(b.URL) > mostButtonURL:
				return refuse("button %q holds more than %d characters to copy or %d bytes of URL", b.Text, mostCopy, mostButtonURL)
			case b.Style != "" && b.Style != "primary" && b.Style != "success" && b.Style != "danger":
				return refuse("button %q has the unknown style %q", b.Text, b.Style)
			}
		}
	}
	return nil
}

// Sent returns where the live message of a card is; ok is false when it has
// none yet.
func (o *Outbox) Sent(ctx context.Context, key string) (p Place, message int, ok bool, err error) {
	c, found, err := o.store.Card(ctx, key)
	if err != nil || !found || c.Message == 0 {
		return Place{}, 0, false, err
	}
	return Place{Chat: c.Chat, Topic: c.Topic}, c.Message, true, nil
}

// Forget removes a card from the outbox. Its message stays as it is, and its
// buttons are answered as unknown. A missing card is fine.
func (o *Outbox) Forget(ctx context.Context, key string) error {
	unlock, ok := o.lock(ctx, key)
	if !ok {
		return ctx.Err()
	}
	defer unlock()
	return o.store.ForgetCard(ctx, key)
}

// Wait returns when everything wanted so far is delivered or parked, or when
// ctx ends. Before Run has begun it knows only of what this process wanted.
func (o *Outbox) Wait(ctx context.Context) error {
	o.mu.Lock()
	if len(o.jobs) == 0 {
		o.mu.Unlock()
		return nil
	}
	idle := make(chan struct{})
	o.idle = append(o.idle, idle)
	o.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lock holds a card, so that its delivery and a press on it do not overlap. It
// is not ok when ctx ends first.
func (o *Outbox) lock(ctx context.Context, key string) (unlock func(), ok bool) {
	for {
		o.mu.Lock()
		held, taken := o.held[key]
		if !taken {
			mine := make(chan struct{})
			o.held[key] = mine
			o.mu.Unlock()
			return func() {
				o.mu.Lock()
				delete(o.held, key)
				o.mu.Unlock()
				close(mine)
			}, true
		}
		o.mu.Unlock()
		select {
		case <-held:
		case <-ctx.Done():
			return nil, false
		}
	}
}
