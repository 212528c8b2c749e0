package telegram

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// How long things live and wait, as in the reference server (github.com/tdlib/telegram-bot-api, Client.h and Client.cpp).
const (
	maxPoll      = 50 * time.Second
	keepUpdate   = 24 * time.Hour
	keepQuery    = 150 * time.Second // a callback query that nobody fetched
	tooFar       = 10                // an offset further than this beyond the last update counts as nonsense
	hurryLimit   = 500 * time.Millisecond
	hurryTimeout = 3 * time.Second
	nextConflict = 3 * time.Second
	maxAnswer    = 1 << 22 // bytes of updates in one answer
)

// What getUpdates says to the poller that lost.
const (
	conflictPoll = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
	conflictHook = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
	conflictSet  = "Conflict: terminated by setWebhook request"
)

// update is one thing the bot is to be told.
type update struct {
	id      int64
	kind    string          // the field's name: message, callback_query …
	body    json.RawMessage // its value
	lane    string          // a webhook gets updates of one lane one after the other
	expires time.Time
}

// MarshalJSON writes the update as getUpdates and webhooks deliver it.
func (u *update) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"update_id": u.id, u.kind: u.body})
}

// inbox is the queue of updates that wait for the bot.
type inbox struct {
	updates []*update
	head    int64           // where a poll without offset starts
	tail    int64           // the id of the next update
	allowed map[string]bool // nil: everything but what must be asked for
	keep    bool            // the next poll forgets nothing (Again)

	poll           *poll // the one that waits
	lastOffset     int64
	lastPoll       time.Time
	conflictsUntil time.Time // until then conflicts are answered late
}

// poll is a getUpdates that waits. It gets one thing: nothing, to look again, or an error.
type poll struct{ wake chan *apiError }

func newInbox(first int64) inbox { return inbox{head: first, tail: first, lastOffset: -1} }

// mustAsk are the kinds of updates that come only to bots that list them in allowed_updates.
func mustAsk(kind string) bool {
	return kind == "chat_member" || kind == "message_reaction" || kind == "message_reaction_count"
}

// deliver puts an update into the queue. The caller holds mu.
func (s *Server) deliver(kind, lane string, body map[string]any, expires time.Time) {
	in := &s.inbox
	if in.allowed == nil && mustAsk(kind) || in.allowed != nil && !in.allowed[kind] {
		return
	}
	data, err := json.Marshal(body)
	if err != nil {
		panic("telegram: an update that is no JSON: " + err.Error()) // it is made of maps, texts and numbers
	}
	s.enqueue(kind, lane, data, expires)
}

// enqueue is deliver for what the bot gets in any case.
func (s *Server) enqueue(kind, lane string, data json.RawMessage, expires time.Time) {
	in := &s.inbox
	in.updates = append(in.updates, &update{id: in.tail, kind: kind, body: data, lane: lane, expires: expires})
	in.tail++
	s.notify()
	if in.poll != nil {
		in.poll.wake <- nil
		in.poll = nil
	}
	if s.hook != nil {
		s.startLane(s.hook, lane)
	}
}

// forget drops confirmed and expired updates.
func (in *inbox) forget(before int64, now time.Time) {
	in.updates = slices.DeleteFunc(in.updates, func(u *update) bool { return u.id < before || !u.expires.After(now) })
	in.head = in.tail
	if len(in.updates) > 0 {
		in.head = in.updates[0].id
	}
}

// from forgets what an offset confirms and returns what is to be delivered.
func (in *inbox) from(offset int64, limit int, now time.Time) []*update {
	if offset < 0 {
		keep := min(int(-offset), len(in.updates))
		in.updates = in.updates[len(in.updates)-keep:]
	}
	if offset <= 0 || offset > in.tail+tooFar || in.keep {
		offset = in.head
	}
	in.keep = false
	in.forget(offset, now)
	size := 0
	for i, u := range in.updates {
		size += len(u.body) + 50
		if i == limit || size > maxAnswer {
			return append([]*update{}, in.updates[:i]...)
		}
	}
	return append([]*update{}, in.updates...) // never nil, which would be null in JSON
}

