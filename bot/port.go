package bot

import (
	"context"
	"slices"
	"time"
)

// Outcome is how a journaled update ended.
type Outcome string

// The outcomes of an update.
const (
	Done    Outcome = "done"    // handled, or nothing of ours
	Failed  Outcome = "failed"  // the handler returned an error or panicked
	Garbled Outcome = "garbled" // not decodable
)

// Update is one journaled update.
type Update struct {
	// ID is Telegram's update_id.
	ID int64
	// Raw is the update as Telegram sent it; the store may drop it once finished.
	Raw []byte
	// Received is when it was journaled.
	Received time.Time
}

// Card is what the store keeps of a card: the wanted frame, and what Telegram
// was last known to show.
type Card struct {
	Key string
	// Wanted is the newest frame; its Document or Photo has a name only, and the
	// content lies under Digest.
	Wanted Frame
	Digest string
	// WantedHash identifies what Wanted looks like; SentHash what is shown.
	WantedHash, SentHash string
	// Tokens are the callback tokens of its buttons, those of older frames and
	// those that others took the place of included, until they are swept.
	Tokens []Token
	// Chat and Message name the live message; Message is 0 when there is none.
	Chat    int64
	Message int
	// Topic is where it was posted, SentDigest its file; "" also for a picture that
	// another one is taking the place of, when nobody knows which is shown.
	Topic      int
	SentDigest string
	// SentTokens are the callback tokens on the live message.
	SentTokens []string
	// Reposted is the Repost of the frame that was posted last.
	Reposted uint64
	// Attempt is a message on its way, whose fate is in doubt after a crash.
	Attempt *Attempt
	// Stale lists older messages that still have to lose their buttons.
	Stale []MessageRef
	// Parked says why delivery was given up until the card changes; "" for no.
	Parked string
	// Changed is when the record was last changed.
	Changed time.Time
}

// Settled is true when nothing is left to do for the card.
func (c Card) Settled() bool { return c.Parked != "" || !c.outstanding() }

// outstanding is true when Telegram does not show what is wanted.
func (c Card) outstanding() bool {
	return c.Message == 0 || c.SentHash != c.WantedHash || c.Wanted.Repost > c.Reposted || len(c.Stale) > 0
}

// Attempt is a message that was about to be sent.
type Attempt struct {
	// Hash, Digest and Tokens are those of the frame, Repost and Topic its own.
	Hash, Digest string
	Tokens       []string
	Repost       uint64
	Topic        int
}

// posted is c with a new live message. The one before has to lose its buttons.
func (c Card) posted(a Attempt, at MessageRef, now time.Time) Card {
	if c.Message != 0 && len(c.SentTokens) > 0 {
		c.Stale = append(c.Stale, MessageRef{Chat: c.Chat, Message: c.Message})
	}
	c.Chat, c.Message, c.Topic = at.Chat, at.Message, a.Topic
	c.SentHash, c.SentDigest, c.SentTokens = a.Hash, a.Digest, a.Tokens
	c.Reposted, c.Attempt, c.Changed = a.Repost, nil, now
	c.Stale = slices.DeleteFunc(c.Stale, func(m MessageRef) bool { return m == at })
	return c.shown(now)
}

// MessageRef names a message.
type MessageRef struct {
	Chat    int64
	Message int
}

// Store is what the bot needs to survive a crash. Implementations are safe for
// concurrent use, return copies, and have made a change durable when they
// return. The suite in package storetest says the rest.
type Store interface {
	// Journal stores the updates whose ids are not yet in the journal, all in one
	// transaction, and returns those, in the order given.
	Journal(ctx context.Context, updates []Update) (added []Update, err error)
	// Unfinished returns the updates without an outcome in the order in which
	// they were journaled.
	Unfinished(ctx context.Context) ([]Update, error)
	// Finish records an outcome. An unknown update is not an error.
	Finish(ctx context.Context, id int64, o Outcome) error
	// SweepUpdates removes finished updates received before a time.
	SweepUpdates(ctx context.Context, before time.Time) (removed int, err error)

	// SetAlias records that a chat has another id now.
	SetAlias(ctx context.Context, from, to int64) error
	// Aliases returns all of them; empty when there are none.
	Aliases(ctx context.Context) (map[int64]int64, error)

	// ChangeCard lets change turn the card's record into another, atomically. A
	// missing card is given as a Card with only its Key and found false. When change
	// fails nothing is stored and its error is returned. change may be called
	// more than once and does nothing but compute. The returned Card is stored.
	ChangeCard(ctx context.Context, key string, change func(c Card, found bool) (Card, error)) (Card, error)
	// Card returns the record of a card; found is false where there is none.
	Card(ctx context.Context, key string) (c Card, found bool, err error)
	// CardByToken returns the card that a callback token belongs to, and the token.
	CardByToken(ctx context.Context, id string) (c Card, t Token, found bool, err error)
	// CardByMessage returns the card whose live message that is.
	CardByMessage(ctx context.Context, m MessageRef) (c Card, found bool, err error)
	// CardsIn returns the keys of the cards whose live message is in that chat.
	CardsIn(ctx context.Context, chat int64) ([]string, error)
	// Unsettled returns the cards that are not Settled, in the order of their keys.
	Unsettled(ctx context.Context) ([]Card, error)
	// ParkedIn returns the keys of the cards whose wanted place is in that chat
	// and that are parked.
	ParkedIn(ctx context.Context, chat int64) ([]string, error)
	// ForgetCard removes a card and its tokens. A missing card is fine.
	ForgetCard(ctx context.Context, key string) error
	// SweepTokens forgets the tokens that Card.Sweep takes away.
	SweepTokens(ctx context.Context, before time.Time) (removed int, err error)
	// SweepCards forgets settled, final cards that are not Pressable and were last
	// changed before a time.
	SweepCards(ctx context.Context, before time.Time) (removed int, err error)

	// PutDocument keeps the content of a file and returns its digest.
	PutDocument(ctx context.Context, content []byte) (digest string, err error)
	// Document returns it, or an error when it is missing or damaged.
	Document(ctx context.Context, digest string) ([]byte, error)
}
