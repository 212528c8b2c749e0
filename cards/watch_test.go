package cards_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
)

// watched is the watch of a promote of #42.
func watched(change func(*release.Run, *release.Watching)) release.Run {
	r := run(release.Promote, release.Done)
	r.ID, r.Kind, r.Plan, r.Votes = "01WATCH", release.Watch, nil, nil
	w := release.Watching{
		Of: "01RUN", Database: "shop", DatabaseID: "id-1", From: noon.Add(time.Minute), To: noon.Add(31 * time.Minute), Before: noon,
		Verdict: release.WatchWell, Counted: noon.Add(31 * time.Minute), Queries: 6012, Requests: 2300, Against: release.AgainstWeeks, Weeks: 4,
		Well: []release.WatchFigure{
			{What: "errors", Now: 0.0011, Usual: 0.0012}, {What: "latency", Now: 11.94, Usual: 12.4}, {What: "rows", Now: 34.2, Usual: 33.6},
			{What: "worker_errors", Now: 0.002, Usual: 0.0021}, {What: "worker_cpu", Now: 5.5, Usual: 5.4},
		},
	}
	r.Watch = &w
	change(&r, &w)
	return r
}

// worse is everything that can be.
func worse() []release.WatchFigure {
	return []release.WatchFigure{
		{What: "errors", Now: 0.0213, Usual: 0.0012},
		{What: "latency", Now: 1240, Usual: 12.4},
		{What: "rows", Now: 1206.4, Usual: 33.6, Query: "SELECT * FROM items WHERE order_id = ?", Runs: 1750},
		{What: "failing", Now: 1, Query: "SELECT vat FROM items WHERE id = ?", Runs: 412, New: true},
		{What: "failing", Now: 0.4, Usual: 0.00004, Query: "UPDATE carts SET total = ? WHERE id = ?", Runs: 12},
		{What: "slow", Now: 12_400, Usual: 80, Query: "SELECT sum(total) FROM orders", Runs: 31},
		{What: "slow", Now: 830, Query: "SELECT count(*) FROM orders", Runs: 31, New: true},
		{What: "scans", Now: 20_412, Usual: 3.2, Query: "SELECT * FROM items WHERE sku = ?", Runs: 20},
		{What: "worker_errors", Now: 0.045, Usual: 0.0021},
		{What: "worker_cpu", Now: 45, Usual: 5.4},
	}
}

func bad(r *release.Run, w *release.Watching) {
	w.Verdict, w.Worse, w.Well = release.WatchWorse, worse()[:1], nil
}

// gone is traffic that is not there any more.
func gone(r *release.Run, w *release.Watching) {
	bad(r, w)
	w.Worse, w.Queries, w.Requests, w.Counted = []release.WatchFigure{{What: "gone", Now: 3, Usual: 1240}}, 3, 0, time.Time{}
}

func TestAPromotesCardSaysHowProductionDoesSince(t *testing.T) {
	of := func(change func(*release.Run, *release.Watching)) cards.View {
		v := with(run(release.Promote, release.Done), func(r *release.Run) { r.Point = point() })
		w := watched(change)
		v.Watch = &w
		return v
	}
	verdict := func(is release.WatchVerdict, why release.WatchBlind) func(*release.Run, *release.Watching) {
		return func(_ *release.Run, w *release.Watching) { w.Verdict, w.Why, w.Well = is, why, nil }
	}
	golden(t, "watched", rendered(map[string]cards.View{
		"under way": of(func(r *release.Run, w *release.Watching) { r.Phase, w.Verdict = release.Executing, "" }),
		"under way, nothing to be seen": of(func(r *release.Run, w *release.Watching) {
			r.Phase, w.Verdict, w.Trouble = release.Executing, "", "the API token may not read the account's analytics."
		}),
		"as usual": of(func(*release.Run, *release.Watching) {}),
		"as usual, with what was left out": of(func(_ *release.Run, w *release.Watching) {
			w.Weeks, w.Aside = 1, []string{"backfill", "queries", "workers_little"}
		}),
		"as in the hours before": of(func(_ *release.Run, w *release.Watching) { w.Against, w.Weeks = release.AgainstHours, 0 }),
		"worse":                  of(bad),
		"worse in many ways":     of(func(r *release.Run, w *release.Watching) { bad(r, w); w.Worse = worse() }),
		"hardly any traffic":     of(gone),
		"as quiet before it": of(func(_ *release.Run, w *release.Watching) {
			w.Verdict, w.Queries, w.Well = release.WatchLittle, 1, []release.WatchFigure{{What: "gone", Now: 1, Usual: 1240}}
		}),
		"too little traffic":      of(func(_ *release.Run, w *release.Watching) { w.Verdict, w.Well, w.Queries = release.WatchLittle, nil, 1 }),
		"nothing to compare with": of(verdict(release.WatchAlone, "")),
		"superseded":              of(func(r *release.Run, w *release.Watching) { r.Phase, w.Verdict = release.Overtaken, "" }),
		"no permission": of(func(r *release.Run, w *release.Watching) {
			verdict(release.WatchUnseen, release.BlindTrouble)(r, w)
			w.Words = "the API token may not read the account's analytics"
		}),
		"nothing was counted": of(func(r *release.Run, w *release.Watching) {
			verdict(release.WatchUnseen, release.BlindUncounted)(r, w)
			w.Counted = time.Time{}
		}),
		"a part of it was counted": of(verdict(release.WatchUnseen, release.BlindUncounted)),
		"turned off":               of(verdict(release.WatchUnseen, release.BlindOff)),
		"left the config":          of(verdict(release.WatchUnseen, release.BlindGone)),
	}))
}

