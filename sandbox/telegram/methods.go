package telegram

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// method is a method that the sandbox carries out, and the parameters it carries out.
type method struct {
	do     func(*Server, *request) (any, *apiError)
	params []string
}

func (m method) takes(name string) bool {
	return slices.Contains(m.params, name)
}

// with makes a method of a function and lists of parameters, each separated by spaces.
func with(do func(*Server, *request) (any, *apiError), params ...string) method {
	return method{do, strings.Fields(strings.Join(params, " "))}
}

// Parameters that several methods share.
const (
	toSend  = "chat_id message_thread_id disable_notification protect_content reply_parameters reply_to_message_id"
	caption = "caption parse_mode caption_entities"
	toEdit  = "chat_id message_id reply_markup"
)

// methodTable lists what the sandbox carries out, besides getUpdates.
func methodTable() map[string]method {
	return map[string]method{
		"getMe":                  with((*Server).getMe),
		"setWebhook":             with((*Server).setWebhook, "url certificate ip_address max_connections allowed_updates drop_pending_updates secret_token"),
		"deleteWebhook":          with((*Server).deleteWebhook, "drop_pending_updates"),
		"getWebhookInfo":         with((*Server).getWebhookInfo),
		"sendMessage":            with((*Server).sendMessage, toSend, "text parse_mode entities link_preview_options reply_markup"),
		"sendDocument":           with((*Server).sendDocument, toSend, caption, "document disable_content_type_detection reply_markup"),
		"sendPhoto":              with((*Server).sendPhoto, toSend, caption, "photo show_caption_above_media has_spoiler reply_markup"),
		"sendMediaGroup":         with((*Server).sendMediaGroup, toSend, "media"),
		"sendChatAction":         with((*Server).sendChatAction, "chat_id message_thread_id action"),
		"editMessageText":        with((*Server).editMessageText, toEdit, "text parse_mode entities link_preview_options"),
		"editMessageCaption":     with((*Server).editMessageCaption, toEdit, caption, "show_caption_above_media"),
		"editMessageMedia":       with((*Server).editMessageMedia, toEdit, "media"),
		"editMessageReplyMarkup": with((*Server).editMessageReplyMarkup, toEdit),
		"deleteMessage":          with((*Server).deleteMessage, "chat_id message_id"),
		"deleteMessages":         with((*Server).deleteMessages, "chat_id message_ids"),
		"setMessageReaction":     with((*Server).setMessageReaction, "chat_id message_id reaction is_big"),
		"pinChatMessage":         with((*Server).pinChatMessage, "chat_id message_id disable_notification"),
		"unpinChatMessage":       with((*Server).unpinChatMessage, "chat_id message_id"),
		"unpinAllChatMessages":   with((*Server).unpinAllChatMessages, "chat_id"),
		"answerCallbackQuery":    with((*Server).answerCallbackQuery, "callback_query_id text show_alert url cache_time"),
		"setMyCommands":          with((*Server).setMyCommands, "commands scope language_code"),
		"getMyCommands":          with((*Server).getMyCommands, "scope language_code"),
		"deleteMyCommands":       with((*Server).deleteMyCommands, "scope language_code"),
		"getChat":                with((*Server).getChat, "chat_id"),
		"getChatMember":          with((*Server).getChatMember, "chat_id user_id"),
		"getChatMemberCount":     with((*Server).getChatMemberCount, "chat_id"),
		"getChatAdministrators":  with((*Server).getChatAdministrators, "chat_id return_bots"),
		"leaveChat":              with((*Server).leaveChat, "chat_id"),
		"createForumTopic":       with((*Server).createForumTopic, "chat_id name icon_color"),
		"getFile":                with((*Server).getFile, "file_id"),
	}
}

func (s *Server) getMe(*request) (any, *apiError) {
	me := s.userJSON(s.bot.ID)
	me["can_join_groups"] = true
	me["can_read_all_group_messages"] = s.o.ReadsAll
	for _, name := range []string{
		"supports_inline_queries", "supports_guest_queries", "can_connect_to_business", "has_main_web_app", "has_topics_enabled",
		"allows_users_to_create_topics", "can_manage_bots",
	} {
		me[name] = false
	}
	return me, nil
}

// draft is a message that the bot wants to send, checked as far as that goes without sending it.
type draft struct {
	c        *chat
	topic    int
	replyTo  int
	keyboard keyboard
	forced   *ForceReply
	silent   bool
	protect  bool
}

