package bot

import (
	"context"
	"errors"
	"sync"
	"time"
)

// answerTime is how long after a press its answer is worth trying; later than that
// nobody sees it.
const answerTime = 15 * time.Second

// answerTo gives a function that answers a press once. When it is not called in
// time the press is answered without it, as Telegram would soon refuse. A press
// that waited for a restart is answered in any case: trying costs nothing.
// The answers themselves do not hold up the chat.
func (b *Bot) answerTo(ctx context.Context, u queued, query string) func(Toast) {
	toasts := make(chan Toast, 1)
	left := slowPress - b.options.Now().Sub(u.Received)
	b.answers.Go(func() {
		toast := b.options.SlowPress
		if left > 0 {
			timer := time.NewTimer(left)
			defer timer.Stop()
			select {
			case toast = <-toasts:
			case <-timer.C:
			}
		} else {
			toast = <-toasts
		}
		b.answer(b.outlasting(ctx), u, query, toast)
	})
	var once sync.Once
	return func(t Toast) { once.Do(func() { toasts <- t }) }
}

// outlasting is the context of what goes on after its handler has ended, until a stop wants to be over.
func (b *Bot) outlasting(ctx context.Context) context.Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.answering != nil {
		return b.answering
	}
	return context.WithoutCancel(ctx)
}

// answer shows a toast, for as long as Telegram takes an answer. Where Telegram
// asks for a pause it comes again after that, if there is time for it.
func (b *Bot) answer(ctx context.Context, u queued, query string, toast Toast) {
	left := max(answerTime-b.options.Now().Sub(u.Received), answerTime-slowPress)
	end := time.Now().Add(left)
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	for {
		err := b.client.answer(ctx, query, toast)
		if err == nil {
			return
		}
		var e *Error
		pause := time.Duration(0)
		if errors.As(err, &e) && errors.Is(err, ErrTooMany) {
			pause = max(e.RetryAfter, time.Second)
		}
		if pause == 0 || time.Until(end) <= pause {
			b.log.Warn("a press could not be answered", "update", u.ID, "error", err)
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}
