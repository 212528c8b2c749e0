package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"

	"github.com/cenkalti/backoff/v5"
)

const (
	// mostReply bounds a reply's body; a full batch of updates is far below it.
	mostReply = 64 << 20
	// tries is how often an idempotent request is made when no usable reply comes.
	tries = 3
	// pollMethod is the one request that waits, and that only the poller repeats.
	pollMethod = "getUpdates"
	// answerMethod is in a hurry: a press must be answered within seconds.
	answerMethod = "answerCallbackQuery"
)

// transport is the client that go-telegram/bot sends its requests with. The
// library streams its bodies, so a request cannot be sent again when the server
// has just closed an idle connection; it loses the status of a foreign body; and
// it decodes whole messages in replies, so that a message of a new kind makes a
// delivered message look failed. Here bodies are buffered, errors are *Error, and
// of a message in a reply only its identity is left.
type transport struct {
	http    *http.Client
	token   string
	limits  *limits
	timeout time.Duration // of an ordinary request
	poll    time.Duration // what a poll takes beyond that
	retry   time.Duration
	log     *slog.Logger
	calls   callTally
}

func newTransport(o Options, l *limits) *transport {
	base := o.Transport
	if base == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 8
		base = t
	}
	c := &http.Client{
		Transport: base,
		// A redirect would carry the token to somebody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &transport{http: c, token: o.Token, limits: l, timeout: o.RequestTimeout, poll: o.PollTimeout, retry: o.Pace.Retry, log: o.Log}
}

// repeatable tells whether a request has the same effect when made twice.
func repeatable(method string) bool {
	return method != pollMethod && !strings.HasPrefix(method, "send")
}

// envelope is what every reply of the Bot API is wrapped in ("Making requests").
type envelope struct {
	OK          *bool           `json:"ok"`
	Result      json.RawMessage `json:"result"`
	ErrorCode   int             `json:"error_code"`
	Description string          `json:"description"`
	Parameters  struct {
		RetryAfter int   `json:"retry_after"`
		MigratedTo int64 `json:"migrate_to_chat_id"`
	} `json:"parameters"`
}

// shown tells whether a request changes what people see, which is what Telegram's limit over all is about (Bots FAQ,
// "broadcasting to users"). Polls, answers to presses and questions are not held back by it: a person waits for each.
func shown(method string) bool {
	return method != pollMethod && method != answerMethod && !strings.HasPrefix(method, "get")
}

// Do makes the request, up to three times where that is safe. Any error is an
// *Error, or the context's.
func (t *transport) Do(req *http.Request) (*http.Response, error) {
	method := path.Base(req.URL.Path)
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		if err = errors.Join(err, req.Body.Close()); err != nil {
			return nil, t.noReply(method, err)
		}
	}
	if shown(method) {
		if err := t.limits.all.Wait(req.Context()); err != nil {
			return nil, t.noReply(method, err)
		}
	}
	if !repeatable(method) {
		return t.once(req, method, body)
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval = t.retry
	return backoff.Retry(req.Context(), func() (*http.Response, error) {
		resp, err := t.once(req, method, body)
		if err != nil && (!errors.Is(err, ErrUnavailable) || req.Context().Err() != nil) {
			return nil, backoff.Permanent(err)
		}
		return resp, err
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(tries))
}

// once makes the request, reads the reply, and counts both.
func (t *transport) once(from *http.Request, method string, body []byte) (*http.Response, error) {
	resp, err := t.request(from, method, body)
	t.calls.add(method, err)
	return resp, err
}

func (t *transport) request(from *http.Request, method string, body []byte) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(from.Context(), t.timeoutOf(method, len(body)))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, from.URL.String(), bytes.NewReader(body))
	if err != nil {
		return nil, t.noReply(method, err)
	}
	req.Header = from.Header.Clone()
	if repeatable(method) {
		// Lets net/http send it again on a fresh connection; nil keeps it off the wire.
		req.Header["Idempotency-Key"] = nil
	}
	resp, err := t.http.Do(req)
	if err != nil {
		return nil, t.noReply(method, err)
	}
	reply, err := io.ReadAll(io.LimitReader(resp.Body, mostReply))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, t.noReply(method, err)
	}
	var e envelope
	if err := json.Unmarshal(reply, &e); err != nil || e.OK == nil {
		return nil, t.foreign(method, resp.StatusCode, reply)
	}
	if !*e.OK {
		return nil, t.refusal(method, resp.StatusCode, e)
	}
	slim, err := identity(method, e.Result)
	if err != nil {
		return nil, &Error{Method: method, Code: resp.StatusCode, Description: err.Error(), kind: ErrUnavailable}
	}
	resp.Body = io.NopCloser(bytes.NewReader(slim))
	resp.ContentLength = int64(len(slim))
	return resp, nil
}

// timeoutOf gives long polls and uploads the time they need.
func (t *transport) timeoutOf(method string, size int) time.Duration {
	switch {
	case method == pollMethod:
		return t.poll + t.timeout
	case size > 64<<10:
		return 10 * t.timeout
	}
	return t.timeout
}

// identity wraps a result again, messages cut down to what identifies them.
func identity(method string, result json.RawMessage) ([]byte, error) {
	if strings.HasPrefix(method, "send") || strings.HasPrefix(method, "editMessage") {
		if string(bytes.TrimSpace(result)) != "true" {
			var m struct {
				ID   int `json:"message_id"`
				Date int `json:"date"`
				Chat struct {
					ID   int64  `json:"id"`
					Type string `json:"type"`
				} `json:"chat"`
			}
			if err := json.Unmarshal(result, &m); err != nil || m.ID == 0 {
				return nil, errors.New("the reply holds no message id")
			}
			var err error
			if result, err = json.Marshal(m); err != nil {
				return nil, err
			}
		}
	}
	return json.Marshal(map[string]any{"ok": true, "result": result})
}

// refusal is the error of a reply that is not ok.
func (t *transport) refusal(method string, status int, e envelope) *Error {
	code := or(e.ErrorCode, status)
	return &Error{
		Method: method, Code: code, Description: t.redact(e.Description),
		RetryAfter: time.Duration(e.Parameters.RetryAfter) * time.Second,
		MigratedTo: e.Parameters.MigratedTo,
		kind:       meaning(code, e.Description, e.Parameters.MigratedTo),
	}
}

// foreign is the error of a body that is not the Bot API's: a proxy's page.
func (t *transport) foreign(method string, status int, body []byte) *Error {
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(body[:min(len(body), 4096)]), "?"))
	text = truncate(t.redact(strings.Join(strings.Fields(text), " ")), 120)
	return &Error{Method: method, Code: status, Description: fmt.Sprintf("not a Bot API reply: %q", text), kind: ErrUnavailable}
}

// noReply is the error of a request that brought nothing back. A url.Error holds
// the address and thereby the token: only what it wraps is kept.
func (t *transport) noReply(method string, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if strings.Contains(err.Error(), t.token) {
		err = errors.New(t.redact(err.Error()))
	}
	return &Error{Method: method, Description: err.Error(), kind: ErrUnavailable, cause: err}
}

// redact takes the token out of a text, also in the form it has in a query.
func (t *transport) redact(text string) string {
	text = strings.ReplaceAll(text, t.token, "***")
	return strings.ReplaceAll(text, url.QueryEscape(t.token), "***")
}
