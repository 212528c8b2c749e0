// Package queries knows what the queries of an app cost, as Cloudflare counted them: whose they are, which of them are the same, and how they are
// shown to people. It asks nobody; figures are values that it is given, and so are the moments.
//
// Bottom up: count.go has the figures of one query, text.go its text, as people see it (Shown) and as all of its runs have it in common (Shape),
// alike.go makes one of those that differ in their values alone. own.go tells the app's queries from those that Towline asks itself, and from
// statements of migrations. top.go remembers, for rehearsals, which queries of each project read the most. Package slow makes the
// answer to /slow of all this; previews and the watch after a promote take single functions.
package queries
