package page_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"towline/sandbox/page"
)

// card is a request for approval as the bot writes it.
func card() string {
	return "🟡 <b>shop → production</b> · waiting for approval\nRelease <b>#2</b> by Dana, live on preview\n" +
		"2 migrations, 5 statements, one transaction\n<code>0002_orders.sql</code>\n<code>0003_index.sql</code>\n" +
		"✅ rehearsed on production's schema\n↩️ undo: restore point first\n" +
		`May approve: <a href="tg://user?id=1002">Robin</a>` + "\n" +
		fmt.Sprintf(`Expires <tg-time unix="%d" format="r">in 24 h</tg-time>`, time.Now().Add(24*time.Hour).Unix())
}

func cardButtons() []map[string]any {
	return []map[string]any{button("Approve 7f3c2a1b", "success", "yes"), button("Reject", "danger", "no")}
}

const approve = `.key[data-label="Approve 7f3c2a1b"]`

func TestTheChatInABrowser(t *testing.T) {
	b := startBrowser(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, *browser)
	}{
		{"who switches member speaks as that member, also after a reload", switching},
		{"a press shows the bot's answer as a toast", pressing},
		{"an alert is a dialog that is read before it goes", alerting},
		{"a card changes in place, without a reload", editing},
		{"a document is read where it lies", reading},
		{"a picture is seen where it lies, and one that takes its place too", looking},
		{"hostile text is only text", hostility},
		{"entities become elements", entities},
		{"SQL in a folded quote takes three lines until it is opened", folding},
		{"on a phone an approver has the whole request on one screen", oneScreen},
		{"the tour waits for the member it means, and for a press that counts", waitingTour},
		{"a browser that is new to the chat finds the tour where the chat is", tourInAnOldChat},
		{"on a phone nothing is wider than the screen", phone},
		{"at night the page is dark", night},
		{"everything can be done from the keyboard", keyboard},
		{"two tabs are two people in one chat", twoTabs},
		{"an anonymous admin writes as the group and presses as a person", anonymity},
		{"a member is mentioned by username, or by name", mentioning},
		{"a message that forces a reply opens one", forcedReply},
		{"a long card stays within a narrow screen, by day and by night", wholeCard},
		{"a command in a text sends itself", commands},
		{"the tour sends, points and goes on", touring},
		{"a reply quotes what it answers", replying},
		{"a reader who scrolled back is left where they are", scrolling},
		{"a restarted demo is taken up again", restarting},
	} {
		t.Run(c.name, func(t *testing.T) { t.Parallel(); c.test(t, b) })
	}
}

func switching(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	tb := b.open(t, w.url)
	tb.until(contains(".who-now", "You are: Dana · deployer"))
	tb.click(`[data-member="1002"]`)
	tb.until(contains(".who-now", "You are: Robin · approver"))
	tb.until(contains("#me-about", "May approve what others ask for."))
	tb.do(chromedp.SendKeys(chromedp.CSS("#input"), "I am Robin"))
	tb.click("#send")
	w.heard(robin, "I am Robin")
	tb.until(contains(".message.own", "I am Robin"))
	tb.do(chromedp.Reload())
	tb.until(contains(".who-now", "You are: Robin"))
	tb.until(contains(".message.own", "I am Robin"))
	tb.click(`[data-member="1001"]`)
	tb.until(contains(".message:not(.own)", "I am Robin"))
}

func pressing(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	id := w.send(card(), cardButtons())
	asked := make(chan press, 1)
	w.onPress("yes", func(p press) { asked <- p })
	tb := b.open(t, w.url+"/#as=1002")
	tb.click(approve)
	p := <-asked
	if p.From.ID != robin {
		t.Errorf("pressed by %d", p.From.ID)
	}
	tb.until(`document.querySelector(` + quote(approve) + `).getAttribute("aria-busy") === "true"`)
	w.answer(p, "Approved. Shipping #2.", false)
	tb.until(contains(".toast", "Approved. Shipping #2."))
	tb.until(`!document.querySelector(` + quote(approve) + `).disabled`)
	w.edit(id, "🟢 done")
	tb.until(`!document.querySelector(".key")`)
}

