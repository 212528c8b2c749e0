package telegram

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SayOptions are a message that a person writes.
type SayOptions struct {
	Chat    int64 // a group, or the person's own id for their chat with the bot
	Topic   int   // the forum topic; 0 is General
	From    int64
	Text    string
	ReplyTo int // the message that is answered
	// Mentions are people whom Text names, by their whole name or their first: the first place of each becomes a text_mention, as clients
	// make it of people without a username. (@username becomes a mention wherever it stands.)
	Mentions []int64
	// Document is a file sent along; Text is its caption then.
	Document *Upload

	Forwarded bool      // forwarded from somewhere else (forward_origin)
	Scheduled bool      // sent by the client's schedule (is_from_offline)
	Anonymous bool      // as the group itself; implied by Member.Anonymous
	ViaBot    bool      // through an inline bot (via_bot)
	Date      time.Time // default: now; in whole seconds
}

// Upload is a file that a person or the bot sends.
type Upload struct {
	Name    string
	Content []byte
}

// Say writes a message and returns its id. It fails where a client would not let the person write: unknown people, strangers in
// a group, restricted members, an unknown topic, an empty or too long text.
func (s *Server) Say(ctx context.Context, o SayOptions) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.unlock()
	c, err := s.speakersChat(o.Chat, o.From)
	if err != nil {
		return 0, err
	}
	if err := c.checkSay(o); err != nil {
		return 0, err
	}
	mentions, err := s.mentions(o.Text, o.Mentions)
	if err != nil {
		return 0, err
	}
	f := formatted{text: o.Text, entities: append(mentions, detect(o.Text, mentions)...)}
	f.trim()
	sortEntities(f.entities)
	m := s.newMessage(c, o.From)
	m.Text, m.Entities, m.Topic, m.ReplyTo = f.text, f.entities, o.Topic, o.ReplyTo
	if !o.Date.IsZero() {
		m.Date = o.Date.Truncate(time.Second)
	}
	if o.Document != nil {
		m.Document = s.storeFile(o.Document, "documents")
	}
	s.markOrigin(c, m, o)
	s.publish(c, m)
	return m.ID, nil
}

// mentions finds the names of people in a text, each in a place of its own.
func (s *Server) mentions(text string, people []int64) ([]Entity, error) {
	var list []Entity
	for _, id := range people {
		p := s.users[id]
		if p == nil {
			return nil, fmt.Errorf("telegram: nobody has the id %d", id)
		}
		e, ok := named(text, p.Name(), list)
		if !ok {
			e, ok = named(text, p.FirstName, list)
		}
		if !ok {
			return nil, fmt.Errorf("telegram: the text does not name %s, who is to be mentioned", p.Name())
		}
		e.User = id
		list = append(list, e)
	}
	return list, nil
}

// named finds the first place of a name that nothing else has taken.
func named(text, name string, taken []Entity) (Entity, bool) {
	for from := 0; ; {
		at := strings.Index(text[from:], name)
		if at < 0 {
			return Entity{}, false
		}
		e := Entity{Type: "text_mention", Offset: utf16Len(text[:from+at]), Length: utf16Len(name)}
		if !slices.ContainsFunc(taken, func(o Entity) bool { return e.Offset < o.Offset+o.Length && o.Offset < e.Offset+e.Length }) {
			return e, true
		}
		from += at + len(name)
	}
}

// speakersChat finds the chat for somebody who wants to write, press or react in it.
func (s *Server) speakersChat(id, from int64) (*chat, error) {
	if s.ctx.Err() != nil {
		return nil, errClosed
	}
	p := s.users[from]
	if p == nil || from == s.bot.ID {
		return nil, fmt.Errorf("telegram: nobody has the id %d", from)
	}
	if id == from {
		c := s.privateWith(from)
		c.started = true
		p.spoke[id] = true
		return c, nil
	}
	c := s.chats[id]
	if c == nil || c.kind == private {
		return nil, fmt.Errorf("telegram: there is no group %d", id)
	}
	if c.migratedTo != 0 {
		return nil, fmt.Errorf("telegram: group %d has become %d", id, c.migratedTo)
	}
	if !c.member(from).Inside() && c.group.Username == "" {
		return nil, fmt.Errorf("telegram: %s (%d) is not in the group %q", p.Name(), from, c.group.Title)
	}
	return c, nil
}

