package bot_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
	"towline/sandbox/telegram"
)

// heard waits until the handler has seen that many commands.
func (r *rig) heard(n int) []bot.Command {
	r.t.Helper()
	long := time.After(10 * time.Minute)
	for late := false; !late; {
		next := r.handler.next()
		if commands, _, _ := r.handler.seen(); len(commands) >= n {
			synctest.Wait() // what its handling sets off is done, too
			return commands
		}
		select {
		case <-next:
		case <-long:
			late = true
		}
	}
	commands, _, _ := r.handler.seen()
	r.t.Fatalf("%d commands arrived, want %d: %+v", len(commands), n, commands)
	return nil
}

func TestACommandArrivesWithAllThatIsKnownOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		must(t, r.server.AddUser(telegram.User{ID: 1003, FirstName: "E\u202evil", LastName: "  Na\nme\u0007 ", Username: "evil"}))
		must(t, r.server.SetMember(group, telegram.Member{User: 1003, Status: telegram.Ordinary}, lead))
		r.start()
		id := r.say(1003, group, "/Deploy@Towline_Bot shop   main\n--now")
		got := r.heard(1)[0]
		if got.Received.Before(got.Sent) || got.UpdateID == 0 {
			t.Errorf("sent %s, received %s, update %d", got.Sent, got.Received, got.UpdateID)
		}
		got.Sent, got.Received, got.UpdateID = time.Time{}, time.Time{}, 0
		want := bot.Command{
			Place: bot.Place{Chat: group}, Message: id, From: bot.Person{ID: 1003, Name: "Evil Na me", Username: "evil"},
			Name: "deploy", Args: []string{"shop", "main", "--now"}, Text: "/Deploy@Towline_Bot shop   main\n--now",
		}
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		if username, self := r.bot.Self(); username != "towline_bot" || self != botID {
			t.Errorf("Self = %s %d", username, self)
		}
		if err := r.bot.Ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}
	})
}

func TestIrregularCommandsAreMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		for _, o := range []telegram.SayOptions{
			{Text: "/forwarded", Forwarded: true}, {Text: "/scheduled", Scheduled: true},
			{Text: "/anonymous", Anonymous: true}, {Text: "/via_bot", ViaBot: true}, {Text: "/regular"},
		} {
			o.Chat, o.From = group, lead
			_, err := r.server.Say(context.Background(), o)
			must(t, err)
		}
		id := r.say(lead, group, "/before")
		must(t, r.server.Edit(context.Background(), group, id, lead, "/edited"))
		for _, c := range r.heard(7) {
			want := bot.Irregular(c.Name)
			if c.Name == "regular" || c.Name == "before" {
				want = bot.Regular
			}
			if c.Irregular != want {
				t.Errorf("/%s is marked %q", c.Name, c.Irregular)
			}
		}
	})
}

func TestAPrivateChatAndATopicAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const forum = int64(-1001234567899)
		r := newRig(t, nil)
		must(t, r.server.AddGroup(telegram.Group{
			ID: forum, Title: "Forum", Forum: true, Topics: []telegram.Topic{{ID: 7, Name: "Deploys"}},
			Members: []telegram.Member{{User: lead, Status: telegram.Creator}},
		}))
		r.handler.onCommand = func(ctx context.Context, c bot.Command) error {
			return r.bot.Outbox().Want(ctx, fmt.Sprint("reply/", c.UpdateID), bot.Frame{Place: c.Place, ReplyTo: c.Message, HTML: "here", Final: true})
		}
		r.start()
		r.say(lead, lead, "/start")
		_, err := r.server.Say(context.Background(), telegram.SayOptions{Chat: forum, Topic: 7, From: lead, Text: "/topic"})
		must(t, err)
		r.say(lead, forum, "/general")
		r.heard(3)
		r.settle()
		commands, _, _ := r.handler.seen()
		inTopic := 0
		for _, c := range commands {
			if c.Name == "topic" {
				inTopic = c.Message
			}
			if c.Private != (c.Name == "start") || (c.Place.Topic == 7) != (c.Name == "topic") {
				t.Errorf("%+v", c)
			}
		}
		for _, m := range r.posts(forum) {
			if (m.Topic == 7) != (m.ReplyTo == inTopic) {
				t.Errorf("the reply is in the wrong topic: %+v", m)
			}
		}
		if n := len(r.posts(lead)); n != 1 {
			t.Errorf("%d replies in private", n)
		}
	})
}

