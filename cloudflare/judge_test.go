package cloudflare_test

import (
	"errors"
	"testing"

	"towline/cloudflare"
	"towline/deploy"
)

// What an answer means for a write. The texts are Cloudflare's: D1 documentation, "Debug D1", "Limits" and release notes;
// workers-sdk issues #4636, #10609, #13690, #14731, #15467.
var answers = []struct {
	name    string
	status  int
	body    string
	header  []string
	isNo    bool
	words   string // of the RejectedError
	is      error
	missing string // the permission of a PermissionError
}{
	{name: "a syntax error is a no, in SQLite's words", status: 400, body: refusing(7500, `near "selec": syntax error at offset 0: SQLITE_ERROR`), isNo: true, words: `near "selec": syntax error at offset 0: SQLITE_ERROR`},
	{name: "a constraint is a no", status: 400, body: refusing(7500, "UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_PRIMARYKEY)"), isNo: true},
	{name: "the prefix of the Worker binding is not part of the words", status: 400, body: refusing(7500, "D1_ERROR: no such table: t: SQLITE_ERROR"), isNo: true, words: "no such table: t: SQLITE_ERROR"},
	{name: "an authorizer's no is a no", status: 400, body: refusing(7500, "not authorized: SQLITE_AUTH"), isNo: true},
	{name: "a statement that is too long is a no", status: 400, body: refusing(7500, "statement too long: SQLITE_TOOBIG"), isNo: true},
	{name: "no statement at all is a no", status: 400, body: refusing(7500, "No SQL statements detected."), isNo: true},
	{name: "BEGIN is a no", status: 400, body: refusing(7500, "To execute a transaction, please use the state.storage.transaction() API"), isNo: true},
	{name: "a code as a string is a code", status: 400, body: `{"success":false,"errors":[{"code":"7500","message":"no such table: t: SQLITE_ERROR"}]}`, isNo: true},
	{name: "a full disk is in doubt", status: 400, body: refusing(7500, "database or disk is full: SQLITE_FULL")},
	{name: "an I/O error is in doubt", status: 400, body: refusing(7500, "disk I/O error: SQLITE_IOERR")},
	{name: "SQLite's words about the database are in doubt", status: 400, body: refusing(7500, "disk I/O error: SQLITE_IOERR")},
	{name: "a refusal without words is in doubt", status: 400, body: refusing(7500, "")},
	{name: "an error without words is in doubt", status: 400, body: `{"success":false,"errors":[]}`},
	{name: "an error that is a string is in doubt", status: 400, body: `{"success":false,"errors":["boom"]}`},
	{name: "SQLite's words with a server error are in doubt", status: 500, body: refusing(7500, "no such table: t: SQLITE_ERROR")},
	{name: "SQLite's words with success false and 200 are in doubt", status: 200, body: refusing(7500, "no such table: t: SQLITE_ERROR")},
	{name: "an internal error is in doubt whatever its status", status: 400, body: refusing(7500, "internal error; reference = e_1")},
	{name: "a lost connection behind the API is in doubt", status: 400, body: refusing(7500, "Network connection lost.")},
	{name: "a reset object is in doubt", status: 400, body: refusing(7500, "Internal error in D1 DB storage caused object to be reset.")},
	{name: "a code update is in doubt", status: 400, body: refusing(7500, "D1 DB reset because its code was updated.")},
	{name: "a storage timeout is in doubt", status: 400, body: refusing(7500, "D1 DB storage operation exceeded timeout which caused object to be reset.")},
	{name: "a memory limit is in doubt", status: 400, body: refusing(7500, "D1 DB's isolate exceeded its memory limit and was reset.")},
	{name: "a CPU limit is in doubt", status: 400, body: refusing(7500, "D1 DB exceeded its CPU time limit and was reset.")},
	{name: "a queue that was given up on is in doubt", status: 429, body: refusing(7500, "D1 DB is overloaded. Requests queued for too long.")},
	{name: "a queue that is full is a no", status: 429, body: refusing(7500, "D1 DB is overloaded. Too many requests queued."), isNo: true},
	{name: "the API's own limit is a no", status: 429, body: refusing(971, "Please wait and consider throttling your request speed"), isNo: true},
	{name: "the API's own limit as a page is a no", status: 429, body: "<html>", isNo: true},
	{name: "a spent free tier is a no", status: 400, isNo: true,
		body: refusing(7500, "Your account has exceeded D1's free tier daily row write limit. Upgrade to a paid plan or wait until tomorrow (midnight UTC) to continue.")},
	{name: "a spent free tier is a no, also with 429", status: 429, isNo: true,
		body:  refusing(7500, "Your account has exceeded D1's free tier daily row write limit. Upgrade to a paid plan or wait until tomorrow (midnight UTC) to continue."),
		words: "Your account has exceeded D1's free tier daily row write limit. Upgrade to a paid plan or wait until tomorrow (midnight UTC) to continue."},
	{name: "a malformed request is a no", status: 400, body: refusing(7400, "The request is malformed: failed to decode id"), isNo: true},
	{name: "a path that leads nowhere is a no", status: 404, body: refusing(7003, "Could not route to /client/v4/accounts"), isNo: true},
	{name: "too many databases are a no", status: 400, body: refusing(7406, "You have reached the limit"), isNo: true},
	{name: "an unknown database is a no", status: 404, body: refusing(7404, "The database was not found"), isNo: true, is: deploy.ErrNoDatabase},
	{name: "an unknown database with another code is a no", status: 404, body: refusing(1, "not found"), isNo: true, is: deploy.ErrNoDatabase},
	{name: "a page with 404 is in doubt", status: 404, body: "<html>not found</html>"},
	{name: "an authentication error names the permission", status: 403, body: refusing(10000, "Authentication error"), isNo: true, missing: "Account > D1 > Edit"},
	{name: "401 names the permission", status: 401, body: refusing(10000, "Authentication error"), isNo: true, missing: "Account > D1 > Edit"},
	{name: "a foreign account is named as such", status: 403, body: refusing(7403, "The given account is not valid or is not authorized to access this service"), isNo: true, missing: "access to the account"},
	{name: "an unusable header asks for a valid token", status: 400, body: refusing(6003, "Invalid request headers"), isNo: true, missing: "a valid API token"},
	{name: "a revoked token asks for a valid one", status: 403, body: refusing(9109, "Unauthorized to access requested resource"), isNo: true, missing: "a valid API token"},
	{name: "the firewall's challenge is a no", status: 403, body: "<html>", header: []string{"Cf-Mitigated", "challenge"}, isNo: true},
	{name: "too large a request is a no", status: 413, body: refusing(0, "too large"), isNo: true},
	{name: "a gateway's timeout with a code is in doubt", status: 504, body: refusing(7009, "timeout")},
	{name: "a conflict is in doubt", status: 409, body: refusing(7500, "conflict: SQLITE_ERROR")},
}

