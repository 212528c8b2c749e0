package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/delivery"
	"towline/deploy/gate"
	"towline/deploy/queries"
	"towline/deploy/release"
	"towline/usage"
	"towline/usage/alert"
	"towline/usage/chart"
	"towline/usage/report"
)

// Reported is what reports ask of package deploy.
type Reported interface {
	Week(ctx context.Context, project string, since, until time.Time) (delivery.Week, error)
	Shipped(ctx context.Context, project string, since, until time.Time) ([]delivery.Shipped, error)
	TopQueries(ctx context.Context, project string, from, to time.Time, limit int) ([]queries.Count, error)
}

// month is what /usage month looks back on.
const month = 30 * 24 * time.Hour

func usageCommand() command {
	help := cards.Help{
		Name: "usage", Args: "[project] [week | month]", Does: "What the databases and Workers used, against the limits, and how it goes on", Role: gate.Viewer.String(),
		Examples: []string{"/usage", "/usage month", "/usage shop week"},
	}
	return command{
		help: help, needs: gate.Viewer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			if len(a.projects()) == 0 {
				return nil, release.Refuse(release.CodeWrongChat)
			}
			project, err := a.firstWord()
			if err != nil {
				return nil, err
			}
			rest := a.args
			if project != "" {
				rest = rest[1:]
			}
			q := question{project: project, projects: a.projects(), place: a.place, span: cards.Week, until: wholeSecond(h.now().In(a.team.zone()))}
			switch {
			case len(rest) == 0 || len(rest) == 1 && strings.EqualFold(rest[0], string(cards.Week)):
				q.since = q.until.AddDate(0, 0, -7)
			case len(rest) == 1 && strings.EqualFold(rest[0], string(cards.Month)):
				q.span, q.since = cards.Month, q.until.Add(-month)
			case project == "" && len(rest) <= 2:
				return nil, release.Refuse(release.CodeUnknownProject, "project", rest[0]).Listing(a.projects()...)
			default:
				return nil, release.Refuse(release.CodeUsage, "usage", help.Usage())
			}
			return h.answerUsage(ctx, a, q)
		},
	}
}

// wholeSecond is the end of the second that t is in: buttons keep a report's moments in seconds, and what was just done belongs to it.
func wholeSecond(t time.Time) time.Time {
	if s := t.Truncate(time.Second); !s.Equal(t) {
		return s.Add(time.Second)
	}
	return t
}

// question is which report is wanted.
type question struct {
	project      string   // the one that it is about; empty: the account
	projects     []string // those of the chat
	place        bot.Place
	span         cards.Span
	since, until time.Time
}

// about are the projects whose databases, releases and queries are in it.
func (q question) about() []string {
	if q.project != "" {
		return []string{q.project}
	}
	return q.projects
}

// answerUsage answers with a picture, or in words: on the command line, and where there is nothing to draw.
func (h *Handlers) answerUsage(ctx context.Context, a ask, q question) (*cards.Card, error) {
	u, err := h.used(ctx, a.team, q, true)
	if err != nil {
		return nil, err
	}
	if a.terminal {
		all := cards.UsageWords(u)
		card := cards.Joined(all...)
		return &card, nil
	}
	f, ok := h.pictured(ctx, a.team, u)
	if !ok {
		card := cards.UsageWithout(u)
		return &card, nil
	}
	f.Place, f.ReplyTo, f.Final = a.place, a.message, true
	return nil, h.outbox.Want(ctx, replies+a.key, f)
}

// pictured is the frame of a report with its picture; false: nothing is known, or it could not be drawn.
func (h *Handlers) pictured(ctx context.Context, team Team, u cards.Usage) (bot.Frame, bool) {
	if !u.Counted() {
		return bot.Frame{}, false
	}
	caption, _ := cards.UsageCaption(u)
	f, err := drawn(u, cards.ShowAll, team.theme(), caption)
	if err != nil {
		h.log.ErrorContext(ctx, "a chart could not be drawn", "error", err)
		return f, false
	}
	return f, true
}

// drawn is a report's frame with one of its pictures.
func drawn(u cards.Usage, show cards.Show, theme chart.Theme, caption string) (bot.Frame, error) {
	png, err := chart.PNG(cards.UsagePicture(u, show), theme)
	if err != nil {
		return bot.Frame{}, fmt.Errorf("draw a report: %w", err)
	}
	f := frame(cards.Card{HTML: caption, Buttons: cards.UsageButtons(u, show, theme, caption)}, bot.Place{}, 0)
	f.Photo = &bot.Photo{Name: "usage.png", Content: png}
	return f, nil
}

// theme is how the team's charts are drawn.
func (t Team) theme() chart.Theme {
	if t.Charts == chart.Dark {
		return chart.Dark
	}
	return chart.Light
}

