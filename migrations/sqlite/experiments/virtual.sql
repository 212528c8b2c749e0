Virtual tables: full text and R*Tree.
=== full text
--- batch
CREATE VIRTUAL TABLE f USING fts5(title, body)
INSERT INTO f VALUES ('one', 'red apple'), ('two', 'green pear')
SELECT title, highlight(f, 1, '<', '>'), snippet(f, 1, '[', ']', '...', 4), bm25(f) < 0 FROM f WHERE f MATCH 'apple OR plum'
=== full text with prefixes, stems and columns
--- batch
CREATE VIRTUAL TABLE f USING fts5(title, body UNINDEXED, tokenize = 'porter unicode61', prefix = '2 3')
INSERT INTO f VALUES ('running shoes', 'x')
SELECT count(*) FROM f WHERE f MATCH 'title:run*'
=== full text by trigrams
--- batch
CREATE VIRTUAL TABLE f USING fts5(a, tokenize = 'trigram')
INSERT INTO f VALUES ('Abcdef')
SELECT count(*) FROM f WHERE a LIKE '%bcd%'
=== full text over another table
--- setup
CREATE TABLE d(id INTEGER PRIMARY KEY, body)
INSERT INTO d VALUES (1, 'red apple')
CREATE VIRTUAL TABLE f USING fts5(body, content = 'd', content_rowid = 'id')
--- batch
INSERT INTO f(f) VALUES ('rebuild')
SELECT rowid, body FROM f WHERE f MATCH 'apple'
=== full text without content
--- batch
CREATE VIRTUAL TABLE f USING fts5(a, content = '')
INSERT INTO f(rowid, a) VALUES (1, 'x')
DELETE FROM f WHERE rowid = 1
--- refused internal
=== the words of a full-text index
--- batch
CREATE VIRTUAL TABLE f USING fts5(a)
INSERT INTO f VALUES ('red apple red')
CREATE VIRTUAL TABLE v USING fts5vocab('f', 'row')
SELECT term, doc, cnt FROM v
=== a mistake in a query of full text
--- setup
CREATE VIRTUAL TABLE f USING fts5(a)
--- batch
SELECT * FROM f WHERE f MATCH 'AND'
--- refused SQLITE_ERROR
=== a shadow table is not written by hand
--- setup
CREATE VIRTUAL TABLE f USING fts5(a)
--- batch
DELETE FROM f_data
--- refused SQLITE_ERROR
=== a shadow table is not dropped either
--- setup
CREATE VIRTUAL TABLE f USING fts5(a)
--- batch
DROP TABLE f_data
--- refused SQLITE_ERROR
=== a full-text table is renamed with its shadows
--- setup
CREATE VIRTUAL TABLE f USING fts5(a)
--- batch
ALTER TABLE f RENAME TO g
=== a full-text table gets no column
--- setup
CREATE VIRTUAL TABLE f USING fts5(a)
--- batch
ALTER TABLE f ADD COLUMN b
--- refused SQLITE_ERROR
=== a full-text table is dropped
--- setup
CREATE VIRTUAL TABLE f USING fts5(a)
--- batch
DROP TABLE f
=== a full-text table has no triggers
--- setup
CREATE VIRTUAL TABLE f USING fts5(a)
--- batch
CREATE TRIGGER g AFTER INSERT ON f BEGIN SELECT 1; END
--- refused SQLITE_ERROR
=== a full-text table has no indexes
--- setup
CREATE VIRTUAL TABLE f USING fts5(a)
--- batch
CREATE INDEX i ON f(a)
--- refused SQLITE_ERROR
=== an option that full text does not know
--- batch
CREATE VIRTUAL TABLE f USING fts5(a, nonsense = 1)
--- refused SQLITE_ERROR
=== an R*Tree
--- batch
CREATE VIRTUAL TABLE r USING rtree(id, x0, x1, +note)
INSERT INTO r VALUES (1, 0, 10, 'a'), (2, 20, 30, 'b')
SELECT id, note FROM r WHERE x0 >= 15
=== an R*Tree is looked through
--- batch
CREATE VIRTUAL TABLE r USING rtree_i32(id, x0, x1)
SELECT rtreecheck('r')
=== an R*Tree with its bounds the wrong way
--- setup
CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)
--- batch
INSERT INTO r VALUES (1, 10, 0)
--- refused SQLITE_CONSTRAINT
=== fts4 is denied
--- batch
CREATE VIRTUAL TABLE f USING fts4(a)
--- refused SQLITE_AUTH
=== fts3 is denied
--- batch
CREATE VIRTUAL TABLE f USING fts3(a)
--- refused SQLITE_AUTH
=== geopoly is denied
--- batch
CREATE VIRTUAL TABLE g USING geopoly(a)
--- refused SQLITE_AUTH
=== dbstat is denied
--- batch
CREATE VIRTUAL TABLE g USING dbstat
--- refused SQLITE_AUTH
=== a module in another case
--- batch
CREATE VIRTUAL TABLE f USING FTS5(a)
=== a virtual table with a name that is Cloudflare's
--- batch
CREATE VIRTUAL TABLE _cf_f USING fts5(a)
--- refused SQLITE_AUTH
