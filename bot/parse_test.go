package bot_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
)

type entity struct {
	Type   string `json:"type"`
	Offset int    `json:"offset"`
	Length int    `json:"length"`
}

func TestOnlyCommandsForThisBotAreCommands(t *testing.T) {
	cmd := func(length int) []entity { return []entity{{"bot_command", 0, length}} }
	cases := []struct {
		name, text string
		entities   []entity
		want       string // name and arguments, "" for no command
	}{
		{"a command", "/deploy api", cmd(7), "deploy api"},
		{"a command without its entity", "/deploy api", nil, "deploy api"},
		{"a command addressed to us in another case", "/DEPLOY@ToWline_BOT api", cmd(19), "deploy api"},
		{"a command addressed to another bot", "/deploy@other_bot api", cmd(17), ""},
		{"a command addressed to a bot whose name begins like ours", "/deploy@towline_bot2 api", cmd(20), ""},
		{"a command followed by punctuation", "/deploy, please", cmd(7), "deploy , please"},
		{"a command followed by a new line", "/deploy\nshop", cmd(7), "deploy shop"},
		{"arguments with emoji and accents", "/deploy 🚀 café\u00a0x", cmd(7), "deploy 🚀 café x"},
		{"a bold command", "/deploy", []entity{{"bold", 0, 7}, {"bot_command", 0, 7}}, "deploy"},
		{"a longer word", "/deployment x", cmd(11), "deployment x"},
		{"a command in the middle", "please do not /deploy now", []entity{{"bot_command", 14, 7}}, ""},
		{"a command after an emoji", "🚀 /deploy", []entity{{"bot_command", 3, 7}}, ""},
		{"a path", "/etc/hosts", nil, ""},
		{"a command shown as code", "/deploy api", []entity{{"code", 0, 11}}, ""},
		{"an entity beyond the text", "/d", cmd(100), ""},
		{"an entity of negative length", "/d", cmd(-3), ""},
		{"a slash alone", "/ deploy", nil, ""},
		{"a name that is too long", "/" + strings.Repeat("a", 33), cmd(34), ""},
		{"letters that only look like ours", "/dеploy", nil, ""},
		{"nothing", "", nil, ""},
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, hooked)
		r.start()
		synctest.Wait()
		post := r.poster(hookSecret)
		for i, c := range cases {
			body, err := json.Marshal(map[string]any{"update_id": i + 1, "message": map[string]any{
				"message_id": i + 1, "date": 1, "chat": map[string]any{"id": group, "type": "supergroup"},
				"from": map[string]any{"id": lead, "first_name": "Lead"}, "text": c.text, "entities": c.entities,
			}})
			must(t, err)
			if code := post(string(body)); code != 200 {
				t.Fatalf("%s: %d", c.name, code)
			}
		}
		synctest.Wait()
		commands, _, _ := r.handler.seen()
		got := map[int64]string{}
		for _, c := range commands {
			got[c.UpdateID] = strings.TrimSpace(c.Name + " " + strings.Join(c.Args, " "))
		}
		for i, c := range cases {
			if got[int64(i+1)] != c.want {
				t.Errorf("%s: %q is %q, want %q", c.name, c.text, got[int64(i+1)], c.want)
			}
		}
	})
}

func TestWhoeverIsNotAPersonHereAndNowIsMarked(t *testing.T) {
	const from = `"from":{"id":1001,"first_name":"Lead"}`
	cases := []struct {
		fields string
		want   bot.Irregular
	}{
		{from, bot.Regular},
		{from + `,"forward_origin":{"type":"from_the_future"}`, bot.Forwarded},
		{from + `,"forward_origin":{"type":"user"},"is_automatic_forward":true`, bot.AutomaticForward},
		{from + `,"is_from_offline":true`, bot.Scheduled},
		{`"from":{"id":1087968824,"is_bot":true,"first_name":"Group"},"sender_chat":{"id":-1001234567890}`, bot.Anonymous},
		{`"from":{"id":136817688,"is_bot":true,"first_name":"Channel"},"sender_chat":{"id":-100999}`, bot.Channel},
		{from + `,"via_bot":{"id":5}`, bot.ViaBot},
		{`"from":{"id":5,"is_bot":true,"first_name":"Bot"}`, bot.FromBot},
		{`"author_signature":"nobody"`, bot.FromBot},
		{from + `,"business_connection_id":"x"`, bot.Business},
		{from + `,"sender_business_bot":{"id":5}`, bot.Business},
		{from + `,"guest_query_id":"x"`, bot.Guest},
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, hooked)
		r.start()
		synctest.Wait()
		post := r.poster(hookSecret)
		for i, c := range cases {
			post(fmt.Sprintf(`{"update_id":%d,"message":{"message_id":9,"date":1,"chat":{"id":%d,"type":"supergroup"},%s,"text":"/x"}}`, i+1, group, c.fields))
		}
		elapse(time.Second)
		commands, _, _ := r.handler.seen()
		if len(commands) != len(cases) {
			t.Fatalf("%d commands, want %d", len(commands), len(cases))
		}
		for i, c := range cases {
			if commands[i].Irregular != c.want {
				t.Errorf("%s is marked %q, want %q", c.fields, commands[i].Irregular, c.want)
			}
		}
	})
}
