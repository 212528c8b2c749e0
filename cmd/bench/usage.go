package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"towline/bot"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/handlers"
	"towline/store"
	"towline/usage"
	"towline/usage/alert"
	"towline/usage/tariff"
)

// What a report is made from, and the aims, from the issue that asked for them.
const (
	usedDatabases = 50
	usedDays      = 2 * 365
	aimReport     = 500 * time.Millisecond
	aimReportMB   = 64 // above idle
	reportsAsked  = 7  // in one process, of which the first finds nothing in memory
)

// reported is what reports took on a store with years of samples.
type reported struct {
	Databases, Days int
	First           float64   // seconds, of the first report of a process
	Week, Month     []float64 // of those after it
	Idle, Peak      float64   // MB resident, before the first report and at the most

	hours, days int64   // bytes of one database's samples
	store       int64   // bytes of the file
	written     float64 // seconds to write it
}

// usages measures the weekly report, charts and all, on two years of hourly samples of fifty databases. Hours are kept for five weeks and
// then only their days, as the store does it.
func (r *report) usages(ctx context.Context, dir string) error {
	u := reported{Databases: usedDatabases, Days: usedDays}
	if r.settings.quick {
		u.Databases, u.Days = 4, 60
	}
	dir, err := folder(dir, "usage-")
	if err != nil {
		return err
	}
	began := time.Now()
	if u.hours, u.days, err = writeUsage(ctx, filepath.Join(dir, "towline.db"), u.Databases, u.Days); err != nil {
		return fmt.Errorf("write a store with samples: %w", err)
	}
	u.written = seconds(time.Since(began))
	info, err := os.Stat(filepath.Join(dir, "towline.db"))
	if err != nil {
		return err
	}
	u.store = info.Size()
	for range r.settings.runs {
		one := u
		if _, err := inChild(ctx, "usage", dir, &one); err != nil {
			return err
		}
		one.Days = u.Days // the child does not know
		r.reported = append(r.reported, one)
	}
	return nil
}

// usedUntil is the moment of the reports: a Monday, when they are due.
func usedUntil() time.Time { return time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC) }

// databaseName is that of a database: each project has two.
func databaseName(i int) string {
	if i%2 == 1 {
		return fmt.Sprintf("app%02d-preview", i/2)
	}
	return fmt.Sprintf("app%02d", i/2)
}

// writeUsage writes the samples of an account and its databases, and says how many bytes those of one database take.
func writeUsage(ctx context.Context, path string, databases, days int) (hours, perDays int64, err error) {
	s, err := store.Open(path, store.Options{NoSync: true})
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if err = errors.Join(err, s.Close()); err == nil {
			err = flush(path)
		}
	}()
	u, until := s.Usage(), usedUntil()
	state := usage.State{Datasets: map[usage.Dataset]usage.Standing{}, Databases: map[string]usage.Stored{}, Listed: until, Count: databases}
	for _, d := range usage.AllDatasets() {
		state.Datasets[d] = usage.Standing{Available: true, CountedTo: until}
	}
	subjects := []usage.Subject{usage.Whole()}
	for i := range databases {
		id := fmt.Sprintf("%08d-2222-3333-4444-555555555555", i)
		subjects = append(subjects, usage.Subject{Kind: usage.Database, ID: id})
		state.Databases[databaseName(i)] = usage.Stored{ID: id, Name: databaseName(i), Size: 2e8}
	}
	for i, subject := range subjects {
		if err := writeHours(ctx, u, subject, uint64(i), until.AddDate(0, 0, -days), until); err != nil { //nolint:gosec // a small number
			return 0, 0, err
		}
		if err := u.Prune(ctx, until.Add(-usage.HoursKept), until.Add(-usage.DaysKept)); err != nil {
			return 0, 0, err
		}
	}
	if err := u.PutState(ctx, state); err != nil {
		return 0, 0, err
	}
	sum := func(kind string) (n int64, err error) {
		err = s.View(ctx, func(tx store.Tx) error {
			n = 0
			for k, v := range tx.Scan("usage/"+kind+"/database/", "", 0, false) {
				n += int64(len(k) + len(v))
			}
			return nil
		})
		return n / int64(databases), err
	}
	if hours, err = sum("hours"); err != nil {
		return 0, 0, err
	}
	perDays, err = sum("days")
	return hours, perDays, err
}