func alerting(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	w.send(card(), cardButtons())
	w.onPress("yes", func(p press) { w.answer(p, "You asked for it, so somebody else has to approve.", true) })
	tb := b.open(t, w.url)
	tb.click(approve)
	tb.until(contains("dialog[open]", "somebody else has to approve"))
	tb.click("dialog button")
	tb.until(`!document.querySelector("dialog[open]")`)
}

func editing(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	w.say(dana, "/promote")
	id := w.send(card(), cardButtons())
	tb := b.open(t, w.url)
	tb.until(contains(".message.bot", "waiting for approval"))
	before := value[float64](tb, `(window.stays = true, document.querySelector(".message.bot .bubble").getBoundingClientRect().width)`)
	w.edit(id, "🟡 <b>shop → production</b>\n✅ restore point\n⏳ applying\n▫️ verify")
	tb.until(contains(".message.bot.edited-now", "⏳ applying"))
	tb.until(contains(".message.bot .edited", "edited"))
	if !value[bool](tb, "window.stays === true") {
		t.Error("the page was loaded again")
	}
	if after := value[float64](tb, `document.querySelector(".message.bot .bubble").getBoundingClientRect().width`); after < before {
		t.Errorf("the card shrank from %v to %v px", before, after)
	}
	if n := value[int](tb, `document.querySelectorAll(".message.bot").length`); n != 1 {
		t.Errorf("%d cards", n)
	}
	if heard := value[string](tb, `document.querySelector("#announce").textContent`); !strings.Contains(heard, "Changed: 🟡 shop → production") {
		t.Errorf("a screen reader is told %q", heard)
	}
}

func reading(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	sql := "-- 0002_orders.sql\nCREATE TABLE orders (id INTEGER); -- <script>alert(1)</script> \u202e\n"
	w.upload("shop-2.sql", sql, "The SQL that will run")
	w.upload("report.bin", "\xff\xfe\x00", "")
	tb := b.open(t, w.url)
	tb.click(`[aria-label="Read shop-2.sql"]`)
	tb.until(contains(".preview pre", "CREATE TABLE orders (id INTEGER); -- <script>alert(1)</script> ⟨U+202E⟩"))
	if file := value[string](tb, `fetch(document.querySelector("a[download]").href).then((r) => r.text())`); file != sql {
		t.Errorf("saved: %q", file)
	}
	if name := value[string](tb, `document.querySelector("a[download]").download`); name != "shop-2.sql" {
		t.Errorf("saved as %q", name)
	}
	if n := value[int](tb, `document.querySelectorAll('[aria-label^="Read "]').length`); n != 1 {
		t.Errorf("%d documents can be read, want only the text", n)
	}
}

func hostility(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	must(t, w.chat.AddUser(userNamed(sam, "Sam \u202egnp.exe")))
	img := `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`
	long := strings.Repeat("W", 4096)
	emoji := "👩‍👩‍👧‍👦🏳️‍🌈 e\u0301 \u202eevil\u202c العربية"
	for _, text := range []string{img, long, emoji, "&lt;b&gt; &amp;"} {
		w.say(sam, text)
	}
	w.send("<b>👩‍👩‍👧‍👦</b> &lt;img src=x onerror=alert(1)&gt; <i>after</i>")
	tb := b.open(t, w.url)
	for _, text := range []string{img, long, emoji, "&lt;b&gt; &amp;", "<img src=x onerror=alert(1)>"} {
		tb.until(contains(".text", text))
	}
	if value[bool](tb, `"hacked" in window || !!document.querySelector("#log img, #log script")`) {
		t.Error("text became an element")
	}
	if bold := value[string](tb, `document.querySelector(".bot .text strong").textContent`); bold != "👩‍👩‍👧‍👦" {
		t.Errorf("bold: %q", bold)
	}
	if name := value[string](tb, `document.querySelector(".sender bdi").textContent`); name != "Sam gnp.exe" {
		t.Errorf("name: %q", name)
	}
	noSidewaysScroll(tb)
}

