package telegram

import (
	"errors"
	"fmt"
	"slices"
)

// SetMember changes somebody's membership, as an administrator would: the bot gets my_chat_member about itself, chat_member
// about others (where it is an administrator and asked for it), and the service messages about joining and leaving. What an anonymous
// administrator does here is told as done by the group. It refuses groups, people and memberships that there can't be.
func (s *Server) SetMember(chat int64, m Member, by int64) error {
	s.mu.Lock()
	defer s.unlock()
	c, err := s.groupNow(chat)
	if err != nil {
		return err
	}
	if s.users[by] == nil {
		return fmt.Errorf("telegram: nobody has the id %d", by)
	}
	if err := s.checkMember(m); err != nil {
		return fmt.Errorf("telegram: member %d of group %d %w", m.User, chat, err)
	}
	before := c.member(m.User)
	// Somebody who leaves is told of while the bot can still see it, somebody who comes once it can.
	if before.Inside() && !m.Inside() && m.User != s.bot.ID {
		left := s.service(c, by, s.users[m.User].Name()+" left the group")
		left.extra["left_chat_member"] = s.userJSON(m.User)
		s.publish(c, left)
	}
	c.setMember(m)
	s.tellMember(c, before, m, by)
	if !before.Inside() && m.Inside() {
		joined := s.service(c, by, s.users[m.User].Name()+" joined the group")
		joined.extra["new_chat_members"] = []any{s.userJSON(m.User)}
		s.publish(c, joined)
	}
	s.notify()
	return nil
}

// checkMember says why there can't be such a member.
func (s *Server) checkMember(m Member) error {
	switch m.Status {
	case Creator, Administrator, Ordinary, Restricted, Left, Kicked:
	default:
		return fmt.Errorf("has the status %q, which there is not", m.Status)
	}
	switch {
	case s.users[m.User] == nil:
		return errors.New("is unknown")
	case m.Anonymous && m.Status != Creator && m.Status != Administrator:
		return errors.New("is anonymous and no administrator")
	case m.Absent && m.Status != Restricted:
		return errors.New("is absent and not restricted")
	}
	return nil
}

// groupNow finds a group that has not become another one.
func (s *Server) groupNow(id int64) (*chat, error) {
	c := s.chats[id]
	if c == nil || c.kind == private {
		return nil, fmt.Errorf("telegram: there is no group %d", id)
	}
	if c.migratedTo != 0 {
		return nil, fmt.Errorf("telegram: group %d has become %d", id, c.migratedTo)
	}
	return c, nil
}

// ShowMembers changes Group.ShowsMembers.
func (s *Server) ShowMembers(chat int64, shown bool) error {
	s.mu.Lock()
	defer s.unlock()
	c, err := s.groupNow(chat)
	if err != nil {
		return err
	}
	c.group.ShowsMembers = shown
	return nil
}

// service starts a service message.
func (s *Server) service(c *chat, from int64, text string) *message {
	m := s.newMessage(c, from)
	m.Service = text
	if c.member(from).Anonymous {
		m.asGroup(c)
	}
	return m
}

// asGroup hides who wrote a message.
func (m *message) asGroup(c *chat) {
	m.Author = m.From
	m.From, m.SenderChat, m.Sender, m.FromBot = AnonymousAdminID, c.id, c.group.Title, false
}

// tellMember delivers my_chat_member or chat_member.
func (s *Server) tellMember(c *chat, before, after Member, by int64) {
	kind := "chat_member"
	if after.User == s.bot.ID {
		kind = "my_chat_member"
	} else if !c.isAdmin(s.bot.ID) {
		return
	}
	// An anonymous administrator is anonymous in what they do, too; also in the change that ends or begins it.
	if m := c.member(by); m.Anonymous || by == before.User && before.Anonymous {
		by = AnonymousAdminID
	}
	now := s.o.Now()
	body := map[string]any{
		"chat": s.chatJSON(c), "from": s.userJSON(by), "date": now.Unix(),
		"old_chat_member": s.memberJSON(c, before), "new_chat_member": s.memberJSON(c, after),
	}
	s.deliver(kind, c.lane(), body, now.Add(keepUpdate))
}

// DeleteTopic removes a topic of a forum, with its messages. Requests that name it are answered "message thread not found" from then on.
func (s *Server) DeleteTopic(chat int64, topic int) error {
	s.mu.Lock()
	defer s.unlock()
	c, err := s.groupNow(chat)
	if err != nil {
		return err
	}
	if topic == generalTopic || !c.hasTopic(topic) {
		return fmt.Errorf("telegram: there is no topic %d to delete", topic)
	}
	c.group.Topics = slices.DeleteFunc(c.group.Topics, func(t Topic) bool { return t.ID == topic })
	for _, m := range c.messages {
		if m.Topic == topic && !m.Deleted {
			m.Deleted = true
			s.touch(m)
		}
	}
	s.notify()
	return nil
}

// owner is who made a group, as far as one can say.
func (s *Server) owner(c *chat) int64 {
	for _, m := range c.group.Members {
		if m.Status == Creator {
			return m.User
		}
	}
	return s.bot.ID
}

// Block makes a person block the bot, or unblock it. Blocked, the bot is answered 403 in their private chat.
func (s *Server) Block(user int64, blocked bool) error {
	s.mu.Lock()
	defer s.unlock()
	if p := s.users[user]; p == nil || p.IsBot {
		return fmt.Errorf("telegram: nobody has the id %d", user)
	}
	c := s.privateWith(user)
	if c.blocked == blocked {
		return nil
	}
	c.blocked = blocked
	before, after := Member{User: s.bot.ID, Status: Ordinary}, Member{User: s.bot.ID, Status: Kicked}
	if !blocked {
		before, after = after, before
	}
	s.tellMember(c, before, after, user)
	s.notify()
	return nil
}

// MigrateGroup turns a basic group into a supergroup and returns its new id. From then on requests that write to the old id, or ask for its
// members, are answered 400 with migrate_to_chat_id. Both chats get their service message. The earlier messages stay in the old one, whose
// ids mean nothing, or another message, in the new one. An edit that still names the old chat is answered "message to edit not
// found": the reference server (10.0) does not check edits for a migration. For one that does, there is the fault WasMigrated.
func (s *Server) MigrateGroup(old int64) (int64, error) {
	s.mu.Lock()
	defer s.unlock()
	c := s.chats[old]
	if c == nil || c.kind != basicGroup || c.migratedTo != 0 {
		return 0, fmt.Errorf("telegram: %d is no basic group", old)
	}
	id := -1_000_000_000_000 + old
	for s.chats[id] != nil {
		id--
	}
	group := cloneGroup(c.group)
	group.ID, group.Basic = id, false
	to := &chat{id: id, kind: supergroup, group: group, lastBot: c.lastBot, created: s.o.Now()}
	s.chats[id] = to
	owner := s.owner(to)
	moved := s.service(c, owner, "The group was upgraded to a supergroup")
	moved.extra["migrate_to_chat_id"] = id
	s.publish(c, moved)
	c.migratedTo = id
	arrived := s.service(to, owner, "The group was upgraded to a supergroup")
	arrived.extra["migrate_from_chat_id"] = old
	s.publish(to, arrived)
	return id, nil
}
