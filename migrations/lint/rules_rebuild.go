package lint

func rebuildRules() []rule { return append(rebuildLosesRules(), rebuildChangesRules()...) }

func rebuildLosesRules() []rule {
	return []rule{
		{Rule{
			Code: "D1-RB01", Name: "lost-objects", Group: groupRebuilds, Severity: Error,
			Summary: "Indexes or triggers of a rebuilt table that nothing makes again. A UNIQUE or PRIMARY KEY that the new CREATE TABLE leaves out is a warning.",
			Why:     "They go with the DROP TABLE. Queries become scans, and what a trigger did is not done any more; nothing fails.",
			Do:      "Make them again after the copy. One that is to go is dropped by name before the table.",
			Bad:     "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);\nCREATE INDEX t_a ON t(a);\n-- then\nCREATE TABLE new_t(id INTEGER PRIMARY KEY, a TEXT NOT NULL);\nINSERT INTO new_t(id, a) SELECT id, a FROM t;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;",
			Good:    "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);\nCREATE INDEX t_a ON t(a);\n-- then\nCREATE TABLE new_t(id INTEGER PRIMARY KEY, a TEXT NOT NULL);\nINSERT INTO new_t(id, a) SELECT id, a FROM t;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;\nCREATE INDEX t_a ON t(a);",
			Source:  "Run on D1's engine",
		}, lostObjects},
		{Rule{
			Code: "D1-RB02", Name: "view-blocks-rename", Group: groupRebuilds, Severity: Error,
			Summary: "A RENAME in a rebuild while a view, or a trigger of another table, mentions the dropped table.",
			Why:     "RENAME compiles every view and trigger: error in view v: no such table.",
			Do:      "Drop the view first and make it again at the end, or copy out, create under the final name and copy in, which renames nothing.",
			Bad:     "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);\nCREATE VIEW v AS SELECT a FROM t;\n-- then\nCREATE TABLE new_t(id INTEGER PRIMARY KEY, a TEXT NOT NULL);\nINSERT INTO new_t(id, a) SELECT id, a FROM t;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;",
			Good:    "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);\nCREATE VIEW v AS SELECT a FROM t;\n-- then\nDROP VIEW v;\nCREATE TABLE new_t(id INTEGER PRIMARY KEY, a TEXT NOT NULL);\nINSERT INTO new_t(id, a) SELECT id, a FROM t;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;\nCREATE VIEW v AS SELECT a FROM t;",
			Source:  "Run on D1's engine",
		}, viewBlocksRename},
		{Rule{
			Code: "D1-RB03", Name: "sequence-reset", Group: groupRebuilds, Severity: Warning,
			Summary: "A rebuild of an AUTOINCREMENT table that does not carry the counter over.",
			Why:     "The counter starts again at the highest id that is still there: ids of deleted rows are given out a second time.",
			Do:      "Keep the counter before the DROP and write it back into sqlite_sequence, which D1 allows.",
			Bad:     "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT);\n-- then\nCREATE TABLE new_t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL);\nINSERT INTO new_t(id, a) SELECT id, a FROM t;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;",
			Good:    "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT);\n-- then\nCREATE TABLE new_t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL);\nINSERT INTO new_t(id, a) SELECT id, a FROM t;\nUPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 't') WHERE name = 'new_t';\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;",
			Source:  "\"SQLite Autoincrement\"; run on D1's engine",
		}, sequenceReset},
		{Rule{
			Code: "D1-RB04", Name: "select-star-copy", Group: groupRebuilds, Severity: Warning,
			Summary: "A copy of a rebuild by SELECT *, or without the list of the columns that it fills.",
			Why:     "Columns are matched by their order: swapped ones are copied silently, and another number of them fails.",
			Do:      "Write both lists out.",
			Bad:     "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);\n-- then\nCREATE TABLE new_t(id INTEGER PRIMARY KEY, a TEXT NOT NULL);\nINSERT INTO new_t SELECT * FROM t;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;",
			Good:    "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);\n-- then\nCREATE TABLE new_t(id INTEGER PRIMARY KEY, a TEXT NOT NULL);\nINSERT INTO new_t(id, a) SELECT id, a FROM t;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;",
			Source:  "Run on D1's engine",
		}, selectStarCopy},
		{Rule{
			Code: "D1-RB05", Name: "quoted-ghost-column", Group: groupRebuilds, Severity: Error,
			Summary: "A copy that selects a double-quoted word which is no column. A warning where it looks as if a text was meant, and in an UPDATE, a DELETE or an index.",
			Why:     "D1 reads double-quoted words that name nothing as texts, so the word itself lands in every row. Tools that write migrations do this when a column is new.",
			Do:      "Leave the column out of the copy, or write the value that is meant.",
			Bad:     "CREATE TABLE t(id INTEGER PRIMARY KEY);\n-- then\nCREATE TABLE new_t(id INTEGER PRIMARY KEY, color TEXT);\nINSERT INTO new_t(\"id\", \"color\") SELECT \"id\", \"color\" FROM t;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;",
			Good:    "CREATE TABLE t(id INTEGER PRIMARY KEY);\n-- then\nCREATE TABLE new_t(id INTEGER PRIMARY KEY, color TEXT);\nINSERT INTO new_t(\"id\") SELECT \"id\" FROM t;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;",
			Source:  "drizzle-team/drizzle-orm#5360, #5822; run on D1's engine",
		}, quotedGhost},
	}
}

