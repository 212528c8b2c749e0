package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing/synctest"
	"time"

	"towline/deploy"
	"towline/deploy/release"
	"towline/sandbox/telegram"
)

// move is something that one person does, and then waits for.
type move struct {
	who   int64
	say   string                      // what is typed, or
	press string                      // how the button begins that is pressed
	sees  func(telegram.Message) bool // the message that shows that it came to what it should
}

// sees is a message with all of the words.
func sees(words ...string) func(telegram.Message) bool {
	return func(m telegram.Message) bool { return hasAll(m.Text, words) }
}

// errStuck ends a trial in which something never came.
var errStuck = errors.New("stuck")

// patience of people: longer than the longest that Cloudflare or Telegram ask anybody to wait here, with what follows.
const peoplesPatience = 3 * time.Hour

// until waits for something, on fake time, and starts a new process whenever the one at work has died.
func (w *scene) until(what string, ok func() bool) {
	pause := 20 * time.Millisecond
	for end := time.Now().Add(peoplesPatience); ; pause = min(2*pause, 5*time.Second) {
		synctest.Wait()
		w.bury()
		if ok() {
			return
		}
		if time.Now().After(end) {
			w.problem("stuck: %s never came\n%s", what, w.chat())
			panic(errStuck)
		}
		time.Sleep(pause)
	}
}

// bots are the messages of the bot since the journey began, newest first.
func (w *scene) bots() []telegram.Message {
	var out []telegram.Message
	for _, m := range slices.Backward(w.tg.Messages(teamChat)) {
		if m.FromBot && !m.Deleted && m.ID > w.seen {
			out = append(out, m)
		}
	}
	return out
}

// find looks for a message of the bot.
func (w *scene) find(ok func(telegram.Message) bool) (telegram.Message, bool) {
	all := w.bots()
	i := slices.IndexFunc(all, ok)
	if i < 0 {
		return telegram.Message{}, false
	}
	return all[i], true
}

// buttonOf finds a button by how its label begins.
func buttonOf(m telegram.Message, label string) (telegram.Button, bool) {
	for _, b := range slices.Concat(m.Buttons...) {
		if b.Data != "" && strings.HasPrefix(b.Text, label) {
			return b, true
		}
	}
	return telegram.Button{}, false
}

// make lets a person make their move and wait for what it should come to. People do everything once. They do something
// again only where the bot told them to, or where its card offers a button for it: that is counted.
func (w *scene) make(m move) {
	done := func() bool { _, ok := w.find(m.sees); return ok }
	if m.say != "" {
		w.say(m.who, m.say)
	} else {
		w.press(m.who, m.press)
	}
	for {
		var offered string
		w.until("what comes of "+m.say+m.press, func() bool {
			if done() {
				return true
			}
			offered = w.offer(m)
			return offered != ""
		})
		if done() {
			return
		}
		w.repeats++
		if w.repeats > 12 {
			w.problem("people were sent round in circles\n%s", w.chat())
			panic(errStuck)
		}
		time.Sleep(patience(w.repeats))
		w.take(m, offered, done)
	}
}

// patience is how long a person waits before they try again: longer each time, until what Cloudflare or Telegram asked for has
// passed.
func patience(tries int) time.Duration {
	return []time.Duration{5 * time.Second, time.Minute, 20 * time.Minute, 2 * time.Hour}[min(tries-1, 3)]
}

// take follows what the bot offered instead of what was wanted of it, unless that has come in the meantime: a press of which
// nothing was heard may have counted all the same.
func (w *scene) take(m move, offered string, done func() bool) {
	w.over = done
	defer func() { w.over = nil }()
	switch {
	case strings.HasPrefix(offered, "/"):
		w.say(demoDeployer, offered)
	case strings.HasPrefix(offered, "Approve "):
		who, _ := strconv.ParseInt(strings.TrimPrefix(offered, "Approve "), 10, 64)
		w.press(who, "Approve")
	case offered == "Run now":
		w.press(m.who, offered)
	case offered == "Look again", strings.HasPrefix(offered, "It did not happen"):
		w.press(demoApprover, offered)
	default:
		w.press(demoDeployer, offered)
	}
}

// say writes into the chat.
func (w *scene) say(who int64, text string) {
	if _, err := w.tg.Say(context.Background(), telegram.SayOptions{Chat: teamChat, From: who, Text: text}); err != nil {
		w.problem("%v", err)
	}
}

// press waits for a button and presses it. Where two messages show one, it may be a copy that does not count: its toast says so,
// and the other one is pressed.
func (w *scene) press(who int64, label string) {
	for tries := range 3 {
		var shown []telegram.Message
		w.until("a button "+label, func() bool {
			shown = nil
			for _, m := range w.bots() {
				if _, ok := buttonOf(m, label); ok {
					shown = append(shown, m)
				}
			}
			return len(shown) > 0 || w.over != nil && w.over()
		})
		if len(shown) == 0 {
			return
		}
		if w.contrary {
			slices.Reverse(shown)
		}
		on := shown[min(tries, len(shown)-1)]
		b, _ := buttonOf(on, label)
		w.did[pressedOn(on, who)] = true
		toast := w.pressed(who, on, b)
		// Nothing came back: Telegram drops a press that nobody fetches for 150 seconds.
		if toast == "" && !w.healthy {
			delete(w.did, pressedOn(on, who))
		}
		if !refusedToast(toast) {
			return
		}
		if len(shown) > 1 {
			w.doubles++ // a copy, and it has no buttons any more
		} else if w.repeats++; w.healthy && !w.twice { // after two deaths the only copy may be one whose sending was in doubt
			w.problem("a press on the only %s button is answered %q", label, toast)
		}
		time.Sleep(10 * time.Second) // people are slow
	}
	w.problem("every %s button is an old one\n%s", label, w.chat())
	panic(errStuck)
}

