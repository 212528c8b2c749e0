package main

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	sandboxcloudflare "towline/sandbox/cloudflare"
	"towline/sandbox/cloudflare/workerd"
	sandboxparts "towline/sandbox/parts"
	"towline/sandbox/telegram"
)

// TestMain runs the program itself where a test starts this binary again, to have a process that can be killed.
func TestMain(m *testing.M) {
	if os.Getenv("TOWLINE_TEST_PROGRAM") != "" {
		os.Exit(run(context.Background(), os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
	}
	sandboxparts.Main(m)
}

// scripts is the folder of the scripts.
const scripts = "testdata/script"

// TestScripts plays every script: people in a chat, an attacker among them, and the real bot.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(scripts, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() && raced() { // which makes each many times as long
		files = slices.DeleteFunc(files, func(name string) bool {
			h := fnv.New32a()
			_, _ = h.Write([]byte(filepath.Base(name)))
			return h.Sum32()%5 != 0
		})
	}
	testscript.Run(t, testscript.Params{
		Files: files, Setup: setTheStage(local), Cmds: stageCommands(), RequireUniqueNames: true,
	})
}

// TestScriptsOnTheRealEngine plays those that are most about D1 on the engine behind it.
func TestScriptsOnTheRealEngine(t *testing.T) {
	sandboxparts.Workerd(t)
	var files []string
	for _, name := range []string{"rollback-down.txt", "rollback-time-travel.txt", "lost-reply.txt", "preview-reset.txt", "failed.txt", "copies.txt"} {
		files = append(files, filepath.Join(scripts, name))
	}
	testscript.Run(t, testscript.Params{
		Files: files, Setup: setTheStage(onWorkerd), Cmds: stageCommands(), RequireUniqueNames: true,
	})
}

// onWorkerd is the real engine, one for each script.
func onWorkerd(s *stage) (d1, error) {
	real := workerd.Start(s.t, workerd.Options{AccountID: demoAccount, Token: apiToken})
	proxy, err := sandboxcloudflare.NewProxy(real.URL)
	return d1{handler: proxy, account: real.AccountID, token: real.Token, close: func() error { return nil }}, err
}

// stageKey is where a script keeps its stage.
type stageKey struct{}

// setTheStage gives each script a stage of its own, and judges at its end, however it ends, what was seen on it.
func setTheStage(cf func(*stage) (d1, error)) func(*testscript.Env) error {
	return func(env *testscript.Env) error {
		ctx, cancel := patient(context.Background(), env.T().(testing.TB))
		env.Defer(cancel)
		s, err := newStage(ctx, env.T().(testing.TB), env.WorkDir, cf)
		if err != nil {
			return err
		}
		env.Defer(s.end)
		env.Values[stageKey{}] = s
		return nil
	}
}

// command is one of a script's own commands.
type command = func(ts *testscript.TestScript, neg bool, args []string)

// stageCommands is what a script can say beside testscript's own commands. One of those is stop, which ends the script:
// the bot is stopped by halt.
func stageCommands() map[string]command {
	all := map[string]command{"card": judge((*stage).cmdCard), "toast": judge((*stage).cmdToast)}
	for name, do := range map[string]func(s *stage, args []string) error{
		"start": (*stage).cmdStart, "halt": (*stage).cmdHalt, "halting": (*stage).cmdHalting, "restart": (*stage).cmdRestart,
		"say": (*stage).cmdSay, "edit": (*stage).cmdEdit, "press": (*stage).cmdPress, "remember": (*stage).cmdRemember,
		"buttons": (*stage).cmdButtons, "nothing": (*stage).cmdNothing, "document": (*stage).cmdDocument, "settle": (*stage).cmdSettle,
		"clock": (*stage).cmdClock, "traffic": (*stage).cmdTraffic, "fault": (*stage).cmdFault, "heal": (*stage).cmdHeal, "held": (*stage).cmdHeld,
		"sql": (*stage).cmdSQL, "ledger": (*stage).cmdLedger, "sent": (*stage).cmdSent, "wrangler-list": (*stage).cmdWranglerList,
		"line": (*stage).cmdLine, "outage": (*stage).cmdOutage, "over": (*stage).cmdOver, "tamper": (*stage).cmdTamper,
		"replace": (*stage).cmdReplace, "held-by": (*stage).cmdHeldBy,
	} {
		all[name] = judge(func(s *stage, neg bool, args []string) error {
			if neg {
				return fmt.Errorf("this command is not taken with !")
			}
			return do(s, args)
		})
	}
	return all
}

