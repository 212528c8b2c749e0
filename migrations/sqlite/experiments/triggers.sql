Triggers and views.
=== a BEFORE trigger refuses
--- setup
CREATE TABLE t(a)
CREATE TRIGGER g BEFORE INSERT ON t WHEN new.a < 0 BEGIN SELECT RAISE(ABORT, 'no'); END
--- batch
INSERT INTO t VALUES (-1)
--- refused SQLITE_CONSTRAINT
=== RAISE(ROLLBACK) ends the transaction
--- setup
CREATE TABLE t(a)
CREATE TRIGGER g BEFORE INSERT ON t BEGIN SELECT RAISE(ROLLBACK, 'no'); END
--- batch
CREATE TABLE u(a)
INSERT INTO t VALUES (-1)
--- refused internal
=== RAISE takes an expression
--- setup
CREATE TABLE t(a)
--- batch
CREATE TRIGGER g BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'no ' || new.a); END
=== a trigger sees old and new
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY, a)
CREATE TABLE log(x)
INSERT INTO t VALUES (1, 'x')
--- batch
CREATE TRIGGER g AFTER UPDATE OF a ON t WHEN old.a IS NOT new.a BEGIN INSERT INTO log VALUES (old.a || new.a); END
UPDATE t SET a = 'y'
SELECT * FROM log
=== two triggers both fire
--- setup
CREATE TABLE t(a)
CREATE TABLE log(x)
CREATE TRIGGER one AFTER INSERT ON t BEGIN INSERT INTO log VALUES (1); END
CREATE TRIGGER two AFTER INSERT ON t BEGIN INSERT INTO log VALUES (2); END
--- batch
INSERT INTO t VALUES (1)
SELECT x FROM log
=== a CASE in a trigger
--- setup
CREATE TABLE t(a)
--- batch
CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET a = CASE WHEN a > 1 THEN 1 ELSE (CASE a WHEN 0 THEN 1 END) END; END
=== a trigger in lower case over several lines
--- setup
CREATE TABLE t(a)
--- text
create trigger g after insert on t
begin
  update t set a = 1; -- end;
  select 'end;';
end;
=== a trigger with CRLF
--- setup
CREATE TABLE t(a)
--- text
CREATE TRIGGER g AFTER INSERT ON t\r
BEGIN\r
  UPDATE t SET a = 1;\r
END;\r
=== a trigger that is called begin, on a table that is called end
--- text
CREATE TABLE "end"(a);
CREATE TRIGGER "begin" AFTER INSERT ON "end" BEGIN SELECT 1; END;
INSERT INTO "end" VALUES (1);
=== END with a comment before the semicolon
--- setup
CREATE TABLE t(a)
--- text
CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END -- done
;
CREATE TABLE u(a);
=== a SELECT in a trigger may have WITH
--- setup
CREATE TABLE t(a)
--- batch
CREATE TRIGGER g AFTER INSERT ON t BEGIN WITH x AS (SELECT 1) SELECT * FROM x; END
=== INSERT DEFAULT VALUES is not for a trigger
--- setup
CREATE TABLE t(a)
--- batch
CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO t DEFAULT VALUES; END
--- refused SQLITE_ERROR
=== RETURNING is not for a trigger
--- setup
CREATE TABLE t(a)
--- batch
CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO t VALUES (1) RETURNING a; END
--- refused SQLITE_ERROR
=== a trigger on a table that is not there
--- batch
CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END
--- refused SQLITE_ERROR
=== a trigger over a table that is not there fails when it fires
--- setup
CREATE TABLE t(a)
--- batch
CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO gone VALUES (1); END
INSERT INTO t VALUES (1)
--- refused SQLITE_ERROR
=== a trigger may not write another schema
--- setup
CREATE TABLE t(a)
--- batch
CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO main.t VALUES (1); END
--- refused SQLITE_ERROR
=== a TEMP trigger is denied
--- setup
CREATE TABLE t(a)
--- batch
CREATE TEMP TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END
--- refused SQLITE_AUTH
=== a trigger with a name that is Cloudflare's
--- setup
CREATE TABLE t(a)
--- batch
CREATE TRIGGER _cf_g AFTER INSERT ON t BEGIN SELECT 1; END
--- refused SQLITE_AUTH
=== a trigger that exists, and IF NOT EXISTS
--- setup
CREATE TABLE t(a)
CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END
--- batch
CREATE TRIGGER IF NOT EXISTS g AFTER INSERT ON t BEGIN SELECT 2; END
=== INSTEAD OF is for views
--- setup
CREATE TABLE t(a)
CREATE VIEW v AS SELECT a FROM t
--- batch
CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (new.a); END
INSERT INTO v VALUES (5)
SELECT * FROM t
=== INSTEAD OF is not for tables
--- setup
CREATE TABLE t(a)
--- batch
CREATE TRIGGER g INSTEAD OF INSERT ON t BEGIN SELECT 1; END
--- refused SQLITE_ERROR
=== a view takes no UPSERT
--- setup
CREATE TABLE t(a UNIQUE)
CREATE VIEW v AS SELECT a FROM t
CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (new.a); END
--- batch
INSERT INTO v VALUES (1) ON CONFLICT DO NOTHING
--- refused SQLITE_ERROR
=== a view takes no row without a trigger
--- setup
CREATE VIEW v AS SELECT 1 AS a
--- batch
INSERT INTO v VALUES (1)
--- refused SQLITE_ERROR
=== a view of a table that is not there is made all the same
--- batch
CREATE VIEW v AS SELECT x FROM gone
=== and fails when it is read
--- batch
CREATE VIEW v AS SELECT x FROM gone
SELECT * FROM v
--- refused SQLITE_ERROR
=== a view with a column list
--- batch
CREATE VIEW v(x, y) AS SELECT 1, 2
SELECT y, x FROM v
=== a TEMP view is denied
--- batch
CREATE TEMP VIEW v AS SELECT 1
--- refused SQLITE_AUTH
=== DROP TABLE takes its triggers along, views stay
--- setup
CREATE TABLE t(a)
CREATE INDEX i ON t(a)
CREATE VIEW v AS SELECT a FROM t
CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END
--- batch
DROP TABLE t
