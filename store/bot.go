package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"towline/bot"
)

// The keys of the bot:
//
//	bot/update/ID            a journaled update
//	bot/alias/CHAT           the id that a chat has now
//	bot/card/KEY             a card
//	bot/open/KEY             the card is not settled
//	bot/parked/CHAT/KEY      its delivery was given up
//	bot/final/SECONDS/KEY    it is settled, final and without Data buttons since then
//	bot/file/DIGEST/KEY      it shows that file
//	bot/token/TOKEN          the card that a callback token belongs to
//	bot/message/CHAT/ID      the card whose live message that is
//	bot/expiry/SECONDS/KEY   one of its callback tokens can be swept since then
//	bot/indexed              the cards have all of these keys
const (
	updatePrefix  = "bot/update/"
	aliasPrefix   = "bot/alias/"
	cardPrefix    = "bot/card/"
	openPrefix    = "bot/open/"
	parkedPrefix  = "bot/parked/"
	finalPrefix   = "bot/final/"
	filePrefix    = "bot/file/"
	tokenPrefix   = "bot/token/"
	messagePrefix = "bot/message/"
	expiryPrefix  = "bot/expiry/"
	indexedKey    = "bot/indexed"

	updateCounter = "bot/update"
	// sweepStep is how many rows one transaction of a sweep removes.
	sweepStep = 20
	// updateVersion and cardVersion are written into records. A reader accepts
	// its own version only; fields may be added without a new one.
	updateVersion = 1
	cardVersion   = 1
)

// BotStore is what the bot needs, on a Store.
type BotStore struct{ store *Store }

// Bot returns the bot's view of the store.
func (s *Store) Bot() *BotStore { return &BotStore{s} }

// updateRecord is version 1 of an update. Raw goes when Outcome comes.
type updateRecord struct {
	Version  int             `json:"v"`
	Seq      uint64          `json:"seq"`
	Received time.Time       `json:"received"`
	Raw      json.RawMessage `json:"raw,omitempty"`
	Text     []byte          `json:"text,omitempty"` // instead of Raw where that is not JSON
	Outcome  string          `json:"outcome,omitempty"`
}

func updateKey(id int64) string { return updatePrefix + strconv.FormatInt(id, 10) }

