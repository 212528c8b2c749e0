package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/deploy"
	"towline/sandbox/telegram"
)

var updateDocs = flag.Bool("update-docs", false, "write the bot's messages in docs/migrations.md anew")

const migrationsPage = "../../docs/migrations.md"

// quotation is a place in the page where the bot speaks: a mark with a name, and a block.
var quotation = regexp.MustCompile("(?s)<!-- bot: ([a-z-]+) -->\n```text\n(.*?)```\n")

// example is a file of the page's story, with where it belongs: "VERSION/PATH".
var example = regexp.MustCompile("(?s)<!-- file: ([A-Za-z0-9_./-]+) -->\n```[a-z]+\n(.*?)```\n")

// TestTheMigrationsPageQuotesTheBot plays the story of docs/migrations.md, with the files that it shows, and holds what the
// page says that the bot says against what it says.
func TestTheMigrationsPageQuotesTheBot(t *testing.T) {
	if testing.Short() && raced() {
		t.Skip("a long story, and many times as long under the race detector")
	}
	content, err := os.ReadFile(migrationsPage)
	if err != nil {
		t.Fatal(err)
	}
	told := tellMigrations(t, string(content))
	page := quotation.ReplaceAllStringFunc(string(content), func(block string) string {
		name := quotation.FindStringSubmatch(block)[1]
		words, ok := told[name]
		if !ok {
			t.Errorf("nothing in the story is called %s", name)
			return block
		}
		delete(told, name)
		return "<!-- bot: " + name + " -->\n```text\n" + words + "\n```\n"
	})
	for name := range told {
		t.Errorf("the page does not quote %s", name)
	}
	if *updateDocs {
		if err := os.WriteFile(migrationsPage, []byte(page), 0o644); err != nil { //nolint:gosec // documentation
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(page, string(content)); diff != "" {
		t.Errorf("the bot says other words than docs/migrations.md (run with -update-docs when this is meant):\n%s", diff)
	}
}

// pageVersions lays out the page's files: each version has those of the one before it.
func pageVersions(t *testing.T, page, app string) {
	t.Helper()
	files, last := map[string]string{}, ""
	write := func() {
		for name, text := range files {
			path := filepath.Join(app, last, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // a test's
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, m := range example.FindAllStringSubmatch(page, -1) {
		version, name, _ := strings.Cut(m[1], "/")
		if last != "" && version != last {
			write()
			if strings.HasPrefix(last, "not-") { // a version that never goes further is nobody's ground
				for known := range files {
					if strings.Contains(page, "<!-- file: "+last+"/"+known+" -->") {
						delete(files, known)
					}
				}
			}
		}
		last, files[name] = version, m[2]
	}
	write()
}

// storyteller plays the story, and keeps what the bot says.
type storyteller struct {
	*stage
	t    *testing.T
	told map[string]string
}

func tellMigrations(t *testing.T, page string) map[string]string {
	t.Helper()
	ctx, cancel := patient(t.Context(), t)
	defer cancel()
	s, err := newStage(ctx, t, t.TempDir(), local)
	if err != nil {
		t.Fatal(err)
	}
	defer s.end()
	pageVersions(t, page, filepath.Join(s.dir, "app"))
	if err := s.wire(stageOptions{backups: true}); err != nil {
		t.Fatal(err)
	}
	p := &s.wiring.projects[0]
	p.Rehearse, p.Lint, p.Seed = deploy.Rehearse{}, deploy.Lint{ContractAfter: 24 * time.Hour}, ""
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	st := &storyteller{stage: s, t: t, told: map[string]string{}}
	st.play()
	return st.told
}

func (s *storyteller) play() {
	s.ship("v1", "#1")
	s.says("deployer", "/deploy not-renamed")
	s.tells("renamed-on-preview", "live", "Production would refuse")
	s.says("deployer", "/promote")
	s.tells("renamed", "lint_errors")
	s.says("deployer", "/preview reset v2")
	s.sees("shop → preview · live", "#3")
	s.says("deployer", "/promote")
	s.tells("expand", "waiting for approval", "#3")
	s.presses("approver", "Approve")
	s.sees("shop → production · live", "#3")
	s.tells("backfill", "shop → production · backfilled", "users_name")
	s.ship("v3", "#4")
	s.says("deployer", "/contract")
	s.tells("contract", "expand and contract")
	s.says("deployer", "/deploy v4")
	s.sees("shop → preview · live", "#5")
	s.says("deployer", "/promote")
	s.tells("too-early", "D1-DS02")
	s.skew.Add(int64(25 * time.Hour))
	s.says("deployer", "/promote")
	s.tells("contracted", "waiting for approval", "#5")
	s.presses("approver", "Approve")
	s.sees("shop → production · live", "#5")
	s.says("deployer", "/rollback")
	s.tells("back", "waiting for approval", "From #5")
	s.presses("deployer", "Reject")
	s.says("deployer", "/deploy not-rebuilt")
	s.tells("cascade", "would_lose_rows")
}

// ship takes a version to production.
func (s *storyteller) ship(version, number string) {
	s.t.Helper()
	s.says("deployer", "/deploy "+version)
	s.sees("shop → preview · live", number)
	s.says("deployer", "/promote")
	s.sees("waiting for approval", number)
	s.presses("approver", "Approve")
	s.sees("shop → production · live", number)
}

func (s *storyteller) says(who, text string) {
	s.t.Helper()
	if err := s.cmdSay([]string{who, text}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *storyteller) presses(who, label string) {
	s.t.Helper()
	if err := s.cmdPress([]string{who, label}); err != nil {
		s.t.Fatalf("%s presses %s: %v\n%s", who, label, err, s.chat())
	}
}

// sees waits for a message of the bot with all the words, and returns it.
func (s *storyteller) sees(words ...string) (found telegram.Message) {
	s.t.Helper()
	err := s.tg.WaitFor(s.ctx, teamChat, func(all []telegram.Message) bool {
		for _, m := range s.shown(all) {
			if hasAll(m.Text, words) {
				found = m
				return true
			}
		}
		return false
	})
	if err != nil {
		s.t.Fatalf("no card with %q: %v\n%s", words, err, s.chat())
	}
	return found
}

// tells keeps a message under the name that the page has for it.
func (s *storyteller) tells(name string, words ...string) {
	s.t.Helper()
	s.told[name] = timeless(s.sees(words...).Text)
}

// timeless takes out of a message what is another each time: times, lengths of time, ids.
func timeless(text string) string {
	for _, r := range []struct{ from, to string }{
		{`--bookmark=[0-9a-f-]+`, "--bookmark=…"}, {`\b01[0-9A-Z]{24}\b`, "01…"},
		{`\b\d+(\.\d+)? (ms|s)\b`, "… ms"}, {`\b\d{1,2} [A-Z][a-z]{2} \d{2}:\d{2} UTC`, "21 Nov 14:03 UTC"},
		{`\b\d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC`, "2026-11-22 14:03 UTC"},
		{`plan [0-9a-f]{8}`, "plan 7f3c0a1b"}, {`(v\d|not-[a-z]+) [0-9a-f]{7}\b`, "$1 a1b2c3d"}, {`\d+ B\b`, "… B"},
	} {
		text = regexp.MustCompile(r.from).ReplaceAllString(text, r.to)
	}
	return strings.TrimSpace(text)
}
