package config_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/config"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	botToken   = "123456:AAbbCCdd-secret_bot"
	apiToken   = "cfut_secret-api-token"
	hookSecret = "hook_secret-of-this-test"
)

func env(pairs ...string) func(string) string {
	values := map[string]string{"TELEGRAM_BOT_TOKEN": botToken, "CLOUDFLARE_API_TOKEN": apiToken, "TELEGRAM_WEBHOOK_SECRET": hookSecret}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return values[name] }
}

// small is the least that a config can be.
const small = `telegram: {token: "${TELEGRAM_BOT_TOKEN}"}
cloudflare:
  account_id: 0123456789abcdef0123456789abcdef
  api_token: ${CLOUDFLARE_API_TOKEN}
people:
  - {id: 1001, name: Lead, role: admin}
  - {id: 1002, name: Reviewer, role: approver}
projects:
  - name: shop
    chat: "-1001234567890/7"
    source: {dir: .}
    preview: {database: shop-preview}
    production: {database: shop}
`

func TestTheLeastConfigHasTheDocumentedDefaults(t *testing.T) {
	dir := t.TempDir()
	c, warnings, err := config.Parse("config.yaml", []byte(small), dir, env())
	if err != nil || len(warnings) != 0 {
		t.Fatalf("error %v, warnings %v", err, warnings)
	}
	if c.Telegram.Token.Reveal() != botToken || c.Cloudflare.APIToken.Reveal() != apiToken {
		t.Error("the tokens are not those of the environment")
	}
	if c.Telegram.APIURL != "https://api.telegram.org" || c.Cloudflare.APIURL != "https://api.cloudflare.com/client/v4" || c.Telegram.Webhook != nil {
		t.Errorf("addresses %+v %+v", c.Telegram, c.Cloudflare)
	}
	if want := filepath.Join(dir, "towline.db"); c.Store.Path != want {
		t.Errorf("store %s, want %s", c.Store.Path, want)
	}
	want := config.Project{
		Name: "shop", Place: config.Place{Chat: -1001234567890, Topic: 7}, Source: config.Source{Dir: dir},
		Lint: config.Lint{ContractAfter: 24 * time.Hour}, Rehearse: config.Rehearse{Copy: "schema", MaxSize: 500e6, MaxAge: 24 * time.Hour},
		Preview:    config.Preview{Database: "shop-preview", Approvals: config.Approvals{Role: config.Approver, Expire: 24 * time.Hour}},
		Production: config.Production{Database: "shop"}, Approvals: config.Approvals{Required: 1, Role: config.Approver, Expire: 24 * time.Hour},
		Watch: config.OrOff(30 * time.Minute),
	}
	if diff := cmp.Diff([]config.Project{want}, c.Projects); diff != "" {
		t.Error(diff)
	}
	if c.StopTimeout != time.Minute {
		t.Errorf("a stop waits %s", c.StopTimeout)
	}
	if diff := cmp.Diff([]int{50, 80, 95}, c.Usage.Alerts); diff != "" || c.Usage.Timezone != time.UTC {
		t.Errorf("usage %+v", c.Usage)
	}
	next := c.Usage.Schedule.Next(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
	if want := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC); !next.Equal(want) {
		t.Errorf("the first report is at %s, want %s", next, want)
	}
}

func TestOnlyAPlanThatTheFileNamesIsSaidToBeTheAccounts(t *testing.T) {
	for plan, said := range map[string]bool{"": false, "  plan: paid\n": true, "  plan: free\n": true} {
		text := strings.Replace(small, "  account_id:", plan+"  account_id:", 1)
		c, _, err := config.Parse("config.yaml", []byte(text), t.TempDir(), env())
		if err != nil {
			t.Fatal(err)
		}
		if free := strings.Contains(plan, "free"); c.Cloudflare.Plan != map[bool]string{true: "free", false: "paid"}[free] || c.Cloudflare.PlanSaid != said {
			t.Errorf("%q: %s, said %t", plan, c.Cloudflare.Plan, c.Cloudflare.PlanSaid)
		}
	}
}

func TestTheReportIsAtNineInTheConfiguredTimeZone(t *testing.T) {
	c, _, err := config.Parse("c", []byte(small+"usage: {timezone: Asia/Tokyo}\n"), t.TempDir(), env())
	if err != nil {
		t.Fatal(err)
	}
	next := c.Usage.Schedule.Next(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
	if want := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC); !next.Equal(want) {
		t.Errorf("the first report is at %s, want %s", next.UTC(), want)
	}
}

// TestMistakesAreAllShownWithTheirPlaces compares what a person sees, for each file in testdata, with a golden.
func TestMistakesAreAllShownWithTheirPlaces(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("files %v, error %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			write(t, filepath.Join(dir, "open-token"), botToken+"\n", 0o644)
			write(t, filepath.Join(dir, "two-lines"), "first\nsecond\n", 0o600)
			_, warnings, err := config.Parse("config.yaml", content, dir, env("SPACED", "a b", "CHAT", "not-a-chat"))
			got := strings.ReplaceAll(fmt.Sprintf("%v\n", err), dir, "DIR")
			for _, w := range warnings {
				got += "warning: " + strings.ReplaceAll(w.String(), dir, "DIR") + "\n"
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				write(t, golden, got, 0o644)
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if strings.Contains(got, "PLAIN-SECRET") || strings.Contains(got, "not-a-chat") || strings.Contains(got, "secret_bot") {
				t.Errorf("a value that must not be shown is in\n%s", got)
			}
		})
	}
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestASecretFromAFileLosesItsTrailingLineBreak(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "token"), botToken+"\r\n", 0o600)
	text := strings.Replace(small, `token: "${TELEGRAM_BOT_TOKEN}"`, "token_file: token", 1)
	c, warnings, err := config.Parse("c", []byte(text), dir, env())
	if err != nil || len(warnings) > 0 {
		t.Fatalf("error %v, warnings %v", err, warnings)
	}
	if c.Telegram.Token.Reveal() != botToken {
		t.Error("the token is not what the file holds")
	}
}

