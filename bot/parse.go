package bot

import (
	"strings"
	"unicode/utf16"
)

// mostCommand is the longest name of a command (BotCommand.command).
const mostCommand = 32

// parseCommand finds the command that a text begins with. It is not ok when
// there is none or when it is addressed to another bot. Telegram marks commands
// with an entity; it counts in UTF-16 units, which is the same as bytes only in
// front of and inside of ASCII, so an entity is believed only at the very
// beginning and only as far as the text agrees.
func parseCommand(text string, entities []wireEntity, username string) (name string, args []string, ok bool) {
	length, marked := 0, false
	for _, e := range entities {
		switch {
		case e.Offset != 0:
		case e.Type == "bot_command":
			length, marked = e.Length, true
		case e.Type == "code", e.Type == "pre":
			return "", nil, false // the author shows a command rather than giving it
		}
	}
	name, rest, ok := splitCommand(text, username)
	if !ok {
		return "", nil, false
	}
	switch {
	case marked && length != len(text)-len(rest):
		return "", nil, false
	case !marked && rest != "" && !strings.ContainsRune(" \t\n\r", rune(rest[0])):
		return "", nil, false // "/etc/hosts" is a path
	}
	return name, strings.Fields(rest), true
}

// mentions are the people named in a text. An entity that does not fit the text
// names nobody.
func mentions(text string, entities []wireEntity, self string) []Person {
	var people []Person
	for _, e := range entities {
		switch e.Type {
		case "text_mention":
			if u := e.User.value; u != nil && u.ID != 0 && !u.IsBot {
				people = append(people, person(u))
			}
		case "mention":
			name, ok := strings.CutPrefix(slice(text, e.Offset, e.Length), "@")
			if ok && name != "" && wordLength(name) == len(name) && !strings.EqualFold(name, self) {
				people = append(people, Person{Name: name, Username: name})
			}
		}
	}
	return people
}

// slice is a part of a text, counted in UTF-16 units; "" where there is none.
func slice(text string, offset, length int) string {
	all := utf16.Encode([]rune(text))
	if offset < 0 || length <= 0 || offset > len(all) || length > len(all)-offset {
		return ""
	}
	return string(utf16.Decode(all[offset : offset+length]))
}

// splitCommand reads "/name" or "/name@username" off the beginning of text.
func splitCommand(text, username string) (name, rest string, ok bool) {
	if !strings.HasPrefix(text, "/") {
		return "", "", false
	}
	n := wordLength(text[1:])
	name, rest = strings.ToLower(text[1:1+n]), text[1+n:]
	if n == 0 || n > mostCommand {
		return "", "", false
	}
	if strings.HasPrefix(rest, "@") {
		n := wordLength(rest[1:])
		if n == 0 || !strings.EqualFold(rest[1:1+n], username) {
			return "", "", false
		}
		rest = rest[1+n:]
	}
	return name, rest, true
}

// wordLength is how many bytes at the beginning of s are A-Z, a-z, 0-9 or _.
func wordLength(s string) int {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
			return i
		}
	}
	return len(s)
}
