package advise_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/migrations/advise"
	"towline/migrations/rehearse"
	"towline/migrations/sqlite"
)

// shop is the schema of an app with the forms that apps have.
func shop() []string {
	return []string{
		"CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL, name TEXT, status TEXT NOT NULL DEFAULT 'active', team_id INTEGER REFERENCES teams(id), created_at INTEGER, deleted_at INTEGER)",
		"CREATE TABLE teams (id INTEGER PRIMARY KEY, slug TEXT COLLATE NOCASE UNIQUE, plan TEXT)",
		"CREATE TABLE posts (id INTEGER PRIMARY KEY AUTOINCREMENT, author_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE, title TEXT, body TEXT, status TEXT, meta TEXT, score REAL, created_at INTEGER NOT NULL)",
		"CREATE INDEX posts_status ON posts (status)",
		"CREATE TABLE comments (id TEXT PRIMARY KEY, post_id INTEGER NOT NULL, user_id INTEGER NOT NULL, text TEXT, created_at TEXT)",
		"CREATE TABLE settings (team_id INTEGER, key TEXT, value TEXT, PRIMARY KEY (team_id, key)) WITHOUT ROWID",
		"CREATE TABLE jobs (id INTEGER PRIMARY KEY, state TEXT NOT NULL, run_at INTEGER NOT NULL, payload TEXT)",
		"CREATE TABLE \"order\" (id INTEGER PRIMARY KEY, \"group\" TEXT, total REAL)",
		"CREATE VIRTUAL TABLE posts_fts USING fts5(title, body, content='posts', content_rowid='id')",
		"CREATE VIEW active_users AS SELECT id, email, created_at FROM users WHERE deleted_at IS NULL",
		"CREATE TRIGGER posts_ai AFTER INSERT ON posts BEGIN INSERT INTO posts_fts(rowid, title, body) VALUES (new.id, new.title, new.body); END",
	}
}

// rows fills it: 2,000 users in 20 teams, 6,000 posts, 10,000 comments, 3,000 jobs of which 30 wait.
func rows() []string {
	n := func(most int) string {
		return fmt.Sprintf("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < %d) ", most)
	}
	return []string{
		n(20) + "INSERT INTO teams SELECT x, 'team' || x, 'free' FROM n",
		n(2000) + "INSERT INTO users SELECT x, 'user' || x || '@example.com', 'User ' || x, CASE WHEN x % 50 THEN 'active' ELSE 'blocked' END, x % 20 + 1, x * 60, CASE WHEN x % 10 THEN NULL ELSE x END FROM n",
		n(6000) + "INSERT INTO posts (id, author_id, title, body, status, meta, score, created_at) SELECT x, x % 2000 + 1, 'Post ' || x, 'Text', CASE WHEN x % 4 THEN 'live' ELSE 'draft' END, '{\"lang\":\"' || (x % 7) || '\"}', x % 100, x * 30 FROM n",
		n(10000) + "INSERT INTO comments SELECT 'c' || x, x % 6000 + 1, x % 2000 + 1, 'Words', datetime(x * 100, 'unixepoch') FROM n",
		n(3000) + "INSERT INTO jobs SELECT x, CASE WHEN x % 100 THEN 'done' ELSE 'waiting' END, x, '' FROM n",
		n(20) + "INSERT INTO settings SELECT x, 'theme', 'dark' FROM n",
	}
}

