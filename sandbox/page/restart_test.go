package page_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"towline/sandbox/page"
	"towline/sandbox/telegram"
)

func userNamed(id int64, name string) telegram.User { return telegram.User{ID: id, FirstName: name} }

// restarting puts two pages, with chats of their own, one after the other behind one address.
func restarting(t *testing.T, b *browser) {
	before, after := newWorld(t, nil), newWorld(t, func(o *page.Options) { o.Title = "after the restart" })
	before.say(dana, "of the first life")
	before.send(card(), cardButtons())
	after.say(robin, "of the second life")
	var serving atomic.Pointer[page.Page]
	serving.Store(before.page)
	address := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := serving.Load()
		if p == nil {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		p.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { must(t, after.page.Close()); address.CloseClientConnections(); address.Close() })
	tb := b.open(t, address.URL)
	tb.until(contains(".message", "of the first life") + ` && document.querySelector(".member.wanted")`)
	serving.Store(nil)
	must(t, before.page.Close())
	tb.until(contains("#status.broken", "does not answer"))
	serving.Store(after.page)
	tb.until(contains("#title", "after the restart"))
	tb.until(contains(".message", "of the second life") + ` && document.querySelectorAll(".message").length === 1 && !document.querySelector(".wanted")`)
	tb.until(contains("#status:not(.broken)", "3 members, 1 bot"))
}