// writeHours writes one subject's hours: weekdays, nights, growth and noise.
func writeHours(ctx context.Context, u store.Usage, s usage.Subject, seed uint64, from, until time.Time) error {
	random := rand.New(rand.NewPCG(seed, 9)) //nolint:gosec // noise
	for at := usage.Day(from); at.Before(until); at = at.AddDate(0, 0, usage.ChangeDays) {
		end := at.AddDate(0, 0, usage.ChangeDays)
		err := u.Change(ctx, s, at, end, nil, func([]usage.Sample) []usage.Sample {
			var all []usage.Sample
			for t := at; t.Before(end) && t.Before(until); t = t.Add(time.Hour) {
				v := 20_000 * (1 + t.Sub(from).Hours()/24/365) * (0.8 + 0.4*random.Float64())
				if t.Hour() < 7 {
					v /= 4
				}
				if t.Weekday() == time.Sunday || t.Weekday() == time.Saturday {
					v /= 2
				}
				one := usage.Sample{At: t, Hours: 1}
				for f, figure := range map[usage.Figure]float64{
					usage.RowsRead: v, usage.RowsWritten: v / 50, usage.ReadQueries: v / 20, usage.WriteQueries: v / 90, usage.Errors: float64(random.IntN(3)),
					usage.Storage: 1e8 + 2e5*t.Sub(from).Hours()/24,
				} {
					one.Set(f, float64(int64(figure)))
				}
				one.Set(usage.BatchP90, float64(random.IntN(90_000))/1000)
				all = append(all, one)
			}
			return all
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// nowhere is a D1 that has no databases: what a report asks of it is no part of the measurement.
type nowhere struct{ deploy.Databases }

// Find implements [deploy.Databases].
func (nowhere) Find(context.Context, string) (deploy.Database, error) {
	return deploy.Database{}, deploy.ErrNoDatabase
}

// reportUsage is a process that has a store with samples and is asked for reports, over the handlers of the chat.
func reportUsage(ctx context.Context, dir string) (found any, err error) {
	s, err := store.Open(filepath.Join(dir, "towline.db"), store.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	state, err := s.Usage().State(ctx)
	if err != nil {
		return nil, err
	}
	var projects []deploy.Project
	table, err := tariff.Of(tariff.Paid, nil, nil)
	if err != nil {
		return nil, err
	}
	dana := gate.Actor{Person: release.Person{ID: deployer, Name: "Dana"}, Role: gate.Deployer}
	team := handlers.Team{People: []gate.Actor{dana}, Alerts: alert.Rules{Table: table}}
	for i := 0; i < len(state.Databases); i += 2 {
		name := databaseName(i)
		projects = append(projects, deploy.Project{Name: name, Production: name, Preview: databaseName(i + 1)})
		team.Projects = append(team.Projects, handlers.Home{Project: name, Place: bot.Place{Chat: group}})
	}
	now := func() time.Time { return usedUntil() }
	engine := deploy.New(deploy.Options{
		Store: s.Deploy(), Blobs: s, Databases: nowhere{}, Now: now, Projects: func() []deploy.Project { return projects }, People: func() []gate.Actor { return team.People },
	})
	outbox := &recorder{}
	h := handlers.New(handlers.Options{
		Engine: engine, Outbox: outbox, Now: now, Team: func(context.Context) handlers.Team { return team }, Usage: usage.New(usage.Options{Store: s.Usage(), Now: now}),
	})
	out := reported{Databases: len(state.Databases)}
	return askUsage(ctx, h, outbox, out)
}

// askUsage asks for reports, and weighs this process before the first and at the most.
func askUsage(ctx context.Context, h *handlers.Handlers, outbox *recorder, out reported) (reported, error) {
	runtime.GC()
	debug.FreeOSMemory()
	idle, err := memoryOf("self")
	if err != nil {
		return out, err
	}
	for i := range 2 * reportsAsked {
		words := []string{"usage", "week"}
		if i%2 == 1 {
			words[1] = "month"
		}
		outbox.wanted = bot.Frame{}
		began := time.Now()
		err := h.Command(ctx, bot.Command{
			UpdateID: int64(i + 1), Name: "usage", Args: words[1:], Text: "/" + strings.Join(words, " "),
			Place: bot.Place{Chat: group}, Message: 1, From: bot.Person{ID: deployer, Name: "Dana"}, Sent: usedUntil(), Received: usedUntil(),
		})
		took := seconds(time.Since(began))
		if err != nil || outbox.wanted.Photo == nil {
			return out, fmt.Errorf("/usage was answered by %q: %w", outbox.wanted.HTML, err)
		}
		switch {
		case i == 0:
			out.First = took
		case i%2 == 1:
			out.Month = append(out.Month, took)
		default:
			out.Week = append(out.Week, took)
		}
	}
	most, err := memoryOf("self")
	out.Idle, out.Peak = idle.resident*1024/1e6, most.peak*1024/1e6
	return out, err
}

// reporting are the lines about reports of use.
func (r *report) reporting() []figure {
	if len(r.reported) == 0 {
		return nil
	}
	u := r.reported[0]
	name := fmt.Sprintf("report of %d databases, %d days", u.Databases, u.Days)
	var week, month samples
	for _, one := range r.reported {
		week, month = append(week, one.Week...), append(month, one.Month...)
	}
	first, above := take(r.reported, func(u reported) float64 { return u.First }), take(r.reported, func(u reported) float64 { return u.Peak - u.Idle })
	limit := aimReport.Seconds()
	return []figure{
		{name + ", the first", first.say("%.0f", 1000, "ms"), "under 500 ms", first.median() < limit, "of a process that has just started: /usage until its picture and its words are wanted of the outbox"},
		{name, week.say("%.0f", 1000, "ms"), "under 500 ms", week.median() < limit, "a week, those after it; a month " + month.say("%.0f", 1000, "ms")},
		{name + ", memory", above.say("%.1f", 1, "MB"), "under 64 MB", above.median() < aimReportMB, fmt.Sprintf("the most that was resident above idle, over %d reports; pages of the store included", 2*reportsAsked)},
		{"samples of one database", fmt.Sprintf("%.1f KB", float64(u.days)/1e3*365/float64(u.Days)), "", false, fmt.Sprintf("for each year, as days; and once %.1f KB, as the hours of five weeks. The file has %.1f MB", float64(u.hours)/1e3, float64(u.store)/1e6)},
	}
}
