package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"towline/config"
)

func example(t *testing.T) *config.Config {
	t.Helper()
	c, _, err := config.Load("../config.example.yaml", env())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChangesAreToldInSentences(t *testing.T) {
	before, after := example(t), example(t)
	after.Telegram.Token = "987654:another-token"
	after.Telegram.Webhook = nil
	after.StopTimeout = 2 * time.Minute
	after.People[0], after.People[1] = after.People[1], after.People[0]
	after.People[2].Role, after.People[2].Username = config.Approver, ""
	after.People = append(after.People, config.Person{ID: 1004, Name: "Kim", Role: config.Viewer})
	after.Projects = append(after.Projects, config.Project{Name: "blog", Place: config.Place{Chat: -100, Topic: 7}, Preview: config.Preview{Database: "blog-preview"}, Production: config.Production{Database: "blog"}})
	shop := &after.Projects[0]
	shop.Approvals.Required, shop.Approvals.Role = 2, config.Admin
	shop.Preview.Approvals.Required = 1
	shop.ProductionRefs = nil
	shop.Freeze.Timezone = time.UTC
	shop.Freeze.Deny = []config.Window{shop.Freeze.Deny[1], {Cron: "@daily", For: time.Hour}}
	want := []string{
		`people: Kim (1004) was added as viewer`,
		`people: Robin (1003) has the username (none), had robin`,
		`people: Robin (1003) is now approver, was deployer`,
		`people: listed in another order`,
		`project blog: added in chat -100/7, preview blog-preview, production blog`,
		`project shop: freeze deny added: @daily for 1h`,
		`project shop: freeze deny removed: 0 16 * * FRI for 64h (weekend)`,
		`project shop: freeze timezone Europe/Berlin → UTC`,
		`project shop: preview approvals 0 → 1`,
		`project shop: production approvals 1 → 2`,
		`project shop: production approvals by approver → admin`,
		`project shop: production refs [main] → (any)`,
		`stop_timeout: 1m → 2m`,
		`telegram.token changed`,
		`telegram.webhook removed`,
		`telegram.webhook.listen: "127.0.0.1:8443" → (none)`,
		`telegram.webhook.secret changed`,
		`telegram.webhook.url: https://ops.example.com/telegram → (none)`,
	}
	if diff := cmp.Diff(want, config.Changes(before, after)); diff != "" {
		t.Error(diff)
	}
	back := config.Changes(after, before)
	for _, line := range []string{
		`people: Kim (1004) was removed, was viewer`, `people: Robin (1003) is now deployer, was approver`, `people: listed in another order`,
		`project blog: removed, was in chat -100/7`, `project shop: production refs (any) → [main]`, `telegram.webhook added`,
	} {
		if !slices.Contains(back, line) {
			t.Errorf("%q is not in\n%s", line, strings.Join(back, "\n"))
		}
	}
}

// variants are what becomes of a value when any single thing below it is changed, each with the path of the thing.
func variants(v reflect.Value, path string, yield func(path string)) {
	set := func(to any) {
		was := reflect.ValueOf(v.Interface())
		v.Set(reflect.ValueOf(to).Convert(v.Type()))
		yield(path)
		v.Set(was)
	}
	switch val := v.Interface().(type) {
	case *time.Location:
		set(time.FixedZone("Elsewhere", 3600))
		return
	case time.Duration:
		set(val + time.Second)
		return
	}
	switch v.Kind() {
	case reflect.String:
		set(v.String() + "x")
	case reflect.Int, reflect.Int64:
		set(v.Int() - 1)
	case reflect.Pointer:
		if v.IsNil() {
			set(reflect.New(v.Type().Elem()).Interface())
			return
		}
		variants(v.Elem(), path, yield)
		set(reflect.Zero(v.Type()).Interface())
	case reflect.Slice:
		for i := range v.Len() {
			variants(v.Index(i), fmt.Sprintf("%s[%d]", path, i), yield)
		}
		longer := reflect.Append(v, reflect.New(v.Type().Elem()).Elem())
		set(longer.Interface())
		if v.Len() > 0 {
			set(v.Slice(1, v.Len()).Interface())
		}
		if v.Len() > 1 {
			set(reflect.AppendSlice(v.Slice(1, v.Len()).Slice3(0, v.Len()-1, v.Len()-1), v.Slice(0, 1)).Interface())
		}
	case reflect.Struct:
		for field, val := range v.Fields() {
			derived := field.Tag.Get("yaml") == "-" && field.Type != reflect.TypeFor[config.Secret]()
			if field.IsExported() && !derived {
				variants(val, strings.TrimPrefix(path+"."+field.Name, "."), yield)
			}
		}
	}
}

func TestEveryDifferenceOfOneThingIsToldAndChangesTheDigest(t *testing.T) {
	before, after := example(t), example(t)
	seen, count := map[string]string{before.Digest(): "the example itself"}, 0
	variants(reflect.ValueOf(after).Elem(), "", func(path string) {
		count++
		if lines := config.Changes(before, after); len(lines) == 0 {
			t.Errorf("%s: nothing is said", path)
		}
		digest := after.Digest()
		if other, same := seen[digest]; same {
			t.Errorf("%s: the digest is that of %s", path, other)
		}
		seen[digest] = path
	})
	if lines := config.Changes(before, after); len(lines) > 0 || before.Digest() != after.Digest() || count < 60 {
		t.Errorf("after %d changes were taken back: %v", count, lines)
	}
}

// drawn is a config of which two are often alike in much.
func drawn(t *rapid.T, label string) *config.Config {
	word := func(of ...string) string { return rapid.SampledFrom(of).Draw(t, "word") }
	number := func(n int) int { return rapid.IntRange(0, n).Draw(t, "number") }
	role := func() config.Role { return rapid.SampledFrom(config.Roles()).Draw(t, "role") }
	approvals := func() config.Approvals {
		return config.Approvals{Required: number(2), Role: role(), Expire: time.Duration(number(2)) * time.Hour}
	}
	windows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) config.Window {
		if number(1) == 0 {
			return config.Window{From: word("2026-12-20", "2026-12-21"), To: "2027-01-04", Reason: word("", "holidays")}
		}
		return config.Window{Cron: word("@daily", "0 9 * * *"), For: time.Hour, Reason: word("", "holidays")}
	}), 0, 3)
	c := &config.Config{}
	c.Telegram.Token = config.Secret(word("123456:token-one", "123456:token-two"))
	if number(1) == 0 {
		c.Telegram.Webhook = &config.Webhook{URL: word("", "https://a.example"), Secret: config.Secret(word("", "short", "long-enough-secret"))}
	}
	c.Usage.Alerts = rapid.SliceOfN(rapid.IntRange(50, 51), 0, 2).Draw(t, "alerts")
	for id := range number(3) {
		c.People = append(c.People, config.Person{ID: int64(id + 1), Name: word("Robin", "Kim", "123456:token-one"), Username: word("", "robin"), Role: role()})
	}
	c.People = rapid.Permutation(c.People).Draw(t, "people")
	for i := range number(2) {
		p := config.Project{Name: []string{"shop", "blog"}[i], Place: config.Place{Chat: -100, Topic: number(1)}, Approvals: approvals()}
		p.Preview.Approvals, p.ProductionRefs = approvals(), rapid.SliceOfN(rapid.SampledFrom([]string{"main", "a, b"}), 0, 2).Draw(t, "refs")
		p.Source.Token = config.Secret(word("", "source-token"))
		if number(1) == 0 {
			p.Freeze = &config.Freeze{Timezone: time.UTC, Deny: windows.Draw(t, "deny"), Allow: windows.Draw(t, "allow")}
		}
		c.Projects = append(c.Projects, p)
	}
	c.Projects = rapid.Permutation(c.Projects).Draw(t, label)
	return c
}

