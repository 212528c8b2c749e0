package telegram

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// tags maps what the HTML mode knows to the kind of entity it makes (core.telegram.org/bots/api, "HTML style").
func tagKind(name string) (kind string, ok bool) {
	switch name {
	case "b", "strong":
		return "bold", true
	case "i", "em":
		return "italic", true
	case "u", "ins":
		return "underline", true
	case "s", "strike", "del":
		return "strikethrough", true
	case "tg-spoiler", "span":
		return "spoiler", true
	case "a":
		return "text_link", true
	case "tg-emoji":
		return "custom_emoji", true
	case "tg-time":
		return "date_time", true
	case "code", "pre", "blockquote":
		return name, true
	}
	return "", false
}

// htmlReader reads Telegram's HTML. It is no browser: an unknown tag or a stray one is an error, told with its byte offset.
type htmlReader struct {
	src  string
	pos  int
	out  strings.Builder
	at   int // UTF-16 length of out
	open []openTag
	done []Entity
}

type openTag struct {
	name  string
	attrs map[string]string
	at    int // UTF-16 offset of the content
	start int // byte offset of the content in out
}

// parseHTML turns HTML into text and entities. The error's text is what follows "can't parse entities: ".
func parseHTML(src string) (string, []Entity, error) {
	r := &htmlReader{src: src}
	for r.pos < len(r.src) {
		switch c := r.src[r.pos]; {
		case c == '<' && strings.HasPrefix(r.src[r.pos:], "</"):
			if err := r.endTag(); err != nil {
				return "", nil, err
			}
		case c == '<':
			if err := r.startTag(); err != nil {
				return "", nil, err
			}
		case c == '&':
			char, size := decodeReference(r.src[r.pos:])
			r.put(char)
			r.pos += size
		default:
			char, size := utf8.DecodeRuneInString(r.src[r.pos:])
			r.put(char)
			r.pos += size
		}
	}
	if n := len(r.open); n > 0 {
		return "", nil, fmt.Errorf("can't find end tag corresponding to start tag %q", r.open[n-1].name)
	}
	return r.out.String(), r.done, nil
}

func (r *htmlReader) put(char rune) {
	r.out.WriteRune(char)
	r.at += utf16.RuneLen(char)
}

