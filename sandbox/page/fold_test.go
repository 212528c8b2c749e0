package page_test

import (
	"fmt"
	"strings"
	"testing"
)

// longCard is a request whose SQL stands in a folded quote, as long as a card may have it.
func longCard() string {
	var sql strings.Builder
	for i := range 24 {
		fmt.Fprintf(&sql, "ALTER TABLE orders ADD COLUMN a_rather_long_name_%d INTEGER NOT NULL DEFAULT 0 REFERENCES customers (id) ON DELETE CASCADE;\n", i)
	}
	fold := `<blockquote expandable><pre><code class="language-sql">` + sql.String() + `-- the end</code></pre></blockquote>`
	return "🟡 <b>shop → production</b> · waiting for approval\nRelease <b>#2</b> by Dana · <code>v2</code> <code>56c20cc</code>\n\n" +
		"1 migration · 24 statements · one transaction\n• <code>0002_orders.sql</code> ALTER TABLE orders +23\n" + fold +
		"\n\n✅ live on preview · ✅ rehearsed on production's schema\n↩️ a restore point is taken and read back first\n" +
		"May approve: <a href=\"tg://user?id=1002\">Robin</a>\nExpires in 24 hours · plan <code>7f3c2a1b</code>"
}

func folding(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	w.send(longCard(), cardButtons())
	tb := b.open(t, w.url)
	tb.until(`document.querySelector(".expandable.closed.long figure.code pre") !== null`)
	const height = `document.querySelector(".expandable").getBoundingClientRect().height`
	if closed := value[float64](tb, height); closed > 110 {
		t.Errorf("folded, it is %v px high", closed)
	}
	if value[bool](tb, `document.querySelector(".code .expandable") !== null || document.querySelector(".expandable .code-head").offsetParent !== null`) {
		t.Error("the quote is inside of the code, or the code's heading takes a line of the fold")
	}
	tb.click(".expandable > div") // anywhere on it, as in Telegram
	tb.until(contains(".expandable > button", "Show less") + ` && document.querySelector(".expandable .code-head").offsetParent !== null`)
	whole := `(() => { const pre = document.querySelector(".expandable pre"); return pre.textContent.endsWith("-- the end") && pre.scrollHeight <= pre.clientHeight + 1 && pre.scrollWidth <= pre.clientWidth + 1; })()`
	if !value[bool](tb, whole) {
		t.Error("opened, the SQL is still cut")
	}
	noSidewaysScroll(tb)
	tb.click(".expandable > button")
	tb.until(`document.querySelector(".expandable.closed.long") !== null && ` + height + ` < 110`)
}

func oneScreen(t *testing.T, b *browser) {
	w := newWorld(t, withTour)
	w.say(dana, "/promote")
	w.send(longCard(), cardButtons())
	tb := b.open(t, w.url+"/#as=1002")
	tb.size(390, 844)
	tb.until(`innerWidth === 390 && document.querySelector(".brand").offsetParent === null && document.querySelector(".expandable.closed.long") !== null`)
	tb.until(`document.querySelector("#scroll").scrollTop + document.querySelector("#scroll").clientHeight >= document.querySelector("#scroll").scrollHeight - 1`)
	for _, part := range []string{".bot .text strong", ".bot .text code", ".bot .mention", approve, `.key[data-label="Reject"]`} {
		seen := `(() => { const r = document.querySelector(` + quote(part) + `).getBoundingClientRect(), s = document.querySelector("#scroll").getBoundingClientRect();
			return r.top >= s.top && r.bottom <= s.bottom; })()`
		tb.until(seen)
	}
}

func waitingTour(t *testing.T, b *browser) {
	w := newWorld(t, withTour)
	tb := b.open(t, w.url)
	tb.click(".step-go")
	w.heard(dana, "/deploy shop v2")
	w.send(card(), cardButtons())
	w.onPress("yes", func(p press) { w.answer(p, "Not you.", p.From.ID == dana) })
	tb.click(approve) // as Dana, while the step means Robin
	tb.until(contains("dialog[open]", "Not you."))
	tb.click("dialog button")
	w.onPress("yes", func(p press) { w.answer(p, "Too late.", true) })
	tb.click(".step-go")
	tb.until(contains("#me-name", "Robin"))
	tb.click(approve) // as Robin, refused
	tb.until(contains("dialog[open]", "Too late."))
	tb.click("dialog button")
	tb.until(contains(".step.now .step-title", "Approve as Robin") + ` && !document.querySelector(".step.done + .step.done")`)
	w.onPress("yes", func(p press) { w.answer(p, "Approved.", false) })
	tb.click(approve)
	tb.until(contains(".step.now .step-go", "Send Done as Robin"))
}

func tourInAnOldChat(t *testing.T, b *browser) {
	w := newWorld(t, withTour)
	w.say(robin, "/deploy shop v2") // not who the step means
	tb := b.open(t, w.url)
	tb.until(contains(".step.now .step-go", "Send /deploy shop v2 as Dana"))
	later := newWorld(t, withTour)
	later.say(dana, "/deploy shop v2")
	tb = b.open(t, later.url)
	tb.until(contains(".step.now .step-go", "Be Robin and press Approve"))
}
