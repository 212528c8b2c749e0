// Package sqlite runs SQL the way Cloudflare D1 would, on a SQLite inside this process.
//
// D1 is SQLite with much of it switched off: a list of functions, a list of pragmas, an authorizer that denies
// transactions, attached databases and temporary tables, and limits of its own. This package puts the same profile on
// github.com/ncruces/go-sqlite3, so that a statement can be tried before it is sent anywhere.
//
// The rooms, bottom up:
//
//   - functions.go holds D1's list of functions, pragmas.go its list of pragmas, limits.go its limits and flags. They
//     follow ALLOWED_SQLITE_FUNCTIONS, ALLOWED_PRAGMAS and the sqlite3_limit calls of workerd's util/sqlite.c++.
//   - authorizer.go answers SQLite's questions with those lists and remembers what a statement would do: its actions.
//     These name, among others, the child tables whose rows a DROP TABLE takes along.
//   - conn.go opens and closes a [Conn]; exec.go prepares and runs one statement; transaction.go runs several as one.
//   - snapshot.go turns a database into bytes and back; objects.go lists its schema, restore.go makes it again.
//   - errors.go holds [Error], SQLite's refusal with the names that D1 prints.
//
// Where this SQLite is known to differ from D1's:
//
//   - UPDATE and DELETE with ORDER BY and LIMIT are syntax errors here and work on D1. limited.go compiles another form of
//     them; of what is left, an UPDATE with FROM, [Conn.LimitedWrite] knows that D1 takes it.
//   - ANALYZE leaves sqlite_stat4 here as well, not only sqlite_stat1.
//   - x'61' LIKE 'a' is 1 on D1 and 0 here.
//   - Texts of errors differ in places. Compare codes.
package sqlite
