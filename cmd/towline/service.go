package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"towline/bot"
	"towline/cards"
	"towline/cloudflare"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/handlers"
	"towline/source"
	"towline/store"
	"towline/usage"
)

// service is the bot at work: what serve and demo both are.
type service struct {
	wiring atomic.Pointer[wiring]
	bot    *bot.Bot
	engine *deploy.Engine
	chat   *handlers.Handlers
	usage  *usage.Sampler
	// figures are what programs read, on the listener admin where there is one.
	figures *figures
	admin   net.Listener
	cursor  handlers.Cursor
	log     *slog.Logger
}

// parts are what a service is made of.
type parts struct {
	wiring    *wiring
	store     *store.Store
	databases account
	backups   deploy.Backups // nil: none are taken
	drills    deploy.Schedule
	free      bool          // the account is on Cloudflare's free plan
	paid      bool          // the config says that it is on the paid one
	scratch   string        // a folder for copies of databases; empty: none are made
	counting  time.Duration // how often use is counted; 0: each hour
	spread    *rand.Rand    // when in an hour; nil: always at the same minute
	bot       bot.Options
	now       func() time.Time
	log       *slog.Logger
	patience  time.Duration // 0: the engine's own
	stop      time.Duration // how long a stop may wait; 0: the rooms' own
	file      *configFile   // what /reload reads again; nil: nothing
	admin     net.Listener  // where programs read figures; nil: nowhere
}

// account is Cloudflare as the engine uses it.
type account interface {
	deploy.Databases
	deploy.Exports
	deploy.Analytics
	deploy.QueryCounts
	deploy.TrafficCounts
	usage.Source
	// Stats are the calls that were made.
	Stats() cloudflare.CallStats
}

// late lets the bot be made before the handlers that post through it.
type late struct{ bot.Handler }

func newService(p parts) (*service, error) {
	s := &service{cursor: p.store.Deploy(), log: p.log, admin: p.admin}
	s.wiring.Store(p.wiring)
	s.figures = newFigures(s, p.databases, p.now)
	s.usage = usage.New(usage.Options{
		Store: p.store.Usage(), Source: p.databases, Now: p.now, Log: p.log, Every: p.counting, Rand: p.spread,
		Watch: s.watched,
		Calls: func() (int, bool) { return p.databases.Stats().Busiest, true },
		Wake:  func() <-chan struct{} { return s.engine.Changed() },
	})
	s.engine = deploy.New(deploy.Options{
		Store: p.store.Deploy(), Blobs: p.store, Databases: p.databases, Now: p.now, Logger: p.log, Patience: p.patience,
		Projects: func() []deploy.Project { return s.wiring.Load().projects }, StopTimeout: p.stop,
		People:  func() []gate.Actor { return s.wiring.Load().team.People },
		Exports: p.databases, Analytics: p.databases, Queries: p.databases, Traffic: p.databases,
		Backups: p.backups, Drills: p.drills, Free: p.free, Paid: p.paid, Scratch: p.scratch,
		Refused: s.figures.refused,
		Uses:    s.usage, StalePreviews: func() time.Duration { return s.wiring.Load().stale() },
	})
	o := p.bot
	if p.stop > 0 {
		o.StopTimeout = p.stop
	}
	o.Menu, o.Now, o.Log = handlers.Menu(), p.now, p.log
	o.UnknownPress = bot.Toast{Text: cards.UnknownPress, Alert: true}
	o.ExpiredPress = bot.Toast{Text: cards.ExpiredPress, Alert: true}
	o.OlderPress = bot.Toast{Text: cards.OlderPress, Alert: true}
	o.NotYoursPress = bot.Toast{Text: cards.OthersPress, Alert: true}
	o.SlowPress = bot.Toast{Text: cards.SlowPress}
	o.Failure = cards.Failure
	door := &late{}
	var err error
	if s.bot, err = bot.New(o, p.store.Bot(), door); err != nil {
		return nil, err
	}
	chat := handlers.Options{
		Engine: s.engine, Outbox: s.bot.Outbox(), Members: s.bot, Team: s.team, Compare: source.CompareURL, Now: p.now, Log: p.log,
		Usage: s.usage, AlertStore: p.store.Usage(),
	}
	if p.file != nil {
		chat.Reload = func(ctx context.Context, by release.Person) (handlers.Reloaded, error) {
			return p.file.reload(ctx, s, by)
		}
	}
	s.chat = handlers.New(chat)
	door.Handler = s.chat
	return s, nil
}

// watched is whose use is counted: what the config names, and the previews that are left over from before.
func (s *service) watched() usage.Watched {
	w := s.wiring.Load().watched
	names, err := s.engine.LeftOver(context.Background())
	if err != nil {
		s.log.Warn("which previews are left over could not be read, so that their use is not counted", "error", err)
		return w
	}
	w.Databases = append(slices.Clone(w.Databases), names...)
	return w
}

// team is who may do what now, with what is lent to them, and with the ids that migrated groups have today.
func (s *service) team(ctx context.Context) handlers.Team {
	t := s.wiring.Load().team
	if people, err := s.engine.People(ctx); err != nil {
		if ctx.Err() == nil { // else it is being stopped
			s.log.WarnContext(ctx, "what people lent each other cannot be read, and does not count", "error", err)
		}
	} else {
		t.People = make([]gate.Actor, len(people))
		for i, p := range people {
			t.People[i] = p.Actor
		}
	}
	homes := make([]handlers.Home, len(t.Projects))
	for i, h := range t.Projects {
		h.Place.Chat = s.bot.Chat(h.Place.Chat)
		homes[i] = h
	}
	t.Projects = homes
	return t
}

// run works until ctx ends or a part of it cannot go on. It returns when every part has stopped.
func (s *service) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		errs  []error
	)
	part := func(name string, work func(context.Context) error) {
		group.Go(func() {
			defer cancel()
			if err := work(ctx); err != nil && !errors.Is(err, context.Canceled) {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	part("engine", s.engine.Run)
	part("cards", func(ctx context.Context) error { return s.chat.Project(ctx, s.cursor) })
	part("reports", func(ctx context.Context) error { return s.chat.Report(ctx, s.cursor) })
	part("usage", s.usage.Run)
	part("alerts", s.chat.Alerts)
	if s.admin != nil {
		part("figures", s.figures.follow)
		part("admin", s.administer)
	}
	part("bot", s.bot.Run)
	group.Wait()
	return errors.Join(errs...)
}
