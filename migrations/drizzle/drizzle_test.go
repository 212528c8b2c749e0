package drizzle_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/migrations"
	"towline/migrations/drizzle"
	"towline/migrations/layout"
	"towline/sandbox/parts"
)

// kit is a project that a real drizzle-kit works on.
type kit struct {
	dir     string
	command []string
}

// firstSchema is the schema file that a project begins with.
const firstSchema = `import { type AnySQLiteColumn, blob, check, customType, foreignKey, index, integer, numeric, primaryKey, real, sqliteTable, sqliteView, text, unique, uniqueIndex } from "drizzle-orm/sqlite-core";
import { sql } from "drizzle-orm";

export const people = sqliteTable("users", {
  id: integer("id").primaryKey({ autoIncrement: true }),
  email: text("email").notNull().unique(),
  role: text("role", { enum: ["member", "lead"] }).default("member"),
  createdAt: integer("created_at", { mode: "timestamp" }).default(sql` + "`(unixepoch())`" + `),
  score: real("score").default(1.5),
  price: numeric("price").notNull().default("0"),
  active: integer("active", { mode: "boolean" }).notNull().default(false),
  lower: text("lower").generatedAlwaysAs(sql` + "`lower(email)`" + `),
}, (t) => [
  index("users_role").on(t.role, t.createdAt),
  uniqueIndex("users_lower").on(sql` + "`lower(email)`" + `),
  check("score_ok", sql` + "`${t.score} > 0`" + `),
]);

export const posts = sqliteTable("posts", {
  id: text("id").primaryKey(),
  userId: integer("user_id").notNull().references(() => people.id, { onDelete: "cascade" }),
  title: text("title"),
  up: text("up").references((): AnySQLiteColumn => posts.id),
}, (t) => [
  unique("posts_title").on(t.userId, t.title),
  index("posts_part").on(t.title).where(sql` + "`title IS NOT NULL`" + `),
]);

export const pairs = sqliteTable("pairs", {
  a: integer("a").notNull(),
  b: text("b").notNull(),
}, (t) => [
  primaryKey({ columns: [t.a, t.b] }),
]);

export const kids = sqliteTable("kids", {
  a: integer("a"),
  b: text("b"),
}, (t) => [
  foreignKey({ columns: [t.a, t.b], foreignColumns: [pairs.a, pairs.b], name: "kids_of_pairs" }).onDelete("set null"),
]);
`

func newKit(t *testing.T, next bool) *kit {
	t.Helper()
	k := &kit{dir: t.TempDir()}
	k.command = parts.DrizzleKit(t, k.dir, next)
	k.write(t, "drizzle.config.ts", "import { defineConfig } from \"drizzle-kit\";\nexport default defineConfig({\n  dialect: \"sqlite\",\n  schema: \"./src/schema.ts\",\n  out: \"./drizzle\",\n});\n")
	k.write(t, "src/schema.ts", firstSchema)
	k.generate(t, "first", true)
	return k
}

func (k *kit) write(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(k.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (k *kit) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(k.dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// generate runs drizzle-kit generate, which has to write a migration or, if not differs, to find nothing to write.
func (k *kit) generate(t *testing.T, name string, differs bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), k.command[0], append(slices.Clone(k.command[1:]), "generate", "--name", name)...)
	cmd.Dir, cmd.Env = k.dir, []string{"HOME=" + k.dir, "PATH=" + os.Getenv("PATH"), "NO_COLOR=1", "CI=1",
		"NODE_COMPILE_CACHE=" + filepath.Join(k.dir, "compiled")} // goes by path, and takes a third of every further start
	out, err := cmd.CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("No schema changes")) == differs {
		written := ""
		for _, f := range k.files(t) {
			if strings.Contains(f, name) && strings.HasSuffix(f, ".sql") {
				written += "\n" + k.read(t, f)
			}
		}
		t.Fatalf("drizzle-kit generate: %v\n%s%s\nschema:\n%s", err, out, written, k.read(t, "src/schema.ts"))
	}
}