// judge lets a failing command end its script, and prints the chat as it is then.
func judge(do func(s *stage, neg bool, args []string) error) command {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		s := ts.Value(stageKey{}).(*stage)
		if err := do(s, neg, args); err != nil {
			ts.Fatalf("%v\n%s", err, s.chat())
		}
	}
}

// cmdStart [-approvals N] [-refs a,b] [-topic N] [-blog] [-backups] [-watch]: the bot comes to life.
func (s *stage) cmdStart(args []string) error {
	var o stageOptions
	f := flag.NewFlagSet("start", flag.ContinueOnError)
	f.IntVar(&o.approvals, "approvals", 1, "")
	f.IntVar(&o.topic, "topic", 0, "")
	f.BoolVar(&o.blog, "blog", false, "")
	f.BoolVar(&o.backups, "backups", false, "")
	f.BoolVar(&o.watched, "watch", false, "")
	f.Func("refs", "", func(v string) error { o.refs = strings.Split(v, ","); return nil })
	if err := f.Parse(args); err != nil {
		return err
	}
	if err := s.wire(o); err != nil {
		return err
	}
	return s.start()
}

func (s *stage) cmdHalt([]string) error { return s.halt() }

// cmdHalting tells the bot to stop, and does not wait until it has: restart does.
func (s *stage) cmdHalting([]string) error {
	s.stop()
	return nil
}

func (s *stage) cmdRestart([]string) error {
	if err := s.halt(); err != nil {
		return err
	}
	return s.start()
}

// cmdSay [-forwarded] [-scheduled] [-anonymous] [-viabot] [-elsewhere] [-topic N] [-ago 91s] WHO TEXT...
func (s *stage) cmdSay(args []string) error {
	o := telegram.SayOptions{Chat: teamChat}
	f := flag.NewFlagSet("say", flag.ContinueOnError)
	f.BoolVar(&o.Forwarded, "forwarded", false, "")
	f.BoolVar(&o.Scheduled, "scheduled", false, "")
	f.BoolVar(&o.Anonymous, "anonymous", false, "")
	f.BoolVar(&o.ViaBot, "viabot", false, "")
	f.IntVar(&o.Topic, "topic", 0, "")
	away := f.Bool("elsewhere", false, "")
	ago := f.Duration("ago", 0, "")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *away {
		o.Chat = elsewhere
	}
	if *ago != 0 {
		o.Date = s.now().Add(-*ago)
	}
	if f.NArg() < 2 {
		return fmt.Errorf("who says what?")
	}
	o.From, o.Text = cast()[f.Arg(0)], strings.Join(f.Args()[1:], " ")
	_, err := s.tg.Say(s.ctx, o)
	return err
}

// cmdEdit WHO TEXT...: changes the person's newest message.
func (s *stage) cmdEdit(args []string) error {
	all := s.tg.Messages(teamChat)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].From == cast()[args[0]] {
			return s.tg.Edit(s.ctx, teamChat, all[i].ID, all[i].From, strings.Join(args[1:], " "))
		}
	}
	return fmt.Errorf("%s has said nothing", args[0])
}

