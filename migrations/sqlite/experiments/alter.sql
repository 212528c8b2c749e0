The forms of ALTER TABLE.
=== a column is added with a constant default
--- setup
CREATE TABLE t(a)
INSERT INTO t VALUES (1)
--- batch
ALTER TABLE t ADD COLUMN b TEXT NOT NULL DEFAULT 'x'
SELECT * FROM t
=== a column without COLUMN
--- setup
CREATE TABLE t(a)
--- batch
ALTER TABLE t ADD b
=== NOT NULL without a default passes on an empty table
--- setup
CREATE TABLE t(a)
--- batch
ALTER TABLE t ADD COLUMN b TEXT NOT NULL
=== NOT NULL without a default fails with a row
--- setup
CREATE TABLE t(a)
INSERT INTO t VALUES (1)
--- batch
ALTER TABLE t ADD COLUMN b TEXT NOT NULL
--- refused SQLITE_ERROR
=== CURRENT_TIMESTAMP as a default passes on an empty table
--- setup
CREATE TABLE t(a)
--- batch
ALTER TABLE t ADD COLUMN b TEXT DEFAULT CURRENT_TIMESTAMP
=== CURRENT_TIMESTAMP as a default fails with a row
--- setup
CREATE TABLE t(a)
INSERT INTO t VALUES (1)
--- batch
ALTER TABLE t ADD COLUMN b TEXT DEFAULT CURRENT_TIMESTAMP
--- refused SQLITE_ERROR
=== an expression as a default fails with a row
--- setup
CREATE TABLE t(a)
INSERT INTO t VALUES (1)
--- batch
ALTER TABLE t ADD COLUMN b TEXT DEFAULT (lower('X'))
--- refused SQLITE_ERROR
=== REFERENCES with a default fails with a row
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE t(a)
INSERT INTO t VALUES (1)
--- batch
ALTER TABLE t ADD COLUMN p INTEGER DEFAULT 1 REFERENCES p(id)
--- refused SQLITE_ERROR
=== REFERENCES with NULL passes
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE t(a)
INSERT INTO t VALUES (1)
--- batch
ALTER TABLE t ADD COLUMN p INTEGER REFERENCES p(id)
=== a UNIQUE column cannot be added
--- setup
CREATE TABLE t(a)
--- batch
ALTER TABLE t ADD COLUMN b UNIQUE
--- refused SQLITE_ERROR
=== a PRIMARY KEY cannot be added
--- setup
CREATE TABLE t(a)
--- batch
ALTER TABLE t ADD COLUMN b PRIMARY KEY
--- refused SQLITE_ERROR
=== a CHECK that rows do not meet
--- setup
CREATE TABLE t(a)
INSERT INTO t VALUES (1)
--- batch
ALTER TABLE t ADD COLUMN b INTEGER DEFAULT 0 CHECK (b > 0)
--- refused SQLITE_ERROR
=== a VIRTUAL column is added, a STORED one is not with a row
--- setup
CREATE TABLE t(a)
INSERT INTO t VALUES (1)
--- batch
ALTER TABLE t ADD COLUMN b AS (a + 1) VIRTUAL
ALTER TABLE t ADD COLUMN c AS (a + 1) STORED
--- refused SQLITE_ERROR
=== a column that is there already
--- setup
CREATE TABLE t(a)
--- batch
ALTER TABLE t ADD COLUMN A
--- refused SQLITE_ERROR
=== a column is dropped
--- setup
CREATE TABLE t(a, b, c)
INSERT INTO t VALUES (1, 2, 3)
--- batch
ALTER TABLE t DROP COLUMN b
SELECT * FROM t
=== the only column is not dropped
--- setup
CREATE TABLE t(a)
--- batch
ALTER TABLE t DROP COLUMN a
--- refused SQLITE_ERROR
=== a column of an index is not dropped
--- setup
CREATE TABLE t(a, b)
CREATE INDEX i ON t(b)
--- batch
ALTER TABLE t DROP COLUMN b
--- refused SQLITE_ERROR
=== a primary key is not dropped
--- setup
CREATE TABLE t(a PRIMARY KEY, b)
--- batch
ALTER TABLE t DROP COLUMN a
--- refused SQLITE_ERROR
=== a UNIQUE column is not dropped
--- setup
CREATE TABLE t(a UNIQUE, b)
--- batch
ALTER TABLE t DROP COLUMN a
--- refused SQLITE_ERROR
=== a column with its own CHECK is dropped
--- setup
CREATE TABLE t(a, b CHECK (b > 0))
--- batch
ALTER TABLE t DROP COLUMN b
=== a column in the table's CHECK is not dropped
--- setup
CREATE TABLE t(a, b, CHECK (b > a))
--- batch
ALTER TABLE t DROP COLUMN b
--- refused SQLITE_ERROR
=== a column with its own REFERENCES is dropped
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE t(a, b REFERENCES p)
--- batch
ALTER TABLE t DROP COLUMN b
=== a column of a table's FOREIGN KEY is not dropped
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE t(a, b, FOREIGN KEY (b) REFERENCES p)
--- batch
ALTER TABLE t DROP COLUMN b
--- refused SQLITE_ERROR
=== a column of a view is not dropped
--- setup
CREATE TABLE t(a, b)
CREATE VIEW v AS SELECT b FROM t
--- batch
ALTER TABLE t DROP COLUMN b
--- refused SQLITE_ERROR
=== a column that its own trigger writes is dropped without a word
--- setup
CREATE TABLE t(a, b)
CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET b = 1; END
--- batch
ALTER TABLE t DROP COLUMN b
=== a column in another table's trigger is dropped without a word
--- setup
CREATE TABLE t(a, b)
CREATE TABLE o(a)
CREATE TRIGGER g AFTER INSERT ON o BEGIN UPDATE t SET b = 1; END
--- batch
ALTER TABLE t DROP COLUMN b
=== and then every insert fails
--- setup
CREATE TABLE t(a, b)
CREATE TABLE o(a)
CREATE TRIGGER g AFTER INSERT ON o BEGIN UPDATE t SET b = 1; END
--- batch
ALTER TABLE t DROP COLUMN b
INSERT INTO o VALUES (1)
--- refused SQLITE_ERROR
=== a column is renamed everywhere
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY, nm UNIQUE)
CREATE TABLE c(p REFERENCES p(nm))
CREATE INDEX i ON p(lower(nm))
CREATE VIEW v AS SELECT nm FROM p
CREATE TRIGGER g AFTER UPDATE OF nm ON p BEGIN DELETE FROM c WHERE p = old.nm; END
--- batch
ALTER TABLE p RENAME COLUMN nm TO "full name"
=== a table is renamed everywhere
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY, up REFERENCES p)
CREATE TABLE c(p REFERENCES p)
CREATE VIEW v AS SELECT id FROM p
CREATE TRIGGER g AFTER INSERT ON c BEGIN DELETE FROM p WHERE id = 1; END
--- batch
ALTER TABLE p RENAME TO q
=== a table is renamed the old way
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(p REFERENCES p)
CREATE VIEW v AS SELECT id FROM p
--- batch
PRAGMA legacy_alter_table = ON
ALTER TABLE p RENAME TO q
=== a rename to a name that is taken
--- setup
CREATE TABLE p(id)
CREATE VIEW v AS SELECT 1 AS x
--- batch
ALTER TABLE p RENAME TO v
--- refused SQLITE_ERROR
=== a rename to a name that is Cloudflare's
--- setup
CREATE TABLE p(id)
--- batch
ALTER TABLE p RENAME TO _cf_p
--- refused SQLITE_AUTH
=== a rename of a column to such a name
--- setup
CREATE TABLE p(id)
--- batch
ALTER TABLE p RENAME COLUMN id TO _cf_id
=== a rename while a view is broken
--- setup
CREATE TABLE p(id)
CREATE VIEW v AS SELECT id FROM gone
--- batch
ALTER TABLE p RENAME TO q
--- refused SQLITE_ERROR
=== ADD COLUMN while a view is broken
--- setup
CREATE TABLE p(id)
CREATE VIEW v AS SELECT id FROM gone
--- batch
ALTER TABLE p ADD COLUMN a
=== ADD CONSTRAINT is not for D1
--- setup
CREATE TABLE t(a)
--- batch
ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)
--- refused SQLITE_ERROR
=== ALTER COLUMN SET NOT NULL is not for D1
--- setup
CREATE TABLE t(a)
--- batch
ALTER TABLE t ALTER COLUMN a SET NOT NULL
--- refused SQLITE_ERROR
=== ALTER COLUMN TYPE is nobody's
--- setup
CREATE TABLE t(a)
--- batch
ALTER TABLE t ALTER COLUMN a TYPE TEXT
--- refused SQLITE_ERROR
=== a view is not altered
--- setup
CREATE VIEW v AS SELECT 1 AS x
--- batch
ALTER TABLE v ADD COLUMN y
--- refused SQLITE_ERROR