// checkSay is what a client checks before it lets a person send.
func (c *chat) checkSay(o SayOptions) error {
	most := maxText
	if o.Document != nil {
		most = maxCaption
	}
	member := c.member(o.From)
	switch n := utf16Len(o.Text); {
	case o.Document == nil && strings.TrimSpace(o.Text) == "":
		return errors.New("telegram: the text is empty")
	case n > most:
		return fmt.Errorf("telegram: the text has %d UTF-16 units and may have %d", n, most)
	case o.Topic != 0 && o.Topic != generalTopic && !c.hasTopic(o.Topic):
		return fmt.Errorf("telegram: there is no topic %d", o.Topic)
	case o.ReplyTo != 0 && c.visible(o.ReplyTo) == nil:
		return fmt.Errorf("telegram: there is no message %d to reply to", o.ReplyTo)
	case c.kind != private && (member.Status == Restricted || !member.Inside()):
		return fmt.Errorf("telegram: %d may not write in %q", o.From, c.group.Title)
	case o.Anonymous && !c.isAdmin(o.From):
		return fmt.Errorf("telegram: %d is no administrator of %q and can't be anonymous", o.From, c.group.Title)
	case o.Document != nil && len(o.Document.Content) == 0:
		return errors.New("telegram: the document is empty")
	}
	return nil
}

// newMessage starts a message; its id and date are given, and nobody sees it before publish.
func (s *Server) newMessage(c *chat, from int64) *message {
	m := &message{extra: map[string]any{}}
	m.Chat, m.ID, m.From = c.id, s.nextID(c), from
	m.Date = s.o.Now().Truncate(time.Second)
	if p := s.users[from]; p != nil {
		m.Sender, m.FromBot = p.Name(), p.IsBot
		if p.spoke != nil {
			p.spoke[c.id] = true
		}
	}
	return m
}

// markOrigin writes down the ways in which a message isn't simply its sender's own words.
func (s *Server) markOrigin(c *chat, m *message, o SayOptions) {
	if m.Topic == generalTopic {
		m.Topic = 0
	}
	if member := c.member(o.From); o.Anonymous || member.Anonymous {
		m.asGroup(c)
		if member.Title != "" {
			m.extra["author_signature"] = member.Title
		}
	}
	if o.Forwarded {
		m.Forwarded = true
		sent := m.Date.Add(-time.Hour).Unix()
		m.extra["forward_origin"] = map[string]any{"type": "hidden_user", "sender_user_name": "Somebody Else", "date": sent}
		m.extra["forward_sender_name"], m.extra["forward_date"] = "Somebody Else", sent
	}
	if o.Scheduled {
		m.Scheduled = true
		m.extra["is_from_offline"] = true
	}
	if o.ViaBot {
		m.ViaBot = true
		m.extra["via_bot"] = map[string]any{"id": 1, "is_bot": true, "first_name": "Inline", "username": "inline_bot"}
	}
}

// publish puts a message into its chat and tells the bot, if it may see it.
func (s *Server) publish(c *chat, m *message) {
	c.messages = append(c.messages, m)
	s.touch(m)
	if m.FromBot {
		c.lastBot = m.From
	}
	if s.sees(c, m) {
		s.tell("message", c, m, m.Date)
	}
	s.notify()
}

// tell delivers a message, unless it is too old to be.
func (s *Server) tell(kind string, c *chat, m *message, date time.Time) {
	s.deliver(kind, c.lane(), s.messageJSON(c, m, true), date.Add(keepUpdate))
}

// sees applies the privacy mode (core.telegram.org/bots/features, "Privacy mode"): a bot that is no administrator gets commands
// addressed to it, replies to it, service messages, and other commands only if it was the last bot to post, or no bot has yet. A
// mention alone does not reach it: the page names none.
func (s *Server) sees(c *chat, m *message) bool {
	if m.From == s.bot.ID {
		return m.Service != ""
	}
	if c.kind == private {
		return !c.blocked
	}
	if !c.member(s.bot.ID).Inside() || m.FromBot {
		return false
	}
	if s.o.ReadsAll || c.isAdmin(s.bot.ID) || m.Service != "" {
		return true
	}
	if to := c.message(m.ReplyTo); to != nil && to.From == s.bot.ID {
		return true
	}
	me := strings.ToLower(s.bot.Username)
	return slices.ContainsFunc(m.Entities, func(e Entity) bool {
		if e.Type != "bot_command" {
			return false
		}
		_, addressee, addressed := strings.Cut(strings.ToLower(part(m.Text, e)), "@")
		return addressed && addressee == me || !addressed && (c.lastBot == 0 || c.lastBot == s.bot.ID)
	})
}

