package telegram

import (
	"encoding/json"
	"errors"
	"fmt"
)

// outage is a time in which Telegram does not work at all.
type outage struct{ kind FaultKind }

// answer is what every request gets meanwhile.
func (o *outage) answer() (reply, bool) {
	switch o.kind {
	case LostBefore:
		return reply{broken: true}, true
	case BadGateway:
		return badGateway(), true
	case ServerError:
		return errorReply(internalError()), true
	}
	return reply{}, false
}

// Down begins an outage: from now on every request, for a file too, goes wrong as kind says (LostBefore, BadGateway or ServerError), and
// so does the long poll that waits; no webhook is called. It lasts until up is called, which may be done twice. What people do
// meanwhile is kept for afterwards. Faults that are armed stay so. It panics for other kinds, which are no outage.
func (s *Server) Down(kind FaultKind) (up func()) {
	o := &outage{kind}
	instead, ok := o.answer()
	if !ok {
		panic(fmt.Sprintf("telegram: %q is no outage", kind))
	}
	s.mu.Lock()
	defer s.unlock()
	s.down = o
	if in := &s.inbox; in.poll != nil {
		in.poll.wake <- &apiError{instead: &instead}
		in.poll = nil
	}
	return func() {
		s.mu.Lock()
		defer s.unlock()
		if s.down != o {
			return
		}
		s.down = nil
		if s.hook != nil {
			for _, u := range s.inbox.updates {
				s.startLane(s.hook, u.lane)
			}
		}
		s.notify()
	}
}

// outageNow returns what a request gets in an outage, and false where there is none.
func (s *Server) outageNow() (reply, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down == nil {
		return reply{}, false
	}
	return s.down.answer()
}

// Inject queues an update that the sandbox would not make by itself, and returns its update_id: kind is the field's name, such as
// "message" or one that no library knows, value is any JSON. allowed_updates is not asked, and privacy mode neither. So a bot can be
// given what it cannot decode. The error says that value is no JSON.
func (s *Server) Inject(kind string, value json.RawMessage) (int64, error) {
	if kind == "" || kind == "update_id" || !json.Valid(value) {
		return 0, fmt.Errorf("telegram: %q is no update, or its value no JSON", kind)
	}
	s.mu.Lock()
	defer s.unlock()
	if s.ctx.Err() != nil {
		return 0, errClosed
	}
	id := s.inbox.tail
	s.enqueue(kind, "injected", append(json.RawMessage(nil), value...), s.o.Now().Add(keepUpdate))
	return id, nil
}

// RestartUpdateIDs makes next the id of the update that comes next, as Telegram chooses a new one at random when there were no updates
// for a week (core.telegram.org/bots/api, Update). It may be lower than those before. The error says that updates still wait.
func (s *Server) RestartUpdateIDs(next int64) error {
	s.mu.Lock()
	defer s.unlock()
	s.inbox.forget(0, s.o.Now())
	if len(s.inbox.updates) > 0 || next <= 0 {
		return errors.New("telegram: the ids of updates restart only where none waits, and with a positive one")
	}
	s.inbox.head, s.inbox.tail = next, next
	return nil
}
