package telegram

import (
	"cmp"
	"time"
)

// Limits are rate limits (Bot FAQ, "My bot is hitting limits, how do I avoid this?"; the figure for edits is the one that
// grammY's page on flood limits gives). Each is a bucket that refills evenly.
type Limits struct {
	Chat      int // messages per second to one chat; 1
	ChatBurst int // how many at once; 20
	Group     int // messages per minute to one group; 20
	Edits     int // edits per minute in one group; 20
	All       int // messages per second overall; 30
}

// limiter counts what the bot sends.
type limiter struct {
	Limits
	buckets map[bucketKey]*bucket
}

type bucketKey struct {
	what string
	chat int64
}

// bucket holds tokens, of which each message takes one.
type bucket struct {
	tokens float64
	last   time.Time
}

func newLimiter(l Limits) limiter {
	l.Chat = cmp.Or(l.Chat, 1)
	l.ChatBurst = cmp.Or(l.ChatBurst, 20)
	l.Group = cmp.Or(l.Group, 20)
	l.Edits = cmp.Or(l.Edits, 20)
	l.All = cmp.Or(l.All, 30)
	return limiter{Limits: l, buckets: map[bucketKey]*bucket{}}
}

// rate is a bucket's size and how much flows in per second.
type rate struct {
	key       bucketKey
	size      float64
	perSecond float64
}

// send returns how long the bot must wait before it may send n messages to a chat: 0 means now, and they are counted.
func (l *limiter) send(now time.Time, c *chat, n int) time.Duration {
	rates := []rate{
		{bucketKey{"all", 0}, float64(l.All), float64(l.All)},
		{bucketKey{"chat", c.id}, float64(l.ChatBurst), float64(l.Chat)},
	}
	if c.kind != private {
		rates = append(rates, rate{bucketKey{"group", c.id}, float64(l.Group), float64(l.Group) / 60})
	}
	return l.take(now, float64(n), rates)
}

// edit is send for edits, which only groups limit.
func (l *limiter) edit(now time.Time, c *chat) time.Duration {
	if c.kind == private {
		return 0
	}
	return l.take(now, 1, []rate{{bucketKey{"edits", c.id}, float64(l.Edits), float64(l.Edits) / 60}})
}

func (l *limiter) take(now time.Time, n float64, rates []rate) time.Duration {
	var longest time.Duration
	for _, r := range rates {
		b := l.buckets[r.key]
		if b == nil {
			b = &bucket{tokens: r.size, last: now}
			l.buckets[r.key] = b
		}
		if passed := now.Sub(b.last).Seconds(); passed > 0 {
			b.tokens = min(r.size, b.tokens+passed*r.perSecond)
			b.last = now
		}
		if lack := n - b.tokens; lack > 1e-9 {
			longest = max(longest, time.Duration(lack/r.perSecond*float64(time.Second)))
		}
	}
	if longest > 0 {
		return longest
	}
	for _, r := range rates {
		l.buckets[r.key].tokens -= n
	}
	return 0
}
