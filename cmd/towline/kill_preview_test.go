package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sandboxcloudflare "towline/sandbox/cloudflare"
	"towline/sandbox/telegram"
)

// TestABotThatIsKilledWhileItDeletesAPreviewDeletesItOnceAndKeepsItsCopy kills the program at each of its calls that matter: while the copy is
// taken, before the deletion is sent, and while it is on its way.
func TestABotThatIsKilledWhileItDeletesAPreviewDeletesItOnceAndKeepsItsCopy(t *testing.T) {
	for name, at := range map[string]sandboxcloudflare.Fault{
		"while the copy is taken":                  {Path: "/export"},
		"before it is sent":                        {Path: "/time_travel/bookmark", Skip: 1},
		"on its way":                               {Method: "DELETE"},
		"on its way, and carried out all the same": {Method: "DELETE", Execute: true, Reply: sandboxcloudflare.HTML(502)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t, true)
			ctx, cancel := patient(t.Context(), t)
			defer cancel()
			kill := o.process()
			o.answers(demoDeployer, "/deploy", "shop → preview · live", "#1")
			o.answers(demoDeployer, "/preview delete shop-preview", "Delete shop-preview?")
			held := make(chan struct{}, 1)
			dead := make(chan struct{})
			at.Before = func(context.Context) {
				held <- struct{}{}
				<-dead
			}
			o.faults.Inject(at)
			o.press(ctx, demoDeployer, "Delete it")
			select {
			case <-held:
			case <-ctx.Done():
				t.Fatal("the call was never sent")
			}
			kill()
			close(dead)
			o.process()
			if err := o.tg.WaitFor(ctx, teamChat, func(all []telegram.Message) bool {
				for _, m := range all {
					if strings.Contains(m.Text, "shop → preview · deleted") {
						return true
					}
				}
				return false
			}); err != nil {
				t.Fatal(err)
			}
			deleted := 0
			for _, c := range o.faults.Calls() {
				if c.Executed && c.Method == "DELETE" {
					deleted++
				}
			}
			if copies, err := filepath.Glob(filepath.Join(o.dir, "backups", "*")); err != nil || len(copies) == 0 || deleted != 1 {
				t.Errorf("%d deletions, copies %q, %v", deleted, copies, err)
			}
			if _, err := os.Stat(filepath.Join(o.dir, "towline.db")); err != nil {
				t.Error(err)
			}
			for _, v := range o.tg.Violations() {
				t.Errorf("Telegram would have refused: %s", v)
			}
		})
	}
}