func TestUpdatesOfAChatRunInOrderAndChatsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		var inGroup atomic.Int32
		here, there := make(chan struct{}), make(chan struct{}) // closed once the chat's first handler runs
		first := map[int64]func(){group: sync.OnceFunc(func() { close(here) }), other: sync.OnceFunc(func() { close(there) })}
		r.handler.onCommand = func(ctx context.Context, c bot.Command) error {
			if c.Place.Chat == group && inGroup.Add(1) > 1 {
				t.Error("two updates of a chat at once")
			}
			first[c.Place.Chat]()
			for _, begun := range []chan struct{}{here, there} { // neither ends before both have begun
				select {
				case <-begun:
				case <-ctx.Done():
					t.Error("a chat waited for another")
				}
			}
			if c.Place.Chat == group {
				inGroup.Add(-1)
			}
			return nil
		}
		r.start()
		var want []string
		for i := range 20 {
			r.say(lead, group, fmt.Sprintf("/c%d", i))
			r.say(lead, other, fmt.Sprintf("/o%d", i))
			want = append(want, fmt.Sprintf("c%d", i))
		}
		var got []string
		for _, c := range r.heard(40) {
			if c.Place.Chat == group {
				got = append(got, c.Name)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("order: %v", got)
		}
	})
}

func TestAPoisonUpdateBlocksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *bot.Options) {
			o.Webhook = &bot.Webhook{URL: "https://ops.example.com/telegram", Secret: "a-secret-of-the-webhook"}
		})
		r.start()
		synctest.Wait()
		post := r.poster("a-secret-of-the-webhook")
		for _, body := range []string{
			`{"update_id":1,"message":"not an object"}`,
			`{"update_id":2,"message":{"message_id":"nine","chat":{"id":-1001234567890}}}`,
			`{"update_id":3,"new_kind_of_update":{}}`,
			`{"update_id":"four"}`, `[]`, `{}`, `{"update_id":5,`, `{"update_id":6.5}`,
			// A quote that a strict decoder of the whole message would stumble over.
			`{"update_id":7,"message":{"message_id":9,"date":1,"chat":{"id":-1001234567890,"type":"supergroup"},"from":{"id":1001,"first_name":"Lead"},
			  "reply_to_message":{"message_id":8,"forward_origin":{"type":"from_the_future"},"reactions":7},"text":"/after"}}`,
		} {
			if code := post(body); code != 200 {
				t.Errorf("%s was answered %d: Telegram would send it for ever", body, code)
			}
		}
		if c := r.heard(1); c[0].Name != "after" || c[0].Irregular != bot.Regular {
			t.Errorf("got %+v", c)
		}
		if strings.Count(r.logs.String(), "level=ERROR") < 5 {
			t.Errorf("poison updates are not in the log:\n%s", r.logs)
		}
		unfinished, err := r.store.Bot().Unfinished(t.Context())
		if err != nil || len(unfinished) != 0 {
			t.Errorf("unfinished: %v %v", unfinished, err)
		}
	})
}

func TestAPanicFailsItsUpdateAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *bot.Options) { o.Failure = "That failed: update <code>%d</code>." })
		r.handler.onCommand = func(_ context.Context, c bot.Command) error {
			switch c.Name {
			case "panic":
				panic("in a handler")
			case "fail":
				return errors.New("no luck")
			}
			return nil
		}
		r.start()
		r.say(lead, group, "/panic")
		r.say(lead, group, "/fail")
		r.say(lead, group, "/fine")
		commands := r.heard(3)
		r.settle()
		posts := r.posts(group)
		if len(posts) != 2 || posts[0].ReplyTo != commands[0].Message || !strings.Contains(posts[0].Text, fmt.Sprint(commands[0].UpdateID)) {
			t.Errorf("replies: %+v", posts)
		}
		r.restart()
		synctest.Wait()
		if again, _, _ := r.handler.seen(); len(again) != 3 {
			t.Errorf("failed updates ran again: %+v", again)
		}
	})
}

func TestDuplicateUpdatesAreHandledOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.server.Fault(telegram.Fault{Kind: telegram.Again, Method: "getUpdates", Times: 5})
		r.start()
		for i := range 5 {
			r.say(lead, group, fmt.Sprintf("/c%d", i))
			r.heard(i + 1)
		}
		r.restart()
		r.say(lead, group, "/last")
		if c := r.heard(6); len(c) != 6 || c[5].Name != "last" { // what was to come before it has come
			t.Errorf("%d commands, want 6: %+v", len(c), c)
		}
	})
}

func TestUpdateIDsMayBeginAnewAfterAQuietWeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *bot.Options) {
			o.Webhook = &bot.Webhook{URL: "https://ops.example.com/telegram", Secret: "a-secret-of-the-webhook"}
		})
		r.start()
		synctest.Wait()
		post := r.poster("a-secret-of-the-webhook")
		const body = `{"update_id":5,"message":{"message_id":9,"date":1,"chat":{"id":-1001234567890,"type":"supergroup"},"from":{"id":1001,"first_name":"Lead"},"text":"/x"}}`
		post(body)
		r.heard(1)
		elapse(47 * time.Hour)
		post(body)
		synctest.Wait()
		if c, _, _ := r.handler.seen(); len(c) != 1 {
			t.Error("a duplicate within 48 h was handled")
		}
		elapse(7 * 24 * time.Hour)
		post(body)
		r.heard(2)
	})
}

func TestASecondInstanceEndsThePollingOfTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		r.say(lead, group, "/one")
		r.heard(1)
		r.server.Fault(telegram.Fault{Kind: telegram.ConflictError, Method: "getUpdates"})
		r.say(lead, group, "/two") // ends the poll that is open
		elapse(time.Minute)
		if err := r.stop(); !errors.Is(err, bot.ErrConflict) {
			t.Errorf("Run returned %v", err)
		}
		if err := r.bot.Ready(); !errors.Is(err, bot.ErrConflict) {
			t.Errorf("Ready says %v", err)
		}
		c, _, _ := r.handler.seen()
		kept, err := r.store.Bot().Unfinished(t.Context())
		if err != nil || len(c)+len(kept) != 2 {
			t.Errorf("of two commands %d were handled and %d are in the journal: %v", len(c), len(kept), err)
		}
	})
}

func TestARevokedTokenEndsTheBot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *bot.Options) { o.Token = "7000000001:another-token" })
		r.start()
		elapse(time.Minute)
		if err := r.stop(); !errors.Is(err, bot.ErrUnauthorized) {
			t.Errorf("Run returned %v", err)
		}
		if _, err := r.bot.Info(t.Context()); !errors.Is(err, bot.ErrUnauthorized) {
			t.Errorf("Info returned %v", err)
		}
	})
}

func TestPollingSurvivesEveryKindOfOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		for _, kind := range []telegram.FaultKind{telegram.ServerError, telegram.BadGateway, telegram.LostBefore, telegram.LostAfter, telegram.ErrorAfter} {
			r.server.Fault(telegram.Fault{Kind: kind, Method: "getUpdates", Times: 2})
			r.server.Fault(telegram.Fault{Kind: kind, Method: "getMe"})
		}
		r.say(lead, group, "/one")
		r.start()
		synctest.Wait()
		if r.bot.Ready() == nil {
			t.Error("ready before the first success")
		}
		r.heard(1)
		must(t, r.bot.Ready())
	})
}

func TestPollingPausesForAsLongAsTelegramAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.server.Fault(telegram.Fault{Kind: telegram.TooManyRequests, Method: "getUpdates", RetryAfter: 45 * time.Second})
		r.say(lead, group, "/one")
		began := time.Now()
		r.start()
		r.heard(1)
		if d := time.Since(began); d < 45*time.Second || d > 50*time.Second {
			t.Errorf("the pause was %s, want 45s", d)
		}
	})
}

