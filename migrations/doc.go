// Package migrations turns a folder of SQL files into what is sent to D1. It is pure: values in, values out; it opens no
// database and knows no network.
//
// From the bottom up:
//
//   - Lex reads SQL's tokens; Fold, SameName, Reserved, QuoteName and Unquote are about names, and NormalSQL makes texts
//     comparable.
//   - A File is a migration with its DOWN file, as package layout reads them; Less is wrangler's order.
//   - Split takes a File apart into Statements exactly where SQLite would, or says with file, line and column why it
//     cannot. Canonical is the text of a Statement that D1's REST interface understands, Describe a short label for a card.
//   - Compare sets the files against the ledger of a database: what is pending, unknown, edited, out of order, renamed.
//   - Apply, Undo and Reset plan Transactions: lists of statements of which D1 carries out all or none, the ledger rows
//     among them, and the files' own assertions.
//
// The ledger is wrangler's own d1_migrations table (wrangler, packages/wrangler/src/d1/migrations), so that a team can
// go back to wrangler, or come from it, at any moment.
package migrations
