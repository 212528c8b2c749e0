package bot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// The types here hold what is needed of an update and nothing else. The
// library's types decode everything, and fail on a reaction, a forward origin or
// a kind of member that is newer than the library: one such message in the
// quote of a command would make the command unreadable.

type wireUpdate struct {
	ID            int64         `json:"update_id"`
	Message       *wireMessage  `json:"message"`
	EditedMessage *wireMessage  `json:"edited_message"`
	CallbackQuery *wireCallback `json:"callback_query"`
	MyChatMember  *wireMember   `json:"my_chat_member"`
}

type wireUser struct {
	ID        int64  `json:"id"`
	IsBot     bool   `json:"is_bot"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Username  string `json:"username"`
}

type wireChat struct {
	ID    int64  `json:"id"`
	Type  string `json:"type"`
	Title string `json:"title"`
}

type wireEntity struct {
	Type   string            `json:"type"`
	Offset int               `json:"offset"`
	Length int               `json:"length"`
	User   lenient[wireUser] `json:"user"` // of a text_mention
}

// wireQuote is what is needed of the message that a message answers.
type wireQuote struct {
	ID           int       `json:"message_id"`
	From         *wireUser `json:"from"`
	SenderChat   presence  `json:"sender_chat"`
	TopicCreated presence  `json:"forum_topic_created"`
}

// lenient is what can be done without: nil where it is missing or is not what was
// expected, so that it makes nothing else unreadable.
type lenient[T any] struct{ value *T }

// UnmarshalJSON never fails.
func (l *lenient[T]) UnmarshalJSON(b []byte) error {
	v := new(T)
	if json.Unmarshal(b, v) == nil && !bytes.Equal(b, []byte("null")) {
		l.value = v
	}
	return nil
}

type wireMessage struct {
	ID                 int          `json:"message_id"`
	Thread             int          `json:"message_thread_id"`
	IsTopicMessage     bool         `json:"is_topic_message"`
	From               *wireUser    `json:"from"`
	SenderChat         *wireChat    `json:"sender_chat"`
	Date               int64        `json:"date"`
	Chat               wireChat     `json:"chat"`
	Text               string       `json:"text"`
	Entities           []wireEntity `json:"entities"`
	ForwardOrigin      presence     `json:"forward_origin"`
	ForwardDate        presence     `json:"forward_date"`
	IsAutomaticForward bool         `json:"is_automatic_forward"`
	ViaBot             presence     `json:"via_bot"`
	SenderBusinessBot  presence     `json:"sender_business_bot"`
	BusinessConnection string       `json:"business_connection_id"`
	IsFromOffline      bool         `json:"is_from_offline"`
	GuestQuery         string       `json:"guest_query_id"`
	MigratedTo         int64        `json:"migrate_to_chat_id"`
	MigratedFrom       int64        `json:"migrate_from_chat_id"`
	Markup             wireMarkup   `json:"reply_markup"`

	ReplyTo lenient[wireQuote] `json:"reply_to_message"`
}

type wireMarkup struct {
	Rows [][]struct {
		Data string `json:"callback_data"`
	} `json:"inline_keyboard"`
}

// holds tells whether a button there really has this data: a client can send
// any data for any message.
func (m wireMarkup) holds(data string) bool {
	for _, row := range m.Rows {
		for _, b := range row {
			if b.Data == data {
				return true
			}
		}
	}
	return false
}

type wireCallback struct {
	ID      string       `json:"id"`
	From    wireUser     `json:"from"`
	Message *wireMessage `json:"message"` // date 0 when it is no longer accessible
	Data    string       `json:"data"`
}

type wireMember struct {
	Chat wireChat `json:"chat"`
	From wireUser `json:"from"`
	Old  struct {
		Status string `json:"status"`
	} `json:"old_chat_member"`
	New struct {
		Status string `json:"status"`
	} `json:"new_chat_member"`
}

// presence is true for a field that is there, whatever it holds.
type presence bool

// UnmarshalJSON never fails.
func (p *presence) UnmarshalJSON(b []byte) error {
	*p = presence(!bytes.Equal(b, []byte("null")) && !bytes.Equal(b, []byte("false")))
	return nil
}

// updateID reads nothing but the id.
func updateID(raw []byte) (int64, error) {
	var u struct {
		ID *json.Number `json:"update_id"`
	}
	if err := json.Unmarshal(raw, &u); err != nil {
		return 0, err
	}
	if u.ID == nil {
		return 0, errors.New("no update_id")
	}
	id, err := strconv.ParseInt(u.ID.String(), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("update_id: %w", err)
	}
	return id, nil
}

// chat is the chat whose queue an update belongs to, 0 for those of no chat or
// that cannot be decoded.
func (u wireUpdate) chat() int64 {
	switch {
	case u.Message != nil:
		return u.Message.Chat.ID
	case u.EditedMessage != nil:
		return u.EditedMessage.Chat.ID
	case u.CallbackQuery != nil && u.CallbackQuery.Message != nil:
		return u.CallbackQuery.Message.Chat.ID
	case u.MyChatMember != nil:
		return u.MyChatMember.Chat.ID
	}
	return 0
}

func (m *wireMessage) place() Place {
	p := Place{Chat: m.Chat.ID}
	if m.IsTopicMessage {
		p.Topic = m.Thread
	}
	return p
}

// answered is the message that this one answers. In a forum every message
// carries the beginning of its topic, which nobody answered.
func (m *wireMessage) answered() (wireQuote, bool) {
	q := m.ReplyTo.value
	if q == nil || q.ID == 0 || bool(q.TopicCreated) || m.IsTopicMessage && q.ID == m.Thread {
		return wireQuote{}, false
	}
	return *q, true
}

// repliesTo is the person whose message this one answers.
func (m *wireMessage) repliesTo() *Person {
	q, ok := m.answered()
	if !ok || q.From == nil || q.From.ID == 0 || q.From.IsBot || bool(q.SenderChat) {
		return nil
	}
	p := person(q.From)
	return &p
}

func (m *wireMessage) sent() time.Time { return time.Unix(m.Date, 0).UTC() }

// person turns a user into what handlers see.
func person(u *wireUser) Person {
	if u == nil {
		return Person{Name: "somebody"}
	}
	name := clean(u.FirstName + " " + u.LastName)
	if name == "" {
		name = clean(u.Username)
	}
	if name == "" {
		name = "user " + strconv.FormatInt(u.ID, 10)
	}
	return Person{ID: u.ID, Name: name, Username: clean(u.Username)}
}

// irregular says how a message is not one that a person typed here just now. The
// first that applies is told; several can.
func (m *wireMessage) irregular(edited bool) Irregular {
	switch {
	case m.GuestQuery != "":
		return Guest
	case m.BusinessConnection != "" || bool(m.SenderBusinessBot):
		return Business
	case m.IsAutomaticForward:
		return AutomaticForward
	case bool(m.ForwardOrigin) || bool(m.ForwardDate):
		return Forwarded
	case edited:
		return Edited
	case m.IsFromOffline:
		return Scheduled
	case m.SenderChat != nil && m.SenderChat.ID == m.Chat.ID:
		return Anonymous
	case m.SenderChat != nil:
		return Channel
	case bool(m.ViaBot):
		return ViaBot
	case m.From == nil || m.From.IsBot:
		return FromBot
	}
	return Regular
}
