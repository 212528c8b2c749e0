package advise_test

import (
	"testing"

	"towline/migrations/advise"
)

// forms are schemas and queries as ORMs and people write them.
func forms() []struct {
	name, sql, want string
} {
	return []struct{ name, sql, want string }{
		{"Prisma", "SELECT `main`.`User`.`id`, `main`.`User`.`email` FROM `main`.`User` WHERE (`main`.`User`.`teamId` = ? AND 1=1) LIMIT ? OFFSET ?", "CREATE INDEX user_teamid ON User (teamId);"},
		{"Prisma with an order", "SELECT `main`.`Post`.`id` FROM `main`.`Post` WHERE `main`.`Post`.`authorId` = ? ORDER BY `main`.`Post`.`createdAt` DESC LIMIT ? OFFSET ?", "CREATE INDEX post_authorid_createdat ON Post (authorId, createdAt);"},
		{"Prisma with a list", "SELECT `main`.`Post`.`id`, `main`.`Post`.`authorId` FROM `main`.`Post` WHERE `main`.`Post`.`authorId` IN (?,?,?,?)", "CREATE INDEX post_authorid ON Post (authorId);"},
		{"Prisma's JOIN by lateral subquery", "SELECT t1.id FROM `main`.`Post` AS t1 LEFT JOIN `main`.`User` AS j1 ON j1.id = t1.authorId WHERE (t1.slug = ? AND j1.id IS NOT NULL)", "CREATE INDEX post_slug ON Post (slug);"},
		{"Drizzle", `select "id", "title" from "Post" where "Post"."slug" = ? limit ?`, "CREATE INDEX post_slug ON Post (slug);"},
		{"Drizzle's relations", `select "id", (select json_array("name") as "data" from (select * from "User" "p_author" where "p_author"."id" = "p"."authorId" limit ?) "p_author") as "author" from "Post" "p" where "p"."authorId" = ? order by "p"."createdAt" desc limit ?`, "CREATE INDEX post_authorid_createdat ON Post (authorId, createdAt);"},
		{"Kysely", `select "Post".* from "Post" inner join "User" on "User"."id" = "Post"."authorId" where "User"."email" = ? and "Post"."published" = ?`, "CREATE INDEX post_authorid_published ON Post (authorId, published); CREATE INDEX user_email ON User (email);"},
		{"pages by a pair of values", "SELECT * FROM Post WHERE (createdAt, id) < (?, ?) ORDER BY createdAt DESC, id DESC LIMIT 20", "CREATE INDEX post_createdat ON Post (createdAt);"},
		{"ids in JSON", "SELECT * FROM Post WHERE slug IN (SELECT value FROM json_each(?))", "CREATE INDEX post_slug ON Post (slug);"},
		{"a tree", "WITH RECURSIVE t(id) AS (SELECT id FROM Comment WHERE id = ?1 UNION ALL SELECT c.id FROM Comment c JOIN t ON c.parentId = t.id) SELECT * FROM Comment WHERE id IN (SELECT id FROM t)", "CREATE INDEX comment_parentid ON Comment (parentId);"},
		{"the newest of each", "SELECT * FROM (SELECT p.*, row_number() OVER (PARTITION BY authorId ORDER BY createdAt DESC) n FROM Post p WHERE p.published = 1) WHERE n = 1", "CREATE INDEX post_published_authorid_createdat ON Post (published, authorId, createdAt DESC);"},
		{"an UPDATE with FROM", "UPDATE Post SET views = c.n FROM (SELECT postId, count(*) n FROM Comment WHERE postId = ?1 GROUP BY postId) c WHERE Post.id = c.postId", "CREATE INDEX comment_postid ON Comment (postId);"},
		{"a DELETE with a subquery", "DELETE FROM Session WHERE userId IN (SELECT id FROM User WHERE email = ?)", "CREATE INDEX session_userid ON Session (userId); CREATE INDEX user_email ON User (email);"},
		{"INSERT OR REPLACE", "INSERT OR REPLACE INTO Session (token, userId, expires) VALUES (?, ?, ?)", "none"},
		{"counting for a badge", "SELECT count(*) FROM Comment WHERE postId = ? AND readAt IS NULL", "CREATE INDEX comment_postid_readat ON Comment (postId, readAt);"},
		{"a date of a time", "SELECT count(*) FROM Post WHERE date(createdAt) = ?", "CREATE INDEX post_date_createdat ON Post (date(createdAt));"},
		{"a time compared with now", "DELETE FROM Session WHERE expires < datetime('now')", "CREATE INDEX session_expires ON Session (expires);"},
		{"a coalesce", "SELECT * FROM Post WHERE coalesce(publishedAt, createdAt) > ? ORDER BY coalesce(publishedAt, createdAt) DESC LIMIT 10", "CREATE INDEX post_coalesce_publishedat_createdat ON Post (coalesce(publishedAt, createdAt));"},
		{"a generated column", "SELECT * FROM Post WHERE slugKey = ?", "CREATE INDEX post_slugkey ON Post (slugKey);"},
		{"a STRICT table", "SELECT * FROM Event WHERE kind = ? AND at >= ? AND at < ? ORDER BY at", "CREATE INDEX event_kind_at ON Event (kind, at);"},
		{"two halves of an OR with an order", "SELECT * FROM Message WHERE fromId = ?1 OR toId = ?1 ORDER BY id DESC LIMIT 50", "none"},
		{"a search in the words of a name", "SELECT * FROM User WHERE lower(name) LIKE '%' || lower(?) || '%'", "none"},
		{"a query with a comment and a semicolon", "/* feed */ SELECT id FROM Post WHERE slug = ?; -- end", "CREATE INDEX post_slug ON Post (slug);"},
		{"comments of a post with their authors", "SELECT c.*, u.name FROM Comment c JOIN User u ON u.id = c.authorId WHERE c.postId = ? ORDER BY c.createdAt", "CREATE INDEX comment_postid_createdat ON Comment (postId, createdAt);"},
		{"HAVING", "SELECT authorId, count(*) n FROM Post GROUP BY authorId HAVING n > 3", "CREATE INDEX post_authorid ON Post (authorId);"},
		{"NOT EXISTS", "SELECT u.id FROM User u WHERE NOT EXISTS (SELECT 1 FROM Session s WHERE s.userId = u.id)", "CREATE INDEX session_userid ON Session (userId);"},
		{"EXCEPT", "SELECT id FROM User EXCEPT SELECT userId FROM Session WHERE expires > ?", "CREATE INDEX session_expires ON Session (expires);"},
	}
}