func TestWhatIsNotSurelyANoIsInDoubt(t *testing.T) {
	for _, c := range answers {
		t.Run(c.name, func(t *testing.T) {
			d, _ := answering(t, c.status, c.body, c.header...)
			_, err := d.Apply(t.Context(), anID, []string{"DELETE FROM t"})
			expectClass(t, "Apply", err, c.isNo)
			var no *deploy.RejectedError
			if errors.As(err, &no) && (no.Status != c.status || no.Words == "" && c.body != "<html>" || c.words != "" && no.Words != c.words) {
				t.Errorf("%+v", no)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v is not %v", err, c.is)
			}
			var p *cloudflare.PermissionError
			if errors.As(err, &p) != (c.missing != "") || p != nil && (p.Permission != c.missing || p.For == "") {
				t.Errorf("%v; want the permission %q", err, c.missing)
			}
		})
	}
}

func TestANameThatIsTakenIsADefiniteNo(t *testing.T) {
	d, _ := answering(t, 400, refusing(7502, "A database with that name already exists"))
	_, err := d.Create(t.Context(), "shop")
	expectClass(t, "Create", err, true)
	if !errors.Is(err, deploy.ErrDatabaseExists) {
		t.Error(err)
	}
}

func TestACreatedDatabaseOfAnotherNameIsInDoubt(t *testing.T) {
	d, _ := answering(t, 200, `{"success":true,"errors":[],"result":{"uuid":"`+anID+`","name":"shop-2"}}`)
	_, err := d.Create(t.Context(), "shop")
	expectClass(t, "Create", err, false)
}

func TestAMissingPermissionIsSaidForWhatWasAsked(t *testing.T) {
	d, _ := answering(t, 403, refusing(10000, "Authentication error"))
	all := reads(anID)
	for name, write := range writes(anID, "b") {
		all[name] = write
	}
	for name, want := range map[string][2]string{
		"Find":     {"Account > D1 > Read", "find databases"},
		"Read":     {"Account > D1 > Read", "read a database's schema and ledger"},
		"Bookmark": {"Account > D1 > Read", "take restore points"},
		"Create":   {"Account > D1 > Edit", "create databases"},
		"Apply":    {"Account > D1 > Edit", "apply migrations"},
		"Restore":  {"Account > D1 > Edit", "restore a database"},
	} {
		var p *cloudflare.PermissionError
		if err := all[name](t.Context(), d); !errors.As(err, &p) || [2]string{p.Permission, p.For} != want {
			t.Errorf("%s: %v; want %q", name, err, want)
		}
	}
}
