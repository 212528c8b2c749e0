package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"towline/bot"
	"towline/cards"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/usage"
	"towline/usage/alert"
)

const (
	// alarms is how the keys of alerts begin.
	alarms = "alert/"
	// judgeEvery is how often limits are judged at least, whether or not anything was counted meanwhile: a config that was read
	// again, and a clock that was put right, count within it.
	judgeEvery = 10 * time.Minute
	// judgeAgain is how soon what could not be read, stored or handed over is tried again.
	judgeAgain = time.Minute
	// lately is how old the last look may be at a start for its figures to be judged at once, and patient how long a newer one is waited for.
	lately  = 90 * time.Minute
	patient = time.Minute
)

// alarm is what the alerts need, of handlers that have them.
type alarm struct {
	use   usage.Reader
	store alert.Store
	// mu is held from reading the alerts to storing them: the loop and a press on Mute change the same records.
	mu sync.Mutex
}

// Alerts judges the limits whenever something was counted, shows what people should hear of, and keeps it up to date, until ctx ends. What is
// decided is stored before it is shown; what was stored and not shown yet is shown at the next start.
func (h *Handlers) Alerts(ctx context.Context) error {
	if h.alarm.use == nil || h.alarm.store == nil {
		<-ctx.Done()
		return nil
	}
	h.caughtUp(ctx)
	for {
		counted := h.alarm.use.Changed()
		wait, err := h.judge(ctx)
		if err != nil && ctx.Err() == nil {
			h.log.ErrorContext(ctx, "the limits could not be judged", "error", err)
			wait = judgeAgain
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-counted:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// caughtUp waits, after a downtime and where nothing was ever counted, for the first look of the new start: what was counted
// before says nothing of how things are. A Cloudflare that does not answer holds nothing up for longer than patient. It reports
// whether there was something to wait for.
func (h *Handlers) caughtUp(ctx context.Context) bool {
	if h.alarm.use == nil {
		return false
	}
	counted := h.alarm.use.Changed()
	state, err := h.alarm.use.State(ctx)
	if err != nil || h.now().Sub(state.LastPass) < lately {
		return false
	}
	waitFor(ctx, counted, patient)
	return true
}

// waitFor waits for a signal, until ctx ends, and no longer than most; it reports whether the signal came.
func waitFor(ctx context.Context, signal <-chan struct{}, most time.Duration) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-signal:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}

// judge looks at every limit once, and says how long to wait before the next look.
func (h *Handlers) judge(ctx context.Context) (wait time.Duration, err error) {
	h.alarm.mu.Lock()
	defer h.alarm.mu.Unlock()
	team, now := h.team(ctx), h.now()
	was, err := h.alarm.store.Alerts(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the alerts: %w", err)
	}
	account, databases, exist, err := h.known(ctx, team, now)
	if err != nil {
		return 0, fmt.Errorf("read what was used: %w", err)
	}
	is := alert.Judge(was, alert.Measures(team.Alerts, now, account, databases), exist, team.Alerts, now)
	if err := h.keepAlerts(ctx, was, is); err != nil {
		return 0, err
	}
	if err := h.showAlerts(ctx, team, is, now); err != nil {
		return 0, err
	}
	wait = judgeEvery
	if next := alert.Next(is, team.Alerts, now); !next.IsZero() {
		wait = max(time.Second, min(wait, next.Sub(now)))
	}
	return wait, nil
}

// known reads what the store has of the account and of the projects' databases.
func (h *Handlers) known(ctx context.Context, team Team, now time.Time) (account alert.Known, databases []alert.Known, exist alert.Subjects, err error) {
	if account, err = h.knownOf(ctx, usage.Whole(), "", now); err != nil {
		return account, nil, nil, err
	}
	state, err := h.alarm.use.State(ctx)
	if err != nil {
		return account, nil, nil, err
	}
	if !state.Listed.IsZero() {
		exist = alert.Subjects{}
	}
	for _, name := range h.databases(team) {
		s, ok := h.alarm.use.Subject(name)
		if !ok || exist[s] {
			continue
		}
		k, err := h.knownOf(ctx, s, name, now)
		if err != nil {
			return account, nil, nil, err
		}
		if databases = append(databases, k); exist != nil {
			exist[s] = true
		}
	}
	return account, databases, exist, nil
}

func (h *Handlers) knownOf(ctx context.Context, s usage.Subject, name string, now time.Time) (alert.Known, error) {
	k := alert.Known{Subject: s, Name: name}
	var err error
	if k.Days, err = h.alarm.use.Days(ctx, s, usage.Day(now.Add(-alert.DaysBack)), now); err != nil {
		return k, err
	}
	k.Hours, err = h.alarm.use.Hours(ctx, s, usage.Hour(now.Add(-alert.HoursBack)), now)
	return k, err
}

// databases are those of the projects, each once.
func (h *Handlers) databases(team Team) []string {
	var all []string
	for _, home := range team.Projects {
		for _, name := range h.databasesOf(home.Project) {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

func (h *Handlers) databasesOf(project string) []string {
	p, ok := h.engine.Project(project)
	if !ok {
		return nil
	}
	return slices.DeleteFunc([]string{p.Production, p.Preview}, func(name string) bool { return name == "" })
}

// keepAlerts stores what differs.
func (h *Handlers) keepAlerts(ctx context.Context, was, is []alert.Alert) error {
	before := map[string]alert.Alert{}
	for _, a := range was {
		before[a.ID] = a
	}
	var put []alert.Alert
	var drop []string
	for _, a := range is {
		if b, ok := before[a.ID]; !ok || !a.Same(b) {
			put = append(put, a)
		}
		delete(before, a.ID)
	}
	for id := range before {
		drop = append(drop, id)
	}
	for some := range slices.Chunk(put, alert.MostStored) {
		if err := h.alarm.store.PutAlerts(ctx, some, nil); err != nil {
			return fmt.Errorf("store the alerts: %w", err)
		}
	}
	for some := range slices.Chunk(drop, alert.MostStored) {
		if err := h.alarm.store.PutAlerts(ctx, nil, some); err != nil {
			return fmt.Errorf("store the alerts: %w", err)
		}
	}
	return nil
}

// showAlerts wants the message of every alert that is open or just ended. Wanting it again changes nothing.
func (h *Handlers) showAlerts(ctx context.Context, team Team, all []alert.Alert, now time.Time) error {
	var told []alert.Alert
	for _, a := range all {
		if !a.Shown || a.Told {
			continue
		}
		if err := h.showAlert(ctx, team, a, now); err != nil {
			return err
		}
		if !a.Open() {
			a.Told = true
			told = append(told, a)
		}
	}
	for some := range slices.Chunk(told, alert.MostStored) {
		if err := h.alarm.store.PutAlerts(ctx, some, nil); err != nil {
			return fmt.Errorf("store that alerts were told: %w", err)
		}
	}
	return nil
}

// showAlert wants an alert's message wherever it concerns somebody.
func (h *Handlers) showAlert(ctx context.Context, team Team, a alert.Alert, now time.Time) error {
	for _, place := range h.concerned(team, a) {
		f := frame(cards.AlertOf(a, now), place, 0)
		f.Kind, f.Repost, f.Left, f.Final = bot.KindAlert, a.Repost, cards.AlertLeft(a), !a.Open()
		err := h.outbox.Want(ctx, fmt.Sprintf("%s%s/%d/%d", alarms, a.ID, place.Chat, place.Topic), f)
		if bad, ok := errors.AsType[*bot.FrameError](err); ok {
			h.log.ErrorContext(ctx, "an alert cannot be shown", "alert", a.ID, "chat", place.Chat, "error", bad)
			continue
		}
		if err != nil {
			return fmt.Errorf("post an alert: %w", err)
		}
	}
	return nil
}

// concerned are the places that hear of an alert: of a database those of its projects, of the account every chat, once.
func (h *Handlers) concerned(team Team, a alert.Alert) []bot.Place {
	var places []bot.Place
	for _, home := range team.Projects {
		if a.Subject.Kind == usage.Account {
			if !slices.ContainsFunc(places, func(p bot.Place) bool { return p.Chat == home.Place.Chat }) {
				places = append(places, home.Place)
			}
			continue
		}
		if slices.Contains(h.databasesOf(home.Project), a.Name) && !slices.Contains(places, home.Place) {
			places = append(places, home.Place)
		}
	}
	return places
}

// mute silences an alert for the span that the button names, from the moment of the press on, or ends that.
func (h *Handlers) mute(ctx context.Context, a ask, p bot.Press, action cards.Action) (string, error) {
	if r := gate.Needs(a.by, gate.Deployer, string(action.Verb)); r != nil {
		h.engine.TurnedAway(ctx, a.request(a.about()), string(action.Verb), r)
		return "", r
	}
	id := action.Arg(0)
	if h.alarm.store == nil || !strings.HasPrefix(p.Card, alarms+id+"/") {
		return "", release.Refuse(release.CodeStaleButton)
	}
	h.alarm.mu.Lock()
	defer h.alarm.mu.Unlock()
	all, err := h.alarm.store.Alerts(ctx)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(all, func(x alert.Alert) bool { return x.ID == id })
	if i < 0 || !all[i].Open() {
		return "", release.Refuse(release.CodeStaleButton)
	}
	until, toast := time.Time{}, cards.Loudly
	if action.Verb == cards.Mute {
		until = p.Received.Add(muteSpan(action.Arg(1))).Truncate(time.Minute)
		toast = cards.Silenced(until.In(a.team.zone()))
	}
	if err := h.engine.Heard(ctx, a.request(a.about()), strings.TrimSpace(fmt.Sprintf("%s %s %s", action.Verb, id, action.Arg(1)))); err != nil {
		return "", err
	}
	muted := all[i].Mute(until, a.by.Shown())
	if err := h.alarm.store.PutAlerts(ctx, []alert.Alert{muted}, nil); err != nil {
		return "", err
	}
	return toast, h.showAlert(ctx, a.team, muted, h.now())
}

// muteSpan is how long a button silences an alert.
func muteSpan(word string) time.Duration {
	if word == "1w" {
		return 7 * 24 * time.Hour
	}
	return 24 * time.Hour
}
