package telegram_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"towline/sandbox/telegram"
)

// newClient is an unmodified go-telegram/bot that talks to the server.
func newClient(w *world, options ...bot.Option) *bot.Bot {
	w.t.Helper()
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	b, err := bot.New(token, append([]bot.Option{
		bot.WithServerURL(w.url), bot.WithHTTPClient(3*time.Second, web), bot.WithNotAsyncHandlers(),
	}, options...)...)
	w.must(err)
	return b
}

func lenient(o *telegram.Options) { o.EmptyCopyText = true }

func keyboard(data string) *models.InlineKeyboardMarkup {
	return &models.InlineKeyboardMarkup{InlineKeyboard: [][]models.InlineKeyboardButton{{
		{Text: "Approve", CallbackData: data, Style: "success"}, {Text: "Log", URL: "https://example.com/log"},
	}}}
}

func TestTheLibrarySendsEditsAndDeletes(t *testing.T) {
	w := newWorld(t, lenient)
	b, ctx := newClient(w), t.Context()
	sent, err := b.SendMessage(ctx, &bot.SendMessageParams{
		ChatID: int64(chat), Text: "<b>Deploying</b>", ParseMode: models.ParseModeHTML, DisableNotification: true, ReplyMarkup: keyboard("a1"),
	})
	w.must(err)
	m, _ := w.Message(chat, sent.ID)
	if m.Text != "Deploying" || !m.Silent || len(m.Entities) != 1 || m.Buttons[0][0] != (telegram.Button{Text: "Approve", Data: "a1", Style: "success"}) ||
		m.Buttons[0][1].URL != "https://example.com/log" {
		t.Errorf("message %+v", m)
	}
	if sent.ReplyMarkup.InlineKeyboard[0][0].CallbackData != "a1" || sent.Text != "Deploying" || sent.Chat.Type != "supergroup" {
		t.Errorf("sent %+v", sent)
	}
	_, err = b.EditMessageText(ctx, &bot.EditMessageTextParams{ChatID: int64(chat), MessageID: sent.ID, Text: "Done"})
	w.must(err)
	if m, _ = w.Message(chat, sent.ID); m.Text != "Done" || m.Buttons != nil || m.Edits != 1 || m.EditDate.IsZero() {
		t.Errorf("an edit without reply_markup left %+v", m)
	}
	_, err = b.DeleteMessage(ctx, &bot.DeleteMessageParams{ChatID: int64(chat), MessageID: sent.ID})
	w.must(err)
	if m, _ = w.Message(chat, sent.ID); !m.Deleted {
		t.Error("the message is not deleted")
	}
	w.clean()
}

func TestTheLibrarysKeyboardIsRefusedUnlessItIsAllowed(t *testing.T) {
	w := newWorld(t)
	_, err := newClient(w).SendMessage(t.Context(), &bot.SendMessageParams{ChatID: int64(chat), Text: "x", ReplyMarkup: keyboard("a1")})
	if !errors.Is(err, bot.ErrorBadRequest) || len(w.Violations()) != 1 {
		t.Errorf("error %v, violations %q", err, w.Violations())
	}
}

func TestTheLibrarysTypedNilIsRefused(t *testing.T) {
	w := newWorld(t)
	var none *models.InlineKeyboardMarkup
	_, err := newClient(w).SendMessage(t.Context(), &bot.SendMessageParams{ChatID: int64(chat), Text: "x", ReplyMarkup: none})
	if err == nil || !strings.Contains(err.Error(), "object expected as reply markup") {
		t.Errorf("error %v", err)
	}
}

func TestTheLibraryUploadsAndDownloadsADocument(t *testing.T) {
	w := newWorld(t)
	b, ctx := newClient(w), t.Context()
	sql := []byte("CREATE TABLE orders (id INTEGER PRIMARY KEY);\n")
	sent, err := b.SendDocument(ctx, &bot.SendDocumentParams{
		ChatID: int64(chat), Caption: "The SQL", Document: &models.InputFileUpload{Filename: "0001_orders.sql", Data: bytes.NewReader(sql)},
	})
	w.must(err)
	m, _ := w.Message(chat, sent.ID)
	if m.Document == nil || m.Document.Name != "0001_orders.sql" || m.Document.Size != len(sql) || m.Text != "The SQL" {
		t.Fatalf("message %+v", m)
	}
	if name, content, ok := w.Document(sent.Document.FileID); !ok || name != "0001_orders.sql" || !bytes.Equal(content, sql) {
		t.Errorf("document %q %q %v", name, content, ok)
	}
	f, err := b.GetFile(ctx, &bot.GetFileParams{FileID: sent.Document.FileID})
	w.must(err)
	hr, err := http.NewRequestWithContext(ctx, http.MethodGet, b.FileDownloadLink(f), nil)
	w.must(err)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(hr)
	w.must(err)
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, sql) {
		t.Errorf("downloaded %q, %v", got, err)
	}
	w.clean()
}

