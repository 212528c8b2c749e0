Tables and indexes.
=== IF NOT EXISTS over another definition does nothing
--- setup
CREATE TABLE t(x)
--- batch
CREATE TABLE IF NOT EXISTS t(x, y)
=== a table that exists
--- setup
CREATE TABLE t(x)
--- batch
CREATE TABLE T(x)
--- refused SQLITE_ERROR
=== CREATE TABLE AS keeps no constraints
--- setup
CREATE TABLE a(id INTEGER PRIMARY KEY, b TEXT NOT NULL DEFAULT 'x', c REAL, d NUMERIC, e)
--- batch
CREATE TABLE t AS SELECT * FROM a
=== WITHOUT ROWID needs a key
--- batch
CREATE TABLE t(a) WITHOUT ROWID
--- refused SQLITE_ERROR
=== WITHOUT ROWID has no rowid
--- batch
CREATE TABLE t(a PRIMARY KEY) WITHOUT ROWID
SELECT rowid FROM t
--- refused SQLITE_ERROR
=== STRICT wants types that it knows
--- batch
CREATE TABLE t(a VARCHAR(10)) STRICT
--- refused SQLITE_ERROR
=== AUTOINCREMENT is for INTEGER PRIMARY KEY
--- batch
CREATE TABLE t(id TEXT PRIMARY KEY AUTOINCREMENT)
--- refused SQLITE_ERROR
=== generated columns
--- batch
CREATE TABLE t(a, b AS (a * 2), c GENERATED ALWAYS AS (a + 1) STORED)
INSERT INTO t VALUES (1)
SELECT * FROM t
=== a generated column is not written
--- setup
CREATE TABLE t(a, b AS (a * 2))
--- batch
INSERT INTO t(a, b) VALUES (1, 2)
--- refused SQLITE_ERROR
=== affinity
--- setup
CREATE TABLE t(i INTEGER, t TEXT, n NUMERIC, r REAL, b BLOB, x)
--- batch
INSERT INTO t VALUES ('007', 7, '7.0', 7, '7', '7')
SELECT i, t, n, typeof(r), typeof(b), typeof(x) FROM t
=== two primary keys
--- batch
CREATE TABLE t(a PRIMARY KEY, b PRIMARY KEY)
--- refused SQLITE_ERROR
=== a column twice
--- batch
CREATE TABLE t(a, A)
--- refused SQLITE_ERROR
=== a subquery in a CHECK
--- batch
CREATE TABLE t(a CHECK (a IN (SELECT 1)))
--- refused SQLITE_ERROR
=== indexes of every kind
--- setup
CREATE TABLE t(a, b, c)
--- batch
CREATE INDEX i1 ON t(a COLLATE NOCASE DESC, b)
CREATE INDEX i2 ON t(lower(a)) WHERE b IS NOT NULL
CREATE UNIQUE INDEX IF NOT EXISTS i3 ON t(a, b, c)
=== an index that exists
--- setup
CREATE TABLE t(a)
CREATE INDEX i ON t(a)
--- batch
CREATE INDEX i ON t(a)
--- refused SQLITE_ERROR
=== an index of a constraint is not dropped
--- setup
CREATE TABLE t(a UNIQUE)
--- batch
DROP INDEX sqlite_autoindex_t_1
--- refused SQLITE_ERROR
=== DROP of what is not there
--- batch
DROP TABLE t
--- refused SQLITE_ERROR
=== DROP IF EXISTS of what is not there
--- batch
DROP TABLE IF EXISTS t
DROP INDEX IF EXISTS i
DROP VIEW IF EXISTS v
DROP TRIGGER IF EXISTS g
=== DROP TABLE of a view
--- setup
CREATE VIEW v AS SELECT 1
--- batch
DROP TABLE v
--- refused SQLITE_ERROR
=== a dropped table is forgotten by the counters
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT)
INSERT INTO t VALUES (9)
--- batch
DROP TABLE t
SELECT count(*) FROM sqlite_sequence
=== a collation that nobody has
--- batch
CREATE TABLE t(a COLLATE german)
--- refused SQLITE_ERROR
=== recursion
--- batch
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT sum(i) FROM n
=== RIGHT and FULL JOIN
--- batch
WITH a(x) AS (VALUES (1), (2)), b(y) AS (VALUES (2), (3)) SELECT x, y FROM a FULL JOIN b ON x = y ORDER BY coalesce(x, y)
