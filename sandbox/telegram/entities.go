package telegram

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
)

// What a text may hold (core.telegram.org/bots/api: sendMessage, sendDocument, answerCallbackQuery). Telegram counts "characters after
// entities parsing"; UTF-16 code units are counted here, which is never less.
const (
	maxText    = 4096
	maxCaption = 1024
	maxToast   = 200
)

// formatted is a text with its entities.
type formatted struct {
	text     string
	entities []Entity
}

// format reads a text as the bot sent it. knows tells whether a user may be mentioned.
func format(text, mode string, given []Entity, knows func(int64) bool) (formatted, *apiError) {
	f := formatted{text: text, entities: given}
	switch mode {
	case "":
	case "HTML":
		var err error
		f.text, f.entities, err = parseHTML(text)
		if err != nil {
			return formatted{}, malformed("can't parse entities: " + upperFirst(err.Error()))
		}
	default:
		return formatted{}, malformed("the sandbox does not carry out parse_mode " + mode)
	}
	f.entities = slices.DeleteFunc(f.entities, func(e Entity) bool { return e.Type == "text_mention" && !knows(e.User) })
	f.trim()
	f.settle()
	f.entities = append(f.entities, detect(f.text, f.entities)...)
	sortEntities(f.entities)
	return f, nil
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// trim removes white space at the end, and at the start as far as no entity covers it, as Telegram does.
func (f *formatted) trim() {
	f.text = strings.TrimRight(f.text, " \t\r\n")
	end := utf16Len(f.text)
	first := end
	for i := range f.entities {
		e := &f.entities[i]
		e.Length = min(e.Length, end-e.Offset)
		if e.Length > 0 {
			first = min(first, e.Offset)
		}
	}
	cut := min(len(f.text)-len(strings.TrimLeft(f.text, " \t\r\n")), first)
	f.text = f.text[cut:] // only single bytes are cut
	for i := range f.entities {
		f.entities[i].Offset -= cut
	}
	f.entities = slices.DeleteFunc(f.entities, func(e Entity) bool { return e.Length <= 0 || e.Offset < 0 })
}

// settle applies the rules on nesting: nothing inside code or pre, and no bold, italic and so on around them; no
// quotation inside another.
func (f *formatted) settle() {
	sortEntities(f.entities)
	var out []Entity
	for i, e := range f.entities {
		if slices.ContainsFunc(f.entities[:i], func(o Entity) bool { return contains(o, e) && excludes(o, e) }) {
			continue
		}
		if !isStyle(e) {
			out = append(out, e)
			continue
		}
		out = append(out, without(e, f.entities)...)
	}
	sortEntities(out)
	f.entities = out
}

func contains(outer, inner Entity) bool {
	return outer.Offset <= inner.Offset && outer.Offset+outer.Length >= inner.Offset+inner.Length
}

func isStyle(e Entity) bool {
	switch e.Type {
	case "bold", "italic", "underline", "strikethrough", "spoiler":
		return true
	}
	return false
}

func isCode(e Entity) bool { return e.Type == "code" || e.Type == "pre" }

func isQuote(e Entity) bool { return e.Type == "blockquote" || e.Type == "expandable_blockquote" }

// excludes tells whether an entity may not stand inside another.
func excludes(outer, inner Entity) bool {
	switch {
	case isCode(outer):
		return true
	case isQuote(outer):
		return isQuote(inner)
	case isStyle(outer):
		return outer.Type == inner.Type
	}
	return !isStyle(inner)
}

// without cuts code and pre out of a style.
func without(e Entity, all []Entity) []Entity {
	parts := []Entity{e}
	for _, c := range all {
		if !isCode(c) {
			continue
		}
		var rest []Entity
		for _, p := range parts {
			end, hole := p.Offset+p.Length, c.Offset+c.Length
			if hole <= p.Offset || c.Offset >= end {
				rest = append(rest, p)
				continue
			}
			if left := c.Offset - p.Offset; left > 0 {
				q := p
				q.Length = left
				rest = append(rest, q)
			}
			if right := end - hole; right > 0 {
				q := p
				q.Offset, q.Length = hole, right
				rest = append(rest, q)
			}
		}
		parts = rest
	}
	return parts
}

// sortEntities puts outer entities before inner ones. Of those that cover the same text a quotation is the outermost: it may
// hold code, and code holds nothing (Bot API, "Formatting options").
func sortEntities(list []Entity) {
	slices.SortStableFunc(list, func(a, b Entity) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(b.Length, a.Length), cmp.Compare(depth(a), depth(b)))
	})
}

func depth(e Entity) int {
	if isQuote(e) {
		return 0
	}
	return 1
}

// found are what Telegram marks in any text by itself. A match's first group is what precedes, the second is marked.
var found = [...]struct {
	kind string
	expr *regexp.Regexp
}{
	{"url", regexp.MustCompile(`(^|[\s(\[{"'<>])(https?://[^\s<>"']+[^\s<>"'.,;:!?)\]}])`)},
	{"bot_command", regexp.MustCompile(`(^|[^\pL\pN_/<>@#.:&=?-])(/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?)`)},
	{"mention", regexp.MustCompile(`(^|[^\pL\pN_/@.])(@[A-Za-z0-9_]{3,32})`)},
	{"hashtag", regexp.MustCompile(`(^|[^\pL\pN_/&#.])(#[\pL\pN_]*[\pL_][\pL\pN_]*)`)},
}

// detect finds addresses, commands, mentions and hashtags outside of code, links and mentions.
func detect(text string, taken []Entity) []Entity {
	var out []Entity
	for _, f := range found {
		for _, m := range f.expr.FindAllStringSubmatchIndex(text, -1) {
			start, end := m[4], m[5]
			e := Entity{Type: f.kind, Offset: utf16Len(text[:start]), Length: utf16Len(text[start:end])}
			overlaps := func(o Entity) bool { return e.Offset < o.Offset+o.Length && o.Offset < e.Offset+e.Length }
			blocks := func(o Entity) bool { return overlaps(o) && !isStyle(o) && !isQuote(o) }
			if !wordGoesOn(f.kind, text[end:]) && !slices.ContainsFunc(taken, blocks) && !slices.ContainsFunc(out, overlaps) {
				out = append(out, e)
			}
		}
	}
	return out
}

// wordGoesOn tells that what looked like a command is the start of something else, such as a path.
func wordGoesOn(kind, rest string) bool {
	return kind == "bot_command" && rest != "" && strings.IndexByte("/<>@", rest[0]) >= 0
}

// part returns what an entity covers.
func part(text string, e Entity) string {
	units := utf16.Encode([]rune(text))
	end := min(e.Offset+e.Length, len(units))
	return string(utf16.Decode(units[min(e.Offset, end):end]))
}

// json writes an entity as the Bot API does.
func (s *Server) entityJSON(e Entity) map[string]any {
	m := map[string]any{"type": e.Type, "offset": e.Offset, "length": e.Length}
	switch e.Type {
	case "text_link":
		m["url"] = e.URL
	case "text_mention":
		m["user"] = s.userJSON(e.User)
	case "pre":
		if e.Language != "" {
			m["language"] = e.Language
		}
	case "custom_emoji":
		m["custom_emoji_id"] = e.CustomEmojiID
	case "date_time":
		m["unix_time"] = e.UnixTime
		if e.TimeFormat != "" {
			m["date_time_format"] = e.TimeFormat
		}
	}
	return m
}
