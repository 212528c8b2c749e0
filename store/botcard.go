package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"towline/bot"
)

// cardRecord is version 1 of a card: the wanted frame, and what Telegram was
// last known to show.
type cardRecord struct {
	Version    int         `json:"v"`
	Wanted     frameRecord `json:"wanted"`
	Digest     string      `json:"digest,omitempty"`
	WantedHash string      `json:"wanted_hash"`
	SentHash   string      `json:"sent_hash,omitempty"`
	SentDigest string      `json:"sent_digest,omitempty"`
	SentTokens []string    `json:"sent_tokens,omitempty"`
	// Tokens maps Data to tokens, as releases wrote it that did not know of Rows.
	Tokens   map[string]string `json:"tokens,omitempty"`
	Rows     []tokenRow        `json:"token_rows,omitempty"`
	Chat     int64             `json:"chat,omitempty"`
	Message  int               `json:"message,omitempty"`
	Topic    int               `json:"topic,omitempty"`
	Reposted uint64            `json:"reposted,omitempty"`
	Attempt  *attemptRecord    `json:"attempt,omitempty"`
	Stale    []messageRecord   `json:"stale,omitempty"`
	Parked   string            `json:"parked,omitempty"`
	Changed  time.Time         `json:"changed"`
}

type frameRecord struct {
	Chat    int64            `json:"chat"`
	Topic   int              `json:"topic,omitempty"`
	ReplyTo int              `json:"reply_to,omitempty"`
	HTML    string           `json:"html"`
	Buttons [][]buttonRecord `json:"buttons,omitempty"`
	File    string           `json:"file,omitempty"`
	Photo   string           `json:"photo,omitempty"`
	Kind    string           `json:"kind,omitempty"`
	OnReply string           `json:"on_reply,omitempty"`
	Until   time.Time        `json:"until,omitzero"`
	Notify  bool             `json:"notify,omitempty"`
	Repost  uint64           `json:"repost,omitempty"`
	Left    string           `json:"left,omitempty"`
	Final   bool             `json:"final,omitempty"`
}

type buttonRecord struct {
	Text  string  `json:"text"`
	Data  string  `json:"data,omitempty"`
	URL   string  `json:"url,omitempty"`
	Copy  string  `json:"copy,omitempty"`
	Style string  `json:"style,omitempty"`
	For   []int64 `json:"for,omitempty"`
}

type tokenRow struct {
	ID      string    `json:"id"`
	Data    string    `json:"data"`
	For     []int64   `json:"for,omitempty"`
	Until   time.Time `json:"until,omitzero"`
	Shown   time.Time `json:"shown,omitzero"`
	Revoked time.Time `json:"revoked,omitzero"`
}

type attemptRecord struct {
	Hash   string   `json:"hash"`
	Digest string   `json:"digest,omitempty"`
	Tokens []string `json:"tokens,omitempty"`
	Repost uint64   `json:"repost,omitempty"`
	Topic  int      `json:"topic,omitempty"`
}

type messageRecord struct {
	Chat    int64 `json:"chat"`
	Message int   `json:"message"`
}

func toRecord(c bot.Card) cardRecord {
	f := c.Wanted
	r := cardRecord{
		Version: cardVersion, Digest: c.Digest, WantedHash: c.WantedHash, SentHash: c.SentHash, SentDigest: c.SentDigest,
		SentTokens: c.SentTokens, Chat: c.Chat, Message: c.Message, Topic: c.Topic, Reposted: c.Reposted,
		Parked: c.Parked, Changed: c.Changed,
		Wanted: frameRecord{
			Chat: f.Place.Chat, Topic: f.Place.Topic, ReplyTo: f.ReplyTo, HTML: f.HTML, Notify: f.Notify, Repost: f.Repost, Left: f.Left, Final: f.Final,
			Kind: string(f.Kind), OnReply: f.OnReply, Until: f.Until,
		},
	}
	if f.Document != nil {
		r.Wanted.File = f.Document.Name
	}
	if f.Photo != nil {
		r.Wanted.Photo = f.Photo.Name
	}
	for _, row := range f.Buttons {
		var line []buttonRecord
		for _, b := range row {
			line = append(line, buttonRecord(b))
		}
		r.Wanted.Buttons = append(r.Wanted.Buttons, line)
	}
	if a := c.Attempt; a != nil {
		r.Attempt = &attemptRecord{Hash: a.Hash, Digest: a.Digest, Tokens: a.Tokens, Repost: a.Repost, Topic: a.Topic}
	}
	for _, t := range c.Tokens {
		r.Rows = append(r.Rows, tokenRow(t))
	}
	for _, m := range c.Stale {
		r.Stale = append(r.Stale, messageRecord(m))
	}
	return r
}

