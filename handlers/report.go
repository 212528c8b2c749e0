package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"towline/bot"
	"towline/cards"
	"towline/deploy/delivery"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// Schedule tells when something is due: the first time after t, zero for never. cron.Schedule is one.
type Schedule interface {
	Next(t time.Time) time.Time
}

// reportFollower is the reports' name with the Cursor, which keeps the Unix time of the last slot that was reported.
const reportFollower = "reports"

const (
	// missedFor is how old a slot may be that was missed while the bot was down.
	missedFor = 24 * time.Hour
	// lookEvery is how often the clock is read: a config that was read again, and a clock that was put right, count within it.
	lookEvery = time.Minute
	// week is what /report looks back on where no schedule says more.
	week = 7 * 24 * time.Hour
)

func reportCommand() command {
	help := cards.Help{
		Name: "report", Args: "[project]", Does: "The weekly report, so far", Role: gate.Viewer.String(),
		Examples: []string{"/report", "/report shop"},
	}
	return command{
		help: help, needs: gate.Viewer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			projects, rest, err := a.oneOrAll()
			if err != nil {
				return nil, err
			}
			if len(rest) > 0 {
				return nil, release.Refuse(release.CodeUnknownProject, "project", rest[0]).Listing(projects...)
			}
			now := wholeSecond(h.now().In(a.team.zone()))
			since := now.Add(-week)
			if last, ok := slotBefore(a.team.Report, now); ok {
				since = last
			}
			q := question{projects: projects, place: a.place, span: cards.WeekSoFar, since: since, until: now}
			if len(a.args) > 0 { // who names a project wants its figures, and not the account's
				q.project = projects[0]
			}
			return h.answerUsage(ctx, a, q)
		},
	}
}

