package bot_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
	"towline/sandbox/telegram"
)

func TestAMemberIsWhoIsInTheChatNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		must(t, r.server.SetMember(group, telegram.Member{User: botID, Status: telegram.Administrator}, lead))
		must(t, r.server.AddUser(telegram.User{ID: 1003, FirstName: "Third"}))
		must(t, r.server.AddUser(telegram.User{ID: 1004, FirstName: "Fourth"}))
		must(t, r.server.SetMember(group, telegram.Member{User: lead, Status: telegram.Creator, Anonymous: true}, lead))
		must(t, r.server.SetMember(group, telegram.Member{User: 1003, Status: telegram.Ordinary}, lead))
		must(t, r.server.SetMember(group, telegram.Member{User: 1003, Status: telegram.Kicked}, lead))
		r.open()
		for user, want := range map[int64]bot.Membership{
			lead:   {Status: "creator", In: true, Anonymous: true},
			second: {Status: "member", In: true},
			1003:   {Status: "kicked"},
			1004:   {Status: "left"},
			4711:   {}, // nobody knows them
		} {
			if got, err := r.bot.Member(t.Context(), group, user); err != nil || got != want {
				t.Errorf("%d is %+v, %v; want %+v", user, got, err, want)
			}
		}
	})
}

// saying is a Telegram that gives one result for a method.
type saying struct {
	http.RoundTripper
	method, body string
}

func (s saying) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/"+s.method) {
		return s.RoundTripper.RoundTrip(r)
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(s.body)), Request: r}, nil
}

func TestTheRestrictedAreInOnlyWhereTelegramSaysSo(t *testing.T) {
	for _, in := range []bool{true, false} {
		r := newRig(t, nil)
		r.adjust = func(o *bot.Options) {
			o.Transport = saying{o.Transport, "getChatMember", fmt.Sprintf(`{"ok":true,"result":{"status":"restricted","is_member":%v,"user":{"id":1002}}}`, in)}
		}
		r.open()
		if m, err := r.bot.Member(t.Context(), group, second); err != nil || m.In != in || m.Status != "restricted" {
			t.Errorf("is_member %v gives %+v, %v", in, m, err)
		}
	}
}

func TestABotThatIsNoAdministratorIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.open()
		for _, user := range []int64{second, 4711} {
			if m, err := r.bot.Member(t.Context(), group, user); !errors.Is(err, bot.ErrNotAdmin) || m != (bot.Membership{}) {
				t.Errorf("%d is %+v, %v", user, m, err)
			}
		}
		if _, err := r.bot.Member(t.Context(), -100999, second); !errors.Is(err, bot.ErrExcluded) {
			t.Errorf("in a chat without the bot: %v", err)
		}
		never := make(chan struct{})
		defer close(never)
		r.server.Fault(telegram.Fault{Kind: telegram.Slow, Method: "getChatMember", Until: never})
		began := time.Now()
		_, err := r.bot.Member(context.Background(), group, second)
		if d := time.Since(began); !errors.Is(err, bot.ErrUnavailable) || d > 5*time.Second {
			t.Errorf("after %s: %v", d, err)
		}
	})
}
