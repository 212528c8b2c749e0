package page

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	"towline/sandbox/telegram"
)

// maxBody is more than a message of 4096 characters needs, each written as a surrogate pair of JSON escapes.
const maxBody = 64 << 10

type sayRequest struct {
	As       int64   `json:"as"`
	Text     string  `json:"text"`
	ReplyTo  int     `json:"reply_to"`
	Mentions []int64 `json:"mentions"` // whom the text mentions by name, without a username
}

type sayReply struct {
	ID int `json:"id"`
}

func (p *Page) say(w http.ResponseWriter, r *http.Request) {
	var req sayRequest
	if !read(w, r, &req) {
		return
	}
	if _, ok := p.member(req.As); !ok {
		fail(w, http.StatusForbidden, "There is no such member in this demo.")
		return
	}
	id, err := p.o.Chat.Say(r.Context(), telegram.SayOptions{
		Chat: p.o.Group, From: req.As, Text: req.Text, ReplyTo: req.ReplyTo, Mentions: req.Mentions,
	})
	if err != nil {
		p.o.Logger.Info("a message was refused", "as", req.As, "error", err)
		fail(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	reply(w, http.StatusOK, sayReply{ID: id})
}

// pressRequest names a button by its place, and by the data that the client saw there: a card that changed under the finger must not
// turn a press of one button into a press of another.
type pressRequest struct {
	As      int64  `json:"as"`
	Message int    `json:"message"`
	Row     int    `json:"row"`
	Col     int    `json:"col"`
	Data    string `json:"data"`
}

func (p *Page) press(w http.ResponseWriter, r *http.Request) {
	var req pressRequest
	if !read(w, r, &req) {
		return
	}
	if _, ok := p.member(req.As); !ok {
		fail(w, http.StatusForbidden, "There is no such member in this demo.")
		return
	}
	m, ok := p.o.Chat.Message(p.o.Group, req.Message)
	if !ok || m.Deleted {
		fail(w, http.StatusNotFound, "That message is gone.")
		return
	}
	if !carries(m, req) {
		fail(w, http.StatusConflict, "The card has just changed. Look again before you press.")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), p.o.AnswerWithin)
	defer cancel()
	answer, err := p.o.Chat.Press(ctx, telegram.PressOptions{
		Chat: p.o.Group, Message: req.Message, From: req.As, Data: req.Data,
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		fail(w, http.StatusGatewayTimeout, "The bot has not answered yet. It has the press all the same.")
	case err != nil:
		p.o.Logger.Info("a press was refused", "as", req.As, "message", req.Message, "error", err)
		fail(w, http.StatusUnprocessableEntity, err.Error())
	default:
		reply(w, http.StatusOK, answer)
	}
}

// carries tells whether the message has the button that the client pressed, where it pressed it.
func carries(m telegram.Message, req pressRequest) bool {
	if req.Row < 0 || req.Row >= len(m.Buttons) || req.Col < 0 || req.Col >= len(m.Buttons[req.Row]) {
		return false
	}
	b := m.Buttons[req.Row][req.Col]
	return b.Data != "" && b.Data == req.Data
}

// document sends the file of a message. Pictures are shown in place; anything else is only ever saved or read as text, so that a
// file cannot become a page of this origin.
func (p *Page) document(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("message"))
	if err != nil {
		fail(w, http.StatusNotFound, "There is no such document.")
		return
	}
	m, ok := p.o.Chat.Message(p.o.Group, id)
	file := m.Document
	if file == nil {
		file = m.Photo
	}
	if !ok || m.Deleted || file == nil {
		fail(w, http.StatusNotFound, "There is no such document.")
		return
	}
	name, content, ok := p.o.Chat.Document(file.ID)
	if !ok {
		fail(w, http.StatusNotFound, "The document is gone.")
		return
	}
	kind, disposition := "application/octet-stream", "attachment"
	if m.Photo != nil {
		switch sniffed := http.DetectContentType(content); sniffed {
		case "image/png", "image/jpeg", "image/webp", "image/gif":
			kind, disposition = sniffed, "inline"
		}
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", attachment(disposition, name))
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	// The client is gone if this fails, and there is nobody to tell.
	_, _ = w.Write(content)
}

func attachment(disposition, name string) string {
	if v := mime.FormatMediaType(disposition, map[string]string{"filename": name}); v != "" {
		return v
	}
	return disposition
}

// read decodes a request's JSON, or answers and returns false.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one value")
		}
	}
	if err == nil {
		return true
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("The request is larger than %d bytes.", maxBody))
		return false
	}
	fail(w, http.StatusBadRequest, "The request is not the JSON that was expected: "+err.Error())
	return false
}

// failure is the answer to everything that went wrong, in words for the page's user.
type failure struct {
	Error string `json:"error"`
}

func fail(w http.ResponseWriter, status int, words string) { reply(w, status, failure{Error: words}) }

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	// The values are structs of strings and numbers, so only a client that is gone makes this fail.
	_ = json.NewEncoder(w).Encode(value)
}