func rebuildChangesRules() []rule {
	return []rule{
		{Rule{
			Code: "D1-RB06", Name: "ctas-final", Group: groupRebuilds, Severity: Warning,
			Summary: "A table made by CREATE TABLE ... AS SELECT that stays.",
			Why:     "It has no primary key, NOT NULL, CHECK, DEFAULT or foreign key.",
			Do:      "Create the table with its columns and INSERT INTO it. A scratch copy is dropped in the same release.",
			Bad:     "CREATE TABLE a(id INTEGER PRIMARY KEY, x TEXT NOT NULL);\n-- then\nCREATE TABLE b AS SELECT * FROM a;",
			Good:    "CREATE TABLE a(id INTEGER PRIMARY KEY, x TEXT NOT NULL);\n-- then\nCREATE TABLE b(id INTEGER PRIMARY KEY, x TEXT NOT NULL);\nINSERT INTO b(id, x) SELECT id, x FROM a;",
			Source:  "\"CREATE TABLE\", 2.1, SQLite; run on D1's engine",
		}, tableFromQuery},
		{Rule{
			Code: "D1-RB07", Name: "rowid-change", Group: groupRebuilds, Severity: Warning,
			Summary: "A rebuild of a table without INTEGER PRIMARY KEY. Information where no full-text index goes by its rowids.",
			Why:     "The copy numbers rows anew. An FTS5 table with this content then points to other rows, silently.",
			Do:      "Build the full-text index anew after the copy: INSERT INTO f(f) VALUES('rebuild').",
			Bad:     "CREATE TABLE docs(id TEXT PRIMARY KEY, body TEXT);\nCREATE VIRTUAL TABLE docs_search USING fts5(body, content='docs');\n-- then\nCREATE TABLE new_docs(id TEXT PRIMARY KEY, body TEXT NOT NULL);\nINSERT INTO new_docs(id, body) SELECT id, body FROM docs;\nDROP TABLE docs;\nALTER TABLE new_docs RENAME TO docs;",
			Good:    "CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT);\n-- then\nCREATE TABLE new_docs(id INTEGER PRIMARY KEY, body TEXT NOT NULL);\nINSERT INTO new_docs(id, body) SELECT id, body FROM docs;\nDROP TABLE docs;\nALTER TABLE new_docs RENAME TO docs;",
			Source:  "\"SQLite FTS5 Extension\", 4.4.4; run on D1's engine",
		}, rowIDChange},
		{Rule{
			Code: "D1-RB08", Name: "affinity-change", Group: groupRebuilds, Severity: Warning,
			Summary: "A rebuild that gives a column a type of another affinity.",
			Why:     "Values are converted while they are copied: '007' becomes 7.",
			Do:      "Keep the type, or fill a new column with what is meant.",
			Bad:     "CREATE TABLE t(id INTEGER PRIMARY KEY, zip TEXT);\n-- then\nCREATE TABLE new_t(id INTEGER PRIMARY KEY, zip INTEGER);\nINSERT INTO new_t(id, zip) SELECT id, zip FROM t;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;",
			Good:    "CREATE TABLE t(id INTEGER PRIMARY KEY, zip TEXT);\n-- then\nCREATE TABLE new_t(id INTEGER PRIMARY KEY, zip VARCHAR(10));\nINSERT INTO new_t(id, zip) SELECT id, zip FROM t;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;",
			Source:  "\"Datatypes In SQLite\", 3; run on D1's engine",
		}, affinityChange},
		{Rule{
			Code: "D1-RB09", Name: "rebuild-count", Group: groupRebuilds, Severity: Error,
			Summary: "A copy of a rebuild that leaves rows behind. A warning where it has a condition and no row was seen to be left.",
			Why:     "What the copy leaves out goes with the DROP TABLE.",
			Do:      "Copy all rows; delete those that are to go by name, in an earlier migration.",
			Bad:     "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);\n-- then\nCREATE TABLE new_t(id INTEGER PRIMARY KEY, a TEXT NOT NULL);\nINSERT INTO new_t(id, a) SELECT id, a FROM t WHERE a IS NOT NULL;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;",
			Good:    "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);\n-- then\nCREATE TABLE new_t(id INTEGER PRIMARY KEY, a TEXT NOT NULL);\nINSERT INTO new_t(id, a) SELECT id, coalesce(a, '') FROM t;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;",
			Source:  "Run on D1's engine",
		}, rebuildCount},
	}
}
