package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"towline/bot"
	"towline/cloudflare"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/handlers"
	sandboxcloudflare "towline/sandbox/cloudflare"
	"towline/sandbox/page"
	"towline/sandbox/telegram"
	"towline/source"
	"towline/store"
)

//go:embed all:demo
var demoFiles embed.FS

// The demo's people, chat and account. None of them exists outside of it.
const (
	demoDeployer = 1001
	demoApprover = 1002
	demoStranger = 1003
	demoGroup    = -1001234567890
	demoProject  = "shop"
	demoAccount  = "00000000000000000000000000000001"
	demoBotToken = "1:local-demo"
	demoAPIToken = "local-demo"
)

// demoVersions are the refs of the demo's project, in the order in which the tour takes them.
func demoVersions() []string { return []string{"v1", "v2", "v3-broken", "v3", "v4-rebuild"} }

func demoCommand() subcommand {
	return subcommand{
		name: "demo", args: "", does: "Everything local, no accounts: a chat in the browser, with a bot that ships a small app.",
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			var o demoOptions
			f.StringVar(&o.dir, "dir", "", "keep the demo's state in this folder (default: nothing is kept)")
			f.StringVar(&o.listen, "listen", "127.0.0.1:0", "the address for the browser, on this machine")
			f.DurationVar(&o.latency, "latency", 150*time.Millisecond, "how far away the local Cloudflare is")
			f.BoolVar(&o.verbose, "v", false, "log what the bot does")
			return func(ctx context.Context, p program, _ []string) error { return demo(ctx, p, o) }
		},
	}
}

type demoOptions struct {
	dir, listen string
	latency     time.Duration
	verbose     bool
}

