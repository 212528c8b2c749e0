package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime/debug"
	"time"

	"towline/config"
	"towline/control"
	"towline/store"
)

// claimBot makes this process the only one on its machine for the config's bot. The error names the one that has it.
func claimBot(c *config.Config) (release func(), err error) {
	claimed, err := control.Claim(control.BotKey(c.Telegram.APIURL, c.Telegram.Token.Reveal()))
	if held, ok := errors.AsType[*control.ClaimedError](err); ok {
		return nil, &exitError{code: exitUnknown, text: fmt.Sprintf("%v\nTelegram gives each update to one process only. Stop the other one, or give this one a bot of its own.", held)}
	}
	if err != nil {
		return nil, &exitError{code: exitUnknown, text: err.Error()}
	}
	return claimed.Release, nil
}

// answerLines answers the command line on the socket beside the store, until stop is called. It begins before the service
// runs and ends after it, so that there is an answer at every moment.
func (s *service) answerLines(st *store.Store, now func() time.Time) (stop func(), err error) {
	server := control.New(control.Options{Store: st.Path(), Desk: s.desk(st, now), Version: version(), Now: now, Log: s.log})
	if err := server.Start(); err != nil {
		return nil, &exitError{code: exitUnknown, text: fmt.Sprintf("the command line cannot be answered: %v", err)}
	}
	return server.Stop, nil
}

// version is the program's own, as it was built.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}

func pingCommand() subcommand {
	return subcommand{
		name: "ping", group: theService, does: "Say which process serves the store, and since when; for health checks.",
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			var w place
			w.flags(f)
			return func(ctx context.Context, p program, args []string) error {
				if err := onlyFlags(args); err != nil {
					return err
				}
				return ping(ctx, p, w)
			}
		},
	}
}

func ping(ctx context.Context, p program, w place) error {
	path, _, err := w.find(p)
	if err != nil {
		return err
	}
	client, err := control.Connect(ctx, path)
	if errors.Is(err, control.ErrNobody) {
		return &exitError{code: exitUnknown, text: "no bot serves " + path}
	}
	if err != nil {
		return &exitError{code: exitUnknown, text: err.Error()}
	}
	is := client.Process()
	fmt.Fprintf(p.stdout, "process %d serves %s since %s, version %s\n", is.PID, is.Store, is.Since.UTC().Format(time.RFC3339), is.Version)
	return nil
}