// getUpdates waits until there are updates from the offset on, or the timeout is over.
func (s *Server) getUpdates(ctx context.Context, r *request) (any, *apiError) {
	s.mu.Lock()
	if s.hook != nil {
		s.mu.Unlock()
		return nil, s.conflict(ctx, conflictHook)
	}
	in, now := &s.inbox, s.o.Now()
	offset := r.int("offset")
	limit := 100
	if r.has("limit") {
		limit = int(min(max(r.int("limit"), 1), 100))
	}
	timeout := time.Duration(min(max(r.int("timeout"), 0), int64(maxPoll/time.Second))) * time.Second
	if failed := s.allowUpdates(r); failed != nil {
		s.mu.Unlock()
		return nil, failed
	}
	// A poller that doesn't move on is slowed down.
	if offset == in.lastOffset && now.Before(in.lastPoll.Add(hurryTimeout)) {
		timeout = max(timeout, hurryTimeout)
	}
	if offset == in.lastOffset && now.Before(in.lastPoll.Add(hurryLimit)) {
		limit = 1
	}
	in.lastOffset, in.lastPoll = offset, now
	found := in.from(offset, limit, now)
	if len(found) > 0 || timeout == 0 {
		s.unlock()
		return found, nil
	}
	if in.poll != nil {
		in.poll.wake <- &apiError{code: http.StatusConflict, text: conflictPoll}
	}
	p := &poll{wake: make(chan *apiError, 1)}
	in.poll = p
	s.unlock()
	return s.waitForUpdates(ctx, p, offset, limit, min(timeout, s.o.PollCap))
}

func (s *Server) waitForUpdates(ctx context.Context, p *poll, offset int64, limit int, timeout time.Duration) (any, *apiError) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	var failed *apiError
	select {
	case failed = <-p.wake:
	case <-timer.C:
	case <-ctx.Done():
	case <-s.ctx.Done():
		failed = restarting()
	}
	s.mu.Lock()
	if s.inbox.poll == p {
		s.inbox.poll = nil
	}
	if failed == nil && ctx.Err() == nil {
		defer s.unlock()
		return s.inbox.from(offset, limit, s.o.Now()), nil
	}
	s.mu.Unlock()
	switch {
	case failed == nil:
		return []*update{}, nil // the client has gone
	case failed.instead != nil:
		return nil, failed
	case failed.code == http.StatusConflict:
		return nil, s.conflict(ctx, failed.text)
	}
	return nil, failed
}

// conflict answers 409; the second one within three seconds comes three seconds late.
func (s *Server) conflict(ctx context.Context, text string) *apiError {
	s.mu.Lock()
	now := s.o.Now()
	late := now.Before(s.inbox.conflictsUntil)
	if !late {
		s.inbox.conflictsUntil = now.Add(nextConflict)
	}
	s.mu.Unlock()
	if late {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.ctx, cancel)()
		// If the client or the server goes meanwhile there is nobody to be late for.
		_ = s.o.Wait(ctx, nextConflict)
	}
	return &apiError{code: http.StatusConflict, text: text}
}

// allowUpdates remembers which kinds of updates the bot wants. Without the parameter the earlier choice stays.
func (s *Server) allowUpdates(r *request) *apiError {
	if !r.has("allowed_updates") {
		return nil
	}
	var kinds []string
	if failed := r.object("allowed_updates", &kinds); failed != nil {
		return failed
	}
	s.inbox.allowed = nil
	for _, kind := range kinds {
		if s.inbox.allowed == nil {
			s.inbox.allowed = map[string]bool{}
		}
		s.inbox.allowed[kind] = true
	}
	return nil
}

// dropUpdates empties the queue, as drop_pending_updates asks.
func (in *inbox) dropUpdates() {
	in.updates = nil
	in.head = in.tail
}
