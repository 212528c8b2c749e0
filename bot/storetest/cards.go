package storetest

import (
	"fmt"
	"slices"
	"testing"

	"towline/bot"
)

func cardByMessage(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	a, b := settled("run/a"), settled("run/b")
	b.Message = 2
	elsewhere := settled("run/c")
	elsewhere.Chat = -1001
	unposted := bot.Card{Key: "run/d", Wanted: a.Wanted, WantedHash: "h", Changed: at(1)}
	for _, c := range []bot.Card{a, b, elsewhere, unposted} {
		set(t, s, c)
	}
	s = reopen()
	find := func(m bot.MessageRef, want string) {
		t.Helper()
		c, found, err := s.CardByMessage(ctx, m)
		must(t, err)
		same(t, fmt.Sprint("found ", m), found, want != "")
		same(t, fmt.Sprint("card of ", m), c.Key, want)
	}
	find(bot.MessageRef{Chat: -100, Message: 1}, "run/a")
	find(bot.MessageRef{Chat: -100, Message: 2}, "run/b")
	find(bot.MessageRef{Chat: -1001, Message: 1}, "run/c")
	find(bot.MessageRef{Chat: -100, Message: 3}, "")
	keys, err := s.CardsIn(ctx, -100)
	must(t, err)
	slices.Sort(keys)
	same(t, "in the chat", keys, []string{"run/a", "run/b"})
	a.Message = 3 // posted anew
	set(t, s, a)
	find(bot.MessageRef{Chat: -100, Message: 3}, "run/a")
	find(bot.MessageRef{Chat: -100, Message: 1}, "")
	must(t, s.ForgetCard(ctx, "run/a"))
	find(bot.MessageRef{Chat: -100, Message: 3}, "")
}

func tokenSweep(t *testing.T, reopen func() bot.Store) {
	ctx, s := t.Context(), reopen()
	for i := range 45 {
		c := settled(fmt.Sprintf("run/%02d", i))
		c.Tokens = []bot.Token{
			{ID: fmt.Sprint("over", i), Data: "a", Until: at(2)}, {ID: fmt.Sprint("good", i), Data: "b", Until: at(9)},
			{ID: fmt.Sprint("revoked", i), Data: "a", Shown: at(1), Revoked: at(3)}, {ID: fmt.Sprint("fresh", i), Data: "c"},
		}
		set(t, s, c)
	}
	// What Telegram does not show yet will be shown once it can be.
	open := settled("run/open")
	open.WantedHash, open.Tokens = "h2", []bot.Token{{ID: "open", Data: "a", Until: at(2)}}
	set(t, s, open)
	s = reopen()
	n, err := s.SweepTokens(ctx, at(5))
	must(t, err)
	same(t, "removed", n, 90)
	n, err = s.SweepTokens(ctx, at(5))
	must(t, err)
	same(t, "removed the second time", n, 0)
	for id, want := range map[string]bool{"over7": false, "good7": true, "revoked7": false, "fresh7": true, "open": true} {
		_, token, found, err := s.CardByToken(ctx, id)
		must(t, err)
		same(t, id+" found", found, want)
		same(t, id+" itself", token.ID == id, want)
	}
	same(t, "tokens left", len(get(t, s, "run/07").Tokens), 2)
	set(t, s, settled("run/open"))
	n, err = s.SweepTokens(ctx, at(10))
	must(t, err)
	same(t, "removed in the end", n, 45)
}
