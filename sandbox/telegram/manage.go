package telegram

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// topicColor is one of the six colours that a topic may have (core.telegram.org/bots/api, createForumTopic).
const topicColor = 7322096

// deletable is how long messages can be deleted (core.telegram.org/bots/api, deleteMessage).
const deletable = 48 * time.Hour

func (s *Server) deleteMessage(r *request) (any, *apiError) {
	c, failed := s.chatOf(r.str("chat_id"), write)
	if failed != nil {
		return nil, failed
	}
	m := c.visible(int(r.int("message_id")))
	if m == nil {
		return nil, badRequest("message to delete not found")
	}
	if why := s.cannotDelete(c, m); why != "" {
		return nil, badRequest(why)
	}
	m.Deleted = true
	s.touch(m)
	s.notify()
	return true, nil
}

// cannotDelete says why the bot can't delete a message, or "": its own for 48 h, those of others as an administrator.
func (s *Server) cannotDelete(c *chat, m *message) string {
	admin := c.kind != private && c.isAdmin(s.bot.ID)
	switch {
	case m.From != s.bot.ID && c.kind != private && !admin:
		return "message can't be deleted"
	case s.o.Now().Sub(m.Date) > deletable && !admin:
		return "message can't be deleted for everyone"
	}
	return ""
}

// deleteMessages deletes those that it can; the others are skipped, as the Bot API says.
func (s *Server) deleteMessages(r *request) (any, *apiError) {
	var ids []int
	if failed := r.object("message_ids", &ids); failed != nil {
		return nil, failed
	}
	if len(ids) == 0 {
		return nil, malformed("message identifiers are not specified")
	}
	if len(ids) > 100 {
		return nil, malformed("too many message identifiers specified")
	}
	c, failed := s.chatOf(r.str("chat_id"), write)
	if failed != nil {
		return nil, failed
	}
	for _, id := range ids {
		if m := c.visible(id); m != nil && s.cannotDelete(c, m) == "" {
			m.Deleted = true
			s.touch(m)
		}
	}
	s.notify()
	return true, nil
}

func (s *Server) setMessageReaction(r *request) (any, *apiError) {
	var list []struct{ Type, Emoji string }
	if failed := r.object("reaction", &list); failed != nil {
		return nil, failed
	}
	c, failed := s.chatOf(r.str("chat_id"), read)
	if failed != nil {
		return nil, failed
	}
	m := c.visible(int(r.int("message_id")))
	if m == nil {
		return nil, badRequest("message to react not found")
	}
	var emoji []string
	for _, e := range list {
		if e.Type != "emoji" || !c.allowsReaction(e.Emoji) {
			return nil, badRequest("REACTION_INVALID")
		}
		emoji = append(emoji, e.Emoji)
	}
	if len(emoji) > 1 {
		return nil, malformed("REACTIONS_TOO_MANY") // a bot, like everybody without Premium, has one
	}
	m.react(s.bot.ID, emoji)
	s.touch(m)
	s.notify()
	return true, nil
}

// pinner finds the chat for a bot that wants to pin; in groups that takes an administrator.
func (s *Server) pinner(r *request) (*chat, *apiError) {
	c, failed := s.chatOf(r.str("chat_id"), write)
	if failed == nil && c.kind != private && !c.isAdmin(s.bot.ID) {
		return nil, badRequest("not enough rights to manage pinned messages in the chat")
	}
	return c, failed
}

func (s *Server) pinChatMessage(r *request) (any, *apiError) {
	c, failed := s.pinner(r)
	if failed != nil {
		return nil, failed
	}
	m := c.visible(int(r.int("message_id")))
	if m == nil {
		return nil, badRequest("message to pin not found")
	}
	if m.Pinned {
		return true, nil
	}
	m.Pinned = true
	s.touch(m)
	told := s.service(c, s.bot.ID, s.bot.Name()+" pinned a message")
	told.Topic = m.Topic
	told.extra["pinned_message"] = s.messageJSON(c, m, false)
	s.publish(c, told)
	return true, nil
}

func (s *Server) unpinChatMessage(r *request) (any, *apiError) {
	c, failed := s.pinner(r)
	if failed != nil {
		return nil, failed
	}
	id := int(r.int("message_id"))
	for _, m := range slices.Backward(c.messages) {
		if m.Pinned && !m.Deleted && (id == 0 || m.ID == id) {
			m.Pinned = false
			s.touch(m)
			s.notify()
			return true, nil
		}
	}
	return nil, badRequest("message to unpin not found")
}

