package telegram

import "time"

// Message is one message as a client shows it now: a copy, which the caller may keep.
type Message struct {
	Chat       int64 `json:"chat"`
	ID         int   `json:"id"`
	Topic      int   `json:"topic,omitempty"`       // the forum topic; 0 outside forums and in General
	From       int64 `json:"from"`                  // AnonymousAdminID for an anonymous administrator
	SenderChat int64 `json:"sender_chat,omitempty"` // set where a chat speaks instead of a person
	// Author is who really wrote, where From hides it: for the people's side alone, the bot is never told.
	Author   int64     `json:"author,omitempty"`
	Sender   string    `json:"sender"` // the name clients show
	FromBot  bool      `json:"from_bot,omitempty"`
	Date     time.Time `json:"date"`
	EditDate time.Time `json:"edit_date,omitzero"`
	Edits    int       `json:"edits,omitempty"` // how many edits changed it

	Text     string   `json:"text,omitempty"`     // plain: the text, or the caption of a document or photo
	Entities []Entity `json:"entities,omitempty"` // what is bold, code, a link …, in order of offset, outer ones first
	ReplyTo  int      `json:"reply_to,omitempty"` // id of the message this one answers
	Document *File    `json:"document,omitempty"`
	Photo    *File    `json:"photo,omitempty"`
	Album    string   `json:"album,omitempty"` // shared by the messages of one sendMediaGroup

	Buttons [][]Button `json:"buttons,omitempty"`
	// ForceReply asks clients to begin an answer to this message.
	ForceReply *ForceReply `json:"force_reply,omitempty"`

	Reactions []Reaction `json:"reactions,omitempty"`
	Silent    bool       `json:"silent,omitempty"`     // sent without a sound
	Protected bool       `json:"protected,omitempty"`  // may not be forwarded or saved
	NoPreview bool       `json:"no_preview,omitempty"` // links are shown without preview
	Pinned    bool       `json:"pinned,omitempty"`
	Deleted   bool       `json:"deleted,omitempty"` // gone for everybody; kept here so that a test can see it

	Forwarded bool   `json:"forwarded,omitempty"`
	Scheduled bool   `json:"scheduled,omitempty"` // sent by the clock, not by a hand (is_from_offline)
	ViaBot    bool   `json:"via_bot,omitempty"`
	Service   string `json:"service,omitempty"` // for "Lead joined the group" and its like; Text is empty then
}

// Entity is a styled part of a text. Offset and Length count UTF-16 code units, as everywhere in the Bot API.
type Entity struct {
	// Type is a MessageEntity.type of the Bot API: bold, italic, underline, strikethrough, spoiler, code, pre, text_link,
	// text_mention, blockquote, expandable_blockquote, custom_emoji, date_time, bot_command, mention, hashtag, url.
	Type   string `json:"type"`
	Offset int    `json:"offset"`
	Length int    `json:"length"`

	URL           string `json:"url,omitempty"`              // text_link
	User          int64  `json:"user,omitempty"`             // text_mention
	Language      string `json:"language,omitempty"`         // pre
	CustomEmojiID string `json:"custom_emoji_id,omitempty"`  // custom_emoji
	UnixTime      int64  `json:"unix_time,omitempty"`        // date_time, seconds
	TimeFormat    string `json:"date_time_format,omitempty"` // date_time: see the Bot API's "date-time entity formatting"
}

// Button is a button below a message. Exactly one of Data, URL, CopyText and Other is set.
type Button struct {
	Text     string `json:"text"`
	Style    string `json:"style,omitempty"`         // "", danger, success or primary
	Data     string `json:"callback_data,omitempty"` // pressing it calls the bot
	URL      string `json:"url,omitempty"`
	CopyText string `json:"copy_text,omitempty"`
	Other    string `json:"other,omitempty"` // the name of an action that the sandbox only displays, such as web_app
}

// ForceReply is a message's wish for an answer, as reply_markup said it.
type ForceReply struct {
	Placeholder string `json:"placeholder,omitempty"` // what the empty field shows meanwhile
	Selective   bool   `json:"selective,omitempty"`   // only those are meant whom the text mentions, or who wrote what it replies to
}

// File is a document or photo. Its content is had from Server.Document.
type File struct {
	ID   string `json:"id"`   // file_id
	Name string `json:"name"` // as uploaded
	Size int    `json:"size"` // bytes
	MIME string `json:"mime"`
	// Width and Height are those of a photo, in pixels.
	Width  int `json:"width,omitempty"`
	Height int `json:"height,omitempty"`
}

// Reaction is one emoji by one user.
type Reaction struct {
	From  int64  `json:"from"`
	Emoji string `json:"emoji"`
}