// startDraft reads what all methods that send have in common.
func (s *Server) startDraft(r *request) (d draft, failed *apiError) {
	k, ok := readKeyboard(r.str("reply_markup"))
	d.forced = readForced(r.str("reply_markup"))
	switch {
	case !ok && d.forced == nil:
		return d, malformed("the sandbox carries out inline keyboards and forced replies only")
	case d.forced != nil && utf16Len(d.forced.Placeholder) > maxPlaceholder:
		return d, malformed("the placeholder of a forced reply is too long")
	}
	if d.c, failed = s.chatOf(r.str("chat_id"), write); failed != nil {
		return d, failed
	}
	if d.topic, failed = s.topicOf(d.c, r); failed != nil {
		return d, failed
	}
	if d.replyTo, failed = s.replyOf(d.c, d.topic, r); failed != nil {
		return d, failed
	}
	if d.topic == 0 && d.replyTo != 0 {
		d.topic = d.c.message(d.replyTo).Topic // a reply stays in the topic of what it answers
	}
	d.keyboard, d.silent, d.protect = k, r.bool("disable_notification"), r.bool("protect_content")
	return d, nil
}

// replyOf reads reply_parameters, or the older reply_to_message_id.
func (s *Server) replyOf(c *chat, topic int, r *request) (int, *apiError) {
	p := struct {
		MessageID int             `json:"message_id"`
		ChatID    json.RawMessage `json:"chat_id"`
		Anyway    bool            `json:"allow_sending_without_reply"`
		Quote     string          `json:"quote"`
	}{MessageID: int(r.int("reply_to_message_id"))}
	if failed := r.object("reply_parameters", &p); failed != nil {
		return 0, failed
	}
	if p.Quote != "" || p.ChatID != nil && s.findChat(strings.Trim(string(p.ChatID), `"`)) != c {
		return 0, malformed("the sandbox does not carry out quotes and replies to other chats")
	}
	if p.MessageID == 0 {
		return 0, nil
	}
	to := c.visible(p.MessageID)
	if to == nil || topic != 0 && to.Topic != topic {
		if p.Anyway {
			return 0, nil
		}
		return 0, badRequest("message to be replied not found")
	}
	return p.MessageID, nil
}

// checkRate counts n messages against the rate limits.
func (s *Server) checkRate(c *chat, n int) *apiError {
	if s.o.Unlimited {
		return nil
	}
	if after := s.limits.send(s.o.Now(), c, n); after > 0 {
		return tooMany(after)
	}
	return nil
}

// finish makes the message of a draft; fill puts the content in.
func (s *Server) finish(d draft, fill func(*message)) *message {
	m := s.newMessage(d.c, s.bot.ID)
	m.Topic, m.ReplyTo, m.keyboard, m.ForceReply, m.Silent, m.Protected = d.topic, d.replyTo, d.keyboard, d.forced, d.silent, d.protect
	fill(m)
	d.c.actionTill = time.Time{}
	s.publish(d.c, m)
	return m
}

// textOf reads a text or caption with its formatting.
func (s *Server) textOf(text, mode string, entities []json.RawMessage, most int) (formatted, *apiError) {
	given := make([]Entity, len(entities))
	for i, raw := range entities {
		e := struct {
			*Entity
			User *User `json:"user"`
		}{Entity: &given[i]}
		if err := json.Unmarshal(raw, &e); err != nil {
			return formatted{}, malformed("can't parse MessageEntity: " + err.Error())
		}
		if e.User != nil {
			given[i].User = e.User.ID
		}
	}
	f, failed := format(text, mode, given, s.knows)
	if failed != nil {
		return f, failed
	}
	if utf16Len(f.text) <= most {
		return f, nil
	}
	if most == maxText {
		return f, malformed("message is too long")
	}
	return f, malformed("message caption is too long")
}

func (s *Server) sendMessage(r *request) (any, *apiError) {
	f, preview, failed := s.messageText(r)
	if failed != nil {
		return nil, failed
	}
	d, failed := s.startDraft(r)
	if failed != nil {
		return nil, failed
	}
	if failed := s.checkRate(d.c, 1); failed != nil {
		return nil, failed
	}
	m := s.finish(d, func(m *message) { m.Text, m.Entities, m.NoPreview = f.text, f.entities, !preview })
	return s.messageJSON(d.c, m, true), nil
}

// messageText reads what sendMessage and editMessageText have in common.
func (s *Server) messageText(r *request) (f formatted, preview bool, failed *apiError) {
	var entities []json.RawMessage
	var link struct {
		Disabled bool `json:"is_disabled"`
	}
	if failed = r.object("entities", &entities); failed != nil {
		return f, false, failed
	}
	if failed = r.object("link_preview_options", &link); failed != nil {
		return f, false, failed
	}
	if f, failed = s.textOf(r.str("text"), r.str("parse_mode"), entities, maxText); failed != nil {
		return f, false, failed
	}
	switch {
	case r.str("text") == "":
		return f, false, malformed("message text is empty")
	case f.text == "":
		return f, false, malformed("text must be non-empty")
	}
	return f, !link.Disabled, nil
}

