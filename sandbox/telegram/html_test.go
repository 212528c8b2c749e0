package telegram_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/sandbox/telegram"
)

// sendHTML sends a text in the HTML mode and returns it as people see it.
func sendHTML(w *world, text string) telegram.Message {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{"chat_id": chat, "parse_mode": "HTML", "text": text})
	w.must(err)
	m, _ := w.Message(chat, w.send(string(body)))
	return m
}

func TestHTMLBecomesTextAndEntities(t *testing.T) {
	type entities = []telegram.Entity
	for _, c := range []struct {
		name, html, text string
		want             entities
	}{
		{"plain text stays", "a < b", "", nil},
		{"bold in both spellings", "<b>a</b> <strong>b</strong>", "a b", entities{{Type: "bold", Length: 1}, {Type: "bold", Offset: 2, Length: 1}}},
		{"italic, underline, strikethrough and spoiler", `<i>a</i><u>b</u><s>c</s><tg-spoiler>d</tg-spoiler><span class="tg-spoiler">e</span>`, "abcde", entities{
			{Type: "italic", Length: 1}, {Type: "underline", Offset: 1, Length: 1}, {Type: "strikethrough", Offset: 2, Length: 1},
			{Type: "spoiler", Offset: 3, Length: 1}, {Type: "spoiler", Offset: 4, Length: 1},
		}},
		{"offsets count UTF-16 units", "🟡é<b>🟡</b>x", "🟡é🟡x", entities{{Type: "bold", Offset: 3, Length: 2}}},
		{"nested styles, the outer one first", "<b>a<i>b</i></b>", "ab", entities{{Type: "bold", Length: 2}, {Type: "italic", Offset: 1, Length: 1}}},
		{"code", "<code>a &lt;b&gt; &amp;&quot;&#39;&#x41;</code>", `a <b> &"'A`, entities{{Type: "code", Length: 10}}},
		{"a reference that isn't known stays", "&copy; &nbsp &", "&copy; &nbsp &", nil},
		{"pre with a language", `<pre><code class="language-sql">SELECT 1</code></pre>`, "SELECT 1", entities{{Type: "pre", Length: 8, Language: "sql"}}},
		{"pre without one", "<pre>x</pre>", "x", entities{{Type: "pre", Length: 1}}},
		{"no style in or around code", "<b>a<code>b</code>c</b>", "abc", entities{{Type: "bold", Length: 1}, {Type: "code", Offset: 1, Length: 1}, {Type: "bold", Offset: 2, Length: 1}}},
		{"a link", `<a href="https://example.com/x?a=1&amp;b=2">here</a>`, "here", entities{{Type: "text_link", Length: 4, URL: "https://example.com/x?a=1&b=2"}}},
		{"a link to localhost is no link", `<a href="http://localhost/x">here</a>`, "here", nil},
		{"a mention of a known person", `<a href="tg://user?id=1001">Lead</a>`, "Lead", entities{{Type: "text_mention", Length: 4, User: lead}}},
		{"a mention of somebody the bot never met", `<a href="tg://user?id=1003">Stranger</a>`, "Stranger", nil},
		{"quotations", "<blockquote>a</blockquote><blockquote expandable>b</blockquote>", "ab", entities{{Type: "blockquote", Length: 1}, {Type: "expandable_blockquote", Offset: 1, Length: 1}}},
		{"code that fills a quotation stands inside it", `<blockquote expandable><pre><code class="language-sql">a</code></pre></blockquote>`, "a", entities{
			{Type: "expandable_blockquote", Length: 1}, {Type: "pre", Length: 1, Language: "sql"},
		}},
		{"a time", `<tg-time unix="1700000000" format="r">then</tg-time>`, "then", entities{{Type: "date_time", Length: 4, UnixTime: 1700000000, TimeFormat: "r"}}},
		{"an emoji", `<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>`, "👍", entities{{Type: "custom_emoji", Length: 2, CustomEmojiID: "5368324170671202286"}}},
		{"white space around is removed", "\n <b>a</b> \n", "a", entities{{Type: "bold", Length: 1}}},
		{"a style ends where the white space was removed", "🟡<b>a \n</b>", "🟡a", entities{{Type: "bold", Offset: 2, Length: 1}}},
		{"a style that covers nothing is dropped", "a<b></b>", "a", nil},
		{"attributes with single quotes and without", `<a href='https://example.com/'>x</a><blockquote expandable=1>y</blockquote>`, "xy", entities{{Type: "text_link", Length: 1, URL: "https://example.com/"}, {Type: "expandable_blockquote", Offset: 1, Length: 1}}},
		{"commands, mentions, hashtags and addresses are found", "/promote@towline_bot by @lead #op_1 https://example.com/a.", "", entities{
			{Type: "bot_command", Length: 20}, {Type: "mention", Offset: 24, Length: 5}, {Type: "hashtag", Offset: 30, Length: 5}, {Type: "url", Offset: 36, Length: 21},
		}},
		{"a path is no command", "see db/migrations and /srv/shop", "", nil},
		{"nothing is found in code", "<code>/deploy</code>", "/deploy", entities{{Type: "code", Length: 7}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if c.text == "" {
				c.text = c.html
			}
			m := sendHTML(w, strings.ReplaceAll(c.html, " < ", " &lt; "))
			if m.Text != c.text {
				t.Errorf("text %q, want %q", m.Text, c.text)
			}
			if diff := cmp.Diff(c.want, m.Entities); diff != "" {
				t.Errorf("entities (-want +got):\n%s", diff)
			}
			w.clean()
		})
	}
}

