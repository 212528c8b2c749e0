What D1 lets a statement ask and set. ALLOWED_PRAGMAS of workerd's util/sqlite.c++ is the list.
=== foreign_keys cannot be switched off
--- batch
PRAGMA foreign_keys = OFF
PRAGMA foreign_keys
=== defer_foreign_keys lives until the end of the transaction
--- batch
PRAGMA defer_foreign_keys = ON
PRAGMA defer_foreign_keys
--- then
PRAGMA defer_foreign_keys
=== a boolean in quotes and in any case
--- batch
PRAGMA legacy_alter_table = 'TRUE'
PRAGMA legacy_alter_table = "off"
=== a boolean that begins as one
--- batch
PRAGMA recursive_triggers = only
=== what is no boolean
--- batch
PRAGMA recursive_triggers = maybe
--- refused SQLITE_AUTH
=== a boolean in brackets
--- batch
PRAGMA recursive_triggers(1)
=== case_sensitive_like
--- batch
PRAGMA case_sensitive_like = ON
SELECT 'A' LIKE 'a'
=== ignore_check_constraints
--- setup
CREATE TABLE t(a CHECK (a > 0))
--- batch
PRAGMA ignore_check_constraints = ON
INSERT INTO t VALUES (-1)
PRAGMA ignore_check_constraints = OFF
PRAGMA quick_check
=== reverse_unordered_selects
--- setup
CREATE TABLE t(a)
INSERT INTO t VALUES (1), (2)
--- batch
PRAGMA reverse_unordered_selects = ON
SELECT a FROM t
=== table_info and table_xinfo
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT 'x', b AS (a || '!'))
--- batch
PRAGMA table_info(t)
PRAGMA table_xinfo(t)
=== table_info as a function
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY, a)
--- batch
SELECT name, "notnull", pk FROM pragma_table_info('t')
=== table_info needs a name
--- batch
PRAGMA table_info
--- refused SQLITE_AUTH
=== table_xinfo of a name that is Cloudflare's
--- batch
PRAGMA table_xinfo(_cf_KV)
--- refused SQLITE_AUTH
=== table_list as a function
--- setup
CREATE TABLE t(a TEXT) STRICT
CREATE TABLE w(a PRIMARY KEY) WITHOUT ROWID
--- batch
SELECT name, type, ncol, wr, strict FROM pragma_table_list WHERE name IN ('t', 'w') ORDER BY name
=== indexes are listed
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE, b)
CREATE INDEX t_b ON t(b DESC, lower(a)) WHERE b > 0
--- batch
PRAGMA index_list(t)
=== an index is described
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)
CREATE INDEX t_b ON t(b DESC, lower(a)) WHERE b > 0
--- batch
SELECT * FROM pragma_index_info('t_b')
PRAGMA index_xinfo(t_b)
=== foreign_key_list
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(p REFERENCES p ON DELETE CASCADE ON UPDATE SET NULL, q REFERENCES nowhere(x))
--- batch
PRAGMA foreign_key_list(c)
=== foreign_key_check finds what deferring let through
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p)
PRAGMA defer_foreign_keys = ON
INSERT INTO c VALUES (1, 7)
PRAGMA defer_foreign_keys = OFF
--- batch
PRAGMA foreign_key_check
=== foreign_key_check of a table, as a function
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY)
CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p)
--- batch
SELECT count(*) FROM pragma_foreign_key_check('c')
=== foreign_key_check of a key that fits no parent
--- setup
CREATE TABLE p(id INTEGER PRIMARY KEY, a)
CREATE TABLE c(a REFERENCES p(a))
--- batch
PRAGMA foreign_key_check
--- refused SQLITE_ERROR
=== quick_check, with and without a number
--- batch
PRAGMA quick_check(1)
PRAGMA quick_check
=== integrity_check is denied
--- batch
PRAGMA integrity_check
--- refused SQLITE_AUTH
=== optimize
--- batch
PRAGMA optimize
=== user_version is denied
--- batch
PRAGMA user_version
--- refused SQLITE_AUTH
=== application_id is denied
--- batch
PRAGMA application_id = 1
--- refused SQLITE_AUTH
=== journal_mode is denied
--- batch
PRAGMA journal_mode
--- refused SQLITE_AUTH
=== writable_schema is denied
--- batch
PRAGMA writable_schema = ON
--- refused SQLITE_AUTH
=== synchronous is denied
--- batch
PRAGMA synchronous = OFF
--- refused SQLITE_AUTH
=== page_size is told, not set
--- batch
PRAGMA page_size = 512
--- refused SQLITE_AUTH
=== page_size is told
--- batch
PRAGMA page_size
=== page_count is denied
--- batch
PRAGMA page_count
--- refused SQLITE_AUTH
=== compile_options are denied
--- batch
PRAGMA compile_options
--- refused SQLITE_AUTH
=== encoding is denied
--- batch
PRAGMA encoding
--- refused SQLITE_AUTH
=== a pragma that nobody has is denied
--- batch
PRAGMA nonsense
--- refused SQLITE_AUTH
=== database_list is denied
--- batch
SELECT * FROM pragma_database_list
--- refused SQLITE_AUTH
=== recursive_triggers is off
--- setup
CREATE TABLE t(n)
CREATE TRIGGER g AFTER INSERT ON t WHEN new.n < 5 BEGIN INSERT INTO t VALUES (new.n + 1); END
--- batch
INSERT INTO t VALUES (1)
SELECT count(*) FROM t
