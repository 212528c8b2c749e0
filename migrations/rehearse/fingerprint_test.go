package rehearse_test

import (
	"testing"

	"towline/migrations"
	"towline/migrations/rehearse"
)

func TestFingerprintsAreEqualForWhatIsTheSameSchema(t *testing.T) {
	object := func(kind, name, table, sql string) migrations.Object {
		return migrations.Object{Type: kind, Name: name, Table: table, SQL: sql}
	}
	base := object("table", "users", "users", "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT DEFAULT 'It''s', \"order by\" INT)")
	index := object("index", "i", "users", "CREATE INDEX i ON users(name)")
	tests := []struct {
		name string
		a, b []migrations.Object
		same bool
	}{
		{"another order", []migrations.Object{base, index}, []migrations.Object{index, base}, true},
		{
			"blanks, comments, case and quotes", []migrations.Object{base},
			[]migrations.Object{object("table", "Users", "Users", "create table\t[USERS](\n  `id` integer primary key, -- the key\n  \"name\" text default 'It''s',/* odd */\"order by\" int)")}, true,
		},
		{
			"what belongs to SQLite, Cloudflare and the ledger", []migrations.Object{base},
			[]migrations.Object{
				base, object("table", "sqlite_sequence", "sqlite_sequence", "CREATE TABLE sqlite_sequence(name,seq)"),
				object("table", "_cf_KV", "_cf_KV", "CREATE TABLE _cf_KV(a)"), object("index", "sqlite_autoindex_d1_migrations_1", "d1_migrations", ""),
				object("table", "d1_migrations", "d1_migrations", "CREATE TABLE d1_migrations(id)"), object("index", "mine", "D1_Migrations", "CREATE INDEX mine ON d1_migrations(id)"),
			}, true,
		},
		{"another text in a string", []migrations.Object{base}, []migrations.Object{object("table", "users", "users", "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT DEFAULT 'it''s', \"order by\" INT)")}, false},
		{"words run together", []migrations.Object{object("table", "t", "t", "CREATE TABLE t(a b)")}, []migrations.Object{object("table", "t", "t", "CREATE TABLE t(ab)")}, false},
		{"another column", []migrations.Object{object("table", "t", "t", "CREATE TABLE t(a)")}, []migrations.Object{object("table", "t", "t", "CREATE TABLE t(b)")}, false},
		{"an index less", []migrations.Object{base, index}, []migrations.Object{base}, false},
		{"a quote that is never closed", []migrations.Object{object("view", "v", "v", "CREATE VIEW v AS SELECT 'a")}, []migrations.Object{object("view", "v", "v", "CREATE VIEW v AS SELECT 'A")}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := rehearse.Fingerprint(tt.a, "") == rehearse.Fingerprint(tt.b, "d1_migrations"); got != tt.same {
				t.Errorf("same %t, want %t", got, tt.same)
			}
		})
	}
}
