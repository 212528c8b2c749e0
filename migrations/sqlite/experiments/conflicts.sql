Conflicts, and the forms of writing.
=== a duplicate key
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY)
INSERT INTO t VALUES (1)
--- batch
INSERT INTO t VALUES (1)
--- refused SQLITE_CONSTRAINT
=== OR IGNORE, OR REPLACE
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE)
INSERT INTO t VALUES (1, 'x'), (2, 'y')
--- batch
INSERT OR IGNORE INTO t VALUES (1, 'z')
INSERT OR REPLACE INTO t VALUES (1, 'y')
SELECT * FROM t
=== OR ROLLBACK ends the transaction
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY)
INSERT INTO t VALUES (1)
--- batch
INSERT OR ROLLBACK INTO t VALUES (1)
--- refused internal
=== OR FAIL keeps what came before it, in a transaction that is refused
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY)
--- batch
INSERT OR FAIL INTO t VALUES (1), (1)
--- refused SQLITE_CONSTRAINT
=== UPSERT
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE, n)
INSERT INTO t VALUES (1, 'x', 1)
--- batch
INSERT INTO t VALUES (2, 'x', 5) ON CONFLICT (a) DO UPDATE SET n = n + excluded.n WHERE excluded.n > 1 ON CONFLICT DO NOTHING
SELECT * FROM t
=== UPSERT on columns that are no key
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY, a)
--- batch
INSERT INTO t VALUES (1, 'x') ON CONFLICT (a) DO NOTHING
--- refused SQLITE_ERROR
=== RETURNING
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY, a)
--- batch
INSERT INTO t(a) VALUES ('x'), ('y') RETURNING id, a || '!'
=== UPDATE FROM
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY, a)
CREATE TABLE u(id, b)
INSERT INTO t VALUES (1, 'x'), (2, 'y')
INSERT INTO u VALUES (2, 'z')
--- batch
UPDATE t SET a = u.b FROM u WHERE u.id = t.id
SELECT * FROM t
=== UPDATE of several columns at once
--- setup
CREATE TABLE t(a, b)
INSERT INTO t VALUES (1, 2)
--- batch
UPDATE t SET (a, b) = (b, a)
SELECT * FROM t
=== UPDATE with LIMIT
--- setup
CREATE TABLE t(a)
INSERT INTO t VALUES (1), (2)
--- batch
UPDATE t SET a = 0 LIMIT 1
SELECT sum(a) FROM t
--- differs Here it is a syntax error (SQLITE_ENABLE_UPDATE_DELETE_LIMIT); Conn.LimitedWrite knows it, and a rehearsal says that the statement cannot be rehearsed.
=== DELETE with ORDER BY and LIMIT
--- setup
CREATE TABLE t(a)
INSERT INTO t VALUES (1), (2)
--- batch
DELETE FROM t WHERE a > 0 ORDER BY a DESC LIMIT 1
SELECT a FROM t
--- differs Here it is a syntax error (SQLITE_ENABLE_UPDATE_DELETE_LIMIT); Conn.LimitedWrite knows it, and a rehearsal says that the statement cannot be rehearsed.
=== NOT NULL
--- setup
CREATE TABLE t(a NOT NULL)
--- batch
INSERT INTO t VALUES (NULL)
--- refused SQLITE_CONSTRAINT
=== CHECK
--- setup
CREATE TABLE t(a CONSTRAINT positive CHECK (a > 0))
--- batch
INSERT INTO t VALUES (0)
--- refused SQLITE_CONSTRAINT
=== a CHECK takes NULL
--- setup
CREATE TABLE t(a CHECK (a > 0))
--- batch
INSERT INTO t VALUES (NULL)
=== a UNIQUE index over duplicates
--- setup
CREATE TABLE t(a)
INSERT INTO t VALUES (1), (1)
--- batch
CREATE UNIQUE INDEX i ON t(a)
--- refused SQLITE_CONSTRAINT
=== several NULLs are unique
--- setup
CREATE TABLE t(a UNIQUE)
--- batch
INSERT INTO t VALUES (NULL), (NULL)
=== a text in an INTEGER PRIMARY KEY
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY)
--- batch
INSERT INTO t VALUES ('x')
--- refused SQLITE_MISMATCH
=== a text in a STRICT column
--- setup
CREATE TABLE t(a INTEGER) STRICT
--- batch
INSERT INTO t VALUES ('x')
--- refused SQLITE_CONSTRAINT
=== an INSERT without a column list has to fit
--- setup
CREATE TABLE t(a, b)
--- batch
INSERT INTO t VALUES (1)
--- refused SQLITE_ERROR
=== WITH in front of INSERT, UPDATE and DELETE
--- setup
CREATE TABLE t(a)
--- batch
WITH x(v) AS (VALUES (1), (2)) INSERT INTO t SELECT v FROM x
WITH x(v) AS (VALUES (2)) UPDATE t SET a = 5 WHERE a IN (SELECT v FROM x)
WITH x(v) AS (VALUES (1)) DELETE FROM t WHERE a IN x
SELECT a FROM t