func (s *Server) sendChatAction(r *request) (any, *apiError) {
	c, failed := s.chatOf(r.str("chat_id"), write)
	if failed != nil {
		return nil, failed
	}
	// Unlike a message, an action may name the General topic.
	if r.int("message_thread_id") != generalTopic {
		if _, failed := s.topicOf(c, r); failed != nil {
			return nil, failed
		}
	}
	c.action, c.actionTill = r.str("action"), s.o.Now().Add(typingLasts)
	s.notify()
	return true, nil
}

// editable finds the bot's own message that an edit means.
func (s *Server) editable(r *request) (*chat, *message, keyboard, *apiError) {
	if !r.has("chat_id") && !r.has("message_id") {
		return nil, nil, nil, malformed("message identifier is not specified")
	}
	if !r.has("chat_id") {
		return nil, nil, nil, malformed("chat_id is empty")
	}
	k, ok := readKeyboard(r.str("reply_markup"))
	if !ok {
		return nil, nil, nil, malformed("inline keyboard expected")
	}
	c, failed := s.chatOf(r.str("chat_id"), edit)
	if failed != nil {
		return nil, nil, nil, failed
	}
	m := c.visible(int(r.int("message_id")))
	switch {
	case m == nil || c.migratedTo != 0:
		return nil, nil, nil, badRequest("message to edit not found")
	case m.From != s.bot.ID || m.Service != "" || m.ForceReply != nil: // only what has an inline keyboard, or none, can be edited
		return nil, nil, nil, badRequest("message can't be edited")
	}
	if !s.o.Unlimited {
		if after := s.limits.edit(s.o.Now(), c); after > 0 {
			return nil, nil, nil, tooMany(after)
		}
	}
	return c, m, k, nil
}

const notModified = "message is not modified: specified new message content and reply markup are exactly the same as a current " +
	"content and reply markup of the message"

// change carries an edit out, unless it would change nothing. A keyboard that isn't given again is gone.
func (s *Server) change(c *chat, m *message, k keyboard, edited Message) (any, *apiError) {
	if sameContent(m.Message, edited) && sameKeyboard(m.keyboard, k) {
		return nil, badRequest(notModified)
	}
	edited.Edits++
	edited.EditDate = s.o.Now().Truncate(time.Second)
	m.Message, m.keyboard = edited, k
	s.touch(m)
	s.notify()
	return s.messageJSON(c, m, true), nil
}

func sameContent(a, b Message) bool {
	same := a.Text == b.Text && slices.Equal(a.Entities, b.Entities) && a.NoPreview == b.NoPreview
	return same && sameFile(a.Document, b.Document) && sameFile(a.Photo, b.Photo)
}

func sameFile(a, b *File) bool { return a == b || a != nil && b != nil && *a == *b }

func sameKeyboard(a, b keyboard) bool {
	return slices.EqualFunc(a, b, func(x, y []json.RawMessage) bool {
		return slices.EqualFunc(x, y, func(p, q json.RawMessage) bool { return string(p) == string(q) })
	})
}

func (s *Server) editMessageText(r *request) (any, *apiError) {
	f, preview, failed := s.messageText(r)
	if failed != nil {
		return nil, failed
	}
	c, m, k, failed := s.editable(r)
	if failed != nil {
		return nil, failed
	}
	if m.Document != nil || m.Photo != nil {
		return nil, badRequest("there is no text in the message to edit")
	}
	edited := m.Message
	edited.Text, edited.Entities, edited.NoPreview = f.text, f.entities, !preview
	return s.change(c, m, k, edited)
}

func (s *Server) editMessageCaption(r *request) (any, *apiError) {
	f, failed := s.captionOf(r)
	if failed != nil {
		return nil, failed
	}
	c, m, k, failed := s.editable(r)
	if failed != nil {
		return nil, failed
	}
	if m.Document == nil && m.Photo == nil {
		return nil, badRequest("there is no caption in the message to edit")
	}
	edited := m.Message
	edited.Text, edited.Entities = f.text, f.entities
	return s.change(c, m, k, edited)
}

func (s *Server) captionOf(r *request) (formatted, *apiError) {
	var entities []json.RawMessage
	if failed := r.object("caption_entities", &entities); failed != nil {
		return formatted{}, failed
	}
	return s.textOf(r.str("caption"), r.str("parse_mode"), entities, maxCaption)
}

func (s *Server) editMessageReplyMarkup(r *request) (any, *apiError) {
	c, m, k, failed := s.editable(r)
	if failed != nil {
		return nil, failed
	}
	return s.change(c, m, k, m.Message)
}
