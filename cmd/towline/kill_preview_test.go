package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sandboxcloudflare "towline/sandbox/cloudflare"
	"towline/sandbox/telegram"
)

// TestABotThatIsKilledWhileItDeletesAPreviewDeletesItOnceAndKeepsItsCopy kills the program at each of its calls that matter: while the copy is
// taken, before the deletion is sent, while it is on its way, and after it happened.
func TestABotThatIsKilledWhileItDeletesAPreviewDeletesItOnceAndKeepsItsCopy(t *testing.T) {
	for name, at := range map[string]sandboxcloudflare.Fault{
		"while the copy is taken": {Path: "/export"},
		"before it is sent":       {Path: "/time_travel/bookmark", Skip: 1},
		"on its way":              {Method: "DELETE"},
		"after it happened":       {Method: "DELETE", Execute: true, Reply: sandboxcloudflare.HTML(502)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t, true)
			ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
			defer cancel()
			kill := o.process()
			o.answers(demoDeployer, "/deploy", "shop → preview · live", "#1")
			o.answers(demoDeployer, "/preview delete shop-preview", "Delete shop-preview?")
			held := make(chan struct{}, 1)
			hold := func(ctx context.Context) {
				held <- struct{}{}
				<-ctx.Done() // until the program is dead
			}
			if at.Execute {
				o.faults.Inject(at)
				at = sandboxcloudflare.Fault{Path: "/query", Body: "SELECT 1", Skip: 1} // after the one that shows what is to be deleted
			}
			at.Before = hold
			o.faults.Inject(at)
			o.press(ctx, demoDeployer, "Delete it")
			select {
			case <-held:
			case <-ctx.Done():
				t.Fatal("the call was never sent")
			}
			kill()
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
