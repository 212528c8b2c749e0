package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"sync/atomic"
	"time"

	"towline/deploy/audit"
	"towline/sandbox/telegram"
)

// firstUpdate is above every id that the local Telegram gives to an update of its own.
const firstUpdate = 2_000_000_000

// connections are how many Telegram posts over at once, unless it is asked for more or fewer (Bot API, setWebhook,
// max_connections). What is posted beyond that waits for one of them.
const connections = 40

// poster plays Telegram's side of the webhook: it posts updates that it makes up itself, so that there is no pace but its
// caller's.
type poster struct {
	client *http.Client
	url    string
	last   atomic.Int64 // update id
}

// posted is one update on its way to the webhook.
type posted struct {
	began, ended time.Time
	putOff       int // how often it was answered 503, which makes Telegram send it again
}

func (w *world) poster() *poster {
	p := &poster{
		client: &http.Client{Transport: &http.Transport{MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections}, Timeout: time.Minute},
		url:    "http://" + w.hook + "/telegram",
	}
	p.last.Store(firstUpdate)
	return p
}

// close ends the idle connections.
func (p *poster) close() { p.client.CloseIdleConnections() }

// next is a fresh update id.
func (p *poster) next() int64 { return p.last.Add(1) }

// post delivers an update until it is taken. It fails on any answer but 200 and 503.
func (p *poster) post(ctx context.Context, body []byte) (out posted, err error) {
	out.began = time.Now()
	for {
		status, err := p.once(ctx, body)
		out.ended = time.Now()
		switch {
		case err != nil:
			return out, err
		case status == http.StatusOK:
			return out, nil
		case status != http.StatusServiceUnavailable:
			return out, fmt.Errorf("the webhook answered %d", status)
		}
		out.putOff++
	}
}

func (p *poster) once(ctx context.Context, body []byte) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Telegram-Bot-Api-Secret-Token", hookSecret)
	res, err := p.client.Do(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, errors.Join(err, res.Body.Close())
}

// The parts of an update that a bot reads (Bot API, "Update", "Message", "CallbackQuery").
type (
	jsonUser struct {
		ID    int64  `json:"id"`
		IsBot bool   `json:"is_bot"`
		Name  string `json:"first_name"`
	}
	jsonChat struct {
		ID    int64  `json:"id"`
		Type  string `json:"type"`
		Title string `json:"title,omitempty"`
		Name  string `json:"first_name,omitempty"`
	}
	jsonEntity struct {
		Type   string `json:"type"`
		Offset int    `json:"offset"`
		Length int    `json:"length"`
	}
	jsonButton struct {
		Text string `json:"text"`
		Data string `json:"callback_data,omitempty"`
		URL  string `json:"url,omitempty"`
	}
	jsonMarkup struct {
		Rows [][]jsonButton `json:"inline_keyboard"`
	}
	jsonMessage struct {
		ID       int          `json:"message_id"`
		From     jsonUser     `json:"from"`
		Date     int64        `json:"date"`
		Chat     jsonChat     `json:"chat"`
		Text     string       `json:"text"`
		Entities []jsonEntity `json:"entities,omitempty"`
		Markup   *jsonMarkup  `json:"reply_markup,omitempty"`
	}
	jsonQuery struct {
		ID       string      `json:"id"`
		From     jsonUser    `json:"from"`
		Message  jsonMessage `json:"message"`
		Instance string      `json:"chat_instance"`
		Data     string      `json:"data"`
	}
	jsonUpdate struct {
		ID      int64        `json:"update_id"`
		Message *jsonMessage `json:"message,omitempty"`
		Query   *jsonQuery   `json:"callback_query,omitempty"`
	}
)

// command is the update of a command that somebody types, in their chat with the bot or in the team's group.
func (p *poster) command(chat int64, from person, name, rest string) ([]byte, error) {
	id := p.next()
	c := jsonChat{ID: chat, Type: "supergroup", Title: "Shop team"}
	if chat == from.id {
		c = jsonChat{ID: chat, Type: "private", Name: from.name}
	}
	return json.Marshal(jsonUpdate{ID: id, Message: &jsonMessage{
		ID: int(id - firstUpdate + 1_000_000), From: jsonUser{ID: from.id, Name: from.name}, Date: time.Now().Unix(), Chat: c, Text: name + rest,
		Entities: []jsonEntity{{Type: "bot_command", Length: len(name)}},
	}})
}

// press is the update of a press on a button of a message of the bot.
func (p *poster) press(m telegram.Message, from person, data string) ([]byte, error) {
	id := p.next()
	markup := &jsonMarkup{}
	for _, row := range m.Buttons {
		var line []jsonButton
		for _, b := range row {
			line = append(line, jsonButton{Text: b.Text, Data: b.Data, URL: b.URL})
		}
		markup.Rows = append(markup.Rows, line)
	}
	return json.Marshal(jsonUpdate{ID: id, Query: &jsonQuery{
		ID: fmt.Sprint(id), From: jsonUser{ID: from.id, Name: from.name}, Instance: "1", Data: data,
		Message: jsonMessage{
			ID: m.ID, From: jsonUser{ID: 1, IsBot: true, Name: "Towline"}, Date: m.Date.Unix(), Chat: jsonChat{ID: group, Type: "supergroup", Title: "Shop team"},
			Text: m.Text, Markup: markup,
		},
	}})
}

// connected waits until towline has told Telegram where its webhook is.
func (w *world) connected(ctx context.Context, since time.Time) error {
	return w.until(ctx, "towline does not set its webhook", func() bool {
		return w.answered(since, "POST setWebhook") > 0
	})
}

// answered counts the calls to Telegram of a kind that came after t and have their answer.
func (w *world) answered(t time.Time, what string) (n int) {
	for _, c := range w.chat.since(t) {
		if c.what == what && !c.ended.IsZero() {
			n++
		}
	}
	return n
}

// until looks again and again whether something is so.
func (w *world) until(ctx context.Context, why string, ok func() bool) error {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !ok() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", why, ctx.Err())
		}
	}
	return nil
}

// auditLog reads a log as an operator would: `towline audit export`, of which the chain is proven first. An empty project
// is the team's own log.
func auditLog(ctx context.Context, binary, config, project string) ([]audit.Entry, error) {
	if out, err := exec.CommandContext(ctx, binary, "audit", "verify", "-config", config).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("towline audit verify: %w\n%s", err, out)
	}
	if project == "" {
		project = "_team"
	}
	cmd := exec.CommandContext(ctx, binary, "audit", "export", "-config", config, "-project", project)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("towline audit export: %w\n%s", err, out)
	}
	var entries []audit.Entry
	for e, err := range audit.ReadJSONL(bytes.NewReader(out)) {
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}
