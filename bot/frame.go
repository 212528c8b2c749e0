package bot

import "time"

// Frame is how a card should look now.
type Frame struct {
	Place Place
	// ReplyTo is the message that a new message answers, 0 for none. A message
	// that is gone does not hinder.
	ReplyTo int
	// HTML is Telegram HTML: at most 4096 UTF-16 units after parsing, 1024 with a
	// Document or a Photo, whose caption it is then.
	HTML string
	// Buttons are rows of at most 8, at most 100 in all.
	Buttons [][]Button
	// Document makes the card a file, Photo a picture. A card cannot change between
	// text, file and picture. One whose Document changes is posted anew; a changed
	// Photo takes the place of the one before in the same message.
	Document *Document
	Photo    *Photo
	// Kind says how urgent the frame is when a chat is short of what it may be
	// sent. Its zero value lets the frame's other fields tell.
	Kind Kind
	// OnReply, where it is set, is what the handler gets in Reply.Data when somebody
	// answers the live message in words. It never leaves the store.
	OnReply string
	// Until is when the Data buttons and OnReply are dead. Zero means 30 days after
	// the frame was last delivered.
	Until time.Time
	// Notify makes a sound. It matters only when a message is new.
	Notify bool
	// Repost posts the card anew whenever it is greater than in the frame that
	// was posted last: a new message, and the old one loses its buttons.
	Repost uint64
	// Left is what an older copy says once a newer one has taken over, as HTML. ""
	// leaves it its words.
	Left string
	// Final marks the last frame of a card. It is delivered without waiting for
	// the pace of edits, and a final card without Data buttons is forgotten 30
	// days after its delivery.
	Final bool
}

// Kind is what a frame is for, which decides what goes first when a chat may not
// be sent everything at once: answers before approvals, those before alerts, then
// progress, then reports. A kind that waited a minute is no longer passed over by
// progress.
type Kind string

// The kinds of frame.
const (
	// KindAuto: a new message with Notify and Data buttons is an approval, another
	// one an answer where it has ReplyTo, else an alert; an edit is progress, but a
	// final one goes with the approvals.
	KindAuto Kind = ""
	// KindAnswer is what somebody waits for who has just asked.
	KindAnswer Kind = "answer"
	// KindApproval is what somebody must act on, or how a run ended.
	KindApproval Kind = "approval"
	// KindAlert is what somebody should know soon.
	KindAlert Kind = "alert"
	// KindProgress is what the next frame makes obsolete. It leaves the chat some of
	// its savings.
	KindProgress Kind = "progress"
	// KindReport is what can wait.
	KindReport Kind = "report"
)

// Button has a text and exactly one of Data, URL and Copy.
type Button struct {
	// Text is what it says.
	Text string
	// Data is what the handler gets in Press.Data; any length, it never leaves
	// the store.
	Data string
	// URL is opened.
	URL string
	// Copy is put on the clipboard; at most 256 characters.
	Copy string
	// Style is "primary", "success", "danger" or "".
	Style string
	// For are the ids of those who may press a button with Data; empty means
	// anybody. A press by somebody else does not reach the handler. Buttons of a
	// frame with the same Data have the same For.
	For []int64
}

// Document is a file of at most 50 MB.
type Document struct {
	Name    string
	Content []byte
}

// Photo is a picture that the chat shows: a PNG of at most 10 MB, whose sides have
// at most 10,000 pixels together and are at most 20 times as long as each other
// ("sendPhoto", Bot API). Telegram compresses it again: fine lines and small
// letters suffer.
type Photo struct {
	Name    string
	Content []byte
}

// FrameError is what Want returns for a frame that Telegram would refuse.
type FrameError struct {
	// Key is the card's key, Reason what is wrong with the frame.
	Key, Reason string
}

// Error names the card and the reason.
func (e *FrameError) Error() string { return "bot: card " + e.Key + ": " + e.Reason }
