package telegram_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"towline/sandbox/parts"
)

func TestTheSpecificationIsWhatTheScriptMakesOfThePinnedTypes(t *testing.T) {
	node := parts.Node(t)
	var stderr bytes.Buffer
	cmd := exec.Command(node, "../../tools/botapi.mjs")
	cmd.Stderr = &stderr
	made, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	kept, err := os.ReadFile("botapi-10.3.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made, kept) {
		t.Error("botapi-10.3.json is not what tools/botapi.mjs writes: run it again")
	}
}

func TestTheSpecificationNamesItsSourceAndEveryMethod(t *testing.T) {
	data, err := os.ReadFile("botapi-10.3.json")
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Source  map[string]string
		Methods map[string]json.RawMessage
	}
	if err := json.Unmarshal(data, &spec); err != nil {
		t.Fatal(err)
	}
	if spec.Source["name"] != "@grammyjs/types" || spec.Source["version"] != "5.0.0" || spec.Source["license"] != "MIT" {
		t.Errorf("source: %v", spec.Source)
	}
	// Bot API 10.3 has 185 methods; the types also know two old names, kickChatMember and getChatMembersCount.
	if n := len(spec.Methods); n != 185+2 {
		t.Errorf("%d methods", n)
	}
}

// wrong is a request that is wrong in itself, and what the answer says after "Bad Request: ".
type wrong struct{ name, method, params, want string }

