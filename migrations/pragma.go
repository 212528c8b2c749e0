package migrations

// deferral is the pragma that puts foreign keys off until the end of the transaction.
const deferral = "defer_foreign_keys"

// settings are the pragmas that D1 lets a migration set and that outlive its transaction, on the connection. All of
// them are off by default on D1.
var settings = [...]string{
	"case_sensitive_like", "ignore_check_constraints", "legacy_alter_table", "recursive_triggers", "reverse_unordered_selects",
}

// pragmaOf returns the lower-case name of the pragma that the statement names, in whatever form; else "". EXPLAIN in
// front does not count, since SQLite sets such pragmas while it compiles.
func pragmaOf(sql string) string {
	list, _ := tokens(sql)
	i := 0
	if i < len(list) && list[i].is(sql, "EXPLAIN") {
		i++
		if i+1 < len(list) && list[i].is(sql, "QUERY") && list[i+1].is(sql, "PLAN") {
			i += 2
		}
	}
	if i+1 >= len(list) || !list[i].is(sql, "PRAGMA") {
		return ""
	}
	i++
	if i+2 < len(list) && list[i+1].text(sql) == "." {
		i += 2
	}
	return Fold(Unquote(list[i].text(sql)))
}
