package telegram

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Sizes that the Bot API allows (core.telegram.org/bots/api, "Sending files").
const (
	maxUpload   = 50 << 20 // of one file
	maxDownload = 20 << 20 // by getFile
	maxPhoto    = 10 << 20
	maxBody     = maxUpload + 1<<20 // a file and what goes with it
	maxValue    = 1 << 20           // one parameter that is no file
)

// request is one call of a method. Parameters are text, as Telegram's server sees them however they were sent.
type request struct {
	method   string // as the specification spells it
	values   map[string]string
	files    map[string]*Upload
	attached map[string]bool // names that some attach:// refers to
}

// apiError is an answer that isn't ok.
type apiError struct {
	code       int
	text       string
	retryAfter int    // seconds
	migratedTo int64  // the group's new id
	malformed  bool   // wrong whatever the state of the chats: a violation
	instead    *reply // sent as it is, where no JSON tells it
}

func badRequest(text string) *apiError {
	return &apiError{code: http.StatusBadRequest, text: "Bad Request: " + text}
}

func malformed(text string) *apiError {
	e := badRequest(text)
	e.malformed = true
	return e
}

func forbidden(text string) *apiError {
	return &apiError{code: http.StatusForbidden, text: "Forbidden: " + text}
}

// readRequest reads the parameters from the query string and a body of any of the kinds that Telegram takes.
func readRequest(hr *http.Request) (*request, *apiError) {
	r := &request{values: map[string]string{}, files: map[string]*Upload{}, attached: map[string]bool{}}
	r.addForm(hr.URL.Query())
	body := &watched{from: http.MaxBytesReader(nil, hr.Body, maxBody)}
	var err error
	kind, args, _ := mime.ParseMediaType(hr.Header.Get("Content-Type"))
	switch kind {
	case "multipart/form-data":
		err = r.readMultipart(multipart.NewReader(body, args["boundary"]))
	case "application/x-www-form-urlencoded":
		err = r.readForm(body)
	case "application/json":
		err = r.readJSON(body)
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &apiError{code: http.StatusRequestEntityTooLarge, text: "Request Entity Too Large"}
	}
	if body.failed != nil {
		// The client went while it was sending, which is nobody's mistake; nobody reads the answer.
		return nil, badRequest("the request was cut off")
	}
	if err != nil {
		return nil, malformed("can't parse the request: " + err.Error())
	}
	r.findAttached()
	return r, nil
}

// watched notes why a body could not be read to its end.
type watched struct {
	from   io.Reader
	failed error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.from.Read(p)
	if err != nil && err != io.EOF {
		w.failed = err
	}
	return n, err
}

func (r *request) addForm(form url.Values) {
	for name, values := range form {
		r.values[name] = values[len(values)-1]
	}
}

func (r *request) readForm(body io.Reader) error {
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(data))
	r.addForm(form)
	return err
}

// readMultipart reads until the end. A body without any part is a request without parameters: go-telegram/bot sends getMe so.
func (r *request) readMultipart(mr *multipart.Reader) error {
	for n := 0; ; n++ {
		part, err := mr.NextPart()
		if errors.Is(err, io.EOF) && (n == 0 || err == io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		if part.FileName() != "" {
			r.files[part.FormName()] = &Upload{Name: part.FileName(), Content: content}
		} else if len(content) > maxValue {
			return fmt.Errorf("parameter %q is too long", part.FormName())
		} else {
			r.values[part.FormName()] = string(content)
		}
	}
}

func (r *request) readJSON(body io.Reader) error {
	data, err := io.ReadAll(body)
	if err != nil || len(data) == 0 {
		return err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	for name, raw := range fields {
		var text string
		if json.Unmarshal(raw, &text) != nil || raw[0] != '"' {
			text = string(raw)
		}
		r.values[name] = text
	}
	return nil
}

// attachment finds the uploads that parameters refer to.
var attachment = regexp.MustCompile(`attach://([^"\s,}\]]+)`)

func (r *request) findAttached() {
	for _, text := range r.values {
		for _, m := range attachment.FindAllStringSubmatch(text, -1) {
			r.attached[m[1]] = true
		}
	}
}

func (r *request) names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range r.values {
			if !yield(name) {
				return
			}
		}
		for name := range r.files {
			if !yield(name) {
				return
			}
		}
	}
}

// has tells whether a parameter was given; an empty text counts as not given, as it does for Telegram.
func (r *request) has(name string) bool { return r.values[name] != "" || r.files[name] != nil }

func (r *request) str(name string) string { return r.values[name] }

func (r *request) bool(name string) bool { return r.values[name] == "true" }

// int returns a number, 0 where there is none; the specification's check has seen that it is one.
func (r *request) int(name string) int64 {
	n, _ := strconv.ParseInt(r.values[name], 10, 64)
	return n
}

// object reads a parameter that is JSON into v; without the parameter v stays as it is.
func (r *request) object(name string, v any) *apiError {
	if r.values[name] == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(r.values[name]), v); err != nil {
		return malformed(fmt.Sprintf("can't parse %s JSON object", strings.ReplaceAll(name, "_", " ")))
	}
	return nil
}

// file finds the upload that a parameter or a media object means: the parameter itself, or what attach:// names.
func (r *request) file(name, text string) *Upload {
	if f := r.files[name]; f != nil {
		return f
	}
	if attached, ok := strings.CutPrefix(text, "attach://"); ok {
		return r.files[attached]
	}
	return nil
}

// params is what Calls shows of a request.
func (r *request) params() map[string]string {
	all := make(map[string]string, len(r.values)+len(r.files))
	for name, text := range r.values {
		if name == "secret_token" {
			text = "***"
		}
		all[name] = text
	}
	for name, f := range r.files {
		all[name] = f.Name
	}
	return all
}
