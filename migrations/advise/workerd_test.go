package advise_test

import (
	"strings"
	"testing"

	"towline/migrations/advise"
	"towline/sandbox/cloudflare/workerd"
)

// d1 is one fresh database in Cloudflare's own runtime.
type d1 struct{ *workerd.Database }

// read carries a statement out and returns the rows that the engine says it read.
func (d *d1) read(t *testing.T, sql string, params ...any) int64 {
	t.Helper()
	var result []struct {
		Meta struct {
			Read int64 `json:"rows_read"`
		}
	}
	if message := d.Refusal(t, "/query", map[string]any{"sql": sql, "params": params}, &result); message != "" {
		t.Fatalf("%s: %s", sql, message)
	}
	return result[0].Meta.Read
}

// plan asks for the plan of a statement.
func (d *d1) plan(t *testing.T, sql string) (lines []string) {
	t.Helper()
	var result []struct {
		Results []struct{ Detail string }
	}
	body := map[string]any{"sql": "EXPLAIN QUERY PLAN " + sql, "params": make([]any, strings.Count(sql, "?"))}
	if message := d.Refusal(t, "/query", body, &result); message != "" {
		t.Fatalf("%s: %s", sql, message)
	}
	for _, r := range result[0].Results {
		lines = append(lines, r.Detail)
	}
	return lines
}

// carried are queries with the values of their parameters.
func carried() []struct {
	sql    string
	params []any
} {
	return []struct {
		sql    string
		params []any
	}{
		{"SELECT * FROM users WHERE email = ?", []any{"user7@example.com"}},
		{"SELECT * FROM posts WHERE author_id = ? ORDER BY created_at DESC LIMIT 20", []any{8}},
		{"SELECT * FROM posts ORDER BY created_at DESC LIMIT 20", nil},
		{"SELECT * FROM posts ORDER BY score DESC, created_at ASC LIMIT 30", nil},
		{"SELECT p.title, c.text FROM posts p JOIN comments c ON c.post_id = p.id WHERE p.id = ?", []any{9}},
		{"SELECT u.name, p.title FROM users u JOIN posts p ON p.author_id = u.id WHERE u.email = ?", []any{"user7@example.com"}},
		{"SELECT * FROM comments WHERE post_id IN (SELECT id FROM posts WHERE author_id = ?)", []any{8}},
		{"SELECT * FROM comments WHERE user_id IN (?, ?, ?)", []any{1, 2, 3}},
		{"SELECT * FROM comments WHERE user_id = ? OR post_id = ?", []any{1, 2}},
		{"SELECT * FROM users WHERE lower(email) = ?", []any{"user7@example.com"}},
		{"SELECT id FROM posts WHERE json_extract(meta, '$.lang') = ?", []any{"3"}},
		{"SELECT * FROM jobs WHERE state = 'waiting' ORDER BY run_at LIMIT 10", nil},
		{"SELECT max(created_at) FROM posts", nil},
		{"SELECT status, count(*) FROM users GROUP BY status", nil},
		{"SELECT u.id, (SELECT max(p.created_at) FROM posts p WHERE p.author_id = u.id) FROM users u WHERE u.id IN (1, 2, 3)", nil},
		{"SELECT count(*) FROM posts WHERE score = ? AND author_id > 10", []any{5}},
		{"UPDATE users SET name = ? WHERE email = ?", []any{"New", "user7@example.com"}},
		{"DELETE FROM users WHERE id = ?", []any{2000}},
	}
}

// TestCloudflaresRuntimeUsesTheIndexAndReadsAboutWhatWasWorkedOut makes each suggested index in D1's engine, looks at its plan and counts the rows.
func TestCloudflaresRuntimeUsesTheIndexAndReadsAboutWhatWasWorkedOut(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for another program")
	}
	instance := workerd.Start(t, workerd.Options{})
	d := &d1{instance.Database(t, "advise")}
	statements := append(shop(), rows()...)
	for _, sql := range statements {
		d.read(t, sql)
	}
	target, path := build(t, statements...)
	a := open(t, target, advise.Options{Data: path})
	for _, tt := range carried() {
		advice := try(t, a, tt.sql)
		if len(advice.Suggestions) == 0 {
			t.Errorf("%s: no suggestion, before %q", tt.sql, advice.Before)
			continue
		}
		before := int64(0)
		if !strings.HasPrefix(tt.sql, "DELETE") {
			before = d.read(t, tt.sql, tt.params...)
		}
		best := advice.Suggestions[0]
		for _, i := range best.Indexes {
			d.read(t, i.SQL())
		}
		if plan := d.plan(t, tt.sql); len(best.Lookup) == 0 && strings.Join(plan, "\n") != strings.Join(trimmed(best.After), "\n") {
			t.Errorf("%s: the plan is %q, tried was %q", tt.sql, plan, best.After)
		}
		got := float64(d.read(t, tt.sql, tt.params...))
		t.Logf("%6d before, %5.0f read, %7.1f worked out: %s", before, got, best.Reads, tt.sql)
		if !best.Counted || best.Reads > 2*got+8 || got > 2*best.Reads+8 {
			t.Errorf("%s: %v rows were read, %v worked out (counted %v)", tt.sql, got, best.Reads, best.Counted)
		}
		for _, i := range best.Indexes {
			d.read(t, i.Down())
		}
	}
}

func trimmed(lines []string) (out []string) {
	for _, l := range lines {
		out = append(out, strings.TrimSpace(l))
	}
	return out
}