// cmdPress [-elsewhere] WHO LABEL: the newest button whose text begins with the label, or @NAME, one that was remembered.
func (s *stage) cmdPress(args []string) error {
	o := telegram.PressOptions{Chat: teamChat}
	f := flag.NewFlagSet("press", flag.ContinueOnError)
	away := f.Bool("elsewhere", false, "")
	data := f.String("data", "", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	o.From = cast()[f.Arg(0)]
	label := strings.Join(f.Args()[1:], " ")
	k, err := kept{data: *data}, error(nil)
	if name, ok := strings.CutPrefix(label, "@"); ok {
		k, o.Forged = s.kept[name], true
	} else if k, err = s.button(label); err != nil {
		return err
	}
	if *data != "" {
		k.data, o.Forged = *data, true
	}
	if *away {
		all := s.shown(s.tg.Messages(elsewhere))
		if len(all) == 0 {
			return fmt.Errorf("the bot has said nothing elsewhere")
		}
		o.Chat, k.message = elsewhere, all[0].ID
	}
	o.Message, o.Data = k.message, k.data
	a, err := s.tg.Press(s.ctx, o)
	s.toast = a.Text
	return err
}

// button waits for the newest button that begins with a label.
func (s *stage) button(label string) (k kept, err error) {
	err = s.tg.WaitFor(s.ctx, teamChat, func(all []telegram.Message) bool {
		for _, m := range s.shown(all) {
			for _, b := range slices.Concat(m.Buttons...) {
				if strings.HasPrefix(b.Text, label) {
					k = kept{message: m.ID, data: b.Data}
					return true
				}
			}
		}
		return false
	})
	return k, err
}

// cmdRemember NAME LABEL: keeps a button for a later, forged press.
func (s *stage) cmdRemember(args []string) error {
	k, err := s.button(strings.Join(args[1:], " "))
	s.kept[args[0]] = k
	return err
}

// cmdCard WORDS...: a message of the bot has all of the words. With !, none has, once everything said was handled.
func (s *stage) cmdCard(neg bool, args []string) error {
	has := func(all []telegram.Message) bool {
		return slices.ContainsFunc(s.shown(all), func(m telegram.Message) bool { return hasAll(m.Text, args) })
	}
	if !neg {
		return s.tg.WaitFor(s.ctx, teamChat, has)
	}
	if err := s.cmdSettle(nil); err != nil {
		return err
	}
	if has(s.tg.Messages(teamChat)) {
		return fmt.Errorf("there is such a card")
	}
	return nil
}

func (s *stage) cmdToast(neg bool, args []string) error {
	if got := strings.Contains(s.toast, strings.Join(args, " ")); got == neg {
		return fmt.Errorf("the toast is %q", s.toast)
	}
	return nil
}

// cmdButtons WORDS [LABELS...]: the newest card with the words has exactly these buttons, by how they begin.
func (s *stage) cmdButtons(args []string) error {
	var last []string
	err := s.tg.WaitFor(s.ctx, teamChat, func(all []telegram.Message) bool {
		for _, m := range s.shown(all) {
			if !strings.Contains(m.Text, args[0]) {
				continue
			}
			last = nil
			for _, b := range slices.Concat(m.Buttons...) {
				last = append(last, b.Text)
			}
			return slices.EqualFunc(last, args[1:], strings.HasPrefix)
		}
		return false
	})
	if err != nil {
		return fmt.Errorf("the buttons are %q", last)
	}
	return nil
}

// cmdNothing: the bot has posted nothing since the last settle, in either chat.
func (s *stage) cmdNothing([]string) error {
	before := s.mark
	if err := s.cmdSettle(nil); err != nil {
		return err
	}
	if s.mark != before {
		return fmt.Errorf("%d messages were posted", s.mark-before)
	}
	return nil
}

// cmdSettle waits until everything that was said in the chats is handled and what was wanted of it is delivered. The
// updates of a chat are handled in their order, so the answer to a last question comes after all of them.
func (s *stage) cmdSettle([]string) error {
	s.mark = 0
	for _, chat := range []int64{teamChat, elsewhere} {
		id, err := s.tg.Say(s.ctx, telegram.SayOptions{Chat: chat, From: demoApprover, Text: "/whoami"})
		if err != nil {
			return err
		}
		answered := func(all []telegram.Message) bool {
			return slices.ContainsFunc(all, func(m telegram.Message) bool { return m.FromBot && m.ReplyTo == id })
		}
		if err := s.tg.WaitFor(s.ctx, chat, answered); err != nil {
			return err
		}
	}
	if err := s.engine.bot.Outbox().Wait(s.ctx); err != nil {
		return err
	}
	for _, chat := range []int64{teamChat, elsewhere} {
		for _, m := range s.shown(s.tg.Messages(chat)) {
			if !strings.Contains(m.Text, "person 1002") {
				s.mark++
			}
		}
	}
	return nil
}
