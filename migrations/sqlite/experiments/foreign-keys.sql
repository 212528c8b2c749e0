Foreign keys, which are always on.
=== an orphan is refused
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(p REFERENCES p)
--- batch
INSERT INTO c VALUES (1)
--- refused SQLITE_CONSTRAINT
=== deferred keys are looked at when the transaction ends
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(p REFERENCES p)
--- batch
PRAGMA defer_foreign_keys = ON
INSERT INTO c VALUES (1)
INSERT INTO p VALUES (1)
SELECT * FROM c
=== and refused then
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(p REFERENCES p)
--- batch
PRAGMA defer_foreign_keys = ON
INSERT INTO c VALUES (1)
--- refused SQLITE_CONSTRAINT
=== switching the deferral off forgets what was wrong
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(p REFERENCES p)
--- batch
PRAGMA defer_foreign_keys = ON
INSERT INTO c VALUES (1)
PRAGMA defer_foreign_keys = OFF
SELECT * FROM c
=== keys that are deferred by themselves
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(p REFERENCES p DEFERRABLE INITIALLY DEFERRED)
--- batch
INSERT INTO c VALUES (1)
INSERT INTO p VALUES (1)
SELECT * FROM c
=== dropping a parent deletes the children, deferral or not
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE)
INSERT INTO p VALUES (1), (2)
INSERT INTO c VALUES (1, 1), (2, 2), (3, NULL)
--- batch
PRAGMA foreign_keys = OFF
PRAGMA defer_foreign_keys = ON
CREATE TABLE new_p(id INTEGER PRIMARY KEY, a)
INSERT INTO new_p SELECT id, NULL FROM p
DROP TABLE p
ALTER TABLE new_p RENAME TO p
--- then
SELECT count(*) FROM c
=== dropping a parent clears the keys
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE SET NULL)
INSERT INTO p VALUES (1)
INSERT INTO c VALUES (1, 1)
--- batch
PRAGMA defer_foreign_keys = ON
DROP TABLE p
CREATE TABLE p(id INTEGER PRIMARY KEY)
INSERT INTO p VALUES (1)
--- then
SELECT * FROM c
=== the usual rebuild fails at its end where a child has no action
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p)
INSERT INTO p VALUES (1)
INSERT INTO c VALUES (1, 1)
--- batch
PRAGMA defer_foreign_keys = ON
CREATE TABLE new_p(id INTEGER PRIMARY KEY)
INSERT INTO new_p SELECT id FROM p
DROP TABLE p
ALTER TABLE new_p RENAME TO p
--- refused SQLITE_CONSTRAINT
=== rows that come back under the final name settle it
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p)
INSERT INTO p VALUES (1)
INSERT INTO c VALUES (1, 1)
--- batch
PRAGMA defer_foreign_keys = ON
CREATE TABLE kept AS SELECT id FROM p
DROP TABLE p
CREATE TABLE p(id INTEGER PRIMARY KEY)
INSERT INTO p SELECT id FROM kept
DROP TABLE kept
--- then
SELECT * FROM c
=== a trigger with RAISE(IGNORE) keeps a child from a cascade
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE)
INSERT INTO p VALUES (1)
INSERT INTO c VALUES (1, 1)
--- batch
PRAGMA defer_foreign_keys = ON
CREATE TRIGGER g BEFORE DELETE ON c BEGIN SELECT RAISE(IGNORE); END
DROP TABLE p
CREATE TABLE p(id INTEGER PRIMARY KEY)
INSERT INTO p VALUES (1)
DROP TRIGGER g
--- then
SELECT * FROM c
=== without deferral that fails at once
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE)
INSERT INTO p VALUES (1)
INSERT INTO c VALUES (1, 1)
--- batch
CREATE TRIGGER g BEFORE DELETE ON c BEGIN SELECT RAISE(IGNORE); END
DROP TABLE p
--- refused SQLITE_CONSTRAINT
=== RESTRICT waits as well when checks are deferred
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(p REFERENCES p ON DELETE RESTRICT)
INSERT INTO p VALUES (1)
INSERT INTO c VALUES (1)
--- batch
PRAGMA defer_foreign_keys = ON
DELETE FROM p
INSERT INTO p VALUES (1)
=== RESTRICT does not wait otherwise
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(p REFERENCES p ON DELETE RESTRICT)
INSERT INTO p VALUES (1)
INSERT INTO c VALUES (1)
--- batch
DELETE FROM p
--- refused SQLITE_CONSTRAINT
=== SET DEFAULT to a parent that is not there
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(p DEFAULT 9 REFERENCES p ON DELETE SET DEFAULT)
INSERT INTO p VALUES (1)
INSERT INTO c VALUES (1)
--- batch
DELETE FROM p
--- refused SQLITE_CONSTRAINT
=== a key moves along with ON UPDATE CASCADE
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(p REFERENCES p ON UPDATE CASCADE)
INSERT INTO p VALUES (1)
INSERT INTO c VALUES (1)
--- batch
UPDATE p SET id = 5
SELECT * FROM c
=== REPLACE deletes first, so children go
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY, a)
CREATE TABLE c(p REFERENCES p ON DELETE CASCADE)
INSERT INTO p VALUES (1, 'x')
INSERT INTO c VALUES (1)
--- batch
REPLACE INTO p VALUES (1, 'y')
SELECT count(*) FROM c
=== ON CONFLICT DO UPDATE does not
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY, a)
CREATE TABLE c(p REFERENCES p ON DELETE CASCADE)
INSERT INTO p VALUES (1, 'x')
INSERT INTO c VALUES (1)
--- batch
INSERT INTO p VALUES (1, 'y') ON CONFLICT (id) DO UPDATE SET a = excluded.a
SELECT count(*) FROM c
=== a child of nothing takes no row
--- setup
CREATE TABLE c(p REFERENCES nowhere(id))
--- batch
INSERT INTO c VALUES (1)
--- refused SQLITE_ERROR
=== a dropped parent leaves a child from which not even DELETE works
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(p REFERENCES p ON DELETE CASCADE)
CREATE TABLE g(id INTEGER PRIMARY KEY, c REFERENCES c)
--- batch
DROP TABLE p
INSERT INTO c VALUES (NULL)
--- refused SQLITE_ERROR
=== a key to a column that is not unique
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY, a)
CREATE TABLE c(a REFERENCES p(a))
--- batch
INSERT INTO c VALUES (1)
--- refused SQLITE_ERROR
=== a UNIQUE index makes it one
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY, a)
CREATE TABLE c(a REFERENCES p(a))
--- batch
CREATE UNIQUE INDEX p_a ON p(a)
INSERT INTO p VALUES (1, 5)
INSERT INTO c VALUES (5)
=== a composite key with a NULL in it refers to nothing
--- setup
CREATE TABLE p(a, b, PRIMARY KEY (a, b))
CREATE TABLE c(a, b, FOREIGN KEY (a, b) REFERENCES p)
--- batch
INSERT INTO c VALUES (1, NULL)
=== a composite key has to be there otherwise
--- setup
CREATE TABLE p(a, b, PRIMARY KEY (a, b))
CREATE TABLE c(a, b, FOREIGN KEY (a, b) REFERENCES p)
--- batch
INSERT INTO c VALUES (1, 2)
--- refused SQLITE_CONSTRAINT
=== a key of another number of columns
--- batch
CREATE TABLE c(a, b, FOREIGN KEY (a, b) REFERENCES p(x))
--- refused SQLITE_ERROR