// weeks look back at projects.
func (h *Handlers) weeks(ctx context.Context, projects []string, since, until time.Time) ([]delivery.Week, error) {
	var all []delivery.Week
	for _, p := range projects {
		w, err := h.engine.Week(ctx, p, since, until)
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

// Report posts the weekly report to every chat when it is due, until ctx ends. Each slot of the schedule is reported once, also
// over restarts; of those that were missed while the bot was down only the last, and only within a day. What cannot be read is
// tried again with the next look at the clock.
func (h *Handlers) Report(ctx context.Context, c Cursor) error {
	h.filled(ctx)
	for {
		wait, err := h.reportDue(ctx, c)
		if err != nil && ctx.Err() == nil {
			h.log.ErrorContext(ctx, "the weekly report could not be made", "error", err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// filled waits, after a downtime, until what was missed is counted: a report that was due meanwhile is about that too. After a long one the newest is
// read first and what was missed piece by piece, each a moment after the other.
func (h *Handlers) filled(ctx context.Context) {
	if !h.caughtUp(ctx) {
		return
	}
	for range 12 {
		if !waitFor(ctx, h.alarm.use.Changed(), 5*time.Second) {
			return
		}
	}
}

// reportDue posts what is due, and says how long to wait before the next look.
func (h *Handlers) reportDue(ctx context.Context, c Cursor) (wait time.Duration, err error) {
	team := h.team(ctx)
	if team.Report == nil {
		return lookEvery, nil
	}
	seq, err := c.Cursor(ctx, reportFollower)
	if err != nil {
		return lookEvery, fmt.Errorf("read when the last report was: %w", err)
	}
	now := h.now().In(team.zone())
	last := time.Unix(int64(seq), 0).In(team.zone()) //nolint:gosec // it was stored as that
	if seq == 0 {
		// A bot that has just been set up has nothing to report. From here on it counts.
		if err := h.reported(ctx, c, now); err != nil {
			return lookEvery, err
		}
	} else if slot, ok := lastSlot(team.Report, last, now); ok {
		since, ok := slotBefore(team.Report, slot)
		if !ok || last.Before(since) {
			since = last // what was missed is not lost
		}
		if err := h.postReports(ctx, team, since, slot); err != nil {
			return lookEvery, err
		}
		if err := h.reported(ctx, c, slot); err != nil {
			return lookEvery, err
		}
	}
	if next := slotAfter(team.Report, now); !next.IsZero() {
		return max(0, min(lookEvery, next.Sub(now))), nil
	}
	return lookEvery, nil
}

func (h *Handlers) reported(ctx context.Context, c Cursor, slot time.Time) error {
	// A part of a second is rounded up: the same slot would be due once more.
	if err := c.SetCursor(ctx, reportFollower, uint64(max(1, wholeSecond(slot).Unix()))); err != nil { //nolint:gosec // positive
		return fmt.Errorf("store when the last report was: %w", err)
	}
	return nil
}

// lastSlot is the newest slot after last that is due at now and was not missed for too long.
func lastSlot(s Schedule, last, now time.Time) (slot time.Time, ok bool) {
	if oldest := now.Add(-missedFor); last.Before(oldest) {
		last = oldest
	}
	for t := slotAfter(s, last); !t.IsZero() && !t.After(now); t = slotAfter(s, t) {
		slot, ok = t, true
	}
	return slot, ok
}

// slotBefore is the newest slot before t, at most a year before it.
func slotBefore(s Schedule, t time.Time) (slot time.Time, ok bool) {
	if s == nil {
		return slot, false
	}
	for _, back := range []int{1, 8, 32, 367} { // days: what comes often is found soon
		for next := slotAfter(s, t.AddDate(0, 0, -back)); !next.IsZero() && next.Before(t); next = slotAfter(s, next) {
			slot, ok = next, true
		}
		if ok {
			return slot, true
		}
	}
	return slot, false
}

// postReports wants the report in every place where a project is talked about, and the list of the previews that nobody uses.
func (h *Handlers) postReports(ctx context.Context, team Team, since, slot time.Time) error {
	var places []bot.Place
	for _, home := range team.Projects {
		if !slices.Contains(places, home.Place) {
			places = append(places, home.Place)
		}
	}
	for _, place := range places {
		q := question{projects: team.at(place), place: place, span: cards.WeekOver, since: since, until: slot}
		if err := h.postUsage(ctx, team, q); err != nil {
			return err
		}
	}
	return h.postStalePreviews(ctx, team, slot)
}

// postUsage wants the report of one place: a picture, with the words below it where the heads of the audit logs found no room in its caption; or
// where there is nothing to draw the words alone.
func (h *Handlers) postUsage(ctx context.Context, team Team, q question) error {
	u, err := h.used(ctx, team, q, true)
	if err != nil {
		return err
	}
	key := fmt.Sprintf("report/%d/%d/%d/", q.until.Unix(), q.place.Chat, q.place.Topic)
	if f, ok := h.pictured(ctx, team, u); ok {
		f.Place, f.Kind, f.Final = q.place, bot.KindReport, true
		if err := h.want(ctx, key+"1", f); err != nil {
			return err
		}
		if _, heads := cards.UsageCaption(u); !heads {
			return h.postWords(ctx, u, key+"1", q.place, 0, bot.KindReport)
		}
		return nil
	}
	for i, card := range cards.ReportsWithout(u) {
		f := frame(card, q.place, 0)
		f.Kind, f.Final = bot.KindReport, true
		if err := h.want(ctx, key+strconv.Itoa(i+1), f); err != nil {
			return err
		}
	}
	return nil
}

// want hands a report over. One that Telegram would refuse keeps no other from being posted.
func (h *Handlers) want(ctx context.Context, key string, f bot.Frame) error {
	err := h.outbox.Want(ctx, key, f)
	if bad, ok := errors.AsType[*bot.FrameError](err); ok {
		h.log.ErrorContext(ctx, "a report cannot be shown", "card", key, "error", bad)
		return nil
	}
	return err
}