func noSidewaysScroll(tb *tab) {
	tb.t.Helper()
	wide := value[[]string](tb, `[document.scrollingElement, ...document.querySelectorAll(".app, .scroll, .log, .bubble, .foot, .tour")]
		.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.className + " " + e.scrollWidth + " > " + e.clientWidth)`)
	if len(wide) > 0 {
		tb.t.Errorf("wider than the screen: %q", wide)
	}
}

func entities(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	w.send(`<b>bold <i>both</i></b> <u>u</u> <s>s</s> <tg-spoiler>hidden</tg-spoiler> <a href="https://example.com/a?b=1&amp;c=2">link</a> `+
		`<a href="tg://user?id=1002">Robin</a>`+"\n"+`<pre><code class="language-sql">SELECT 1;</code></pre>`+"\n"+
		`<blockquote expandable>`+strings.Repeat("line\n", 9)+`last</blockquote>`+"\n"+
		`on <tg-time unix="1800000000" format="wDT">then</tg-time>, plainly <tg-time unix="1800000000">someday</tg-time>`,
		[]map[string]any{{"text": "Compare", "url": "https://example.com/compare"}, {"text": "Copy id", "copy_text": map[string]any{"text": "abc-123"}}})
	tb := b.open(t, w.url+"/#as=1002")
	for _, condition := range []string{
		`document.querySelector("strong > em").textContent === "both"`,
		`document.querySelector(".text a").href === "https://example.com/a?b=1&c=2" && document.querySelector(".text a").rel.includes("noopener")`,
		`document.querySelector(".mention.me").textContent === "Robin"`,
		`document.querySelector("figure.code pre").textContent === "SELECT 1;"`,
		contains(".code-head", "sql"),
		`[...document.querySelectorAll(".text time")].some((e) => e.textContent.includes("2027") && e.textContent.includes("Fri"))`,
		contains(".text time", "someday"),
		`document.querySelector("a.key").target === "_blank" && document.querySelector("a.key").rel.includes("noopener")`,
		`document.querySelector(".expandable.closed.long button").getAttribute("aria-expanded") === "false"`,
	} {
		tb.until(condition)
	}
	tb.click(".expandable button")
	tb.until(`!document.querySelector(".expandable.closed") && document.querySelector(".expandable button").textContent === "Show less"`)
	tb.click(".spoiler")
	tb.until(`document.querySelector(".spoiler.open").textContent === "hidden"`)
	tb.click(`[data-label="Copy id"]`)
	tb.until(contains(".toast", "Copied"))
}

func phone(t *testing.T, b *browser) {
	w := newWorld(t, withTour)
	w.send(card(), cardButtons())
	w.upload(strings.Repeat("very-long-name-", 8)+".sql", "SELECT 1;", "")
	w.send(`<pre>` + strings.Repeat("wrangler d1 time-travel restore shop ", 5) + `</pre> https://example.com/` + strings.Repeat("x", 300))
	tb := b.open(t, w.url)
	tb.size(390, 844)
	tb.until(`innerWidth === 390 && document.querySelector(".brand").offsetParent === null`)
	noSidewaysScroll(tb)
	for _, seen := range []string{"#me-name", "#input", "#send", `[data-member="1003"]`, ".step-go", "#me-about"} {
		inside := `(() => { const r = document.querySelector(` + quote(seen) + `).getBoundingClientRect(); return r.width > 0 && r.left >= 0 && r.right <= innerWidth && r.bottom <= innerHeight; })()`
		tb.until(inside)
	}
}

