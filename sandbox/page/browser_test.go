package page_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"towline/sandbox/parts"
)

// browser is one Chromium, in which every test opens tabs of its own.
type browser struct{ ctx context.Context }

func startBrowser(t *testing.T) *browser {
	t.Helper()
	path := parts.Chromium(t)
	// The profile is a folder of chromedp's, which waits with removing it until Chromium's last process has written to it.
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("lang", "en-GB"), chromedp.Env("TZ=UTC"), chromedp.Flag("disable-dev-shm-usage", true))
	ctx, stop := chromedp.NewContext(alloc)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	process := chromedp.FromContext(ctx).Browser.Process()
	const leaves = 10 * time.Second // then it is killed
	t.Cleanup(func() {
		closing, cancel := context.WithTimeout(ctx, leaves)
		if err := chromedp.Cancel(closing); err != nil {
			t.Logf("closing Chromium: %v", err)
		}
		cancel()
		if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Logf("ending Chromium: %v", err)
		}
		stop()
		stopAlloc()
	})
	return &browser{ctx: ctx}
}

// tab is a page in a window of its own, so that it counts as visible beside others.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// watch notes everything that goes wrong in the page: errors, and what the content policy had to stop. And it keeps toasts, which go by
// themselves after seconds, until they are clicked: as if the pointer came upon each one and never left it.
const watch = `window.problems = [];
addEventListener("error", (e) => problems.push("error: " + (e.message || e.target?.src || e.target?.href)), true);
addEventListener("unhandledrejection", (e) => problems.push("rejected: " + e.reason));
addEventListener("securitypolicyviolation", (e) => problems.push("policy: " + e.violatedDirective + " " + e.blockedURI));
new MutationObserver((changes) => {
	for (const c of changes) for (const node of c.addedNodes) if (node.matches?.(".toast")) node.dispatchEvent(new MouseEvent("mouseenter"));
}).observe(document, { childList: true, subtree: true });
addEventListener("mouseleave", (e) => { if (e.target.matches?.(".toast")) e.stopImmediatePropagation(); }, true);`

// open opens an address at desk size and waits until the chat is there. The test fails if the page had an error by its end.
func (b *browser) open(t *testing.T, url string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewWindow(true))
	t.Cleanup(cancel)
	tb := &tab{t: t, ctx: ctx}
	if _, err := chromedp.Call(ctx, cdpage.AddScriptToEvaluateOnNewDocument, cdpage.AddScriptToEvaluateOnNewDocumentParams{Source: watch}); err != nil {
		t.Fatal(err)
	}
	tb.size(1280, 860)
	tb.do(chromedp.Navigate(url))
	tb.until(`document.querySelectorAll("#members .member").length > 0 && document.querySelector("#status").textContent.includes("members")`)
	t.Cleanup(func() {
		if problems := value[[]string](tb, "window.problems"); len(problems) > 0 {
			t.Errorf("the page had problems: %q", problems)
		}
	})
	return tb
}

func (tb *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tb.t.Fatalf("%v; the page shows:\n%s", err, tb.shown())
	}
}

// until waits for a condition in JavaScript.
func (tb *tab) until(condition string) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	poll := chromedp.Poll[chromedp.Void](condition, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(patience))
	if _, err := chromedp.Run(ctx, poll); err != nil {
		tb.t.Fatalf("%s: %v; the page shows:\n%s", condition, err, tb.shown())
	}
}

func (tb *tab) shown() string {
	ctx, cancel := context.WithTimeout(tb.ctx, 10*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return text
}

// value evaluates JavaScript, a promise included.
func value[T any](tb *tab, expression string) T {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		tb.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func (tb *tab) click(selector string) {
	tb.t.Helper()
	tb.do(chromedp.Click(chromedp.CSS(selector)))
}

func (tb *tab) keys(keys string, opts ...chromedp.KeyOption) {
	tb.t.Helper()
	tb.do(chromedp.KeyEvent(keys, opts...))
}

func (tb *tab) size(width, height int64) {
	tb.t.Helper()
	tb.do(chromedp.EmulateViewport(width, height))
}

// enter presses Enter as a keyboard does: one event that is both the key and its character, so that a page which takes the key gets no
// line feed. KeyEvent sends them apart.
func (tb *tab) enter(modifiers ...chromedp.Modifier) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	e := input.DispatchKeyEventParams{Type: kb.KeyDown, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, Text: "\r"}
	for _, m := range modifiers {
		e.Modifiers |= int64(m)
	}
	up := e
	up.Type, up.Text = kb.KeyUp, ""
	for _, e := range []input.DispatchKeyEventParams{e, up} {
		_, err := chromedp.Call(ctx, input.DispatchKeyEvent, e)
		must(tb.t, err)
	}
}

// prefer sets what the user asked of their system, such as prefers-color-scheme.
func (tb *tab) prefer(feature, choice string) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: feature, Value: choice}},
	})
	must(tb.t, err)
}

// contains is a condition: an element's text has this part.
func contains(selector, part string) string {
	return `[...document.querySelectorAll(` + quote(selector) + `)].some((e) => e.textContent.includes(` + quote(part) + `))`
}

func quote(s string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`", "${", "\\${").Replace(s) + "`"
}