func TestBrokenHTMLIsRefusedInTelegramsWords(t *testing.T) {
	for _, c := range []struct{ html, want string }{
		{"<h1>a</h1>", `Unsupported start tag "h1" at byte offset 0`},
		{"a <b", `Unclosed start tag at byte offset 2`},
		{"a < b", `Unsupported start tag "" at byte offset 2`},
		{"<b>a", `Can't find end tag corresponding to start tag "b"`},
		{"a</b>", "Unexpected end tag at byte offset 1"},
		{"<b><i>a</b></i>", `Unmatched end tag at byte offset 7, expected "</i>", found "</b>"`},
		{"ä<b>a</b", "Unclosed end tag at byte offset 6"},
		{"<a href=\"x>y</a>", "Unclosed start tag at byte offset 0"},
		{"<a href", `Unclosed start tag "a" at byte offset 0`},
		{"<a =x>y</a>", `Empty attribute name in the tag "a" at byte offset 0`},
		{"<a href=a/b>y</a>", "Unexpected end of name token at byte offset 8"},
		{"<span>a</span>", `Tag "span" must have class "tg-spoiler" at byte offset 0`},
		{`<tg-emoji emoji-id="x">a</tg-emoji>`, "Invalid custom emoji identifier specified"},
		{`<tg-time unix="1" format="z">a</tg-time>`, "Invalid date-time format specified"},
		{"a<br/>b", `Unsupported start tag "br/" at byte offset 1`},
	} {
		t.Run(c.html, func(t *testing.T) {
			w := newWorld(t)
			body, err := json.Marshal(map[string]any{"chat_id": chat, "parse_mode": "HTML", "text": c.html})
			w.must(err)
			w.fails("sendMessage", string(body), http.StatusBadRequest, "Bad Request: can't parse entities: "+c.want)
			if len(w.Violations()) != 1 {
				t.Errorf("violations: %q", w.Violations())
			}
		})
	}
}

func TestATextMayHave4096UnitsAfterParsing(t *testing.T) {
	w := newWorld(t)
	if m := sendHTML(w, "<b>"+strings.Repeat("🟡", 2048)+"</b>"); m.Entities[0].Length != 4096 {
		t.Errorf("entities %+v", m.Entities)
	}
	w.clean()
	for _, text := range []string{strings.Repeat("x", 4097), strings.Repeat("🟡", 2048) + "x"} {
		w.fails("sendMessage", fmt.Sprintf(`{"chat_id": %d, "text": %q}`, chat, text), http.StatusBadRequest, "Bad Request: message is too long")
	}
}

func TestEntitiesMayBeGivenInsteadOfHTML(t *testing.T) {
	w := newWorld(t)
	id := w.send(fmt.Sprintf(`{"chat_id": %d, "text": "ab", "entities": [{"type": "bold", "offset": 1, "length": 1},
		{"type": "text_mention", "offset": 0, "length": 1, "user": {"id": %d, "is_bot": false, "first_name": "Lead"}}]}`, chat, lead))
	m, _ := w.Message(chat, id)
	want := []telegram.Entity{{Type: "text_mention", Length: 1, User: lead}, {Type: "bold", Offset: 1, Length: 1}}
	if diff := cmp.Diff(want, m.Entities); diff != "" {
		t.Errorf("entities (-want +got):\n%s", diff)
	}
	w.clean()
}
