package lint

// family is the schema of the examples: a parent and a cascading child.
const (
	exampleUsers    = "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT);\n"
	exampleSessions = "CREATE TABLE sessions(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id) ON DELETE CASCADE);\nCREATE INDEX sessions_user ON sessions(user_id);\n"
	examplePlans    = "CREATE TABLE plans(id INTEGER PRIMARY KEY, name TEXT);\nCREATE TABLE orders(id INTEGER PRIMARY KEY, plan_id INTEGER REFERENCES plans(id));\nCREATE INDEX orders_plan ON orders(plan_id);\n"
	exampleThen     = "-- then\n"
)

func foreignKeyRules() []rule { return append(keysAtDropRules(), keysLeftRules()...) }

func keysAtDropRules() []rule {
	return []rule{
		{Rule{
			Code: "D1-FK01", Name: "cascade-on-drop", Group: groupForeignKeys, Severity: Error,
			Summary: "A DROP TABLE, also inside a rebuild, that deletes or changes rows of another table.",
			Why:     "SQLite deletes the rows of a table before it drops it, and foreign keys cannot be switched off on D1, so ON DELETE CASCADE, SET NULL and SET DEFAULT act on every child row. The tool that applies the file prints success.",
			Do:      "Rebuild with guard triggers on the children (towline rebuild TABLE). Where the rows are to go, give the child another CREATE TABLE or drop it first.",
			Bad:     exampleUsers + exampleSessions + exampleThen + "CREATE TABLE new_users(id INTEGER PRIMARY KEY, name TEXT NOT NULL);\nINSERT INTO new_users(id, name) SELECT id, name FROM users;\nDROP TABLE users;\nALTER TABLE new_users RENAME TO users;",
			Good:    exampleUsers + exampleSessions + exampleThen + "DROP TABLE sessions;",
			Source:  "cloudflare/workers-sdk#5438, drizzle-team/drizzle-orm#4938; run on D1's engine",
		}, cascadeOnDrop},
		{Rule{
			Code: "D1-FK02", Name: "foreign-keys-pragma", Group: groupForeignKeys, Severity: Warning,
			Summary: "PRAGMA foreign_keys = OFF. An error where a DROP TABLE in the same file takes rows along.",
			Why:     "D1 answers OK and changes nothing: foreign keys stay on. What the author wanted to hold off happens.",
			Do:      "Remove the pragma. PRAGMA defer_foreign_keys = ON puts checks off until the end of the transaction; it does not stop ON DELETE actions.",
			Bad:     exampleUsers + exampleThen + "PRAGMA foreign_keys = OFF;\nALTER TABLE users ADD COLUMN age INTEGER;",
			Good:    exampleUsers + exampleThen + "PRAGMA defer_foreign_keys = ON;\nALTER TABLE users ADD COLUMN age INTEGER;",
			Source:  "Run on D1's engine",
		}, foreignKeysPragma},
		{Rule{
			Code: "D1-FK03", Name: "defer-off", Group: groupForeignKeys, Severity: Error,
			Summary: "PRAGMA defer_foreign_keys = OFF without an assertion that there are no violations.",
			Why:     "It sets the count of violations to zero, so that rows which refer to nothing are committed.",
			Do:      "Leave the line out: the pragma resets itself at the end of the transaction. Where it has to stay, assert before it that pragma_foreign_key_check is empty.",
			Bad:     examplePlans + exampleThen + "PRAGMA defer_foreign_keys = ON;\nUPDATE orders SET plan_id = 7 WHERE id = 1;\nPRAGMA defer_foreign_keys = OFF;",
			Good:    examplePlans + exampleThen + "PRAGMA defer_foreign_keys = ON;\nUPDATE orders SET plan_id = 7 WHERE id = 1;\n" + assertTable + "INSERT INTO \"__assert\" SELECT 'foreign keys', NOT EXISTS (SELECT 1 FROM pragma_foreign_key_check);\nDROP TABLE \"__assert\";\nPRAGMA defer_foreign_keys = OFF;",
			Source:  "Run on D1's engine",
		}, deferOff},
		{Rule{
			Code: "D1-FK04", Name: "rebuild-order", Group: groupForeignKeys, Severity: Error,
			Summary: "A DROP TABLE that rows of a child with NO ACTION or RESTRICT refuse, most often in a rebuild by create, copy, drop and rename.",
			Why:     "Under defer_foreign_keys = ON the end of the transaction fails, and D1 reports it like an outage; without it the DROP fails. On an empty database both pass.",
			Do:      "Copy the rows out, drop, create the table under its own name and copy the rows in (towline rebuild TABLE).",
			Bad:     examplePlans + exampleThen + "PRAGMA defer_foreign_keys = ON;\nCREATE TABLE new_plans(id INTEGER PRIMARY KEY, name TEXT NOT NULL);\nINSERT INTO new_plans(id, name) SELECT id, name FROM plans;\nDROP TABLE plans;\nALTER TABLE new_plans RENAME TO plans;",
			Good:    examplePlans + exampleThen + "PRAGMA defer_foreign_keys = ON;\nCREATE TABLE plans_copy AS SELECT id, name FROM plans;\nDROP TABLE plans;\nCREATE TABLE plans(id INTEGER PRIMARY KEY, name TEXT NOT NULL);\nINSERT INTO plans(id, name) SELECT id, name FROM plans_copy;\nDROP TABLE plans_copy;",
			Source:  "cloudflare/workers-sdk#5108; run on D1's engine",
		}, rebuildOrder},
		{Rule{
			Code: "D1-FK05", Name: "self-reference", Group: groupForeignKeys, Severity: Error,
			Summary: "A rebuild whose new copy refers to the old table by name.",
			Why:     "Dropping the old table then deletes rows of the new copy (CASCADE), or is refused.",
			Do:      "Let the copy refer to itself, or copy out and in (towline rebuild TABLE).",
			Bad:     "CREATE TABLE node(id INTEGER PRIMARY KEY, up INTEGER REFERENCES node(id) ON DELETE CASCADE);\n-- then\nCREATE TABLE new_node(id INTEGER PRIMARY KEY, up INTEGER REFERENCES node(id) ON DELETE CASCADE, name TEXT);\nINSERT INTO new_node(id, up) SELECT id, up FROM node;\nDROP TABLE node;\nALTER TABLE new_node RENAME TO node;",
			Good:    "CREATE TABLE node(id INTEGER PRIMARY KEY, up INTEGER REFERENCES node(id) ON DELETE CASCADE);\n-- then\nCREATE TABLE new_node(id INTEGER PRIMARY KEY, up INTEGER REFERENCES new_node(id) ON DELETE CASCADE, name TEXT);\nINSERT INTO new_node(id, up) SELECT id, up FROM node;\nDROP TABLE node;\nALTER TABLE new_node RENAME TO node;",
			Source:  "Run on D1's engine",
		}, selfReference},
	}
}

