package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"towline/migrations/sqlite/experiments"
)

// The aims, from the issue that asked for the speed.
const (
	aimRatio  = 0.1 // of wrangler's time
	aimCalls  = 8
	aimAnswer = 0.3 // seconds
	aimMemory = 50  // MB
)

// report is everything that was measured.
type report struct {
	settings  settings
	machine   machine
	skipped   string  // why wrangler was left out
	peerStart samples // seconds of `wrangler --version`
	shipped   []shipped
	applied   []applied
	started   []started
	crowds    []crowded
	answered  []answered
	flowed    []flowed
	swept     []swept

	linted    []linted
	dumped    []dumped
	noShell   string // why the sqlite3 shell was left out
	profiled  []experiments.Report
	noProfile string // why the experiments were left out
	reported  []reported

	idle, filled, peerFilled, wholeFilled backfilled
	noBackfill                            string // why backfills were left out
}

// machine is what the figures depend on.
type machine struct {
	cores          int
	version, load  string
	engine         string
	sync, slowSync time.Duration // of one small durable write: the median, and what 99 in 100 are not above
	system, cpuFor string
}

func describeMachine(dir string) machine {
	m := machine{cores: runtime.NumCPU(), version: runtime.Version(), system: runtime.GOOS, cpuFor: runtime.GOARCH, load: "unknown"}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.load, _, _ = strings.Cut(string(text), " ")
	}
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return m
	}
	defer f.Close()
	var s samples
	for range 100 {
		began := time.Now()
		if _, err := f.WriteString("one record\n"); err != nil || f.Sync() != nil {
			return m
		}
		s = append(s, seconds(time.Since(began)))
	}
	m.sync, m.slowSync = time.Duration(s.median()*float64(time.Second)), time.Duration(s.percentile(99)*float64(time.Second))
	return m
}

// samples are repeated measurements of one thing.
type samples []float64

func seconds(d time.Duration) float64 { return d.Seconds() }

// median is the middle one, or between the two in the middle; 0 of none.
func (s samples) median() float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// say gives the median with the unit and, of several, the least and the most.
func (s samples) say(format string, scale float64, unit string) string {
	if len(s) == 0 {
		return "not measured"
	}
	out := fmt.Sprintf(format+" %s", s.median()*scale, unit)
	if len(s) == 1 {
		return out
	}
	return out + fmt.Sprintf(" ("+format+"–"+format+")", slices.Min(s)*scale, slices.Max(s)*scale)
}

func take[T any](from []T, value func(T) float64) samples {
	out := make(samples, len(from))
	for i, v := range from {
		out[i] = value(v)
	}
	return out
}

// figure is one line of the table.
type figure struct {
	name, value, aim string
	met              bool // meaningless without an aim
	meaning          string
}

// figures are the lines of the table, in order.
func (r *report) figures() []figure {
	var out []figure
	if len(r.shipped) > 0 {
		out = r.shipping()
	}
	if len(r.applied) > 0 {
		out = append(out, r.against()...)
	}
	for _, s := range r.started {
		store := "empty store"
		if s.releases > 0 {
			store = fmt.Sprintf("%d releases, %.0f MB store", s.releases, float64(s.store)/1e6)
		}
		out = append(out, figure{
			"cold start, " + store, s.answers.say("%.0f", 1000, "ms"), "under 300 ms", s.answers.median() < aimAnswer,
			"executing towline serve until its answer to a waiting /help reaches Telegram; its file is in the page cache",
		})
	}
	for _, s := range r.started {
		name := "idle memory, empty store"
		if s.releases > 0 {
			name = fmt.Sprintf("idle memory, %d releases", s.releases)
		}
		out = append(out, figure{
			name, s.resident.say("%.1f", 1, "MB"), "under 50 MB", len(s.resident) > 0 && s.resident.median() < aimMemory,
			fmt.Sprintf("resident after that answer and %d idle polls; %s of it private, the rest pages of its own file and of the store", idlePolls, s.private.say("%.1f", 1, "MB")),
		})
	}
	return append(append(out, r.loads()...), r.locals()...)
}

// covered is the time in which at least one of the calls was under way. They come in the order of their arrival.
func covered(calls []call) time.Duration {
	var sum time.Duration
	var until time.Time
	for _, c := range calls {
		begun := c.begun
		if begun.Before(until) {
			begun = until
		}
		if c.ended.After(begun) {
			sum += c.ended.Sub(begun)
			until = c.ended
		}
	}
	return sum
}

