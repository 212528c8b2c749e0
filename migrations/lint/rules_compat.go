package lint

func compatRules() []rule {
	const users = "CREATE TABLE users(id INTEGER PRIMARY KEY, nm TEXT, fax TEXT);\n"
	return []rule{
		{Rule{
			Code: "D1-BC01", Name: "rename", Group: groupCompat, Severity: Error,
			Summary: "A table or column gets another name in one step.",
			Why:     "Workers of the release before break until the new version is everywhere, and again after a rollback. A view in its place refuses UPSERT and returns no ids.",
			Do:      "Add the new one, keep both in step with triggers, move the code, drop the old one later.",
			Bad:     users + exampleThen + "ALTER TABLE users RENAME COLUMN nm TO name;",
			Good:    users + exampleThen + "ALTER TABLE users ADD COLUMN name TEXT;",
			Source:  "Run on D1's engine",
		}, renameInPlace},
		{Rule{
			Code: "D1-BC02", Name: "add-and-drop-together", Group: groupCompat, Severity: Error,
			Summary: "One release adds a column to a table and takes another from it.",
			Why:     "Neither the old code nor the new one runs on both sides of the release.",
			Do:      "Drop in a later release, after the last version that uses the old column.",
			Bad:     users + exampleThen + "ALTER TABLE users ADD COLUMN name TEXT;\nALTER TABLE users DROP COLUMN nm;",
			Good:    users + exampleThen + "ALTER TABLE users ADD COLUMN name TEXT;",
			Source:  "Towline",
		}, addAndDrop},
		{Rule{
			Code: "D1-BC03", Name: "positional-insert", Group: groupCompat, Severity: Warning,
			Summary:   "ADD COLUMN to a table that the code fills by INSERT INTO t VALUES (...) without a list of columns. Found where the code of a release is known.",
			Why:       "That code fails: table t has 3 columns but 2 values were supplied.",
			Do:        "Write the columns out in the code first.",
			BadFiles:  "The Worker has `INSERT INTO users VALUES (?1, ?2)`, and the migration\n\n    ALTER TABLE users ADD COLUMN nick TEXT;",
			GoodFiles: "The Worker has `INSERT INTO users(id, name) VALUES (?1, ?2)`.",
			Source:    "Run on D1's engine",
		}, positionalInsert},
		{Rule{
			Code: "D1-BC04", Name: "contract-not-verified", Group: groupCompat, Severity: Error,
			Summary:   "A table or column goes while the live code, or the code that a rollback returns to, names it. Found where the code of releases is known.",
			Why:       "Rolling the code back becomes impossible.",
			Do:        "Let it go when neither version mentions it.",
			BadFiles:  "The live Worker reads `users.fax`, and the migration has\n\n    ALTER TABLE users DROP COLUMN fax;",
			GoodFiles: "The same migration, once neither the live Worker nor the one before it mentions fax.",
			Source:    "Towline",
		}, contractNotVerified},
	}
}
