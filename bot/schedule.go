package bot

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// mostDeliveries is how many chats are posted to at once.
const mostDeliveries = 8

// overdue is when a delivery is no longer passed over by those of progress.
const overdue = time.Minute

// rank is how urgent a delivery is: lower ones go first.
type rank int

// The ranks, in the order of Kind.
const (
	rankAnswer rank = iota
	rankApproval
	rankAlert
	rankProgress
	rankReport
	rankStrip // taking buttons from old messages
)

// spare is how many messages of a chat's savings a delivery leaves for what is
// more urgent.
func (r rank) spare() int {
	if r < rankProgress {
		return 0
	}
	return spareTokens
}

// rank is how urgent the next step of a card is.
func (c Card) rank() rank {
	f := c.Wanted
	fresh := c.Message == 0 || f.Repost > c.Reposted || c.Attempt != nil
	if !fresh && c.SentHash == c.WantedHash {
		return rankStrip
	}
	switch f.Kind {
	case KindAnswer:
		return rankAnswer
	case KindApproval:
		return rankApproval
	case KindAlert:
		return rankAlert
	case KindProgress:
		return rankProgress
	case KindReport:
		return rankReport
	}
	switch {
	case fresh && f.Notify && len(f.data()) > 0:
		return rankApproval
	case fresh && f.ReplyTo != 0 && f.Repost == 0:
		return rankAnswer
	case fresh:
		return rankAlert
	case f.Final:
		return rankApproval
	}
	return rankProgress
}

// job is a card with something to deliver. It exists from the moment the card
// is wanted until Telegram shows it or delivery is given up.
type job struct {
	key    string
	chat   int64
	rank   rank
	since  time.Time // when it was first wanted
	order  uint64
	due    time.Time // not before
	paced  bool      // due comes from the pace of edits alone
	flying bool      // being delivered
	dirty  bool      // changed meanwhile
	retry  *backoff.ExponentialBackOff
}

// schedule takes note that a card's record has changed.
func (o *Outbox) schedule(c Card) {
	o.mu.Lock()
	defer o.mu.Unlock()
	j, ok := o.jobs[c.Key]
	if !ok && c.Settled() {
		return
	}
	if !ok {
		o.order++
		j = &job{key: c.Key, order: o.order, since: time.Now()}
		o.jobs[c.Key] = j
	}
	if j.flying {
		j.dirty = true
		return
	}
	o.plan(j, c)
	o.nudge()
}

// plan sets when and how urgently the next step of a card is due.
func (o *Outbox) plan(j *job, c Card) {
	j.chat = o.aliases.resolve(c.Wanted.Place.Chat)
	j.rank = c.rank()
	j.paced = false
	if j.retry != nil {
		return // it keeps the time that its last failure set
	}
	j.due = time.Now()
	edit := c.Message != 0 && c.Wanted.Repost <= c.Reposted && c.SentHash != c.WantedHash && !c.Wanted.Final
	if next := o.edited[j.key].Add(o.pace.Edit); edit && next.After(j.due) {
		j.due, j.paced = next, true
	}
}

// nudge makes the sender look again.
func (o *Outbox) nudge() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// load schedules what an earlier process left undone.
func (o *Outbox) load(ctx context.Context) error {
	for _, chat := range o.aliases.old() {
		if err := o.rehome(ctx, chat); err != nil {
			return err
		}
	}
	cards, err := o.store.Unsettled(ctx)
	if err != nil {
		return err
	}
	slices.SortStableFunc(cards, func(a, b Card) int { return a.Changed.Compare(b.Changed) })
	for _, c := range cards {
		o.schedule(c)
	}
	return nil
}

// run delivers until ctx ends, and returns when the deliveries under way have
// come back. Those go on with the context that work gives them.
func (o *Outbox) run(ctx, work context.Context) {
	var deliveries sync.WaitGroup
	defer deliveries.Wait()
	for ctx.Err() == nil {
		j, wait := o.next()
		if j != nil {
			deliveries.Go(func() { o.deliver(work, j) })
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-o.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// next picks the job to deliver now, or says how long there is none.
func (o *Outbox) next() (*job, time.Duration) {
	const nothing = time.Hour
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.busy) >= mostDeliveries {
		return nil, nothing // a delivery that ends nudges
	}
	now, wait := time.Now(), nothing
	best := map[int64]*job{} // of each chat
	for _, j := range o.jobs {
		if j.flying || o.busy[j.chat] {
			continue
		}
		if d := j.due.Sub(now); d > 0 && !(o.hasty && j.paced) {
			wait = min(wait, d)
			continue
		}
		if b := best[j.chat]; b == nil || j.before(b, now) {
			best[j.chat] = j
		}
	}
	for len(best) > 0 {
		var first *job
		for _, j := range best {
			if first == nil || j.before(first, now) {
				first = j
			}
		}
		d := o.limits.take(first.chat, first.urgency(now).spare())
		if d == 0 {
			first.flying, o.busy[first.chat] = true, true
			return first, 0
		}
		wait = min(wait, d)
		delete(best, first.chat)
	}
	if o.flushed != nil && len(o.busy) == 0 {
		close(o.flushed)
		o.flushed = nil
	}
	return nil, wait
}

// before orders jobs by urgency, then by age.
func (j *job) before(k *job, now time.Time) bool {
	if a, b := j.urgency(now), k.urgency(now); a != b {
		return a < b
	}
	return j.order < k.order
}

// urgency is the rank of a job, which after a while is that of progress at least.
func (j *job) urgency(now time.Time) rank {
	if j.rank > rankProgress && now.Sub(j.since) > overdue {
		return rankProgress
	}
	return j.rank
}

// landed takes note of how a delivery ended: the card as it is stored now, and
// how long to wait when it failed.
func (o *Outbox) landed(j *job, c Card, gone bool, wait time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.busy, j.chat)
	j.flying = false
	switch {
	case wait > 0:
		j.due, j.paced, j.dirty = time.Now().Add(wait), false, false
	case (gone || c.Settled()) && !j.dirty:
		delete(o.jobs, j.key)
		o.forgetPace()
	default:
		// Something came in between: look at what is stored, at once. It has had its turn and goes behind the others, or a
		// card that changes all the time would take every one.
		o.order++
		j.order, j.since, j.dirty = o.order, time.Now(), false
		o.plan(j, c)
	}
	if len(o.jobs) == 0 {
		for _, idle := range o.idle {
			close(idle)
		}
		o.idle = nil
	}
	o.nudge()
}

// forgetPace drops what no longer holds anything back.
func (o *Outbox) forgetPace() {
	if len(o.edited) < 1000 {
		return
	}
	for key, at := range o.edited {
		if time.Since(at) > o.pace.Edit {
			delete(o.edited, key)
		}
	}
}

// flush delivers what can go out at once, without the pace of edits, and returns
// when nothing of that kind is left or ctx ends. What has to wait for Telegram is
// delivered after the next start.
func (o *Outbox) flush(ctx context.Context) {
	flushed := make(chan struct{})
	o.mu.Lock()
	o.hasty, o.flushed = true, flushed
	o.mu.Unlock()
	o.nudge()
	select {
	case <-flushed:
	case <-ctx.Done():
	}
}
