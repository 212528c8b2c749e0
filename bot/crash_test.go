package bot_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
	"towline/sandbox/telegram"
)

// errDead is what everything returns after the process has died.
var errDead = errors.New("the process is dead")

// fate lets a process die at a chosen moment: after so many points, of which
// every call of the store and every request has one before and one after its
// effect. The dead neither store nor send anything.
type fate struct {
	mu   sync.Mutex
	left int
	dead chan struct{}
}

func newFate(points int) *fate { return &fate{left: points, dead: make(chan struct{})} }

// lives passes a point. It is false from the moment of death on.
func (f *fate) lives() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.left < 0:
		return false
	case f.left == 0:
		close(f.dead)
	}
	f.left--
	return f.left >= 0
}

// pass runs an effect between its two points.
func pass[T any](f *fate, effect func() (T, error)) (T, error) {
	var none T
	if !f.lives() {
		return none, errDead
	}
	v, err := effect()
	if !f.lives() {
		return none, errDead
	}
	return v, err
}

// mortalStore is a store of a process that can die.
type mortalStore struct {
	bot.Store
	fate *fate
}

func (m mortalStore) Journal(ctx context.Context, u []bot.Update) ([]bot.Update, error) {
	return pass(m.fate, func() ([]bot.Update, error) { return m.Store.Journal(ctx, u) })
}

func (m mortalStore) Finish(ctx context.Context, id int64, o bot.Outcome) error {
	_, err := pass(m.fate, func() (int, error) { return 0, m.Store.Finish(ctx, id, o) })
	return err
}

func (m mortalStore) ChangeCard(ctx context.Context, key string, change func(bot.Card, bool) (bot.Card, error)) (bot.Card, error) {
	return pass(m.fate, func() (bot.Card, error) { return m.Store.ChangeCard(ctx, key, change) })
}

func (m mortalStore) Unfinished(ctx context.Context) ([]bot.Update, error) {
	return pass(m.fate, func() ([]bot.Update, error) { return m.Store.Unfinished(ctx) })
}

func (m mortalStore) SweepUpdates(ctx context.Context, before time.Time) (int, error) {
	return pass(m.fate, func() (int, error) { return m.Store.SweepUpdates(ctx, before) })
}

// mortalWire carries the requests of a process that can die.
type mortalWire struct {
	http.RoundTripper
	fate *fate
}

func (m mortalWire) RoundTrip(r *http.Request) (*http.Response, error) {
	return pass(m.fate, func() (*http.Response, error) { return m.RoundTripper.RoundTrip(r) })
}

// life runs the bot until it dies or everything is done, and tells which.
func (r *rig) life(points int, done func() bool) (died bool) {
	r.t.Helper()
	f := newFate(points)
	r.port = func(s bot.Store) bot.Store { return mortalStore{s, f} }
	r.adjust = func(o *bot.Options) {
		o.Transport = mortalWire{wire{r.server}, f}
		o.Pace = bot.Pace{Edit: -1, Group: -1, Private: -1, All: -1}
		o.StopTimeout = time.Millisecond
	}
	r.start()
	for !died && !done() {
		select {
		case <-f.dead:
			died = true
		case <-time.After(time.Second): // of fake time
		}
	}
	err := r.stop()
	if died {
		if err != nil && !errors.Is(err, errDead) {
			r.t.Errorf("Run returned %v", err)
		}
	} else {
		must(r.t, err)
	}
	must(r.t, r.store.Close())
	r.store = nil
	return died
}

// replying is a handler whose effect is a reply card per command, and which
// notes the order in which commands first ran.
type replying struct {
	mu    sync.Mutex
	order map[int64][]string
}

func (h *replying) attach(r *rig) {
	h.order = map[int64][]string{}
	r.handler.onCommand = func(ctx context.Context, c bot.Command) error {
		h.mu.Lock()
		if !slices.Contains(h.order[c.Place.Chat], c.Text) {
			h.order[c.Place.Chat] = append(h.order[c.Place.Chat], c.Text)
		}
		h.mu.Unlock()
		return r.bot.Outbox().Want(ctx, fmt.Sprint("reply/", c.UpdateID), bot.Frame{
			Place: c.Place, ReplyTo: c.Message, HTML: "did " + c.Text, Buttons: buttons("undo " + c.Text), Final: true,
		})
	}
}

// replies counts the bot's messages by the command they answer.
func (r *rig) replies() map[string]int {
	count := map[string]int{}
	for _, chat := range []int64{group, other} {
		for _, m := range r.posts(chat) {
			count[strings.TrimPrefix(m.Text, "did ")]++
		}
	}
	return count
}

