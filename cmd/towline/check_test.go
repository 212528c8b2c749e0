package main

import (
	"bytes"
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	sandboxcloudflare "towline/sandbox/cloudflare"
	"towline/sandbox/telegram"
)

var update = flag.Bool("update", false, "write the golden files anew")

// outside is what a configured towline talks to, and the folder with its config.
type outside struct {
	t      *testing.T
	dir    string
	tg     *telegram.Server
	cf     *sandboxcloudflare.Server
	faults *sandboxcloudflare.Faults
	url    string
	env    map[string]string
}

// newOutside makes a world in which the bot is an administrator, or, with privacy on, a plain member.
func newOutside(t *testing.T, admin bool) *outside {
	t.Helper()
	o := &outside{t: t, dir: t.TempDir()}
	o.tg = telegram.New(telegram.Options{
		Token: botToken, Unlimited: true, ReadsAll: admin, Bot: telegram.User{ID: 1, FirstName: "Towline", Username: "towline_bot"},
	})
	for id, name := range map[int64]string{demoDeployer: "Dana", demoApprover: "Robin"} {
		if err := o.tg.AddUser(telegram.User{ID: id, FirstName: name}); err != nil {
			t.Fatal(err)
		}
	}
	is := telegram.Ordinary
	if admin {
		is = telegram.Administrator
	}
	if err := o.tg.AddGroup(telegram.Group{ID: teamChat, Title: "Shop team", Members: []telegram.Member{
		{User: 1, Status: is}, {User: demoDeployer, Status: telegram.Creator}, {User: demoApprover, Status: telegram.Ordinary},
	}}); err != nil {
		t.Fatal(err)
	}
	var err error
	o.cf, err = sandboxcloudflare.New(sandboxcloudflare.Options{AccountID: demoAccount, Token: apiToken, Tokens: []sandboxcloudflare.Token{
		{Value: "reads-only-token", Permissions: []sandboxcloudflare.Permission{sandboxcloudflare.D1Read}},
		{Value: "disabled-token", Disabled: true},
	}})
	if err != nil {
		t.Fatal(err)
	}
	o.faults = sandboxcloudflare.NewFaults(o.cf)
	mux := http.NewServeMux()
	mux.Handle("/client/v4/", o.faults)
	mux.Handle("/", o.tg)
	server := httptest.NewServer(mux)
	o.url = server.URL
	o.env = map[string]string{"BOT": botToken, "API": apiToken, "URL": o.url, "HOME": o.dir, "PATH": os.Getenv("PATH")}
	t.Cleanup(func() {
		if err := o.tg.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
		if err := o.cf.Close(); err != nil {
			t.Error(err)
		}
	})
	o.write("app/db/migrations/0001_customers.sql", "CREATE TABLE customers (id INTEGER PRIMARY KEY);\n")
	o.config(goodConfig)
	return o
}

const goodConfig = `telegram: {token: "${BOT}", api_url: "${URL}"}
cloudflare: {account_id: "00000000000000000000000000000001", api_token: "${API}", api_url: "${URL}/client/v4"}
store: {path: towline.db}
people:
  - {id: 1001, name: Dana, role: deployer}
  - {id: 1002, name: Robin, role: approver}
  - {id: 1004, name: Kim, role: approver}
projects:
  - name: shop
    chat: -1001234567890
    source: {dir: app}
    migrations: db/migrations
    preview: {database: shop-preview}
    production: {database: shop}
`

func (o *outside) write(name, text string) {
	o.t.Helper()
	if err := write(filepath.Join(o.dir, filepath.FromSlash(name)), text); err != nil {
		o.t.Fatal(err)
	}
}

// config writes the config, with replacements old, new.
func (o *outside) config(text string, replace ...string) {
	o.t.Helper()
	for i := 0; i+1 < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			o.t.Fatalf("the config has no %q", replace[i])
		}
	}
	o.write("config.yaml", strings.NewReplacer(replace...).Replace(text))
}

func (o *outside) path() string { return filepath.Join(o.dir, "config.yaml") }

// run calls the program as a value. What it prints must show no secret.
func (o *outside) run(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	o.t.Helper()
	var out, errs lockedBuffer
	code = run(ctx, args, func(key string) string { return o.env[key] }, strings.NewReader(""), &out, &errs)
	for _, secret := range []string{botToken, apiToken, "reads-only-token", "disabled-token"} {
		if strings.Contains(out.String()+errs.String(), secret) {
			o.t.Errorf("towline %v prints a secret", args)
		}
	}
	return code, out.String(), errs.String()
}

