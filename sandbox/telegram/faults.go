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
	HalfAnswer      FaultKind = "half answer"       // the request is carried out, then the connection breaks in the middle of the answer
	Slow            FaultKind = "slow"              // carried out after Delay, or once Until is closed
	WasMigrated     FaultKind = "migrated"          // 400 with migrate_to_chat_id MigrateTo, no effect
	WasKicked       FaultKind = "kicked"            // 403, no effect
	Again           FaultKind = "again"             // getUpdates: the updates it confirms are delivered once more; Webhook: what it took is sent once more
)

// What Fault.Method may be besides a method.
const (
	AnyMethod = "*"       // every method, getUpdates included
	Webhook   = "webhook" // no request of the bot's: the server's own to the webhook, where it succeeded
)

// Fault makes the next requests that match it go wrong.
type Fault struct {
	Kind   FaultKind
	Method string // which method; "" means all but getUpdates; or AnyMethod, or Webhook
	Chat   int64  // only requests with this chat_id; 0 means any
	Skip   int    // let so many matching requests pass first
	Times  int    // then spoil so many; 0 means one, or all of them where For is set
	// For ends the fault when so much time has passed by Options.Now since it was added, however often it was used. So
	// TooManyRequests refuses a chat as long as a flood wait lasts, each time with what is left of it.
	For time.Duration

	RetryAfter time.Duration   // TooManyRequests, in whole seconds; default 1 s, or what is left of For
	Delay      time.Duration   // Slow
	Until      <-chan struct{} // Slow: instead of Delay
	MigrateTo  int64           // WasMigrated
	Reset      bool            // LostBefore, LostAfter: by a TCP reset instead of an orderly end
}

type armedFault struct {
	Fault
	till time.Time // zero: no end
}

// Fault adds a fault. Faults are tried in the order in which they were added; the first that matches is used.
func (s *Server) Fault(f Fault) {
	armed := &armedFault{Fault: f}
	switch {
	case f.For > 0:
		armed.till = s.o.Now().Add(f.For)
	case f.Times <= 0:
		armed.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, armed)
}

// takeFault finds the fault for a request and uses it once; nil where there is none.
func (s *Server) takeFault(r *request) *armedFault {
	now := s.o.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = slices.DeleteFunc(s.faults, func(f *armedFault) bool { return !f.till.IsZero() && !now.Before(f.till) })
	for i, f := range s.faults {
		if !f.matches(r) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		used := *f // as it is at this use
		if used.RetryAfter < time.Second && !f.till.IsZero() {
			used.RetryAfter = f.till.Sub(now)
		}
		if f.Times > 0 {
			f.Times--
			if f.Times == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		return &used
	}
	return nil
}

func (f *armedFault) matches(r *request) bool {
	switch f.Method {
	case r.method:
	case "":
		if r.method == "getUpdates" || r.method == Webhook {
			return false
		}
	case AnyMethod:
		if r.method == Webhook {
			return false
		}
	default:
		return false
	}
	return f.Chat == 0 || strconv.FormatInt(f.Chat, 10) == r.str("chat_id")
}

// withFaults carries a request out, or lets it go wrong.
func (s *Server) withFaults(ctx context.Context, r *request, carryOut func() reply) reply {
	if instead, down := s.outageNow(); down {
		return instead
	}
	f := s.takeFault(r)
	if f == nil {
		return carryOut()
	}
	switch f.Kind {
	case TooManyRequests:
		return errorReply(tooMany(f.RetryAfter))
	case ServerError:
		return errorReply(internalError())
	case BadGateway:
		return badGateway()
	case ConflictError:
		return errorReply(&apiError{code: http.StatusConflict, text: conflictPoll})
	case LostBefore:
		return reply{broken: true, reset: f.Reset}
	case LostAfter:
		carryOut()
		return reply{broken: true, reset: f.Reset}
	case HalfAnswer:
		rp := carryOut()
		rp.half = true
		return rp
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

func internalError() *apiError {
	return &apiError{code: http.StatusInternalServerError, text: "Internal Server Error"}
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

// writeHalf promises a whole body, sends half of it and breaks the connection.
func writeHalf(w http.ResponseWriter, rp reply) {
	w.Header().Set("Content-Type", rp.kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(rp.body)))
	w.WriteHeader(rp.status)
	// Whether the client reads that much makes no difference: what follows is a broken connection in any case.
	_, _ = w.Write(rp.body[:len(rp.body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
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
