package telegram

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxCalls is how many requests Calls remembers.
const maxCalls = 10_000

// Call is one request of the bot and what it was answered.
type Call struct {
	Method string            // as the specification spells it
	Params map[string]string // as sent; objects as JSON; an uploaded file as its name; secret_token is masked
	Status int               // HTTP status; 0 where the connection was broken
	Answer []byte            // the body of the answer, as far as it was sent; nil where the connection was broken before it
	At     time.Time
}

// reply is an answer on its way to the client.
type reply struct {
	status int
	kind   string // Content-Type
	body   []byte
	broken bool // close the connection instead
	reset  bool // … by a TCP reset
	half   bool // close the connection in the middle of the body
	after  int  // Retry-After, in seconds
}

// ServeHTTP answers /bot<TOKEN>/<method> and /file/bot<TOKEN>/<path>.
func (s *Server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	if rest, ok := strings.CutPrefix(hr.URL.Path, "/file/bot"); ok {
		if instead, down := s.outageNow(); down {
			s.write(w, instead)
			return
		}
		s.serveFile(w, rest)
		return
	}
	rest, ok := strings.CutPrefix(hr.URL.Path, "/bot")
	token, method, slash := strings.Cut(rest, "/")
	switch {
	case !ok || !slash:
		s.write(w, errorReply(&apiError{code: http.StatusNotFound, text: "Not Found"}))
	case !s.isToken(token):
		s.write(w, errorReply(&apiError{code: http.StatusUnauthorized, text: "Unauthorized"}))
	case hr.Method != http.MethodGet && hr.Method != http.MethodPost:
		s.write(w, errorReply(&apiError{code: http.StatusMethodNotAllowed, text: "Method Not Allowed"}))
	default:
		s.serveMethod(w, hr, method)
	}
}

func (s *Server) isToken(token string) bool {
	return subtle.ConstantTimeCompare([]byte(token), []byte(s.o.Token)) == 1
}

// serveMethod reads, carries out, records and answers one request.
func (s *Server) serveMethod(w http.ResponseWriter, hr *http.Request, method string) {
	start := s.o.Now()
	name, params, known := s.spec.method(method)
	r, failed := readRequest(hr)
	if r == nil {
		r = &request{}
	}
	r.method = name
	var rp reply
	switch {
	case !known:
		r.method = method
		rp = errorReply(s.violation(method, &apiError{code: http.StatusNotFound, text: "Not Found: method not found", malformed: true}))
	case failed != nil:
		rp = errorReply(s.violation(name, failed))
	default:
		rp = s.withFaults(hr.Context(), r, func() reply { return s.carryOut(hr.Context(), r, params) })
	}
	s.record(r, rp, start)
	s.write(w, rp)
}

// carryOut checks a request and does what it asks.
func (s *Server) carryOut(ctx context.Context, r *request, params object) reply {
	if s.ctx.Err() != nil {
		return errorReply(restarting())
	}
	if s.o.EmptyCopyText && r.values["reply_markup"] != "" {
		r.values["reply_markup"] = withoutEmptyCopyText(r.values["reply_markup"])
	}
	if problems := s.spec.check(r, params); len(problems) > 0 {
		for _, problem := range problems[1:] {
			s.violation(r.method, malformed(problem))
		}
		return errorReply(s.violation(r.method, malformed(problems[0])))
	}
	result, failed := s.call(ctx, r)
	if failed != nil {
		return errorReply(s.violation(r.method, failed))
	}
	body, err := json.Marshal(map[string]any{"ok": true, "result": result})
	if err != nil {
		return errorReply(&apiError{code: http.StatusInternalServerError, text: "Internal Server Error: " + err.Error()})
	}
	return reply{status: http.StatusOK, kind: "application/json", body: body}
}

// call runs the method. getUpdates waits and so takes the lock itself.
func (s *Server) call(ctx context.Context, r *request) (any, *apiError) {
	if r.method == "getUpdates" {
		return s.getUpdates(ctx, r)
	}
	m, ok := methodTable()[r.method]
	if !ok {
		return nil, malformed(fmt.Sprintf("the sandbox does not carry out %s", r.method))
	}
	for name := range r.names() {
		if r.values[name] != "" && !m.takes(name) {
			return nil, malformed(fmt.Sprintf("the sandbox does not carry out parameter %q of %s", name, r.method))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	result, failed := m.do(s, r)
	if s.save() != nil {
		return nil, restarting() // nobody may be told of what is not kept
	}
	return result, failed
}

// restarting is what a server answers that is about to end.
func restarting() *apiError {
	return &apiError{code: http.StatusInternalServerError, text: "Internal Server Error: restart"}
}

// violation notes a request that is wrong in itself, and passes the error on.
func (s *Server) violation(method string, e *apiError) *apiError {
	if e.malformed {
		s.mu.Lock()
		s.violations = append(s.violations, method+": "+e.text)
		s.mu.Unlock()
	}
	return e
}

// Violations returns every request so far that is wrong whatever the state of the chats: unknown methods and parameters, wrong
// types, impossible buttons, broken HTML, texts that are empty or too long, and methods the sandbox does not carry out.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.violations...)
}

// Calls returns the latest requests (at most 10,000), oldest first. A request under way is not in it yet.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

func (s *Server) record(r *request, rp reply, start time.Time) {
	c := Call{Method: r.method, Params: r.params(), Status: rp.status, Answer: rp.body, At: start}
	if rp.broken {
		c.Status, c.Answer = 0, nil
	}
	if rp.half {
		c.Answer = rp.body[:len(rp.body)/2]
	}
	s.o.Logger.Debug("request", "method", c.Method, "status", c.Status)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) >= maxCalls {
		s.calls = append(s.calls[:0], s.calls[maxCalls/10:]...)
	}
	s.calls = append(s.calls, c)
	s.notify()
}

func errorReply(e *apiError) reply {
	if e.instead != nil {
		return *e.instead
	}
	answer := map[string]any{"ok": false, "error_code": e.code, "description": e.text}
	parameters := map[string]any{}
	if e.retryAfter > 0 {
		parameters["retry_after"] = e.retryAfter
	}
	if e.migratedTo != 0 {
		parameters["migrate_to_chat_id"] = e.migratedTo
	}
	if len(parameters) > 0 {
		answer["parameters"] = parameters
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic("telegram: an error answer that is no JSON: " + err.Error()) // only texts and numbers are in it
	}
	return reply{status: e.code, kind: "application/json", body: body, after: e.retryAfter}
}

func (s *Server) write(w http.ResponseWriter, rp reply) {
	if rp.broken {
		breakConnection(w, rp.reset)
		return
	}
	if rp.half {
		writeHalf(w, rp)
		return
	}
	w.Header().Set("Content-Type", rp.kind)
	if rp.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(rp.after))
	}
	w.WriteHeader(rp.status)
	if _, err := w.Write(rp.body); err != nil {
		s.o.Logger.Debug("the client has gone", "error", err)
	}
}