func night(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	w.send(card(), cardButtons())
	tb := b.open(t, w.url)
	brightness := `((c) => c.match(/\d+/g).slice(0, 3).reduce((a, n) => a + Number(n), 0) / 3)(getComputedStyle(document.querySelector(".bubble")).backgroundColor)`
	tb.prefer("prefers-color-scheme", "light")
	tb.until(brightness + " > 200")
	tb.prefer("prefers-color-scheme", "dark")
	tb.until(brightness + " < 70")
	// Text on its bubble, by the contrast that WCAG 2.2 asks for (1.4.3: 4.5 to 1).
	if ratio := value[float64](tb, contrast); ratio < 4.5 {
		t.Errorf("contrast %.1f", ratio)
	}
}

const contrast = `(() => {
	const light = (c) => { const [r, g, b] = c.match(/\d+/g).map((n) => n / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const style = (s) => getComputedStyle(document.querySelector(s));
	const pairs = [[style(".text").color, style(".bubble").backgroundColor], [style(".meta").color, style(".bubble").backgroundColor],
		[style(".key.success").color, style(".key.success").backgroundColor], [style(".key.danger").color, style(".key.danger").backgroundColor]];
	return Math.min(...pairs.map(([a, b]) => { const [x, y] = [light(a), light(b)].sort((m, n) => n - m); return (x + 0.05) / (y + 0.05); }));
})()`

func keyboard(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	w.bot("setMyCommands", map[string]any{"commands": []map[string]string{
		{"command": "deploy", "description": "ship to preview"}, {"command": "status", "description": "how things stand"},
	}}, nil)
	w.send(card(), cardButtons())
	w.onPress("yes", func(p press) { w.answer(p, "By key", false) })
	tb := b.open(t, w.url)
	tb.do(chromedp.Focus(chromedp.CSS("#input")))
	tb.keys("/")
	tb.until(`document.querySelectorAll("#commands .option").length === 2`)
	tb.keys(kb.ArrowDown)
	tb.until(`document.querySelector("#option-1").getAttribute("aria-selected") === "true" && document.querySelector("#input").getAttribute("aria-activedescendant") === "option-1"`)
	tb.enter()
	tb.until(`document.querySelector("#input").value === "/status "`)
	tb.keys("shop")
	tb.enter(chromedp.ModifierShift)
	tb.keys("now")
	tb.enter()
	w.heard(dana, "/status shop\nnow")
	tb.keys("2", chromedp.KeyModifiers(chromedp.ModifierAlt))
	tb.until(contains("#me-name", "Robin"))
	// From the field back to the button of the card, by Shift+Tab alone.
	for range 12 {
		if value[bool](tb, `document.activeElement.matches(`+quote(approve)+`)`) {
			break
		}
		tb.keys(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift))
	}
	tb.until(`document.activeElement.matches(` + quote(approve) + `) && getComputedStyle(document.activeElement).outlineStyle !== "none"`)
	tb.enter()
	tb.until(contains(".toast", "By key"))
	tb.until(`document.activeElement.closest(".message.bot") !== null`)
}

func twoTabs(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	id := w.send(card(), cardButtons())
	w.onPress("yes", func(p press) {
		w.answer(p, "Approved.", false)
		w.edit(id, "🟢 approved by Robin")
	})
	one, two := b.open(t, w.url), b.open(t, w.url+"/#as=1002")
	one.do(chromedp.SendKeys(chromedp.CSS("#input"), "please approve"))
	one.click("#send")
	two.until(contains(".message:not(.own)", "please approve"))
	one.until(`document.querySelector('[data-member="1002"]').matches(".wanted")`)
	two.click(approve)
	two.until(contains(".toast", "Approved."))
	one.until(contains(".message.bot", "approved by Robin"))
	one.until(contains("#me-name", "Dana") + ` && !document.querySelector(".toast") && !document.querySelector(".wanted")`)
	two.until(contains("#me-name", "Robin"))
}

