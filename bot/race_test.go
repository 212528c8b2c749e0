package bot_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
	"towline/sandbox/telegram"
)

// lateReply is a Telegram whose replies to a method take a while to come back.
type lateReply struct {
	http.RoundTripper
	method string
	delay  time.Duration
}

func (l lateReply) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	if path.Base(r.URL.Path) == l.method {
		elapse(l.delay)
	}
	return resp, err
}

func TestAButtonCanBePressedBeforeItsMessageIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.adjust = func(o *bot.Options) { o.Transport = lateReply{wire{r.server}, "sendMessage", time.Second} }
		r.start()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "approve?", Buttons: buttons("yes")})
		r.until(group, "the card", func(m []telegram.Message) bool { return len(own(m)) == 1 })
		r.press(lead, group, r.posts(group)[0].ID, "yes")
		_, presses, _ := r.handler.seen()
		if len(presses) != 1 || !presses[0].Current {
			t.Errorf("got %+v", presses)
		}
		r.settle()
		if live := r.live(group); len(live) != 1 || len(r.posts(group)) != 1 {
			t.Errorf("live %v of %+v", live, r.posts(group))
		}
	})
}

// futureReply is a Telegram whose messages hold things that are newer than any
// library.
type futureReply struct{ http.RoundTripper }

func (f futureReply) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := f.RoundTripper.RoundTrip(r)
	if err != nil || !strings.HasPrefix(path.Base(r.URL.Path), "send") {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	future := `"message_id":$1,"reply_to_message":{"message_id":1,"date":1,"chat":{},"forward_origin":{"type":"from_the_future"}}`
	body = regexp.MustCompile(`"message_id":(\d+)`).ReplaceAll(body, []byte(future))
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, err
}

func TestAReplyThatTheLibraryCannotDecodeDoesNotSendTheMessageTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.adjust = func(o *bot.Options) { o.Transport = futureReply{wire{r.server}} }
		r.start()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one"})
		r.settle()
		if posts := r.posts(group); len(posts) != 1 {
			t.Errorf("got %+v", posts)
		}
	})
}

func TestAButtonCanBePressedBeforeItsEditIsConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.adjust = func(o *bot.Options) { o.Transport = lateReply{wire{r.server}, "editMessageText", time.Second} }
		r.start()
		frame := bot.Frame{Place: bot.Place{Chat: group}, HTML: "deploying", Buttons: buttons("cancel")}
		r.want("run/1", frame)
		r.settle()
		frame.HTML, frame.Buttons = "deployed", buttons("promote")
		r.want("run/1", frame)
		r.until(group, "the edit", func(m []telegram.Message) bool { return newest(own(m), "deployed") != 0 })
		r.press(lead, group, r.posts(group)[0].ID, "promote")
		if _, presses, _ := r.handler.seen(); len(presses) != 1 || !presses[0].Current {
			t.Errorf("got %+v", presses)
		}
	})
}

// intrusive is a store that does something of its own after every read of a card.
type intrusive struct {
	bot.Store
	after func()
}

func (i intrusive) Card(ctx context.Context, key string) (bot.Card, bool, error) {
	c, found, err := i.Store.Card(ctx, key)
	i.after()
	return c, found, err
}

func TestAFrameThatIsWantedAtAnyMomentOfADeliveryIsDelivered(t *testing.T) {
	for moment := range 4 { // the reads of the card in its first delivery and the next
		t.Run(fmt.Sprint("after read ", moment+1), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				reads := 0
				var once sync.Once
				var wanting sync.WaitGroup
				r.port = func(s bot.Store) bot.Store {
					return intrusive{s, func() {
						if reads++; reads > moment {
							once.Do(func() {
								wanting.Go(func() { r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "two"}) })
								wanting.Wait()
							})
						}
					}}
				}
				r.start()
				r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one"})
				r.settle()
				if moment > 1 {
					r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one, again"})
					r.settle()
				}
				elapse(time.Minute)
				posts := r.posts(group)
				if len(posts) != 1 || posts[0].Text != "two" {
					t.Errorf("got %+v", posts)
				}
			})
		})
	}
}

func TestProgressLeavesRoomForWhatMatters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *bot.Options) { o.Pace = bot.Pace{Edit: time.Millisecond} })
		r.start()
		// Cards that change all the time use up what the chat has saved.
		for i := range 100 {
			r.want(fmt.Sprint("run/", i%2), bot.Frame{Place: bot.Place{Chat: group}, HTML: fmt.Sprint("step ", i)})
			elapse(100 * time.Millisecond)
		}
		began := time.Now()
		r.want("run/2", bot.Frame{Place: bot.Place{Chat: group}, HTML: "failed", Final: true, Notify: true})
		r.until(group, "the failure", func(m []telegram.Message) bool { return newest(own(m), "failed") != 0 })
		if d := time.Since(began); d > time.Second {
			t.Errorf("an urgent message waited %s behind progress", d)
		}
	})
}

func TestANewMessageGoesBeforeEdits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *bot.Options) { o.Pace.Edit = time.Millisecond })
		r.start()
		for i := range 3 {
			r.want(fmt.Sprint("run/", i), bot.Frame{Place: bot.Place{Chat: group}, HTML: "one"})
		}
		r.settle()
		synctest.Wait()
		r.server.Fault(telegram.Fault{Kind: telegram.TooManyRequests, Method: "editMessageText", RetryAfter: 10 * time.Second})
		before := len(r.server.Calls())
		for i := range 3 {
			r.want(fmt.Sprint("run/", i), bot.Frame{Place: bot.Place{Chat: group}, HTML: "two"})
		}
		synctest.Wait()
		r.want("run/final", bot.Frame{Place: bot.Place{Chat: group}, HTML: "important", Final: true})
		r.settle()
		var order []string
		for _, c := range r.server.Calls()[before:] {
			if c.Status == 200 && c.Method != "getUpdates" {
				order = append(order, c.Method)
			}
		}
		if len(order) != 4 || order[0] != "sendMessage" {
			t.Errorf("after the pause: %v", order)
		}
	})
}

func TestAStopDeliversWhatOnlyThePaceHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one"})
		r.settle()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "two"})
		began := time.Now()
		must(t, r.stop())
		if posts := r.posts(group); len(posts) != 1 || posts[0].Text != "two" {
			t.Errorf("after the stop: %+v", posts)
		}
		if d := time.Since(began); d > time.Second {
			t.Errorf("the stop took %s", d)
		}
	})
}

func TestAStopDoesNotWaitForAFrozenChat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		r.server.Fault(telegram.Fault{Kind: telegram.TooManyRequests, Method: "sendMessage", RetryAfter: time.Hour})
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one"})
		synctest.Wait()
		began := time.Now()
		must(t, r.stop())
		if d := time.Since(began); d > time.Second {
			t.Errorf("the stop took %s", d)
		}
		r.restart()
		synctest.Wait()
		r.settle()
		if posts := r.posts(group); len(posts) != 1 {
			t.Errorf("after the restart: %+v", posts)
		}
	})
}