// build makes a database of statements and returns its schema and, with data, the path of its file.
func build(t *testing.T, statements ...string) (rehearse.Target, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.db")
	c, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, sql := range statements {
		if _, err := c.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	objects, err := c.Objects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rehearse.Target{Objects: objects}, path
}

// filled is the shop with its rows; without, where time is short: under the race detector SQLite takes twenty times as long.
func filled(t *testing.T) (rehearse.Target, string) {
	t.Helper()
	if testing.Short() {
		return build(t, shop()...)
	}
	return build(t, append(shop(), rows()...)...)
}

// open opens an advisor, which counts for as long as it likes unless the test says otherwise: the machine may be busy.
func open(t *testing.T, target rehearse.Target, o advise.Options) *advise.Advisor {
	t.Helper()
	if o.Within == 0 {
		o.Within = time.Hour
	}
	a, err := advise.Open(t.Context(), target, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func try(t *testing.T, a *advise.Advisor, sql string) advise.Advice {
	t.Helper()
	advice, err := a.Try(t.Context(), advise.Query{SQL: sql})
	if err != nil {
		t.Fatal(err)
	}
	return advice
}

// first is the SQL of the best suggestion.
func first(a advise.Advice) string {
	if a.Refused != "" {
		return "refused: " + a.Refused
	}
	if len(a.Suggestions) == 0 {
		return ""
	}
	var list []string
	for _, i := range a.Suggestions[0].Indexes {
		list = append(list, i.SQL())
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// asked are queries as apps send them, with the index that each lacks on an empty schema and on the data.
func asked() []struct{ name, sql, schema, data string } {
	return []struct{ name, sql, schema, data string }{
		{"a column compared with a parameter", "SELECT * FROM users WHERE email = ?", "CREATE INDEX users_email ON users (email);", ""},
		{"a name in quotes and an alias", `SELECT "u"."id" FROM "users" AS "u" WHERE "u"."email" = ?1 LIMIT 1`, "CREATE INDEX users_email ON users (email);", ""},
		{"the primary key", "SELECT * FROM users WHERE id = ?", "none", ""},
		{"a UNIQUE column", "SELECT * FROM teams WHERE slug = ?", "none", ""},
		{"two columns, of which one has an index", "SELECT * FROM posts WHERE status = ? AND author_id = ?", "CREATE INDEX posts_status_author_id ON posts (status, author_id);", "CREATE INDEX posts_author_id ON posts (author_id);"},
		{"the newest of somebody's", "SELECT * FROM posts WHERE author_id = ? ORDER BY created_at DESC LIMIT 20", "CREATE INDEX posts_author_id_created_at ON posts (author_id, created_at);", ""},
		{"the newest of all", "SELECT * FROM posts ORDER BY created_at DESC LIMIT 20", "CREATE INDEX posts_created_at ON posts (created_at);", ""},
		{"pages by two columns in two directions", "SELECT * FROM posts ORDER BY score DESC, created_at ASC LIMIT ? OFFSET 40", "CREATE INDEX posts_score_created_at ON posts (score DESC, created_at);", ""},
		{"an order that ends with the key", "SELECT id FROM posts WHERE author_id = ? ORDER BY created_at DESC, id DESC LIMIT 5", "CREATE INDEX posts_author_id_created_at ON posts (author_id, created_at);", ""},
		{"a join without an index on its inner side", "SELECT p.title, c.text FROM posts p JOIN comments c ON c.post_id = p.id WHERE p.id = ?", "CREATE INDEX comments_post_id ON comments (post_id);", ""},
		{"a LEFT JOIN that counts", "SELECT u.id, count(p.id) FROM users u LEFT JOIN posts p ON p.author_id = u.id WHERE u.id = ? GROUP BY u.id", "CREATE INDEX posts_author_id ON posts (author_id);", ""},
		{"a subquery for each row", "SELECT u.*, (SELECT max(p.created_at) FROM posts p WHERE p.author_id = u.id) FROM users u WHERE u.id IN (1, 2, 3)", "CREATE INDEX posts_author_id_created_at ON posts (author_id, created_at);", "-"},
		{"EXISTS", "SELECT * FROM teams t WHERE EXISTS (SELECT 1 FROM users u WHERE u.team_id = t.id AND u.status = 'blocked')", "CREATE INDEX users_team_id_status ON users (team_id, status);", "-"},
		{"IN with a subquery", "SELECT * FROM comments WHERE post_id IN (SELECT id FROM posts WHERE author_id = ?)", "CREATE INDEX comments_post_id ON comments (post_id); CREATE INDEX posts_author_id ON posts (author_id);", ""},
		{"IN with a list", "SELECT * FROM comments WHERE user_id IN (?, ?, ?)", "CREATE INDEX comments_user_id ON comments (user_id);", ""},
		{"OR over two columns", "SELECT * FROM comments WHERE user_id = ? OR post_id = ?", "CREATE INDEX comments_post_id ON comments (post_id); CREATE INDEX comments_user_id ON comments (user_id);", ""},
		{"OR of which one half has no condition that an index serves", "SELECT * FROM users WHERE email = ? OR name LIKE '%x%'", "none", ""},
		{"a bound", "SELECT id FROM posts WHERE author_id = ? AND created_at > ?", "CREATE INDEX posts_author_id_created_at ON posts (author_id, created_at);", "CREATE INDEX posts_author_id ON posts (author_id);"},
		{"BETWEEN", "SELECT count(*) FROM comments WHERE created_at BETWEEN ? AND ?", "CREATE INDEX comments_created_at ON comments (created_at);", ""},
		{"a pattern that begins with letters", "SELECT * FROM users WHERE name LIKE 'Ann%'", "CREATE INDEX users_name ON users (name COLLATE NOCASE);", ""},
		{"GLOB", "SELECT * FROM users WHERE name GLOB 'Ann*'", "CREATE INDEX users_name ON users (name);", ""},
		{"a text within a text", "SELECT * FROM users WHERE name LIKE '%ann%'", "none", ""},
		{"a pattern as parameter", "SELECT * FROM users WHERE name LIKE ?", "none", ""},
		{"a comparison without case", "SELECT * FROM users WHERE email = ? COLLATE NOCASE", "CREATE INDEX users_email ON users (email COLLATE NOCASE);", ""},
		{"an order without case", "SELECT * FROM users ORDER BY name COLLATE NOCASE LIMIT 10", "CREATE INDEX users_name ON users (name COLLATE NOCASE);", ""},
		{"an expression", "SELECT * FROM users WHERE lower(email) = lower(?)", "CREATE INDEX users_lower_email ON users (lower(email));", ""},
		{"an expression of an alias", "SELECT u.id FROM users u JOIN teams t ON t.id = u.team_id WHERE lower(u.email) = ?", "CREATE INDEX users_lower_email ON users (lower(email));", ""},
		{"a value out of JSON", "SELECT id FROM posts WHERE json_extract(meta, '$.lang') = ?", "CREATE INDEX posts_json_extract_meta_lang ON posts (json_extract(meta, '$.lang'));", ""},
		{"a value out of JSON by an arrow", "SELECT id FROM posts p WHERE p.meta ->> '$.lang' = ? AND p.author_id = ?", "CREATE INDEX posts_author_id_meta_lang ON posts (author_id, meta ->> '$.lang');", "CREATE INDEX posts_author_id ON posts (author_id);"},
		{"what was not deleted", "SELECT * FROM users WHERE deleted_at IS NULL AND email = ?", "CREATE INDEX users_email_deleted_at ON users (email, deleted_at);", "CREATE INDEX users_email ON users (email);"},
		{"the few that wait", "SELECT * FROM jobs WHERE state = 'waiting' AND run_at <= ? ORDER BY run_at LIMIT 10", "CREATE INDEX jobs_state_run_at ON jobs (state, run_at);", "CREATE INDEX jobs_run_at_where_state_waiting ON jobs (run_at) WHERE state = 'waiting';"},
		{"a table without rowid by the end of its key", "SELECT * FROM settings WHERE key = ?", "CREATE INDEX settings_key ON settings (key);", "none"},
		{"a table without rowid by the beginning of its key", "SELECT * FROM settings WHERE team_id = ?", "none", ""},
		{"a full-text search", "SELECT p.* FROM posts_fts f JOIN posts p ON p.id = f.rowid WHERE posts_fts MATCH ? ORDER BY rank LIMIT 20", "none", ""},
		{"a view", "SELECT * FROM active_users WHERE email = ?", "CREATE INDEX users_email_deleted_at ON users (email, deleted_at);", "CREATE INDEX users_email ON users (email);"},
		{"a CTE", "WITH mine AS (SELECT id FROM posts WHERE author_id = ?1) SELECT * FROM comments WHERE post_id IN mine", "CREATE INDEX comments_post_id ON comments (post_id); CREATE INDEX posts_author_id ON posts (author_id);", ""},
		{"a UNION", "SELECT id FROM users WHERE email = ? UNION ALL SELECT id FROM users WHERE email = ?", "CREATE INDEX users_email ON users (email);", ""},
		{"the greatest", "SELECT max(created_at) FROM posts", "CREATE INDEX posts_created_at ON posts (created_at);", ""},
		{"groups of all", "SELECT status, count(*) FROM users GROUP BY status", "CREATE INDEX users_status ON users (status);", ""},
		{"a count of all", "SELECT count(*) FROM users", "none", ""},
		{"unequal", "SELECT * FROM users WHERE status <> 'active'", "none", ""},
		{"an UPDATE", "UPDATE users SET name = ? WHERE email = ?", "CREATE INDEX users_email ON users (email);", ""},
		{"an UPDATE that gives rows back", "UPDATE users SET name = ?1 WHERE email = ?2 RETURNING id, name", "CREATE INDEX users_email ON users (email);", ""},
		{"an UPDATE with LIMIT", "UPDATE jobs SET state = 'done' WHERE state = 'running' ORDER BY run_at LIMIT 1", "CREATE INDEX jobs_state_run_at ON jobs (state, run_at);", "-"},
		{"a DELETE by time", "DELETE FROM comments WHERE created_at < ?", "CREATE INDEX comments_created_at ON comments (created_at);", ""},
		{"a DELETE whose children are looked for", "DELETE FROM users WHERE id = ?", "CREATE INDEX posts_author_id ON posts (author_id);", ""},
		{"an upsert", "INSERT INTO teams (slug, plan) VALUES (?, ?) ON CONFLICT (slug) DO UPDATE SET plan = excluded.plan RETURNING id", "none", ""},
		{"an INSERT of what is asked for", "INSERT INTO jobs (state, run_at) SELECT 'waiting', created_at FROM posts WHERE author_id = ?", "CREATE INDEX posts_author_id ON posts (author_id);", ""},
		{"names that are words of SQL", `SELECT * FROM "order" WHERE "group" = ?`, `CREATE INDEX order_group ON "order" ("group");`, "none"},
		{"a table that there is not", "SELECT * FROM gone WHERE id = ?", "refused: no such table: gone", ""},
		{"text that is cut off", "SELECT * FROM users WHERE", "refused: incomplete input", ""},
		{"a change of the schema", "DROP TABLE users", "refused: it is no query and no change of rows", ""},
		{"a pragma", "PRAGMA table_info(users)", "refused: it is no query and no change of rows", ""},
		{"an index that the query names", "SELECT * FROM posts INDEXED BY posts_status WHERE status = ? AND author_id = ?", "none", ""},
	}
}

func TestAQueryIsGivenTheIndexThatItLacks(t *testing.T) {
	target, path := filled(t)
	bare, full := open(t, target, advise.Options{}), open(t, target, advise.Options{Data: path})
	for _, tt := range asked() {
		t.Run(tt.name, func(t *testing.T) {
			for _, on := range []struct {
				what string
				a    *advise.Advisor
				want string
			}{{"the schema", bare, tt.schema}, {"the data", full, tt.data}} {
				if on.a == full && testing.Short() {
					continue
				}
				if on.want == "" && on.what == "the data" {
					on.want = tt.schema
				}
				advice := try(t, on.a, tt.sql)
				got := first(advice)
				if got == "" {
					got = "none"
				}
				if on.want != "-" && got != on.want {
					t.Errorf("on %s: %s, want %s\nbefore %q\n%+v", on.what, got, on.want, advice.Before, advice.Suggestions)
				}
			}
		})
	}
}
