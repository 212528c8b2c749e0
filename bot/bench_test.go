package bot_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"towline/bot"
	"towline/store"
)

// counting is a handler that checks that the commands of a chat come in order.
type counting struct {
	mu   sync.Mutex
	next map[int64]int
	bad  []string
	left int
	done chan struct{}
}

func (c *counting) Command(_ context.Context, m bot.Command) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n, err := strconv.Atoi(m.Args[0]); err != nil || n != c.next[m.Place.Chat] {
		c.bad = append(c.bad, fmt.Sprintf("chat %d: %s after %d", m.Place.Chat, m.Args[0], c.next[m.Place.Chat]-1))
	}
	c.next[m.Place.Chat]++
	if c.left--; c.left == 0 {
		close(c.done)
	}
	return nil
}

func (c *counting) Press(context.Context, bot.Press) (bot.Toast, error) { return bot.Toast{}, nil }
func (c *counting) Reply(context.Context, bot.Reply) error              { return nil }

// BenchmarkUpdatesByWebhook posts commands of twenty chats to the webhook, each
// chat's one after the other as Telegram does, on a store that syncs to disk. An
// update counts once its handler has run. It fails when one is lost or out of
// order within its chat.
func BenchmarkUpdatesByWebhook(b *testing.B) {
	const chats = 20
	s, err := store.Open(filepath.Join(b.TempDir(), "towline.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	h := &counting{next: map[int64]int{}, left: b.N, done: make(chan struct{})}
	o := bot.Options{Token: token, APIURL: "http://telegram.test", Transport: granting{}}
	hooked(&o)
	t, err := bot.New(o, s.Bot(), h)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- t.Run(ctx) }()
	door := t.WebhookHandler()
	b.ResetTimer()
	began := time.Now()
	var senders sync.WaitGroup
	for chat := range chats {
		senders.Go(func() {
			for n := 0; n*chats+chat < b.N; n++ {
				post(door, n*chats+chat+1, -1000-chat, n)
			}
		})
	}
	senders.Wait()
	<-h.done
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "updates/s")
	b.StopTimer()
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
	if len(h.bad) > 0 {
		b.Errorf("%d updates out of order: %s", len(h.bad), h.bad[0])
	}
	if kept, err := s.Bot().Unfinished(context.Background()); err != nil || len(kept) != 0 {
		b.Errorf("%d updates are unfinished: %v", len(kept), err)
	}
}

// post posts one command until it is taken.
func post(door http.Handler, id, chat, n int) {
	body := fmt.Sprintf(`{"update_id":%d,"message":{"message_id":%d,"date":1,"chat":{"id":%d,"type":"supergroup"},"from":{"id":1001,"first_name":"Lead"},"text":"/x %d"}}`, id, n+1, chat, n)
	for code := 0; code != http.StatusOK; {
		req := httptest.NewRequest(http.MethodPost, "/telegram", strings.NewReader(body))
		req.Header.Set("X-Telegram-Bot-Api-Secret-Token", hookSecret)
		rec := httptest.NewRecorder()
		door.ServeHTTP(rec, req)
		code = rec.Code
	}
}
