package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// patience is how long a scrape may take, a stop waits for one, and whoever asks may take to say what for. Prometheus gives up after
	// ten seconds (Configuration, "scrape_timeout").
	patience = 8 * time.Second
	// atOnce is how many scrapes are answered at the same time; more are told to come again.
	atOnce = 2
)

// Build is which Towline runs.
type Build struct{ Version, Revision, Go string }

// Options make a Server.
type Options struct {
	Source Source
	Build  Build
	Now    func() time.Time // nil: time.Now
	Log    *slog.Logger     // nil: nothing is logged
}

// Server answers programs. It is safe for concurrent use.
type Server struct {
	o       Options
	metrics metrics
	process *prometheus.Registry // of the process itself: memory, goroutines, open files
	slots   chan struct{}
	// patience is the constant, but for tests.
	patience time.Duration
}

// New makes a Server.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Build.Go == "" {
		o.Build.Go = runtime.Version()
	}
	s := &Server{o: o, metrics: newMetrics(), process: prometheus.NewRegistry(), slots: make(chan struct{}, atOnce), patience: patience}
	s.process.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return s
}

// Handler answers GET and HEAD of /metrics, /healthz and /readyz.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.scrape)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.patience)
		defer cancel()
		answer(w, s.o.Source.Alive(ctx))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.o.Source.Ready()) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, "Towline: /metrics for Prometheus, /healthz, /readyz")
	})
	return mux
}

// answer says whether something is as it should be.
func answer(w http.ResponseWriter, err error) {
	if err != nil {
		say(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	say(w, http.StatusOK, "ok")
}

func say(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	// The client is gone if this fails, and there is nobody to tell.
	_, _ = io.WriteString(w, text+"\n")
}

// scrape answers /metrics. What cannot be told is left out, so that the rest is still seen.
func (s *Server) scrape(w http.ResponseWriter, r *http.Request) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		w.Header().Set("Retry-After", "5")
		say(w, http.StatusServiceUnavailable, "other scrapes are being answered")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.patience)
	defer cancel()
	own := prometheus.NewRegistry()
	own.MustRegister(&scrape{ctx: ctx, metrics: s.metrics, source: s.o.Source, build: s.o.Build, now: s.o.Now, log: s.o.Log})
	promhttp.HandlerFor(prometheus.Gatherers{own, s.process}, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: printer{s.o.Log},
	}).ServeHTTP(w, r)
}

// printer logs what promhttp has to say.
type printer struct{ log *slog.Logger }

// Println implements promhttp.Logger.
func (p printer) Println(v ...any) { p.log.Warn("/metrics is not complete", "error", fmt.Sprint(v...)) }

// Serve answers on a listener until ctx ends, which is no error, and returns when the answers under way are given. It closes the listener.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s.Handler(), ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: s.patience, ReadTimeout: 2 * s.patience, WriteTimeout: 2 * s.patience, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("admin: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.patience)
	defer cancel()
	err := server.Shutdown(stopping)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	if serving := <-ended; !errors.Is(serving, http.ErrServerClosed) {
		err = errors.Join(err, serving)
	}
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	return nil
}
