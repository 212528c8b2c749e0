What D1 lets a statement call. ALLOWED_SQLITE_FUNCTIONS of workerd's util/sqlite.c++ is the list.
=== functions of text
--- batch
SELECT lower('ÄB'), upper('äb'), trim('  x '), ltrim('xxa', 'x'), rtrim('axx', 'x'), replace('aba', 'a', 'c'), substr('abc', 2), substring('abc', -2, 1), instr('abc', 'c')
=== functions of text and numbers
--- batch
SELECT length('äö'), octet_length('äö'), unicode('a'), char(97, 98), hex('a'), unhex('6162'), quote('it''s'), printf('%05.1f|%s', 1.25, 'x'), format('%d', 7)
=== concat and concat_ws leave NULL out
--- batch
SELECT concat('a', NULL, 1), concat_ws('-', 'a', NULL, 'b')
=== choices
--- batch
SELECT coalesce(NULL, 1), ifnull(NULL, 2), nullif(1, 1), iif(1, 'a', 'b'), likely(1), unlikely(0), likelihood(1, 0.5)
=== iif takes two arguments
--- batch
SELECT iif(0, 'a')
=== types
--- batch
SELECT typeof(1), typeof(1.0), typeof('1'), typeof(x'01'), typeof(NULL), zeroblob(2)
=== numbers
--- batch
SELECT abs(-1), round(2.5), round(2.345, 2), sign(-3), max(1, 2), min(1, 2), mod(7, 3), pow(2, 3)
=== power is not on the list, although pow is
--- batch
SELECT power(2, 3)
--- refused SQLITE_ERROR
=== mathematical functions
--- batch
SELECT round(sin(1), 6), round(cos(1), 6), round(atan2(1, 2), 6), round(exp(1), 6), round(ln(2), 6), round(log(100), 6), round(log2(8), 6), round(pi(), 6), sqrt(16), ceil(1.2), floor(1.8), trunc(-1.5), degrees(0), radians(0)
=== ceiling is not on the list, although ceil is
--- batch
SELECT ceiling(1.2)
--- refused SQLITE_ERROR
=== log10 is not on the list
--- batch
SELECT log10(100)
--- refused SQLITE_ERROR
=== dates
--- batch
SELECT date('2026-11-21', '+1 month'), time('12:00', '+90 minutes'), datetime(0, 'unixepoch'), julianday('2000-01-01'), unixepoch('2026-01-01'), strftime('%Y-%W', '2026-11-21'), timediff('2026-01-02', '2026-01-01')
=== aggregates
--- setup
CREATE TABLE t(a)
INSERT INTO t VALUES (1), (2), (NULL), (2)
--- batch
SELECT count(*), count(a), count(DISTINCT a), sum(a), total(a), avg(a), min(a), max(a), group_concat(a, '-'), string_agg(a, '+') FROM t
=== window functions
--- batch
WITH v(x) AS (VALUES (1), (2), (2), (3)) SELECT x, row_number() OVER w, rank() OVER w, dense_rank() OVER w, lag(x) OVER w, lead(x, 1, 0) OVER w, ntile(2) OVER w, first_value(x) OVER w, nth_value(x, 2) OVER w, last_value(x) OVER w, percent_rank() OVER w, cume_dist() OVER w FROM v WINDOW w AS (ORDER BY x)
=== a table in FROM has no column list
--- batch
SELECT x FROM (VALUES (1)) AS v(x)
--- refused SQLITE_ERROR
=== a window with a frame
--- batch
WITH v(x) AS (VALUES (1), (2), (3)) SELECT x, sum(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), group_concat(x) FILTER (WHERE x > 1) OVER (ORDER BY x) FROM v
=== JSON is read
--- batch
SELECT json_extract('{"a":[1,2]}', '$.a[1]'), '{"a":1}' -> 'a', '{"a":1}' ->> '$.a', json_type('[1]'), json_valid('{'), json_array_length('[1,2]')
=== JSON is written
--- batch
SELECT json_object('a', 1), json_array(1, 'x', NULL), json_set('{}', '$.a', 1), json_insert('{"a":1}', '$.a', 2), json_replace('{"a":1}', '$.a', 2), json_remove('{"a":1}', '$.a'), json_patch('{"a":1}', '{"b":2}'), json_quote('x')
=== JSON in binary
--- batch
SELECT json(jsonb('{"a": 1}')), typeof(jsonb_array(1)), json(jsonb_set('{}', '$.a', 1))
=== JSON of rows
--- batch
SELECT json_group_array(x), json_group_object(x, x) FROM (SELECT 1 AS x UNION ALL SELECT 2)
=== json_each and json_tree are tables
--- batch
SELECT (SELECT group_concat(value) FROM json_each('[1,2]')), (SELECT count(*) FROM json_tree('{"a":{"b":1}}'))
=== json_pretty is not on the list
--- batch
SELECT json_pretty('{}')
--- refused SQLITE_ERROR
=== malformed JSON is an error when it is read
--- batch
SELECT json_extract('{', '$.a')
--- refused SQLITE_ERROR
=== the version of SQLite is nobody's business
--- batch
SELECT sqlite_version()
--- refused SQLITE_ERROR
=== load_extension is on the list, and refused when it runs
--- batch
SELECT load_extension('x')
--- refused SQLITE_ERROR
=== soundex is on the list, and does not exist
--- batch
SELECT soundex('a')
--- refused SQLITE_ERROR
=== generate_series does not exist
--- batch
SELECT * FROM generate_series(1, 3)
--- refused SQLITE_ERROR
=== median does not exist
--- batch
SELECT median(1)
--- refused SQLITE_ERROR
=== REGEXP has no function behind it
--- batch
SELECT 'a' REGEXP 'a'
--- refused SQLITE_ERROR
=== MATCH outside of full text has none either
--- batch
SELECT 'a' MATCH 'a'
--- refused SQLITE_ERROR
=== if is not on the list, although iif is
--- batch
SELECT if(1, 2, 3)
--- refused SQLITE_ERROR
=== unistr is not on the list
--- batch
SELECT unistr('\u0061')
--- refused SQLITE_ERROR
=== a function that nobody has
--- batch
SELECT nonsense(1)
--- refused SQLITE_ERROR
=== too few arguments
--- batch
SELECT substr('a')
--- refused SQLITE_ERROR
=== a function in a CHECK is looked at when the table is made
--- batch
CREATE TABLE t(a CHECK (json_pretty(a) <> ''))
--- refused SQLITE_ERROR
=== a function in a DEFAULT
--- setup
CREATE TABLE t(id INTEGER PRIMARY KEY, a DEFAULT (lower('X')), b DEFAULT (hex(zeroblob(2))))
--- batch
INSERT INTO t(id) VALUES (1) RETURNING a, b
=== random in an index is no constant
--- setup
CREATE TABLE t(a)
--- batch
CREATE INDEX i ON t(random())
--- refused SQLITE_ERROR
=== changes and last_insert_rowid
--- setup
CREATE TABLE t(a)
--- batch
INSERT INTO t VALUES (1), (2)
SELECT last_insert_rowid(), changes()
=== a blob is LIKE a text
--- batch
SELECT x'61' LIKE 'a'
--- differs Here a blob is LIKE nothing (SQLITE_LIKE_DOESNT_MATCH_BLOBS). Schemas do not depend on it; a rehearsal on data counts fewer rows for a LIKE over blobs, which a LIKE function of our own would cost every index on LIKE to mend.
=== LIKE folds ASCII letters only
--- batch
SELECT 'Ä' LIKE 'ä', 'A' LIKE 'a', 'a%' LIKE 'a\%' ESCAPE '\', 'A' GLOB 'a'
=== a DEFAULT that calls a function which is not on the list is refused when the table is made
--- batch
CREATE TABLE t(a, b TEXT DEFAULT (lower(sqlite_version())))
--- refused SQLITE_ERROR
=== a DEFAULT that calls a function which nobody has
--- batch
CREATE TABLE t(a, b TEXT DEFAULT (nobody_has_this()))
--- refused SQLITE_ERROR
=== a DEFAULT that calls a function which is not on the list, for a column that is added
--- setup
CREATE TABLE t(a)
--- batch
ALTER TABLE t ADD COLUMN b TEXT DEFAULT (sqlite_version())
--- refused SQLITE_ERROR
=== DEFAULTs that call functions of the list
--- batch
CREATE TABLE t(a, b TEXT DEFAULT (lower(hex(randomblob(4)))), c TEXT DEFAULT (strftime('%s', 'now')), d DEFAULT ('(' || abs(-1)), "default" CHECK (length("default") > 0))
--- then
SELECT count(*) FROM pragma_table_info('t')
