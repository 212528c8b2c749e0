package page_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"

	"towline/sandbox/telegram"
)

// status is what the bot is told of somebody's place in the group.
func (w *world) status(user int64) (status string, anonymous bool) {
	w.t.Helper()
	var m struct {
		Status    string `json:"status"`
		Anonymous bool   `json:"is_anonymous"`
	}
	w.bot("getChatMember", map[string]any{"chat_id": group, "user_id": user}, &m)
	return m.Status, m.Anonymous
}

func TestAMemberBecomesAnAnonymousAdministratorAndWhatTheyWereBefore(t *testing.T) {
	for _, c := range []struct {
		id     int64
		before telegram.Status
		hidden string
	}{{dana, telegram.Creator, "creator"}, {robin, telegram.Ordinary, "administrator"}, {sam, telegram.Administrator, "administrator"}} {
		w := newWorld(t, nil)
		must(t, w.chat.SetMember(group, telegram.Member{User: c.id, Status: c.before}, dana))
		for _, on := range []bool{true, true, false, true, false, false} {
			res, body := w.request(http.MethodPost, "/api/anonymous", fmt.Sprintf(`{"as":%d,"on":%v}`, c.id, on), nil)
			want := string(c.before)
			if on {
				want = c.hidden
			}
			if status, anonymous := w.status(c.id); res.StatusCode != 200 || status != want || anonymous != on {
				t.Errorf("%d, %v: %d %s, and the bot is told %s, %v", c.id, on, res.StatusCode, body, status, anonymous)
			}
		}
	}
}

func TestWhoIsNotInTheGroupIsNoAnonymousAdministrator(t *testing.T) {
	w := newWorld(t, nil)
	must(t, w.chat.SetMember(group, telegram.Member{User: sam, Status: telegram.Kicked}, dana))
	for id, want := range map[int64]int{sam: http.StatusUnprocessableEntity, 77: http.StatusForbidden} {
		if res, body := w.request(http.MethodPost, "/api/anonymous", fmt.Sprintf(`{"as":%d,"on":true}`, id), nil); res.StatusCode != want {
			t.Errorf("%d: %d %s", id, res.StatusCode, body)
		}
	}
	if status, _ := w.status(sam); status != "kicked" {
		t.Errorf("Sam is %s", status)
	}
}

func TestTheRoomKnowsUsernamesAndWhoIsAnonymous(t *testing.T) {
	w := newWorld(t, nil)
	must(t, w.chat.AddUser(telegram.User{ID: dana, FirstName: "Dana", Username: "dana_d"}))
	must(t, w.chat.SetMember(group, telegram.Member{User: robin, Status: telegram.Administrator, Anonymous: true}, dana))
	next, stop := w.listen("")
	defer stop()
	var room struct {
		Usernames map[int64]string `json:"usernames"`
		Hidden    map[int64]bool   `json:"hidden"`
	}
	if e := next(); e.name != "room" || json.Unmarshal([]byte(e.data), &room) != nil {
		t.Fatalf("event %+v", e)
	}
	if fmt.Sprint(room) != "{map[1001:dana_d] map[1002:true]}" {
		t.Errorf("room %+v", room)
	}
}

func anonymity(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	w.send(card(), cardButtons())
	w.onPress("yes", func(p press) { w.answer(p, fmt.Sprint("pressed by ", p.From.ID), false) })
	tb := b.open(t, w.url+"/#as=1002")
	tb.click(`[data-hide="1002"]`)
	tb.until(`document.querySelector('[data-hide="1002"]').getAttribute("aria-pressed") === "true"`)
	tb.until(contains(`[data-member="1002"]`, "anonymous admin"))
	tb.until(contains("#me-about", "as the group itself"))
	tb.do(chromedp.SendKeys(chromedp.CSS("#input"), "/lock shop"))
	tb.click("#send")
	tb.until(contains(".message.own", "/lock shop"))
	if m := w.heard(telegram.AnonymousAdminID, "/lock shop"); m.SenderChat != group || m.Author != robin {
		t.Errorf("written by %+v", m)
	}
	tb.click(approve)
	tb.until(contains(".toast", "pressed by 1002"))
	tb.click(`[data-member="1001"]`)
	tb.until(contains(".message:not(.own) .sender", "shop teamanonymous admin"))
	if shown := value[string](tb, `document.querySelector("#log").textContent`); len(shown) == 0 || value[bool](tb, contains("#log .sender", "Robin")) {
		t.Errorf("the chat tells who it was: %s", shown)
	}
	tb.click(`[data-hide="1002"]`)
	tb.until(`document.querySelector('[data-hide="1002"]').getAttribute("aria-pressed") === "false"`)
	if status, _ := w.status(robin); status != "member" {
		t.Errorf("Robin is %s afterwards", status)
	}
}

