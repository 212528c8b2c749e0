package cloudflare_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"towline/cloudflare"
	"towline/deploy"
	"towline/deploy/d1test"
	sandbox "towline/sandbox/cloudflare"
)

func TestOnEmbeddedSQLiteItKeepsThePromisesOfExports(t *testing.T) {
	_, url := embedded(t)
	d1test.TestExports(t, func(t *testing.T) d1test.Cloud { return open(t, cloudflare.Options{APIURL: url}) })
}

func TestOnTheRealEngineItKeepsThePromisesOfExports(t *testing.T) {
	real := engine.Get(t)
	d1test.TestExports(t, func(t *testing.T) d1test.Cloud {
		return open(t, cloudflare.Options{APIURL: real.URL, AccountID: real.AccountID, Token: real.Token})
	})
}

// trouble is what may befall the calls of an export or import.
func trouble() map[string]sandbox.Reply {
	return map[string]sandbox.Reply{
		"a dropped connection": sandbox.Drop(), "502": sandbox.HTML(502), "500": sandbox.APIError(500, 7500, "internal error; reference = e_1"),
		"half an answer": sandbox.Truncated(20),
	}
}

func TestAnExportOutlivesTroubleOnItsWay(t *testing.T) {
	server, url := embedded(t)
	id, _ := shop(t, url)
	d := open(t, cloudflare.Options{APIURL: url})
	for name, reply := range trouble() {
		for _, path := range []string{"/export", "/r2/"} {
			if path == "/r2/" && name == "half an answer" {
				continue // what has reached the writer cannot be taken back
			}
			server.Inject(sandbox.Fault{Path: path, Execute: true, Reply: reply})
			var text bytes.Buffer
			if err := d.Export(t.Context(), id, &text); err != nil || !strings.Contains(text.String(), "CREATE TABLE item") {
				t.Errorf("%s at %s: %v, %q", name, path, err, text.String())
			}
			server.Heal()
		}
	}
}

func TestAnExportThatBreaksOffIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, o := bubbled(t)
		id, _ := shopOf(t, o)
		d := open(t, o)
		for name, fault := range map[string]sandbox.Fault{
			"half a text":                 {Path: "/r2/", Execute: true, Reply: sandbox.Truncated(20)},
			"an empty text":               {Path: "/r2/", Reply: sandbox.Reply{Status: 200, Body: ""}},
			"a storage that refuses":      {Path: "/r2/", Reply: sandbox.HTML(403)},
			"a storage that never wakes":  {Path: "/r2/", Before: untilGone, Reply: sandbox.Drop()},
			"an address that leads away":  {Path: "/export", Reply: sandbox.Reply{Status: 200, Body: exportedTo("http://storage.example.com/x?X-Amz-Signature=abc"), Header: http.Header{"Content-Type": {"application/json"}}}},
			"D1 says it knows of nothing": {Path: "/export", Reply: sandbox.Reply{Status: 200, Body: `{"success":true,"errors":[],"result":{"success":false,"type":"export","error":"D1 reset"}}`, Header: http.Header{"Content-Type": {"application/json"}}}},
		} {
			fault.Times = sandbox.Always
			server.Inject(fault)
			if err := d.Export(t.Context(), id, &bytes.Buffer{}); err == nil || strings.Contains(err.Error(), "Amz") {
				t.Errorf("%s: %v", name, err)
			}
			server.Heal()
		}
	})
}

func exportedTo(address string) string {
	return fmt.Sprintf(`{"success":true,"errors":[],"result":{"success":true,"type":"export","status":"complete","messages":[],"result":{"signed_url":%q}}}`, address)
}

func TestAnExportOfVirtualTablesIsNeverAskedFor(t *testing.T) {
	server, url := embedded(t)
	id, _ := shop(t, url)
	d := open(t, cloudflare.Options{APIURL: url})
	if _, err := d.Apply(t.Context(), id, []string{"CREATE VIRTUAL TABLE note USING fts5(body)"}); err != nil {
		t.Fatal(err)
	}
	server.Forget()
	if err := d.Export(t.Context(), id, &bytes.Buffer{}); !errors.Is(err, deploy.ErrVirtualTables) {
		t.Error(err)
	}
	for _, c := range server.Calls() {
		if strings.Contains(c.Path, "/export") {
			t.Error("D1 was asked for an export that would have blocked the database")
		}
	}
}