// Journal implements bot.Store.
func (b *BotStore) Journal(ctx context.Context, updates []bot.Update) ([]bot.Update, error) {
	var added []bot.Update
	err := b.store.Update(ctx, func(tx Tx) error {
		added = nil
		for _, u := range updates {
			if _, known := tx.Get(updateKey(u.ID)); known {
				continue
			}
			r := updateRecord{Version: updateVersion, Seq: tx.Next(updateCounter), Received: u.Received}
			if json.Valid(u.Raw) {
				r.Raw = u.Raw
			} else {
				r.Text = u.Raw
			}
			if err := putRecord(tx, updateKey(u.ID), r); err != nil {
				return err
			}
			added = append(added, u)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return added, nil
}

// Unfinished implements bot.Store.
func (b *BotStore) Unfinished(ctx context.Context) ([]bot.Update, error) {
	type row struct {
		seq uint64
		bot.Update
	}
	var rows []row
	err := b.eachUpdate(ctx, func(id int64, r updateRecord) {
		if r.Outcome == "" {
			rows = append(rows, row{r.Seq, bot.Update{ID: id, Raw: append([]byte(r.Raw), r.Text...), Received: r.Received}})
		}
	})
	slices.SortFunc(rows, func(x, y row) int { return cmp.Compare(x.seq, y.seq) })
	updates := make([]bot.Update, len(rows))
	for i, r := range rows {
		updates[i] = r.Update
	}
	return updates, err
}

// eachUpdate reads the whole journal.
func (b *BotStore) eachUpdate(ctx context.Context, do func(id int64, r updateRecord)) error {
	return b.store.View(ctx, func(tx Tx) error {
		for key, value := range tx.Scan(updatePrefix, "", 0, false) {
			id, err := strconv.ParseInt(strings.TrimPrefix(key, updatePrefix), 10, 64)
			if err != nil {
				return fmt.Errorf("store: key %q: %w", key, err)
			}
			var r updateRecord
			if err := readRecord(key, value, &r); err != nil {
				return err
			}
			if r.Version != updateVersion {
				return versionError(key, r.Version)
			}
			do(id, r)
		}
		return nil
	})
}

// Finish implements bot.Store.
func (b *BotStore) Finish(ctx context.Context, id int64, o bot.Outcome) error {
	return b.store.Update(ctx, func(tx Tx) error {
		value, ok := tx.Get(updateKey(id))
		if !ok {
			return nil
		}
		var r updateRecord
		if err := readRecord(updateKey(id), value, &r); err != nil {
			return err
		}
		r.Outcome, r.Raw, r.Text = string(o), nil, nil
		return putRecord(tx, updateKey(id), r)
	})
}

// SweepUpdates implements bot.Store.
func (b *BotStore) SweepUpdates(ctx context.Context, before time.Time) (int, error) {
	var old []string
	err := b.eachUpdate(ctx, func(id int64, r updateRecord) {
		if r.Outcome != "" && r.Received.Before(before) {
			old = append(old, updateKey(id))
		}
	})
	if err != nil {
		return 0, err
	}
	removed := 0
	for chunk := range slices.Chunk(old, 5*sweepStep) {
		err := b.store.Update(ctx, func(tx Tx) error {
			for _, key := range chunk {
				tx.Delete(key)
			}
			return nil
		})
		if err != nil {
			return removed, err
		}
		removed += len(chunk)
	}
	return removed, nil
}

// SetAlias implements bot.Store.
func (b *BotStore) SetAlias(ctx context.Context, from, to int64) error {
	return b.store.Update(ctx, func(tx Tx) error {
		tx.Put(aliasPrefix+strconv.FormatInt(from, 10), strconv.AppendInt(nil, to, 10))
		return nil
	})
}

// Aliases implements bot.Store.
func (b *BotStore) Aliases(ctx context.Context) (map[int64]int64, error) {
	ids := map[int64]int64{}
	err := b.store.View(ctx, func(tx Tx) error {
		for key, value := range tx.Scan(aliasPrefix, "", 0, false) {
			from, err1 := strconv.ParseInt(strings.TrimPrefix(key, aliasPrefix), 10, 64)
			to, err2 := strconv.ParseInt(string(value), 10, 64)
			if err := errors.Join(err1, err2); err != nil {
				return fmt.Errorf("store: key %q: %w", key, err)
			}
			ids[from] = to
		}
		return nil
	})
	return ids, err
}

// tokenRecord says where a callback token is.
type tokenRecord struct {
	Card string `json:"card"`
}

// ChangeCard implements bot.Store.
func (b *BotStore) ChangeCard(ctx context.Context, key string, change func(bot.Card, bool) (bot.Card, error)) (bot.Card, error) {
	var stored bot.Card
	err := b.store.Update(ctx, func(tx Tx) error {
		old, found, err := readCard(tx, key)
		if err != nil {
			return err
		}
		changed, err := change(old, found)
		if err != nil {
			return err
		}
		changed.Key = key
		stored = changed
		return putCard(tx, old, changed)
	})
	if err != nil {
		return bot.Card{}, err
	}
	// Read back in the form of the record, so that nobody shares memory with the caller.
	return fromRecord(key, toRecord(stored)), nil
}

// Card implements bot.Store.
func (b *BotStore) Card(ctx context.Context, key string) (c bot.Card, found bool, err error) {
	err = b.store.View(ctx, func(tx Tx) error {
		c, found, err = readCard(tx, key)
		return err
	})
	return c, found, err
}

// CardByToken implements bot.Store.
func (b *BotStore) CardByToken(ctx context.Context, id string) (c bot.Card, t bot.Token, found bool, err error) {
	err = b.store.View(ctx, func(tx Tx) error {
		value, ok := tx.Get(tokenPrefix + id)
		if !ok {
			return nil
		}
		var r tokenRecord
		if err := readRecord(tokenPrefix+id, value, &r); err != nil {
			return err
		}
		c, _, err = readCard(tx, r.Card)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(c.Tokens, func(t bot.Token) bool { return t.ID == id })
		if found = at >= 0; found {
			t = c.Tokens[at]
		}
		return nil
	})
	return c, t, found, err
}

// CardByMessage implements bot.Store.
func (b *BotStore) CardByMessage(ctx context.Context, m bot.MessageRef) (c bot.Card, found bool, err error) {
	err = b.store.View(ctx, func(tx Tx) error {
		if key, ok := tx.Get(messageKey(m)); ok {
			c, found, err = readCard(tx, string(key))
		}
		return err
	})
	return c, found, err
}

// CardsIn implements bot.Store.
func (b *BotStore) CardsIn(ctx context.Context, chat int64) ([]string, error) {
	var keys []string
	err := b.store.View(ctx, func(tx Tx) error {
		for _, key := range tx.Scan(messagePrefix+strconv.FormatInt(chat, 10)+"/", "", 0, false) {
			keys = append(keys, string(key))
		}
		return nil
	})
	return keys, err
}

// Unsettled implements bot.Store.
func (b *BotStore) Unsettled(ctx context.Context) ([]bot.Card, error) {
	var cards []bot.Card
	err := b.store.View(ctx, func(tx Tx) error {
		for key := range tx.Scan(openPrefix, "", 0, false) {
			c, found, err := readCard(tx, strings.TrimPrefix(key, openPrefix))
			if err != nil {
				return err
			}
			if found {
				cards = append(cards, c)
			}
		}
		return nil
	})
	return cards, err
}

// ParkedIn implements bot.Store.
func (b *BotStore) ParkedIn(ctx context.Context, chat int64) ([]string, error) {
	prefix := parkedPrefix + strconv.FormatInt(chat, 10) + "/"
	var keys []string
	err := b.store.View(ctx, func(tx Tx) error {
		for key := range tx.Scan(prefix, "", 0, false) {
			keys = append(keys, strings.TrimPrefix(key, prefix))
		}
		return nil
	})
	return keys, err
}

// ForgetCard implements bot.Store.
func (b *BotStore) ForgetCard(ctx context.Context, key string) error {
	return b.store.Update(ctx, func(tx Tx) error { return forgetCard(tx, key) })
}

// PutDocument implements bot.Store.
func (b *BotStore) PutDocument(ctx context.Context, content []byte) (string, error) {
	return b.store.PutBlob(ctx, content)
}

// Document implements bot.Store.
func (b *BotStore) Document(ctx context.Context, digest string) ([]byte, error) {
	return b.store.Blob(ctx, digest)
}

// Holds tells whether a card shows the file with that digest: SweepBlobs must
// leave it.
func (b *BotStore) Holds(ctx context.Context, digest string) (held bool, err error) {
	err = b.store.View(ctx, func(tx Tx) error {
		for range tx.Scan(filePrefix+digest+"/", "", 1, false) {
			held = true
		}
		return nil
	})
	return held, err
}
