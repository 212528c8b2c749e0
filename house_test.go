package towline_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// imports lists, for every package of the module, which packages of the module its product code imports.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,GoFiles", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p struct {
			ImportPath       string
			Imports, GoFiles []string
		}
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) == 0 {
			continue
		}
		name := strings.TrimPrefix(p.ImportPath, "towline/")
		found[name] = nil
		for _, i := range p.Imports {
			if room, ok := strings.CutPrefix(i, "towline/"); ok {
				found[name] = append(found[name], room)
			}
		}
	}
	return found
}

// may is the house: for each room, what its product code may import. A trailing /... is a room with what is below it.
func may() map[string][]string {
	return map[string][]string{
		"migrations":          {},
		"migrations/sqlite":   {"migrations"},
		"migrations/rehearse": {"migrations", "migrations/sqlite"},
		"migrations/layout":   {"migrations"},
		"migrations/drizzle":  {"migrations", "migrations/layout", "migrations/sqlite"},
		"migrations/rebuild":  {"migrations", "migrations/sqlite"},
		"migrations/dump":     {"migrations"},
		"migrations/backfill": {"migrations", "migrations/sqlite"},
		"migrations/advise":   {"migrations", "migrations/sqlite", "migrations/rehearse"},
		"migrations/lint":     {"migrations", "migrations/sqlite", "migrations/layout", "migrations/rehearse", "migrations/rebuild", "migrations/backfill"},

		"deploy/release":  {"migrations"},
		"deploy/audit":    {"deploy/release"},
		"deploy/delivery": {"deploy/release", "deploy/audit"},
		"deploy/freeze":   {},
		"deploy/gate":     {"deploy/release", "deploy/freeze", "migrations", "migrations/rehearse"},
		"deploy/backfill": {"migrations", "migrations/backfill", "migrations/sqlite"},
		"deploy": {"deploy/release", "deploy/audit", "deploy/delivery", "deploy/freeze", "deploy/gate", "deploy/backfill", "migrations", "migrations/layout", "migrations/drizzle", "migrations/rehearse",
			"migrations/lint", "migrations/dump", "migrations/backfill", "migrations/advise", "deploy/watch", "deploy/queries", "deploy/slow"},
		"deploy/watch": {},

		// What an app's queries cost. The first is of figures and texts alone; the second tries indexes and writes their migrations.
		"deploy/queries": {"migrations", "migrations/rehearse"},
		"deploy/slow":    {"deploy/queries", "deploy/release", "migrations", "migrations/advise", "migrations/drizzle", "migrations/layout"},

		// What things used. It knows no release: a report is given what it should know of them as values.
		"usage":          {},
		"usage/tariff":   {},
		"usage/forecast": {},
		"usage/alert":    {"usage", "usage/tariff", "usage/forecast"},
		"usage/report":   {"usage", "usage/tariff", "usage/forecast"},
		"usage/chart":    {},

		"cards":    {"deploy", "deploy/queries", "deploy/slow", "deploy/release", "deploy/audit", "deploy/delivery", "deploy/freeze", "deploy/gate", "migrations", "usage", "usage/alert", "usage/report", "usage/tariff", "usage/chart"},
		"handlers": {"bot", "cards", "deploy", "deploy/queries", "deploy/slow", "deploy/release", "deploy/audit", "deploy/delivery", "deploy/freeze", "deploy/gate", "migrations", "usage", "usage/alert", "usage/report", "usage/chart"},

		// What programs read: figures for Prometheus, and whether the bot is at work.
		"admin": {},

		"bot":        {},
		"cloudflare": {"deploy", "deploy/queries", "usage"},
		"source":     {},
		"config":     {},
		"control":    {},
		"backups":    {"deploy", "deploy/release", "migrations/dump"},
		"store":      {"bot", "deploy", "deploy/release", "deploy/audit", "usage", "usage/alert"},

		"sandbox/telegram":               {},
		"sandbox/page":                   {"sandbox/telegram"},
		"sandbox/cloudflare":             {"migrations/sqlite"},
		"sandbox/cloudflare/conformance": {},
		"sandbox/cloudflare/workerd":     {"sandbox/parts"},
		"sandbox/cloudflare/wrangler":    {"sandbox/parts"},
		"sandbox/parts":                  {},

		// What the tests and the bench share: the table of experiments on D1, and a sample of projects.
		"migrations/sqlite/experiments": {"migrations", "migrations/sqlite"},
		"migrations/lint/sample":        {"migrations"},

		// The suites of the ports, beside the ports.
		"bot/storetest":    {"bot"},
		"deploy/d1test":    {"deploy"},
		"deploy/storetest": {"deploy", "deploy/release", "deploy/audit", "migrations"},
		"usage/storetest":  {"usage", "usage/alert"},
		"usage/sourcetest": {"usage"},

		// Plugs everything together.
		"cmd/towline": {"bot", "cards", "cloudflare", "config", "control", "deploy", "deploy/release", "deploy/audit", "deploy/freeze", "deploy/gate", "handlers", "source", "store", "backups", "admin",
			"usage", "usage/alert", "usage/chart", "usage/forecast", "usage/report", "usage/tariff",
			"migrations", "migrations/sqlite", "migrations/layout", "migrations/drizzle", "migrations/rehearse", "migrations/lint", "migrations/rebuild", "migrations/dump",
			"sandbox/cloudflare", "sandbox/page", "sandbox/telegram"},
	}
}

func TestTheHouseImportsOneWay(t *testing.T) {
	rooms := may()
	for name, list := range imports(t) {
		if strings.HasPrefix(name, "cmd/") && name != "cmd/towline" {
			continue // programs for those who work on Towline: they may plug in what they measure
		}
		allowed, known := rooms[name]
		if !known {
			t.Errorf("%s is a room that the house does not know; decide what it may import", name)
			continue
		}
		for _, i := range list {
			if !slices.Contains(allowed, i) {
				t.Errorf("%s imports %s", name, i)
			}
		}
	}
}

func TestNoPackageIsNamedAfterNothing(t *testing.T) {
	for name := range imports(t) {
		last := name[strings.LastIndex(name, "/")+1:]
		if slices.Contains([]string{"util", "utils", "common", "helpers", "models", "types", "manager"}, last) {
			t.Errorf("package %s says nothing", name)
		}
	}
}

func TestTheReadmesMapNamesEveryRoom(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range imports(t) {
		top, _, _ := strings.Cut(name, "/")
		if !regexp.MustCompile("(?m)^" + regexp.QuoteMeta(top) + "/").Match(readme) {
			t.Errorf("the README's map of the house lacks %s/", top)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^([a-z]+)/ ").FindAllStringSubmatch(string(readme), -1) {
		if _, err := os.Stat(m[1]); err != nil {
			t.Errorf("the README's map names %s/, which is not there", m[1])
		}
	}
}
