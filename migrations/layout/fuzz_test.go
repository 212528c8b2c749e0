package layout_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"towline/migrations/layout"
)

// FuzzConfig reads whatever somebody has as their config: it is read or refused with a place.
func FuzzConfig(f *testing.F) {
	for _, c := range configCases() {
		f.Add(strings.HasSuffix(c.file, ".toml"), c.text)
	}
	f.Fuzz(func(t *testing.T, isTOML bool, text string) {
		name := "wrangler.jsonc"
		if isTOML {
			name = "wrangler.toml"
		}
		l, err := layout.Find(project(map[string]string{name: text}), layout.Options{})
		if err != nil {
			if !strings.HasPrefix(err.Error(), name+":") {
				t.Errorf("%v does not say where", err)
			}
			return
		}
		if l.Dir == "" || l.Table == "" || l.Pattern == "" || strings.HasPrefix(l.Dir, "..") || strings.HasPrefix(l.Dir, "/") {
			t.Errorf("%+v", l)
		}
	})
}

// FuzzJournal reads whatever lies there as Drizzle's journal.
func FuzzJournal(f *testing.F) {
	f.Add(journal)
	f.Add(`{"version":"7","dialect":"sqlite","entries":[{"idx":0,"version":"6","when":1795282088163,"tag":"0000_first","breakpoints":true}]}`)
	f.Add(`{"entries":[{"idx":"0"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		j, err := layout.ParseJournal([]byte(text))
		if err != nil {
			if !strings.Contains(err.Error(), ":") {
				t.Errorf("%v does not say where", err)
			}
			return
		}
		again, err := json.Marshal(j)
		if err != nil {
			t.Fatal(err)
		}
		k, err := layout.ParseJournal(again)
		if err != nil || len(k.Entries) != len(j.Entries) || len(j.Entries) > 0 && !reflect.DeepEqual(j, k) {
			t.Errorf("%v: %+v became %+v", err, j, k)
		}
		files := map[string]string{"m/meta/_journal.json": text, "m/0000_first.sql": ""}
		if _, err := layout.Read(project(files), layout.Layout{Kind: layout.DrizzleJournal, Dir: "m", Pattern: "*.sql"}); err != nil {
			t.Error(err)
		}
	})
}

// FuzzPattern matches names against whatever stands in a config as a pattern: in a bounded time, and never a hidden file.
func FuzzPattern(f *testing.F) {
	for _, p := range []string{"*.sql", "**/*.sql", "{a,b}/{c,d}*.sql", "*/!(down).sql", "[a-z]?@(x|y).sql", "**/**/a", "[!a]*"} {
		f.Add(p, "a/b/0001_x.sql")
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		l := in("m", pattern)
		if l.Matches(name) && (strings.HasPrefix(name, ".") || strings.Contains(name, "/.")) {
			t.Errorf("%q matches %q", pattern, name)
		}
		if down := l.DownPath("a/0001_x.sql"); strings.HasPrefix(down, "m/") && l.Matches(strings.TrimPrefix(down, "m/")) {
			t.Errorf("%q matches the DOWN file %q", pattern, down)
		}
	})
}
