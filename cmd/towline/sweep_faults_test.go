package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	sandboxcloudflare "towline/sandbox/cloudflare"
	"towline/sandbox/telegram"
)

// fault is one way in which the outside fails, from a request on.
type fault struct {
	whose, name string
	begin       func(w *scene)
}

// blocked is how long a Retry-After of either side is in a sweep.
const blocked = time.Hour

// away is how long either side is down in a sweep.
const away = 10 * time.Minute

// sampledFaults is how many trials with a fault one step goes on, unless TOWLINE_SWEEP=full asks for all of them, which takes some
// two minutes.
const sampledFaults = 16

// faults are all of them.
func faults() []fault {
	const internal = "internal error; reference = e_1"
	once := func(execute bool, reply sandboxcloudflare.Reply) func(*scene) {
		return func(w *scene) { w.faults.Inject(sandboxcloudflare.Fault{Execute: execute, Reply: reply}) }
	}
	span := func(d time.Duration, reply sandboxcloudflare.Reply) func(*scene) {
		return func(w *scene) {
			w.faults.Inject(sandboxcloudflare.Fault{Times: sandboxcloudflare.Always, Reply: reply})
			time.AfterFunc(d, w.faults.Heal)
		}
	}
	wait := sandboxcloudflare.APIError(http.StatusTooManyRequests, 971, "Please wait and consider throttling your request speed")
	wait.Header.Set("Retry-After", fmt.Sprint(int(blocked.Seconds())))
	chat := func(kind telegram.FaultKind) func(*scene) {
		return func(w *scene) {
			w.tg.Fault(telegram.Fault{Kind: kind, Method: telegram.AnyMethod, RetryAfter: blocked})
		}
	}
	down := func(kind telegram.FaultKind) func(*scene) {
		return func(w *scene) { time.AfterFunc(away, w.tg.Down(kind)) }
	}
	return []fault{
		{ofCloudflare, "request lost", once(false, sandboxcloudflare.Drop())},
		{ofCloudflare, "reply lost", once(true, sandboxcloudflare.Drop())},
		{ofCloudflare, "500", once(false, sandboxcloudflare.APIError(http.StatusInternalServerError, 7500, internal))},
		{ofCloudflare, "500 after it was done", once(true, sandboxcloudflare.APIError(http.StatusInternalServerError, 7500, internal))},
		{ofCloudflare, "504", once(false, sandboxcloudflare.HTML(http.StatusGatewayTimeout))},
		{ofCloudflare, "504 after it was done", once(true, sandboxcloudflare.HTML(http.StatusGatewayTimeout))},
		{ofCloudflare, "HTML 502 after it was done", once(true, sandboxcloudflare.HTML(http.StatusBadGateway))},
		{ofCloudflare, "half an answer", once(true, sandboxcloudflare.Truncated(20))},
		{ofCloudflare, "429 for an hour", span(blocked, wait)},
		{ofCloudflare, "down for ten minutes", span(away, sandboxcloudflare.HTML(http.StatusBadGateway))},
		{ofTelegram, "request lost", chat(telegram.LostBefore)},
		{ofTelegram, "reply lost", chat(telegram.LostAfter)},
		{ofTelegram, "500", chat(telegram.ServerError)},
		{ofTelegram, "HTML 502", chat(telegram.BadGateway)},
		{ofTelegram, "HTML 502 after it was done", chat(telegram.ErrorAfter)},
		{ofTelegram, "half an answer", chat(telegram.HalfAnswer)},
		{ofTelegram, "429 for an hour", chat(telegram.TooManyRequests)},
		{ofTelegram, "down for ten minutes", down(telegram.LostBefore)},
		{ofTelegram, "behind a dead gateway for ten minutes", down(telegram.BadGateway)},
	}
}

// TestSweepAFaultAtAnyRequestEndsInTheTruthAndATapSucceedsLater makes every journey with every fault at every request that the
// service makes, to Cloudflare and to Telegram, as they come in the very run. People see honest cards, do what those
// offer, and get where they wanted.
func TestSweepAFaultAtAnyRequestEndsInTheTruthAndATapSucceedsLater(t *testing.T) {
	for _, j := range journeys() {
		t.Run(j.name, func(t *testing.T) {
			t.Parallel()
			was := j.prepare(t)
			whole := j.travel(t, was, disturbance{})
			if len(whole.problems) > 0 {
				t.Fatalf("undisturbed:\n  %s\n%s", strings.Join(whole.problems, "\n  "), whole.log)
			}
			found := map[string]*tally{ofCloudflare: {}, ofTelegram: {}}
			stride := sampledFaults
			if os.Getenv("TOWLINE_SWEEP") == "full" {
				stride = 1
			}
			from, stride := sampled(t, stride)
			n := 0
			for _, f := range faults() {
				for at := 1; at <= whole.calls[f.whose]; at++ {
					if n++; (n-from)%stride != 0 {
						continue
					}
					tr := j.travel(t, was, disturbance{trouble: &trouble{whose: f.whose, at: at, begin: f.begin}})
					found[f.whose].add(t, fmt.Sprintf("%s, %s at request %d", f.whose, f.name, at), tr)
				}
			}
			found[ofCloudflare].print(t, "cloudflare", j.name)
			found[ofTelegram].print(t, "telegram", j.name)
		})
	}
}