func TestAStopLetsARunningHandlerFinishAndKeepsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		begun := make(chan struct{}, 10)
		r.handler.onCommand = func(ctx context.Context, c bot.Command) error {
			begun <- struct{}{}
			elapse(2 * time.Second)
			if err := ctx.Err(); err != nil {
				return err
			}
			return r.bot.Outbox().Want(ctx, fmt.Sprint("reply/", c.UpdateID), bot.Frame{Place: c.Place, HTML: "did " + c.Name, Final: true})
		}
		r.start()
		r.say(lead, group, "/one")
		r.say(lead, group, "/two")
		<-begun
		must(t, r.stop())
		if posts := r.posts(group); len(posts) != 1 || posts[0].Text != "did one" {
			t.Errorf("after the stop: %+v", posts)
		}
		r.restart()
		r.heard(2)
		elapse(10 * time.Second)
		if posts := r.posts(group); len(posts) != 2 || posts[1].Text != "did two" {
			t.Errorf("after the restart: %+v", posts)
		}
	})
}

func TestAHandlerThatDoesNotFinishInTimeRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.handler.onCommand = func(ctx context.Context, _ bot.Command) error {
			if c, _, _ := r.handler.seen(); len(c) > 1 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		r.start()
		r.say(lead, group, "/one")
		r.heard(1)
		began := time.Now()
		must(t, r.stop())
		if d := time.Since(began); d < 3*time.Second || d > 5*time.Second {
			t.Errorf("the stop took %s, want most of the 5s of StopTimeout", d)
		}
		r.restart()
		if c := r.heard(2); c[0].UpdateID != c[1].UpdateID {
			t.Errorf("got %+v", c)
		}
	})
}

func TestAPollThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		never := make(chan struct{})
		defer close(never)
		r.server.Fault(telegram.Fault{Kind: telegram.Slow, Method: "getUpdates", Until: never})
		r.start()
		r.say(lead, group, "/one")
		began := time.Now()
		r.heard(1)
		if d := time.Since(began); d < 80*time.Second || d > 100*time.Second {
			t.Errorf("the hanging poll was given up after %s, want its 50s and 30s of grace", d)
		}
	})
}

func TestTheMenuIsSetAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *bot.Options) {
			o.Menu = []bot.MenuCommand{{Name: "deploy", Description: "Put a release on preview"}}
		})
		r.server.Fault(telegram.Fault{Kind: telegram.ServerError, Method: "setMyCommands"})
		r.start()
		elapse(10 * time.Second) // of fake time: the first attempt fails
		if menu := r.server.Commands(group, lead); len(menu) != 1 || menu[0].Command != "deploy" {
			t.Errorf("the menu is %+v", menu)
		}
	})
}

func TestTooManyWaitingUpdatesAreTakenLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, hooked)
		gate := make(chan struct{})
		r.handler.onCommand = func(context.Context, bot.Command) error { <-gate; return nil }
		r.start()
		synctest.Wait()
		post := r.poster(hookSecret)
		codes := map[int]int{}
		next := func() {
			codes[post(strings.Replace(hookBody, `"update_id":5`, fmt.Sprintf(`"update_id":%d`, codes[200]+1), 1))]++
			synctest.Wait()
		}
		for codes[503] == 0 && codes[200] < 2000 {
			next()
		}
		if codes[200] != 1001 { // one is being handled
			t.Errorf("answers: %v", codes)
		}
		close(gate)
		synctest.Wait()
		next()
		if codes[200] != 1002 {
			t.Errorf("answers after the queue has emptied: %v", codes)
		}
	})
}

func TestStoppingAtOnceAndTwiceIsFine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		must(t, r.stop())
		must(t, r.stop())
		r.start()
		r.say(lead, group, "/one")
		r.heard(1)
		if err := r.bot.Run(t.Context()); !errors.Is(err, bot.ErrRunning) {
			t.Errorf("a second Run returned %v", err)
		}
		must(t, r.stop())
		if r.bot.Ready() == nil {
			t.Error("ready after Run")
		}
	})
}