// used gathers everything that a report says. Without words it is what the charts need, which is all in the store.
func (h *Handlers) used(ctx context.Context, team Team, q question, words bool) (cards.Usage, error) {
	u := cards.Usage{Span: q.span, Project: q.project, Counting: h.alarm.use != nil}
	u.Report.From, u.Report.To, u.Report.Now = q.since, q.until, q.until
	for _, p := range q.about() {
		shipped, err := h.engine.Shipped(ctx, p, q.until.Add(-report.Back), q.until)
		if err != nil {
			return u, err
		}
		for _, s := range shipped {
			u.Changes = append(u.Changes, report.Change{Project: p, Release: s.Release, At: s.At, Back: s.Kind == release.Rollback})
		}
	}
	if words {
		var err error
		if u.Weeks, err = h.weeks(ctx, q.about(), q.since, q.until); err != nil {
			return u, err
		}
	}
	if h.alarm.use == nil {
		return u, nil
	}
	var err error
	if u.State, err = h.alarm.use.State(ctx); err != nil {
		return u, fmt.Errorf("read how far use is counted: %w", err)
	}
	in := report.Input{From: q.since, To: q.until, Now: q.until, Tariff: team.Alerts.Table, BillingDay: team.Alerts.BillingDay, Whole: q.project == "", Changes: u.Changes}
	if in.Account, err = h.series(ctx, usage.Whole(), "", q); err != nil {
		return u, err
	}
	if in.Series, err = h.all(ctx, q); err != nil {
		return u, err
	}
	u.Report = report.Build(in)
	if words {
		if u.Alerts, err = h.standing(ctx, in.Series); err != nil {
			return u, err
		}
		h.asked(ctx, &u, q)
		h.unused(ctx, team, &u, q)
	}
	return u, nil
}

