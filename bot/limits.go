package bot

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// spareTokens is how many messages of a chat's savings progress edits leave for
// what matters more: answers, requests, results.
const spareTokens = 3

// limits knows how much each chat may still be sent. Telegram's own limits are
// not documented exactly, so a 429 has the last word: it freezes the chat.
type limits struct {
	pace Pace
	all  *rate.Limiter

	mu    sync.Mutex
	chats map[int64]*chatLimit
}

type chatLimit struct {
	bucket *rate.Limiter
	burst  int
	frozen time.Time
}

func newLimits(p Pace) *limits {
	return &limits{pace: p, all: rate.NewLimiter(every(p.All), 30), chats: map[int64]*chatLimit{}}
}

// every is rate.Every with a negative interval as no limit.
func every(d time.Duration) rate.Limit {
	if d < 0 {
		return rate.Inf
	}
	return rate.Every(d)
}

func (l *limits) chat(chat int64) *chatLimit {
	c, ok := l.chats[chat]
	if !ok {
		interval, burst := l.pace.Group, l.pace.GroupBurst
		if chat > 0 {
			interval, burst = l.pace.Private, l.pace.PrivateBurst
		}
		c = &chatLimit{bucket: rate.NewLimiter(every(interval), burst), burst: burst}
		l.chats[chat] = c
	}
	return c
}

// take uses up one message of the chat's savings and returns 0, or takes nothing
// and returns how long to wait before asking again. It leaves spare messages for
// others, where the chat can save that many.
func (l *limits) take(chat int64, spare int) time.Duration {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.chat(chat)
	if d := c.frozen.Sub(now); d > 0 {
		return d
	}
	need := 1 + float64(min(spare, c.burst-1))
	if have := c.bucket.TokensAt(now); c.bucket.Limit() != rate.Inf && have < need {
		return max(time.Duration((need-have)/float64(c.bucket.Limit())*float64(time.Second)), time.Millisecond)
	}
	if !c.bucket.AllowN(now, 1) {
		return time.Millisecond
	}
	return 0
}

// freeze stops a chat for as long as Telegram asked.
func (l *limits) freeze(chat int64, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(d); until.After(l.chat(chat).frozen) {
		l.chat(chat).frozen = until
	}
}