func TestThereIsASentenceIfAndOnlyIfTheDigestsDiffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawn(t, "before")
		b := a
		if rapid.Bool().Draw(t, "other") {
			b = drawn(t, "after")
		}
		lines, again := config.Changes(a, b), config.Changes(a, b)
		if (len(lines) == 0) != (a.Digest() == b.Digest()) {
			t.Fatalf("%q, and digests %s and %s of\n%s\nand\n%s", lines, a.Digest(), b.Digest(), a.Effective(), b.Effective())
		}
		if !slices.IsSorted(lines) || !slices.Equal(lines, again) {
			t.Fatalf("not sorted, or not stable: %q", lines)
		}
	})
}

func TestNoSentenceShowsASecretOfEitherConfig(t *testing.T) {
	const quoted = `pass"word-1`
	load := func(name, token string, project string) *config.Config {
		text := strings.Replace(small, "name: Lead", `name: "`+name+`"`, 1)
		text = strings.Replace(text, "{dir: .}", `{dir: ., path: "`+project+`"}`, 1)
		c, _, err := config.Parse("c", []byte(text), "/srv", env("TELEGRAM_BOT_TOKEN", token, "CLOUDFLARE_API_TOKEN", quoted, "QUOTED", quoted))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	before := load("Lead 111111:first-secret", "111111:first-secret", "a")
	after := load("Lead 222222:other-secret", "222222:other-secret", "b/111111:first-secret")
	for _, c := range [][2]*config.Config{{before, after}, {after, before}, {nil, after}, {after, nil}} {
		lines := config.Changes(c[0], c[1])
		if len(lines) < 3 || !slices.Contains(lines, "telegram.token changed") {
			t.Errorf("got %q", lines)
		}
		for _, line := range lines {
			if strings.Contains(line, "-secret") {
				t.Error("a secret is in a sentence")
			}
		}
	}
	hidden := load("Lead", "111111:first-secret", "${QUOTED}")
	if line := "project shop: source path \"a\" → \"(hidden)\""; !slices.Contains(config.Changes(before, hidden), line) {
		t.Error("what a secret becomes between quotes is not hidden")
	}
	if strings.Contains(hidden.Effective(), "word-1") {
		t.Error("what a secret becomes between quotes is in the effective config")
	}
}

func TestAShortSecretIsNotToldByHidingWhatHappensToBeTheSame(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("main"), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func(refs string) *config.Config {
		text := small + "    production_refs: [" + refs + "]\n"
		text = strings.Replace(text, "{dir: .}", "{git: 'https://github.com/example/shop.git', token_file: token}", 1)
		c, _, err := config.Parse("c", []byte(text), dir, env())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if diff := cmp.Diff([]string{"project shop: production refs [main] → [dev]"}, config.Changes(load("main"), load("dev"))); diff != "" {
		t.Error(diff)
	}
}

func TestTheContentOfATokenFileIsASecretThatMayChange(t *testing.T) {
	dir := t.TempDir()
	text := strings.Replace(small, "{dir: .}", "{git: 'https://github.com/example/shop.git', token_file: token}", 1)
	var configs []*config.Config
	for _, token := range []string{"first-token", "second-token"} {
		if err := os.WriteFile(filepath.Join(dir, "token"), []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		c, _, err := config.Parse("c", []byte(text), dir, env())
		if err != nil {
			t.Fatal(err)
		}
		configs = append(configs, c)
	}
	if diff := cmp.Diff([]string{"project shop: source token changed"}, config.Changes(configs[0], configs[1])); diff != "" {
		t.Error(diff)
	}
	if configs[0].Digest() == configs[1].Digest() {
		t.Error("the digest is the same")
	}
}

func TestTheDigestIsThatOfTheSameFileReadAgain(t *testing.T) {
	first, second := example(t), example(t)
	if first.Digest() != second.Digest() || len(first.Digest()) != 64 || len(config.Changes(first, second)) != 0 {
		t.Errorf("%s, %s, %q", first.Digest(), second.Digest(), config.Changes(first, second))
	}
}
