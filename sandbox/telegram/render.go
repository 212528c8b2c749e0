package telegram

import (
	"slices"
)

// How people, chats and messages are written in answers and updates (core.telegram.org/bots/api, "Available types").

func (s *Server) userJSON(id int64) map[string]any {
	if id == AnonymousAdminID {
		return map[string]any{"id": id, "is_bot": true, "first_name": "Group", "username": "GroupAnonymousBot"}
	}
	p := s.users[id]
	if p == nil {
		return map[string]any{"id": id, "is_bot": false, "first_name": ""}
	}
	m := map[string]any{"id": id, "is_bot": p.IsBot, "first_name": p.FirstName}
	for name, value := range map[string]string{"last_name": p.LastName, "username": p.Username, "language_code": p.LanguageCode} {
		if value != "" {
			m[name] = value
		}
	}
	return m
}

func (s *Server) chatJSON(c *chat) map[string]any {
	m := map[string]any{"id": c.id, "type": c.kind}
	if c.kind == private {
		u := s.users[c.id]
		m["first_name"] = u.FirstName
		for name, value := range map[string]string{"last_name": u.LastName, "username": u.Username} {
			if value != "" {
				m[name] = value
			}
		}
		return m
	}
	m["title"] = c.group.Title
	if c.group.Username != "" {
		m["username"] = c.group.Username
	}
	if c.group.Forum {
		m["is_forum"] = true
	}
	return m
}

// messageJSON writes a message; the one it replies to is written without its own reply.
func (s *Server) messageJSON(c *chat, m *message, withReply bool) map[string]any {
	j := map[string]any{"message_id": m.ID, "chat": s.chatJSON(c), "date": m.Date.Unix(), "from": s.userJSON(m.From)}
	if m.SenderChat != 0 {
		j["sender_chat"] = s.chatJSON(s.chats[m.SenderChat])
	}
	if !m.EditDate.IsZero() {
		j["edit_date"] = m.EditDate.Unix()
	}
	if m.Topic != 0 {
		j["message_thread_id"] = m.Topic
		j["is_topic_message"] = true
	} else if root := c.thread(m); root != 0 {
		j["message_thread_id"] = root
	}
	if withReply {
		if to := s.repliedJSON(c, m); to != nil {
			j["reply_to_message"] = to
		}
	}
	if m.Protected {
		j["has_protected_content"] = true
	}
	if m.album != "" {
		j["media_group_id"] = m.album
	}
	s.addContent(j, m)
	if len(m.keyboard) > 0 {
		j["reply_markup"] = map[string]any{"inline_keyboard": m.keyboard}
	}
	for name, value := range m.extra {
		j[name] = value
	}
	return j
}

// repliedJSON is the message that m replies to. In a topic what replies to nothing else replies to the message that made the
// topic, which bots must not take for a reply by a person.
func (s *Server) repliedJSON(c *chat, m *message) map[string]any {
	if m.ReplyTo != 0 || m.Topic == 0 || m.Topic == m.ID {
		if to := c.visible(m.ReplyTo); to != nil {
			return s.messageJSON(c, to, false)
		}
		return nil
	}
	if made := c.message(m.Topic); made != nil {
		return s.messageJSON(c, made, false)
	}
	name := ""
	for _, t := range c.group.Topics {
		if t.ID == m.Topic {
			name = t.Name
		}
	}
	made := &message{extra: map[string]any{"forum_topic_created": map[string]any{"name": name, "icon_color": topicColor}}}
	made.Chat, made.ID, made.From, made.Topic, made.Date = c.id, m.Topic, s.owner(c), m.Topic, c.created
	return s.messageJSON(c, made, false)
}

// thread is the id that replies in a supergroup without topics carry: that of the message the chain of replies starts with.
func (c *chat) thread(m *message) int {
	if c.kind != supergroup || m.ReplyTo == 0 {
		return 0
	}
	for {
		to := c.message(m.ReplyTo)
		if m.ReplyTo == 0 || to == nil {
			return m.ID
		}
		m = to
	}
}

