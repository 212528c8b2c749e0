package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// How the reference server treats a webhook that fails (github.com/tdlib/telegram-bot-api, WebhookActor.cpp).
const (
	maxDelay      = time.Minute // between two attempts, unless the webhook's Retry-After asks for more
	maxRetryAfter = time.Hour
	goneFor       = 23 * time.Hour // of nothing but 410, and the webhook is removed
)

// webhook sends updates to the bot's own server: those of one lane in order and one at a time, different lanes side by side.
type webhook struct {
	url, secret string
	address     string // ip_address
	certificate bool
	most        int // max_connections

	ctx   context.Context
	stop  context.CancelFunc
	slots chan struct{}   // one per connection
	lanes map[string]bool // those that have a goroutine

	failedAt  time.Time
	failure   string
	goneSince time.Time
}

var secretToken = regexp.MustCompile(`^[A-Za-z0-9_-]{0,256}$`)

func (s *Server) setWebhook(r *request) (any, *apiError) {
	address := r.str("url")
	if address == "" {
		return s.deleteWebhook(r)
	}
	if why := s.checkWebhook(address, r.str("secret_token")); why != "" {
		return nil, malformed(why)
	}
	if failed := s.allowUpdates(r); failed != nil {
		return nil, failed
	}
	if r.bool("drop_pending_updates") {
		s.inbox.dropUpdates()
	}
	if s.inbox.poll != nil {
		s.inbox.poll.wake <- &apiError{code: http.StatusConflict, text: conflictSet}
		s.inbox.poll = nil
	}
	s.endWebhook()
	h := &webhook{
		url: address, secret: r.str("secret_token"), address: r.str("ip_address"),
		certificate: r.files["certificate"] != nil, most: 40,
	}
	if r.has("max_connections") {
		h.most = int(min(max(r.int("max_connections"), 1), 100))
	}
	s.startHook(h)
	return true, nil
}

// checkWebhook says what Telegram would have against an address or a secret, or "".
func (s *Server) checkWebhook(address, secret string) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return "invalid webhook URL specified"
	}
	if len(secret) > 256 {
		return "secret token is too long"
	}
	if !secretToken.MatchString(secret) {
		return "secret token contains unallowed characters"
	}
	if s.o.LocalWebhooks {
		return ""
	}
	if u.Scheme != "https" {
		return "bad webhook: An HTTPS URL must be provided for webhook"
	}
	if port := u.Port(); port != "" && !slices.Contains([]string{"80", "88", "443", "8443"}, port) {
		return "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && (ip.IsLoopback() || ip.IsPrivate()) {
		return fmt.Sprintf("bad webhook: IP address %s is reserved", ip)
	}
	return ""
}

func (s *Server) deleteWebhook(r *request) (any, *apiError) {
	s.endWebhook()
	if r.bool("drop_pending_updates") {
		s.inbox.dropUpdates()
	}
	return true, nil
}

// endWebhook stops the sender without waiting for it; an update under way may still arrive.
func (s *Server) endWebhook() {
	if s.hook != nil {
		s.hook.stop()
		s.hook = nil
	}
}

func (s *Server) getWebhookInfo(*request) (any, *apiError) {
	s.inbox.forget(0, s.o.Now())
	info := map[string]any{"url": "", "has_custom_certificate": false, "pending_update_count": len(s.inbox.updates)}
	if h := s.hook; h != nil {
		info["url"] = h.url
		info["has_custom_certificate"] = h.certificate
		info["max_connections"] = h.most
		info["ip_address"] = h.address
		if h.address == "" {
			info["ip_address"] = "<unknown>"
		}
		if !h.failedAt.IsZero() {
			info["last_error_date"] = h.failedAt.Unix()
			info["last_error_message"] = h.failure
		}
	}
	if s.inbox.allowed != nil {
		var kinds []string
		for kind := range s.inbox.allowed {
			kinds = append(kinds, kind)
		}
		slices.Sort(kinds)
		info["allowed_updates"] = kinds
	}
	return info, nil
}

// startLane makes sure that somebody sends the updates of a lane. The caller holds mu.
func (s *Server) startLane(h *webhook, lane string) {
	if h.lanes[lane] || s.ctx.Err() != nil || s.down != nil {
		return
	}
	h.lanes[lane] = true
	s.work.Go(func() { s.runLane(h, lane) })
}

