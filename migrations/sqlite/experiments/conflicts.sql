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
=== DELETE with ORDER BY and LIMIT
--- setup
CREATE TABLE t(a)
INSERT INTO t VALUES (1), (2)
--- batch
DELETE FROM t WHERE a > 0 ORDER BY a DESC LIMIT 1
SELECT a FROM t
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
=== LIMIT with an alias, an index, a subquery, an offset and RETURNING
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY, a)
CREATE INDEX t_a ON t(a)
INSERT INTO t VALUES (1, 5), (2, 4), (3, 3), (4, 2), (5, 1)
--- batch
WITH k(x) AS (SELECT 1 LIMIT 1) UPDATE OR IGNORE main.t AS x INDEXED BY t_a SET a = a + (SELECT 10 FROM k ORDER BY 1 LIMIT 1) WHERE x.a > 1 RETURNING id ORDER BY x.a LIMIT 2 OFFSET 1
--- then
SELECT * FROM t ORDER BY id
=== LIMIT where rows have no rowid
--- setup
CREATE TABLE t(a, "b c", n, PRIMARY KEY (a, "b c")) WITHOUT ROWID
INSERT INTO t VALUES (1, 1, 0), (1, 2, 0), (2, 1, 0)
--- batch
UPDATE t SET n = 1 WHERE a IS DISTINCT FROM 2 ORDER BY "b c" DESC LIMIT 1
DELETE FROM t WHERE n = 0 LIMIT 1
SELECT * FROM t
=== LIMIT and a cascade
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(p REFERENCES p ON DELETE CASCADE)
INSERT INTO p VALUES (1), (2), (3)
INSERT INTO c VALUES (1), (2), (3)
--- text
DELETE FROM p -- the newest
ORDER BY id DESC -- first
LIMIT 2; -- two of them
SELECT p FROM c;
=== LIMIT 0 and no LIMIT at all
--- setup
CREATE TABLE t(a)
INSERT INTO t VALUES (1), (2)
--- batch
DELETE FROM t LIMIT 0
UPDATE t SET a = 5 LIMIT -1
SELECT a FROM t
=== ORDER BY without LIMIT
--- setup
CREATE TABLE t(a)
--- batch
DELETE FROM t ORDER BY a
--- refused SQLITE_ERROR
=== LIMIT before WHERE
--- setup
CREATE TABLE t(a)
--- batch
DELETE FROM t LIMIT 1 WHERE a = 1
--- refused SQLITE_ERROR
=== LIMIT with a column that is not there
--- setup
CREATE TABLE t(a)
--- batch
DELETE FROM t WHERE b = 1 LIMIT 1
--- refused SQLITE_ERROR
=== LIMIT in a trigger
--- setup
CREATE TABLE t(a)
--- batch
CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t LIMIT 1; END
--- refused SQLITE_ERROR
=== LIMIT on a view
--- setup
CREATE TABLE t(a)
CREATE VIEW v AS SELECT a FROM t
CREATE TRIGGER g INSTEAD OF DELETE ON v BEGIN DELETE FROM t WHERE a = old.a; END
INSERT INTO t VALUES (1), (2)
--- batch
DELETE FROM v LIMIT 1
SELECT a FROM t
--- differs Here it is a syntax error (SQLITE_ENABLE_UPDATE_DELETE_LIMIT); Conn.LimitedWrite knows it, and a rehearsal says that the statement cannot be rehearsed.
=== LIMIT and FROM
--- setup
CREATE TABLE t(a)
CREATE TABLE u(a)
INSERT INTO t VALUES (1), (2)
INSERT INTO u VALUES (5)
--- batch
UPDATE t SET a = u.a FROM u ORDER BY t.a LIMIT 1
SELECT a FROM t
--- differs Here it is a syntax error (SQLITE_ENABLE_UPDATE_DELETE_LIMIT); Conn.LimitedWrite knows it, and a rehearsal says that the statement cannot be rehearsed.
