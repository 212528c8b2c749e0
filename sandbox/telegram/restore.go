package telegram

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Open makes a Server that goes on from where the one that wrote Options.State was stopped or killed: with its people, groups,
// messages, buttons, files and menus, with the updates that the bot has not confirmed, and with ids that go on. Where
// there is no such file yet it begins one. An empty State is [New]. The caller sees to it that only one Server uses the file.
//
// Errors say that an option is missing, that the file cannot be read or written, that it is damaged, and in which line, or that it
// belongs to another bot.
func Open(o Options) (*Server, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := newServer(o)
	if o.State == "" {
		return s, nil
	}
	if err := s.restore(o.State); err != nil {
		s.stop()
		s.work.Wait()
		return nil, fmt.Errorf("telegram: the state in %s: %w", o.State, err)
	}
	return s, nil
}

// restore reads the journal and begins it anew.
func (s *Server) restore(path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var hook *savedHook
	found, err := readJournal(path, func(rec record) error {
		if rec.Settings != nil {
			hook = rec.Settings.Hook
		}
		return s.apply(rec)
	})
	if err == nil && found {
		err = s.whole()
	}
	if err != nil {
		return err
	}
	s.inbox.forget(0, s.o.Now())
	s.forgetQueries(s.o.Now())
	if hook != nil {
		s.startHook(&webhook{url: hook.URL, secret: hook.Secret, address: hook.Address, certificate: hook.Certificate, most: hook.Most})
	}
	j := &journal{path: path, written: map[string][]byte{}, updates: map[int64]bool{}, touched: map[*message]bool{}}
	s.journal = j
	for _, c := range s.chats {
		for _, m := range c.messages {
			s.touch(m)
		}
	}
	for _, f := range s.files {
		j.files = append(j.files, f)
	}
	rec := s.changes()
	rec.Format, rec.Bot = journalFormat, s.bot.ID
	return j.begin(rec)
}

// apply takes over one record.
func (s *Server) apply(rec record) error {
	if rec.Bot != 0 && rec.Bot != s.bot.ID {
		return fmt.Errorf("it belongs to the bot %d, not to %d", rec.Bot, s.bot.ID)
	}
	if v := rec.Settings; v != nil {
		s.accountIDs, s.inbox.tail, s.inbox.allowed = v.AccountIDs, v.NextUpdate, nil
		if v.Allowed != nil {
			s.inbox.allowed = map[string]bool{}
		}
		for _, kind := range v.Allowed {
			s.inbox.allowed[kind] = true
		}
	}
	for _, u := range rec.Users {
		p := &person{User: u.User, spoke: map[int64]bool{}}
		for _, id := range u.Spoke {
			p.spoke[id] = true
		}
		s.users[u.ID] = p
	}
	for _, c := range rec.Chats {
		s.applyChat(c)
	}
	for _, f := range rec.Files {
		stored := &storedFile{File: f.File, unique: f.Unique, path: f.Path, content: f.Content}
		s.files[f.ID], s.paths[f.Path] = stored, stored
	}
	for _, m := range rec.Messages {
		if err := s.applyMessage(m); err != nil {
			return err
		}
	}
	s.applyRest(rec)
	return nil
}

func (s *Server) applyChat(v savedChat) {
	c := s.chats[v.ID]
	if c == nil {
		c = &chat{id: v.ID}
		s.chats[v.ID] = c
	}
	c.kind, c.group, c.lastID, c.lastBot, c.created = v.Kind, v.Group, v.LastID, v.LastBot, v.Created
	c.group.Reactions = v.Reactions
	c.started, c.blocked, c.migratedTo = v.Started, v.Blocked, v.MigratedTo
}

func (s *Server) applyMessage(v savedMessage) error {
	c := s.chats[v.Chat]
	if c == nil {
		return fmt.Errorf("message %d is in chat %d, which is not there", v.ID, v.Chat)
	}
	m := c.message(v.ID)
	if m == nil {
		m = &message{}
		c.messages = append(c.messages, m)
	}
	*m = message{Message: v.Message, keyboard: v.Keyboard, album: v.InAlbum, extra: map[string]any{}}
	for name, value := range v.Extra {
		m.extra[name] = value
	}
	return nil
}

// applyRest takes over menus, presses and updates.
func (s *Server) applyRest(rec record) {
	if rec.Menus != nil {
		clear(s.menus)
		for _, v := range *rec.Menus {
			s.menus[menuKey{v.Scope, v.Chat, v.User, v.Language}] = v.Commands
		}
	}
	if rec.Queries != nil {
		clear(s.queries)
		for _, v := range *rec.Queries {
			// Whoever pressed waits no more, but the bot may still answer.
			s.queries[v.ID] = &query{at: v.At, answer: make(chan Answer, 1)}
		}
	}
	for _, v := range rec.Updates {
		s.inbox.updates = append(s.inbox.updates, &update{id: v.ID, kind: v.Kind, body: v.Body, lane: v.Lane, expires: v.Expires})
	}
	s.inbox.updates = slices.DeleteFunc(s.inbox.updates, func(u *update) bool { return slices.Contains(rec.Done, u.id) })
}

// whole finds what a state refers to and does not have. Only a hand can have taken it out; but without it answers can't be written.
func (s *Server) whole() error {
	var errs []error
	for _, c := range s.chats {
		if c.kind == private && s.users[c.id] == nil {
			errs = append(errs, fmt.Errorf("it has a chat with the person %d, and not the person", c.id))
		}
		for _, m := range c.messages {
			for _, f := range []*File{m.Document, m.Photo} {
				if f != nil && s.files[f.ID] == nil {
					errs = append(errs, fmt.Errorf("it lacks the file of message %d in chat %d", m.ID, c.id))
				}
			}
			if m.SenderChat != 0 && s.chats[m.SenderChat] == nil {
				errs = append(errs, fmt.Errorf("it lacks the chat %d", m.SenderChat))
			}
		}
		for _, member := range c.group.Members {
			if s.users[member.User] == nil {
				errs = append(errs, fmt.Errorf("it lacks the member %d of group %d", member.User, c.id))
			}
		}
	}
	return errors.Join(errs...)
}

// startHook makes a webhook the current one, and sends it what waits. The caller holds mu.
func (s *Server) startHook(h *webhook) {
	h.lanes, h.slots = map[string]bool{}, make(chan struct{}, h.most)
	h.ctx, h.stop = context.WithCancel(s.ctx)
	s.hook = h
	for _, u := range s.inbox.updates {
		s.startLane(h, u.lane)
	}
}