// addContent writes the text, or the file with its caption.
func (s *Server) addContent(j map[string]any, m *message) {
	text, entities := "text", "entities"
	if m.Document != nil || m.Photo != nil {
		text, entities = "caption", "caption_entities"
	}
	if m.Text != "" {
		j[text] = m.Text
	}
	if len(m.Entities) > 0 {
		var list []map[string]any
		for _, e := range m.Entities {
			list = append(list, s.entityJSON(e))
		}
		j[entities] = list
	}
	if m.Document != nil {
		j["document"] = s.fileJSON(*m.Document)
	}
	if m.Photo != nil {
		f := s.fileJSON(*m.Photo)
		delete(f, "file_name")
		delete(f, "mime_type")
		f["width"], f["height"] = m.Photo.Width, m.Photo.Height
		j["photo"] = []any{f}
	}
	if m.NoPreview && m.Text != "" && text == "text" {
		j["link_preview_options"] = map[string]any{"is_disabled": true}
	}
}

func (s *Server) fileJSON(f File) map[string]any {
	return map[string]any{
		"file_id": f.ID, "file_unique_id": s.files[f.ID].unique, "file_size": f.Size, "file_name": f.Name, "mime_type": f.MIME,
	}
}

// memberJSON writes a ChatMember, whose fields depend on the status. An administrator of the sandbox has all rights that matter to a bot.
func (s *Server) memberJSON(c *chat, m Member) map[string]any {
	j := map[string]any{"user": s.userJSON(m.User), "status": string(m.Status)}
	switch m.Status {
	case Creator:
		j["is_anonymous"] = m.Anonymous
	case Administrator:
		j["is_anonymous"] = m.Anonymous
		j["can_be_edited"] = false
		for _, right := range rights {
			j[right] = true
		}
		j["can_promote_members"] = false
		if c.kind != supergroup {
			delete(j, "can_manage_topics")
		}
	case Restricted:
		j["is_member"] = !m.Absent
		j["until_date"] = untilDate(m)
		for _, permission := range permissions {
			j[permission] = false
		}
	case Kicked:
		j["until_date"] = untilDate(m)
	}
	if m.Title != "" && (m.Status == Creator || m.Status == Administrator) {
		j["custom_title"] = m.Title
	}
	return j
}

// untilDate is 0 for what lasts forever.
func untilDate(m Member) int64 {
	if m.Until.IsZero() {
		return 0
	}
	return m.Until.Unix()
}

// rights are those of an administrator of a supergroup.
var rights = [...]string{
	"can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members", "can_change_info",
	"can_invite_users", "can_pin_messages", "can_manage_topics", "can_post_stories", "can_edit_stories", "can_delete_stories",
	"can_manage_tags", "can_send_welcome_messages",
}

// permissions are those of a member.
var permissions = [...]string{
	"can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos", "can_send_video_notes",
	"can_send_voice_notes", "can_send_polls", "can_send_other_messages", "can_add_web_page_previews", "can_change_info",
	"can_invite_users", "can_pin_messages", "can_manage_topics", "can_edit_tag", "can_react_to_messages",
}

// Messages returns the messages of a chat, oldest first, deleted ones included.
func (s *Server) Messages(chat int64) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.chatMessages(chat)
}

func (s *Server) chatMessages(chat int64) []Message {
	c := s.chats[chat]
	if c == nil {
		return nil
	}
	all := make([]Message, len(c.messages))
	for i, m := range c.messages {
		all[i] = m.view()
	}
	return all
}

// Message returns one message; ok is false where there never was one.
func (s *Server) Message(chat int64, id int) (m Message, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.chats[chat]; c != nil {
		if found := c.message(id); found != nil {
			return found.view(), true
		}
	}
	return Message{}, false
}

// view copies a message for the caller to keep.
func (m *message) view() Message {
	v := m.Message
	v.Entities = slices.Clone(m.Entities)
	v.Reactions = slices.Clone(m.Reactions)
	v.Buttons = m.keyboard.buttons()
	v.Album = m.album
	if m.Document != nil {
		document := *m.Document
		v.Document = &document
	}
	if m.Photo != nil {
		photo := *m.Photo
		v.Photo = &photo
	}
	if m.ForceReply != nil {
		forced := *m.ForceReply
		v.ForceReply = &forced
	}
	return v
}