func TestAnImportIsPutToWorkOnce(t *testing.T) {
	server, url := embedded(t)
	const text = "INSERT INTO item VALUES (7);\n"
	for name, reply := range trouble() {
		id, _ := namedShop(t, url, "shop-"+regexp.MustCompile(`[^a-z0-9]`).ReplaceAllString(name, "-"))
		d := open(t, cloudflare.Options{APIURL: url})
		server.Inject(sandbox.Fault{Path: "/import", Body: `"init"`, Reply: reply})
		server.Inject(sandbox.Fault{Path: "/r2/", Method: http.MethodPut, Execute: true, Reply: reply})
		if err := d.Import(t.Context(), id, strings.NewReader(text), int64(len(text))); err != nil {
			if name == "half an answer" {
				server.Heal()
				continue // the body of an upload's answer is empty, and cannot break off
			}
			t.Errorf("%s before it begins: %v", name, err)
		}
		server.Heal()
		server.Forget()
		server.Inject(sandbox.Fault{Path: "/import", Body: `"ingest"`, Execute: true, Times: sandbox.Always, Reply: reply})
		err := d.Import(t.Context(), id, strings.NewReader(text), int64(len(text)))
		server.Heal()
		expectClass(t, name+" when it begins", err, false)
		n := 0
		for _, c := range server.Calls() {
			if strings.Contains(c.Body, `"ingest"`) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s: put to work %d times", name, n)
		}
		rows, err := d.Read(t.Context(), id, []string{"SELECT count(*) FROM item"})
		if err != nil || rows[0].Values[0][0] != int64(2) {
			t.Errorf("%s: %v, %v; want the row of each import once", name, rows, err)
		}
	}
}

// namedShop is shop under another name.
func namedShop(t *testing.T, url, name string) (id, point string) {
	t.Helper()
	d := open(t, cloudflare.Options{APIURL: url})
	db, err := d.Create(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Apply(t.Context(), db.ID, []string{"CREATE TABLE item (id INTEGER)"}); err != nil {
		t.Fatal(err)
	}
	return db.ID, ""
}

func TestAnImportThatDoesNotBeginIsADefiniteNo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, o := bubbled(t)
		id, _ := shopOf(t, o)
		d := open(t, o)
		for name, fault := range map[string]sandbox.Fault{
			"no offer":               {Path: "/import", Body: `"init"`, Reply: sandbox.HTML(502)},
			"an offer that is none":  {Path: "/import", Body: `"init"`, Reply: sandbox.Reply{Status: 200, Body: `{"success":true,"errors":[],"result":{"success":true,"messages":[]}}`, Header: http.Header{"Content-Type": {"application/json"}}}},
			"no storage":             {Path: "/r2/", Reply: sandbox.HTML(503)},
			"a storage that refuses": {Path: "/r2/", Reply: sandbox.HTML(403)},
			"another text arrived":   {Path: "/r2/", Execute: true, Reply: sandbox.Reply{Header: http.Header{"Etag": {`"00000000000000000000000000000000"`}}}},
			"a limit of the rate":    {Path: "/import", Body: `"init"`, Reply: sandbox.APIError(429, 0, "slow down")},
		} {
			fault.Times = sandbox.Always
			server.Inject(fault)
			err := d.Import(t.Context(), id, strings.NewReader("DROP TABLE item;"), 16)
			server.Heal()
			expectClass(t, name, err, true)
			if err != nil && strings.Contains(err.Error(), "Amz") {
				t.Errorf("%s: the error has the address of the storage", name)
			}
		}
		if rows, err := d.Read(t.Context(), id, []string{"SELECT count(*) FROM item"}); err != nil {
			t.Errorf("%v, %v", rows, err)
		}
	})
}

