package store_test

import (
	"path/filepath"
	"testing"

	"towline/bot"
	"towline/bot/storetest"
	"towline/store"
)

func TestTheBotsStoreKeepsItsContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() bot.Store {
		path := filepath.Join(t.TempDir(), "towline.db")
		var s *store.Store
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return func() bot.Store {
			if s != nil {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if s, err = store.Open(path, store.Options{NoSync: true}); err != nil {
				t.Fatal(err)
			}
			return s.Bot()
		}
	})
}

func TestABlobIsHeldAsLongAsACardShowsIt(t *testing.T) {
	s := open(t)
	b, ctx := s.Bot(), t.Context()
	digest, err := b.PutDocument(ctx, []byte("plan"))
	if err != nil {
		t.Fatal(err)
	}
	holds := func(want bool) {
		t.Helper()
		if held, err := b.Holds(ctx, digest); err != nil || held != want {
			t.Errorf("held: %v %v, want %v", held, err, want)
		}
	}
	change := func(c bot.Card) {
		t.Helper()
		if _, err := b.ChangeCard(ctx, "run/1", func(bot.Card, bool) (bot.Card, error) { return c, nil }); err != nil {
			t.Fatal(err)
		}
	}
	holds(false)
	change(bot.Card{Digest: digest})
	holds(true)
	change(bot.Card{Digest: "other", SentDigest: digest}) // still shown
	holds(true)
	change(bot.Card{Digest: "other", SentDigest: "other"})
	holds(false)
	change(bot.Card{Digest: digest, SentDigest: digest})
	change(bot.Card{
		Digest: digest, Tokens: []bot.Token{{ID: "token", Data: "yes"}}, Wanted: bot.Frame{Final: true}, Parked: "kicked",
	})
	if err := b.ForgetCard(ctx, "run/1"); err != nil {
		t.Fatal(err)
	}
	holds(false)
	if err := s.View(ctx, func(tx store.Tx) error {
		for key := range tx.Scan("bot/", "", 0, false) {
			t.Errorf("%s is still there", key)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