func (s *Server) unpinAllChatMessages(r *request) (any, *apiError) {
	c, failed := s.pinner(r)
	if failed != nil {
		return nil, failed
	}
	for _, m := range c.messages {
		if m.Pinned {
			m.Pinned = false
			s.touch(m)
		}
	}
	s.notify()
	return true, nil
}

func (s *Server) getChat(r *request) (any, *apiError) {
	c, failed := s.chatOf(r.str("chat_id"), read)
	if failed != nil {
		return nil, failed
	}
	j := s.chatJSON(c)
	j["accent_color_id"] = 0
	j["max_reaction_count"] = 11
	j["accepted_gift_types"] = map[string]bool{
		"unlimited_gifts": false, "limited_gifts": false, "unique_gifts": false, "premium_subscription": false,
	}
	for _, m := range slices.Backward(c.messages) {
		if m.Pinned && !m.Deleted {
			j["pinned_message"] = s.messageJSON(c, m, false)
			break
		}
	}
	if c.kind != private {
		allowed := map[string]bool{}
		for _, permission := range permissions {
			allowed[permission] = true
		}
		j["permissions"] = allowed
		if c.group.Reactions != nil {
			j["available_reactions"] = reactionsJSON(c.group.Reactions)
		}
	}
	return j, nil
}

// getChatMember tells about others reliably only to an administrator (core.telegram.org/bots/api, getChatMember). A bot that is none
// is answered CHAT_ADMIN_REQUIRED, as in a group with hidden members (github.com/teloxide/teloxide issue 1349), or, where the group
// ShowsMembers, told of those whom it has seen there. Basic groups show their members to every member.
func (s *Server) getChatMember(r *request) (any, *apiError) {
	user := r.int("user_id")
	need := members
	if user == s.bot.ID {
		need = read
	}
	c, failed := s.chatOf(r.str("chat_id"), need)
	if failed != nil {
		return nil, failed
	}
	p := s.users[user]
	if p == nil {
		return nil, badRequest("PARTICIPANT_ID_INVALID")
	}
	if c.kind == private {
		if user != c.id && user != s.bot.ID {
			return nil, badRequest("user not found")
		}
		return s.memberJSON(c, Member{User: user, Status: Ordinary}), nil
	}
	if user != s.bot.ID && c.kind == supergroup && !c.isAdmin(s.bot.ID) {
		if !c.group.ShowsMembers {
			return nil, badRequest("CHAT_ADMIN_REQUIRED")
		}
		if !p.spoke[c.id] {
			return nil, badRequest("PARTICIPANT_ID_INVALID")
		}
	}
	return s.memberJSON(c, c.member(user)), nil
}

func (s *Server) getChatMemberCount(r *request) (any, *apiError) {
	c, failed := s.chatOf(r.str("chat_id"), members)
	if failed != nil {
		return nil, failed
	}
	if c.kind == private {
		return 2, nil
	}
	n := 0
	for _, m := range c.group.Members {
		if m.Inside() {
			n++
		}
	}
	return n, nil
}

func (s *Server) getChatAdministrators(r *request) (any, *apiError) {
	c, failed := s.chatOf(r.str("chat_id"), members)
	if failed != nil {
		return nil, failed
	}
	if c.kind == private {
		return nil, badRequest("there are no administrators in the private chat")
	}
	list := []any{}
	for _, m := range c.group.Members {
		if c.isAdmin(m.User) && (!s.users[m.User].IsBot || m.User == s.bot.ID || r.bool("return_bots")) {
			list = append(list, s.memberJSON(c, m))
		}
	}
	return list, nil
}

func (s *Server) leaveChat(r *request) (any, *apiError) {
	c, failed := s.chatOf(r.str("chat_id"), edit)
	if failed != nil {
		return nil, failed
	}
	if c.kind == private {
		return nil, badRequest("chat member status can't be changed in private chats")
	}
	before, after := c.member(s.bot.ID), Member{User: s.bot.ID, Status: Left}
	c.setMember(after)
	s.tellMember(c, before, after, s.bot.ID)
	s.notify()
	return true, nil
}