// all are the series of the projects' databases and Workers, each once: projects may share a preview.
func (h *Handlers) all(ctx context.Context, q question) ([]report.Series, error) {
	var out []report.Series
	add := func(s usage.Subject, name, project string, production bool) error {
		if slices.ContainsFunc(out, func(o report.Series) bool { return o.Subject == s }) {
			return nil
		}
		one, err := h.series(ctx, s, name, q)
		one.Project, one.Production = project, production
		out = append(out, one)
		return err
	}
	for _, name := range q.about() {
		p, ok := h.engine.Project(name)
		if !ok {
			continue
		}
		for _, database := range []string{p.Production, p.Preview} {
			if s, ok := h.alarm.use.Subject(database); ok {
				if err := add(s, database, name, database == p.Production); err != nil {
					return nil, err
				}
			}
		}
		for _, worker := range p.Workers {
			if err := add(usage.Subject{Kind: usage.Worker, ID: worker}, worker, name, false); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// standing are the alerts that are open: the account's, and those of the report's databases and Workers.
func (h *Handlers) standing(ctx context.Context, about []report.Series) ([]alert.Alert, error) {
	if h.alarm.store == nil {
		return nil, nil
	}
	all, err := h.alarm.store.Alerts(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the alerts: %w", err)
	}
	return slices.DeleteFunc(all, func(a alert.Alert) bool {
		ours := a.Subject.Kind == usage.Account || slices.ContainsFunc(about, func(s report.Series) bool { return s.Subject == a.Subject })
		return !a.Open() || !ours || !a.Shown && !a.Clear.IsZero() // what nobody heard of is over without a word
	}), nil
}

// hoursBack is how many hours before the stretch are read: as many as it has itself, up to a bit more than two weeks.
const hoursBack = 16 * 24 * time.Hour

// series reads one subject's samples.
func (h *Handlers) series(ctx context.Context, s usage.Subject, name string, q question) (report.Series, error) {
	out := report.Series{Subject: s, Name: name}
	var err error
	if out.Days, err = h.alarm.use.Days(ctx, s, usage.Day(q.until.Add(-report.Back)), q.until); err != nil {
		return out, fmt.Errorf("read what was used a day: %w", err)
	}
	if err := h.cutDay(ctx, &out, q.until); err != nil {
		return out, err
	}
	from, until := usage.Hour(q.since), usage.Day(q.since).Add(24*time.Hour) // of the first day, which may be in the stretch in part
	if q.until.Sub(q.since) < hoursBack {
		from, until = usage.Hour(q.since.Add(-hoursBack)), q.until
	}
	if out.Hours, err = h.alarm.use.Hours(ctx, s, from, until); err != nil {
		return out, fmt.Errorf("read what was used an hour: %w", err)
	}
	return out, nil
}

// cutDay ends the last day where the report ends: made again a week later, it would have what came after it.
func (h *Handlers) cutDay(ctx context.Context, s *report.Series, until time.Time) error {
	day, n := usage.Day(until), len(s.Days)
	if n == 0 || !s.Days[n-1].At.Equal(day) {
		return nil
	}
	hours, err := h.alarm.use.Hours(ctx, s.Subject, day, until)
	if err != nil {
		return fmt.Errorf("read what was used an hour: %w", err)
	}
	if len(hours) > 0 { // else they are not kept any more
		s.Days[n-1] = usage.RollUp(day, hours)
	}
	return nil
}

// unused adds the previews that nobody uses. What cannot be asked is left out: /preview list says why.
func (h *Handlers) unused(ctx context.Context, team Team, u *cards.Usage, q question) {
	list, err := h.engine.StalePreviews(ctx)
	if err != nil {
		h.log.WarnContext(ctx, "the previews that nobody uses are not known", "error", err)
		return
	}
	for _, p := range list {
		if contains(q.about(), p.Project) || q.project == "" && team.previewPlace(p) == q.place {
			u.Previews = append(u.Previews, p)
		}
	}
}

// topQueries is how many of the costliest queries a report has of one project.
const topQueries = 3

// asked adds the queries that read most. Where there is no production yet, or nobody counts queries, there are none.
func (h *Handlers) asked(ctx context.Context, u *cards.Usage, q question) {
	for _, p := range q.about() {
		list, err := h.engine.TopQueries(ctx, p, q.since, q.until, topQueries)
		switch {
		case errors.Is(err, deploy.ErrNoDatabase):
			u.NoProduction = append(u.NoProduction, p)
			continue
		case errors.Is(err, deploy.ErrUncounted):
			continue
		case err != nil:
			if u.NoTop == nil {
				u.NoTop = map[string]error{}
			}
			u.NoTop[p] = err
			h.log.WarnContext(ctx, "a project's queries are not known", "project", p, "error", err)
			continue
		}
		for _, c := range list {
			u.Top = append(u.Top, cards.Asked{Project: p, Count: c})
		}
	}
	slices.SortStableFunc(u.Top, func(a, b cards.Asked) int { return cmp.Compare(b.RowsRead, a.RowsRead) })
}

// chartPress shows another chart of a report, in the place of the one before, below the same words.
func (h *Handlers) chartPress(ctx context.Context, a ask, p bot.Press, action cards.Action) (string, error) {
	q, err := h.pressed(a, action)
	if err != nil {
		return "", err
	}
	u, err := h.used(ctx, a.team, q, false)
	if err != nil {
		return "", err
	}
	show, theme, caption := cards.Show(action.Arg(4)), chart.Theme(action.Arg(5)), action.Arg(6)
	if !u.Counted() || caption == "" || !slices.Contains([]cards.Show{cards.ShowAll, cards.ShowRead, cards.ShowWritten, cards.ShowStorage}, show) {
		return "", release.Refuse(release.CodeStaleButton)
	}
	f, err := drawn(u, show, theme, caption)
	if err != nil {
		return "", err
	}
	f.Place, f.Final = p.Place, true
	return cards.Fresh, h.outbox.Want(ctx, p.Card, f)
}

// wordsPress posts a report in words, as answers to its picture. A second press is the same messages.
func (h *Handlers) wordsPress(ctx context.Context, a ask, p bot.Press, action cards.Action) (string, error) {
	q, err := h.pressed(a, action)
	if err != nil {
		return "", err
	}
	u, err := h.used(ctx, a.team, q, true)
	if err != nil {
		return "", err
	}
	return cards.UsagePosted, h.postWords(ctx, u, p.Card, p.Place, p.Message, bot.KindAnswer)
}

// postWords posts a report in words, below the card of its picture.
func (h *Handlers) postWords(ctx context.Context, u cards.Usage, card string, place bot.Place, replyTo int, kind bot.Kind) error {
	for i, c := range cards.UsageWords(u) {
		f := frame(c, place, replyTo)
		f.Final, f.Kind = true, kind
		if err := h.want(ctx, fmt.Sprintf("%s/words/%d", card, i+1), f); err != nil {
			return err
		}
	}
	return nil
}

// pressed is the report that a button belongs to, for somebody in the chat that it was made for.
func (h *Handlers) pressed(a ask, action cards.Action) (question, error) {
	q := question{project: action.Arg(0), span: cards.Span(action.Arg(1)), projects: a.team.at(a.place), place: a.place}
	if len(q.projects) == 0 {
		q.projects = a.projects()
	}
	if q.project != "" && !a.pressable(q.project) {
		return q, release.Refuse(release.CodeWrongChat, "project", q.project)
	}
	if len(q.projects) == 0 {
		return q, release.Refuse(release.CodeWrongChat)
	}
	since, err1 := strconv.ParseInt(action.Arg(2), 10, 64)
	until, err2 := strconv.ParseInt(action.Arg(3), 10, 64)
	if err1 != nil || err2 != nil || until <= since || until-since > int64(366*24*time.Hour/time.Second) {
		return q, release.Refuse(release.CodeStaleButton)
	}
	q.since, q.until = time.Unix(since, 0).In(a.team.zone()), time.Unix(until, 0).In(a.team.zone())
	return q, nil
}

// at are the projects of exactly that place.
func (t Team) at(place bot.Place) []string {
	var out []string
	for _, h := range t.Projects {
		if h.Place == place {
			out = append(out, h.Project)
		}
	}
	return out
}