// demo runs a local Telegram, a local Cloudflare and the bot until ctx ends, and leaves nothing behind but -dir.
func demo(ctx context.Context, p program, o demoOptions) (err error) {
	keep := o.dir != ""
	if !keep {
		if o.dir, err = os.MkdirTemp("", "towline-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.dir)) }()
	} else if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	if o.verbose {
		log = loggerTo(p, slog.LevelInfo, nil)
	}
	s, err := store.Open(filepath.Join(o.dir, "towline.db"), store.Options{})
	if held, ok := errors.AsType[*store.BusyError](err); ok {
		return busy(held)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	w, err := newWorld(o, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	service, err := w.service(s, log)
	if err != nil {
		return err
	}
	kept := "Nothing is kept."
	if keep {
		kept = "Its state is kept in " + o.dir + "."
	}
	fmt.Fprintf(p.stdout, "Towline's demo: a chat, a bot and a Cloudflare, all on this machine.\n\n  open %s\n\nctrl-C stops it. %s\n", w.address, kept)
	return service.run(ctx)
}

// world is everything that the demo's bot takes for the outside.
type world struct {
	telegram   *telegram.Server
	cloudflare *sandboxcloudflare.Server
	page       *page.Page
	address    string // of the chat in the browser
	apis       string // of both APIs

	servers []*http.Server
	serving sync.WaitGroup
}

func newWorld(o demoOptions, log *slog.Logger) (*world, error) {
	w := &world{}
	var err error
	w.cloudflare, err = sandboxcloudflare.New(sandboxcloudflare.Options{
		Dir: filepath.Join(o.dir, "cloudflare"), AccountID: demoAccount, Token: demoAPIToken, Latency: o.latency,
	})
	if err != nil {
		return nil, fmt.Errorf("start the local Cloudflare: %w", err)
	}
	if w.telegram, err = demoTelegram(); err != nil {
		return nil, errors.Join(err, w.cloudflare.Close())
	}
	w.page = page.New(page.Options{Chat: w.telegram, Group: demoGroup, Title: "Shop team", Members: demoMembers(), Tour: demoTour(), Logger: log})
	apis := http.NewServeMux()
	apis.Handle("/client/v4/", w.cloudflare)
	apis.Handle("/", w.telegram)
	if w.apis, err = w.serve("127.0.0.1:0", apis); err == nil {
		w.address, err = w.serve(o.listen, w.page)
	}
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// serve starts one HTTP server and returns its address.
func (w *world) serve(listen string, h http.Handler) (string, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return "", &exitError{code: exitUsage, text: fmt.Sprintf("the demo cannot listen on %s: %v", listen, err)}
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	w.servers = append(w.servers, server)
	w.serving.Go(func() { _ = server.Serve(l) }) // always ErrServerClosed, after close
	return "http://" + l.Addr().String(), nil
}

// close ends everything that newWorld started.
func (w *world) close() error {
	var errs []error
	if w.page != nil {
		errs = append(errs, w.page.Close())
	}
	if w.telegram != nil {
		errs = append(errs, w.telegram.Close())
	}
	for _, s := range w.servers {
		errs = append(errs, s.Close())
	}
	w.serving.Wait()
	return errors.Join(append(errs, w.cloudflare.Close())...)
}

// service is the real bot, pointed at this world.
func (w *world) service(s *store.Store, log *slog.Logger) (*service, error) {
	d1, err := cloudflare.New(cloudflare.Options{AccountID: demoAccount, Token: demoAPIToken, APIURL: w.apis + "/client/v4", Logger: log})
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(demoFiles, "demo")
	if err != nil {
		return nil, err
	}
	versions := source.NewVersions(files, demoVersions())
	return newService(parts{
		wiring: demoWiring(adapt{versions}), store: s, databases: d1, now: time.Now, log: log,
		bot: bot.Options{
			Token: demoBotToken, APIURL: w.apis,
			Pace: bot.Pace{Edit: 400 * time.Millisecond, Group: -1, All: -1},
		},
	})
}

func demoWiring(s deploy.Source) *wiring {
	person := func(id int64, name string, role gate.Role) gate.Actor {
		return gate.Actor{Person: release.Person{ID: id, Name: name}, Role: role}
	}
	return &wiring{
		projects: []deploy.Project{{
			Name: demoProject, Source: s, Migrations: "db/migrations", Seed: "db/seed.sql",
			Preview: "shop-preview", Production: "shop", Approvals: 1, Expire: 24 * time.Hour,
		}},
		team: handlers.Team{
			People:   []gate.Actor{person(demoDeployer, "Dana", gate.Deployer), person(demoApprover, "Robin", gate.Approver)},
			Projects: []handlers.Home{{Project: demoProject, Place: bot.Place{Chat: demoGroup}}},
		},
	}
}

func demoTelegram() (*telegram.Server, error) {
	t := telegram.New(telegram.Options{
		Token: demoBotToken, Unlimited: true,
		Bot: telegram.User{ID: 1, FirstName: "Towline", Username: "towline_bot", IsBot: true},
	})
	errs := []error{
		t.AddUser(telegram.User{ID: demoDeployer, FirstName: "Dana"}),
		t.AddUser(telegram.User{ID: demoApprover, FirstName: "Robin"}),
		t.AddUser(telegram.User{ID: demoStranger, FirstName: "Sam"}),
		t.AddGroup(telegram.Group{ID: demoGroup, Title: "Shop team", Members: []telegram.Member{
			{User: 1, Status: telegram.Administrator},
			{User: demoApprover, Status: telegram.Creator},
			{User: demoDeployer, Status: telegram.Ordinary},
			{User: demoStranger, Status: telegram.Ordinary},
		}}),
	}
	return t, errors.Join(errs...)
}

func demoMembers() []page.Member {
	return []page.Member{
		{ID: demoDeployer, Name: "Dana", Role: "deployer", About: "Writes the app. May deploy, and ask for production."},
		{ID: demoApprover, Name: "Robin", Role: "approver", About: "May do what Dana may, and approve what others ask for."},
		{ID: demoStranger, Name: "Sam", Role: "stranger", About: "Is in the chat, but not on the team's list."},
	}
}

// demoTour leads a newcomer from the first deploy to the way back.
func demoTour() []page.Step {
	return []page.Step{
		{Title: "Put v1 on preview", Text: "Dana deploys the first version. The preview database is made on the way.", As: demoDeployer, Say: "/deploy v1"},
		{Title: "Ask for production", Text: "The card of the deploy has a Promote button. Dana presses it.", As: demoDeployer, Press: "Promote"},
		{Title: "Approve as somebody else", Text: "Dana may not approve her own request. Robin reads the SQL and approves.", As: demoApprover, Press: "Approve"},
		{Title: "Ship v2 the same way", Text: "v2 adds orders. Deploy, promote, approve.", As: demoDeployer, Say: "/deploy v2"},
		{Title: "A migration that fails", Text: "v3-broken has a typing mistake. It is found by a rehearsal, before any database is touched.", As: demoDeployer, Say: "/deploy v3-broken"},
		{Title: "Its repaired successor", Text: "v3 is the same without the mistake, and a new release. Promote it, then approve as Robin.", As: demoDeployer, Say: "/deploy v3"},
		{Title: "Go back", Text: "v3 has no DOWN file, so the way back is Time Travel, with its price. Robin approves; production is held afterwards.", As: demoDeployer, Say: "/rollback"},
		{Title: "Lift the hold", Text: "Nothing reaches production until somebody says why it may again.", As: demoDeployer, Say: "/unhold the cause is found"},
		{Title: "What D1 would do silently", Text: "v4-rebuild rebuilds a table as many tools do. Its orders would be deleted; Towline refuses.", As: demoDeployer, Say: "/deploy v4-rebuild"},
	}
}
