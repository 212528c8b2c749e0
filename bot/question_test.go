package bot_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
)

// telling answers every question with an ordinary member.
type telling struct{}

func (telling) RoundTrip(r *http.Request) (*http.Response, error) {
	body := io.NopCloser(strings.NewReader(`{"ok":true,"result":{"status":"member","user":{"id":7,"is_bot":false,"first_name":"Dana"}}}`))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Request: r}, nil
}

func TestQuestionsAreNotHeldBackByTheLimitOfMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := bot.New(bot.Options{Token: token, APIURL: "http://telegram.test", Transport: telling{}}, nil, nil)
		must(t, err)
		began := time.Now()
		for range 200 {
			m, err := b.Member(t.Context(), -100, 7)
			must(t, err)
			if !m.In {
				t.Fatalf("%+v", m)
			}
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("200 people who press at once wait up to %s for being looked up", took)
		}
	})
}
