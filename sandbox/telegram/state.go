package telegram

import (
	"cmp"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// record is one line of the journal: what is other than in the lines before. Fields may be added; a change of what one means needs a new
// journalFormat. Rate limits, faults, calls, violations and typing are not kept: they belong to a process.
type record struct {
	Format   int            `json:"format,omitempty"` // in the first line
	Bot      int64          `json:"bot,omitempty"`    // in the first line
	Settings *savedSettings `json:"settings,omitempty"`
	Users    []savedUser    `json:"users,omitempty"`
	Chats    []savedChat    `json:"chats,omitempty"`
	Files    []savedFile    `json:"files,omitempty"`
	Messages []savedMessage `json:"messages,omitempty"`
	Menus    *[]savedMenu   `json:"menus,omitempty"`   // all of them
	Queries  *[]savedQuery  `json:"queries,omitempty"` // all of them
	Updates  []savedUpdate  `json:"updates,omitempty"` // new ones
	Done     []int64        `json:"done,omitempty"`    // updates that were confirmed, dropped or too old
}

// savedSettings are the counters, and how the bot wants its updates.
type savedSettings struct {
	AccountIDs int        `json:"account_ids"`
	NextUpdate int64      `json:"next_update"`
	Allowed    []string   `json:"allowed"` // null: everything but what must be asked for
	Hook       *savedHook `json:"hook,omitempty"`
}

type savedHook struct {
	URL         string `json:"url"`
	Secret      string `json:"secret,omitempty"`
	Address     string `json:"address,omitempty"`
	Certificate bool   `json:"certificate,omitempty"`
	Most        int    `json:"most"`
}

type savedUser struct {
	User
	Spoke []int64 `json:"spoke,omitempty"`
}

type savedChat struct {
	ID    int64  `json:"id"`
	Kind  string `json:"kind"`
	Group Group  `json:"group,omitzero"`
	// Reactions stand beside Group, where nil and an empty list would look the same.
	Reactions  []string  `json:"reactions"`
	LastID     int       `json:"last_id,omitempty"`
	LastBot    int64     `json:"last_bot,omitempty"`
	Created    time.Time `json:"created"`
	Started    bool      `json:"started,omitempty"`
	Blocked    bool      `json:"blocked,omitempty"`
	MigratedTo int64     `json:"migrated_to,omitempty"`
}

type savedFile struct {
	File
	Unique  string `json:"unique"`
	Path    string `json:"path"`
	Content []byte `json:"content"`
}

type savedMessage struct {
	Message
	Keyboard keyboard                   `json:"keyboard,omitempty"`
	Extra    map[string]json.RawMessage `json:"extra,omitempty"`
	InAlbum  string                     `json:"in_album,omitempty"`
}

type savedMenu struct {
	Scope    string    `json:"scope"`
	Chat     int64     `json:"chat,omitempty"`
	User     int64     `json:"user,omitempty"`
	Language string    `json:"language,omitempty"`
	Commands []Command `json:"commands"`
}

type savedQuery struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

type savedUpdate struct {
	ID      int64           `json:"id"`
	Kind    string          `json:"kind"`
	Body    json.RawMessage `json:"body"`
	Lane    string          `json:"lane"`
	Expires time.Time       `json:"expires"`
}

// touch notes that a message is new or other than before. The caller holds mu and gives it back with unlock.
func (s *Server) touch(m *message) {
	if j := s.journal; j != nil && !j.touched[m] {
		j.touched[m] = true
		j.messages = append(j.messages, m)
	}
}

// unlock gives mu back after what may have changed something, once that is written.
func (s *Server) unlock() {
	_ = s.save() // the failure is kept for Close, and the server is as good as closed
	s.mu.Unlock()
}

// save writes what has changed. After a failure nothing can be promised any more, so that the server then behaves as after Close.
// The caller holds mu.
func (s *Server) save() error {
	j := s.journal
	if j == nil || j.failed != nil || j.file == nil {
		return s.ctx.Err()
	}
	rec := s.changes()
	if reflect.ValueOf(rec).IsZero() {
		return nil
	}
	if err := j.add(rec); err != nil {
		j.failed = err
		s.o.Logger.Error("the state cannot be written; the server ends", "file", j.path, "error", err)
		s.stop()
		return err
	}
	return nil
}

// changes collects what is not in the journal yet, and counts it as written. Messages and files are found by their marks. The
// rest is small, and compared as a whole: so no change of it can be forgotten.
func (s *Server) changes() record {
	j := s.journal
	var rec record
	if settings := s.savedSettings(); j.differs("settings", settings) {
		rec.Settings = &settings
	}
	for _, id := range slices.Sorted(maps.Keys(s.users)) {
		p := s.users[id]
		u := savedUser{User: p.User, Spoke: slices.Sorted(maps.Keys(p.spoke))}
		if id != s.bot.ID && j.differs("user "+strconv.FormatInt(id, 10), u) {
			rec.Users = append(rec.Users, u)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.chats)) {
		if c := s.chats[id].saved(); j.differs(s.chats[id].lane(), c) {
			rec.Chats = append(rec.Chats, c)
		}
	}
	if menus := s.savedMenus(); j.differs("menus", menus) {
		rec.Menus = &menus
	}
	if queries := s.savedQueries(); j.differs("queries", queries) {
		rec.Queries = &queries
	}
	for _, f := range j.files {
		rec.Files = append(rec.Files, savedFile{File: f.File, Unique: f.unique, Path: f.path, Content: f.content})
	}
	for _, m := range j.messages {
		rec.Messages = append(rec.Messages, m.saved())
	}
	j.files, j.messages = nil, nil
	clear(j.touched)
	s.inboxChanges(&rec)
	return rec
}

// inboxChanges collects the updates that have come and gone.
func (s *Server) inboxChanges(rec *record) {
	j := s.journal
	there := make(map[int64]bool, len(s.inbox.updates))
	for _, u := range s.inbox.updates {
		there[u.id] = true
		if !j.updates[u.id] {
			rec.Updates = append(rec.Updates, savedUpdate{ID: u.id, Kind: u.kind, Body: u.body, Lane: u.lane, Expires: u.expires})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(j.updates)) {
		if !there[id] {
			rec.Done = append(rec.Done, id)
		}
	}
	j.updates = there
}

func (s *Server) savedSettings() savedSettings {
	v := savedSettings{AccountIDs: s.accountIDs, NextUpdate: s.inbox.tail}
	if s.inbox.allowed != nil {
		v.Allowed = slices.Sorted(maps.Keys(s.inbox.allowed))
	}
	if h := s.hook; h != nil {
		v.Hook = &savedHook{URL: h.url, Secret: h.secret, Address: h.address, Certificate: h.certificate, Most: h.most}
	}
	return v
}

func (s *Server) savedMenus() []savedMenu {
	all := []savedMenu{}
	for k, commands := range s.menus {
		all = append(all, savedMenu{Scope: k.scope, Chat: k.chat, User: k.user, Language: k.language, Commands: commands})
	}
	slices.SortFunc(all, func(a, b savedMenu) int {
		return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Chat, b.Chat), cmp.Compare(a.User, b.User),
			cmp.Compare(a.Language, b.Language))
	})
	return all
}

func (s *Server) savedQueries() []savedQuery {
	all := []savedQuery{}
	for _, id := range slices.Sorted(maps.Keys(s.queries)) {
		all = append(all, savedQuery{ID: id, At: s.queries[id].at})
	}
	return all
}

func (c *chat) saved() savedChat {
	return savedChat{
		ID: c.id, Kind: c.kind, Group: c.group, Reactions: c.group.Reactions, LastID: c.lastID, LastBot: c.lastBot,
		Created: c.created, Started: c.started, Blocked: c.blocked, MigratedTo: c.migratedTo,
	}
}

func (m *message) saved() savedMessage {
	v := savedMessage{Message: m.Message, Keyboard: m.keyboard, InAlbum: m.album}
	for name, value := range m.extra {
		data, err := json.Marshal(value)
		if err != nil {
			panic("telegram: a message that is no JSON: " + err.Error()) // it is made of maps, texts and numbers
		}
		if v.Extra == nil {
			v.Extra = map[string]json.RawMessage{}
		}
		v.Extra[name] = data
	}
	return v
}
