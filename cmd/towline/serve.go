package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"towline/bot"
	"towline/cloudflare"
	"towline/config"
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
	w, err := wire(c, p.getenv)
	if err != nil {
		return err
	}
	d1, err := databasesOf(c, log)
	if err != nil {
		return &exitError{code: exitRefused, text: err.Error()}
	}
	s, err := store.Open(c.Store.Path, store.Options{})
	if b, held := errors.AsType[*store.BusyError](err); held {
		return busy(b)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err := s.Close(); err != nil {
			log.Error("close the store", "error", err)
		}
	}()
	service, err := newService(parts{wiring: w, store: s, databases: d1, bot: botOptions(c), now: time.Now, log: log, stop: c.StopTimeout})
	if err != nil {
		return &exitError{code: exitRefused, text: err.Error()}
	}
	stopReloading := service.reloadOnHangup(ctx, p, path, c)
	defer stopReloading()
	log.Info("towline serves", "projects", len(c.Projects), "people", len(c.People), "store", c.Store.Path, "webhook", c.Telegram.Webhook != nil)
	return stopped(service.run(ctx))
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

// reloadOnHangup reads the config again on every SIGHUP, all or nothing: a bad file keeps the old one.
func (s *service) reloadOnHangup(ctx context.Context, p program, path string, first *config.Config) (stop func()) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangup:
				s.reload(p, path, first)
			}
		}
	}()
	return func() {
		signal.Stop(hangup)
		cancel()
		<-done
	}
}

func (s *service) reload(p program, path string, first *config.Config) {
	c, err := loadConfig(p, path)
	if err != nil {
		s.log.Error("the config was not reloaded; the old one stays", "path", path)
		return
	}
	w, err := wire(c, p.getenv)
	if err != nil {
		s.log.Error("the config was not reloaded; the old one stays", "path", path, "error", err)
		return
	}
	if c.Telegram.Token != first.Telegram.Token || c.Cloudflare != first.Cloudflare || c.Store != first.Store {
		s.log.Warn("telegram, cloudflare and store are read at start only; restart for those")
	}
	s.wiring.Store(w)
	s.log.Info("the config was reloaded", "projects", len(c.Projects), "people", len(c.People))
}
