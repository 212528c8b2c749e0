package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"towline/sandbox/telegram"
)

// heartbeat is how often a silent stream says that it lives; it is how a client that went without a word is noticed.
const heartbeat = 15 * time.Second

// writeWithin is how long a client may take to accept an event. One that has stopped reading must not hold up Close.
const writeWithin = 10 * time.Second

// room is everything that a client needs besides the messages.
type room struct {
	Epoch    string                       `json:"epoch"`
	Title    string                       `json:"title"`
	Members  []Member                     `json:"members"`
	People   map[int64]string             `json:"people"`    // names by id, for reactions and mentions
	Bots     map[int64]string             `json:"bots"`      // user names of bots by id
	Names    map[int64]string             `json:"usernames"` // of people by id, without @; of those who have one
	Hidden   map[int64]bool               `json:"hidden"`    // anonymous administrators
	Commands map[int64][]telegram.Command `json:"commands"`
	Tour     []Step                       `json:"tour"`
}

// update is what a change event carries.
type update struct {
	// Reset says that the client is to forget what it has: it comes new, or from another server's time.
	Reset    bool              `json:"reset,omitempty"`
	Now      time.Time         `json:"now"`
	Messages []json.RawMessage `json:"messages"`
	Typing   string            `json:"typing,omitempty"`
}

func (p *Page) room() room {
	r := room{
		Epoch: p.epoch, Title: p.o.Title, Members: p.o.Members, Tour: p.o.Tour,
		People: map[int64]string{}, Bots: map[int64]string{}, Names: map[int64]string{}, Hidden: map[int64]bool{},
		Commands: map[int64][]telegram.Command{},
	}
	for _, u := range p.o.Chat.Users() {
		r.People[u.ID] = u.Name()
		if u.IsBot {
			r.Bots[u.ID] = u.Username
		} else if u.Username != "" {
			r.Names[u.ID] = u.Username
		}
	}
	if g, ok := p.o.Chat.Group(p.o.Group); ok {
		for _, m := range g.Members {
			if m.Anonymous {
				r.Hidden[m.User] = true
			}
		}
	}
	for _, m := range p.o.Members {
		r.Commands[m.ID] = p.o.Chat.Commands(p.o.Group, m.ID)
	}
	return r
}

// stream is one client that listens.
type stream struct {
	w        http.ResponseWriter
	since    int64
	reset    bool
	typing   string
	lastRoom []byte
}

// events streams the chat until the client goes or the page is closed.
func (p *Page) events(w http.ResponseWriter, r *http.Request) {
	if !p.open() {
		fail(w, http.StatusServiceUnavailable, "The demo is shutting down.")
		return
	}
	defer p.streams.Done()
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	s := &stream{w: w}
	s.since, s.reset = p.resume(r)
	if _, err := fmt.Fprint(w, "retry: 800\n\n"); err != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		changed, err := p.send(s)
		if err != nil {
			p.o.Logger.Debug("an event stream ended", "error", err)
			return
		}
		for quiet := true; quiet; {
			select {
			case <-r.Context().Done():
				return
			case <-p.closing:
				return
			case <-changed:
				quiet = false
			case <-beat.C:
				if err := s.write("", "", nil); err != nil {
					return
				}
			}
		}
	}
}

// resume reads from which change on a client needs to be told, and whether it has to start over. A client says it in the header
// Last-Event-ID, which browsers send by themselves after a broken connection, or in the query, when it comes back on its own.
func (p *Page) resume(r *http.Request) (since int64, reset bool) {
	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		last = r.URL.Query().Get("last")
	}
	epoch, number, _ := strings.Cut(last, ".")
	since, err := strconv.ParseInt(number, 10, 64)
	if err != nil || since < 0 || epoch != p.epoch {
		return 0, true
	}
	return since, false
}

// send writes what is new to the client, and returns the channel that tells when there is more.
func (p *Page) send(s *stream) (<-chan struct{}, error) {
	changed, rev, next, err := p.feed.look(s.since)
	if err != nil {
		return nil, err
	}
	about, err := json.Marshal(p.room())
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(about, s.lastRoom) {
		if err := s.write("room", "", about); err != nil {
			return nil, err
		}
		s.lastRoom = about
	}
	typing := p.o.Chat.Typing(p.o.Group)
	// While the bot is busy every look is passed on, since each prolongs it.
	if len(changed) == 0 && !s.reset && typing == "" && s.typing == "" {
		return next, nil
	}
	body, err := json.Marshal(update{Reset: s.reset, Now: p.o.Now(), Messages: changed, Typing: typing})
	if err != nil {
		return nil, err
	}
	if err := s.write("change", fmt.Sprintf("%s.%d", p.epoch, rev), body); err != nil {
		return nil, err
	}
	s.since, s.reset, s.typing = rev, false, typing
	return next, nil
}

// write sends one event; without a name it is a comment, which only keeps the connection alive.
func (s *stream) write(name, id string, data []byte) error {
	var b bytes.Buffer
	if name == "" {
		b.WriteString(": alive\n")
	} else {
		fmt.Fprintf(&b, "event: %s\n", name)
		if id != "" {
			fmt.Fprintf(&b, "id: %s\n", id)
		}
		fmt.Fprintf(&b, "data: %s\n", data)
	}
	b.WriteByte('\n')
	c := http.NewResponseController(s.w)
	if err := c.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.w.Write(b.Bytes()); err != nil {
		return err
	}
	return c.Flush()
}
