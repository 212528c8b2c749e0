package conformance

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// transferred is the answer of /export and /import.
type transferred struct {
	Success    bool
	Type       string
	AtBookmark string `json:"at_bookmark"`
	Status     string
	Messages   []string
	Error      string
	Filename   string
	UploadURL  string `json:"upload_url"`
	Result     struct {
		Filename      string
		SignedURL     string  `json:"signed_url"`
		NumQueries    float64 `json:"num_queries"`
		FinalBookmark string  `json:"final_bookmark"`
		Meta          struct {
			RowsWritten float64 `json:"rows_written"`
		}
	}
}

func testTransfers(t *testing.T, c *client) {
	t.Run("an export has D1's order and D1's faults", func(t *testing.T) { testExport(t, c.create(t)) })
	t.Run("an export may leave out the schema, the data or tables", func(t *testing.T) { testPartialExport(t, c.create(t)) })
	t.Run("a longer export is asked for until it is done, and blocks the database meanwhile", func(t *testing.T) { testLongExport(t, c.create(t)) })
	t.Run("a database with a virtual table is not exported, and blocked by the attempt", func(t *testing.T) { testVirtual(t, c.create(t)) })
	t.Run("a signed address is the only key to the storage", func(t *testing.T) { testSigned(t, c.create(t)) })
	t.Run("an import is uploaded and carried out as a whole", func(t *testing.T) { testImport(t, c.create(t)) })
	t.Run("an import that fails leaves nothing", func(t *testing.T) { testFailedImport(t, c.create(t)) })
	t.Run("what was not uploaded is not imported", func(t *testing.T) {
		db := c.create(t)
		if got := db.transfer(t, "import", map[string]any{"action": "ingest", "etag": md5Of("x"), "filename": "d1-imports/x.sql"}); got.Success || got.Error == "" {
			t.Errorf("%+v", got)
		}
		for _, kind := range []string{"import", "export"} {
			got := db.transfer(t, kind, map[string]any{"action": "poll", "output_format": "polling", "current_bookmark": db.bookmark(t, "")})
			if got.Success || got.Error != "Not currently "+kind+"ing anything." {
				t.Errorf("%+v", got)
			}
		}
	})
	t.Run("an export of nothing, or to nowhere, is malformed", func(t *testing.T) {
		db := c.create(t)
		for _, body := range []any{map[string]any{}, map[string]any{"output_format": "polling", "dump_options": map[string]any{"no_schema": true, "no_data": true}}} {
			db.send(t, "POST", db.path()+"/export", body).refused(t, 400, 7400, "")
		}
		db.send(t, "POST", db.path()+"/import", map[string]any{"action": "dance"}).refused(t, 400, 7400, "")
	})
}

func (d database) transfer(t testing.TB, kind string, body map[string]any) transferred {
	t.Helper()
	var got transferred
	d.send(t, "POST", d.path()+"/"+kind, body).decode(t, &got)
	if got.Type != kind || got.Messages == nil {
		t.Errorf("%s answered %+v", kind, got)
	}
	return got
}

// export exports, asking as often as it takes, and returns the text.
func (d database) export(t testing.TB, options map[string]any) string {
	t.Helper()
	body := map[string]any{"output_format": "polling", "dump_options": options}
	for range 100 {
		got := d.transfer(t, "export", body)
		if !got.Success {
			t.Fatalf("%+v", got)
		}
		if got.Status == "complete" {
			res := d.storage(t, "GET", got.Result.SignedURL, "", "")
			if res.status != 200 {
				t.Fatalf("download: %+v", res)
			}
			return res.text
		}
		body["current_bookmark"] = got.AtBookmark
	}
	t.Fatal("the export does not end")
	return ""
}

// stored is an answer of the storage.
type stored struct {
	status int
	text   string
	etag   string
}

func (c *client) storage(t testing.TB, method, address, body, authorization string) stored {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal("an address that is none")
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return stored{res.StatusCode, string(text), res.Header.Get("ETag")}
}

