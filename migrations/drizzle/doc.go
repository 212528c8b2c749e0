// Package drizzle lets somebody else than drizzle-kit write a migration of a Drizzle project, so that drizzle-kit does not
// write the same change a second time.
//
// drizzle-kit compares the schema file (schema.ts) with the last picture of the schema that it keeps beside the migrations,
// the snapshot. A migration written by hand needs three things, then: its file, a snapshot of the schema behind it, and the same
// change in the schema file. [Add] makes the first two and says the third.
//
// From the bottom up:
//
//   - part.go is a schema taken apart into what Drizzle knows of: tables, columns, indexes, constraints, views.
//     schema.go reads one out of SQLite, body.go what only the text of a CREATE statement tells.
//   - replay.go runs the migrations on SQLite under D1's profile, and diff.go says what the new one changed.
//   - snapshot6.go and snapshot7.go make that change to the last snapshot, in the formats of drizzle-kit 0.22 and later and of
//     1.0. Everything that did not change stays as drizzle-kit wrote it.
//   - names.go finds out how the schema file calls tables and columns; typescript.go writes the change in its language.
//   - add.go puts it together. ledger.go reads the table in which Drizzle itself records what it applied.
package drizzle
