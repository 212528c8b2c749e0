package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"towline/config"
	"towline/control"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/store"
	"towline/usage"
)

// place is where a command finds the store: in the config, or by its path alone, for a shell that lacks the service's
// secrets.
type place struct{ config, store string }

func (w *place) flags(f *flag.FlagSet) {
	f.StringVar(&w.config, "config", "config.yaml", "the config file, which says where the store is")
	f.StringVar(&w.store, "store", "", "the store's file, instead of -config: a running bot answers without one")
}

// find returns the store's path, and the config unless the path was given.
func (w place) find(p program) (path string, c *config.Config, err error) {
	if w.store != "" {
		path, err = filepath.Abs(w.store)
		return path, nil, err
	}
	c, _, err = config.Load(w.config, p.getenv) // check and serve print the warnings
	if err != nil {
		fmt.Fprintln(p.stderr, err)
		return "", nil, &exitError{code: exitUnknown, text: "the config says where the store is, and could not be read. With -store FILE a running bot answers without it."}
	}
	return c.Store.Path, c, nil
}

// atDesk does something with whoever answers for the store: the running bot, or, where none runs, this process. chat: it
// takes the chat's commands, which need the config.
func (w place) atDesk(ctx context.Context, p program, chat bool, do func(control.Desk) error) error {
	path, c, err := w.find(p)
	if err != nil {
		return err
	}
	client, err := control.Connect(ctx, path)
	switch {
	case err == nil:
		return do(client)
	case errors.Is(err, fs.ErrPermission):
		return &exitError{code: exitUnknown, text: fmt.Sprintf("%v\nRun this as the user who runs the bot, or as root.", err)}
	case !errors.Is(err, control.ErrNobody):
		return &exitError{code: exitUnknown, text: err.Error()}
	case chat && c == nil:
		return &exitError{code: exitUnknown, text: fmt.Sprintf("no bot runs on %s, and without one this command needs the config: give it -config", path)}
	}
	return alone(p, path, c, chat, do)
}

// alone opens the store in this process.
func alone(p program, path string, c *config.Config, chat bool, do func(control.Desk) error) (err error) {
	s, err := openThere(p, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	d := &desk{store: s, now: time.Now, usage: usage.New(usage.Options{Store: s.Usage(), Now: time.Now})}
	if chat {
		if d, err = withoutTelegram(p, s, c); err != nil {
			return err
		}
	}
	return do(d)
}

// openThere opens a store that is there: a mistyped path is no reason to make an empty one.
func openThere(p program, path string) (*store.Store, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, &exitError{code: exitUnknown, text: fmt.Sprintf("there is no store %s; `towline serve` makes it when it starts", path)}
	}
	s, err := store.Open(path, store.Options{})
	if held, ok := errors.AsType[*store.BusyError](err); ok {
		return nil, &exitError{code: exitUnknown, text: fmt.Sprintf("%v\nIt does not answer on %s: another command, or a bot that is just starting or stopping. Try again in a moment.", held, control.SocketPath(path))}
	}
	if err != nil {
		return nil, &exitError{code: exitUnknown, text: err.Error()}
	}
	if moved := s.Moved(); moved.From != 0 {
		fmt.Fprintf(p.stderr, "towline: the store was of format %d and was moved forward; %s is as it was before\n", moved.From, moved.Backup)
	}
	return s, nil
}

// withoutTelegram makes the engine and the handlers of a config, which post nothing: what they want is stored, and so is
// what they start.
func withoutTelegram(p program, s *store.Store, c *config.Config) (*desk, error) {
	log := loggerTo(p, slog.LevelWarn, c.Secrets())
	w, err := wire(c, p.getenv)
	if err != nil {
		return nil, err
	}
	d1, err := databasesOf(c, log)
	if err != nil {
		return nil, &exitError{code: exitRefused, text: err.Error()}
	}
	copies, err := copiesIn(c, log)
	if err != nil {
		return nil, err
	}
	service, err := newService(parts{
		wiring: w, store: s, databases: d1, backups: copies, bot: botOptions(c), now: time.Now, log: log, free: c.Cloudflare.Plan == "free", paid: c.Cloudflare.PlanSaid && c.Cloudflare.Plan == "paid", scratch: copiesOf(c.Store.Path),
	})
	if err != nil {
		return nil, &exitError{code: exitRefused, text: err.Error()}
	}
	d := service.desk(s, time.Now)
	d.bot = false
	return d, nil
}

// desk is who answers the command line for this service.
func (s *service) desk(st *store.Store, now func() time.Time) *desk {
	return &desk{
		store: st, now: now, bot: true, line: s.chat.Line, usage: s.usage,
		projects: func() []deploy.Project { return s.wiring.Load().projects },
		people:   func(ctx context.Context) []gate.Actor { return s.team(ctx).People },
	}
}

// me is the operating system's user.
func me() string {
	u, err := user.Current()
	if err != nil || u.Username == "" {
		return fmt.Sprintf("user %d", os.Getuid())
	}
	return u.Username
}
