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
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"towline/backups"
	"towline/bot"
	"towline/cloudflare"
	"towline/deploy/gate"
	sandboxcloudflare "towline/sandbox/cloudflare"
	"towline/sandbox/page"
	"towline/sandbox/telegram"
	"towline/source"
	"towline/store"
	"towline/usage/tariff"
)

//go:embed all:demo
var demoFiles embed.FS

// demoVersions are the refs of the demo's project, in the order in which the tour takes them.
func demoVersions() []string {
	return []string{"v1", "v2", "v3-broken", "v3", "v4-rebuild", "v4", "v5"}
}

func demoCommand() subcommand {
	return subcommand{
		name: "demo", args: "", does: "Everything local, no accounts: a chat in the browser, with a bot that ships a small app.",
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			var o demoOptions
			f.StringVar(&o.dir, "dir", "", "keep the demo's state in this folder (default: nothing is kept)")
			f.StringVar(&o.listen, "listen", "127.0.0.1:0", "the address for the browser, on this machine; with port 0 a free one is taken at each start")
			f.DurationVar(&o.latency, "latency", 150*time.Millisecond, "how far away the local Cloudflare is")
			f.BoolVar(&o.verbose, "v", false, "log what the bot does")
			return func(ctx context.Context, p program, args []string) error {
				if len(args) > 0 {
					return &exitError{code: exitUsage, text: fmt.Sprintf("demo takes flags only, and not %q; -dir names a folder to keep its state in", args[0])}
				}
				return demo(ctx, p, o)
			}
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
	if o.listen, err = onThisMachine(o.listen); err != nil {
		return err
	}
	defer p.sayStopping(ctx)()
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
		return &exitError{code: exitUnknown, text: fmt.Sprintf("%v\nAnother demo keeps its state in %s. Stop it first, or give this one another -dir.", held, o.dir)}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	w, err := newWorld(o, log)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, w.close())
		for _, v := range w.telegram.Violations() {
			fmt.Fprintf(p.stderr, "towline: a mistake of the demo's bot, which Telegram would have refused: %s\n", v)
		}
	}()
	if err := w.neighbours(ctx, log); err != nil {
		return err
	}
	service, err := w.service(s, o.dir, log)
	if err != nil {
		return err
	}
	customers, err := w.startTraffic(ctx, log)
	if err != nil {
		return err
	}
	defer customers()
	quiet, err := service.answerLines(s, time.Now)
	if err != nil {
		return err
	}
	defer quiet()
	p.welcome(w.address, o.dir, keep)
	return service.run(ctx)
}

func (p program) welcome(address, dir string, keep bool) {
	kept := "Nothing is kept; `towline demo -dir FOLDER` keeps everything over a restart."
	if keep {
		kept = "Everything is kept in " + dir + ", and the next start with this -dir goes on from there."
	}
	fmt.Fprintf(p.stdout, "Towline's demo: a chat, a bot and a Cloudflare, all on this machine.\n\n  open %s\n\n"+
		"There you are Dana, Robin, Alex or Sam, as you choose. Follow the steps on the left, or write /deploy.\n"+
		"%s\nCtrl-C stops the demo.\n", address, kept)
}

// onThisMachine refuses addresses that others can reach, and returns the address to listen on.
func onThisMachine(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", &exitError{code: exitUsage, text: fmt.Sprintf("-listen wants an address with a port, such as 127.0.0.1:8080, and not %q", listen)}
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if address, err := netip.ParseAddr(host); err != nil || !address.IsLoopback() {
		return "", &exitError{code: exitUsage, text: fmt.Sprintf("the demo does not listen on %q: whoever reaches it speaks for every member of the chat. "+
			"It takes addresses of this machine only, such as 127.0.0.1:%s.", listen, port)}
	}
	return net.JoinHostPort(host, port), nil
}

// sayStopping says that the demo is stopping once it is told to.
func (p program) sayStopping(ctx context.Context) (stop func()) {
	said := make(chan struct{})
	forget := context.AfterFunc(ctx, func() {
		defer close(said)
		fmt.Fprintln(p.stdout, "Stopping. Ctrl-C again ends it at once.")
	})
	return func() {
		if !forget() {
			<-said
		}
	}
}

// world is everything that the demo's bot takes for the outside.
type world struct {
	telegram   *telegram.Server
	cloudflare *sandboxcloudflare.Server
	page       *page.Page
	address    string // of the chat in the browser
	apis       string // of both APIs
	began      time.Time

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
	if w.began, err = beganIn(o.dir, time.Now()); err != nil {
		return nil, errors.Join(err, w.cloudflare.Close())
	}
	w.cloudflare.AddTraffic(demoUse(w.began))
	w.cloudflare.SetAnalytics(sandboxcloudflare.Analytics{Budget: demoQuestions})
	if w.telegram, err = demoTelegram(filepath.Join(o.dir, "telegram.state")); err != nil {
		return nil, errors.Join(fmt.Errorf("start the local Telegram: %w\nRemove %s to begin the demo anew", err, o.dir), w.cloudflare.Close())
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
	if errors.Is(err, syscall.EADDRINUSE) {
		return "", &exitError{code: exitUsage, text: fmt.Sprintf("another program listens on %s, perhaps another demo. Name another port with -listen, or leave it out for a free one.", listen)}
	}
	if err != nil {
		return "", &exitError{code: exitUsage, text: fmt.Sprintf("the demo cannot listen on %s: %v", listen, err)}
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	w.servers = append(w.servers, server)
	w.serving.Go(func() { _ = server.Serve(l) }) // always ErrServerClosed, after close
	return "http://" + l.Addr().String(), nil
}

// close ends everything that newWorld started. The page comes first: its streams would last as long as the browser's tab.
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
func (w *world) service(s *store.Store, dir string, log *slog.Logger) (*service, error) {
	d1, err := w.databases(log)
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(demoFiles, "demo")
	if err != nil {
		return nil, err
	}
	kept, err := backups.Open(backups.Options{Dir: filepath.Join(dir, "backups"), Logger: log})
	if err != nil {
		return nil, err
	}
	wiring := demoWiring(adapt{source.NewVersions(files, demoVersions())})
	if err := wiring.countUse(w.began); err != nil {
		return nil, err
	}
	for _, p := range demoPeople() {
		if p.role != gate.Stranger {
			wiring.add(p)
		}
	}
	return newService(parts{
		wiring: wiring, store: s, databases: d1, now: time.Now, log: log, backups: kept, scratch: filepath.Join(dir, "copies"),
		counting: demoCounting, free: demoPlan == tariff.Free,
		bot: bot.Options{
			Token: demoBotToken, APIURL: w.apis,
			Pace: bot.Pace{Edit: 400 * time.Millisecond, Group: -1, All: -1},
		},
	})
}

// databases is the account as its owners' programs reach it.
func (w *world) databases(log *slog.Logger) (*cloudflare.D1, error) {
	return cloudflare.New(cloudflare.Options{AccountID: demoAccount, Token: demoAPIToken, APIURL: w.apis + "/client/v4", Logger: log})
}
