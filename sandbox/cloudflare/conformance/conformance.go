// Package conformance is the suite that every imitation of Cloudflare's D1 API has to pass: what Towline relies on, said
// in requests and answers. The local Cloudflare and the real engine both run it. Where they differ the engine is right,
// except in what it does not have (Time Travel, the row limit of 2 MB, exports, imports, analytics): there Cloudflare's documentation is.
//
// The cases about one database's SQL are tables in statements.go, engine.go and triggers.go; databases.go is about
// creating, finding and deleting databases, timetravel.go about bookmarks and restores, transfer.go about exports and imports,
// analytics.go about figures, together.go about requests that
// meet each other, client.go sends requests and reads answers.
package conformance

import "testing"

// Server is an API under test.
type Server struct {
	// URL is its base address, ending in /client/v4.
	URL string
	// AccountID and Token are what a client must name; the token may do everything.
	AccountID, Token string
	// Restart ends the server as hard as it can and starts it again on the same files. It returns the new base address.
	Restart func(testing.TB) string
}

// Run runs the suite. Each group of cases asks start for a server; it may be the same one, as every case makes databases
// of its own, whose names begin with "conformance-".
func Run(t *testing.T, start func(testing.TB) Server) {
	for _, group := range []struct {
		name string
		run  func(*testing.T, *client)
	}{
		{"databases", testDatabases},
		{"refusals", testRefusals},
		{"statements", testCases(statementCases())},
		{"transactions", testCases(transactionCases())},
		{"values", testCases(valueCases())},
		{"engine", testCases(engineCases())},
		{"limits", testCases(limitCases())},
		{"triggers", testTriggers},
		{"meta", testMeta},
		{"together", testTogether},
		{"time travel", testTimeTravel},
		{"transfers", testTransfers},
		{"analytics", testAnalytics},
		{"restart", testRestart},
	} {
		t.Run(group.name, func(t *testing.T) { group.run(t, newClient(t, start(t))) })
	}
}
