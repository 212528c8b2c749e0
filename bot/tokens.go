package bot

import (
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

const (
	// tokenBytes is the randomness of a callback token: 128 bits, 22 characters of
	// the 64 bytes that callback_data may have. Data in a button is seen and can be
	// made up by anybody in the chat, so it only names a row in the store.
	tokenBytes = 16
	// keepToken is how long a token lives after it was last shown, where its frame
	// does not say.
	keepToken = 30 * 24 * time.Hour
	// keepEnded is how long a token that is over is remembered, so that a press on
	// it can be told why it does not count.
	keepEnded = 7 * 24 * time.Hour
)

// Token is a callback token. It belongs to one card, and is good on that card's
// live message only.
type Token struct {
	// ID is the callback_data.
	ID string
	// Data is the Button.Data that it stands for, For the button's own.
	Data string
	For  []int64
	// Until is the frame's; where that is zero, the token expires 30 days after
	// Shown, when a frame with it was last delivered. Shown is zero before that.
	Until, Shown time.Time
	// Revoked is when another token took its place; zero while it is in use.
	Revoked time.Time
}

// End is when the token stopped to be good, or will; ok is false for one that
// nothing ends yet.
func (t Token) End() (end time.Time, ok bool) {
	switch {
	case !t.Until.IsZero():
		end = t.Until
	case !t.Shown.IsZero():
		end = t.Shown.Add(keepToken)
	}
	if !t.Revoked.IsZero() && (end.IsZero() || t.Revoked.Before(end)) {
		end = t.Revoked
	}
	return end, !end.IsZero()
}

func (t Token) expired(now time.Time) bool {
	t.Revoked = time.Time{}
	end, ok := t.End()
	return ok && !now.Before(end)
}

// newTokens makes a token for every different Data in the frame. Those that the
// card has no need of are not used.
func newTokens(random io.Reader, f Frame) (map[string]string, error) {
	tokens := map[string]string{}
	for _, b := range f.data() {
		if tokens[b.Data] != "" {
			continue
		}
		raw := make([]byte, tokenBytes)
		if _, err := io.ReadFull(random, raw); err != nil {
			return nil, fmt.Errorf("bot: callback token: %w", err)
		}
		tokens[b.Data] = base64.RawURLEncoding.EncodeToString(raw)
	}
	return tokens, nil
}

// wantTokens is a card's tokens once f is its newest frame: a button that was
// there before keeps its token, unless that is over and the frame's would not be.
func wantTokens(old []Token, f Frame, fresh map[string]string, now time.Time) []Token {
	tokens := slices.Clone(old)
	done := map[string]bool{}
	for _, b := range f.data() {
		if done[b.Data] {
			continue
		}
		done[b.Data] = true
		at := slices.IndexFunc(tokens, func(t Token) bool { return t.Data == b.Data && t.Revoked.IsZero() })
		if at >= 0 && tokens[at].expired(now) && (f.Until.IsZero() || f.Until.After(now)) {
			tokens[at].Revoked = now
			at = -1
		}
		if at >= 0 {
			tokens[at].For, tokens[at].Until = b.For, f.Until
			continue
		}
		tokens = append(tokens, Token{ID: fresh[b.Data], Data: b.Data, For: b.For, Until: f.Until})
	}
	return tokens
}

// inUse maps each Data to the token that stands for it.
func inUse(tokens []Token) map[string]string {
	ids := map[string]string{}
	for _, t := range tokens {
		if t.Revoked.IsZero() {
			ids[t.Data] = t.ID
		}
	}
	return ids
}

// living is inUse without those that are over.
func living(tokens []Token, now time.Time) map[string]string {
	ids := map[string]string{}
	for _, t := range tokens {
		if t.Revoked.IsZero() && !t.expired(now) {
			ids[t.Data] = t.ID
		}
	}
	return ids
}

// tokenIDs lists the tokens of the buttons that are shown when the wanted frame is
// delivered now.
func (c Card) tokenIDs(now time.Time) []string {
	ids := living(c.Tokens, now)
	var list []string
	for _, b := range c.Wanted.data() {
		if id := ids[b.Data]; id != "" {
			list = append(list, id)
		}
	}
	return list
}

// shown takes note that the live message shows SentTokens.
func (c Card) shown(now time.Time) Card {
	c.Tokens = slices.Clone(c.Tokens)
	for i, t := range c.Tokens {
		if slices.Contains(c.SentTokens, t.ID) {
			c.Tokens[i].Shown = now
		}
	}
	return c
}

// token finds one of the card's tokens.
func (c Card) token(id string) (Token, bool) {
	at := slices.IndexFunc(c.Tokens, func(t Token) bool { return t.ID == id })
	if at < 0 {
		return Token{}, false
	}
	return c.Tokens[at], true
}

// shows tells whether the live message has a button with this Data.
func (c Card) shows(data string) bool {
	return slices.ContainsFunc(c.Tokens, func(t Token) bool { return t.Data == data && slices.Contains(c.SentTokens, t.ID) })
}

// renewed is c with new tokens on the buttons of its newest frame. Tokens that
// nobody can have seen are new enough.
func (c Card) renewed(fresh map[string]string, now time.Time) (Card, error) {
	out := c.SentTokens
	if c.Attempt != nil {
		out = slices.Concat(out, c.Attempt.Tokens)
	}
	tokens, seen := slices.Clone(c.Tokens), false
	ids := inUse(c.Tokens)
	for _, data := range slices.Sorted(maps.Keys(fresh)) {
		at := slices.IndexFunc(tokens, func(t Token) bool { return t.ID == ids[data] })
		if at >= 0 && !slices.Contains(out, ids[data]) && !tokens[at].expired(now) {
			continue
		}
		people, wanted := c.people(data)
		if !wanted {
			continue
		}
		seen = true
		if at >= 0 {
			tokens[at].Revoked = now
		}
		tokens = append(tokens, Token{ID: fresh[data], Data: data, For: people, Until: c.Wanted.Until})
	}
	if !seen && c.Parked == "" {
		return c, errUnchanged
	}
	c.Tokens, c.WantedHash = tokens, c.Wanted.hash(c.Digest, tokens)
	c.Parked, c.Changed = "", now
	return c, nil
}

// people are those who may press the button of the newest frame with this Data.
func (c Card) people(data string) (people []int64, wanted bool) {
	for _, b := range c.Wanted.data() {
		if b.Data == data {
			return b.For, true
		}
	}
	return nil, false
}

// Pressable is true while a button of the newest frame has a token.
func (c Card) Pressable() bool {
	ids := inUse(c.Tokens)
	return slices.ContainsFunc(c.Wanted.data(), func(b Button) bool { return ids[b.Data] != "" })
}

// Sweep is c without the tokens that ended before a time, and how many those are.
// Tokens that have not been delivered yet stay.
func (c Card) Sweep(before time.Time) (Card, int) {
	had := len(c.Tokens)
	c.Tokens = slices.DeleteFunc(slices.Clone(c.Tokens), func(t Token) bool {
		end, ok := c.ends(t)
		return ok && end.Before(before)
	})
	return c, had - len(c.Tokens)
}

// NextEnd is the earliest end of a token that Sweep would take away once that is
// over; ok is false when there is none.
func (c Card) NextEnd() (end time.Time, ok bool) {
	for _, t := range c.Tokens {
		if e, ends := c.ends(t); ends && (!ok || e.Before(end)) {
			end, ok = e, true
		}
	}
	return end, ok
}

// ends is the end of a token that needs not be kept for a delivery.
func (c Card) ends(t Token) (time.Time, bool) {
	end, ok := t.End()
	return end, ok && (!t.Revoked.IsZero() || !c.outstanding())
}
