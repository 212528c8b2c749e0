What D1 denies, and what passes in a shell.
=== BEGIN
--- batch
BEGIN
--- refused SQLITE_AUTH
=== BEGIN IMMEDIATE
--- batch
BEGIN IMMEDIATE
--- refused SQLITE_AUTH
=== COMMIT
--- batch
COMMIT
--- refused SQLITE_AUTH
=== ROLLBACK
--- batch
ROLLBACK
--- refused SQLITE_AUTH
=== END
--- batch
END
--- refused SQLITE_AUTH
=== SAVEPOINT
--- batch
SAVEPOINT s
--- refused SQLITE_AUTH
=== RELEASE
--- batch
RELEASE s
--- refused SQLITE_AUTH
=== DETACH
--- batch
DETACH main
--- refused SQLITE_AUTH
=== VACUUM
--- batch
VACUUM
--- refused SQLITE_ERROR
=== VACUUM INTO
--- batch
VACUUM INTO 'x.db'
--- refused SQLITE_ERROR
=== a TEMP table
--- batch
CREATE TEMP TABLE t(a)
--- refused SQLITE_AUTH
=== a table in the schema temp
--- batch
CREATE TABLE temp.t(a)
--- refused SQLITE_AUTH
=== a table in main
--- batch
CREATE TABLE main.t(a)
INSERT INTO main.t VALUES (1)
SELECT * FROM main.t
=== a table with a name that is Cloudflare's
--- batch
CREATE TABLE _CF_x(a)
--- refused SQLITE_AUTH
=== a table whose name only resembles it
--- batch
CREATE TABLE cf_x(a)
CREATE TABLE _cfx(a)
=== Cloudflare's own table is not read
--- batch
SELECT * FROM _cf_METADATA
--- refused SQLITE_ERROR
=== a table with a name that is SQLite's
--- batch
CREATE TABLE sqlite_x(a)
--- refused SQLITE_ERROR
=== an index with a name that is Cloudflare's
--- setup
CREATE TABLE t(a)
--- batch
CREATE INDEX _cf_i ON t(a)
--- refused SQLITE_AUTH
=== a view with a name that is Cloudflare's
--- batch
CREATE VIEW _cf_v AS SELECT 1
--- refused SQLITE_AUTH
=== the schema is read
--- setup
CREATE TABLE t(a)
--- batch
SELECT type, name FROM sqlite_master WHERE name = 't'
=== the schema under its other name
--- setup
CREATE TABLE t(a)
--- batch
SELECT count(*) FROM sqlite_schema WHERE name = 't'
=== the schema of temporary things is empty
--- batch
SELECT count(*) FROM sqlite_temp_master
=== the schema is not written
--- batch
UPDATE sqlite_master SET sql = ''
--- refused SQLITE_ERROR
=== the counters of AUTOINCREMENT are written
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT)
INSERT INTO t VALUES (3)
--- batch
UPDATE sqlite_sequence SET seq = 10 WHERE name = 't'
INSERT INTO t DEFAULT VALUES
SELECT id FROM t
=== the table of counters is not dropped
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT)
--- batch
DROP TABLE sqlite_sequence
--- refused SQLITE_ERROR
=== ANALYZE
--- setup
CREATE TABLE t(a)
CREATE INDEX i ON t(a)
INSERT INTO t VALUES (1), (2)
--- batch
ANALYZE
SELECT tbl, idx, stat FROM sqlite_stat1
=== ANALYZE of a table
--- setup
CREATE TABLE t(a)
CREATE INDEX i ON t(a)
--- batch
ANALYZE t
=== REINDEX
--- setup
CREATE TABLE t(a)
CREATE INDEX i ON t(a)
--- batch
REINDEX i
REINDEX t
REINDEX
=== EXPLAIN QUERY PLAN
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY, a)
CREATE INDEX t_a ON t(a)
--- batch
EXPLAIN QUERY PLAN SELECT * FROM t WHERE a = 1
=== EXPLAIN
--- batch
EXPLAIN SELECT 1
--- then
SELECT 1
=== a plan that scans
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)
CREATE INDEX t_a ON t(a)
--- batch
EXPLAIN QUERY PLAN SELECT b FROM t WHERE b = 1 ORDER BY a
=== a comment alone
--- batch
-- nothing
--- refused none
=== a semicolon alone
--- batch
;
--- refused none
=== an error in the middle undoes everything
--- batch
CREATE TABLE t(a)
INSERT INTO t VALUES (1)
INSERT INTO gone VALUES (1)
--- refused SQLITE_ERROR
=== a syntax error
--- batch
SELEC 1
--- refused SQLITE_ERROR
