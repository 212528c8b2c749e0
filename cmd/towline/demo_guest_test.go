package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"towline/sandbox/telegram"
)

// guest is somebody with a browser in front of the demo: all that they see and do goes through the page's address.
type guest struct {
	t       *testing.T
	ctx     context.Context
	address string
}

// browser opens a connection for each request, so that none is left behind.
func (g *guest) browser() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
}

// post sends what somebody does, and returns the answer's body.
func (g *guest) post(path string, body any) []byte {
	g.t.Helper()
	status, answer := g.send(path, body)
	if status != http.StatusOK {
		g.t.Fatalf("%s %+v: %d %s", path, body, status, answer)
	}
	return answer
}

// send sends what somebody does, and returns the answer whatever it is.
func (g *guest) send(path string, body any) (status int, answer []byte) {
	g.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		g.t.Fatal(err)
	}
	hr, err := http.NewRequestWithContext(g.ctx, http.MethodPost, g.address+path, bytes.NewReader(data))
	if err != nil {
		g.t.Fatal(err)
	}
	hr.Header.Set("Content-Type", "application/json")
	resp, err := g.browser().Do(hr)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, err = io.ReadAll(resp.Body); err != nil {
		g.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func (g *guest) say(who int64, text string) {
	g.t.Helper()
	g.post("/api/say", map[string]any{"as": who, "text": text})
}

// press presses the button whose label begins with a text, and returns the toast.
func (g *guest) press(who int64, m telegram.Message, label string) string {
	g.t.Helper()
	toast, changed := g.tryPress(who, m, label)
	if changed {
		g.t.Fatalf("the buttons below %q are others now", m.Text)
	}
	return toast
}

// tryPress presses a button as press does; changed: the card has others meanwhile.
func (g *guest) tryPress(who int64, m telegram.Message, label string) (toast string, changed bool) {
	g.t.Helper()
	for row, buttons := range m.Buttons {
		for col, b := range buttons {
			if !strings.HasPrefix(b.Text, label) {
				continue
			}
			status, answer := g.send("/api/press", map[string]any{"as": who, "message": m.ID, "row": row, "col": col, "data": b.Data})
			var a telegram.Answer
			switch {
			case status == http.StatusConflict:
				return "", true
			case status != http.StatusOK:
				g.t.Fatalf("press %q: %d %s", label, status, answer)
			}
			if err := json.Unmarshal(answer, &a); err != nil {
				g.t.Fatal(err)
			}
			return a.Text, false
		}
	}
	g.t.Fatalf("no button %q below %q", label, m.Text)
	return "", false
}

// insist presses a button of the newest card with the words, and again where its buttons were just replaced: a bot that
// starts gives a request fresh ones.
func (g *guest) insist(who int64, words, label string) {
	g.t.Helper()
	for g.ctx.Err() == nil {
		toast, changed := g.tryPress(who, g.card(words), label)
		if !changed && !strings.Contains(toast, "was replaced") && !strings.Contains(toast, "no longer in use") {
			return
		}
	}
}

// watch shows every state of the chat to look, oldest message first, until it returns true or the stream breaks.
func (g *guest) watch(look func([]telegram.Message) bool) error {
	ctx, cancel := context.WithCancel(g.ctx)
	defer cancel()
	hr, err := http.NewRequestWithContext(ctx, http.MethodGet, g.address+"/api/events", nil)
	if err != nil {
		return err
	}
	resp, err := g.browser().Do(hr)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var all []telegram.Message
	event := ""
	lines := bufio.NewReader(resp.Body)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return fmt.Errorf("the stream ended: %w; the chat was:%s", err, chatText(all))
		}
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			event = strings.TrimSpace(name)
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok || event != "change" {
			continue
		}
		var change struct {
			Messages []telegram.Message `json:"messages"`
		}
		if err := json.Unmarshal([]byte(data), &change); err != nil {
			return err
		}
		for _, m := range change.Messages {
			if i := slices.IndexFunc(all, func(old telegram.Message) bool { return old.ID == m.ID }); i >= 0 {
				all[i] = m
			} else {
				all = append(all, m)
			}
		}
		if look(all) {
			return nil
		}
	}
}

