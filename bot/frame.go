package bot

// Frame is how a card should look now.
type Frame struct {
	Place Place
	// ReplyTo is the message that a new message answers, 0 for none. A message
	// that is gone does not hinder.
	ReplyTo int
	// HTML is Telegram HTML: at most 4096 UTF-16 units after parsing, 1024 with a
	// Document, whose caption it is then.
	HTML string
	// Buttons are rows of at most 8, at most 100 in all.
	Buttons [][]Button
	// Document makes the card a file. A card cannot change between file and
	// text; one whose Document changes is posted anew.
	Document *Document
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
}

// Document is a file of at most 50 MB.
type Document struct {
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
