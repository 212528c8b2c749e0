// Package cloudflare is a local Cloudflare, as far as a team's D1 databases go: the REST API that wrangler and
// cloudflare-go speak, on SQLite inside this process. The demo runs on it, and tests that need no real engine do.
//
// The rooms, bottom up:
//
//   - split.go and write.go read SQL text no further than needed: where statements end, and whether they only read.
//   - snapshots.go keeps what Time Travel needs: a copy of the database after every change, named by a bookmark.
//   - database.go is one database: a SQLite under D1's profile (package sqlite), one request at a time.
//   - dump.go writes a database as D1's export does; transfer.go exports and imports, while it turns everybody else away;
//     bucket.go is the storage between, behind signed addresses.
//   - graphql.go reads questions to the analytics API, and analytics.go says who may ask how much. datasets.go lists what can be asked, groups.go
//     answers it; counted.go is what was really asked of a database, traffic.go and generate.go are a [Traffic] that nobody made.
//   - catalogue.go knows the databases by id and name, and finds them again after a restart.
//   - permissions.go says what a token may do; envelope.go and result.go are the forms of Cloudflare's answers.
//   - server.go, routes.go and queries.go put these behind HTTP: [New] gives a [Server], which is an [http.Handler].
//   - faults.go stands in front of a Server, or of any other API, and makes things go wrong on purpose: [NewFaults].
//
// What it promises is written down as requests and answers in package conformance, which the real engine (package
// workerd) passes as well. Not imitated: replicas, overload, sampling, and analytics but those of D1 and of Workers' requests.
package cloudflare