func chatText(all []telegram.Message) string {
	var b strings.Builder
	for _, m := range all {
		fmt.Fprintf(&b, "\n  %d %s: %q", m.ID, m.Sender, m.Text)
	}
	return b.String()
}

// card waits for the newest message of the bot that has all the words.
func (g *guest) card(words ...string) (found telegram.Message) {
	g.t.Helper()
	err := g.watch(func(all []telegram.Message) bool {
		for _, m := range slices.Backward(all) {
			has := func(word string) bool { return strings.Contains(m.Text, word) }
			if m.FromBot && !slices.ContainsFunc(words, func(word string) bool { return !has(word) }) {
				found = m
				return true
			}
		}
		return false
	})
	if err != nil {
		g.t.Fatalf("no card with %q: %v", words, err)
	}
	return found
}

// chat is what the chat shows now.
func (g *guest) chat() (now []telegram.Message) {
	g.t.Helper()
	if err := g.watch(func(all []telegram.Message) bool { now = all; return true }); err != nil {
		g.t.Fatal(err)
	}
	return now
}

// ship brings a version to production.
func (g *guest) ship(version, number string) {
	g.t.Helper()
	g.say(demoDeployer, "/deploy "+version)
	g.press(demoDeployer, g.card("shop → preview · live", number), "Promote "+number)
	g.press(demoApprover, g.card("shop → production", "waiting for approval", number), "Approve")
	g.card("shop → production · live", number)
}

// console takes what a program prints, and finds the address in it.
type console struct {
	mu    sync.Mutex
	text  bytes.Buffer
	found chan string   // the address, once
	more  chan struct{} // closed with the next words
}

func newConsole() *console { return &console{found: make(chan string, 1), more: make(chan struct{})} }

// wait waits for some words.
func (c *console) wait(t *testing.T, words string) {
	t.Helper()
	ctx, cancel := patient(t.Context(), t)
	defer cancel()
	for {
		c.mu.Lock()
		has, more := strings.Contains(c.text.String(), words), c.more
		c.mu.Unlock()
		if has {
			return
		}
		select {
		case <-more:
		case <-ctx.Done():
			t.Fatalf("it did not print %q: %s", words, c)
		}
	}
}

var openLine = regexp.MustCompile(`(?m)^  open (http://\S+)$`)

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	had := openLine.Match(c.text.Bytes())
	c.text.Write(p)
	close(c.more)
	c.more = make(chan struct{})
	if m := openLine.FindSubmatch(c.text.Bytes()); m != nil && !had {
		c.found <- string(m[1])
	}
	return len(p), nil
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// demoRun is the demo, started as the command line starts it.
type demoRun struct {
	guest
	out, err *console
	stop     func() int // ends it as ctrl-C does, and returns the exit code
}

func startDemo(t *testing.T, args ...string) *demoRun {
	t.Helper()
	ctx, cancel := patient(t.Context(), t)
	running, interrupt := context.WithCancel(ctx)
	r := &demoRun{guest: guest{t: t, ctx: ctx}, out: newConsole(), err: newConsole()}
	code := make(chan int, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		all := append([]string{"demo", "-latency", "5ms"}, args...)
		code <- run(running, all, func(string) string { return "" }, strings.NewReader(""), r.out, r.err)
	}()
	r.stop = sync.OnceValue(func() int {
		interrupt()
		<-ended
		cancel()
		return <-code
	})
	t.Cleanup(func() { r.stop() })
	select {
	case r.address = <-r.out.found:
	case <-ended:
		t.Fatalf("the demo ended with %d: %s", r.stop(), r.err)
	}
	return r
}

// end stops the demo, and wants that all was well.
func (r *demoRun) end() {
	r.t.Helper()
	if code := r.stop(); code != exitFine || r.err.String() != "" {
		r.t.Errorf("the demo ended with %d: %s", code, r.err)
	}
}
