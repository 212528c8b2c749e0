package page_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"towline/sandbox/page"
	"towline/sandbox/telegram"
)

func TestOtherSitesAreKeptAway(t *testing.T) {
	w := newWorld(t, nil)
	say := `{"as":1001,"text":"hello"}`
	cases := []struct {
		name, method, path, body string
		header                   map[string]string
		want                     int
	}{
		{"a program without a browser may speak", "POST", "/api/say", say, nil, 200},
		{"the page itself may speak", "POST", "/api/say", say, map[string]string{"Origin": w.url, "Sec-Fetch-Site": "same-origin"}, 200},
		{"a name that was made to point here may not", "POST", "/api/say", say, map[string]string{"Host": "evil.example"}, 421},
		{"a name that only begins like a loopback address may not", "GET", "/", "", map[string]string{"Host": "127.0.0.1.evil.example"}, 421},
		{"localhost may", "GET", "/", "", map[string]string{"Host": "localhost:8080"}, 200},
		{"the loopback address of IPv6 may", "GET", "/", "", map[string]string{"Host": "[::1]:8080"}, 200},
		{"an address of the network may not", "GET", "/", "", map[string]string{"Host": "192.168.1.10"}, 421},
		{"another origin may not", "POST", "/api/say", say, map[string]string{"Origin": "https://evil.example"}, 403},
		{"another port of this machine may not", "POST", "/api/say", say, map[string]string{"Origin": "http://127.0.0.1:1"}, 403},
		{"a frame without an origin may not", "POST", "/api/say", say, map[string]string{"Origin": "null"}, 403},
		{"a script of another site may not read the stream", "GET", "/api/events", "", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"a page on another port may not read a document", "GET", "/api/document/1", "", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		{"a link from elsewhere may open the page", "GET", "/", "", map[string]string{"Sec-Fetch-Site": "cross-site"}, 200},
		{"a form may not", "POST", "/api/say", say, map[string]string{"Content-Type": "text/plain"}, 415},
		{"a form that says it is a form may not", "POST", "/api/say", "as=1001", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 415},
		{"speaking by GET is not possible", "GET", "/api/say", "", nil, 404},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			res, body := w.request(c.method, c.path, c.body, c.header)
			if res.StatusCode != c.want {
				t.Errorf("got %d, want %d: %s", res.StatusCode, c.want, body)
			}
		})
	}
	if got := len(w.chat.Messages(group)); got != 2 {
		t.Errorf("%d messages were said, want the 2 that were allowed", got)
	}
}

func TestRequestsThatMakeNoSenseAreRefusedInWords(t *testing.T) {
	w := newWorld(t, nil)
	id := w.send("Choose", []map[string]any{button("Approve", "success", "yes")})
	cases := []struct {
		name, path, body string
		want             int
		words            string
	}{
		{"somebody who is no member of the demo", "/api/say", `{"as":999,"text":"x"}`, 403, "no such member"},
		{"an empty message", "/api/say", `{"as":1001,"text":""}`, 422, ""},
		{"a message of more than 4096 characters", "/api/say", `{"as":1001,"text":"` + strings.Repeat("x", 4097) + `"}`, 422, ""},
		{"a body larger than any message", "/api/say", `{"as":1001,"text":"` + strings.Repeat("x", 70000) + `"}`, 413, "larger"},
		{"a field that does not exist", "/api/say", `{"as":1001,"text":"x","chat":5}`, 400, "not the JSON"},
		{"two values", "/api/say", `{"as":1001,"text":"x"}{}`, 400, "not the JSON"},
		{"no JSON", "/api/say", `as=1001`, 400, "not the JSON"},
		{"a press by nobody", "/api/press", fmt.Sprintf(`{"as":1,"message":%d,"data":"yes"}`, id), 403, "no such member"},
		{"a press on a message that never was", "/api/press", `{"as":1002,"message":999,"data":"yes"}`, 404, "gone"},
		{"a press beside the buttons", "/api/press", fmt.Sprintf(`{"as":1002,"message":%d,"row":0,"col":1,"data":"yes"}`, id), 409, "changed"},
		{"a press above the buttons", "/api/press", fmt.Sprintf(`{"as":1002,"message":%d,"row":-1,"col":0,"data":"yes"}`, id), 409, "changed"},
		{"a press on a button that has become another", "/api/press", fmt.Sprintf(`{"as":1002,"message":%d,"row":0,"col":0,"data":"no"}`, id), 409, "changed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			res, body := w.request("POST", c.path, c.body, nil)
			if res.StatusCode != c.want || !strings.Contains(body, c.words) || !strings.Contains(body, `"error":"`) {
				t.Errorf("got %d %s, want %d and %q", res.StatusCode, body, c.want, c.words)
			}
		})
	}
}

