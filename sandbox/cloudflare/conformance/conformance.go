// Package conformance is the suite that every imitation of Cloudflare's D1 API has to pass: what Towline relies on,
// said in requests and answers.
package conformance

// Server is an API under test.
type Server struct {
	// URL is its base address, ending in /client/v4.
	URL string
	// AccountID and Token are what a client must name.
	AccountID, Token string
	// Restart ends the server as hard as it can and starts it again on the same files at the same URL. Nil where that
	// cannot be done: the cases that need it are skipped by name.
	Restart func()
}
