package cloudflare_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"towline/cloudflare"
	"towline/deploy"
	sandbox "towline/sandbox/cloudflare"
)

const another = "another-token-of-the-same-account"

func TestVerifyKnowsAUsersTokenAnAccountsTokenAndNone(t *testing.T) {
	expires := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		name  string
		token sandbox.Token
		want  cloudflare.Token
	}{
		{"a user's token", sandbox.Token{Value: another}, cloudflare.Token{Owner: "user", Status: "active"}},
		{"an account's token", sandbox.Token{Value: another, Account: true}, cloudflare.Token{Owner: "account", Status: "active"}},
		{"a token that will expire", sandbox.Token{Value: another, Expires: expires}, cloudflare.Token{Owner: "user", Status: "active", Expires: expires}},
		{"a disabled token", sandbox.Token{Value: another, Disabled: true}, cloudflare.Token{Owner: "user", Status: "disabled"}},
	} {
		_, url := embedded(t, c.token)
		d := open(t, cloudflare.Options{APIURL: url, AccountID: account, Token: another})
		if got, err := d.Verify(t.Context()); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
	_, url := embedded(t)
	d := open(t, cloudflare.Options{APIURL: url, AccountID: account, Token: another})
	var no *deploy.RejectedError
	var p *cloudflare.PermissionError
	if _, err := d.Verify(t.Context()); !errors.As(err, &no) || !errors.As(err, &p) || p.Permission != "a valid API token" {
		t.Errorf("an unknown token: %v", err)
	}
	d, seen := answering(t, 404, "<html>")
	if _, err := d.Verify(t.Context()); err == nil || errors.As(err, &no) || len(seen()) != 1 {
		t.Errorf("a server that is not Cloudflare's: %v after %q; want no judgement", err, seen())
	}
}

func TestPermissionsAreFoundOutWithoutChangingAnything(t *testing.T) {
	for _, c := range []struct {
		name       string
		held       []sandbox.Permission
		read, edit cloudflare.Held
	}{
		{"all", []sandbox.Permission{sandbox.D1Edit}, cloudflare.HeldYes, cloudflare.HeldYes},
		{"reading only", []sandbox.Permission{sandbox.D1Read}, cloudflare.HeldYes, cloudflare.HeldNo},
		{"nothing", nil, cloudflare.HeldNo, cloudflare.HeldNo},
	} {
		server, url := embedded(t, sandbox.Token{Value: another, Permissions: c.held})
		id, _ := shop(t, url)
		d := open(t, cloudflare.Options{APIURL: url, AccountID: account, Token: another})
		server.Forget()
		got := d.Permissions(t.Context(), id)
		if got[0].Held != c.read || got[1].Held != c.edit || got[0].Name != "Account > D1 > Read" || got[1].Name != "Account > D1 > Edit" || got[1].For == "" {
			t.Errorf("%s: %+v", c.name, got)
		}
		if n := len(server.Calls()); n != 2 {
			t.Errorf("%s: %d calls; want 2", c.name, n)
		}
		expectUntouched(t, open(t, cloudflare.Options{APIURL: url}), id)
	}
}

func TestOnTheRealEngineTheProbeIsTakenAndChangesNothing(t *testing.T) {
	real := engine.Get(t)
	d := open(t, cloudflare.Options{APIURL: real.URL, AccountID: real.AccountID, Token: real.Token})
	db, err := d.Create(t.Context(), "probe")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Apply(t.Context(), db.ID, []string{"CREATE TABLE item (id INTEGER)"}); err != nil {
		t.Fatal(err)
	}
	if got := d.Permissions(t.Context(), db.ID); got[0].Held != cloudflare.HeldYes || got[1].Held != cloudflare.HeldYes {
		t.Errorf("%+v", got)
	}
	expectUntouched(t, d, db.ID)
}

