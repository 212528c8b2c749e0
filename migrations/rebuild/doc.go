// Package rebuild writes the migration that gives a table another CREATE TABLE and loses nothing on Cloudflare D1.
//
// SQLite changes a table's primary key, constraints or column types only by making the table anew. On D1 foreign keys
// are always on, so the DROP TABLE in the middle deletes the rows of every child that says ON DELETE CASCADE and clears
// the keys of those that say SET NULL or SET DEFAULT; PRAGMA defer_foreign_keys puts checks off, not these actions. The
// migration of this package copies the rows out, drops the table, creates it under its own name and copies the rows
// back. Meanwhile a trigger on each child answers the actions with RAISE(IGNORE). Before the transaction ends, rows,
// values, children, foreign keys, indexes and triggers are held against what was there; a difference fails the whole.
//
// The result is a plain SQL file: wrangler alone can apply it.
//
// The rooms, bottom up:
//
//   - lex.go reads the words of an object, to see when a trigger fires; text.go quotes names.
//   - scratch.go makes the schema again in memory, under D1's profile; shape.go reads tables, keys and triggers from it.
//   - children.go finds who refers to the table, and what a DROP would do to them; fts.go finds full-text indexes over it.
//   - columns.go says what becomes of each column.
//   - steps.go writes the statements, asserts.go those that hold before against after.
//   - trial.go carries the statements out on the scratch schema and compares.
//   - rebuild.go is [Generate] and [Down].
package rebuild