func TestTheLibraryPollsAndAnswersAPress(t *testing.T) {
	w := newWorld(t, lenient)
	handled := make(chan string, 10)
	b := newClient(w, bot.WithAllowedUpdates(bot.AllowedUpdates{"message", "callback_query"}), bot.WithDefaultHandler(
		func(ctx context.Context, b *bot.Bot, u *models.Update) {
			if u.CallbackQuery == nil {
				handled <- u.Message.From.FirstName + ": " + u.Message.Text
				return
			}
			_, err := b.AnswerCallbackQuery(ctx, &bot.AnswerCallbackQueryParams{
				CallbackQueryID: u.CallbackQuery.ID, Text: "Recorded by " + u.CallbackQuery.From.FirstName, ShowAlert: true,
			})
			if err != nil {
				t.Error(err)
			}
			handled <- "answered"
		}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); b.Start(ctx) }()
	w.sayAll("/deploy shop", "/status")
	for _, want := range []string{"Lead: /deploy shop", "Lead: /status"} {
		if got := <-handled; got != want {
			t.Errorf("handled %q, want %q", got, want)
		}
	}
	sent, err := b.SendMessage(ctx, &bot.SendMessageParams{ChatID: int64(chat), Text: "card", ReplyMarkup: keyboard("a1")})
	w.must(err)
	a, err := w.Press(t.Context(), telegram.PressOptions{Chat: chat, Message: sent.ID, From: reviewer, Text: "Approve"})
	if want := (telegram.Answer{Text: "Recorded by Reviewer", Alert: true}); err != nil || a != want {
		t.Errorf("answer %+v, %v", a, err)
	}
	<-handled
	cancel()
	<-done
	w.clean()
}

// react puts eyes on a message.
func react(ctx context.Context, b *bot.Bot, id int) error {
	_, err := b.SetMessageReaction(ctx, &bot.SetMessageReactionParams{ChatID: int64(chat), MessageID: id, Reaction: []models.ReactionType{{
		Type: models.ReactionTypeTypeEmoji, ReactionTypeEmoji: &models.ReactionTypeEmoji{Type: models.ReactionTypeTypeEmoji, Emoji: "👀"},
	}}})
	return err
}

func TestTheLibrarysOtherCallsAreClean(t *testing.T) {
	w := newWorld(t)
	b, ctx := newClient(w), t.Context()
	id := w.send(card(`[]`))
	calls := map[string]func() error{
		"getMe": func() error { _, err := b.GetMe(ctx); return err },
		"setMyCommands": func() error {
			_, err := b.SetMyCommands(ctx, &bot.SetMyCommandsParams{
				Commands: []models.BotCommand{{Command: "deploy", Description: "Deploy to preview"}},
				Scope:    &models.BotCommandScopeChat{ChatID: int64(chat)},
			})
			return err
		},
		"getMyCommands": func() error { _, err := b.GetMyCommands(ctx, &bot.GetMyCommandsParams{}); return err },
		"sendChatAction": func() error {
			_, err := b.SendChatAction(ctx, &bot.SendChatActionParams{ChatID: int64(chat), Action: models.ChatActionTyping})
			return err
		},
		"setMessageReaction": func() error { return react(ctx, b, id) },
		"getChat":            func() error { _, err := b.GetChat(ctx, &bot.GetChatParams{ChatID: int64(chat)}); return err },
		"getChatMember": func() error {
			_, err := b.GetChatMember(ctx, &bot.GetChatMemberParams{ChatID: int64(chat), UserID: reviewer})
			return err
		},
		"getChatAdministrators": func() error {
			_, err := b.GetChatAdministrators(ctx, &bot.GetChatAdministratorsParams{ChatID: int64(chat)})
			return err
		},
		"pinChatMessage": func() error {
			_, err := b.PinChatMessage(ctx, &bot.PinChatMessageParams{ChatID: int64(chat), MessageID: id})
			return err
		},
		"getWebhookInfo": func() error { _, err := b.GetWebhookInfo(ctx); return err },
		"deleteWebhook":  func() error { _, err := b.DeleteWebhook(ctx, &bot.DeleteWebhookParams{}); return err },
		"sendMessage in reply": func() error {
			_, err := b.SendMessage(ctx, &bot.SendMessageParams{
				ChatID: int64(chat), Text: "x", ReplyParameters: &models.ReplyParameters{MessageID: 99999, AllowSendingWithoutReply: true},
				LinkPreviewOptions: &models.LinkPreviewOptions{IsDisabled: bot.True()},
			})
			return err
		},
		"editMessageReplyMarkup": func() error {
			_, err := b.EditMessageReplyMarkup(ctx, &bot.EditMessageReplyMarkupParams{ChatID: int64(chat), MessageID: id})
			if err != nil && strings.Contains(err.Error(), "message is not modified") {
				return nil
			}
			return err
		},
	}
	for name, call := range calls {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.clean()
	if m, _ := w.Message(chat, id); len(m.Reactions) != 1 || m.Reactions[0] != (telegram.Reaction{From: botID, Emoji: "👀"}) || !m.Pinned {
		t.Errorf("message %+v", m)
	}
}

func TestARequestThatIsCutOffIsNoViolation(t *testing.T) {
	w := newWorld(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	w.must(err)
	_, err = io.WriteString(conn, "POST /bot"+token+"/sendMessage HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"+
		"Transfer-Encoding: chunked\r\n\r\n5\r\n--b\r\n\r\n")
	w.must(err)
	w.must(conn.(*net.TCPConn).CloseWrite())
	answer, err := io.ReadAll(conn)
	w.must(errors.Join(err, conn.Close()))
	if !bytes.Contains(answer, []byte("the request was cut off")) {
		t.Errorf("answer %s", answer)
	}
	w.clean()
}