func TestPeopleAreCalledToAReleaseThatDoesWorseWithTheWayBack(t *testing.T) {
	golden(t, "watch-alarm", map[string]cards.Card{
		"one thing":          cards.WatchAlarm(watched(bad), true),
		"many things":        cards.WatchAlarm(watched(func(r *release.Run, w *release.Watching) { bad(r, w); w.Worse, w.Early = worse(), true }), true),
		"the others":         cards.WatchAlarm(watched(func(r *release.Run, w *release.Watching) { bad(r, w); w.Worse = worse()[6:] }), true),
		"a first release":    cards.WatchAlarm(watched(func(r *release.Run, w *release.Watching) { bad(r, w); r.Was = 0; w.Worse[0].New = true }), true),
		"not live now":       cards.WatchAlarm(watched(bad), false),
		"hardly any traffic": cards.WatchAlarm(watched(gone), true),
		"hardly any traffic and requests": cards.WatchAlarm(watched(func(r *release.Run, w *release.Watching) {
			gone(r, w)
			w.Queries, w.Worse = 0, append(w.Worse, release.WatchFigure{What: "worker_gone", Now: 0, Usual: 912.5})
			w.Worse[0].Now = 0
		}), true),
		"requests without queries": cards.WatchAlarm(watched(func(r *release.Run, w *release.Watching) { gone(r, w); w.Requests = 2300 }), true),
		"of somebody who acts anonymously": cards.WatchAlarm(watched(func(r *release.Run, w *release.Watching) {
			bad(r, w)
			r.Requester.Anonymous = true
		}), true),
	})
}

func TestStatusSaysThatProductionIsWatchedOrDoesWorse(t *testing.T) {
	live := release.Release{Number: 42}
	of := func(w release.Run) string {
		return cards.StatusOf(deploy.Status{Project: "shop", Environments: []deploy.EnvironmentStatus{{Environment: release.Production, Live: &live, Exists: true, Watch: &w}}}).HTML
	}
	open := of(watched(func(r *release.Run, w *release.Watching) { r.Phase, w.Verdict = release.Executing, "" }))
	if !strings.Contains(open, "👀 watched since") {
		t.Errorf("%s", open)
	}
	if html := of(watched(bad)); !strings.Contains(html, "🔴 does clearly worse since #42:\n• <b>2.13 % of all queries fail</b>") {
		t.Errorf("%s", html)
	}
	if html := of(watched(gone)); !strings.Contains(html, "🔴 hardly any traffic since #42:\n• <b>3 queries where 1,240 are usual at this time</b>") {
		t.Errorf("%s", html)
	}
	if html := of(watched(func(*release.Run, *release.Watching) {})); strings.Contains(html, "watched") {
		t.Errorf("%s", html)
	}
}

func TestAQueryFromOutsideIsNoMarkupOnAWatchsCards(t *testing.T) {
	reader := newReader(t)
	for what, text := range nasty() {
		r := watched(func(r *release.Run, w *release.Watching) {
			w.Verdict, w.Worse, w.Words, w.Trouble = release.WatchWorse, slices.Repeat(worse(), 3), text, text
			for i := range w.Worse {
				w.Worse[i].Query = text
			}
			r.Requester.Name = text
		})
		v := full(release.Promote, release.Done)
		v.Watch = &r
		for _, c := range []cards.Card{cards.WatchAlarm(r, true), cards.Run(v)} {
			if m := reader.read(c); strings.Contains(m.Text, "rejected\n") {
				t.Errorf("%s: a line of its own: %s", what, m.Text)
			}
		}
		r.Phase, r.Watch.Verdict = release.Executing, ""
		reader.read(cards.Run(v))
		r.Phase, r.Watch.Verdict, r.Watch.Why = release.Done, release.WatchUnseen, release.BlindTrouble
		reader.read(cards.Run(v))
	}
}
