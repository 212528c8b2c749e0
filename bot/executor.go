package bot

import (
	"context"
	"sync"
)

// mostWaiting is how many updates may wait for their chats before no more are
// taken in. They are journaled, so this bounds memory, not safety.
const mostWaiting = 1000

// executors run the updates of one chat one after the other, and those of
// different chats side by side.
type executors struct {
	handle func(ctx context.Context, u queued)
	slots  chan struct{}

	// hard is the context of handlers: it ends when a stop has waited long enough.
	hard   context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	queues  map[int64][]queued // a chat that has an entry has a goroutine
	waiting int
	stopped bool
	room    chan struct{} // closed when waiting falls; nil when nobody waits
}

// queued is an update on its way to its handler.
type queued struct {
	Update
	decoded wireUpdate
	err     error // of decoding
}

func newExecutors(ctx context.Context, chats int, handle func(context.Context, queued)) *executors {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	return &executors{
		handle: handle, slots: make(chan struct{}, chats), hard: hard, cancel: cancel, queues: map[int64][]queued{},
	}
}

// submit puts an update into its chat's queue. After a stop it stays in the
// journal instead.
func (e *executors) submit(chat int64, u queued) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return
	}
	e.waiting++
	q, running := e.queues[chat]
	e.queues[chat] = append(q, u)
	if !running {
		e.wg.Go(func() { e.run(chat) })
	}
}

// run handles the queue of a chat until it is empty.
func (e *executors) run(chat int64) {
	for {
		e.slots <- struct{}{}
		u, ok := e.take(chat)
		if ok {
			e.handle(e.hard, u)
		}
		<-e.slots
		if !ok {
			return
		}
	}
}

// take removes the first update of a chat's queue. When there is none, or a stop
// was asked for, the chat's goroutine ends.
func (e *executors) take(chat int64) (queued, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := e.queues[chat]
	if len(q) == 0 || e.stopped {
		delete(e.queues, chat)
		return queued{}, false
	}
	e.queues[chat] = q[1:]
	if e.waiting--; e.waiting < mostWaiting && e.room != nil {
		close(e.room)
		e.room = nil
	}
	return q[0], true
}

// awaitRoom returns when more updates may be taken in, or when ctx ends.
func (e *executors) awaitRoom(ctx context.Context) {
	for ctx.Err() == nil {
		e.mu.Lock()
		if e.waiting < mostWaiting {
			e.mu.Unlock()
			return
		}
		if e.room == nil {
			e.room = make(chan struct{})
		}
		room := e.room
		e.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
		}
	}
}

// full tells whether updates should rather come later.
func (e *executors) full() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.waiting >= mostWaiting
}

// stop begins no more updates and waits for those under way until ctx ends; then
// their context ends, and it waits for them to notice. What was not begun stays
// in the journal.
func (e *executors) stop(ctx context.Context) {
	e.mu.Lock()
	e.stopped = true
	e.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		e.wg.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	e.cancel()
	<-ended
}