func (r *report) shipping() []figure {
	calls := take(r.shipped, func(s shipped) float64 { return float64(len(s.calls)) })
	back, card := take(r.shipped, func(s shipped) float64 { return seconds(s.readBack) }), take(r.shipped, func(s shipped) float64 { return seconds(s.card) })
	waiting := take(r.shipped, func(s shipped) float64 { return seconds(covered(s.calls)) })
	after := take(r.shipped, func(s shipped) float64 { return s.after.resident * 1024 / 1e6 })
	return []figure{
		{"towline, Approve to read back", back.say("%.2f", 1, "s"), "", false, "until the last call to Cloudflare is answered; waiting for Cloudflare " + waiting.say("%.2f", 1, "s")},
		{"towline, Approve to card", card.say("%.2f", 1, "s"), "", false, "until the chat says live"},
		{"towline, calls", calls.say("%.0f", 1, "calls"), "at most 8", slices.Max(calls) <= aimCalls, "to Cloudflare, from the press on Approve on"},
		{"towline, memory afterwards", after.say("%.1f", 1, "MB"), "", false, "resident, with the card just posted: rehearsals of both environments included"},
	}
}

// against are the lines about wrangler.
func (r *report) against() []figure {
	wall := take(r.applied, func(a applied) float64 { return seconds(a.wall) })
	span := take(r.applied, func(a applied) float64 { return seconds(a.last - a.first) })
	calls := take(r.applied, func(a applied) float64 { return float64(len(a.calls)) })
	ours := take(r.shipped, func(s shipped) float64 { return seconds(s.readBack) }).median()
	ratio := func(name string, theirs float64, aim, meaning string) figure {
		return figure{name, fmt.Sprintf("%.3f (1/%.1f)", ours/theirs, theirs/ours), aim, ours/theirs <= aimRatio, meaning}
	}
	return []figure{
		{"wrangler, whole command", wall.say("%.2f", 1, "s"), "", false, "d1 migrations apply --remote on an identical database; both databases are compared afterwards"},
		{"wrangler, start-up alone", r.peerStart.say("%.2f", 1, "s"), "", false, "wrangler --version, with Node's compile cache warm, which a fresh installation has not"},
		{"wrangler, first to last call", span.say("%.2f", 1, "s"), "", false, "without its start and end"},
		{"wrangler, calls", calls.say("%.0f", 1, "calls"), "", false, "to Cloudflare"},
		ratio("ratio, whole command", wall.median(), "a tenth", "Approve to read back, against the whole command"),
		ratio("ratio, without start-up", wall.median()-r.peerStart.median(), "", "against the command less its start-up"),
		ratio("ratio, calls alone", span.median(), "", "against first to last call; towline's side still counts everything from the press on"),
	}
}

// print writes the report for a person.
func (r *report) print(w io.Writer) error {
	s, m := r.settings, r.machine
	fmt.Fprintf(w, "\n%d cores, %s %s/%s, load %s before; a small durable write takes %.1f ms here, %.1f ms at p99.\n", m.cores, m.version, m.system, m.cpuFor, m.load, 1000*seconds(m.sync), 1000*seconds(m.slowSync))
	if len(r.shipped) > 0 {
		fmt.Fprintf(w, "Promoting %d pending migrations, every call to Cloudflare %v away; D1 is %s. Promotions: %d.\n", s.migrations, s.latency, m.engine, len(r.shipped))
	}
	fmt.Fprintf(w, "Medians (least–most); crowds: %d; starts of each store: %d. GOGC and GOMEMLIMIT are untouched.\n", len(r.crowds), s.starts)
	if r.skipped != "" {
		fmt.Fprintf(w, "SKIPPED: wrangler, and so the ratios: %s.\n", r.skipped)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "what\tmeasured\taim\t\tmeaning")
	for _, f := range r.figures() {
		verdict := ""
		if f.aim != "" {
			verdict = map[bool]string{true: "met", false: "MISSED"}[f.met]
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", f.name, f.value, f.aim, verdict, f.meaning)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if s.calls {
		r.printCalls(w)
	}
	return nil
}

// printCalls lists what each promotion asked of Cloudflare.
func (r *report) printCalls(w io.Writer) {
	for i, s := range r.shipped {
		fmt.Fprintf(w, "\nPromotion %d, ms after the press:\n", i+1)
		for _, c := range s.calls {
			fmt.Fprintf(w, "  %6d – %6d  %s\n", c.begun.Sub(s.pressed).Milliseconds(), c.ended.Sub(s.pressed).Milliseconds(), c.what)
		}
		fmt.Fprintf(w, "  %6d           the card says live\n", s.card.Milliseconds())
	}
}