// TestWithoutADatabaseOnlyARefusalOfWhoAsksProvesThatAPermissionIsMissing: the edit is tried on a database that nobody has.
func TestWithoutADatabaseOnlyARefusalOfWhoAsksProvesThatAPermissionIsMissing(t *testing.T) {
	const none = `{"success":false,"errors":[{"code":%d,"message":"no"}]}`
	for _, c := range []struct {
		name         string
		status, code int
		want         cloudflare.Held
	}{
		{"not allowed", 403, 10000, cloudflare.HeldNo},
		{"no such database", 404, 7404, cloudflare.HeldUnknown},
		{"an id that it does not take", 400, 7400, cloudflare.HeldUnknown},
		{"another account", 403, 7403, cloudflare.HeldUnknown},
		{"a token that was revoked meanwhile", 403, 9109, cloudflare.HeldUnknown},
		{"too many requests", 429, 971, cloudflare.HeldUnknown},
		{"an internal error", 500, 7500, cloudflare.HeldUnknown},
		{"a success, of all things", 200, 0, cloudflare.HeldUnknown},
	} {
		var asked []string
		d, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				fmt.Fprint(w, `{"success":true,"result":[]}`)
				return
			}
			asked = append(asked, r.URL.Path)
			w.WriteHeader(c.status)
			fmt.Fprintf(w, none, c.code)
		})
		got := d.Permissions(t.Context(), "")
		if got[0].Held != cloudflare.HeldYes || got[1].Held != c.want || got[1].Err == nil {
			t.Errorf("%s: %+v", c.name, got)
		}
		if len(asked) != 1 || !strings.HasSuffix(asked[0], "/d1/database/ffffffff-ffff-ffff-ffff-ffffffffffff/query") {
			t.Errorf("%s: asked %q", c.name, asked)
		}
	}
}

func expectUntouched(t *testing.T, d *cloudflare.D1, id string) {
	t.Helper()
	rows, err := d.Read(t.Context(), id, []string{"SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'"})
	if err != nil || len(rows[0].Values) != 1 || rows[0].Values[0][0] != "item" {
		t.Errorf("the database holds %v, %v", rows, err)
	}
}

func TestWhereNothingCanBeTriedOrNobodyAnswersItIsNotKnown(t *testing.T) {
	server, url := embedded(t)
	d := open(t, cloudflare.Options{APIURL: url})
	server.Forget()
	got := d.Permissions(t.Context(), "")
	if got[0].Held != cloudflare.HeldYes || got[1].Held != cloudflare.HeldUnknown || got[1].Err == nil || len(server.Writes()) != 1 {
		t.Errorf("without a database: %+v, writes %v", got, server.Writes())
	}
	server.Inject(sandbox.Fault{Times: sandbox.Always, Reply: sandbox.HTML(502)})
	for _, p := range d.Permissions(t.Context(), anID) {
		if p.Held != cloudflare.HeldUnknown || p.Err == nil {
			t.Errorf("with a gateway down: %+v", p)
		}
	}
}

// TestSQLiteCountsTheProbeAsAWrite is why the probe proves anything: a statement that SQLite calls read-only would be
// allowed without the permission to edit.
func TestSQLiteCountsTheProbeAsAWrite(t *testing.T) {
	var sent string
	server, url := embedded(t)
	id, _ := shop(t, url)
	server.Forget()
	open(t, cloudflare.Options{APIURL: url}).Permissions(t.Context(), id)
	for _, c := range server.Writes() {
		sent += c.Body
	}
	statement := sqlOf(t, sent)
	db, err := sqlite3.Open(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	prepared, _, err := db.Prepare(statement)
	if err != nil {
		t.Fatal(err)
	}
	defer prepared.Close()
	if prepared.ReadOnly() {
		t.Errorf("SQLite calls %q read-only", statement)
	}
	if err := prepared.Exec(); err != nil || db.TotalChanges() != 0 {
		t.Errorf("%q: %v, %d changes", statement, err, db.TotalChanges())
	}
}