func (s *Server) createForumTopic(r *request) (any, *apiError) {
	name := strings.TrimSpace(r.str("name"))
	if n := utf16Len(name); n == 0 || n > 128 {
		return nil, malformed("TOPIC_TITLE_EMPTY")
	}
	c, failed := s.chatOf(r.str("chat_id"), write)
	if failed != nil {
		return nil, failed
	}
	if !c.group.Forum {
		return nil, badRequest("the chat is not a forum")
	}
	if !c.isAdmin(s.bot.ID) {
		return nil, badRequest("not enough rights to create a topic")
	}
	color := cmp.Or(r.int("icon_color"), topicColor)
	m := s.service(c, s.bot.ID, fmt.Sprintf("%s created the topic %q", s.bot.Name(), name))
	m.Topic = m.ID
	m.extra["forum_topic_created"] = map[string]any{"name": name, "icon_color": color}
	c.group.Topics = append(c.group.Topics, Topic{ID: m.ID, Name: name})
	s.publish(c, m)
	return map[string]any{"message_thread_id": m.ID, "name": name, "icon_color": color}, nil
}

// Command is an entry of the menu of commands.
type Command struct {
	Command     string `json:"command"`
	Description string `json:"description"`
}

// menuKey says for whom a menu is. scope is the type of a BotCommandScope, with chat and user where it has them.
type menuKey struct {
	scope      string
	chat, user int64
	language   string
}

var commandName = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)

// menuOf reads scope and language_code.
func (s *Server) menuOf(r *request) (menuKey, *apiError) {
	scope := struct {
		Type   string          `json:"type"`
		ChatID json.RawMessage `json:"chat_id"`
		UserID int64           `json:"user_id"`
	}{Type: "default"}
	if failed := r.object("scope", &scope); failed != nil {
		return menuKey{}, failed
	}
	key := menuKey{scope: scope.Type, user: scope.UserID, language: r.str("language_code")}
	if scope.ChatID != nil {
		c, failed := s.chatOf(strings.Trim(string(scope.ChatID), `"`), read)
		if failed != nil {
			return key, failed
		}
		key.chat = c.id
	}
	return key, nil
}

func (s *Server) setMyCommands(r *request) (any, *apiError) {
	var list []struct {
		Command
		Ephemeral bool `json:"is_ephemeral"`
	}
	if failed := r.object("commands", &list); failed != nil {
		return nil, failed
	}
	if len(list) > 100 {
		return nil, malformed("BOT_COMMANDS_TOO_MUCH")
	}
	menu := []Command{}
	for _, c := range list {
		c.Command.Command = strings.TrimPrefix(c.Command.Command, "/")
		if !commandName.MatchString(c.Command.Command) {
			return nil, malformed("BOT_COMMAND_INVALID")
		}
		if n := utf16Len(c.Description); n == 0 || n > 256 {
			return nil, malformed("BOT_COMMAND_DESCRIPTION_INVALID")
		}
		menu = append(menu, c.Command)
	}
	key, failed := s.menuOf(r)
	if failed != nil {
		return nil, failed
	}
	s.menus[key] = menu
	s.notify()
	return true, nil
}

func (s *Server) getMyCommands(r *request) (any, *apiError) {
	key, failed := s.menuOf(r)
	if failed != nil {
		return nil, failed
	}
	return append([]Command{}, s.menus[key]...), nil
}

func (s *Server) deleteMyCommands(r *request) (any, *apiError) {
	key, failed := s.menuOf(r)
	if failed != nil {
		return nil, failed
	}
	delete(s.menus, key)
	s.notify()
	return true, nil
}

// Commands returns the menu that a person sees in a chat: that of the most specific scope and language for which setMyCommands
// was called (core.telegram.org/bots/api, "Determining list of commands").
func (s *Server) Commands(chat, user int64) []Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, p := s.chats[chat], s.users[user]
	if c == nil || p == nil {
		return nil
	}
	var keys []menuKey
	if c.kind == private {
		keys = []menuKey{{scope: "chat", chat: chat}, {scope: "all_private_chats"}}
	} else {
		keys = append(keys, menuKey{scope: "chat_member", chat: chat, user: user})
		if c.isAdmin(user) {
			keys = append(keys, menuKey{scope: "chat_administrators", chat: chat})
		}
		keys = append(keys, menuKey{scope: "chat", chat: chat})
		if c.isAdmin(user) {
			keys = append(keys, menuKey{scope: "all_chat_administrators"})
		}
		keys = append(keys, menuKey{scope: "all_group_chats"})
	}
	for _, key := range append(keys, menuKey{scope: "default"}) {
		for _, language := range []string{p.LanguageCode, ""} {
			key.language = language
			if menu, ok := s.menus[key]; ok {
				return slices.Clone(menu)
			}
		}
	}
	return nil
}

// lane names the queue in which a chat's updates are sent to a webhook.
func (c *chat) lane() string { return "chat " + strconv.FormatInt(c.id, 10) }
