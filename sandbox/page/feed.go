package page

import (
	"bytes"
	"encoding/json"
	"sync"

	"towline/sandbox/telegram"
)

// backlog is how many messages a client that comes new is shown at most: the latest ones.
const backlog = 500

// feed numbers the changes of a chat. The chat's own version counts everything in it and says nothing about single messages, so the
// feed compares each message with what it was and gives those that differ its own next number.
type feed struct {
	chat  Chat
	group int64

	mu      sync.Mutex
	looked  bool
	version int64 // the chat's version at the last look, read before the messages were: they may be newer, never older
	rev     int64 // the feed's number of the last look that found something
	order   []int
	known   map[int]entry
}

type entry struct {
	rev  int64
	body []byte // the message in JSON
}

func newFeed(chat Chat, group int64) *feed {
	return &feed{chat: chat, group: group, known: map[int]entry{}}
}

// look returns the messages that changed after since, oldest first, the feed's number now, and the channel that tells when to look again.
func (f *feed) look(since int64) (changed []json.RawMessage, rev int64, next <-chan struct{}, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	version, _ := f.chat.Changes(0)
	if !f.looked || version != f.version {
		if err := f.compare(); err != nil {
			return nil, 0, nil, err
		}
		f.looked, f.version = true, version
	}
	order := f.order
	if since == 0 && len(order) > backlog {
		order = order[len(order)-backlog:]
	}
	for _, id := range order {
		if e := f.known[id]; e.rev > since {
			changed = append(changed, e.body)
		}
	}
	_, next = f.chat.Changes(version)
	return changed, f.rev, next, nil
}

func (f *feed) compare() error {
	rev := f.rev + 1
	for _, m := range f.chat.Messages(f.group) {
		if m.Deleted {
			m = telegram.Message{Chat: m.Chat, ID: m.ID, Date: m.Date, Deleted: true}
		}
		body, err := json.Marshal(m)
		if err != nil {
			return err
		}
		old, there := f.known[m.ID]
		if there && bytes.Equal(old.body, body) {
			continue
		}
		if !there {
			f.order = append(f.order, m.ID)
		}
		f.known[m.ID] = entry{rev: rev, body: body}
		f.rev = rev
	}
	return nil
}
