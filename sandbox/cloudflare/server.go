package cloudflare

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Options say how a [Server] is to be. Only AccountID and Token are required.
type Options struct {
	// Dir keeps the databases and their history; it is created if need be. Empty: memory, gone with the Server.
	Dir string
	// AccountID is the only account there is: 32 hexadecimal digits.
	AccountID string
	// Token is an API token that may do everything.
	Token string
	// Tokens are further API tokens, each with what it may do.
	Tokens []Token
	// Now is the clock; nil is [time.Now].
	Now func() time.Time
	// Random is where ids and bookmarks come from; nil is crypto/rand.
	Random io.Reader
	// Latency is how long every request waits before it is carried out, as over a network.
	Latency time.Duration
	// QueryLimit is how long one request may execute; 0 is the 30 seconds of D1's limits.
	QueryLimit time.Duration
	// AnalyticsLag is how late the analytics are: Cloudflare's come minutes after what they count.
	AnalyticsLag time.Duration
	// Traffic is what analytics tell beside what was really asked; see also [Server.AddTraffic].
	Traffic []Traffic
	// Logger gets one line per request, without bodies and tokens; nil logs nothing.
	Logger *slog.Logger
}

// Server is a local Cloudflare: an [http.Handler] for paths below /client/v4, safe for concurrent use. It starts no
// goroutine of its own.
type Server struct {
	account   string
	latency   time.Duration
	analytics analytics
	logger    *slog.Logger
	tokens    map[string]Token
	now       func() time.Time
	catalogue *catalogue
	bucket    *bucket
	mux       *http.ServeMux
}

// New opens a local Cloudflare, with the databases that Options.Dir holds.
func New(o Options) (*Server, error) {
	if o.AccountID == "" || o.Token == "" {
		return nil, errors.New("a local Cloudflare needs an account id and a token")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.QueryLimit == 0 {
		o.QueryLimit = 30 * time.Second
	}
	all := Token{Value: o.Token, Permissions: []Permission{D1Edit, AccountSettingsRead, AccountAnalyticsRead}}
	s := &Server{account: o.AccountID, latency: o.Latency, logger: o.Logger, now: o.Now, tokens: map[string]Token{o.Token: all}}
	s.analytics = analytics{opened: o.Now(), like: Analytics{Lag: o.AnalyticsLag}, traffic: o.Traffic}
	for _, t := range o.Tokens {
		s.tokens[t.Value] = t
	}
	around := surroundings{now: o.Now, random: &source{reader: o.Random}, queryLimit: o.QueryLimit}
	s.bucket = newBucket(around)
	var err error
	if s.catalogue, err = openCatalogue(o.Dir, around); err != nil {
		return nil, fmt.Errorf("open the local Cloudflare's databases: %w", err)
	}
	s.mux = s.routes()
	return s, nil
}

// Close closes all databases, after the requests that they are working on. Twice is fine. Requests that come later are
// answered with status 500.
func (s *Server) Close() error { return s.catalogue.close() }

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !pause(r.Context(), s.latency) {
		return
	}
	s.mux.ServeHTTP(w, r)
}

// surroundings are what the rooms below need from outside.
type surroundings struct {
	now        func() time.Time
	random     *source
	queryLimit time.Duration
}

// source reads random bytes for several goroutines.
type source struct {
	mu     sync.Mutex
	reader io.Reader
}

// bytes returns n random bytes.
func (s *source) bytes(n int) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := make([]byte, n)
	if _, err := io.ReadFull(s.reader, b); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	return b, nil
}

// uuid returns a random UUID (version 4).
func (s *source) uuid() (string, error) {
	b, err := s.bytes(16)
	if err != nil {
		return "", err
	}
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], nil
}
