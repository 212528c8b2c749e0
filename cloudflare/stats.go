package cloudflare

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// CallStats is what was sent to Cloudflare's API since the D1 was made, repetitions included.
type CallStats struct {
	// Counts are the calls by kind and by status, in that order.
	Counts []CallCount
	// Busiest is the most calls in any five minutes of the last hour: Cloudflare allows a user 1200 in five minutes, all tokens and the
	// dashboard together ("API rate limits").
	Busiest int
	// Since is when the D1 was made: of the time before, nothing is known.
	Since time.Time
}

// CallCount is how many calls of a kind ended in one way.
type CallCount struct {
	// Kind is "d1", "analytics" or "account", by what was asked for, and "storage" for what was fetched or brought outside the API: copies of
	// databases, which count towards no limit.
	Kind string
	// Status is "2xx", "3xx", "4xx" or "5xx"; "429" apart from the others of its class; and "none" where no answer came. What came with 200
	// and was an error counts as 2xx.
	Status string
	Calls  int64
}

const kindStorage = "storage"

const (
	busySpan = 5 * time.Minute
	busyBack = time.Hour
	slots    = int64((busyBack + busySpan) / time.Second)
)

// tally counts calls. It is safe for concurrent use. A second's calls share a slot, which is used again when it is too old to matter.
type tally struct {
	mu     sync.Mutex
	since  time.Time
	counts map[CallCount]int64 // Calls is 0 in its keys
	at     [slots]int64        // the second that a slot stands for
	calls  [slots]int32
}

// sent notes a call at the moment it is sent, and returns what notes how it ended.
func (t *tally) sent(kind string, now time.Time) (ended func(res *http.Response)) {
	second := now.Unix()
	t.mu.Lock()
	defer t.mu.Unlock()
	if slot := ((second % slots) + slots) % slots; kind != kindStorage {
		if t.at[slot] != second {
			t.at[slot], t.calls[slot] = second, 0
		}
		t.calls[slot]++
	}
	return func(res *http.Response) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.counts == nil {
			t.counts = map[CallCount]int64{}
		}
		t.counts[CallCount{Kind: kind, Status: class(res)}]++
	}
}

func class(res *http.Response) string {
	switch {
	case res == nil:
		return "none"
	case res.StatusCode == http.StatusTooManyRequests:
		return "429"
	}
	return fmt.Sprintf("%dxx", res.StatusCode/100)
}

// kindOf tells calls apart by their path.
func kindOf(path string) string {
	switch {
	case strings.HasSuffix(path, "/graphql"):
		return "analytics"
	case strings.Contains(path, "/d1/"):
		return "d1"
	}
	return "account"
}

// stats sums up.
func (t *tally) stats(now time.Time) CallStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := CallStats{Since: t.since}
	for key, n := range t.counts {
		key.Calls = n
		s.Counts = append(s.Counts, key)
	}
	slices.SortFunc(s.Counts, func(a, b CallCount) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Status, b.Status))
	})
	calls := func(second int64) int {
		if slot := ((second % slots) + slots) % slots; t.at[slot] == second {
			return int(t.calls[slot])
		}
		return 0
	}
	first, last, sum := now.Add(-busyBack).Unix(), now.Unix(), 0
	for second := first; second <= last; second++ {
		sum += calls(second)
		if gone := second - int64(busySpan/time.Second); gone >= first {
			sum -= calls(gone)
		}
		s.Busiest = max(s.Busiest, sum)
	}
	return s
}

// all is how many calls came to an end.
func (t *tally) all() (n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.counts {
		n += c
	}
	return n
}

// Calls is how many HTTP requests were sent so far and came to an end, repetitions included.
func (d *D1) Calls() int64 { return d.calls.all() }

// Stats is what was sent so far, and how it ended.
func (d *D1) Stats() CallStats { return d.calls.stats(d.now()) }
