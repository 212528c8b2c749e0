package telegram

import "time"

// User is a person, or a bot.
type User struct {
	ID           int64  `json:"id"` // 1 up to 2^52, as in the Bot API
	FirstName    string `json:"first_name"`
	LastName     string `json:"last_name,omitempty"`
	Username     string `json:"username,omitempty"`
	LanguageCode string `json:"language_code,omitempty"` // IETF tag, as clients report it
	IsBot        bool   `json:"is_bot,omitempty"`
}

// Name is what clients show: first and last name.
func (u User) Name() string {
	if u.LastName == "" {
		return u.FirstName
	}
	return u.FirstName + " " + u.LastName
}

// The ids that Telegram puts into `from` where the real sender is hidden (core.telegram.org/bots/api, Message.from).
const (
	AnonymousAdminID int64 = 1087968824 // GroupAnonymousBot: an administrator who writes as the group
	ChannelBotID     int64 = 136817688  // a member who writes as one of their channels
	ServiceID        int64 = 777000     // Telegram itself: posts forwarded from a linked channel
)

// Status is a membership, in the words of the Bot API's ChatMember.
type Status string

// The memberships.
const (
	Creator       Status = "creator"
	Administrator Status = "administrator"
	Ordinary      Status = "member"
	Restricted    Status = "restricted" // may read, may not write; in the group unless Member.Absent
	Left          Status = "left"
	Kicked        Status = "kicked"
)

// Inside tells whether somebody of this status is in the group. Of the restricted, Member.Inside knows.
func (s Status) Inside() bool {
	switch s {
	case Creator, Administrator, Ordinary, Restricted:
		return true
	}
	return false
}

// Member is somebody's place in a group.
type Member struct {
	User      int64  `json:"user"`
	Status    Status `json:"status"`
	Anonymous bool   `json:"anonymous,omitempty"` // an administrator who writes as the group itself
	Title     string `json:"title,omitempty"`     // an administrator's custom title
	// Absent says of somebody restricted that they are not in the group now (is_member false): what they may not do is kept for
	// the day they come back.
	Absent bool `json:"absent,omitempty"`
	// Until is when somebody's restriction or ban ends (until_date); zero means never. Nothing happens at that time by itself.
	Until time.Time `json:"until,omitzero"`
}

// Inside tells whether somebody is in the group.
func (m Member) Inside() bool { return m.Status.Inside() && !m.Absent }

// Topic is a thread of a forum. The General topic has id 1 and exists in every forum.
type Topic struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

// Group is a group chat with its members. Members whose user is unknown to the server are refused by AddGroup.
type Group struct {
	ID       int64    `json:"id"` // supergroups: -100…; basic groups: a small negative number
	Title    string   `json:"title"`
	Username string   `json:"username,omitempty"` // of a public group
	Basic    bool     `json:"basic,omitempty"`    // a basic group, which MigrateGroup turns into a supergroup
	Forum    bool     `json:"forum,omitempty"`
	Topics   []Topic  `json:"topics,omitempty"` // of a forum
	Members  []Member `json:"members"`          // the bot is a plain member if it isn't listed
	// ShowsMembers lets a bot that is no administrator ask getChatMember about whomever it has seen in a supergroup. The Bot API
	// guarantees nothing there ("The method is only guaranteed to work for other users if the bot is an administrator in the chat"),
	// so by default such a bot is told of nobody but itself, as in a group whose members are hidden.
	ShowsMembers bool `json:"shows_members,omitempty"`
	// Reactions lists the emoji that may be used here; nil means all, an empty list none.
	Reactions []string `json:"reactions,omitempty"`
}