func wrongMessages() []wrong {
	to := fmt.Sprintf(`"chat_id": %d, "text": "hi"`, chat)
	button := func(b string) string {
		return fmt.Sprintf(`{%s, "reply_markup": {"inline_keyboard": [[%s]]}}`, to, b)
	}
	buttons := strings.TrimSuffix(strings.Repeat(`[{"text": "a", "callback_data": "b"}],`, 101), ",")
	return []wrong{
		{"an unknown parameter", "sendMessage", `{` + to + `, "txt": "hi"}`, `unknown parameter "txt" (Telegram would ignore it, the sandbox does not)`},
		{"no text", "sendMessage", fmt.Sprintf(`{"chat_id": %d}`, chat), "message text is empty"},
		{"an empty text", "sendMessage", fmt.Sprintf(`{"chat_id": %d, "text": ""}`, chat), "message text is empty"},
		{"a text of white space", "sendMessage", fmt.Sprintf(`{"chat_id": %d, "text": " \n "}`, chat), "text must be non-empty"},
		{"no chat", "sendMessage", `{"text": "hi"}`, "chat_id is empty"},
		{"a thread that is no number", "sendMessage", `{` + to + `, "message_thread_id": "seven"}`, `parameter "message_thread_id": must be an Integer, not "seven"`},
		{"a flag that is no boolean", "sendMessage", `{` + to + `, "disable_notification": "yes"}`, `parameter "disable_notification": must be a Boolean, not "yes"`},
		{"an unknown parse mode", "sendMessage", `{` + to + `, "parse_mode": "html5"}`, `parameter "parse_mode": must be one of HTML, Markdown, MarkdownV2, not "html5"`},
		{"a parse mode that the sandbox lacks", "sendMessage", `{` + to + `, "parse_mode": "MarkdownV2"}`, "the sandbox does not carry out parse_mode MarkdownV2"},
		{"an unknown field inside an object", "sendMessage", `{` + to + `, "link_preview_options": {"disabled": true}}`, `parameter "link_preview_options": unknown field "disabled"`},
		{"a field of the wrong type", "sendMessage", `{` + to + `, "reply_parameters": {"message_id": "one"}}`, `parameter "reply_parameters": field "message_id" must be of type Number`},
		{"an object that is text", "sendMessage", `{` + to + `, "reply_parameters": "x"}`, `parameter "reply_parameters": can't parse JSON: invalid character 'x' looking for beginning of value`},
		{"an entity without offset", "sendMessage", `{` + to + `, "entities": [{"type": "bold", "length": 1}]}`, `parameter "entities": [0]: can't find field "offset"`},
		{"an entity of an unknown type", "sendMessage", `{` + to + `, "entities": [{"type": "loud", "offset": 0, "length": 1}]}`, `parameter "entities": [0]: field "type" "loud" is none of the 15 values it may have`},
		{"a parameter that the sandbox lacks", "sendMessage", `{` + to + `, "message_effect_id": "1"}`, `the sandbox does not carry out parameter "message_effect_id" of sendMessage`},
		{"markup that is null", "sendMessage", `{` + to + `, "reply_markup": null}`, "object expected as reply markup"},
		{"markup that is no JSON", "sendMessage", `{` + to + `, "reply_markup": "{"}`, "can't parse reply keyboard markup JSON object"},
		{"a keyboard that is no list of lists", "sendMessage", `{` + to + `, "reply_markup": {"inline_keyboard": [{}]}}`, `field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays`},
		{"too many buttons", "sendMessage", `{` + to + `, "reply_markup": {"inline_keyboard": [` + buttons + `]}}`, "reply markup is too long"},
		{"a reply keyboard", "sendMessage", `{` + to + `, "reply_markup": {"keyboard": [[{"text": "Yes"}]]}}`, "the sandbox carries out inline keyboards and forced replies only"},
		{"a placeholder of 65 characters", "sendMessage", `{` + to + `, "reply_markup": {"force_reply": true, "input_field_placeholder": "` + strings.Repeat("x", 65) + `"}}`, "the placeholder of a forced reply is too long"},
		{"a button without action", "sendMessage", button(`{"text": "a"}`), "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"},
		{"a button without label", "sendMessage", button(`{"callback_data": "a"}`), `can't parse inline keyboard button: Can't find field "text"`},
		{"a button with an empty label", "sendMessage", button(`{"text": "", "callback_data": "a"}`), "BUTTON_TEXT_INVALID"},
		{"a button with two actions", "sendMessage", button(`{"text": "a", "callback_data": "b", "url": "https://example.com"}`), `can't parse inline keyboard button: the button "a" has 2 actions (url, callback_data) and must have one`},
		{"a button with the library's empty copy_text", "sendMessage", button(`{"text": "a", "callback_data": "b", "copy_text": {"text": ""}}`), `can't parse inline keyboard button: the button "a" has 2 actions (callback_data, copy_text) and must have one`},
		{"an empty copy_text alone", "sendMessage", button(`{"text": "a", "copy_text": {"text": ""}}`), "BUTTON_COPY_TEXT_INVALID"},
		{"callback data of 65 bytes", "sendMessage", button(`{"text": "a", "callback_data": "` + strings.Repeat("x", 65) + `"}`), "BUTTON_DATA_INVALID"},
		{"callback data of 33 two-byte letters", "sendMessage", button(`{"text": "a", "callback_data": "` + strings.Repeat("ä", 33) + `"}`), "BUTTON_DATA_INVALID"},
		{"a link to localhost", "sendMessage", button(`{"text": "a", "url": "http://localhost:8080/x"}`), "inline keyboard button URL 'http://localhost:8080/x' is invalid: Wrong HTTP URL"},
		{"an unknown style", "sendMessage", button(`{"text": "a", "callback_data": "b", "style": "warning"}`), `parameter "reply_markup": has none of its types`},
		{"an unknown field of a button", "sendMessage", button(`{"text": "a", "callback_data": "b", "colour": "red"}`), `parameter "reply_markup": has none of its types`},
	}
}