func TestAPressReturnsWhatTheBotAnswers(t *testing.T) {
	w := newWorld(t, nil)
	w.onPress("yes", func(p press) { w.answer(p, fmt.Sprintf("Recorded for %d", p.From.ID), true) })
	id := w.send("Choose", []map[string]any{button("Reject", "danger", "no"), button("Approve", "success", "yes")})
	res, body := w.request("POST", "/api/press", fmt.Sprintf(`{"as":1002,"message":%d,"row":0,"col":1,"data":"yes"}`, id), nil)
	if res.StatusCode != 200 || body != `{"text":"Recorded for 1002","show_alert":true}`+"\n" {
		t.Errorf("got %d %s", res.StatusCode, body)
	}
}

func TestABotThatDoesNotAnswerIsSaidToBeSilent(t *testing.T) {
	w := newWorld(t, func(o *page.Options) { o.AnswerWithin = 30 * time.Millisecond })
	id := w.send("Choose", []map[string]any{button("Approve", "", "unheard")})
	res, body := w.request("POST", "/api/press", fmt.Sprintf(`{"as":1002,"message":%d,"data":"unheard"}`, id), nil)
	if res.StatusCode != http.StatusGatewayTimeout || !strings.Contains(body, "not answered yet") {
		t.Errorf("got %d %s", res.StatusCode, body)
	}
}

func TestADocumentIsSavedAndNeverBecomesAPage(t *testing.T) {
	w := newWorld(t, nil)
	w.upload("report.html", "<script>alert(1)</script>", "The report")
	w.say(dana, "no document here")
	ms := w.chat.Messages(group)
	res, body := w.request("GET", fmt.Sprintf("/api/document/%d", ms[0].ID), "", nil)
	if body != "<script>alert(1)</script>" {
		t.Errorf("content: %q", body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/octet-stream", "Content-Disposition": `attachment; filename=report.html`, "X-Content-Type-Options": "nosniff",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, path := range []string{"/api/document/999", "/api/document/x", fmt.Sprintf("/api/document/%d", ms[1].ID)} {
		if res, _ := w.request("GET", path, "", nil); res.StatusCode != 404 {
			t.Errorf("%s: %d, want 404", path, res.StatusCode)
		}
	}
}

func TestThePageLoadsItsOwnFilesAndNothingElse(t *testing.T) {
	w := newWorld(t, nil)
	res, html := w.request("GET", "/", "", nil)
	if csp := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'self';") || strings.Contains(csp, "unsafe") {
		t.Errorf("Content-Security-Policy: %q", csp)
	}
	if regexp.MustCompile(`(?i)<script[^>]*>[^<]|\son\w+=|\sstyle=|<style`).MatchString(html) {
		t.Error("the page has an inline script or style, which its policy forbids")
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"#]+)"`).FindAllStringSubmatch(html, -1) {
		if res, _ := w.request("GET", "/"+m[1], "", nil); res.StatusCode != 200 {
			t.Errorf("%s: %d", m[1], res.StatusCode)
		}
	}
}

func TestNoScriptParsesTextAsHTMLOrCode(t *testing.T) {
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTML|\beval\(|new Function|srcdoc`)
	abroad := regexp.MustCompile(`(?:import|src|url\(|fetch\()[^\n]*https?://`)
	scripts := 0
	err := fs.WalkDir(os.DirFS("assets"), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile("assets/" + path)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, ".js") {
			scripts++
		}
		for _, r := range []*regexp.Regexp{forbidden, abroad} {
			if found := r.FindString(string(content)); found != "" {
				t.Errorf("%s: %s", path, found)
			}
		}
		return nil
	})
	if err != nil || scripts < 10 {
		t.Fatalf("looked at %d scripts: %v", scripts, err)
	}
}

func TestTheServerOfTheSandboxIsAChat(t *testing.T) {
	var _ page.Chat = (*telegram.Server)(nil)
}