func TestCheckSaysWhatIsWrongAndHowToRepairIt(t *testing.T) {
	unknownChat := func(o *outside) { o.config(goodConfig, "-1001234567890", "-1005555555555") }
	for _, c := range []checkCase{
		{name: "everything is right", code: exitFine, admin: true},
		{name: "the effective config, without secrets", code: exitFine, admin: true, args: []string{"-effective"}},
		{name: "privacy mode is on", code: exitRefused},
		{name: "the bot is no administrator", code: exitRefused, admin: true, spoil: func(o *outside) {
			if err := o.tg.SetMember(teamChat, telegram.Member{User: 1, Status: telegram.Ordinary}, demoDeployer); err != nil {
				o.t.Fatal(err)
			}
		}},
		{name: "the bot token is wrong", code: exitRefused, admin: true, spoil: func(o *outside) { o.env["BOT"] = "1:wrong" }},
		{name: "the chat is unknown", code: exitRefused, admin: true, spoil: unknownChat},
		{name: "the API token is unknown", code: exitRefused, admin: true, spoil: func(o *outside) { o.env["API"] = "no-such-token" }},
		{name: "the API token is disabled", code: exitRefused, admin: true, spoil: func(o *outside) { o.env["API"] = "disabled-token" }},
		{name: "the API token may only read, and there is no database yet", code: exitFine, admin: true, spoil: func(o *outside) { o.env["API"] = "reads-only-token" }},
		{name: "the source is not there", code: exitRefused, admin: true, spoil: func(o *outside) { o.config(goodConfig, "dir: app", "dir: no-such-folder") }},
		{name: "a migration cannot be split", code: exitRefused, admin: true, spoil: func(o *outside) {
			o.write("app/db/migrations/0002_bad.sql", "CREATE TABLE a (id);\nCREATE TABLE b (id)\n")
		}},
		{name: "no backup can be kept", code: exitRefused, admin: true, spoil: func(o *outside) {
			o.write("taken", "a file")
			o.config(goodConfig, "store: {path: towline.db}", "store: {path: towline.db}\nbackups: {dir: taken}")
		}},
		{name: "the config has several errors", code: exitRefused, spoil: func(o *outside) {
			o.config(goodConfig, "role: deployer", "role: deploier", "migrations:", "migratoins:", "chat: -1001234567890", "chat: shop")
		}},
		{name: "there is no config", code: exitRefused, spoil: func(o *outside) { _ = os.Remove(o.path()) }},
		{name: "a variable is not set", code: exitRefused, spoil: func(o *outside) { delete(o.env, "BOT") }},
		{name: "Cloudflare does not answer", code: exitUnknown, admin: true, spoil: func(o *outside) {
			o.faults.Inject(sandboxcloudflare.Fault{Times: sandboxcloudflare.Always, Reply: sandboxcloudflare.APIError(500, 7500, "internal error")})
		}},
		{name: "Telegram does not answer", code: exitUnknown, admin: true, spoil: func(o *outside) {
			o.tg.Fault(telegram.Fault{Kind: telegram.BadGateway, Times: 1000})
		}},
	} {
		t.Run(c.name, c.run)
	}
}

// checkCase is a world, and what check says of it in the golden file that has the case's name.
type checkCase struct {
	name  string
	code  int
	admin bool
	spoil func(o *outside)
	args  []string
}

func (c checkCase) run(t *testing.T) {
	t.Parallel()
	o := newOutside(t, c.admin)
	if c.spoil != nil {
		c.spoil(o)
	}
	code, stdout, stderr := o.run(t.Context(), append([]string{"check", "-config", o.path()}, c.args...)...)
	if code != c.code {
		t.Errorf("exit code %d, want %d", code, c.code)
	}
	golden(t, "check/"+strings.ReplaceAll(c.name, " ", "-"), o.plain(stdout)+"--- stderr\n"+o.plain(stderr))
	for _, v := range o.tg.Violations() {
		t.Errorf("Telegram would have refused: %s", v)
	}
}

func TestCheckNamesTheDatabasesThatExist(t *testing.T) {
	o := newOutside(t, true)
	for _, name := range []string{"shop", "shop-preview"} {
		w := httptest.NewRecorder()
		q := httptest.NewRequest(http.MethodPost, "/client/v4/accounts/"+demoAccount+"/d1/database", bytes.NewReader([]byte(`{"name":"`+name+`"}`)))
		q.Header.Set("Authorization", "Bearer "+apiToken)
		o.cf.ServeHTTP(w, q)
		if w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
	}
	o.faults.Forget()
	_, stdout, _ := o.run(t.Context(), "check", "-config", o.path())
	golden(t, "check/databases-exist", o.plain(stdout))
	o.env["API"] = "reads-only-token"
	code, stdout, _ := o.run(t.Context(), "check", "-config", o.path())
	if code != exitRefused {
		t.Errorf("exit code %d", code)
	}
	golden(t, "check/databases-exist,-read-only", o.plain(stdout))
}

var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// plain replaces what is another with every test run.
func (o *outside) plain(s string) string {
	s = strings.NewReplacer(o.dir, "$DIR", o.url, "$URL").Replace(s)
	return uuid.ReplaceAllLiteralString(s, "$UUID")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := write(path, got); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (run with -update when this is meant):\n%s", path, diff)
	}
}

func write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}