func TestALiteralDollarBraceIsWrittenWithTwoDollars(t *testing.T) {
	text := strings.Replace(small, "name: Lead", `name: "a $${X} $5"`, 1)
	c, _, err := config.Parse("c", []byte(text), t.TempDir(), env())
	if err != nil {
		t.Fatal(err)
	}
	if got := c.People[0].Name; got != "a ${X} $5" {
		t.Errorf("got %q", got)
	}
}

func TestAVariableCannotChangeTheStructureOfTheFile(t *testing.T) {
	text := strings.Replace(small, "name: Lead", `name: "${WHO}"`, 1)
	c, _, err := config.Parse("c", []byte(text), t.TempDir(), env("WHO", "x, role: admin} #${TELEGRAM_BOT_TOKEN}"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.People[0].Name; got != "x, role: admin} #${TELEGRAM_BOT_TOKEN}" {
		t.Errorf("got %q", got)
	}
}

func TestAFolderIsKeptAsItIsNamed(t *testing.T) {
	for written, want := range map[string]string{".": "", "./app/": "app", ".hidden": ".hidden", "a/../b": "b"} {
		text := strings.Replace(small, "{dir: .}", "{dir: ., path: "+written+"}", 1)
		c, _, err := config.Parse("c", []byte(text), t.TempDir(), env())
		if err != nil || c.Projects[0].Source.Path != want {
			t.Errorf("%s: %+v, error %v", written, c, err)
		}
	}
}

func TestAFileThatIsNotThereIsAnErrorWithItsName(t *testing.T) {
	_, _, err := config.Load(filepath.Join(t.TempDir(), "gone.yaml"), env())
	var errs config.Errors
	if !errors.As(err, &errs) || !strings.Contains(err.Error(), "gone.yaml: cannot be read: no such file") {
		t.Errorf("got %v", err)
	}
}

func TestTheExampleIsReadAndHasEveryKey(t *testing.T) {
	content, err := os.ReadFile("../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, warnings, err := config.Load("../config.example.yaml", env())
	if err != nil || len(warnings) > 0 {
		t.Fatalf("error %v, warnings %v", err, warnings)
	}
	if c.Telegram.Webhook == nil || c.Projects[0].ProductionRefs[0] != "main" || c.Projects[0].Source.Path != "apps/api" {
		t.Errorf("read as %+v", c)
	}
	for _, key := range keys(reflect.TypeFor[config.Config]()) {
		line := regexp.MustCompile(`(?m)^ *(?:# |#   |- |- \{.*[ {])?` + key + `: ?|^ *- \{.*\b` + key + `: `)
		if !line.Match(content) {
			t.Errorf("config.example.yaml does not have the key %s", key)
		}
	}
}

// keys are the yaml tags of a struct and of all structs below it, with *_file beside secrets.
func keys(typ reflect.Type) []string {
	var all []string
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return nil
	}
	for field := range typ.Fields() {
		tag := field.Tag.Get("yaml")
		if tag == "" || tag == "-" {
			continue
		}
		all = append(all, tag)
		if field.Type == reflect.TypeFor[config.Secret]() {
			all = append(all, tag+"_file")
		}
		all = append(all, keys(field.Type)...)
	}
	return all
}

func TestTheDefaultsInTheExamplesCommentsAreThoseOfTheCode(t *testing.T) {
	content, err := os.ReadFile("../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := config.Parse("c", []byte(small), "/srv", env())
	if err != nil {
		t.Fatal(err)
	}
	effective := c.Effective()
	found := 0
	for _, match := range regexp.MustCompile(`(?s)Default: (\S[^\n]*)\n\s*([a-z_]+): `).FindAllSubmatch(content, -1) {
		value, key := string(match[1]), string(match[2])
		if strings.HasSuffix(value, ".") || key == "path" && value != "towline.db" {
			continue // described in words
		}
		found++
		if key == "path" {
			value = "/srv/" + value
		}
		if !regexp.MustCompile(`(?m)^ *` + regexp.QuoteMeta(key+": "+value) + `$`).MatchString(effective) {
			t.Errorf("documented default %s: %s is not in\n%s", key, value, effective)
		}
	}
	if found < 11 {
		t.Errorf("only %d defaults were compared", found)
	}
}

func TestTheEffectiveConfigHidesSecretsAndReadsBackTheSame(t *testing.T) {
	c, _, err := config.Load("../config.example.yaml", env("TELEGRAM_BOT_TOKEN", botToken))
	if err != nil {
		t.Fatal(err)
	}
	text := c.Effective()
	for _, secret := range append(c.Secrets(), botToken, apiToken, hookSecret) {
		if strings.Contains(text, secret) {
			t.Fatal("a secret is in the effective config")
		}
	}
	if len(c.Secrets()) != 3 || strings.Count(text, "(hidden)") != 3 {
		t.Errorf("%d secrets, in\n%s", len(c.Secrets()), text)
	}
	for _, secret := range []string{botToken, hookSecret, apiToken} {
		text = strings.Replace(text, "(hidden)", secret, 1)
	}
	again, _, err := config.Parse("effective", []byte(text), "/", env())
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if diff := cmp.Diff(c.Effective(), again.Effective()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(c.Projects, again.Projects, cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })); diff != "" {
		t.Error(diff)
	}
}
