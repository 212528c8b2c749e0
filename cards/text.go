package cards

import (
	"fmt"
	"html"
	"slices"
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

// clean drops what cannot be seen and could mislead: control, bidirectional and other format characters. Line ends and
// tabs stay, and so do the joiners that scripts and emoji are written with.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == zwnj || r == zwj:
			return r
		case r == '\u2028' || r == '\u2029':
			return '\n'
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
}

const (
	zwnj = '\u200c'
	zwj  = '\u200d'
)

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

// code is a short text from outside, in a fixed width. A file's name may be a longer path.
func code(s string) string {
	return "<code>" + esc(cut(strings.Join(strings.Fields(clean(s)), " "), 100)) + "</code>"
}

// flat is a longer one on one line, so that it cannot pass for a line of Towline's own.
func flat(s string, n int) string { return esc(cut(strings.Join(strings.Fields(clean(s)), " "), n)) }

// long is one with its line ends, for a block of its own: an error's words, a statement.
func long(s string, n int) string { return esc(cut(strings.TrimSpace(clean(s)), n)) }

// sql shows a statement.
func sql(s string, n int) string {
	return `<pre><code class="language-sql">` + long(s, n) + "</code></pre>"
}

// command shows a literal command line, which must be complete to be of use.
func command(s string) string { return "<code>" + flat(s, 600) + "</code>" }

// when is a time in the reader's own zone, relative.
func when(t time.Time) string { return stamp(t, "r") }

// stamp is a time in the reader's own zone; what stands inside is for clients that cannot do that.
func stamp(t time.Time, format string) string {
	return fmt.Sprintf(`<tg-time unix="%d" format="%s">%s UTC</tg-time>`, t.Unix(), format, t.UTC().Format("2 Jan 15:04"))
}

// mention notifies a person. A link without a text would notify nobody.
func mention(p release.Person) string {
	if p.Anonymous || p.ID == 0 { // whoever is at the command line is nobody of Telegram
		return name(p.Shown())
	}
	return fmt.Sprintf(`<a href="tg://user?id=%d">%s</a>`, p.ID, orElse(name(p.Name), fmt.Sprintf("person %d", p.ID)))
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
type lines []line

// line is one line of a card. A spare one is dropped, the last first, where the card would be too long for one message:
// lists and SQL are, but never the verdict, the code or what leads back.
type line struct {
	html  string
	spare bool
}

func (l *lines) add(html string) {
	if html != "" {
		*l = append(*l, line{html: html})
	}
}

func (l *lines) addf(format string, args ...any) { l.add(fmt.Sprintf(format, args...)) }

func (l *lines) spare(html ...string) {
	for _, h := range html {
		*l = append(*l, line{html: h, spare: true})
	}
}

func (l *lines) gap() {
	if n := len(*l); n > 0 && (*l)[n-1].html != "" {
		*l = append(*l, line{})
	}
}

// String is the card's HTML, short enough for one message.
func (l lines) String() string {
	kept := slices.Clone(l)
	for units(plain(kept.join())) > messageLimit {
		i := kept.lastSpare()
		if i < 0 {
			return kept[:len(kept)-1].String() // every line that is not spare is bounded, and their number is: see the tests
		}
		kept[i] = line{html: shortened}
		if i+1 < len(kept) && kept[i+1].html == shortened {
			kept = slices.Delete(kept, i+1, i+2)
		}
	}
	return kept.join()
}

const shortened = "… shortened"

func (l lines) lastSpare() int {
	for i := len(l) - 1; i >= 0; i-- {
		if l[i].spare {
			return i
		}
	}
	return -1
}

func (l lines) join() string {
	all := make([]string, len(l))
	for i, line := range l {
		all[i] = line.html
	}
	return strings.TrimRight(strings.Join(all, "\n"), "\n")
}

func unescape(s string) string { return html.UnescapeString(s) }