func TestAnImportThatCannotBeAskedAboutIsInDoubt(t *testing.T) {
	if testing.Short() {
		t.Skip("under the race detector SQLite takes twenty times as long for the large texts")
	}
	server, url := embedded(t)
	id, _ := shop(t, url)
	d := open(t, cloudflare.Options{APIURL: url})
	text := strings.Repeat("INSERT INTO item VALUES (1); -- "+strings.Repeat("x", 50_000)+"\n", 30)
	for name, reply := range map[string]sandbox.Reply{
		"400": sandbox.APIError(400, 7400, "malformed"), "403": sandbox.APIError(403, 10000, "Authentication error"), "404": sandbox.APIError(404, 7404, "gone"),
		"502":                sandbox.HTML(502),
		"no longer known of": {Status: 200, Body: `{"success":true,"errors":[],"result":{"success":false,"error":"Not currently importing anything."}}`, Header: http.Header{"Content-Type": {"application/json"}}},
	} {
		server.Inject(sandbox.Fault{Path: "/import", Body: `"poll"`, Times: sandbox.Always, Reply: reply})
		err := d.Import(t.Context(), id, strings.NewReader(text), int64(len(text)))
		server.Heal()
		expectClass(t, name, err, false)
		finishImport(t, server, d, id)
	}
}

// finishImport asks for the import until the server is done with it.
func finishImport(t *testing.T, server *sandbox.Faults, d *cloudflare.D1, id string) {
	t.Helper()
	calls := server.Calls()
	asked := regexp.MustCompile(`"current_bookmark":"([^"]+)"`)
	for i := len(calls) - 1; i >= 0; i-- {
		if m := asked.FindStringSubmatch(calls[i].Body); m != nil {
			for range 5 {
				if err := d.PollImport(t.Context(), id, m[1]); err != nil {
					t.Fatal(err)
				}
			}
			return
		}
	}
	t.Fatal("nobody asked")
}

func TestWhoComesDuringAnExportIsToldSo(t *testing.T) {
	d, _ := answering(t, 400, refusing(7500, "Currently processing a long-running export."))
	var busy *cloudflare.BusyError
	_, err := d.Read(t.Context(), anID, []string{"SELECT 1"})
	if !errors.As(err, &busy) {
		t.Error(err)
	}
	expectClass(t, "a read", err, false)
	_, err = d.Apply(t.Context(), anID, []string{"DELETE FROM t"})
	if !errors.As(err, &busy) {
		t.Error(err)
	}
	expectClass(t, "a write", err, true)
}

func TestAnEleventhRestoreSaysWhenTheNextOneIsPossible(t *testing.T) {
	_, url := embedded(t)
	id, point := shop(t, url)
	d := open(t, cloudflare.Options{APIURL: url})
	for range 10 {
		if _, err := d.Restore(t.Context(), id, point); err != nil {
			t.Fatal(err)
		}
	}
	_, err := d.Restore(t.Context(), id, point)
	var limited *cloudflare.RateLimitedError
	if !errors.As(err, &limited) || limited.After != 10*time.Minute {
		t.Errorf("%v", err)
	}
	expectClass(t, "an eleventh restore", err, true)
}

func TestASignedAddressIsNeitherLoggedNorInErrorsAndGetsNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, o := bubbled(t)
		id, _ := shopOf(t, o)
		log := &bytes.Buffer{}
		o.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		d := open(t, o)
		var seen strings.Builder
		for _, reply := range append([]sandbox.Reply{{}}, sandbox.Drop(), sandbox.HTML(403), sandbox.HTML(502), sandbox.Truncated(5), sandbox.Reply{Status: 307, Header: http.Header{"Location": {"/elsewhere"}}}) {
			server.Inject(sandbox.Fault{Path: "/r2/", Times: sandbox.Always, Execute: true, Reply: reply})
			fmt.Fprintln(&seen, d.Export(t.Context(), id, &bytes.Buffer{}), d.Import(t.Context(), id, strings.NewReader("SELECT 1;"), 9))
			server.Heal()
		}
		stored := 0
		for _, c := range server.Calls() {
			if strings.Contains(c.Path, "/r2/") {
				stored++
			}
		}
		for name, text := range map[string]string{"errors": seen.String(), "log": log.String()} {
			if i := strings.Index(text, "Amz-"); i >= 0 || strings.Contains(text, token) || len(text) < 300 {
				t.Errorf("%s: %s", name, text)
			}
		}
		if stored < 12 || !strings.Contains(log.String(), "cloudflare: storage") {
			t.Errorf("the storage was asked %d times", stored)
		}
	})
}
