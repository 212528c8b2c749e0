// Package advise finds the index that a slow query lacks, and tries it before anybody proposes it.
//
// What a query looks for is told by SQLite, not read out of the text: spy.go puts a virtual table in the place of every table and
// prepares the query once more, and SQLite's planner hands it each condition, join and order that an index could serve. From
// these, bottom up:
//
//   - schema.go reads tables, columns with their collations, and indexes; names.go names new ones.
//   - candidates.go turns what SQLite looked for into indexes worth trying; expressions.go adds those on expressions, which
//     virtual tables are not told of, and foreign.go those for the foreign keys of children that a DELETE has to look up.
//   - plan.go reads EXPLAIN QUERY PLAN as nested loops and cost.go says how many rows they would read, as D1 counts them:
//     every step of a loop, one more for the end of a search, and once more whatever is sorted. sizes.go counts on a copy of the data,
//     where there is one; else the figures only rank one plan above another and are not told.
//   - try.go creates each candidate on a copy of the schema, asks for the plan again, and keeps what reads less. Where two
//     indexes are needed at once (an OR, both sides of a join), they are kept together. notes.go says what no index helps.
//   - writes.go says what an index costs those who write.
//
// Nothing here reaches for D1. The copy of the data is only read.
package advise
