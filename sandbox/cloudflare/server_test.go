package cloudflare_test

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"towline/sandbox/cloudflare"
	"towline/sandbox/cloudflare/wrangler"
)

// local starts a local Cloudflare that is called with its main token.
func local(t testing.TB, o cloudflare.Options) (*served, wrangler.Server) {
	t.Helper()
	s := serve(t, o)
	return s, wrangler.Server{URL: s.url(), AccountID: account(), Token: token}
}

func TestAServerNeedsAnAccountAndAToken(t *testing.T) {
	for _, o := range []cloudflare.Options{{}, {Token: token}, {AccountID: account()}} {
		if s, err := cloudflare.New(o); err == nil {
			t.Errorf("%+v was accepted", o)
			_ = s.Close()
		}
	}
}

func TestATokenMayDoWhatItsPermissionsSay(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	_, s := local(t, cloudflare.Options{
		Now: func() time.Time { return now },
		Tokens: []cloudflare.Token{
			{Value: "reader", Permissions: []cloudflare.Permission{cloudflare.D1Read}},
			{Value: "editor", Permissions: []cloudflare.Permission{cloudflare.D1Edit}, Expires: now.Add(time.Hour)},
			{Value: "nobody"},
			{Value: "owned", Permissions: []cloudflare.Permission{cloudflare.D1Edit}, Account: true},
			{Value: "disabled", Permissions: []cloudflare.Permission{cloudflare.D1Edit}, Disabled: true},
			{Value: "expired", Permissions: []cloudflare.Permission{cloudflare.D1Edit}, Expires: now},
		},
	})
	path := create(t, s, "shop")
	const ok, no, bad = 200, 403, 401
	for value, want := range map[string]struct{ read, write, ddl, account, verify, verifyOwned int }{
		token:      {ok, ok, ok, ok, ok, ok},
		"reader":   {ok, no, no, no, ok, ok},
		"editor":   {ok, ok, ok, no, ok, ok},
		"nobody":   {no, no, no, no, ok, ok},
		"owned":    {ok, ok, ok, no, bad, ok},
		"disabled": {bad, bad, bad, bad, ok, ok},
		"expired":  {bad, bad, bad, bad, ok, ok},
		"unknown":  {bad, bad, bad, bad, bad, bad},
	} {
		as := s
		as.Token = value
		for what, got := range map[string][2]int{
			"list":         {must(t, as, "GET", databases(s), "").status, want.read},
			"describe":     {must(t, as, "GET", path, "").status, want.read},
			"select":       {query(t, as, path, "SELECT 1").status, want.read},
			"bookmark":     {must(t, as, "GET", path+"/time_travel/bookmark", "").status, want.read},
			"write":        {query(t, as, path, "CREATE TABLE IF NOT EXISTS t(a)").status, want.write},
			"second write": {query(t, as, path, "SELECT 1; CREATE TABLE IF NOT EXISTS t(a)").status, want.ddl},
			"account":      {must(t, as, "GET", "/accounts/"+s.AccountID, "").status, want.account},
			"verify":       {must(t, as, "GET", "/user/tokens/verify", "").status, want.verify},
			"verify owned": {must(t, as, "GET", "/accounts/"+s.AccountID+"/tokens/verify", "").status, want.verifyOwned},
		} {
			if got[0] != got[1] {
				t.Errorf("token %q, %s: got %d, want %d", value, what, got[0], got[1])
			}
		}
	}
	reader := s
	reader.Token = "reader"
	for _, g := range []got{
		must(t, reader, "POST", databases(s), `{"name":"other"}`), must(t, reader, "DELETE", path, ""),
		must(t, reader, "POST", path+"/time_travel/restore?bookmark=x", ""), query(t, reader, path, "DELETE FROM t"),
	} {
		if g.status != 403 || len(g.Errors) != 1 || g.Errors[0].Code != 10000 || g.Errors[0].Message != "Authentication error" {
			t.Errorf("a reader that writes gets %d %s", g.status, g.text)
		}
	}
	reader.Token = "expired"
	if g := must(t, reader, "GET", "/user/tokens/verify", ""); !strings.Contains(g.text, `"status":"expired"`) {
		t.Errorf("an expired token verifies as %s", g.text)
	}
}

