package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
	"towline/sandbox/telegram"
)

func TestWhatIsUrgentGoesFirstWhenAChatIsShortOfAllowance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *bot.Options) { o.Pace = bot.Pace{Edit: -1, GroupBurst: 4} })
		r.start()
		at := bot.Place{Chat: group}
		asking := bot.Frame{Place: at, HTML: "approve?", Notify: true, Buttons: buttons("yes")}
		r.want("run/1", bot.Frame{Place: at, HTML: "step 0", ReplyTo: 1})
		r.want("run/2", bot.Frame{Place: at, HTML: "begun", ReplyTo: 1})
		r.settle()
		elapse(time.Minute)
		r.server.Fault(telegram.Fault{Kind: telegram.TooManyRequests, Chat: group, RetryAfter: 20 * time.Second})
		r.want("probe", bot.Frame{Place: at, HTML: "freezes the chat", Kind: bot.KindReport})
		synctest.Wait()
		// The least urgent first, while the chat is frozen.
		r.want("report", bot.Frame{Place: at, HTML: "report", Kind: bot.KindReport, Notify: true})
		r.want("run/1", bot.Frame{Place: at, HTML: "step 1"})
		r.want("alert", bot.Frame{Place: at, HTML: "alert", Notify: true})
		r.want("run/2", bot.Frame{Place: at, HTML: "ended", Final: true})
		r.want("run/3", asking)
		r.want("reply", bot.Frame{Place: at, HTML: "answer", ReplyTo: 1, Final: true})
		before := len(r.server.Calls())
		r.settle()
		var got []string
		for _, c := range r.server.Calls()[before:] {
			if c.Status != 200 || c.Method == "getUpdates" {
				continue
			}
			for _, text := range []string{"answer", "ended", "approve?", "alert", "step 1", "freezes the chat", "report"} {
				if strings.Contains(fmt.Sprintf("%s", c.Params), text) {
					got = append(got, text)
				}
			}
		}
		want := []string{"answer", "ended", "approve?", "alert", "step 1", "freezes the chat", "report"}
		if !slices.Equal(got, want) {
			t.Errorf("the order was %q, want %q", got, want)
		}
	})
}

func TestAReportIsNotPassedOverForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *bot.Options) { o.Pace = bot.Pace{Edit: time.Millisecond} })
		r.start()
		at := bot.Place{Chat: group}
		for i := range 100 { // as much progress as the chat is allowed, for five minutes
			for k := range 3 {
				r.want(fmt.Sprint("run/", k), bot.Frame{Place: at, HTML: fmt.Sprint("step ", i)})
			}
			if i == 20 {
				r.want("report", bot.Frame{Place: at, HTML: "report", Kind: bot.KindReport})
			}
			elapse(3 * time.Second)
			if i == 20+40 && newest(r.posts(group), "report") == 0 {
				t.Fatal("the report still waits after two minutes")
			}
		}
		r.settle()
	})
}

func TestAFinalFrameIsDeliveredThoughTheCardChangedAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		r.server.Fault(telegram.Fault{Kind: telegram.TooManyRequests, Method: "editMessageText", RetryAfter: 30 * time.Second, Times: 3})
		for i := range 200 {
			r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: fmt.Sprint("step ", i), Kind: bot.KindProgress})
			elapse(100 * time.Millisecond)
		}
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "ended", Kind: bot.KindProgress, Final: true})
		r.settle()
		if posts := r.posts(group); len(posts) != 1 || posts[0].Text != "ended" {
			t.Errorf("got %+v", posts)
		}
		if n := r.calls("editMessageText"); n > 12 {
			t.Errorf("200 changes in 20 seconds took %d edits", n)
		}
	})
}