// decodeReference reads a character reference. Of the named ones Telegram knows four; everything else stays as it is written.
func decodeReference(s string) (char rune, size int) {
	end := 1
	for end < len(s) && end < 12 && (s[end] == '#' || isAlnum(s[end])) {
		end++
	}
	name := s[1:end]
	switch name {
	case "lt":
		char = '<'
	case "gt":
		char = '>'
	case "amp":
		char = '&'
	case "quot":
		char = '"'
	default:
		digits, numeric := strings.CutPrefix(name, "#")
		base := 10
		if hex, ok := strings.CutPrefix(digits, "x"); ok {
			digits, base = hex, 16
		}
		n, err := strconv.ParseInt(digits, base, 32)
		if !numeric || err != nil || n == 0 || n >= utf8.MaxRune || !utf8.ValidRune(rune(n)) {
			return '&', 1
		}
		char = rune(n)
	}
	if end < len(s) && s[end] == ';' {
		end++
	}
	return char, end
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func (r *htmlReader) startTag() error {
	begin := r.pos
	r.pos++
	name := strings.ToLower(r.until(func(c byte) bool { return isSpace(c) || c == '>' }))
	if r.pos == len(r.src) {
		return fmt.Errorf("unclosed start tag at byte offset %d", begin)
	}
	if _, ok := tagKind(name); !ok {
		return fmt.Errorf("unsupported start tag %q at byte offset %d", name, begin)
	}
	tag := openTag{name: name, attrs: map[string]string{}, at: r.at, start: r.out.Len()}
	for {
		r.until(func(c byte) bool { return !isSpace(c) })
		if r.pos < len(r.src) && r.src[r.pos] == '>' {
			r.pos++
			break
		}
		if err := r.attribute(tag, begin); err != nil {
			return err
		}
	}
	if name == "span" && tag.attrs["class"] != "tg-spoiler" {
		return fmt.Errorf(`tag "span" must have class "tg-spoiler" at byte offset %d`, begin)
	}
	r.open = append(r.open, tag)
	return nil
}

// until moves to the first byte that the test accepts and returns what it passed.
func (r *htmlReader) until(found func(byte) bool) string {
	start := r.pos
	for r.pos < len(r.src) && !found(r.src[r.pos]) {
		r.pos++
	}
	return r.src[start:r.pos]
}

func (r *htmlReader) attribute(tag openTag, begin int) error {
	name := r.until(func(c byte) bool { return isSpace(c) || strings.IndexByte(`=>/"'`, c) >= 0 })
	if name == "" && r.pos < len(r.src) {
		return fmt.Errorf("empty attribute name in the tag %q at byte offset %d", tag.name, begin)
	}
	unclosed := fmt.Errorf("unclosed start tag %q at byte offset %d", tag.name, begin)
	r.until(func(c byte) bool { return !isSpace(c) })
	if r.pos == len(r.src) {
		return unclosed
	}
	if r.src[r.pos] != '=' {
		tag.attrs[name] = ""
		return nil
	}
	r.pos++
	r.until(func(c byte) bool { return !isSpace(c) })
	if r.pos == len(r.src) {
		return unclosed
	}
	value, err := r.value()
	if err != nil {
		return err
	}
	if r.pos == len(r.src) {
		return fmt.Errorf("unclosed start tag at byte offset %d", begin)
	}
	tag.attrs[name] = value
	return nil
}

// value reads an attribute's value, quoted or a bare name.
func (r *htmlReader) value() (string, error) {
	quote := r.src[r.pos]
	if quote != '"' && quote != '\'' {
		begin := r.pos
		token := strings.ToLower(r.until(func(c byte) bool { return !isAlnum(c) && c != '.' && c != '-' }))
		if r.pos < len(r.src) && !isSpace(r.src[r.pos]) && r.src[r.pos] != '>' {
			return "", fmt.Errorf("unexpected end of name token at byte offset %d", begin)
		}
		return token, nil
	}
	r.pos++
	var value strings.Builder
	for r.pos < len(r.src) && r.src[r.pos] != quote {
		if r.src[r.pos] == '&' {
			char, size := decodeReference(r.src[r.pos:])
			value.WriteRune(char)
			r.pos += size
			continue
		}
		value.WriteByte(r.src[r.pos])
		r.pos++
	}
	if r.pos < len(r.src) {
		r.pos++
	}
	return value.String(), nil
}

func (r *htmlReader) endTag() error {
	begin := r.pos
	if len(r.open) == 0 {
		return fmt.Errorf("unexpected end tag at byte offset %d", begin)
	}
	r.pos += len("</")
	name := strings.ToLower(r.until(func(c byte) bool { return isSpace(c) || c == '>' }))
	r.until(func(c byte) bool { return !isSpace(c) })
	if r.pos == len(r.src) || r.src[r.pos] != '>' {
		return fmt.Errorf("unclosed end tag at byte offset %d", begin)
	}
	r.pos++
	tag := r.open[len(r.open)-1]
	if name != "" && name != tag.name {
		return fmt.Errorf("unmatched end tag at byte offset %d, expected \"</%s>\", found \"</%s>\"", begin, tag.name, name)
	}
	r.open = r.open[:len(r.open)-1]
	if r.at == tag.at {
		return nil
	}
	return r.close(tag)
}

// close makes the entity of a tag that has content.
func (r *htmlReader) close(tag openTag) error {
	kind, _ := tagKind(tag.name)
	e := Entity{Type: kind, Offset: tag.at, Length: r.at - tag.at}
	switch tag.name {
	case "a":
		if !link(&e, cmp.Or(tag.attrs["href"], r.out.String()[tag.start:])) {
			return nil // Telegram shows such a link as plain text
		}
	case "tg-emoji":
		e.CustomEmojiID = tag.attrs["emoji-id"]
		if id, err := strconv.ParseInt(e.CustomEmojiID, 10, 64); err != nil || id == 0 {
			return errors.New("invalid custom emoji identifier specified")
		}
	case "tg-time":
		e.UnixTime, _ = strconv.ParseInt(tag.attrs["unix"], 10, 32)
		e.TimeFormat = tag.attrs["format"]
		if !validTimeFormat(e.TimeFormat) {
			return errors.New("invalid date-time format specified")
		}
		if e.UnixTime <= 0 {
			return nil
		}
	case "blockquote":
		if _, ok := tag.attrs["expandable"]; ok {
			e.Type = "expandable_blockquote"
		}
	case "code", "pre":
		e.Language, _ = strings.CutPrefix(tag.attrs["class"], "language-")
		if r.mergeCode(tag.name, e) {
			return nil
		}
		e.Language = ""
	}
	r.done = append(r.done, e)
	return nil
}

// mergeCode makes one entity of <pre><code class="language-x">, in either order.
func (r *htmlReader) mergeCode(name string, e Entity) bool {
	// The inner entity is the last one; it keeps its language until it is known what is around it.
	n := len(r.done)
	if name == "code" && strings.HasPrefix(r.src[r.pos:], "</pre") && e.Language != "" && len(r.open) > 0 {
		if outer := r.open[len(r.open)-1]; outer.name == "pre" && outer.at == e.Offset {
			e.Type = "pre"
			r.done = append(r.done, e)
			return true
		}
	}
	if n == 0 {
		return false
	}
	inner := &r.done[n-1]
	if inner.Type != "pre" || inner.Offset != e.Offset || inner.Length != e.Length {
		return false
	}
	if name == "pre" && inner.Language != "" {
		return true
	}
	if name == "code" && e.Language != "" {
		inner.Language = e.Language
		return true
	}
	return false
}

// link makes e a link or, for tg://user?id=…, a mention. It fails for addresses that Telegram takes for no address.
func link(e *Entity, address string) bool {
	if rest, ok := strings.CutPrefix(address, "tg://user?id="); ok {
		id, err := strconv.ParseInt(rest, 10, 64)
		e.Type, e.User = "text_mention", id
		return err == nil && id > 0
	}
	if !strings.Contains(address, ":") {
		address = "http://" + address
	}
	e.URL = address
	if u, err := url.Parse(address); err == nil && u.Path == "" && u.Host != "" {
		u.Path = "/"
		e.URL = u.String()
	}
	return validURL(address)
}

func validTimeFormat(format string) bool {
	if format == "r" || format == "R" {
		return true
	}
	return !slices.ContainsFunc([]byte(format), func(c byte) bool { return strings.IndexByte("tTdDwW", c) < 0 })
}
