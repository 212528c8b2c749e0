package bot

import (
	"bytes"
	"fmt"
	"image/png"
)

// form is what a card's message is, for good.
type form uint8

const (
	aText form = iota
	aFile
	aPicture
)

// form tells what a frame's message is.
func (f Frame) form() form {
	switch {
	case f.Document != nil:
		return aFile
	case f.Photo != nil:
		return aPicture
	}
	return aText
}

// wrongFile says why Telegram would refuse the frame's file or picture, "" where
// it would not.
func (f Frame) wrongFile() string {
	d, p := f.Document, f.Photo
	switch {
	case d != nil && p != nil:
		return "a card is a file or a picture, not both"
	case d != nil && (d.Name == "" || len(d.Content) == 0), p != nil && (p.Name == "" || len(p.Content) == 0):
		return "a file needs a name and content"
	case d != nil && len(d.Content) > mostDocument:
		return fmt.Sprintf("the file has %d bytes, and 50 MB is the most", len(d.Content))
	case p != nil && len(p.Content) > mostPhoto:
		return fmt.Sprintf("the picture has %d bytes, and 10 MB is the most", len(p.Content))
	case p == nil:
		return ""
	}
	size, err := png.DecodeConfig(bytes.NewReader(p.Content))
	if err != nil {
		return "the picture is not a PNG: " + err.Error()
	}
	long, short := max(size.Width, size.Height), min(size.Width, size.Height)
	if long+short > mostSides || long > mostRatio*short {
		return fmt.Sprintf("the picture has %d by %d pixels; %d together and %d times as long as wide are the most", size.Width, size.Height, mostSides, mostRatio)
	}
	return ""
}
