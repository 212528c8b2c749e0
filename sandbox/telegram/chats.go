package telegram

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The kinds of chats, as in Chat.type of the Bot API.
const (
	private    = "private"
	basicGroup = "group"
	supergroup = "supergroup"
)

// generalTopic is the id of the topic that every forum has.
const generalTopic = 1

// typingLasts is how long a chat action is shown (core.telegram.org/bots/api, sendChatAction).
const typingLasts = 5 * time.Second

// chat is a group, or the conversation of one person with the bot.
type chat struct {
	id       int64
	kind     string
	group    Group // of groups; its Members are the truth
	messages []*message
	lastID   int   // of supergroups, which count for themselves
	lastBot  int64 // the bot that posted last
	created  time.Time

	started    bool // private: the person has written
	blocked    bool // private: the person has blocked the bot
	migratedTo int64

	action     string
	actionTill time.Time
}

// message is a message and what only the server knows of it.
type message struct {
	Message
	keyboard keyboard
	extra    map[string]any // further fields of the Bot API's Message
	album    string
}

func (c *chat) member(user int64) Member {
	for _, m := range c.group.Members {
		if m.User == user {
			return m
		}
	}
	return Member{User: user, Status: Left}
}

func (c *chat) setMember(m Member) {
	for i := range c.group.Members {
		if c.group.Members[i].User == m.User {
			c.group.Members[i] = m
			return
		}
	}
	c.group.Members = append(c.group.Members, m)
}

func (c *chat) isAdmin(user int64) bool {
	status := c.member(user).Status
	return status == Creator || status == Administrator
}

func (c *chat) hasTopic(id int) bool {
	return slices.ContainsFunc(c.group.Topics, func(t Topic) bool { return t.ID == id })
}

func (c *chat) message(id int) *message {
	for _, m := range slices.Backward(c.messages) {
		if m.ID == id {
			return m
		}
	}
	return nil
}

// visible returns a message that has not been deleted.
func (c *chat) visible(id int) *message {
	if m := c.message(id); m != nil && !m.Deleted {
		return m
	}
	return nil
}

// nextID counts messages: a supergroup for itself, all other chats of an account together.
func (s *Server) nextID(c *chat) int {
	if c.kind == supergroup {
		c.lastID++
		return c.lastID
	}
	s.accountIDs++
	return s.accountIDs
}

// AddUser makes a person known, or changes them. The bot can't write to a person before they have written to it.
func (s *Server) AddUser(u User) error {
	if u.ID <= 0 || u.ID >= 1<<52 || u.FirstName == "" {
		return fmt.Errorf("telegram: a user needs an ID below 2^52 and a FirstName, not %d and %q", u.ID, u.FirstName)
	}
	if u.ID == s.bot.ID || u.ID == AnonymousAdminID || u.ID == ChannelBotID || u.ID == ServiceID {
		return fmt.Errorf("telegram: the id %d is taken", u.ID)
	}
	s.mu.Lock()
	defer s.unlock()
	if p := s.users[u.ID]; p != nil {
		p.User = u
	} else {
		s.users[u.ID] = &person{User: u, spoke: map[int64]bool{}}
	}
	s.notify()
	return nil
}

// AddGroup makes a group with its members. It refuses ids that can't be a group's, and members that AddUser doesn't know.
func (s *Server) AddGroup(g Group) error {
	s.mu.Lock()
	defer s.unlock()
	kind := supergroup
	if g.Basic {
		kind = basicGroup
	}
	switch isSuper := g.ID <= -1_000_000_000_000; {
	case g.ID >= 0 || isSuper == g.Basic:
		return fmt.Errorf("telegram: %d is no id of a %s", g.ID, kind)
	case s.chats[g.ID] != nil:
		return fmt.Errorf("telegram: there is a chat %d already", g.ID)
	case g.Title == "":
		return errors.New("telegram: a group needs a Title")
	case g.Basic && (g.Forum || g.Username != ""):
		return errors.New("telegram: a basic group has no topics and no username")
	}
	for _, m := range g.Members {
		if err := s.checkMember(m); err != nil {
			return fmt.Errorf("telegram: member %d of group %d %w", m.User, g.ID, err)
		}
	}
	c := &chat{id: g.ID, kind: kind, group: cloneGroup(g), created: s.o.Now()}
	if c.member(s.bot.ID).Status == Left && !slices.ContainsFunc(g.Members, func(m Member) bool { return m.User == s.bot.ID }) {
		c.setMember(Member{User: s.bot.ID, Status: Ordinary})
	}
	for _, t := range g.Topics {
		c.lastID = max(c.lastID, t.ID)
	}
	s.chats[g.ID] = c
	s.notify()
	return nil
}