func md5Of(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// faulty is a schema whose export shows everything that is odd about D1's.
const faulty = `CREATE TABLE p(id INTEGER PRIMARY KEY AUTOINCREMENT, v, g AS (id * 2));
	CREATE TABLE "odd ""name"(a TEXT);
	CREATE VIEW seen AS SELECT v FROM p;
	CREATE TRIGGER into_view INSTEAD OF INSERT ON seen BEGIN INSERT INTO p(v) VALUES (NEW.v); END;
	CREATE INDEX by_v ON p(v) WHERE v > 0;
	INSERT INTO p(v) VALUES (9007199254740993), (1.0), (0.1), (1e21), (-1e-7), (9e999), (x'00ff'), (NULL), ('it''s');
	INSERT INTO "odd ""name" VALUES ('a' || char(10) || 'b\n' || char(13) || 'c')`

func testExport(t *testing.T, db database) {
	db.query(t, faulty)
	want := `PRAGMA defer_foreign_keys=TRUE;
CREATE TABLE p(id INTEGER PRIMARY KEY AUTOINCREMENT, v, g AS (id * 2));
INSERT INTO "p" ("id","v") VALUES(1,9007199254740992);
INSERT INTO "p" ("id","v") VALUES(2,1);
INSERT INTO "p" ("id","v") VALUES(3,0.1);
INSERT INTO "p" ("id","v") VALUES(4,1e+21);
INSERT INTO "p" ("id","v") VALUES(5,-1e-7);
INSERT INTO "p" ("id","v") VALUES(6,9e999);
INSERT INTO "p" ("id","v") VALUES(7,X'00ff');
INSERT INTO "p" ("id","v") VALUES(8,NULL);
INSERT INTO "p" ("id","v") VALUES(9,'it''s');
CREATE TABLE IF NOT EXISTS "odd ""name"(a TEXT);
INSERT INTO "odd ""name" ("a") VALUES(replace(replace('a\nb\n\rc','\r',char(13)),'\n',char(10)));
DELETE FROM sqlite_sequence;
INSERT INTO "sqlite_sequence" ("name","seq") VALUES('p',9);
CREATE INDEX by_v ON p(v) WHERE v > 0;
CREATE TRIGGER into_view INSTEAD OF INSERT ON seen BEGIN INSERT INTO p(v) VALUES (NEW.v); END;
CREATE VIEW seen AS SELECT v FROM p;
`
	if diff := cmp.Diff(want, db.export(t, nil)); diff != "" {
		t.Errorf("wrong export (-want +got):\n%s", diff)
	}
}

func testPartialExport(t *testing.T, db database) {
	db.query(t, "CREATE TABLE a(x); CREATE INDEX i ON a(x); INSERT INTO a VALUES (1); CREATE TABLE b(x)")
	const head = "PRAGMA defer_foreign_keys=TRUE;\n"
	for _, c := range []struct {
		options map[string]any
		want    string
	}{
		{map[string]any{"no_data": true}, "CREATE TABLE a(x);\nCREATE TABLE b(x);\nCREATE INDEX i ON a(x);\n"},
		{map[string]any{"no_schema": true}, "INSERT INTO \"a\" (\"x\") VALUES(1);\n"},
		{map[string]any{"tables": []string{"a"}}, "CREATE TABLE a(x);\nINSERT INTO \"a\" (\"x\") VALUES(1);\n"},
	} {
		if got := db.export(t, c.options); got != head+c.want {
			t.Errorf("%v gives\n%s", c.options, got)
		}
	}
}

// large fills a table with more than is exported or imported at once.
const large = "CREATE TABLE large(x); INSERT INTO large VALUES (hex(zeroblob(350000))), (hex(zeroblob(350000)))"

func testLongExport(t *testing.T, db database) {
	db.query(t, large)
	body := map[string]any{"output_format": "polling"}
	got := db.transfer(t, "export", body)
	if got.Status != "active" || got.AtBookmark != db.bookmark(t, "") {
		t.Fatalf("%+v", got)
	}
	busy := "Currently processing a long-running export."
	db.send(t, "POST", db.path()+"/query", map[string]any{"sql": "SELECT 1"}).refused(t, 400, 7500, busy)
	db.send(t, "POST", db.path()+"/time_travel/restore?bookmark="+got.AtBookmark, nil).refused(t, 400, 7500, busy)
	db.send(t, "POST", db.path()+"/export", body).refused(t, 400, 7500, busy)
	body["current_bookmark"] = got.AtBookmark
	for got.Status == "active" {
		got = db.transfer(t, "export", body)
	}
	if text := db.storage(t, "GET", got.Result.SignedURL, "", ""); got.Status != "complete" || len(text.text) < 1_400_000 {
		t.Errorf("%+v, %d bytes", got, len(text.text))
	}
	if n := db.count(t, "SELECT count(*) AS n FROM large"); n != 2 {
		t.Errorf("%d rows", n)
	}
}

func testVirtual(t *testing.T, db database) {
	db.query(t, "CREATE VIRTUAL TABLE f USING fts5(body)")
	got := db.transfer(t, "export", map[string]any{"output_format": "polling"})
	if got.Success || got.Status != "error" || got.Error != "D1 Export error: cannot export databases with Virtual Tables (fts5)" {
		t.Errorf("%+v", got)
	}
	db.send(t, "POST", db.path()+"/query", map[string]any{"sql": "SELECT 1"}).refused(t, 400, 7500, "Currently processing a long-running export.")
}

func testSigned(t *testing.T, db database) {
	db.query(t, "CREATE TABLE a(x)")
	signed := db.transfer(t, "export", map[string]any{"output_format": "polling"}).Result.SignedURL
	if got := db.storage(t, "GET", signed, "", "Bearer "+db.Token); got.status != 400 {
		t.Errorf("with a token besides: %+v", got)
	}
	if got := db.storage(t, "PUT", signed, "other", ""); got.status != 403 {
		t.Errorf("to write: %+v", got)
	}
	address, _, _ := strings.Cut(signed, "?")
	if got := db.storage(t, "GET", address, "", ""); got.status != 403 {
		t.Errorf("without a signature: %+v", got)
	}
	if got := db.storage(t, "GET", signed, "", ""); got.status != 200 {
		t.Errorf("%+v", got)
	}
}

// upload offers a text and uploads it. The answer is that of the ingestion.
func (d database) upload(t testing.TB, text string) transferred {
	t.Helper()
	etag := md5Of(text)
	offer := d.transfer(t, "import", map[string]any{"action": "init", "etag": etag})
	if offer.UploadURL == "" || offer.Filename == "" {
		t.Fatalf("%+v", offer)
	}
	if put := d.storage(t, "PUT", offer.UploadURL, text, ""); put.status != 200 || put.etag != `"`+etag+`"` {
		t.Fatalf("upload: %+v", put)
	}
	return d.transfer(t, "import", map[string]any{"action": "ingest", "etag": etag, "filename": offer.Filename})
}

func testImport(t *testing.T, db database) {
	before := db.bookmark(t, "")
	got := db.upload(t, "CREATE TABLE a(x); -- one\nINSERT INTO a VALUES ('x;y');\nINSERT INTO a VALUES (2)")
	if !got.Success || got.Status != "complete" || got.Result.NumQueries != 3 || got.Result.Meta.RowsWritten < 2 || got.AtBookmark != before ||
		got.Result.FinalBookmark != db.bookmark(t, "") {
		t.Errorf("%+v", got)
	}
	if n := db.count(t, "SELECT count(*) AS n FROM a"); n != 2 {
		t.Errorf("%d rows", n)
	}
	again := db.transfer(t, "import", map[string]any{"action": "poll", "current_bookmark": got.AtBookmark})
	if again.Status != "complete" || again.Result.NumQueries != 3 {
		t.Errorf("an import just done: %+v", again)
	}
	long := "CREATE TABLE b(x);\n" + strings.Repeat(fmt.Sprintf("INSERT INTO b VALUES ('%s');\n", strings.Repeat("x", 60_000)), 20)
	got = db.upload(t, long)
	if got.Status != "active" {
		t.Fatalf("%+v", got)
	}
	db.send(t, "POST", db.path()+"/query", map[string]any{"sql": "SELECT 1"}).refused(t, 400, 7500, "Currently processing a long-running import.")
	for got.Status == "active" {
		got = db.transfer(t, "import", map[string]any{"action": "poll", "current_bookmark": got.AtBookmark})
	}
	if got.Status != "complete" || db.count(t, "SELECT count(*) AS n FROM b") != 20 {
		t.Errorf("%+v", got)
	}
	second := db.transfer(t, "import", map[string]any{"action": "init", "etag": md5Of(long)})
	for second.Status == "active" {
		second = db.transfer(t, "import", map[string]any{"action": "poll", "current_bookmark": second.AtBookmark})
	}
	if second.UploadURL != "" || second.Success || second.Error == "" {
		t.Errorf("what is uploaded already is carried out at once, and makes the table a second time: %+v", second)
	}
}

func testFailedImport(t *testing.T, db database) {
	db.query(t, "CREATE TABLE a(x)")
	before := db.bookmark(t, "")
	got := db.upload(t, "INSERT INTO a VALUES (1);\nCREATE TABLE b(x);\nINSERT INTO nowhere VALUES (1);\n")
	if got.Success || got.Status != "error" || got.Error != "no such table: nowhere: SQLITE_ERROR" {
		t.Errorf("%+v", got)
	}
	if n := db.count(t, "SELECT (SELECT count(*) FROM a) + count(*) AS n FROM sqlite_master WHERE name = 'b'"); n != 0 || db.bookmark(t, "") != before {
		t.Errorf("a failed import left %d behind, bookmark %s before, %s now", n, before, db.bookmark(t, ""))
	}
	long := strings.Repeat("x", 100_001)
	if got := db.upload(t, "INSERT INTO a VALUES ('"+long+"');"); got.Success || got.Error != "statement too long: SQLITE_TOOBIG" {
		t.Errorf("a statement over 100 KB: %+v", got)
	}
	if got := db.upload(t, "-- nothing\n"); got.Success || got.Error == "" {
		t.Errorf("%+v", got)
	}
}
