Files that splitters take apart wrongly.
=== statements on one line
--- text
CREATE TABLE t(a); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);
SELECT count(*) FROM t;
=== a semicolon in a text, a name and a comment
--- text
CREATE TABLE [a;b]("c;d" TEXT DEFAULT ';'); -- e;f
INSERT INTO [a;b]("c;d") VALUES ('g;h'); /* i;j */
SELECT "c;d" FROM [a;b];
=== semicolons in a row
--- text
;;CREATE TABLE t(a);;;
;SELECT 1;;
=== a quote in a comment
--- text
-- it's a table
CREATE TABLE t(a); /* "not closed */
SELECT 1;
=== a comment that ends the file
--- text
CREATE TABLE t(a);
-- done
=== a column called [begin date]
--- text
CREATE TABLE t([begin date] TEXT, "end" TEXT);
INSERT INTO t VALUES ('a', 'b');
SELECT [begin date], "end" FROM t;
=== a table called "case "
--- text
CREATE TABLE "case "(a);
INSERT INTO "case " VALUES (CASE WHEN 1 THEN 'x' END);
SELECT a FROM "case ";
=== an alias called end
--- text
SELECT 1 AS end;
=== BEGIN TRANSACTION in a text and in a comment
--- text
CREATE TABLE t(a); -- BEGIN TRANSACTION;
INSERT INTO t VALUES ('BEGIN TRANSACTION; COMMIT;');
SELECT a FROM t;
=== a trigger with a CASE before a comma, in parentheses and at the end
--- text
CREATE TABLE t(a, b);
CREATE TRIGGER g AFTER INSERT ON t BEGIN
  UPDATE t SET a = CASE WHEN new.a THEN 1 END, b = (CASE new.b WHEN 1 THEN 2 ELSE 3 END);
  UPDATE t SET b = CASE WHEN 1 THEN 2 END;
END;
INSERT INTO t VALUES (1, 1);
SELECT * FROM t;
=== two triggers in a row
--- text
CREATE TABLE t(a);
CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;
CREATE TRIGGER h AFTER DELETE ON t BEGIN SELECT ';'; SELECT 2; END;
DROP TRIGGER g;
=== a TEMPORARY word that is a name
--- text
CREATE TABLE temporary(trigger);
INSERT INTO temporary VALUES (1);
SELECT trigger FROM temporary;
=== CRLF, tabs and form feeds
--- text
CREATE TABLE t(a);\r
INSERT INTO\tt\fVALUES ('x');\r
SELECT a FROM t;\r
=== EXPLAIN in front of CREATE TRIGGER
--- text
CREATE TABLE t(a);
EXPLAIN QUERY PLAN SELECT 1;
CREATE TABLE u(a);
=== a dump of drizzle, with its breakpoints
--- text
CREATE TABLE `t` (`id` integer PRIMARY KEY NOT NULL, `a` text DEFAULT 'x' NOT NULL);
--> statement-breakpoint
CREATE UNIQUE INDEX `t_a_unique` ON `t` (`a`);--> statement-breakpoint
INSERT INTO `t`(`id`) VALUES (1);
=== an error in the third statement undoes the first two
--- text
CREATE TABLE t(a);
INSERT INTO t VALUES (1);
INSERT INTO u VALUES (1);
--- refused SQLITE_ERROR
