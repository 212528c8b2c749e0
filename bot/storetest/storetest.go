// Package storetest holds the suite that every implementation of bot.Store passes.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/bot"
)

// Run runs the suite. open returns the store of a test's own, empty at first;
// called again by the same test it closes the store and opens the same one
// again, as a new process would.
func Run(t *testing.T, open func(t *testing.T) (reopen func() bot.Store)) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, reopen func() bot.Store)
	}{
		{"the journal takes every update once", journalOnce},
		{"the journal remembers what is unfinished, in order", journalOrder},
		{"a batch is journaled whole", journalBatch},
		{"an update that is not JSON survives", journalGarbled},
		{"old finished updates are swept, unfinished ones are not", journalSweep},
		{"aliases survive", aliases},
		{"a card comes back as it was stored", cardRoundTrip},
		{"a failed change stores nothing", cardFailedChange},
		{"changes of a card do not overwrite each other", cardConcurrent},
		{"a card shares no memory with its reader", cardCopies},
		{"tokens lead to the card that has them", cardTokens},
		{"a card is found by its live message", cardByMessage},
		{"tokens that are over are swept, and no others", tokenSweep},
		{"unsettled cards are found until they are settled", cardUnsettled},
		{"parked cards are found by their chat", cardParked},
		{"a forgotten card leaves nothing behind", cardForgotten},
		{"only final cards without data buttons are swept", cardSweep},
		{"documents are kept by digest", documents},
		{"a cancelled context stops every method", cancelled},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// at is a time with no more precision than a record has to keep.
func at(second int) time.Time { return time.Date(2026, 11, 2, 9, 0, second, 0, time.UTC) }

func update(id int64, second int) bot.Update {
	return bot.Update{ID: id, Raw: fmt.Appendf(nil, `{"update_id":%d}`, id), Received: at(second)}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func ids(updates []bot.Update) []int64 {
	var list []int64
	for _, u := range updates {
		list = append(list, u.ID)
	}
	return list
}

func journalOnce(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	added, err := s.Journal(ctx, []bot.Update{update(7, 0), update(8, 0), update(7, 1)})
	must(t, err)
	same(t, "added", ids(added), []int64{7, 8})
	must(t, s.Finish(ctx, 7, bot.Done))
	s = reopen()
	added, err = s.Journal(ctx, []bot.Update{update(8, 2), update(7, 2), update(9, 2)})
	must(t, err)
	same(t, "added after a restart", ids(added), []int64{9})
	must(t, s.Finish(ctx, 12345, bot.Done)) // unknown
}

func journalOrder(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	// Ids can begin anew below the old ones; the order is that of arrival.
	for _, id := range []int64{900, 1000, 5, 6, 10} {
		_, err := s.Journal(ctx, []bot.Update{update(id, int(id)%60)})
		must(t, err)
	}
	must(t, s.Finish(ctx, 1000, bot.Failed))
	must(t, s.Finish(ctx, 6, bot.Garbled))
	s = reopen()
	_, err := s.Journal(ctx, []bot.Update{update(1, 0)})
	must(t, err)
	got, err := s.Unfinished(ctx)
	must(t, err)
	same(t, "unfinished", got, []bot.Update{update(900, 0), update(5, 5), update(10, 10), update(1, 0)})
}

func journalBatch(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	var batch []bot.Update
	for id := range int64(100) {
		batch = append(batch, update(id+1, 0))
	}
	_, err := s.Journal(ctx, batch)
	must(t, err)
	got, err := reopen().Unfinished(ctx)
	must(t, err)
	same(t, "unfinished", ids(got), ids(batch))
}

func journalGarbled(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	u := bot.Update{ID: 3, Raw: []byte("{\"update_id\":3,\xff"), Received: at(0)}
	_, err := s.Journal(ctx, []bot.Update{u})
	must(t, err)
	got, err := reopen().Unfinished(ctx)
	must(t, err)
	same(t, "unfinished", got, []bot.Update{u})
}

func journalSweep(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	for id := range int64(250) {
		_, err := s.Journal(ctx, []bot.Update{update(id+1, 1)})
		must(t, err)
		if id > 0 {
			must(t, s.Finish(ctx, id+1, bot.Done))
		}
	}
	_, err := s.Journal(ctx, []bot.Update{update(1000, 5)})
	must(t, err)
	must(t, s.Finish(ctx, 1000, bot.Done))
	n, err := s.SweepUpdates(ctx, at(5))
	must(t, err)
	same(t, "removed", n, 249)
	added, err := s.Journal(ctx, []bot.Update{update(1, 6), update(2, 6), update(1000, 6)})
	must(t, err)
	same(t, "taken again", ids(added), []int64{2})
}

func aliases(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	got, err := s.Aliases(ctx)
	must(t, err)
	same(t, "at first", len(got), 0)
	must(t, s.SetAlias(ctx, -5, -1005))
	must(t, s.SetAlias(ctx, -6, -1006))
	must(t, s.SetAlias(ctx, -6, -1007))
	got, err = reopen().Aliases(ctx)
	must(t, err)
	same(t, "aliases", got, map[int64]int64{-5: -1005, -6: -1007})
}

// full is a card with every field set.
func full(key string) bot.Card {
	return bot.Card{
		Key: key,
		Wanted: bot.Frame{
			Place: bot.Place{Chat: -100, Topic: 7}, ReplyTo: 3, HTML: "<b>x</b> & \u2028", Notify: true, Repost: 2, Final: true,
			Kind: bot.KindApproval, OnReply: "reason", Until: at(50), Left: "moved",
			Buttons:  [][]bot.Button{{{Text: "Yes", Data: "yes", Style: "success", For: []int64{1, 2}}, {Text: "Copy", Copy: "text"}}, {{Text: "Link", URL: "https://example.com"}}},
			Document: &bot.Document{Name: "plan.sql"},
		},
		Digest: "d1", WantedHash: "h2", SentHash: "h1", Tokens: []bot.Token{
			{ID: key + "-token", Data: "yes", For: []int64{1, 2}, Until: at(50), Shown: at(1)}, {ID: key + "-token2", Data: "no", Revoked: at(2)},
		},
		Chat: -100, Message: 55, Topic: 7, SentDigest: "d0", SentTokens: []string{key + "-token"}, Reposted: 1,
		Attempt: &bot.Attempt{Hash: "h2", Digest: "d1", Tokens: []string{"a"}, Repost: 2, Topic: 7},
		Stale:   []bot.MessageRef{{Chat: -100, Message: 50}}, Changed: at(1),
	}
}

// set stores a card as it is.
func set(t *testing.T, s bot.Store, c bot.Card) {
	t.Helper()
	_, err := s.ChangeCard(t.Context(), c.Key, func(bot.Card, bool) (bot.Card, error) { return c, nil })
	must(t, err)
}

// get reads a card that must be there.
func get(t *testing.T, s bot.Store, key string) bot.Card {
	t.Helper()
	c, found, err := s.Card(t.Context(), key)
	must(t, err)
	if !found {
		t.Fatalf("card %s is not there", key)
	}
	return c
}

func cardRoundTrip(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	_, found, err := s.Card(ctx, "run/1")
	must(t, err)
	same(t, "found", found, false)
	stored, err := s.ChangeCard(ctx, "run/1", func(c bot.Card, found bool) (bot.Card, error) {
		same(t, "a card that was not there", c, bot.Card{Key: "run/1"})
		same(t, "found", found, false)
		return full("run/1"), nil
	})
	must(t, err)
	same(t, "returned", stored, full("run/1"))
	s = reopen()
	same(t, "read", get(t, s, "run/1"), full("run/1"))
	_, err = s.ChangeCard(ctx, "run/1", func(c bot.Card, found bool) (bot.Card, error) {
		same(t, "given to change", c, full("run/1"))
		same(t, "found", found, true)
		c.Message = 56
		return c, nil
	})
	must(t, err)
	same(t, "message", get(t, reopen(), "run/1").Message, 56)
	picture := full("usage/1")
	picture.Wanted.Document, picture.Wanted.Photo = nil, &bot.Photo{Name: "usage.png"}
	set(t, reopen(), picture)
	same(t, "a picture", get(t, reopen(), "usage/1"), picture)
}

func cardFailedChange(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	set(t, s, full("run/1"))
	broken := errors.New("broken")
	for _, key := range []string{"run/1", "run/2"} {
		_, err := s.ChangeCard(ctx, key, func(c bot.Card, _ bool) (bot.Card, error) {
			c.Message = 99
			return c, broken
		})
		same(t, "error", errors.Is(err, broken), true)
	}
	same(t, "card", get(t, s, "run/1"), full("run/1"))
	_, found, err := s.Card(ctx, "run/2")
	must(t, err)
	same(t, "found", found, false)
}

func cardConcurrent(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	set(t, s, bot.Card{Key: "run/1"})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, err := s.ChangeCard(ctx, "run/1", func(c bot.Card, _ bool) (bot.Card, error) {
				c.Message++
				return c, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	same(t, "changes", get(t, s, "run/1").Message, 20)
}

func cardCopies(t *testing.T, reopen func() bot.Store) {
	s := reopen()
	set(t, s, full("run/1"))
	c := get(t, s, "run/1")
	c.Tokens[0].For[0], c.SentTokens[0], c.Wanted.Buttons[0][0].Text = 99, "changed", "changed"
	same(t, "card", get(t, s, "run/1"), full("run/1"))
}

func cardTokens(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	set(t, s, full("run/1"))
	set(t, s, full("run/2"))
	s = reopen()
	c, token, found, err := s.CardByToken(ctx, "run/2-token2")
	must(t, err)
	same(t, "found", found, true)
	same(t, "token", token, full("run/2").Tokens[1])
	same(t, "card", c, full("run/2"))
	_, _, found, err = s.CardByToken(ctx, "nothing")
	must(t, err)
	same(t, "found", found, false)
}

// settled is a card that Telegram shows as wanted.
func settled(key string) bot.Card {
	return bot.Card{Key: key, Wanted: bot.Frame{Place: bot.Place{Chat: -100}, HTML: "x"}, WantedHash: "h", SentHash: "h", Chat: -100, Message: 1, Changed: at(1)}
}

func cardUnsettled(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	changed, moved, parked := settled("b"), settled("a"), settled("c")
	changed.WantedHash = "h2"
	moved.Stale = []bot.MessageRef{{Chat: -100, Message: 2}}
	parked.WantedHash, parked.Parked = "h2", "kicked"
	for _, c := range []bot.Card{changed, moved, parked, settled("d")} {
		set(t, s, c)
	}
	s = reopen()
	got, err := s.Unsettled(ctx)
	must(t, err)
	same(t, "unsettled", got, []bot.Card{moved, changed})
	set(t, s, settled("b"))
	got, err = s.Unsettled(ctx)
	must(t, err)
	same(t, "unsettled", got, []bot.Card{moved})
}

func cardParked(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	for key, chat := range map[string]int64{"run/1": -100, "run/2": -1001, "run/3": -100} {
		c := settled(key)
		c.Wanted.Place.Chat, c.Parked = chat, "kicked"
		set(t, s, c)
	}
	got, err := reopen().ParkedIn(ctx, -100)
	must(t, err)
	slices.Sort(got)
	same(t, "parked", got, []string{"run/1", "run/3"})
	s = reopen()
	set(t, s, settled("run/1"))
	got, err = s.ParkedIn(ctx, -100)
	must(t, err)
	same(t, "parked", got, []string{"run/3"})
}

func cardForgotten(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	set(t, s, full("run/1"))
	must(t, s.ForgetCard(ctx, "run/1"))
	must(t, s.ForgetCard(ctx, "run/1"))
	s = reopen()
	_, found, err := s.Card(ctx, "run/1")
	must(t, err)
	same(t, "card found", found, false)
	_, _, found, err = s.CardByToken(ctx, "run/1-token")
	must(t, err)
	same(t, "token found", found, false)
	got, err := s.Unsettled(ctx)
	must(t, err)
	same(t, "unsettled", len(got), 0)
}

func cardSweep(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	for i := range 45 {
		c := settled(fmt.Sprintf("old/%d", i))
		c.Wanted.Final = true
		set(t, s, c)
	}
	keep := map[string]bot.Card{}
	for _, key := range []string{"new", "not final", "with a button", "unsettled"} {
		keep[key] = settled(key)
	}
	fresh, button, open := keep["new"], keep["with a button"], keep["unsettled"]
	fresh.Wanted.Final, fresh.Changed = true, at(9)
	button.Wanted.Final, button.Wanted.Buttons = true, [][]bot.Button{{{Text: "x", Data: "x"}}}
	button.Tokens = []bot.Token{{ID: "x-token", Data: "x"}}
	open.Wanted.Final, open.WantedHash = true, "h2"
	keep["new"], keep["with a button"], keep["unsettled"] = fresh, button, open
	for _, c := range keep {
		set(t, s, c)
	}
	n, err := s.SweepCards(ctx, at(5))
	must(t, err)
	same(t, "removed", n, 45)
	for key, c := range keep {
		same(t, key, get(t, s, key), c)
	}
	_, found, err := s.Card(ctx, "old/0")
	must(t, err)
	same(t, "found", found, false)
}

func documents(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	digest, err := s.PutDocument(ctx, []byte("content"))
	must(t, err)
	again, err := s.PutDocument(ctx, []byte("content"))
	must(t, err)
	same(t, "digest", again, digest)
	got, err := reopen().Document(ctx, digest)
	must(t, err)
	same(t, "content", string(got), "content")
	if _, err := reopen().Document(ctx, "missing"); err == nil {
		t.Error("a missing document is not an error")
	}
}

func cancelled(t *testing.T, reopen func() bot.Store) {
	s := reopen()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var failures []error
	note := func(err error) { failures = append(failures, err) }
	_, err := s.Journal(ctx, []bot.Update{update(1, 0)})
	note(err)
	_, err = s.Unfinished(ctx)
	note(err)
	note(s.Finish(ctx, 1, bot.Done))
	note(s.SetAlias(ctx, 1, 2))
	_, err = s.Aliases(ctx)
	note(err)
	_, err = s.ChangeCard(ctx, "a", func(c bot.Card, _ bool) (bot.Card, error) { return c, nil })
	note(err)
	_, _, err = s.Card(ctx, "a")
	note(err)
	_, err = s.Unsettled(ctx)
	note(err)
	for i, err := range failures {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("method %d returned %v", i, err)
		}
	}
}
