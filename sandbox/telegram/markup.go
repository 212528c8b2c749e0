package telegram

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf16"
)

// actions are the fields of an InlineKeyboardButton that say what it does (core.telegram.org/bots/api, InlineKeyboardButton:
// "Exactly one of the fields … must be used to specify the type of the button").
var actions = [...]string{
	"url", "callback_data", "web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat",
	"switch_inline_query_chosen_chat", "copy_text", "callback_game", "pay", "disabled",
}

// Limits of a keyboard. Telegram documents the bytes of callback_data and the characters of copy_text; a hundred buttons is
// where it answers "reply markup is too long".
const (
	maxCallbackData = 64
	maxCopyText     = 256
	maxButtons      = 100
	maxPlaceholder  = 64 // characters (core.telegram.org/bots/api, ForceReply)
)

// checkMarkup says in Telegram's words what is wrong with a reply_markup, or "". What it lets pass is then held against the specification.
func checkMarkup(text string) string {
	value, err := decodeJSON(text)
	if err != nil {
		return "can't parse reply keyboard markup JSON object"
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return "object expected as reply markup"
	}
	keyboard, ok := fields["inline_keyboard"]
	if !ok {
		return ""
	}
	rows, ok := keyboard.([]any)
	if !ok {
		return `field "inline_keyboard" must be of type Array`
	}
	total := 0
	for _, row := range rows {
		buttons, ok := row.([]any)
		if !ok {
			return `field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays`
		}
		for _, b := range buttons {
			if why := checkButton(b); why != "" {
				return why
			}
		}
		total += len(buttons)
	}
	if total > maxButtons {
		return "reply markup is too long"
	}
	return ""
}

func checkButton(value any) string {
	const parse = "can't parse inline keyboard button: "
	b, ok := value.(map[string]any)
	if !ok {
		return parse + "InlineKeyboardButton must be an Object"
	}
	label, found := b["text"]
	if !found {
		return parse + `Can't find field "text"`
	}
	if text, ok := label.(string); !ok {
		return parse + `Field "text" must be of type String`
	} else if strings.TrimSpace(text) == "" {
		return "BUTTON_TEXT_INVALID"
	}
	var used []string
	for _, action := range actions {
		if _, ok := b[action]; ok {
			used = append(used, action)
		}
	}
	switch len(used) {
	case 0:
		return parse + "Text buttons are unallowed in the inline keyboard"
	case 1:
		return checkAction(b, used[0])
	}
	return parse + fmt.Sprintf("the button %q has %d actions (%s) and must have one", label, len(used), strings.Join(used, ", "))
}

func checkAction(b map[string]any, action string) string {
	switch action {
	case "callback_data":
		data, _ := b[action].(string)
		if data == "" || len(data) > maxCallbackData {
			return "BUTTON_DATA_INVALID"
		}
	case "url":
		address, _ := b[action].(string)
		if !validURL(address) {
			return fmt.Sprintf("inline keyboard button URL '%s' is invalid: Wrong HTTP URL", address)
		}
	case "copy_text":
		object, _ := b[action].(map[string]any)
		text, _ := object["text"].(string)
		if n := utf16Len(text); n == 0 || n > maxCopyText {
			return "BUTTON_COPY_TEXT_INVALID"
		}
	}
	return ""
}

// validURL tells whether Telegram makes a link of it: http and https with a dot in the host (so not localhost), and tg.
func validURL(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" && u.Opaque == "" {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		return strings.Contains(strings.Trim(u.Hostname(), "."), ".") || strings.Contains(u.Hostname(), ":")
	case "tg":
		return u.Host != ""
	case "mailto":
		return strings.Contains(u.Opaque, "@")
	}
	return false
}

// withoutEmptyCopyText removes the empty copy_text that go-telegram/bot v1.19.0 adds to every button.
func withoutEmptyCopyText(text string) string {
	value, err := decodeJSON(text)
	fields, ok := value.(map[string]any)
	if err != nil || !ok {
		return text
	}
	rows, _ := fields["inline_keyboard"].([]any)
	for _, row := range rows {
		buttons, _ := row.([]any)
		for _, button := range buttons {
			b, _ := button.(map[string]any)
			if c, ok := b["copy_text"].(map[string]any); ok && len(b) > 2 && c["text"] == "" {
				delete(b, "copy_text")
			}
		}
	}
	out, err := json.Marshal(value)
	if err != nil {
		return text
	}
	return string(out)
}

// keyboard is an inline keyboard as it was sent, each button in canonical JSON.
type keyboard [][]json.RawMessage

// readForced reads a reply_markup that forces a reply; nil where it does not.
func readForced(text string) *ForceReply {
	var raw struct {
		Force       bool   `json:"force_reply"`
		Placeholder string `json:"input_field_placeholder"`
		Selective   bool   `json:"selective"`
	}
	if text == "" || json.Unmarshal([]byte(text), &raw) != nil || !raw.Force {
		return nil
	}
	return &ForceReply{Placeholder: raw.Placeholder, Selective: raw.Selective}
}

// readKeyboard reads a reply_markup that was found right. ok is false for the kinds that the sandbox doesn't carry out: reply
// keyboards and their removal.
func readKeyboard(text string) (k keyboard, ok bool) {
	if text == "" {
		return nil, true
	}
	var raw struct {
		Rows *[][]map[string]any `json:"inline_keyboard"`
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil || raw.Rows == nil {
		return nil, false
	}
	for _, row := range *raw.Rows {
		var buttons []json.RawMessage
		for _, b := range row {
			data, err := json.Marshal(b)
			if err != nil {
				return nil, false
			}
			buttons = append(buttons, data)
		}
		if len(buttons) > 0 {
			k = append(k, buttons)
		}
	}
	return k, true
}

func (k keyboard) buttons() [][]Button {
	var rows [][]Button
	for _, raw := range k {
		row := make([]Button, len(raw))
		for i, data := range raw {
			row[i] = readButton(data)
		}
		rows = append(rows, row)
	}
	return rows
}

func readButton(data json.RawMessage) Button {
	var fields map[string]json.RawMessage
	var b Button
	var c struct {
		CopyText struct {
			Text string `json:"text"`
		} `json:"copy_text"`
		Text  string `json:"text"`
		Style string `json:"style"`
		Data  string `json:"callback_data"`
		URL   string `json:"url"`
	}
	// Both succeed: the button was checked when it came in.
	if json.Unmarshal(data, &fields) != nil || json.Unmarshal(data, &c) != nil {
		return b
	}
	b = Button{Text: c.Text, Style: c.Style, Data: c.Data, URL: c.URL, CopyText: c.CopyText.Text}
	if b.Data == "" && b.URL == "" && b.CopyText == "" {
		for _, action := range actions {
			if _, ok := fields[action]; ok {
				b.Other = action
			}
		}
	}
	return b
}

// utf16Len counts the UTF-16 code units of a text, in which Telegram measures everything.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}
