// Package dump reads and writes whole databases as SQL text, with D1's export in mind.
//
//   - [Load] streams such a text into an SQLite file. It takes what the sqlite3 shell would stumble over in an export of
//     D1: a trigger that precedes its view, rows longer than D1's own limit of 100 KB for a statement, a sqlite_sequence
//     that nothing creates. What an export has already lost is reported, for it cannot be brought back.
//   - [Verify] checks such a file and says what is in it: rows and a digest for every table.
//   - [Write] makes such a text of a database that can be asked but not exported (D1 exports no database with a virtual
//     table), table by table, with every value exact.
package dump