func TestQueriesAsOrmsAndPeopleWriteThemAreUnderstood(t *testing.T) {
	target, _ := build(t,
		`CREATE TABLE "User" ("id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "email" TEXT NOT NULL, "name" TEXT, "teamId" INTEGER)`,
		`CREATE TABLE "Post" ("id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "slug" TEXT, "title" TEXT, "authorId" INTEGER NOT NULL, "published" BOOLEAN NOT NULL DEFAULT false,
			"views" INTEGER, "publishedAt" DATETIME, "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, "slugKey" TEXT GENERATED ALWAYS AS (lower(slug)) VIRTUAL)`,
		`CREATE TABLE "Comment" ("id" INTEGER PRIMARY KEY, "postId" INTEGER, "parentId" INTEGER, "authorId" INTEGER, "readAt" DATETIME, "createdAt" DATETIME)`,
		`CREATE TABLE "Session" ("token" TEXT PRIMARY KEY, "userId" INTEGER, "expires" DATETIME)`,
		`CREATE TABLE "Message" ("id" INTEGER PRIMARY KEY, "fromId" INTEGER, "toId" INTEGER, "body" TEXT)`,
		`CREATE TABLE Event (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL, data TEXT) STRICT`,
	)
	a := open(t, target, advise.Options{})
	for _, tt := range forms() {
		t.Run(tt.name, func(t *testing.T) {
			advice := try(t, a, tt.sql)
			got := first(advice)
			if got == "" {
				got = "none"
			}
			if got != tt.want {
				t.Errorf("%s, want %s\nbefore %q\n%+v", got, tt.want, advice.Before, advice.Suggestions)
			}
		})
	}
}
