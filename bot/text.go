package bot

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf16"
)

const (
	// mostToast, mostText, mostCaption and mostCopy are Telegram's limits for
	// answerCallbackQuery.text, sendMessage.text, captions and copied texts. Their
	// unit is not documented; UTF-16 units are what message entities are counted in.
	mostToast   = 200
	mostText    = 4096
	mostCaption = 1024
	mostCopy    = 256
	// mostName is where we cut names: long enough for real ones, short enough not
	// to push everything else off a card.
	mostName = 64
)

// units counts the UTF-16 units of s.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// truncate cuts s to at most most UTF-16 units, the last one an ellipsis. It
// never cuts a character in two.
func truncate(s string, most int) string {
	if units(s) <= most {
		return s
	}
	n := 0
	for i, r := range s {
		if n += utf16.RuneLen(r); n > most-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// parsedUnits is the length of Telegram HTML after parsing.
func parsedUnits(s string) int { return units(plainText(s)) }

// plainText is Telegram HTML after parsing: without tags, with entities as the
// characters they stand for. Text that is not well formed stays as it stands;
// Telegram will say what is wrong with it.
func plainText(s string) string {
	var b strings.Builder
	for s != "" {
		open := strings.IndexByte(s, '<')
		if open < 0 {
			break
		}
		end := strings.IndexByte(s[open:], '>')
		if end < 0 {
			break
		}
		b.WriteString(s[:open])
		s = s[open+end+1:]
	}
	b.WriteString(s)
	return html.UnescapeString(b.String())
}

// clean makes a name fit to stand in a line among other words: without control
// and bidirectional characters, with single spaces, at most 64 characters.
func clean(name string) string {
	const joiners = "\u200c\u200d" // part of scripts and of emoji
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case strings.ContainsRune(joiners, r):
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	return truncate(strings.Join(strings.Fields(name), " "), mostName)
}
