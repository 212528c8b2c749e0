package store_test

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

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

func TestACardOfAnEarlierReleaseIsRead(t *testing.T) {
	s := open(t)
	ctx, shown := t.Context(), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	if err := s.Update(ctx, func(tx store.Tx) error {
		tx.Put("bot/card/run/1", []byte(`{"v":1,"wanted":{"chat":-100,"html":"x","buttons":[[{"text":"Yes","data":"yes"}]]},"wanted_hash":"h","sent_hash":"h",
			"sent_tokens":["t1"],"tokens":{"yes":"t1"},"chat":-100,"message":5,"changed":"2026-11-02T09:00:00Z"}`))
		tx.Put("bot/token/t1", []byte(`{"card":"run/1","data":"yes"}`))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	c, token, found, err := s.Bot().CardByToken(ctx, "t1")
	if want := (bot.Token{ID: "t1", Data: "yes", Shown: shown}); err != nil || !found || !reflect.DeepEqual(token, want) || c.Message != 5 {
		t.Fatalf("got %+v of %+v, %v", token, c, err)
	}
	// The first sweep gives such a card the keys that it lacks.
	if n, err := s.Bot().SweepTokens(ctx, shown); n != 0 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if c, found, err = s.Bot().CardByMessage(ctx, bot.MessageRef{Chat: -100, Message: 5}); err != nil || !found || c.Key != "run/1" {
		t.Errorf("got %+v, %v", c, err)
	}
	if n, err := s.Bot().SweepTokens(ctx, shown.AddDate(0, 0, 31)); n != 1 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
}