func fromRecord(key string, r cardRecord) bot.Card {
	w := r.Wanted
	c := bot.Card{
		Key: key, Digest: r.Digest, WantedHash: r.WantedHash, SentHash: r.SentHash, SentDigest: r.SentDigest,
		SentTokens: r.SentTokens, Chat: r.Chat, Message: r.Message, Topic: r.Topic, Reposted: r.Reposted,
		Parked: r.Parked, Changed: r.Changed,
		Wanted: bot.Frame{
			Place: bot.Place{Chat: w.Chat, Topic: w.Topic}, ReplyTo: w.ReplyTo, HTML: w.HTML, Notify: w.Notify, Repost: w.Repost, Left: w.Left, Final: w.Final,
			Kind: bot.Kind(w.Kind), OnReply: w.OnReply, Until: w.Until,
		},
	}
	if w.File != "" {
		c.Wanted.Document = &bot.Document{Name: w.File}
	}
	if w.Photo != "" {
		c.Wanted.Photo = &bot.Photo{Name: w.Photo}
	}
	for _, row := range w.Buttons {
		var line []bot.Button
		for _, b := range row {
			line = append(line, bot.Button(b))
		}
		c.Wanted.Buttons = append(c.Wanted.Buttons, line)
	}
	if a := r.Attempt; a != nil {
		c.Attempt = &bot.Attempt{Hash: a.Hash, Digest: a.Digest, Tokens: a.Tokens, Repost: a.Repost, Topic: a.Topic}
	}
	for _, data := range slices.Sorted(maps.Keys(r.Tokens)) {
		c.Tokens = append(c.Tokens, bot.Token{ID: r.Tokens[data], Data: data, Shown: r.Changed})
	}
	for _, t := range r.Rows {
		c.Tokens = append(c.Tokens, bot.Token(t))
	}
	for _, m := range r.Stale {
		c.Stale = append(c.Stale, bot.MessageRef(m))
	}
	return c
}

// readCard reads a card; a missing one is a Card with only its key.
func readCard(tx Tx, key string) (bot.Card, bool, error) {
	value, ok := tx.Get(cardPrefix + key)
	if !ok {
		return bot.Card{Key: key}, false, nil
	}
	var r cardRecord
	if err := readRecord(cardPrefix+key, value, &r); err != nil {
		return bot.Card{}, false, err
	}
	if r.Version != cardVersion {
		return bot.Card{}, false, versionError(cardPrefix+key, r.Version)
	}
	return fromRecord(key, r), true, nil
}

// indexKeys are the keys under which a card is found other than by its own.
func indexKeys(c bot.Card) []string {
	var keys []string
	if !c.Settled() {
		keys = append(keys, openPrefix+c.Key)
	}
	if c.Parked != "" {
		keys = append(keys, parkedPrefix+strconv.FormatInt(c.Wanted.Place.Chat, 10)+"/"+c.Key)
	}
	if c.Settled() && c.Wanted.Final && !c.Pressable() {
		keys = append(keys, finalPrefix+seconds(c.Changed)+"/"+c.Key)
	}
	if end, ok := c.NextEnd(); ok {
		keys = append(keys, expiryPrefix+seconds(end)+"/"+c.Key)
	}
	for i, digest := range []string{c.Digest, c.SentDigest} {
		if digest != "" && (i == 0 || digest != c.Digest) {
			keys = append(keys, filePrefix+digest+"/"+c.Key)
		}
	}
	return keys
}

// messageKey is where the card of a live message is found.
func messageKey(m bot.MessageRef) string {
	return messagePrefix + strconv.FormatInt(m.Chat, 10) + "/" + strconv.Itoa(m.Message)
}

// putCard stores a card in place of what was there, with its indexes and tokens.
func putCard(tx Tx, old, c bot.Card) error {
	unindexCard(tx, old)
	for _, key := range indexKeys(c) {
		tx.Put(key, []byte{1})
	}
	if c.Message != 0 {
		tx.Put(messageKey(bot.MessageRef{Chat: c.Chat, Message: c.Message}), []byte(c.Key))
	}
	had := map[string]bool{}
	for _, t := range old.Tokens {
		had[t.ID] = true
	}
	for _, t := range c.Tokens {
		if had[t.ID] {
			delete(had, t.ID)
			continue
		}
		if err := putRecord(tx, tokenPrefix+t.ID, tokenRecord{Card: c.Key}); err != nil {
			return err
		}
	}
	for id := range had {
		tx.Delete(tokenPrefix + id)
	}
	return putRecord(tx, cardPrefix+c.Key, toRecord(c))
}

func unindexCard(tx Tx, c bot.Card) {
	for _, key := range indexKeys(c) {
		tx.Delete(key)
	}
	if c.Message != 0 {
		tx.Delete(messageKey(bot.MessageRef{Chat: c.Chat, Message: c.Message}))
	}
}

// forgetCard removes a card with its indexes and tokens.
func forgetCard(tx Tx, key string) error {
	c, found, err := readCard(tx, key)
	if err != nil || !found {
		return err
	}
	unindexCard(tx, c)
	for _, t := range c.Tokens {
		tx.Delete(tokenPrefix + t.ID)
	}
	tx.Delete(cardPrefix + key)
	return nil
}

// seconds orders times as strings.
func seconds(t time.Time) string { return fmt.Sprintf("%012d", max(t.Unix(), 0)) }

// putRecord stores a record as JSON.
func putRecord(tx Tx, key string, record any) error {
	value, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("store: key %q: %w", key, err)
	}
	tx.Put(key, value)
	return nil
}

// readRecord reads a record.
func readRecord(key string, value []byte, record any) error {
	if err := json.Unmarshal(value, record); err != nil {
		return fmt.Errorf("store: key %q: %w", key, err)
	}
	return nil
}

// versionError says that a record was written by another release of Towline.
func versionError(key string, version int) error {
	return fmt.Errorf("store: key %q has version %d, which this release of Towline does not read", key, version)
}
