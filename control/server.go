package control

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Options are what a Server is made of.
type Options struct {
	// Store is the path of the store that this process holds; the socket lies beside it.
	Store string
	Desk  Desk
	// Version is the program's own, for Process.
	Version string
	Now     func() time.Time
	Log     *slog.Logger
	// Grace is how long a stop waits for what is being answered before it is broken off; 0: five seconds.
	Grace time.Duration
}

// Server answers the command line on a socket. Start and Stop may be called from anywhere, in any order: stopping waits
// until the last answer was given or broken off, stopping twice is fine, and so is stopping what was never started. A
// server that was stopped does not start again.
type Server struct {
	o     Options
	owner int // the user whose socket it is
	since time.Time

	mu      sync.Mutex
	stopped bool
	socket  *socket
	http    *http.Server
	cut     context.CancelFunc // breaks off what is being answered
	serving sync.WaitGroup     // the listener's loop, and every answer

	door   sync.Mutex // guards closed, and adding to serving
	closed bool
}

// New makes a server. Start makes it listen.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Grace = cmp.Or(o.Grace, 5*time.Second)
	return &Server{o: o, owner: os.Geteuid()}
}

// A command line is short, and whoever asks is on this machine. The limits are long beside what it takes, which is milliseconds: that
// the machine is busy is no reason to let go of anybody.
const (
	headerTimeout = 20 * time.Second // to say what is asked for, and to stay idle
	bodyTimeout   = 20 * time.Second
	stallTimeout  = 30 * time.Second // ends a copy whose reader takes nothing
	bodyLimit     = 64 << 10
	headerLimit   = 16 << 10
)

// ErrStopped is what Start returns for a server that was stopped.
var ErrStopped = errors.New("the control server was stopped")

// Start listens. It returns once commands are answered, a *LiveError where another process answers on that socket, and a
// *LongPathError where there cannot be one.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return ErrStopped
	}
	if s.socket != nil {
		return nil
	}
	l, err := listen(SocketPath(s.o.Store))
	if err != nil {
		return err
	}
	s.socket = l
	s.serve(l.UnixListener, withPeer)
	s.o.Log.Debug("the command line is answered", "socket", l.path)
	return nil
}

// serve answers whoever connects to a listener; peer keeps with a connection who is at its other end.
func (s *Server) serve(l net.Listener, peer func(context.Context, net.Conn) context.Context) {
	var base context.Context
	base, s.cut = context.WithCancel(context.Background())
	s.since = s.o.Now()
	s.http = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       headerTimeout,
		MaxHeaderBytes:    headerLimit,
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext:       peer,
		ErrorLog:          slog.NewLogLogger(s.o.Log.Handler(), slog.LevelWarn),
	}
	server := s.http
	s.serving.Go(func() {
		if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.o.Log.Error("the control socket is no longer answered", "error", err)
		}
	})
}

// Stop ends the answering and removes the socket.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.http == nil {
		return
	}
	if s.socket != nil {
		if err := s.socket.remove(); err != nil {
			s.o.Log.Warn("the control socket could not be removed", "error", err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.o.Grace)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		// Connections first: whoever asked is to see that the answer is lost, and not that of a desk that was told to give up.
		_ = s.http.Close()
		s.cut()
	}
	s.door.Lock()
	s.closed = true
	s.door.Unlock()
	s.serving.Wait()
	s.cut()
	s.socket, s.http = nil, nil
}

// enter counts an answer that begins. It is false once the server is closed.
func (s *Server) enter() bool {
	s.door.Lock()
	defer s.door.Unlock()
	if s.closed {
		return false
	}
	s.serving.Add(1)
	return true
}

// Run starts, waits for the end of ctx and stops.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Start(); err != nil {
		return err
	}
	<-ctx.Done()
	s.Stop()
	return nil
}