// refusedToast tells the answers to a press on a button that does not count.
func refusedToast(text string) bool {
	return strings.Contains(text, "was replaced") || strings.Contains(text, "no longer in use") || strings.Contains(text, "has expired")
}

// pressed presses a button and returns its toast; nothing where none came in time.
func (w *scene) pressed(who int64, on telegram.Message, b telegram.Button) string {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	toast := make(chan string, 1)
	go func() {
		a, err := w.tg.Press(ctx, telegram.PressOptions{Chat: teamChat, Message: on.ID, From: who, Data: b.Data})
		if err != nil && ctx.Err() == nil {
			a.Text = "was replaced: the button is gone"
		}
		toast <- a.Text
	}()
	text, answered := "", false
	w.until("an answer to the press", func() bool {
		select {
		case text = <-toast:
			answered = true
		default:
		}
		return answered
	})
	return text
}

// offer is what a person would do next because the bot said so: a button, or a command to type again. Nothing while the bot
// is still at it.
func (w *scene) offer(m move) string {
	if !w.settled() {
		return ""
	}
	if late, ok := w.find(func(t telegram.Message) bool { _, ok := buttonOf(t, "Run now"); return ok }); ok && late.ID != 0 {
		return "Run now"
	}
	for _, t := range w.bots() {
		about := strings.Contains(t.Text, "shop → ")
		switch {
		case strings.Contains(t.Text, "its card says why"): // the word beside a card
			continue
		case !about && strings.Contains(t.Text, "did not count"), !about && strings.Contains(t.Text, "code: "):
			return w.again(t, m)
		case !about:
			continue
		}
		return w.way(t, m)
	}
	return ""
}

// way is what the card of a run offers.
func (w *scene) way(t telegram.Message, m move) string {
	if _, ok := buttonOf(t, "Look again"); ok {
		if _, both := buttonOf(t, "It did not happen"); !both || w.plan.restores == 0 && w.healthy {
			w.problem("a run is unknown: %q", t.Text)
		}
		if w.sent("/restore", true) > 0 {
			return "Look again"
		}
		return "It did not happen"
	}
	for _, label := range []string{"Try again", "Ask again"} {
		if _, ok := buttonOf(t, label); ok {
			w.honest()
			return label
		}
	}
	if _, ok := buttonOf(t, "Approve"); ok && m.press == "Approve" {
		return w.voter(t)
	}
	if strings.Contains(t.Text, "· refused") || strings.Contains(t.Text, "· failed") {
		w.honest()
		return w.again(t, m)
	}
	return ""
}

// voter is who would approve a request next: somebody who has not pressed on it as it is now.
func (w *scene) voter(t telegram.Message) string {
	for _, p := range []struct {
		id   int64
		name string
	}{{demoApprover, "Robin"}, {second, "Kim"}} {
		by := strings.Contains(t.Text, "Approved by "+p.name)
		if by && w.plan.approvals < 2 {
			return ""
		}
		if !by && !w.did[pressedOn(t, p.id)] {
			return fmt.Sprintf("Approve %d", p.id)
		}
		if !by && w.plan.approvals < 2 {
			return ""
		}
	}
	return ""
}

// pressedOn names a press by somebody on a message as it is.
func pressedOn(t telegram.Message, who int64) string { return fmt.Sprint(t.ID, who, t.Text) }

// again is what to do once more because of a message, unless something was said after it already.
func (w *scene) again(t telegram.Message, m move) string {
	for _, other := range w.tg.Messages(teamChat) {
		if other.ID > t.ID && !other.FromBot {
			return ""
		}
	}
	if m.press == "Approve" && strings.Contains(t.Text, "did not count") && !w.did[t.Text+fmt.Sprint(t.ID)] {
		w.did[t.Text+fmt.Sprint(t.ID)] = true
		return fmt.Sprintf("Approve %d", m.who)
	}
	if m.say != "" {
		return m.say
	}
	return w.plan.retype
}

// settled: everything that has arrived is dealt with, and Telegram was told of it. While nothing is committed the answer stays.
func (w *scene) settled() bool {
	if w.life.dead() {
		return false
	}
	if commits := w.life.commits.Load(); w.looked.life != w.life || w.looked.commits != commits {
		w.looked = look{life: w.life, commits: commits, settled: w.look()}
	}
	return w.looked.settled
}

// look is what settled finds in the store.
func (w *scene) look() bool {
	ctx := context.Background()
	cards, err := w.store.Bot().Unsettled(ctx)
	unfinished, err2 := w.store.Bot().Unfinished(ctx)
	seq, err3 := w.store.Deploy().Cursor(ctx, "cards")
	busy := false
	err4 := w.store.Deploy().View(ctx, func(tx deploy.Tx) error {
		for _, id := range tx.Open() {
			run, _ := tx.Run(id)
			busy = busy || run.Phase != release.Asking && run.Phase.Open()
		}
		busy = busy || len(tx.Events(seq, 1)) > 0
		return nil
	})
	if err := errors.Join(err, err2, err3, err4); err != nil {
		w.problem("the store cannot be read: %v", err)
		return false
	}
	return len(cards) == 0 && len(unfinished) == 0 && !busy
}

// sent counts the requests whose path has a part, those that were carried out or all.
func (w *scene) sent(part string, carriedOut bool) int {
	n := 0
	for _, c := range w.faults.Calls() {
		if strings.Contains(c.Path, part) && (c.Executed || !carriedOut) {
			n++
		}
	}
	return n
}

// chat is what a failing trial prints.
func (w *scene) chat() string {
	s := &stage{tg: w.tg}
	return s.chat()
}
