package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	tg "github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"
)

// client calls the Bot API. Every error it returns is an *Error.
type client struct {
	tg        *tg.Bot
	transport *transport
	base      string // URL before the method's name; holds the token
}

func newClient(o Options, l *limits) (*client, error) {
	t := newTransport(o, l)
	api, err := tg.New(o.Token,
		tg.WithServerURL(o.APIURL),
		tg.WithHTTPClient(o.PollTimeout, t),
		tg.WithSkipGetMe(),
		tg.WithNotAsyncHandlers(),
		// The library's own default prints to the process's log.
		tg.WithErrorsHandler(func(err error) { o.Log.Warn("telegram client", "error", t.redact(err.Error())) }),
	)
	if err != nil {
		return nil, errors.New("bot: " + t.redact(err.Error()))
	}
	return &client{tg: api, transport: t, base: o.APIURL + "/bot" + o.Token + "/"}, nil
}

// plain takes the *Error out of the library's wrapping.
func (c *client) plain(method string, err error) error {
	var e *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return e
	}
	return c.transport.noReply(method, err)
}

// call makes a request that the library lacks or decodes too strictly.
func (c *client) call(ctx context.Context, method string, params, result any) error {
	body, err := json.Marshal(params)
	if err != nil {
		return c.transport.noReply(method, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+method, bytes.NewReader(body))
	if err != nil {
		return c.transport.noReply(method, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.transport.Do(req)
	if err != nil {
		return err
	}
	var e envelope
	err = json.NewDecoder(resp.Body).Decode(&e)
	if err == nil {
		err = json.Unmarshal(e.Result, result)
	}
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return &Error{Method: method, Code: resp.StatusCode, Description: "unexpected result: " + err.Error(), kind: ErrUnavailable}
	}
	return nil
}

// post is one message as it goes out: rendered, with tokens in its buttons.
type post struct {
	place    Place
	message  int // the message to edit
	replyTo  int
	html     string
	keyboard keyboard
	silent   bool
	name     string // of the file or picture; "" for a text
	photo    bool   // it is a picture
	content  []byte // nil for an edit that leaves it as it is
}

// keyboard is Telegram's InlineKeyboardMarkup. The library's own type puts an
// empty copy_text on every button, which Telegram calls invalid in some of them.
type keyboard struct {
	Rows [][]keyboardButton `json:"inline_keyboard"`
}

type keyboardButton struct {
	Text  string    `json:"text"`
	Style string    `json:"style,omitempty"`
	Data  string    `json:"callback_data,omitempty"`
	URL   string    `json:"url,omitempty"`
	Copy  *copyText `json:"copy_text,omitempty"`
}

type copyText struct {
	Text string `json:"text"`
}

// markup is nil rather than an empty keyboard or a typed nil: Telegram refuses
// "null", and no keyboard takes an edited message's buttons away.
func (k keyboard) markup() models.ReplyMarkup {
	if len(k.Rows) == 0 {
		return nil
	}
	return k
}

func noPreview() *models.LinkPreviewOptions {
	return &models.LinkPreviewOptions{IsDisabled: tg.True()}
}

func reply(to int) *models.ReplyParameters {
	if to == 0 {
		return nil
	}
	return &models.ReplyParameters{MessageID: to, AllowSendingWithoutReply: true}
}

// general is the topic that exists in every forum and is addressed by leaving
// the topic out.
const general = 1

func thread(p Place) int {
	if p.Topic == general {
		return 0
	}
	return p.Topic
}

// send posts a new message and returns its id. It is not repeated: when no reply
// comes, the message may be there or not.
func (c *client) send(ctx context.Context, p post) (int, error) {
	id, err := c.sendAs(ctx, p, models.ParseModeHTML)
	if unparsed(err) {
		p.html = plainText(p.html)
		id, err = c.sendAs(ctx, p, "")
	}
	return id, err
}

// unparsed tells of a text whose markup the server does not take. One that a team
// runs itself may be older than a tag that is used here; what people have to read
// then goes out without any markup, rather than not at all. Nothing was sent.
func unparsed(err error) bool {
	var e *Error
	return errors.As(err, &e) && errors.Is(e, ErrRefused) && strings.Contains(strings.ToLower(e.Description), "can't parse entities")
}

func (c *client) sendAs(ctx context.Context, p post, mode models.ParseMode) (int, error) {
	if p.photo {
		m, err := c.tg.SendPhoto(ctx, &tg.SendPhotoParams{
			ChatID: p.place.Chat, MessageThreadID: thread(p.place), Caption: p.html, ParseMode: mode,
			Photo:               &models.InputFileUpload{Filename: p.name, Data: bytes.NewReader(p.content)},
			DisableNotification: p.silent, ReplyParameters: reply(p.replyTo), ReplyMarkup: p.keyboard.markup(),
		})
		return messageID(m), c.plain("sendPhoto", err)
	}
	if p.name != "" {
		m, err := c.tg.SendDocument(ctx, &tg.SendDocumentParams{
			ChatID: p.place.Chat, MessageThreadID: thread(p.place), Caption: p.html, ParseMode: mode,
			Document:            &models.InputFileUpload{Filename: p.name, Data: bytes.NewReader(p.content)},
			DisableNotification: p.silent, ReplyParameters: reply(p.replyTo), ReplyMarkup: p.keyboard.markup(),
		})
		return messageID(m), c.plain("sendDocument", err)
	}
	m, err := c.tg.SendMessage(ctx, &tg.SendMessageParams{
		ChatID: p.place.Chat, MessageThreadID: thread(p.place), Text: p.html, ParseMode: mode,
		LinkPreviewOptions: noPreview(), DisableNotification: p.silent, ReplyParameters: reply(p.replyTo), ReplyMarkup: p.keyboard.markup(),
	})
	return messageID(m), c.plain("sendMessage", err)
}

func messageID(m *models.Message) int {
	if m == nil {
		return 0
	}
	return m.ID
}

// edit changes text and buttons of a message, or a file's caption and buttons, or
// a picture with both where it has new content.
func (c *client) edit(ctx context.Context, p post) error {
	err := c.editAs(ctx, p, models.ParseModeHTML)
	if unparsed(err) {
		p.html = plainText(p.html)
		err = c.editAs(ctx, p, "")
	}
	return unlessNotModified(err)
}

func (c *client) editAs(ctx context.Context, p post, mode models.ParseMode) error {
	if p.photo && p.content != nil {
		return c.editMedia(ctx, p, mode)
	}
	if p.name != "" {
		_, err := c.tg.EditMessageCaption(ctx, &tg.EditMessageCaptionParams{
			ChatID: p.place.Chat, MessageID: p.message, Caption: p.html, ParseMode: mode, ReplyMarkup: p.keyboard.markup(),
		})
		return c.plain("editMessageCaption", err)
	}
	_, err := c.tg.EditMessageText(ctx, &tg.EditMessageTextParams{
		ChatID: p.place.Chat, MessageID: p.message, Text: p.html, ParseMode: mode,
		LinkPreviewOptions: noPreview(), ReplyMarkup: p.keyboard.markup(),
	})
	return c.plain("editMessageText", err)
}

// editMedia puts another picture into a message. The upload is a part of the
// request whose name is free.
func (c *client) editMedia(ctx context.Context, p post, mode models.ParseMode) error {
	_, err := c.tg.EditMessageMedia(ctx, &tg.EditMessageMediaParams{
		ChatID: p.place.Chat, MessageID: p.message, ReplyMarkup: p.keyboard.markup(),
		Media: &models.InputMediaPhoto{Media: "attach://picture.png", Caption: p.html, ParseMode: mode, MediaAttachment: bytes.NewReader(p.content)},
	})
	return c.plain("editMessageMedia", err)
}

// strip takes a message's buttons away.
func (c *client) strip(ctx context.Context, m MessageRef) error {
	_, err := c.tg.EditMessageReplyMarkup(ctx, &tg.EditMessageReplyMarkupParams{ChatID: m.Chat, MessageID: m.Message})
	return unlessNotModified(c.plain("editMessageReplyMarkup", err))
}

func unlessNotModified(err error) error {
	if errors.Is(err, ErrNotModified) {
		return nil
	}
	return err
}

// answer shows a toast to whoever pressed. Too late is as good as done.
func (c *client) answer(ctx context.Context, query string, t Toast) error {
	_, err := c.tg.AnswerCallbackQuery(ctx, &tg.AnswerCallbackQueryParams{
		CallbackQueryID: query, Text: truncate(t.Text, mostToast), ShowAlert: t.Alert,
	})
	if err = c.plain(answerMethod, err); errors.Is(err, ErrQueryTooOld) {
		return nil
	}
	return err
}

// setMenu sets the command menu.
func (c *client) setMenu(ctx context.Context, menu []MenuCommand) error {
	commands := make([]models.BotCommand, len(menu))
	for i, m := range menu {
		commands[i] = models.BotCommand{Command: m.Name, Description: m.Description}
	}
	_, err := c.tg.SetMyCommands(ctx, &tg.SetMyCommandsParams{Commands: commands})
	return c.plain("setMyCommands", err)
}

// self is getMe, cut down.
type self struct {
	ID        int64  `json:"id"`
	FirstName string `json:"first_name"`
	Username  string `json:"username"`
	ReadsAll  bool   `json:"can_read_all_group_messages"`
}

func (c *client) me(ctx context.Context) (self, error) {
	var s self
	err := c.call(ctx, "getMe", struct{}{}, &s)
	return s, err
}
