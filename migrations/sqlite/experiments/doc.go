// Package experiments is a table of small experiments on D1, kept as SQL, and what carries them out on both the SQLite of
// package sqlite and Cloudflare's own runtime. Where the two agree on every case, what the first says of a migration
// holds on D1. It is for tests and for `make bench`; the product does not import it.
//
// The rooms:
//
//   - *.sql is the table. read.go reads it and says how a case is written.
//   - here.go carries a case out on our SQLite, remote.go on a D1 REST API.
//   - compare.go carries all of them out on both: [Compare].
package experiments