// files are the paths of what lies in the folder of the migrations.
func (k *kit) files(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(k.dir, "drizzle", "*"))
	if err != nil {
		t.Fatal(err)
	}
	deeper, err := filepath.Glob(filepath.Join(k.dir, "drizzle", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range append(found, deeper...) {
		rel, err := filepath.Rel(k.dir, f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, filepath.ToSlash(rel))
	}
	return all
}

// byHand puts a migration into the folder as somebody does who knows nothing of Drizzle's books, makes the change in the schema file, and then
// lets us write the next one.
func (k *kit) byHand(t *testing.T, folders bool) {
	t.Helper()
	file := "drizzle/0099_by_hand.sql"
	if folders {
		file = "drizzle/99990101000000_by_hand/migration.sql"
	}
	k.write(t, file, "ALTER TABLE users ADD COLUMN hand TEXT;\n")
	source := k.read(t, "src/schema.ts")
	k.write(t, "src/schema.ts", strings.Replace(source, "sqliteTable(\"users\", {\n", "sqliteTable(\"users\", {\n  hand: text(\"hand\"),\n", 1))
	w := k.addTo(t, k.unbooked(t), drizzle.Migration{Name: "catch up", SQL: []byte("UPDATE users SET hand = '';\n")})
	if len(w.Change.Edits) != 0 || len(w.Change.Notes) != 1 {
		t.Errorf("%+v", w.Change)
	}
}

// unbooked reads the project's migrations, of which one is not in Drizzle's books.
func (k *kit) unbooked(t *testing.T) layout.Content {
	t.Helper()
	fsys := os.DirFS(k.dir)
	l, err := layout.Find(fsys, layout.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := layout.Read(fsys, l)
	if err != nil || !slices.ContainsFunc(c.Problems, func(p layout.Problem) bool { return p.Code == layout.CodeJournal }) {
		t.Fatal(err, c.Problems)
	}
	return c
}

// content reads the project's migrations, which have to be without a problem.
func (k *kit) content(t *testing.T) layout.Content {
	t.Helper()
	fsys := os.DirFS(k.dir)
	l, err := layout.Find(fsys, layout.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := layout.Read(fsys, l)
	if err != nil || len(c.Problems) > 0 {
		t.Fatal(err, c.Problems)
	}
	return c
}

// add lets us write a migration, behind which everything is in order.
func (k *kit) add(t *testing.T, m drizzle.Migration) drizzle.Written {
	t.Helper()
	w := k.addTo(t, k.content(t), m)
	k.content(t)
	return w
}

func (k *kit) addTo(t *testing.T, c layout.Content, m drizzle.Migration) drizzle.Written {
	t.Helper()
	w, err := drizzle.Add(t.Context(), drizzle.Project{FS: os.DirFS(k.dir), Layout: c.Layout, Files: c.Files}, m,
		drizzle.Options{Now: time.Now, Random: strings.NewReader(fmt.Sprintf("%-16.16s", m.Name+fmt.Sprint(len(c.Files))))})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range w.Files {
		if _, err := os.Stat(filepath.Join(k.dir, f.Path)); (err == nil) != f.Replace {
			t.Fatalf("%s: there %t, to be replaced %t", f.Path, err == nil, f.Replace)
		}
		k.write(t, f.Path, string(f.Data))
	}
	return w
}

// follow makes the change in the schema file, as a person would who does what it says.
func (k *kit) follow(t *testing.T, c drizzle.Change) {
	t.Helper()
	source := k.read(t, "src/schema.ts")
	for _, e := range c.Edits {
		source = edited(t, source, e)
	}
	k.write(t, "src/schema.ts", source)
}

// edited makes one edit. A definition goes from "export const" to the line that begins with "}".
func edited(t *testing.T, source string, e drizzle.Edit) string {
	t.Helper()
	name := e.Table
	if name == "" {
		name = e.Name
	}
	definition := regexp.MustCompile(`(?ms)^export const \w+ = sqlite(?:Table|View)\("` + name + `", \{.*?^\}.*?;\n`).FindString(source)
	in := func(from, to string) string {
		t.Helper()
		if definition == "" || !strings.Contains(definition, from) {
			t.Fatalf("%q is not in the definition of %s:\n%s", from, name, source)
		}
		return strings.Replace(source, definition, strings.Replace(definition, from, to, 1), 1)
	}
	line := regexp.MustCompile(`(?m)^  \w+: \w+(?:<.*?>\(.*?\))?\("` + e.Name + `".*\n`).FindString(definition)
	switch e.What {
	case "new table", "new view":
		return source + "\n" + e.Code + "\n"
	case "remove table", "remove view":
		return strings.Replace(source, definition, "", 1)
	case "add column":
		return in("\", {\n", "\", {\n"+e.Code+"\n")
	case "change column":
		return in(line, e.Code+"\n")
	case "remove column":
		return in(line, "")
	case "add":
		if strings.Contains(definition, "(t) => [\n") {
			return in("(t) => [\n", "(t) => [\n"+e.Code+"\n")
		}
		return in("\n});", "\n}, (t) => [\n"+e.Code+"\n]);")
	case "remove", "change":
		_, what, _ := strings.Cut(e.Name, " ")
		extra := regexp.MustCompile(`(?m)^  (?:index|uniqueIndex|unique|check|foreignKey|primaryKey)\(.*` + regexp.QuoteMeta(what[strings.LastIndex(what, " ")+1:]) + `.*\n`).FindString(definition)
		if extra == "" {
			extra = ".unique()"
		}
		if e.Code != "" {
			e.Code += "\n"
		}
		return in(extra, e.Code)
	}
	t.Fatalf("nobody knows how to %s", e.What)
	return ""
}

// steps are migrations, one after another, that change everything that Drizzle can describe.
func steps() []drizzle.Migration {
	return []drizzle.Migration{
		{Name: "nothing but data", SQL: []byte("UPDATE users SET role = 'lead' WHERE id = 1;\n")},
		{Name: "new columns", Down: []byte("ALTER TABLE posts DROP COLUMN slug;\n"), SQL: []byte(`
ALTER TABLE users ADD COLUMN nick TEXT;
ALTER TABLE users ADD COLUMN zip VARCHAR(10) NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN level INTEGER NOT NULL DEFAULT 3;
ALTER TABLE users ADD COLUMN ratio REAL DEFAULT 0.25;
ALTER TABLE users ADD COLUMN motto TEXT DEFAULT 'it''s';
ALTER TABLE users ADD COLUMN boss INTEGER REFERENCES users(id) ON DELETE SET NULL;
ALTER TABLE users ADD COLUMN shout TEXT GENERATED ALWAYS AS (upper(email)) VIRTUAL;
CREATE UNIQUE INDEX users_nick ON users(nick) WHERE nick IS NOT NULL;
CREATE INDEX users_level ON users(level DESC, role COLLATE NOCASE);
ALTER TABLE posts ADD COLUMN slug TEXT;
`)},
		{Name: "new tables", SQL: []byte(`
CREATE TABLE orders(
  id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE ON UPDATE RESTRICT,
  pair_a INTEGER, pair_b TEXT, state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'paid')), at TEXT DEFAULT CURRENT_TIMESTAMP,
  data BLOB, total NUMERIC NOT NULL DEFAULT 0, "order by" TEXT, above INTEGER REFERENCES orders(id),
  code TEXT UNIQUE, doubled REAL GENERATED ALWAYS AS (total * 2) STORED,
  CONSTRAINT total_ok CHECK (total >= 0), UNIQUE(user_id, code),
  FOREIGN KEY (pair_a, pair_b) REFERENCES pairs(a, b) ON DELETE SET NULL);
CREATE TABLE tags("name" TEXT NOT NULL, post TEXT NOT NULL REFERENCES posts, weight INT, PRIMARY KEY (post, name)) WITHOUT ROWID;
CREATE VIRTUAL TABLE search USING fts5(title);
CREATE VIEW leads AS SELECT id, email FROM users WHERE role = 'lead';
CREATE TRIGGER posts_ai AFTER INSERT ON posts BEGIN INSERT INTO search(title) VALUES (new.title); END;
`)},
		{Name: "renames and drops", SQL: []byte(`
DROP VIEW leads;
DROP INDEX users_level;
ALTER TABLE users RENAME COLUMN nick TO nickname;
ALTER TABLE posts DROP COLUMN slug;
ALTER TABLE tags RENAME TO labels;
DROP TABLE kids;
`)},
		{Name: "a rebuild", SQL: []byte(`
PRAGMA defer_foreign_keys = ON;
DROP INDEX posts_part;
CREATE TABLE copy AS SELECT * FROM posts;
DROP TABLE posts;
CREATE TABLE posts(id TEXT PRIMARY KEY NOT NULL, user_id INTEGER REFERENCES users(id) ON DELETE SET NULL, title TEXT NOT NULL DEFAULT 'none', up TEXT REFERENCES posts(id),
  CONSTRAINT long_enough CHECK (length(title) > 2));
CREATE INDEX posts_part ON posts(title, up) WHERE title <> '';
INSERT INTO posts(id, user_id, title, up) SELECT id, user_id, title, up FROM copy;
DROP TABLE copy;
CREATE UNIQUE INDEX posts_title ON posts(user_id, title);
`)},
		{Name: "another rebuild", SQL: []byte(`
PRAGMA defer_foreign_keys = ON;
CREATE TABLE copy AS SELECT id, email, role, created_at, score, price, active FROM users;
DROP TABLE users;
CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, email TEXT, role TEXT NOT NULL DEFAULT 'member', created_at INTEGER NOT NULL DEFAULT (unixepoch()),
  score REAL DEFAULT 2, price NUMERIC DEFAULT '0', active INTEGER DEFAULT false, level TEXT, boss INTEGER REFERENCES users(id) ON DELETE CASCADE);
INSERT INTO users(id, email, role, created_at, score, price, active) SELECT * FROM copy;
DROP TABLE copy;
CREATE UNIQUE INDEX users_email_unique ON users(email);
`)},
	}
}

// The point of the package: what we write leaves nothing for drizzle-kit to write.
func TestDrizzleKitFindsNoDifferenceBehindOurMigrations(t *testing.T) {
	for _, c := range []struct {
		name string
		next bool
		kind layout.Kind
	}{
		{"with a journal, before 1.0", false, layout.DrizzleJournal},
		{"with a folder per migration, since 1.0", true, layout.DrizzleFolders},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t, c.next)
			if kind := k.content(t).Layout.Kind; kind != c.kind {
				t.Fatalf("taken for %s", kind)
			}
			for i, m := range steps() {
				w := k.add(t, m)
				k.follow(t, w.Change)
				if i == 1 || i == 3 { // what undoes a step in part comes two steps later; the last of them are checked by what goes on
					k.generate(t, "difference", false)
				}
			}
			k.byHand(t, c.next)
			// And drizzle-kit goes on from there: it writes the new table, and nothing that it holds for missing.
			k.write(t, "src/schema.ts", k.read(t, "src/schema.ts")+"\nexport const last = sqliteTable(\"last\", { id: integer(\"id\").primaryKey() });\n")
			k.generate(t, "goes_on", true)
			files := k.unbooked(t).Files
			i := slices.IndexFunc(files, func(f migrations.File) bool { return strings.Contains(f.Name, "goes_on") })
			if i < 0 {
				t.Fatal("drizzle-kit wrote nothing")
			}
			if text := string(files[i].SQL); strings.Count(text, ";") != 1 || !strings.Contains(text, "CREATE TABLE `last`") {
				t.Errorf("drizzle-kit wrote more than the new table:\n%s", text)
			}
		})
	}
}
