package cards

import (
	"fmt"
	"html"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/dustin/go-humanize"

	"towline/deploy/release"
)

// Telegram's limits, in UTF-16 units after parsing (Bot API, "sendMessage" and "answerCallbackQuery").
const (
	messageLimit = 4096
	toastLimit   = 200
)

// esc makes a text from outside harmless: no markup, no characters that turn the direction of reading around.
func esc(s string) string { return html.EscapeString(clean(s)) }

// clean drops control and bidirectional characters; line ends and tabs stay.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Bidi_Control, r), r == utf8Invalid:
			return -1
		}
		return r
	}, s)
}

const utf8Invalid = '\uFFFD'

// cut shortens a text to n UTF-16 units, with an ellipsis where something is missing.
func cut(s string, n int) string {
	if units(s) <= n {
		return s
	}
	used := 0
	for i, r := range s {
		used += utf16.RuneLen(r)
		if used > n-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// units is the length that Telegram counts.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// name is a short text from outside, on one line.
func name(s string) string {
	return esc(cut(strings.Join(strings.Fields(clean(s)), " "), 64))
}

// code is a short text from outside, in a fixed width.
func code(s string) string { return "<code>" + name(s) + "</code>" }

// long is a longer one, an error's words.
func long(s string, n int) string { return esc(cut(strings.TrimSpace(clean(s)), n)) }

// sql shows a statement.
func sql(s string, n int) string {
	return `<pre><code class="language-sql">` + long(s, n) + "</code></pre>"
}

// command shows a literal command line, which must be complete to be of use.
func command(s string) string { return "<code>" + esc(s) + "</code>" }

// when is a time in the reader's own zone, relative.
func when(t time.Time) string { return stamp(t, "r") }

// stamp is a time in the reader's own zone; what stands inside is for clients that cannot do that.
func stamp(t time.Time, format string) string {
	return fmt.Sprintf(`<tg-time unix="%d" format="%s">%s UTC</tg-time>`, t.Unix(), format, t.UTC().Format("2 Jan 15:04"))
}

// mention notifies a person.
func mention(p release.Person) string {
	return fmt.Sprintf(`<a href="tg://user?id=%d">%s</a>`, p.ID, name(p.Name))
}

// count says a number of things: "1 migration", "3 migrations".
func count[N int | int64 | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return humanize.Comma(int64(n)) + " " + thing + "s" //nolint:gosec // counts of files and rows
}

// took says a duration as people do.
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	default:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
}

// and joins a list for reading.
func and(items []string) string {
	switch len(items) {
	case 0:
		return ""
	case 1:
		return items[0]
	default:
		return strings.Join(items[:len(items)-1], ", ") + " and " + items[len(items)-1]
	}
}

// listed shows up to n items, one a line, and says how many more there are.
func listed(items []string, n int, show func(string) string) []string {
	var out []string
	for i, item := range items {
		if i == n {
			out = append(out, fmt.Sprintf("… and %d more", len(items)-n))
			break
		}
		out = append(out, "• "+show(item))
	}
	return out
}

// lines gathers a card's lines; empty ones separate paragraphs, and never come first or twice.
type lines []string

func (l *lines) add(line string) {
	if line != "" {
		*l = append(*l, line)
	}
}

func (l *lines) addf(format string, args ...any) { l.add(fmt.Sprintf(format, args...)) }

func (l *lines) gap() {
	if n := len(*l); n > 0 && (*l)[n-1] != "" {
		*l = append(*l, "")
	}
}

// String is the card's HTML, cut at a line where it would be too long for one message.
func (l lines) String() string {
	kept := l
	for len(kept) > 1 && units(strings.Join(kept, "\n")) > messageLimit {
		kept = kept[:len(kept)-1]
	}
	return strings.TrimRight(strings.Join(kept, "\n"), "\n")
}

func unescape(s string) string { return html.UnescapeString(s) }
