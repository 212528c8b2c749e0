package cloudflare

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// apiError is a refusal in Cloudflare's envelope.
type apiError struct {
	status, code int
	message      string
}

func (e *apiError) Error() string { return fmt.Sprintf("%s [code: %d]", e.message, e.code) }

func refuse(status, code int, format string, args ...any) *apiError {
	return &apiError{status, code, fmt.Sprintf(format, args...)}
}

// The answers that do not depend on the request.
func authenticationError(status int) *apiError { return refuse(status, 10000, "Authentication error") }

func malformed(why string) *apiError {
	return refuse(http.StatusBadRequest, 7400, "The request is malformed: %s", why)
}

func noRoute(path string) *apiError {
	return refuse(http.StatusNotFound, 7003, "Could not route to %s, perhaps your object identifier is invalid?", path)
}

// message is an entry of the envelope's errors and messages.
type message struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// resultInfo tells a client that pages through a list where it is.
type resultInfo struct {
	Page       int `json:"page"`
	PerPage    int `json:"per_page"`
	Count      int `json:"count"`
	TotalCount int `json:"total_count"`
}

// envelope is the outer form of every answer of Cloudflare's API.
type envelope struct {
	Result     any         `json:"result"`
	Errors     []message   `json:"errors"`
	Messages   []message   `json:"messages"`
	Success    bool        `json:"success"`
	ResultInfo *resultInfo `json:"result_info,omitempty"`
}

func jsonHeader() http.Header { return http.Header{"Content-Type": {"application/json"}} }

func successBody(result any, info *resultInfo, messages ...message) ([]byte, error) {
	if messages == nil {
		messages = []message{}
	}
	return json.Marshal(envelope{Result: result, Errors: []message{}, Messages: messages, Success: true, ResultInfo: info})
}

func failureBody(code int, text string) []byte {
	body, err := json.Marshal(envelope{Errors: []message{{code, text}}, Messages: []message{}})
	if err != nil {
		panic(err) // numbers and strings always marshal
	}
	return body
}
