package cloudflare

import (
	"io"
	"log/slog"
	"time"
)

// Options say how a [Server] is to be. Only AccountID and Token are required.
type Options struct {
	// Dir keeps the databases and their history. Empty: memory, gone with the Server.
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
	// Logger gets one line per request, without bodies and tokens; nil logs nothing.
	Logger *slog.Logger
}
