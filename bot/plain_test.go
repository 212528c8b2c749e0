package bot_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"towline/bot"
)

// older is a Bot API server of a team's own that does not know the newest tag.
type older struct{ http.RoundTripper }

func (o older) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(body, []byte("<tg-time")) && bytes.Contains(body, []byte("parse_mode")) {
		const no = `{"ok":false,"error_code":400,"description":"Bad Request: can't parse entities: Unsupported start tag \"tg-time\" at byte offset 7"}`
		return &http.Response{StatusCode: 400, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(no)), Request: r}, nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return o.RoundTripper.RoundTrip(r)
}

func TestWhatAnOlderServerCannotParseGoesOutWithoutMarkup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *bot.Options) { o.Transport = older{o.Transport} })
		r.start()
		f := bot.Frame{
			Place: bot.Place{Chat: group}, HTML: `<b>a &lt;b&gt;</b> since <tg-time unix="1795265817" format="r">noon</tg-time>`,
			Buttons: [][]bot.Button{{{Text: "Approve", Data: "approve"}}},
		}
		r.want("run/1", f)
		r.settle()
		posts := r.posts(group)
		if len(posts) != 1 || posts[0].Text != "a <b> since noon" || len(posts[0].Buttons) != 1 {
			t.Fatalf("posted %+v", posts)
		}
		f.HTML = strings.Replace(f.HTML, "noon", "one", 1)
		r.want("run/1", f)
		r.settle()
		if posts = r.posts(group); len(posts) != 1 || posts[0].Text != "a <b> since one" || len(posts[0].Buttons) != 1 {
			t.Fatalf("edited to %+v", posts)
		}
		f.Document = &bot.Document{Name: "a.sql", Content: []byte("SELECT 1;")}
		r.want("file/1", f)
		r.settle()
		if posts = r.posts(group); len(posts) != 2 || posts[1].Text != "a <b> since one" || posts[1].Document == nil {
			t.Fatalf("with a file: %+v", posts)
		}
	})
}