func wrongCalls() []wrong {
	return []wrong{
		{"a method that the sandbox lacks", "getUserProfilePhotos", `{"user_id": 1001}`, "the sandbox does not carry out getUserProfilePhotos"},
		{"an edit without message", "editMessageText", `{"text": "a"}`, "message identifier is not specified"},
		{"an edit without text", "editMessageText", fmt.Sprintf(`{"chat_id": %d, "message_id": 1}`, chat), "message text is empty"},
		{"an unknown kind of update", "getUpdates", `{"allowed_updates": ["messages"]}`, `parameter "allowed_updates": [0]: "messages" is none of the 27 values it may have`},
		{"an answer that is too long", "answerCallbackQuery", `{"callback_query_id": "1", "text": "` + strings.Repeat("x", 201) + `"}`, "MESSAGE_TOO_LONG"},
		{"an unknown chat action", "sendChatAction", fmt.Sprintf(`{"chat_id": %d, "action": "thinking"}`, chat), `parameter "action": must be one of choose_sticker, find_location, record_video, record_video_note, record_voice, typing, upload_document, upload_photo, upload_video, upload_video_note, upload_voice, not "thinking"`},
		{"a reaction that Telegram doesn't have", "setMessageReaction", fmt.Sprintf(`{"chat_id": %d, "message_id": 1, "reaction": [{"type": "emoji", "emoji": "x"}]}`, chat), `parameter "reaction": [0]: field "emoji" "x" is none of the 73 values it may have`},
		{"a command with a capital", "setMyCommands", `{"commands": [{"command": "Deploy", "description": "x"}]}`, "BOT_COMMAND_INVALID"},
		{"a command without description", "setMyCommands", `{"commands": [{"command": "deploy", "description": ""}]}`, "BOT_COMMAND_DESCRIPTION_INVALID"},
		{"an album of one", "sendMediaGroup", fmt.Sprintf(`{"chat_id": %d, "media": [{"type": "photo", "media": "x"}]}`, chat), "media group must include 2-10 items"},
		{"a document that wasn't uploaded", "sendMediaGroup", fmt.Sprintf(`{"chat_id": %d, "media": [{"type": "document", "media": 7}, {"type": "document", "media": "x"}]}`, chat), `parameter "media": [0]: field "media" has none of its types`},
		{"a document without file", "sendDocument", fmt.Sprintf(`{"chat_id": %d}`, chat), "there is no document in the request"},
	}
}

func TestARequestThatIsWrongInItselfIsRefusedAndNoted(t *testing.T) {
	for _, c := range append(wrongMessages(), wrongCalls()...) {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.fails(c.method, c.params, http.StatusBadRequest, "Bad Request: "+c.want)
			if v := w.Violations(); len(v) != 1 || v[0] != c.method+": Bad Request: "+c.want {
				t.Errorf("violations: %q", v)
			}
			if n := len(w.Messages(chat)); n != 0 {
				t.Errorf("%d messages were sent", n)
			}
		})
	}
}

func TestAnUnknownMethodIsNotFound(t *testing.T) {
	w := newWorld(t)
	w.fails("sendmesage", `{}`, http.StatusNotFound, "Not Found: method not found")
	if v := w.Violations(); len(v) != 1 {
		t.Errorf("violations: %q", v)
	}
}

func TestAMethodIsFoundWhateverItsCase(t *testing.T) {
	w := newWorld(t)
	w.ok("SENDMESSAGE", fmt.Sprintf(`{"chat_id": %d, "text": "hi"}`, chat), nil)
	if c := w.Calls(); len(c) != 1 || c[0].Method != "sendMessage" {
		t.Errorf("calls: %+v", c)
	}
	w.clean()
}

func TestAWrongTokenIsUnauthorized(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/bot42:wrong/getMe", "/file/bot42:wrong/documents/file_0.txt"} {
		hr, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+path, nil)
		w.must(err)
		a, err := do(hr)
		w.must(err)
		if a.Code != http.StatusUnauthorized || a.Description != "Unauthorized" {
			t.Errorf("%s: %+v", path, a)
		}
	}
}

func TestParametersAreTakenFromTheQueryAndFromForms(t *testing.T) {
	w := newWorld(t)
	form := url.Values{"chat_id": {fmt.Sprint(chat)}, "text": {"by <b>form</b>"}, "parse_mode": {"HTML"}}
	hr, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/bot"+token+"/sendMessage?"+form.Encode(), nil)
	w.must(err)
	if a, err := do(hr); err != nil || !a.OK {
		t.Errorf("query: %+v, %v", a, err)
	}
	hr, err = http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/bot"+token+"/sendMessage", strings.NewReader(form.Encode()))
	w.must(err)
	hr.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a, err := do(hr); err != nil || !a.OK {
		t.Errorf("form: %+v, %v", a, err)
	}
	for _, m := range w.Messages(chat) {
		if m.Text != "by form" || len(m.Entities) != 1 {
			t.Errorf("message %+v", m)
		}
	}
	w.clean()
}

func TestABrokenBodyIsRefused(t *testing.T) {
	w := newWorld(t)
	if a := w.call("sendMessage", `{"chat_id": `); a.Code != http.StatusBadRequest {
		t.Errorf("answer %+v", a)
	}
	if v := w.Violations(); len(v) != 1 {
		t.Errorf("violations: %q", v)
	}
}
