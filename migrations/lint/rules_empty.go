package lint

const exampleOrders = "CREATE TABLE q(id INTEGER PRIMARY KEY);\nCREATE TABLE orders(id INTEGER PRIMARY KEY, b TEXT, email TEXT);\n"

func emptyRules() []rule { return append(columnsRowsRefuseRules(), constraintRules()...) }

func columnsRowsRefuseRules() []rule {
	const orders = exampleOrders
	return []rule{
		{Rule{
			Code: "D1-MF01", Name: "not-null-no-default", Group: groupEmpty, Severity: Error,
			Summary: "ADD COLUMN NOT NULL without a default.",
			Why:     "An empty table takes it, one with rows refuses: Cannot add a NOT NULL column with default value NULL.",
			Do:      "Add it with a constant default; or nullable, then fill it, then tighten it by a guarded rebuild.",
			Bad:     orders + exampleThen + "ALTER TABLE orders ADD COLUMN region TEXT NOT NULL;",
			Good:    orders + exampleThen + "ALTER TABLE orders ADD COLUMN region TEXT NOT NULL DEFAULT 'eu';",
			Source:  "\"ALTER TABLE\", 4, SQLite; run on D1's engine",
		}, addColumnRule([]string{"Cannot add a NOT NULL column"}, "On an empty database it passes.", "Give it a constant default, or add it nullable, fill it and tighten it later.")},
		{Rule{
			Code: "D1-MF02", Name: "non-constant-default", Group: groupEmpty, Severity: Error,
			Summary: "ADD COLUMN with an expression or CURRENT_TIMESTAMP as its default.",
			Why:     "An empty table takes it, one with rows refuses: Cannot add a column with non-constant default.",
			Do:      "Add it nullable or with a literal, and let the code or a trigger set the value.",
			Bad:     orders + exampleThen + "ALTER TABLE orders ADD COLUMN seen_at TEXT DEFAULT CURRENT_TIMESTAMP;",
			Good:    orders + exampleThen + "ALTER TABLE orders ADD COLUMN seen_at TEXT DEFAULT '2026-01-01 00:00:00';",
			Source:  "\"ALTER TABLE\", 4, SQLite; run on D1's engine",
		}, addColumnRule([]string{"non-constant default"}, "On an empty database it passes.", "Add it nullable or with a literal, fill it in batches, and let the code set the value.")},
		{Rule{
			Code: "D1-MF03", Name: "references-default", Group: groupEmpty, Severity: Error,
			Summary: "ADD COLUMN with REFERENCES and a default other than NULL, or a STORED generated column.",
			Why:     "An empty table takes it, one with rows refuses.",
			Do:      "Leave the default out and fill the column; make a generated column VIRTUAL.",
			Bad:     orders + exampleThen + "ALTER TABLE orders ADD COLUMN p INTEGER DEFAULT 1 REFERENCES q(id);",
			Good:    orders + exampleThen + "ALTER TABLE orders ADD COLUMN p INTEGER DEFAULT NULL REFERENCES q(id);",
			Source:  "\"ALTER TABLE\", 4, SQLite; run on D1's engine",
		}, addColumnRule([]string{"Cannot add a REFERENCES column", "cannot add a STORED column"}, "On an empty database it passes.", "Leave the default out and fill the column in batches; make a generated column VIRTUAL.")},
	}
}

func constraintRules() []rule {
	const orders = exampleOrders
	const states = "CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT CHECK (s IN ('a', 'b')));\n"
	const copyStates = "INSERT INTO new_t(id, s) SELECT id, s FROM t;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;"
	return []rule{
		{Rule{
			Code: "D1-MF04", Name: "unique-on-data", Group: groupEmpty, Severity: Warning,
			Summary: "CREATE UNIQUE INDEX on a table that was there before. An error where the copy of the data has duplicates.",
			Why:     "The first duplicate fails it. Several NULLs are none.",
			Do:      "Assert before it that there are no duplicates.",
			Bad:     orders + exampleThen + "CREATE UNIQUE INDEX orders_email ON orders(email);",
			Good:    orders + exampleThen + "-- towline:assert SELECT NOT EXISTS (SELECT 1 FROM orders GROUP BY email HAVING count(*) > 1)\nCREATE UNIQUE INDEX orders_email ON orders(email);",
			Source:  "Run on D1's engine",
		}, uniqueOnData},
		{Rule{
			Code: "D1-MF05", Name: "tighten-constraint", Group: groupEmpty, Severity: Warning,
			Summary: "A rebuild with a new or narrower CHECK, a column that becomes NOT NULL, a new UNIQUE or foreign key, a coarser COLLATE under one that was there, or STRICT.",
			Why:     "A row that breaks it fails the copy; under ignore_check_constraints it stays and only quick_check shows it.",
			Do:      "Mend the rows in an earlier migration and assert that none is left.",
			Bad:     states + exampleThen + "CREATE TABLE new_t(id INTEGER PRIMARY KEY, s TEXT CHECK (s IN ('a', 'c')));\n" + copyStates,
			Good:    states + exampleThen + "CREATE TABLE new_t(id INTEGER PRIMARY KEY, s TEXT CHECK (s IN ('a', 'b', 'c')));\n" + copyStates,
			Source:  "Run on D1's engine",
		}, tightened},
		{Rule{
			Code: "D1-MF06", Name: "add-unique-column", Group: groupEmpty, Severity: Error,
			Summary: "ADD COLUMN with UNIQUE or PRIMARY KEY.",
			Why:     "SQLite always refuses it, also on an empty table.",
			Do:      "Add the column, then make a UNIQUE index.",
			Bad:     orders + exampleThen + "ALTER TABLE orders ADD COLUMN handle TEXT UNIQUE;",
			Good:    orders + exampleThen + "ALTER TABLE orders ADD COLUMN handle TEXT;\nCREATE UNIQUE INDEX orders_handle ON orders(handle);",
			Source:  "\"ALTER TABLE\", 4, SQLite; run on D1's engine",
		}, addUnique},
		{Rule{
			Code: "D1-MF07", Name: "undroppable-column", Group: groupEmpty, Severity: Error,
			Summary: "DROP COLUMN of one that is in a key, an index, a table's CHECK, a foreign key, a view or a trigger of the table.",
			Why:     "SQLite refuses it.",
			Do:      "Drop the index first; for the others rebuild the table (towline rebuild TABLE).",
			Bad:     orders + "CREATE INDEX i ON orders(b);\n" + exampleThen + "ALTER TABLE orders DROP COLUMN b;",
			Good:    orders + "CREATE INDEX i ON orders(b);\n" + exampleThen + "DROP INDEX i;\nALTER TABLE orders DROP COLUMN b;",
			Source:  "\"ALTER TABLE\", 5, SQLite; run on D1's engine",
		}, undroppable},
	}
}
