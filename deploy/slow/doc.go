// Package slow answers /slow: which queries on production cost the most since the last release, beside what they cost before it, and which index
// each lacks; and it writes the migration that makes such an index.
//
// Bottom up: report.go is the answer as values, stretch.go decides which time is looked at and what that is compared with, rank.go picks the worst
// queries and says which are new or worse, advise.go tries indexes on a copy of production's schema and weighs them with what was
// counted. Look does all of it, and asks a Production for the figures and the copy. Of an index that somebody wants, Drafts makes the files of
// the next migration of a Project (migration.go), behind those that were made before and are not committed yet (pending.go).
//
// Nothing is changed anywhere: what somebody wants of this, they commit.
package slow