func mentioning(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	must(t, w.chat.AddUser(telegram.User{ID: robin, FirstName: "Robin", Username: "robin_r"}))
	tb := b.open(t, w.url)
	tb.until(contains(`[data-member="1002"]`, "@robin_r · approver"))
	tb.do(chromedp.SendKeys(chromedp.CSS("#input"), "/delegate @ro"))
	tb.until(contains("#commands .option", "@robin_r") + ` && document.querySelectorAll("#commands .option").length === 1`)
	tb.enter()
	tb.until(`document.querySelector("#input").value === "/delegate @robin_r "`)
	tb.keys("and @Sa")
	tb.until(contains("#commands .option", "Sam"))
	tb.enter()
	tb.keys("until friday, not @robin_r")
	tb.enter()
	m := w.heard(dana, "/delegate @robin_r and Sam until friday, not @robin_r")
	var got []string
	for _, e := range m.Entities {
		got = append(got, fmt.Sprint(e.Type, " ", e.Offset, " ", e.Length, " ", e.User))
	}
	if fmt.Sprint(got) != "[bot_command 0 9 0 mention 10 8 0 text_mention 23 3 1003 mention 45 8 0]" {
		t.Errorf("entities %q", got)
	}
	tb.do(chromedp.SendKeys(chromedp.CSS("#input"), "Sam again"))
	tb.enter()
	if m := w.heard(dana, "Sam again"); len(m.Entities) != 0 {
		t.Errorf("a mention that was sent already came again: %+v", m.Entities)
	}
	tb.click(`[data-member="1003"]`)
	tb.until(`document.querySelector(".mention.me").textContent === "Sam"`)
	tb.click(`[data-member="1002"]`)
	tb.until(`document.querySelectorAll(".mention.me").length === 2`)
}

func forcedReply(t *testing.T, b *browser) {
	w := newWorld(t, nil)
	tb := b.open(t, w.url)
	other := b.open(t, w.url+"/#as=1003")
	var asked struct {
		ID int `json:"message_id"`
	}
	w.bot("sendMessage", map[string]any{
		"chat_id": group, "text": `Why, <a href="tg://user?id=1001">Dana</a>?`, "parse_mode": "HTML",
		"reply_markup": map[string]any{"force_reply": true, "selective": true, "input_field_placeholder": "A reason"},
	}, &asked)
	tb.until(contains("#replying", "Why, Dana?") + ` && document.querySelector("#input").placeholder === "A reason"`)
	other.until(contains(".message", "Why, Dana?"))
	if !value[bool](other, `document.querySelector("#replying").hidden`) {
		t.Error("it asks whom it does not mean")
	}
	tb.keys("because")
	tb.enter()
	if m := w.heard(dana, "because"); m.ReplyTo != asked.ID {
		t.Errorf("answers %d, want %d", m.ReplyTo, asked.ID)
	}
	tb.until(`document.querySelector("#replying").hidden && document.querySelector("#input").placeholder === "Message as Dana"`)
}

// longCardText is a request for production with everything that one can hold.
func longCardText() string {
	text := card() + "\n⚠️ Break-glass: <b>approvals</b>, <b>freeze</b> and <b>live on preview</b> were skipped\n<blockquote expandable>"
	for i := range 30 {
		text += fmt.Sprintf("%04d_a_migration_with_a_name_that_is_rather_long.sql\n", i)
	}
	return text + "</blockquote>Holds since Friday. Next: <code>/unhold shop the cause is found and everybody has been told of it</code>"
}

func wholeCard(t *testing.T, b *browser) {
	w := newWorld(t, withTour)
	must(t, w.chat.AddUser(telegram.User{ID: robin, FirstName: "Robin", Username: "a_username_of_thirty_two_letters"}))
	w.send(longCardText(), cardButtons(), []map[string]any{button("Show what changed since you approved", "", "diff")})
	answer := "Recorded, 1 of 2. Dana asked for it on Friday and was told that the window opens on Monday at nine."
	w.onPress("yes", func(p press) { w.answer(p, answer, false) })
	w.onPress("no", func(p press) { w.answer(p, answer, true) })
	tb := b.open(t, w.url+"/#as=1002")
	tb.size(390, 844)
	tb.until(`innerWidth === 390 && document.querySelector(".expandable.closed.long")`)
	for _, scheme := range []string{"light", "dark"} {
		tb.prefer("prefers-color-scheme", scheme)
		noSidewaysScroll(tb)
		if ratio := value[float64](tb, contrast); ratio < 4.5 {
			t.Errorf("%s: contrast %.1f", scheme, ratio)
		}
		tb.click(approve)
		tb.until(contains(".toast", "Recorded, 1 of 2."))
		tb.onScreen(".toast")
		tb.click(".toast")
		tb.until(`!document.querySelector(".toast")`)
		tb.click(`.key[data-label="Reject"]`)
		tb.until(contains("dialog[open]", "Recorded, 1 of 2."))
		tb.onScreen("dialog button")
		tb.click("dialog button")
		tb.until(`!document.querySelector("dialog[open]")`)
	}
	tb.onScreen(`[data-hide="1002"]`)
}

// onScreen wants an element to be whole within the window.
func (tb *tab) onScreen(selector string) {
	tb.t.Helper()
	inside := `(() => { const r = document.querySelector(` + quote(selector) + `).getBoundingClientRect(); return r.width > 0 && r.left >= 0 && r.right <= innerWidth && r.top >= 0 && r.bottom <= innerHeight; })()`
	tb.until(inside) // what arrives moves a little at first
}
