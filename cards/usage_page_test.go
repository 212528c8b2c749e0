package cards_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// shownOnPage finds the messages of docs/usage.md: where each is from, and its lines.
var shownOnPage = regexp.MustCompile("(?s)<!-- bot: ([a-z-]+)/([^\n]+) -->\n```text\n(.*?)```")

// said is what a golden file has people read in one of its cases.
func said(t *testing.T, file, name string) string {
	t.Helper()
	all, err := os.ReadFile("testdata/" + file + ".golden")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut("\n"+string(all), "\n=== "+name+"\n")
	if !ok {
		t.Fatalf("%s.golden has no case %q", file, name)
	}
	text, _, _ := strings.Cut(rest, "\n--- html\n")
	return text
}

func TestTheUsagePageShowsWhatTheBotSays(t *testing.T) {
	page, err := os.ReadFile("../docs/usage.md")
	if err != nil {
		t.Fatal(err)
	}
	found := shownOnPage.FindAllStringSubmatch(string(page), -1)
	if n := strings.Count(string(page), "<!-- bot: "); n != len(found) || n < 10 {
		t.Errorf("%d of %d messages are read", len(found), n)
	}
	for _, m := range found {
		text := said(t, m[1], m[2])
		var part []string
		check := func() {
			if want := strings.Join(part, "\n"); !strings.Contains(text, want) {
				t.Errorf("%s/%s does not say\n%s\nbut\n%s", m[1], m[2], want, text)
			}
			part = nil
		}
		for line := range strings.SplitSeq(strings.TrimSpace(m[3]), "\n") {
			switch {
			case line == "…": // something is left out
				check()
			case strings.HasPrefix(line, "["):
				check()
				for _, label := range regexp.MustCompile(`\[[^]]+\]`).FindAllString(line, -1) {
					if !strings.Contains(text, "\n"+label+" ") {
						t.Errorf("%s/%s has no button %s", m[1], m[2], label)
					}
				}
			default:
				part = append(part, line)
			}
		}
		check()
	}
}