func keysLeftRules() []rule {
	return []rule{
		{Rule{
			Code: "D1-FK06", Name: "restore-without-delete", Group: groupForeignKeys, Severity: Warning,
			Summary: "Children saved before a cascade and put back after it, without emptying the table in between.",
			Why:     "Rows whose foreign key is NULL survive the cascade, so putting all rows back meets them: UNIQUE constraint failed.",
			Do:      "DELETE FROM the child before the rows come back, or use guard triggers instead (towline rebuild TABLE).",
			Bad:     exampleUsers + exampleSessions + exampleThen + "CREATE TABLE kept AS SELECT * FROM sessions;\nCREATE TABLE new_users(id INTEGER PRIMARY KEY, name TEXT NOT NULL);\nINSERT INTO new_users(id, name) SELECT id, name FROM users;\nDROP TABLE users;\nALTER TABLE new_users RENAME TO users;\nINSERT INTO sessions(id, user_id) SELECT id, user_id FROM kept;\nDROP TABLE kept;",
			Good:    exampleUsers + exampleSessions + exampleThen + "CREATE TABLE kept AS SELECT * FROM sessions;\nDELETE FROM sessions;\nCREATE TABLE new_users(id INTEGER PRIMARY KEY, name TEXT NOT NULL);\nINSERT INTO new_users(id, name) SELECT id, name FROM users;\nDROP TABLE users;\nALTER TABLE new_users RENAME TO users;\nINSERT INTO sessions(id, user_id) SELECT id, user_id FROM kept;\nDROP TABLE kept;",
			Source:  "Run on D1's engine",
		}, restoreWithoutDelete},
		{Rule{
			Code: "D1-FK07", Name: "fk-without-index", Group: groupForeignKeys, Severity: Warning,
			Summary: "A parent is dropped, rebuilt or emptied while a child's foreign key has no index. An error where the numbers of rows say that it takes longer than D1 allows.",
			Why:     "Each parent row costs a scan of the child: 8,000 parents and 80,000 children take 48 seconds and more, against 0.6 seconds for 200,000 and a million with an index. D1 stops a call after 30 seconds.",
			Do:      "Make an index that begins with the foreign key in an earlier migration.",
			Bad:     exampleUsers + "CREATE TABLE invoices(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id));\n" + exampleThen + "DELETE FROM users;",
			Good:    exampleUsers + "CREATE TABLE invoices(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id));\nCREATE INDEX invoices_user ON invoices(user_id);\n" + exampleThen + "DELETE FROM users;",
			Source:  "\"SQLite Foreign Key Support\", 3; \"Limits\", D1 docs; measured",
		}, unindexedKey},
		{Rule{
			Code: "D1-FK08", Name: "parent-key-late", Group: groupForeignKeys, Severity: Error,
			Summary: "Rows go into a parent whose key has no UNIQUE index at that moment.",
			Why:     "SQLite needs the index to look children up: foreign key mismatch.",
			Do:      "Write UNIQUE or PRIMARY KEY inside CREATE TABLE.",
			Bad:     "CREATE TABLE p(a INTEGER, b INTEGER, UNIQUE(a, b));\nCREATE TABLE c(x INTEGER, y INTEGER, FOREIGN KEY (x, y) REFERENCES p(a, b));\n-- then\nPRAGMA defer_foreign_keys = ON;\nCREATE TABLE p_copy AS SELECT a, b FROM p;\nDROP TABLE p;\nCREATE TABLE p(a INTEGER, b INTEGER);\nINSERT INTO p(a, b) SELECT a, b FROM p_copy;\nCREATE UNIQUE INDEX p_ab ON p(a, b);\nDROP TABLE p_copy;",
			Good:    "CREATE TABLE p(a INTEGER, b INTEGER, UNIQUE(a, b));\nCREATE TABLE c(x INTEGER, y INTEGER, FOREIGN KEY (x, y) REFERENCES p(a, b));\n-- then\nPRAGMA defer_foreign_keys = ON;\nCREATE TABLE p_copy AS SELECT a, b FROM p;\nDROP TABLE p;\nCREATE TABLE p(a INTEGER, b INTEGER, UNIQUE(a, b));\nINSERT INTO p(a, b) SELECT a, b FROM p_copy;\nDROP TABLE p_copy;",
			Source:  "\"SQLite Foreign Key Support\", 3; run on D1's engine",
		}, parentKeyLate},
		{Rule{
			Code: "D1-FK09", Name: "dangling-fk", Group: groupForeignKeys, Severity: Error,
			Summary: "A foreign key that refers to a table or column which is not there after the file, nor after the files behind it, or to columns that are no key.",
			Why:     "Every write to the child fails, even a DELETE: no such table, or foreign key mismatch where the columns have neither a PRIMARY KEY nor a UNIQUE index of their own. RENAME takes the foreign keys of children along, so that a DROP of the renamed table leaves them behind.",
			Do:      "Rebuild without renaming the old table away (towline rebuild TABLE).",
			Bad:     examplePlans + exampleThen + "ALTER TABLE plans RENAME TO plans_old;\nCREATE TABLE plans(id INTEGER PRIMARY KEY, name TEXT);\nINSERT INTO plans(id, name) SELECT id, name FROM plans_old;\nDROP TABLE plans_old;",
			Good:    examplePlans + exampleThen + "ALTER TABLE plans RENAME TO tariffs;",
			Source:  "Run on D1's engine",
		}, danglingKeys},
	}
}