func commands(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	w.send("Now type /promote or not")
	tb := b.open(t, w.url)
	tb.click("button.command")
	w.heard(dana, "/promote")
	tb.until(contains(".message.own", "/promote"))
}

func withTour(o *page.Options) {
	o.Tour = []page.Step{
		{Title: "Deploy to preview", Text: "Dana ships version 2.", As: dana, Say: "/deploy shop v2"},
		{Title: "Approve as Robin", Text: "Somebody else agrees.", As: robin, Press: "Approve"},
		{Text: "Robin says a word.", As: robin, Say: "Done"},
		{Title: "Look around", Text: "That is all."},
	}
}

func touring(t *testing.T, b *browser) {
	w := newWorld(t, withTour)
	w.onPress("yes", func(p press) { w.answer(p, "Approved.", false) })
	tb := b.open(t, w.url+"/#as=1003")
	tb.until(contains(".step.now .step-go", "Send /deploy shop v2 as Dana"))
	tb.click(".step-go")
	w.heard(dana, "/deploy shop v2")
	tb.until(contains(".step.now .step-go", "Be Robin and press Approve"))
	tb.click(".step-go")
	tb.until(contains("#me-name", "Robin"))
	tb.until(contains(".step-note", "not there yet"))
	w.send(card(), cardButtons())
	tb.until(`document.querySelector(".key.pointed")?.dataset.label === "Approve 7f3c2a1b"`)
	tb.until(contains(".step.now .step-go", "Now press Approve in the chat"))
	tb.click(".key.pointed")
	tb.until(contains(".step.now .step-go", "Send Done as Robin") + " && " + contains(".step.now .step-title", "Approve as Robin") + " && " + contains(".step.now .step-mark", "2"))
	tb.click(".step-go")
	tb.until(contains(".step.now .step-go", "Next"))
	tb.click(".step-go")
	tb.until(contains(".tour-head", "You have seen it all"))
	tb.click(`[aria-label="Hide the tour"]`)
	tb.until(`!document.querySelector(".step")`)
	tb.do(chromedp.Reload())
	tb.until(contains(".tour-back", "Show the tour"))
	tb.click(".tour-back")
	tb.until(contains(".tour-head", "You have seen it all"))
}

func replying(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	first := w.say(robin, "Is it safe?\nReally?")
	tb := b.open(t, w.url)
	tb.until(contains(".message", "Is it safe?"))
	tb.do(chromedp.Focus(chromedp.CSS(".reply")))
	tb.enter()
	tb.until(contains("#replying", "Is it safe?"))
	tb.do(chromedp.SendKeys(chromedp.CSS("#input"), "Yes"))
	tb.enter()
	if m := w.heard(dana, "Yes"); m.ReplyTo != first {
		t.Errorf("answers %d, want %d", m.ReplyTo, first)
	}
	tb.until(contains(".own button.quote", "RobinIs it safe?"))
	tb.until(`document.querySelector("#replying").hidden`)
}

func scrolling(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	for i := range 40 {
		w.say(robin, fmt.Sprintf("message %d\nof many", i))
	}
	tb := b.open(t, w.url)
	atEnd := `((s) => s.scrollHeight - s.scrollTop - s.clientHeight < 3)(document.querySelector("#scroll"))`
	tb.until(`document.querySelectorAll(".message").length === 40 && ` + atEnd)
	w.say(robin, "followed")
	tb.until(contains(".message", "followed") + " && " + atEnd)
	tb.until(`(document.querySelector("#scroll").scrollTop = 0, !document.querySelector("#to-end").hidden)`)
	w.say(robin, "unseen")
	tb.until(`document.querySelector("#unseen").textContent === "1" && document.querySelector("#scroll").scrollTop < 3`)
	tb.prefer("prefers-reduced-motion", "reduce")
	tb.click("#to-end")
	tb.until(`document.querySelector("#to-end").hidden && ` + atEnd)
}
