// Package rehearse carries a release out on a local copy of the target's schema, before anything is sent to D1.
//
// [Run] goes through it twice:
//
//   - copy.go rebuilds the schema in memory, under D1's profile (package sqlite), with the ledger's rows.
//   - dry.go runs the transactions on a copy without other rows, one by one, as D1 would. The first refusal is the
//     [Failure], with file, line and statement. On the way it notes whom SQLite's authorizer names as a victim of each
//     DROP TABLE: foreign keys with ON DELETE CASCADE, SET NULL or SET DEFAULT act on the children of a dropped table,
//     and on D1 they cannot be switched off.
//   - canary.go fills a second copy with a few rows per table, parents first, linked by their foreign keys.
//   - wet.go runs everything again on it and compares the rows of the named tables before and after, so that a rebuild
//     which guards its children is no false alarm. verdict.go turns what it saw into [Loss]es. Statements that fail only
//     because there are rows become warnings; where a canary says nothing, the authorizer's word counts. asserted.go is about
//     the files' own assertions.
//   - diff.go says what the release changes in the schema; fingerprint.go tells whether two schemas are the same. touched.go
//     names the tables whose rows may change, and indexes and triggers that went unnoticed.
//   - With a copy of the data, data.go goes through it a third time, on a copy of that copy (datacopy.go): rows before and
//     after, new orphans. reject.go finds the rows that a constraint refuses, cut.go those that a copy from table to table
//     leaves behind. rows.go compares the tables that were written, row by row, and valueloss.go says what a value has lost.
//     costs.go estimates what D1 bills, estimate.go does so without the data.
//   - plans.go compares how the project's own queries are carried out before and after.
//
// Beside it: roundtrip.go goes up, down and up again; full.go and fullcompare.go take a fingerprint of a whole database and
// compare it with what the rehearsal led to expect; expand.go says whether older code works on. document.go writes a
// [Report] for people.
package rehearse
