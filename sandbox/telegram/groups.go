package telegram

import (
	"fmt"
)

// SetMember changes somebody's membership, as an administrator would: the bot gets my_chat_member about itself, chat_member
// about others (where it is an administrator and asked for it), and the service messages about joining and leaving.
func (s *Server) SetMember(chat int64, m Member, by int64) error {
	s.mu.Lock()
	defer s.unlock()
	c := s.chats[chat]
	if c == nil || c.kind == private {
		return fmt.Errorf("telegram: there is no group %d", chat)
	}
	if s.users[m.User] == nil || s.users[by] == nil {
		return fmt.Errorf("telegram: %d or %d is unknown", m.User, by)
	}
	before := c.member(m.User)
	switch m.Status {
	case Creator, Administrator, Ordinary, Restricted, Left, Kicked:
	default:
		return fmt.Errorf("telegram: there is no membership %q", m.Status)
	}
	// Somebody who leaves is told of while the bot can still see it, somebody who comes once it can.
	if before.Status.Inside() && !m.Status.Inside() {
		left := s.service(c, by, s.users[m.User].Name()+" left the group")
		left.extra["left_chat_member"] = s.userJSON(m.User)
		if m.User != s.bot.ID {
			s.publish(c, left)
		}
	}
	c.setMember(m)
	s.tellMember(c, before, m, by)
	if !before.Status.Inside() && m.Status.Inside() {
		joined := s.service(c, by, s.users[m.User].Name()+" joined the group")
		joined.extra["new_chat_members"] = []any{s.userJSON(m.User)}
		s.publish(c, joined)
	}
	s.notify()
	return nil
}

// service starts a service message.
func (s *Server) service(c *chat, from int64, text string) *message {
	m := s.newMessage(c, from)
	m.Service = text
	return m
}

// tellMember delivers my_chat_member or chat_member.
func (s *Server) tellMember(c *chat, before, after Member, by int64) {
	kind := "chat_member"
	if after.User == s.bot.ID {
		kind = "my_chat_member"
	} else if !c.isAdmin(s.bot.ID) {
		return
	}
	now := s.o.Now()
	body := map[string]any{
		"chat": s.chatJSON(c), "from": s.userJSON(by), "date": now.Unix(),
		"old_chat_member": s.memberJSON(before), "new_chat_member": s.memberJSON(after),
	}
	s.deliver(kind, c.lane(), body, now.Add(keepUpdate))
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

// MigrateGroup turns a basic group into a supergroup and returns its new id. From then on requests that write to the old id are
// answered 400 with migrate_to_chat_id. Both chats get their service message; the earlier messages stay in the old one.
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
