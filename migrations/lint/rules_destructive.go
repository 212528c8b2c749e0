package lint

func destructiveRules() []rule {
	const users = "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, fax TEXT, plan TEXT);\n"
	const trigger = "CREATE TABLE t(id INTEGER PRIMARY KEY, b TEXT);\nCREATE TABLE o(id INTEGER PRIMARY KEY);\nCREATE TRIGGER g AFTER INSERT ON o BEGIN UPDATE t SET b = 1 WHERE id = new.id; END;\n"
	const view = "CREATE TABLE t(id INTEGER PRIMARY KEY, b TEXT);\nCREATE VIEW v AS SELECT b FROM t;\n"
	return []rule{
		{Rule{
			Code: "D1-DS01", Name: "drop-table", Group: groupDestructive, Severity: Error,
			Summary: "A table with data is dropped and not rebuilt.",
			Why:     "Only the restore point from before the release brings the rows back, and with it every write since is lost.",
			Do:      "Ship code that does not use the table; drop it in a later release, with -- towline:contract of=NNNN.",
			Bad:     users + exampleThen + "DROP TABLE users;",
			Good:    users + exampleThen + "CREATE TABLE scratch(id INTEGER PRIMARY KEY);\nDROP TABLE scratch;",
			Source:  "\"Time Travel and backups\", D1 docs",
		}, dropTable},
		{Rule{
			Code: "D1-DS02", Name: "drop-column", Group: groupDestructive, Severity: Error,
			Summary: "A column goes, by ALTER TABLE or in a rebuild that does not copy it.",
			Why:     "Its values are gone, and D1 reads and writes every row of the table.",
			Do:      "Ship code that does not use the column; drop it in a later release, with -- towline:contract of=NNNN.",
			Bad:     users + exampleThen + "ALTER TABLE users DROP COLUMN fax;",
			Good:    users + exampleThen + "-- towline:contract of=0001\nALTER TABLE users DROP COLUMN fax;",
			Source:  "Measured on D1's engine: 10,030 rows read and 10,005 written for a table of 10,000",
		}, dropColumn},
		{Rule{
			Code: "D1-DS03", Name: "drop-column-in-trigger", Group: groupDestructive, Severity: Error,
			Summary: "A dropped column is used by a trigger of another table.",
			Why:     "The DROP passes, and the next write that fires the trigger fails: no such column.",
			Do:      "Drop the trigger before, and make it again without the column.",
			Bad:     trigger + exampleThen + "ALTER TABLE t DROP COLUMN b;",
			Good:    trigger + exampleThen + "DROP TRIGGER g;\nALTER TABLE t DROP COLUMN b;",
			Source:  "Run on D1's engine",
		}, brokenTriggers},
		{Rule{
			Code: "D1-DS04", Name: "drop-table-in-use", Group: groupDestructive, Severity: Error,
			Summary: "A dropped table or view is mentioned by a view, or by a trigger of another table, that stays.",
			Why:     "The DROP passes; later RENAME and DROP COLUMN statements on any table fail with error in view v.",
			Do:      "Drop the view or trigger as well.",
			Bad:     view + exampleThen + "DROP TABLE t;",
			Good:    view + exampleThen + "DROP VIEW v;\nDROP TABLE t;",
			Source:  "Run on D1's engine",
		}, tableInUse},
		{Rule{
			Code: "D1-DS05", Name: "dml-without-where", Group: groupDestructive, Severity: Warning,
			Summary: "An UPDATE or DELETE of every row, also one where 1 = 1. An error for DELETE, and for UPDATE where the table is known to be large.",
			Why:     "D1 serves one query at a time and stops each after 30 seconds.",
			Do:      "Use a backfill block, or say which rows are meant.",
			Bad:     users + exampleThen + "UPDATE users SET plan = 'free';",
			Good:    users + exampleThen + "UPDATE users SET plan = 'free' WHERE id = 7;",
			Source:  "\"Limits\", D1 docs",
		}, wholeTable},
		{Rule{
			Code: "D1-DS06", Name: "replace-into-parent", Group: groupDestructive, Severity: Error,
			Summary: "REPLACE, INSERT OR REPLACE or UPDATE OR REPLACE of a table to which others refer with an ON DELETE action; also INSERT where a key says ON CONFLICT REPLACE itself.",
			Why:     "It deletes the row in its way first, so the children of that row go too.",
			Do:      "Use INSERT ... ON CONFLICT DO UPDATE.",
			Bad:     exampleUsers + exampleSessions + exampleThen + "REPLACE INTO users(id, name) VALUES (1, 'x');",
			Good:    exampleUsers + exampleSessions + exampleThen + "INSERT INTO users(id, name) VALUES (1, 'x') ON CONFLICT(id) DO UPDATE SET name = excluded.name;",
			Source:  "\"ON CONFLICT\", SQLite; run on D1's engine",
		}, replaceIntoParent},
	}
}
