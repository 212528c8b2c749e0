package main

import (
	"fmt"
	"math"
	"slices"
)

// The aims of the figures about trust, from the issue that asked for them.
const (
	aimCrowd    = 0.2  // seconds
	aimAnswer99 = 0.02 // seconds, of 99 in 100
)

// percentile is the least sample that so many per cent of all are not above (nearest rank); 0 of none.
func (s samples) percentile(p float64) float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[max(0, int(math.Ceil(p/100*float64(len(sorted))))-1)]
}

// tail gives the 99th percentile in ms, with the median.
func (s samples) tail() string {
	return fmt.Sprintf("%.1f ms p99 (median %.1f, %d samples)", 1000*s.percentile(99), 1000*s.median(), len(s))
}

// loads are the lines about what happens when much comes at once, or much is there.
func (r *report) loads() []figure {
	var out []figure
	if len(r.crowds) > 0 {
		out = append(out, r.crowding()...)
	}
	for _, a := range r.answered {
		for _, command := range asked() {
			name := fmt.Sprintf("%s, %d releases, %d audit entries", command, a.releases, a.entries)
			chat, handler := a.chat[command], a.handler[command]
			out = append(out, figure{
				name, chat.tail(), "p99 under 20 ms", chat.percentile(99) < aimAnswer99,
				fmt.Sprintf("from the webhook's post to sendMessage, four commits on disk in between; Cloudflare and Telegram without latency; a store of %.0f MB", float64(a.store)/1e6),
			}, figure{
				name + ", handler", handler.tail(), "", false, "the same command in the handlers alone, on the same store, until its answer is wanted",
			})
		}
	}
	for _, f := range r.flowed {
		out = append(out, f.figures()...)
	}
	return append(out, r.sweeping())
}

func (r *report) crowding() []figure {
	taken, begun := take(r.crowds, func(c crowded) float64 { return seconds(c.taken) }), take(r.crowds, func(c crowded) float64 { return seconds(c.begun) })
	replied := take(r.crowds, func(c crowded) float64 { return seconds(c.replied) })
	name := fmt.Sprintf("%d presses at once", r.crowds[0].posts)
	return []figure{
		{name + ", taken", taken.say("%.0f", 1000, "ms"), "under 200 ms", taken.median() < aimCrowd,
			fmt.Sprintf("%d people, %d presses each, each delivered %d times over Telegram's %d connections: until the last is answered 200", crowdSize, pressTimes, deliveries, connections)},
		{name + ", one run", begun.say("%.0f", 1000, "ms"), "under 200 ms", begun.median() < aimCrowd,
			fmt.Sprintf("until the run that the quorum of %d starts makes its first call; the audit log then has one quorum, one run, nobody counted twice", quorum)},
		{name + ", all answered", replied.say("%.1f", 1, "s"), "", false, "until the last press has its toast: Telegram is asked for each who is in the chat"},
	}
}

func (f flowed) figures() []figure {
	rate := float64(f.posts) / seconds(f.span)
	return []figure{
		{fmt.Sprintf("%d updates/s", flowRate), fmt.Sprintf("%d in %.1f s, %d lost, %d out of order", f.posts, seconds(f.span), f.lost, f.outOfOrder), "none", f.lost == 0 && f.outOfOrder == 0 && rate > 0.98*flowRate,
			fmt.Sprintf("commands of %d chats by webhook, found again in the audit log; %d put off with 503", crowdSize, f.putOff)},
		{"… until 200 OK", f.waits.tail(), "", false, "from when a post was due until its answer"},
		{"… until all are handled", fmt.Sprintf("%.0f ms", 1000*seconds(f.settled)), "", false, "after the last post; as towline audit export sees it, which takes most of that. Answers follow at the 30 a second that Telegram takes"},
	}
}

func (r *report) sweeping() figure {
	const name, aim = "kill sweep", "0 inconsistencies"
	if len(r.swept) == 0 || r.swept[0].journeys == 0 {
		return figure{name, "not measured", "", false, "go test ./cmd/towline -run Sweep printed no sweep, or was left out"}
	}
	s := r.swept[0]
	return figure{
		name, fmt.Sprintf("%d instants, %d inconsistencies", s.instants, s.inconsistencies), aim, s.passed && s.inconsistencies == 0,
		fmt.Sprintf("%d sweeps: the service killed before and after every commit and request, every request broken in every way", s.journeys),
	}
}
