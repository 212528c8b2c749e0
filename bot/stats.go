package bot

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

// Stats is what was asked of Telegram since the Bot was made, and what waits to be
// delivered.
type Stats struct {
	// Calls are the requests by method and status, in that order. One that was
	// repeated counts each time.
	Calls []CallCount
	// Waiting is how many cards have something to deliver, those included that
	// only keep the pace of edits. Oldest is since when the first of them waits;
	// zero where none does.
	Waiting int
	Oldest  time.Time
	// Paused is how many chats Telegram wants nothing sent to for a while (429).
	Paused int
}

// CallCount is how many requests of a method ended in one way.
type CallCount struct {
	// Method is the Bot API's: "sendMessage".
	Method string
	// Status is "ok", "429", "4xx" for another refusal, "5xx", or "none" where
	// there was no answer, or none of the Bot API's.
	Status string
	Calls  int64
}

// Stats is how things stand now.
func (b *Bot) Stats() Stats {
	s := Stats{Calls: b.client.transport.calls.all(), Paused: b.outbox.limits.paused()}
	s.Waiting, s.Oldest = b.outbox.waiting()
	return s
}

// waiting counts the cards with something to deliver.
func (o *Outbox) waiting() (n int, oldest time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, j := range o.jobs {
		if oldest.IsZero() || j.since.Before(oldest) {
			oldest = j.since
		}
	}
	return len(o.jobs), oldest
}

// paused counts the chats that are frozen.
func (l *limits) paused() int {
	now, n := time.Now(), 0
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.chats {
		if c.frozen.After(now) {
			n++
		}
	}
	return n
}

// callTally counts requests by how they ended.
type callTally struct {
	mu     sync.Mutex
	counts map[[2]string]int64
}

// add counts one request. The error is that of transport.once.
func (t *callTally) add(method string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[[2]string]int64{}
	}
	t.counts[[2]string{method, statusOf(err)}]++
}

func statusOf(err error) string {
	var e *Error
	switch {
	case err == nil:
		return "ok"
	case !errors.As(err, &e) || e.Code < 400:
		return "none"
	case e.Code == 429:
		return "429"
	case e.Code < 500:
		return "4xx"
	}
	return "5xx"
}

func (t *callTally) all() []CallCount {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]CallCount, 0, len(t.counts))
	for key, n := range t.counts {
		list = append(list, CallCount{Method: key[0], Status: key[1], Calls: n})
	}
	slices.SortFunc(list, func(a, b CallCount) int {
		return cmp.Or(strings.Compare(a.Method, b.Method), strings.Compare(a.Status, b.Status))
	})
	return list
}