// runLane sends the updates of one lane until there are none or the webhook has ended.
func (s *Server) runLane(h *webhook, lane string) {
	var failures int
	var delay time.Duration
	for {
		u := s.nextUpdate(h, lane)
		if u == nil {
			return
		}
		after, why := s.post(h, u)
		if h.ctx.Err() != nil {
			return
		}
		if why == "" {
			failures, delay = 0, 0
			if f := s.takeFault(&request{method: Webhook}); f != nil && f.Kind == Again {
				continue
			}
			s.sent(h, u)
			continue
		}
		// The reference server tries again at once after the first failure, then after 2, 4, 8 … seconds.
		failures++
		pause := after
		if after == 0 && failures > 1 {
			delay = min(max(2*delay, 2*time.Second), maxDelay)
			pause = delay
		}
		if s.notSent(h, u, why, pause) {
			failures, delay = 0, 0
			continue
		}
		if s.o.Wait(h.ctx, pause) != nil {
			return
		}
	}
}

// nextUpdate returns the oldest update of a lane, or nil, and then the lane has ended.
func (s *Server) nextUpdate(h *webhook, lane string) *update {
	s.mu.Lock()
	defer s.unlock()
	if h.ctx.Err() == nil && s.down == nil {
		s.inbox.forget(0, s.o.Now())
		for _, u := range s.inbox.updates {
			if u.lane == lane {
				return u
			}
		}
	}
	delete(h.lanes, lane)
	s.notify() // what was left has expired, or the webhook has ended, or there is an outage
	return nil
}

// post sends one update. why says what went wrong, and after how long the bot asked to wait.
func (s *Server) post(h *webhook, u *update) (after time.Duration, why string) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-h.ctx.Done():
		return 0, "the webhook was removed"
	}
	body, err := json.Marshal(u)
	if err != nil {
		return 0, err.Error()
	}
	hr, err := http.NewRequestWithContext(h.ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	hr.Header.Set("Content-Type", "application/json")
	if h.secret != "" {
		hr.Header.Set("X-Telegram-Bot-Api-Secret-Token", h.secret)
	}
	resp, err := s.o.WebhookClient.Do(hr)
	if err != nil {
		return 0, "Webhook connection closed"
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxValue))
	if err != nil {
		return 0, "Webhook connection closed"
	}
	s.checkHookAnswer(h, resp.StatusCode, answer)
	if resp.StatusCode/100 == 2 {
		return 0, ""
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		after = min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	return after, fmt.Sprintf("Wrong response from the webhook: %s", resp.Status)
}

// checkHookAnswer counts how long the webhook has been gone, and notes a bot that answers with a method call: Telegram
// would carry it out, the sandbox doesn't.
func (s *Server) checkHookAnswer(h *webhook, status int, answer []byte) {
	var called struct {
		Method string `json:"method"`
	}
	s.mu.Lock()
	defer s.unlock()
	if status/100 == 2 && json.Unmarshal(answer, &called) == nil && called.Method != "" {
		s.violations = append(s.violations, called.Method+": the sandbox does not carry out methods in a webhook's answer")
	}
	switch now := s.o.Now(); {
	case status != http.StatusGone:
		h.goneSince = time.Time{}
	case h.goneSince.IsZero():
		h.goneSince = now
	case now.Sub(h.goneSince) > goneFor && s.hook == h:
		s.endWebhook()
	}
}

// sent forgets an update that the webhook has taken.
func (s *Server) sent(h *webhook, u *update) {
	s.mu.Lock()
	defer s.unlock()
	s.inbox.updates = slices.DeleteFunc(s.inbox.updates, func(v *update) bool { return v == u })
	s.inbox.forget(0, s.o.Now())
	s.notify()
}

// notSent notes a failure, and drops the update where it would be too old by the next attempt.
func (s *Server) notSent(h *webhook, u *update, why string, pause time.Duration) (dropped bool) {
	s.mu.Lock()
	defer s.unlock()
	now := s.o.Now()
	h.failedAt, h.failure = now, why
	if now.Add(pause).Before(u.expires) {
		return false
	}
	s.inbox.updates = slices.DeleteFunc(s.inbox.updates, func(v *update) bool { return v == u })
	s.notify()
	return true
}
