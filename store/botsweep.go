package store

import (
	"context"
	"strings"
	"time"

	"towline/bot"
)

// SweepCards implements bot.Store.
func (b *BotStore) SweepCards(ctx context.Context, before time.Time) (int, error) {
	removed := 0
	for {
		n := 0
		err := b.store.Update(ctx, func(tx Tx) error {
			n = 0
			for key := range tx.Scan(finalPrefix, "", sweepStep, false) {
				stamp, card, _ := strings.Cut(strings.TrimPrefix(key, finalPrefix), "/")
				if stamp >= seconds(before) {
					return nil
				}
				if err := forgetCard(tx, card); err != nil {
					return err
				}
				tx.Delete(key)
				n++
			}
			return nil
		})
		removed += n
		if err != nil || n < sweepStep {
			return removed, err
		}
	}
}

// SweepTokens implements bot.Store.
func (b *BotStore) SweepTokens(ctx context.Context, before time.Time) (int, error) {
	if err := b.index(ctx); err != nil {
		return 0, err
	}
	removed := 0
	for {
		n, cards := 0, 0
		err := b.store.Update(ctx, func(tx Tx) error {
			n, cards = 0, 0
			for key := range tx.Scan(expiryPrefix, "", sweepStep, false) {
				stamp, card, _ := strings.Cut(strings.TrimPrefix(key, expiryPrefix), "/")
				if stamp >= seconds(before) {
					return nil
				}
				tx.Delete(key)
				cards++
				old, found, err := readCard(tx, card)
				if err != nil {
					return err
				}
				if !found {
					continue
				}
				swept, gone := old.Sweep(before)
				if err := putCard(tx, old, swept); err != nil {
					return err
				}
				n += gone
			}
			return nil
		})
		removed += n
		if err != nil || cards < sweepStep {
			return removed, err
		}
	}
}

// index writes the keys of cards that an earlier release of Towline stored
// without some of them. It does so once in the life of a store.
func (b *BotStore) index(ctx context.Context) error {
	after := ""
	for {
		n := 0
		err := b.store.Update(ctx, func(tx Tx) error {
			n = 0
			if _, done := tx.Get(indexedKey); done {
				return nil
			}
			var cards []bot.Card
			for key := range tx.Scan(cardPrefix, after, sweepStep, false) {
				c, _, err := readCard(tx, strings.TrimPrefix(key, cardPrefix))
				if err != nil {
					return err
				}
				cards = append(cards, c)
			}
			for _, c := range cards {
				if err := putCard(tx, c, c); err != nil {
					return err
				}
				after = cardPrefix + c.Key + "\x00"
			}
			if n = len(cards); n < sweepStep {
				tx.Put(indexedKey, []byte{1})
			}
			return nil
		})
		if err != nil || n < sweepStep {
			return err
		}
	}
}
