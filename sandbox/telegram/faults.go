package telegram

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// FaultKind is a way in which a request goes wrong.
type FaultKind string

// The faults.
const (
	TooManyRequests FaultKind = "too many requests" // 429 with RetryAfter, no effect
	ServerError     FaultKind = "server error"      // 500 in JSON, no effect
	BadGateway      FaultKind = "bad gateway"       // 502 in HTML from a proxy, no effect
	ConflictError   FaultKind = "conflict"          // 409 as another poller causes it, no effect
	LostBefore      FaultKind = "lost before"       // the connection breaks and nothing has happened
	LostAfter       FaultKind = "lost after"        // the request is carried out, then the connection breaks
	ErrorAfter      FaultKind = "error after"       // the request is carried out, then 502 in HTML
	Slow            FaultKind = "slow"              // carried out after Delay, or once Until is closed
	WasMigrated     FaultKind = "migrated"          // 400 with migrate_to_chat_id MigrateTo, no effect
	WasKicked       FaultKind = "kicked"            // 403, no effect
	Again           FaultKind = "again"             // getUpdates only: the updates it confirms are delivered once more
)

// Fault makes the next requests that match it go wrong.
type Fault struct {
	Kind   FaultKind
	Method string // which method; "" means all but getUpdates
	Chat   int64  // only requests with this chat_id; 0 means any
	Skip   int    // let so many matching requests pass first
	Times  int    // then spoil so many; 0 means one

	RetryAfter time.Duration   // TooManyRequests, in whole seconds; default 1 s
	Delay      time.Duration   // Slow
	Until      <-chan struct{} // Slow: instead of Delay
	MigrateTo  int64           // WasMigrated
	Reset      bool            // LostBefore, LostAfter: by a TCP reset instead of an orderly end
}

type armedFault struct{ Fault }

// Fault adds a fault. Faults are tried in the order in which they were added; the first that matches is used.
func (s *Server) Fault(f Fault) {
	if f.Times <= 0 {
		f.Times = 1
	}
	if f.RetryAfter < time.Second {
		f.RetryAfter = time.Second
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &armedFault{f})
}

// takeFault finds the fault for a request and uses it once; nil where there is none.
func (s *Server) takeFault(r *request) *armedFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if !f.matches(r) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		f.Times--
		if f.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return f
	}
	return nil
}

func (f *armedFault) matches(r *request) bool {
	if f.Method == "" && r.method == "getUpdates" || f.Method != "" && f.Method != r.method {
		return false
	}
	return f.Chat == 0 || strconv.FormatInt(f.Chat, 10) == r.str("chat_id")
}

// withFaults carries a request out, or lets it go wrong.
func (s *Server) withFaults(ctx context.Context, r *request, carryOut func() reply) reply {
	f := s.takeFault(r)
	if f == nil {
		return carryOut()
	}
	switch f.Kind {
	case TooManyRequests:
		return errorReply(tooMany(f.RetryAfter))
	case ServerError:
		return errorReply(&apiError{code: http.StatusInternalServerError, text: "Internal Server Error"})
	case BadGateway:
		return badGateway()
	case ConflictError:
		return errorReply(&apiError{code: http.StatusConflict, text: conflictPoll})
	case LostBefore:
		return reply{broken: true, reset: f.Reset}
	case LostAfter:
		carryOut()
		return reply{broken: true, reset: f.Reset}
	case ErrorAfter:
		carryOut()
		return badGateway()
	case WasMigrated:
		e := badRequest("group chat was upgraded to a supergroup chat")
		e.migratedTo = f.MigrateTo
		return errorReply(e)
	case WasKicked:
		return errorReply(forbidden("bot was kicked from the supergroup chat"))
	case Again:
		s.mu.Lock()
		s.inbox.keep = true
		s.mu.Unlock()
	case Slow:
		if err := s.slow(ctx, f); err != nil {
			return reply{broken: true}
		}
	}
	return carryOut()
}

func (s *Server) slow(ctx context.Context, f *armedFault) error {
	if f.Until == nil {
		return s.o.Wait(ctx, f.Delay)
	}
	select {
	case <-f.Until:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.ctx.Done():
		return errClosed
	}
}

func tooMany(after time.Duration) *apiError {
	seconds := max(1, int((after+time.Second-1)/time.Second))
	return &apiError{
		code: http.StatusTooManyRequests, retryAfter: seconds,
		text: fmt.Sprintf("Too Many Requests: retry after %d", seconds),
	}
}

// badGateway is what a proxy in front of Telegram says.
func badGateway() reply {
	return reply{status: http.StatusBadGateway, kind: "text/html", body: []byte(
		"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n")}
}

// breakConnection ends the connection without an answer.
func breakConnection(w http.ResponseWriter, reset bool) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		// An error here means that the connection is gone already, which is what is wanted.
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
