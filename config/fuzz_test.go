package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"towline/config"
)

// FuzzParse holds Parse to three promises: it never panics, every mistake has a place inside the file, and a literal
// token is never shown.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "../config.example.yaml") {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add([]byte(small))
	f.Add([]byte(strings.Replace(small, "name: Lead", "name: Lead, username: lead_1", 1) + `    approvals: {required: 1, role: admin}
    freeze:
      timezone: Africa/Cairo
      deny: [{cron: "30 2\n29 2 *", for: 31d, reason: x}, {from: 2026-04-24, to: 2026-04-24 01:00}]
      allow: [{cron: "@hourly", for: 1m}]
stop_timeout: 5s
`))
	f.Add([]byte(small + `    freeze: {deny: [{cron: "0  16 * * FRI", for: 64h}, {from: 2026-12-20   12:00, to: 2026-12-24}]}
`))
	f.Add([]byte("telegram: &a {token: *a}\nusage: {report: '@every 1h'}\n\u2028\u0085x: [*a, <<: *a]\r\ry"))
	f.Fuzz(func(t *testing.T, content []byte) {
		c, _, err := config.Parse("c", content, "/nowhere", env())
		if err == nil {
			if _, _, err := config.Parse("c", content, "/nowhere", env()); err != nil {
				t.Errorf("read once, then refused: %v", err)
			}
			_ = c.Effective()
			if lines := config.Changes(c, c); len(lines) > 0 {
				t.Errorf("a config differs from itself: %q", lines)
			}
			for _, line := range append(config.Changes(nil, c), c.Digest()) {
				if strings.ContainsAny(line, "\n\r") {
					t.Errorf("a sentence of several lines: %q", line)
				}
			}
			return
		}
		var errs config.Errors
		if !errors.As(err, &errs) || len(errs) == 0 {
			t.Fatalf("an error that is no Errors: %v", err)
		}
		lines := strings.Count(string(content), "\n") + strings.Count(string(content), "\r") + strings.Count(string(content), "\u0085") +
			strings.Count(string(content), "\u2028") + strings.Count(string(content), "\u2029") + 1
		last := 0
		for _, e := range errs {
			if e.Line < 1 || e.Line > lines || e.Col < 1 || e.Col > utf8.RuneCountInString(e.Excerpt)+1 || e.Line < last {
				t.Errorf("%d:%d after line %d is not inside the %d lines: %v", e.Line, e.Col, last, lines, e)
			}
			last = e.Line
		}
	})
}