func cloneGroup(g Group) Group {
	g.Members = slices.Clone(g.Members)
	g.Topics = slices.Clone(g.Topics)
	g.Reactions = slices.Clone(g.Reactions)
	return g
}

// Users lists everybody, by id, the bot included.
func (s *Server) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []User
	for _, p := range s.users {
		all = append(all, p.User)
	}
	slices.SortFunc(all, func(a, b User) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Groups lists the groups, by title, with their members as they are now.
func (s *Server) Groups() []Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Group
	for _, c := range s.chats {
		if c.kind != private && c.migratedTo == 0 {
			all = append(all, cloneGroup(c.group))
		}
	}
	slices.SortFunc(all, func(a, b Group) int { return cmp.Or(strings.Compare(a.Title, b.Title), cmp.Compare(b.ID, a.ID)) })
	return all
}

// Group returns a group with its members as they are now, and false where there is none, or no longer.
func (s *Server) Group(chat int64) (Group, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chats[chat]
	if c == nil || c.kind == private || c.migratedTo != 0 {
		return Group{}, false
	}
	return cloneGroup(c.group), true
}

// Typing returns the action ("typing", "upload_document" …) that the bot shows in a chat at this moment, or "". It lasts 5 s,
// or until the bot's next message.
func (s *Server) Typing(chat int64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.chats[chat]; c != nil && s.o.Now().Before(c.actionTill) {
		return c.action
	}
	return ""
}

// access is what a method needs to do in a chat.
type access int

const (
	read    access = iota
	members        // read who is in it: in a group that has become another one that is refused as writing is
	edit
	write
)

// chatOf finds the chat that a request means, and refuses what the bot may not do there.
func (s *Server) chatOf(text string, need access) (*chat, *apiError) {
	c := s.findChat(text)
	switch {
	case c == nil:
		return nil, badRequest("chat not found")
	case c.kind == private:
		return s.privateChat(c, need)
	case c.migratedTo != 0:
		if need == read || need == edit {
			return c, nil
		}
		e := badRequest("group chat was upgraded to a supergroup chat")
		e.migratedTo = c.migratedTo
		return nil, e
	}
	kind := "group chat"
	if c.kind == supergroup {
		kind = "supergroup chat"
	}
	public := c.group.Username != "" && need <= members
	switch me := c.member(s.bot.ID); {
	case me.Status == Kicked:
		return nil, forbidden("bot was kicked from the " + kind)
	case !me.Inside() && !public:
		return nil, forbidden("bot is not a member of the " + kind)
	case me.Status == Restricted && need == write:
		return nil, badRequest("not enough rights to send text messages to the chat")
	}
	return c, nil
}

func (s *Server) privateChat(c *chat, need access) (*chat, *apiError) {
	switch {
	case s.users[c.id].IsBot:
		return nil, forbidden("the bot can't send messages to the bot")
	case !c.started && need > members:
		return nil, forbidden("bot can't initiate conversation with a user")
	case c.blocked && need > members:
		return nil, forbidden("bot was blocked by the user")
	}
	return c, nil
}

// findChat looks a chat up by id or @username. The bot knows a person's chat only after they have met.
func (s *Server) findChat(text string) *chat {
	if name, ok := strings.CutPrefix(text, "@"); ok {
		for _, c := range s.chats {
			if c.group.Username != "" && strings.EqualFold(c.group.Username, name) {
				return c
			}
		}
		return nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id > 0 && !s.knows(id) {
		return nil
	}
	if id > 0 {
		return s.privateWith(id)
	}
	return s.chats[id]
}

// privateWith returns the conversation of a person with the bot, which exists even before anything was said.
func (s *Server) privateWith(user int64) *chat {
	c := s.chats[user]
	if c == nil {
		c = &chat{id: user, kind: private}
		s.chats[user] = c
	}
	return c
}

// knows tells whether the bot has met a user: in private, or as a member of a group it is in.
func (s *Server) knows(user int64) bool {
	p := s.users[user]
	if p == nil {
		return false
	}
	if user == s.bot.ID || len(p.spoke) > 0 {
		return true
	}
	for _, c := range s.chats {
		if c.kind != private && c.member(user).Inside() && c.member(s.bot.ID).Inside() {
			return true
		}
	}
	return false
}

// topicOf reads message_thread_id: the topic of a forum. Anywhere else it is refused, and with it the thread that a plain reply carries:
// bots report "message thread not found" for it, though the reference server (10.0) ignores it outside of forums.
func (s *Server) topicOf(c *chat, r *request) (int, *apiError) {
	id := int(r.int("message_thread_id"))
	if id == 0 {
		return 0, nil
	}
	if id == generalTopic || !c.hasTopic(id) {
		return 0, badRequest("message thread not found")
	}
	return id, nil
}