// finished tells whether nothing is left in the journal and the outbox.
func (r *rig) finished() bool {
	ctx := context.Background()
	updates, err1 := r.store.Bot().Unfinished(ctx)
	cards, err2 := r.store.Bot().Unsettled(ctx)
	return err1 == nil && err2 == nil && len(updates) == 0 && len(cards) == 0
}

// TestNothingDeliveredIsLostHoweverOftenTheProcessDies lets the bot die at its
// first point, after a restart at its second, and so on, until it has worked off
// a hundred commands of two chats.
func TestNothingDeliveredIsLostHoweverOftenTheProcessDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const commands = 100
		r := newRig(t, nil)
		h := &replying{}
		h.attach(r)
		want := map[int64][]string{}
		for i := range commands {
			chat, text := group, fmt.Sprintf("/c%d", i)
			if i%3 == 0 {
				chat = other
			}
			r.say(lead, chat, text)
			want[chat] = append(want[chat], text)
		}
		lives := 1
		for r.life(lives, func() bool { return r.finished() && len(r.replies()) == commands }) {
			if lives++; lives > 500 {
				t.Fatal("the bot does not come to an end")
			}
		}
		copies := 0
		for _, n := range r.replies() {
			copies += n - 1
		}
		// A death leaves at most one message of each chat in doubt.
		if len(r.replies()) != commands || copies > 2*(lives-1) {
			t.Errorf("%d of %d commands were answered, with %d copies in %d lives", len(r.replies()), commands, copies, lives)
		}
		if !maps.EqualFunc(h.order, want, slices.Equal[[]string]) {
			t.Errorf("commands ran out of order: %v", h.order)
		}
		t.Logf("%d lives, %d second copies", lives, copies)
	})
}

// TestDyingAtEveryPointLosesNothing takes a short story and lets the bot die
// once at each of its points in turn.
func TestDyingAtEveryPointLosesNothing(t *testing.T) {
	points := 0
	for died := true; died; points++ {
		synctest.Test(t, func(t *testing.T) {
			died = storyWithOneDeath(t, points)
		})
		if t.Failed() {
			t.Fatalf("dying at point %d", points)
		}
		if points > 300 {
			t.Fatal("the story does not come to an end")
		}
	}
	if points < 25 {
		t.Errorf("the story has only %d points", points)
	}
	t.Logf("%d points", points)
}

func storyWithOneDeath(t *testing.T, points int) (died bool) {
	r := newRig(t, nil)
	(&replying{}).attach(r)
	ctx, cancel := context.WithCancel(context.Background())
	var pressing sync.WaitGroup
	defer pressing.Wait()
	defer cancel()
	for _, text := range []string{"/one", "/two"} {
		r.say(lead, group, text)
	}
	pressed := false
	done := func() bool {
		if !r.finished() || len(r.replies()) < 2 {
			return false
		}
		if !pressed { // the newest copy of the reply to /one
			pressed = true
			pressing.Go(func() {
				_, _ = r.server.Press(ctx, telegram.PressOptions{Chat: group, Message: newest(r.posts(group), "did /one"), From: second, Text: "undo /one"})
			})
			return false
		}
		_, presses, _ := r.handler.seen()
		return len(presses) > 0
	}
	died = r.life(points, done)
	if died {
		r.life(1_000_000, done)
	}
	for text, n := range r.replies() {
		if n > 2 {
			t.Errorf("%s was answered %d times after one death", text, n)
		}
	}
	_, presses, _ := r.handler.seen()
	for _, p := range presses {
		if p.Data != "undo /one" || !p.Current {
			t.Errorf("press: %+v", p)
		}
	}
	checkCopies(t, r)
	return died
}

// newest is the last message with that text.
func newest(posts []telegram.Message, text string) int {
	id := 0
	for _, m := range posts {
		if m.Text == text {
			id = m.ID
		}
	}
	return id
}

// checkCopies presses every button there is: only the newest copy of a reply
// may count, and the others lose theirs.
func checkCopies(t *testing.T, r *rig) {
	r.adjust, r.port = nil, func(s bot.Store) bot.Store { return s }
	r.handler.presses = nil
	r.start()
	for _, m := range r.posts(group) {
		if len(m.Buttons) > 0 {
			r.press(lead, group, m.ID, m.Buttons[0][0].Text)
		}
	}
	r.settle()
	_, presses, _ := r.handler.seen()
	for _, p := range presses {
		m, _ := r.server.Message(group, p.Message)
		if last := newest(r.posts(group), m.Text) == p.Message; p.Current != last {
			t.Errorf("a press on copy %d of %q: current %v", p.Message, m.Text, p.Current)
		}
	}
	if live := r.live(group); len(live) != 2 {
		t.Errorf("messages with buttons at the end: %v", live)
	}
	must(t, r.stop())
}
