package telegram_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"towline/sandbox/telegram"
)

// upload calls a method with a multipart body. A value is a text, or the content of a file with the parameter's name.
func (w *world) upload(method string, params map[string]any) answer {
	w.t.Helper()
	var body bytes.Buffer
	mw := multipart.NewWriter(&body)
	for name, value := range params {
		switch v := value.(type) {
		case []byte:
			part, err := mw.CreateFormFile(name, name+".png")
			w.must(err)
			_, err = part.Write(v)
			w.must(err)
		default:
			w.must(mw.WriteField(name, fmt.Sprint(v)))
		}
	}
	w.must(mw.Close())
	hr, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.url+"/bot"+token+"/"+method, &body)
	w.must(err)
	hr.Header.Set("Content-Type", mw.FormDataContentType())
	a, err := do(hr)
	w.must(err)
	return a
}

func picture(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAPhotoHasItsSize(t *testing.T) {
	w := newWorld(t)
	a := w.upload("sendPhoto", map[string]any{"chat_id": int64(chat), "photo": picture(t, 64, 32), "caption": "<b>Usage</b>", "parse_mode": "HTML"})
	if !a.OK {
		t.Fatal(a.Description)
	}
	m := w.Messages(chat)[0]
	if m.Photo == nil || m.Photo.Width != 64 || m.Photo.Height != 32 || m.Text != "Usage" || m.Document != nil {
		t.Errorf("message %+v", m)
	}
	w.clean()
}

func TestAFileThatTelegramWouldNotTakeIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, method string
		file         any
		code         int
		want         string
	}{
		{"no picture", "sendPhoto", []byte("text"), http.StatusBadRequest, "Bad Request: IMAGE_PROCESS_FAILED"},
		{"too long a side", "sendPhoto", picture(t, 9999, 600), http.StatusBadRequest, "Bad Request: PHOTO_INVALID_DIMENSIONS"},
		{"too thin", "sendPhoto", picture(t, 210, 10), http.StatusBadRequest, "Bad Request: PHOTO_INVALID_DIMENSIONS"},
		{"too big a photo", "sendPhoto", make([]byte, 10<<20+1), http.StatusBadRequest, "Bad Request: file of size 10485761 bytes is too big for a photo; the maximum size is 10485760 bytes"},
		{"an empty document", "sendDocument", []byte{}, http.StatusBadRequest, "Bad Request: file must be non-empty"},
		{"a document over 50 MB", "sendDocument", make([]byte, 50<<20+1), http.StatusRequestEntityTooLarge, "Request Entity Too Large"},
		{"an id that nobody knows", "sendDocument", "BQACxyz", http.StatusBadRequest, "Bad Request: wrong file identifier/HTTP URL specified"},
		{"a file on the web", "sendDocument", "https://example.com/x.pdf", http.StatusBadRequest, "Bad Request: the sandbox does not fetch files from the web"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			what := strings.ToLower(strings.TrimPrefix(c.method, "send"))
			if a := w.upload(c.method, map[string]any{"chat_id": int64(chat), what: c.file}); a.Code != c.code || a.Description != c.want {
				t.Errorf("answer %d %s", a.Code, a.Description)
			}
		})
	}
}

func TestACaptionMayHave1024Units(t *testing.T) {
	w := newWorld(t)
	a := w.upload("sendDocument", map[string]any{"chat_id": int64(chat), "document": []byte("x"), "caption": strings.Repeat("x", 1025)})
	if a.Description != "Bad Request: message caption is too long" {
		t.Errorf("answer %+v", a)
	}
}

func TestAnAlbumAndItsReplacement(t *testing.T) {
	w := newWorld(t)
	media := `[{"type": "photo", "media": "attach://one", "caption": "first"}, {"type": "photo", "media": "attach://two"}]`
	a := w.upload("sendMediaGroup", map[string]any{"chat_id": int64(chat), "media": media, "one": picture(t, 8, 8), "two": picture(t, 9, 9)})
	if !a.OK {
		t.Fatal(a.Description)
	}
	all := w.Messages(chat)
	if len(all) != 2 || all[0].Album == "" || all[0].Album != all[1].Album || all[0].Text != "first" || all[1].Photo.Width != 9 {
		t.Errorf("messages %+v", all)
	}
	a = w.upload("editMessageMedia", map[string]any{
		"chat_id": int64(chat), "message_id": all[0].ID, "media": `{"type": "photo", "media": "attach://new"}`, "new": picture(t, 10, 10),
	})
	if m, _ := w.Message(chat, all[0].ID); !a.OK || m.Photo.Width != 10 || m.Text != "" || m.Edits != 1 {
		t.Errorf("answer %+v, message %+v", a, m)
	}
	a = w.upload("sendMediaGroup", map[string]any{"chat_id": int64(chat), "media": media, "one": picture(t, 8, 8)})
	if a.OK || len(w.Violations()) != 1 {
		t.Errorf("a file that is missing: %+v, %q", a, w.Violations())
	}
}

func TestAFileMayBeSentAgainByItsID(t *testing.T) {
	w := newWorld(t)
	w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "look", Document: &telegram.Upload{Name: "dump.sql", Content: []byte("SELECT 1;\n")}})
	u := w.updates(0)[0].Message
	if u.Caption != "look" || u.Document == nil || (*u.Document)["file_name"] != "dump.sql" {
		t.Fatalf("update %+v", u)
	}
	id := (*u.Document)["file_id"].(string)
	var sent struct {
		Document struct {
			ID string `json:"file_id"`
		} `json:"document"`
	}
	w.ok("sendDocument", fmt.Sprintf(`{"chat_id": %d, "document": %q}`, chat, id), &sent)
	if sent.Document.ID != id {
		t.Errorf("sent %q, want %q", sent.Document.ID, id)
	}
	w.fails("sendPhoto", fmt.Sprintf(`{"chat_id": %d, "photo": %q}`, chat, id), http.StatusBadRequest, "Bad Request: type of file mismatch")
	w.clean()
}

func TestACaptionCanBeEditedAndATextCanNotBeACaption(t *testing.T) {
	w := newWorld(t)
	a := w.upload("sendDocument", map[string]any{"chat_id": int64(chat), "document": []byte("x"), "caption": "before"})
	var m msg
	w.must(json.Unmarshal(a.Result, &m))
	w.ok("editMessageCaption", editText(m.ID, `"caption": "after"`), nil)
	if got, _ := w.Message(chat, m.ID); got.Text != "after" {
		t.Errorf("caption %q", got.Text)
	}
	w.fails("editMessageText", editText(m.ID, `"text": "x"`), http.StatusBadRequest, "Bad Request: there is no text in the message to edit")
	plain := w.send(card(`[]`))
	w.fails("editMessageCaption", editText(plain, `"caption": "x"`), http.StatusBadRequest, "Bad Request: there is no caption in the message to edit")
}
