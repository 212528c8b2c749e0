package lint_test

import "testing"

func TestADropThatTakesRowsOfOtherTablesAlongIsAnError(t *testing.T) {
	family := "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT);\nCREATE TABLE sessions(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id) ON DELETE CASCADE);"
	testRule(t, "D1-FK01", []ruleCase{
		{name: "a parent with a cascading child", base: family, sql: "DROP TABLE users;", fires: true, table: "sessions"},
		{name: "a child", base: family, sql: "DROP TABLE sessions;"},
	})
}
