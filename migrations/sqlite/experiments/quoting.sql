Names, texts and what stands in quotes.
=== a name in double quotes that is no column is a text
--- setup
CREATE TABLE t(id)
INSERT INTO t VALUES (1)
--- batch
SELECT id, "color" FROM t
=== so a copy of a missing column writes its name
--- setup
CREATE TABLE t(id)
INSERT INTO t VALUES (1)
CREATE TABLE n(id, color)
--- batch
INSERT INTO n(id, color) SELECT "id", "color" FROM t
SELECT * FROM n
=== without quotes it is an error
--- setup
CREATE TABLE t(id)
--- batch
SELECT color FROM t
--- refused SQLITE_ERROR
=== a backtick is a name, never a text
--- setup
CREATE TABLE t(id)
--- batch
SELECT `color` FROM t
--- refused SQLITE_ERROR
=== brackets are a name, never a text
--- setup
CREATE TABLE t(id)
--- batch
SELECT [color] FROM t
--- refused SQLITE_ERROR
=== a qualified name in double quotes is never a text
--- setup
CREATE TABLE t(id)
--- batch
SELECT t."color" FROM t
--- refused SQLITE_ERROR
=== an index over a name that is no column
--- setup
CREATE TABLE t(id)
--- batch
CREATE INDEX i ON t("color")
=== a CHECK over a name that is no column
--- batch
CREATE TABLE t(id CHECK (id <> "color"))
=== a DEFAULT in double quotes
--- batch
CREATE TABLE t(id, a DEFAULT "x")
INSERT INTO t(id) VALUES (1)
SELECT a FROM t
=== a text in single quotes as a name
--- batch
CREATE TABLE 't'('a' TEXT)
INSERT INTO t(a) VALUES ('x')
SELECT a FROM 't'
=== names in every kind of quotes
--- batch
CREATE TABLE [order items]("select" INTEGER, `from` TEXT, [it's] TEXT, "say ""hi""" TEXT)
INSERT INTO "order items"(`select`, [from], "it's") VALUES (1, 'a', 'b')
SELECT "say ""hi""", [it's] FROM `order items`
=== keywords as names without quotes
--- batch
CREATE TABLE key(action, plan, row, rows, temp, view, trigger, replace)
SELECT action, plan, trigger FROM key
=== words that must be quoted
--- batch
CREATE TABLE t(order)
--- refused SQLITE_ERROR
=== letters beyond ASCII
--- batch
CREATE TABLE größe(größe, Größe2)
INSERT INTO größe VALUES ('ß', '日本語')
SELECT * FROM größe
=== an empty name
--- batch
CREATE TABLE ""(a)
SELECT name FROM sqlite_master WHERE name = ''
=== a quote in a text
--- batch
SELECT 'it''s', "it's", 'a;b', 'a--b', '/* c */'
=== a text over two lines and an escape that is none
--- text
SELECT 'a
b', 'a\nb';
=== blobs
--- batch
SELECT x'00ff', X'', typeof(x'')
=== an odd blob
--- batch
SELECT x'0'
--- refused SQLITE_ERROR
=== numbers in every form
--- batch
SELECT 1, 1., .5, 1e3, 0x1F, 1_000, -9223372036854775808
=== a number too big is a float
--- batch
SELECT typeof(9223372036854775808), typeof(9223372036854775807)
=== a word behind a number
--- batch
SELECT 1a
--- refused SQLITE_ERROR
=== TRUE and FALSE are 1 and 0
--- batch
SELECT TRUE, FALSE, NOT TRUE, 1 IS TRUE
=== a colon makes a parameter
--- batch
SELECT :a
--- refused none
=== $$x$$ is a parameter, not a text
--- batch
SELECT $$x$$
--- refused none
=== # is no comment
--- batch
SELECT 1 # one
--- refused SQLITE_ERROR
=== comments do not nest
--- batch
SELECT 1 /* a /* b */ c */
--- refused SQLITE_ERROR
=== comments between words
--- batch
SELECT/**/1--one
=== names without their case
--- setup
CREATE TABLE Users(ID INTEGER PRIMARY KEY, Name)
--- batch
INSERT INTO USERS(id, NAME) VALUES (1, 'x')
SELECT iD, nAME FROM users
=== == and !=
--- batch
SELECT 1 == 1, 1 != 1, 1 <> 2, NULL IS NOT DISTINCT FROM NULL