// Edit changes the text of a person's own message; the bot gets edited_message where it saw the message.
func (s *Server) Edit(ctx context.Context, chat int64, id int, from int64, text string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.unlock()
	c, m, err := s.speakersMessage(chat, id, from)
	if err != nil {
		return err
	}
	// A file of an earlier version does not say who wrote what an anonymous administrator did.
	own := m.From == from || m.Author == from || m.Author == 0 && m.From == AnonymousAdminID && c.member(from).Anonymous
	if !own || m.Service != "" || m.Forwarded {
		return fmt.Errorf("telegram: %d can't edit message %d", from, id)
	}
	if err := c.checkSay(SayOptions{From: from, Text: text, Document: documentOf(m)}); err != nil {
		return err
	}
	f := formatted{text: text, entities: detect(text, nil)}
	f.trim()
	sortEntities(f.entities)
	if f.text == m.Text {
		return errors.New("telegram: the text is the same")
	}
	m.Text, m.Entities = f.text, f.entities
	m.Edits++
	m.EditDate = s.o.Now().Truncate(time.Second)
	s.touch(m)
	if s.sees(c, m) {
		s.tell("edited_message", c, m, m.EditDate)
	}
	s.notify()
	return nil
}

// documentOf stands for the document of a message where only its being there matters.
func documentOf(m *message) *Upload {
	if m.Document == nil {
		return nil
	}
	return &Upload{Name: m.Document.Name, Content: []byte{0}}
}

// speakersMessage finds a message for somebody who wants to do something with it.
func (s *Server) speakersMessage(chat int64, id int, from int64) (*chat, *message, error) {
	c, err := s.speakersChat(chat, from)
	if err != nil {
		return nil, nil, err
	}
	m := c.visible(id)
	if m == nil {
		return nil, nil, fmt.Errorf("telegram: there is no message %d in chat %d", id, chat)
	}
	return c, m, nil
}

// Delete removes a message, as its author or an administrator would. Bots are not told.
func (s *Server) Delete(ctx context.Context, chat int64, id int, from int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.unlock()
	c, m, err := s.speakersMessage(chat, id, from)
	if err != nil {
		return err
	}
	if m.From != from && c.kind != private && !c.isAdmin(from) {
		return fmt.Errorf("telegram: %d can't delete message %d", from, id)
	}
	m.Deleted = true
	s.touch(m)
	s.notify()
	return nil
}

// React sets a person's reactions to a message; none removes them. The bot is told where it is an administrator and asked
// for message_reaction.
func (s *Server) React(ctx context.Context, chat int64, id int, from int64, emoji ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.unlock()
	c, m, err := s.speakersMessage(chat, id, from)
	if err != nil {
		return err
	}
	for _, e := range emoji {
		if !c.allowsReaction(e) {
			return fmt.Errorf("telegram: the reaction %s is not allowed in chat %d", e, chat)
		}
	}
	before := m.react(from, emoji)
	s.touch(m)
	if c.kind == private || c.isAdmin(s.bot.ID) {
		now := s.o.Now()
		body := map[string]any{
			"chat": s.chatJSON(c), "message_id": m.ID, "date": now.Unix(),
			"old_reaction": reactionsJSON(before), "new_reaction": reactionsJSON(emoji),
		}
		if c.member(from).Anonymous {
			body["actor_chat"] = s.chatJSON(c)
		} else {
			body["user"] = s.userJSON(from)
		}
		s.deliver("message_reaction", c.lane(), body, now.Add(keepUpdate))
	}
	s.notify()
	return nil
}

func (c *chat) allowsReaction(emoji string) bool {
	return c.group.Reactions == nil || slices.Contains(c.group.Reactions, emoji)
}

// react replaces somebody's reactions and returns the earlier ones.
func (m *message) react(from int64, emoji []string) (before []string) {
	m.Reactions = slices.DeleteFunc(m.Reactions, func(r Reaction) bool {
		if r.From == from {
			before = append(before, r.Emoji)
		}
		return r.From == from
	})
	for _, e := range emoji {
		m.Reactions = append(m.Reactions, Reaction{From: from, Emoji: e})
	}
	return before
}

func reactionsJSON(emoji []string) []any {
	list := []any{}
	for _, e := range emoji {
		list = append(list, map[string]any{"type": "emoji", "emoji": e})
	}
	return list
}