func TestARequestThatTakesTooLongIsInterruptedAndUndone(t *testing.T) {
	server, s := local(t, cloudflare.Options{Dir: t.TempDir()})
	path := create(t, s, "shop")
	limited := func(most time.Duration) { // for nothing but the query: a busy machine may take longer for anything else
		server.options.QueryLimit = most
		s.URL = server.restart(t)
	}
	limited(50 * time.Millisecond)
	g := query(t, s, path, "CREATE TABLE t(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
	if g.status != 500 || len(g.Errors) != 1 || g.Errors[0].Message != "D1 DB storage operation exceeded timeout which caused object to be reset." {
		t.Errorf("got %d %s", g.status, g.text)
	}
	limited(0)
	if g := query(t, s, path, "SELECT * FROM t"); !strings.Contains(g.text, "no such table: t") {
		t.Errorf("what came before the interruption is still there: %s", g.text)
	}
}

func TestARestoreInterruptsTheQueryAtWork(t *testing.T) {
	var quarters atomic.Int64 // a clock that is a quarter of an hour further on at each look: however many restores it takes, none is one too many
	now := func() time.Time {
		return time.Unix(1_800_000_000, 0).Add(time.Duration(quarters.Add(1)) * 15 * time.Minute)
	}
	_, s := local(t, cloudflare.Options{Now: now, QueryLimit: time.Hour})
	path := create(t, s, "shop")
	query(t, s, path, "CREATE TABLE t(a)")
	_, bookmark, _ := strings.Cut(string(must(t, s, "GET", path+"/time_travel/bookmark", "").Result), `:"`)
	bookmark = strings.TrimRight(bookmark, `"}`)
	endless := insert + "; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
	answered := make(chan got)
	go func() {
		g, err := call(t, s, "POST", path+"/query", sqlBody(endless))
		if err != nil {
			t.Error(err)
		}
		answered <- g
	}()
	for { // until a restore has met the query
		if g := must(t, s, "POST", path+"/time_travel/restore?bookmark="+bookmark, ""); !g.Success {
			t.Fatal(g.text)
		}
		select {
		case g := <-answered:
			if g.status != 500 || len(g.Errors) != 1 || !strings.HasPrefix(g.Errors[0].Message, "internal error; reference = e_") {
				t.Errorf("the interrupted query got %d %s", g.status, g.text)
			}
			if n := rows(t, s, path); n != "0" {
				t.Errorf("the interrupted query left %s rows", n)
			}
			return
		default:
		}
	}
}

func TestOpeningAFolderAgainChangesNoBookmark(t *testing.T) {
	s, server := local(t, cloudflare.Options{Dir: t.TempDir()})
	path := create(t, server, "shop")
	query(t, server, path, "CREATE TABLE t(a)")
	before := must(t, server, "GET", path+"/time_travel/bookmark", "").text
	server.URL = s.restart(t)
	if after := must(t, server, "GET", path+"/time_travel/bookmark", "").text; after != before {
		t.Errorf("before %s, after %s", before, after)
	}
}

func TestAValueOfMoreThanTwoMegabytesIsRefused(t *testing.T) {
	_, s := local(t, cloudflare.Options{})
	path := create(t, s, "shop")
	query(t, s, path, "CREATE TABLE t(a)")
	for size, want := range map[int]bool{1_900_000: true, 2_100_000: false} {
		g := must(t, s, "POST", path+"/query", `{"sql":"INSERT INTO t VALUES (?)","params":["`+strings.Repeat("x", size)+`"]}`)
		if g.Success != want || !want && !strings.Contains(g.text, "SQLITE_TOOBIG") {
			t.Errorf("%d bytes: %d %s", size, g.status, g.text)
		}
	}
}

func TestAFolderKeepsOnlyTheNewestSnapshots(t *testing.T) {
	dir := t.TempDir()
	_, s := local(t, cloudflare.Options{Dir: dir})
	path := create(t, s, "shop")
	oldest := must(t, s, "GET", path+"/time_travel/bookmark", "")
	query(t, s, path, "CREATE TABLE t(a)")
	for range 105 {
		query(t, s, path, insert)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.history", "*.sqlite"))
	if err != nil || len(files) != 100 {
		t.Errorf("%d snapshots are kept, %v", len(files), err)
	}
	_, bookmark, _ := strings.Cut(string(oldest.Result), `:"`)
	g := must(t, s, "POST", path+"/time_travel/restore?bookmark="+strings.TrimRight(bookmark, `"}`), "")
	if g.status != 400 || rows(t, s, path) != "105" {
		t.Errorf("a bookmark without its snapshot: %d %s", g.status, g.text)
	}
	if g := must(t, s, "DELETE", path, ""); !g.Success {
		t.Error(g.text)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "catalogue.json" {
		t.Errorf("a deleted database leaves %v, %v", left, err)
	}
}

func TestABrokenCatalogueIsReportedWithItsFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "catalogue.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := cloudflare.New(cloudflare.Options{Dir: dir, AccountID: account(), Token: token})
	if err == nil {
		_ = s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

func TestTheSameSeedAndClockMakeTheSameIDs(t *testing.T) {
	var made [2]string
	for i := range made {
		_, s := local(t, cloudflare.Options{
			Random: rand.NewChaCha8([32]byte{1}),
			Now:    func() time.Time { return time.Unix(1_800_000_000, 0) },
		})
		path := create(t, s, "shop")
		made[i] = path + must(t, s, "GET", path+"/time_travel/bookmark", "").text
	}
	if made[0] != made[1] {
		t.Errorf("%s\n%s", made[0], made[1])
	}
}

func TestTheLogNamesRequestsAndNoSecrets(t *testing.T) {
	var log bytes.Buffer
	s, server := local(t, cloudflare.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	path := create(t, server, "shop")
	query(t, server, path, "SELECT 'the content'")
	s.http.Close() // after which nobody writes to the log
	if text := log.String(); !strings.Contains(text, path+"/query") || strings.Contains(text, token) || strings.Contains(text, "content") {
		t.Errorf("the log is\n%s", text)
	}
}

func TestAClosedServerAnswersWithAnError(t *testing.T) {
	s, server := local(t, cloudflare.Options{})
	path := create(t, server, "shop")
	if err := s.server.Close(); err != nil {
		t.Fatal(err)
	}
	for _, g := range []got{query(t, server, path, "SELECT 1"), must(t, server, "POST", databases(server), `{"name":"x"}`), must(t, server, "GET", databases(server), "")} {
		if g.status != 500 {
			t.Errorf("got %d %s", g.status, g.text)
		}
	}
}
