package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"towline/bot"
	"towline/cloudflare"
	"towline/config"
	"towline/deploy/release"
	"towline/store"
)

func serveCommand() subcommand {
	return subcommand{
		name: "serve", args: "-config config.yaml", does: "Run the bot. SIGHUP reads the config again; ctrl-C stops.",
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			path := f.String("config", "config.yaml", "the config file")
			verbose := f.Bool("v", false, "log every request")
			return func(ctx context.Context, p program, args []string) error {
				if err := onlyFlags(args); err != nil {
					return err
				}
				return serve(ctx, p, *path, *verbose)
			}
		},
	}
}

// serve runs the bot until it is told to stop.
func serve(ctx context.Context, p program, path string, verbose bool) error {
	c, err := loadConfig(p, path)
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	log := loggerTo(p, level, c.Secrets())
	free, err := claimBot(c)
	if err != nil {
		return err
	}
	defer free()
	w, err := wire(c, p.getenv)
	if err != nil {
		return err
	}
	d1, err := databasesOf(c, log)
	if err != nil {
		return &exitError{code: exitRefused, text: err.Error()}
	}
	copies, err := copiesIn(c, log)
	if err != nil {
		return err
	}
	s, closeStore, err := storeOf(c, log)
	if err != nil {
		return err
	}
	defer closeStore()
	programs, err := adminAt(ctx, c.Admin.Listen)
	if err != nil {
		return err
	}
	if programs != nil {
		defer programs.Close() //nolint:errcheck // it is closed already where the service ran
	}
	file := &configFile{program: p, path: path, first: c}
	service, err := newService(parts{
		wiring: w, store: s, databases: d1, bot: botOptions(c), now: time.Now, log: log, stop: c.StopTimeout, file: file,
		backups: copies, drills: c.Backups.Schedule, free: c.Cloudflare.Plan == "free", paid: c.Cloudflare.PlanSaid && c.Cloudflare.Plan == "paid", scratch: copiesOf(c.Store.Path),
		spread: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		admin:  programs,
	})
	if err != nil {
		return &exitError{code: exitRefused, text: err.Error()}
	}
	if err := service.engine.ConfigRead(ctx, release.Person{}, c.Digest(), nil); err != nil {
		return err
	}
	stopAnswering, err := service.answerLines(s, time.Now)
	if err != nil {
		return err
	}
	defer stopAnswering()
	defer service.reloadOnHangup(ctx, file)()
	defer context.AfterFunc(ctx, func() {
		log.Info("stopping; what has begun is waited for, and a second ctrl-C or SIGTERM ends it at once", "most", c.StopTimeout)
	})()
	log.Info("towline serves", "projects", len(c.Projects), "people", len(c.People), "store", c.Store.Path, "webhook", c.Telegram.Webhook != nil)
	return stopped(service.run(ctx))
}

// storeOf opens the store of a config, as its only process.
func storeOf(c *config.Config, log *slog.Logger) (s *store.Store, closeIt func(), err error) {
	s, err = store.Open(c.Store.Path, store.Options{})
	if b, held := errors.AsType[*store.BusyError](err); held {
		return nil, nil, busy(b)
	}
	if err != nil {
		return nil, nil, err
	}
	if moved := s.Moved(); moved.From != 0 {
		log.Warn("the store was moved forward to this version's format", "from", moved.From, "as it was before", moved.Backup)
	}
	return s, func() {
		if err := s.Close(); err != nil {
			log.Error("close the store", "error", err)
		}
	}, nil
}

// stopped says what to do about what ended the service.
func stopped(err error) error {
	switch {
	case errors.Is(err, bot.ErrConflict):
		return &exitError{code: exitUnknown, text: "another process polls Telegram with this bot token, so this one stopped. Stop the other one, or give each its own bot."}
	case errors.Is(err, bot.ErrUnauthorized):
		return &exitError{code: exitRefused, text: "Telegram does not know this bot token. Copy it again from @BotFather into telegram.token."}
	}
	return err
}

// copiesOf is the folder of the copies of databases that releases are rehearsed on, beside the store.
func copiesOf(store string) string { return store + ".copies" }

func databasesOf(c *config.Config, log *slog.Logger) (*cloudflare.D1, error) {
	return cloudflare.New(cloudflare.Options{
		AccountID: c.Cloudflare.AccountID, Token: c.Cloudflare.APIToken.Reveal(), APIURL: c.Cloudflare.APIURL, Logger: log,
	})
}

func botOptions(c *config.Config) bot.Options {
	o := bot.Options{Token: c.Telegram.Token.Reveal(), APIURL: c.Telegram.APIURL}
	if w := c.Telegram.Webhook; w != nil {
		o.Webhook = &bot.Webhook{URL: w.URL, Listen: w.Listen, Secret: w.Secret.Reveal()}
	}
	return o
}

// loadConfig reads the config and prints its warnings. Its errors are already printed, all of them.
func loadConfig(p program, path string) (*config.Config, error) {
	c, warnings, err := config.Load(path, p.getenv)
	for _, w := range warnings {
		fmt.Fprintf(p.stderr, "towline: warning: %v\n", w)
	}
	if err != nil {
		fmt.Fprintln(p.stderr, err)
		return nil, &exitError{code: exitRefused}
	}
	return c, nil
}
