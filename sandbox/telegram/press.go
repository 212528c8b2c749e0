package telegram

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// answerWithin is how long after a press answerCallbackQuery is accepted. Telegram documents no figure; bots report 5 to 15 s.
const answerWithin = 15 * time.Second

// PressOptions say which button is pressed, by its data or by its label.
type PressOptions struct {
	Chat    int64
	Message int
	From    int64
	Data    string // callback_data, or
	Text    string // the button's label: the first that has it
	// Forged sends Data although no button of the message carries it now, as an old client or an attacker can: on any message, be it
	// somebody else's, or deleted. Who does not see the chat can't even do that: strangers press in public groups only.
	Forged bool
}

// Answer is what answerCallbackQuery showed to the person who pressed.
type Answer struct {
	Text  string `json:"text"`
	Alert bool   `json:"show_alert"` // a dialog with an OK button instead of a toast
	URL   string `json:"url,omitempty"`
}

// query is a press that waits for its answer.
type query struct {
	at     time.Time
	answer chan Answer // holds one
}

// Press presses a button and waits for the bot's answerCallbackQuery until ctx is done; the error is ctx's then, and the
// press is with the bot all the same. Other errors: there is no such message or button, or the person does not see the chat. The press of an anonymous
// administrator carries the real person, as in Telegram (github.com/tdlib/telegram-bot-api issue 667).
func (s *Server) Press(ctx context.Context, o PressOptions) (Answer, error) {
	q, err := s.press(o)
	if err != nil {
		return Answer{}, err
	}
	select {
	case a := <-q.answer:
		return a, nil
	case <-ctx.Done():
		return Answer{}, fmt.Errorf("telegram: the bot did not answer the press: %w", context.Cause(ctx))
	case <-s.ctx.Done():
		return Answer{}, errClosed
	}
}

func (s *Server) press(o PressOptions) (*query, error) {
	s.mu.Lock()
	defer s.unlock()
	// Whoever sees the chat may press: in public groups that is everybody.
	c, err := s.speakersChat(o.Chat, o.From)
	if err != nil {
		return nil, err
	}
	m := c.message(o.Message)
	if m == nil || m.Deleted && !o.Forged {
		return nil, fmt.Errorf("telegram: there is no message %d in chat %d", o.Message, o.Chat)
	}
	data, err := m.buttonData(o)
	if err != nil {
		return nil, err
	}
	now := s.o.Now()
	q := &query{at: now, answer: make(chan Answer, 1)}
	id := strconv.FormatInt(s.randomUint(), 10)
	s.queries[id] = q
	body := map[string]any{
		"id": id, "from": s.userJSON(o.From), "chat_instance": strconv.FormatInt(c.id*7919, 10), "data": data,
		"message": s.pressedJSON(c, m),
	}
	if c.kind == private || c.member(s.bot.ID).Inside() {
		s.deliver("callback_query", "user "+strconv.FormatInt(o.From, 10), body, now.Add(keepQuery))
	}
	s.forgetQueries(now)
	return q, nil
}

// pressedJSON is the message of a callback query; what was deleted is an InaccessibleMessage.
func (s *Server) pressedJSON(c *chat, m *message) map[string]any {
	if m.Deleted {
		return map[string]any{"chat": s.chatJSON(c), "message_id": m.ID, "date": 0}
	}
	return s.messageJSON(c, m, true)
}

// buttonData finds the button that is meant.
func (m *message) buttonData(o PressOptions) (string, error) {
	if o.Forged {
		return o.Data, nil
	}
	var there []string
	for _, row := range m.keyboard.buttons() {
		for _, b := range row {
			if b.Data == "" {
				continue
			}
			if o.Data != "" && b.Data == o.Data || o.Data == "" && b.Text == o.Text {
				return b.Data, nil
			}
			there = append(there, strconv.Quote(b.Text))
		}
	}
	return "", fmt.Errorf("telegram: message %d has no button %q; it has %s", m.ID, o.Text+o.Data,
		cmp.Or(strings.Join(there, ", "), "none"))
}

// forgetQueries drops presses that can't be answered any more.
func (s *Server) forgetQueries(now time.Time) {
	for id, q := range s.queries {
		if now.Sub(q.at) > keepQuery+answerWithin {
			delete(s.queries, id)
		}
	}
}

func (s *Server) answerCallbackQuery(r *request) (any, *apiError) {
	text := r.str("text")
	if utf16Len(text) > maxToast {
		return nil, malformed("MESSAGE_TOO_LONG")
	}
	q := s.queries[r.str("callback_query_id")]
	delete(s.queries, r.str("callback_query_id"))
	if q == nil || s.o.Now().Sub(q.at) > answerWithin {
		return nil, badRequest("query is too old and response timeout expired or query ID is invalid")
	}
	if address := r.str("url"); address != "" {
		// Only the address of a game or of the bot itself may be opened.
		if !strings.HasPrefix(address, "https://t.me/"+s.bot.Username+"?start=") && !strings.HasPrefix(address, "t.me/"+s.bot.Username+"?start=") {
			return nil, badRequest("URL_INVALID")
		}
	}
	q.answer <- Answer{Text: text, Alert: r.bool("show_alert"), URL: r.str("url")}
	return true, nil
}

// WaitFor waits until the messages of a chat are as the caller wants them, or ctx is done; the error then is ctx's with a
// description of the last messages.
func (s *Server) WaitFor(ctx context.Context, chat int64, ok func([]Message) bool) error {
	for {
		s.mu.Lock()
		now, changed := s.chatMessages(chat), s.changed
		s.mu.Unlock()
		if ok(now) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("telegram: waiting in chat %d: %w; the last messages are:%s", chat, context.Cause(ctx), summary(now))
		case <-s.ctx.Done():
			return errClosed
		}
	}
}

// summary shows the last messages in an error.
func summary(all []Message) string {
	const most = 5
	var b strings.Builder
	for _, m := range all[max(0, len(all)-most):] {
		fmt.Fprintf(&b, "\n  %d %s: %q", m.ID, m.Sender, cmp.Or(m.Text, m.Service))
		for _, row := range m.Buttons {
			for _, button := range row {
				fmt.Fprintf(&b, " [%s]", button.Text)
			}
		}
	}
	return cmp.Or(b.String(), " none")
}

// randomUint returns 62 random bits as a positive number.
func (s *Server) randomUint() int64 {
	var b [8]byte
	s.random(b[:])
	n := int64(0)
	for _, c := range b {
		n = n<<8 | int64(c)
	}
	return n & (1<<62 - 1)
}
