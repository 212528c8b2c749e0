package advise_test

import (
	"strings"
	"testing"

	"towline/migrations/advise"
)

// TestAnIndexIsNotMadeForOneCustomersNumberThatAQueryHasInItsText: values that stand in the text, and not in a parameter, are those of one
// request, and often secret.
func TestAnIndexIsNotMadeForOneCustomersNumberThatAQueryHasInItsText(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs rows")
	}
	target, path := filled(t)
	a := open(t, target, advise.Options{Data: path})
	for sql, want := range map[string]string{
		"SELECT * FROM posts WHERE author_id = 17 ORDER BY created_at DESC LIMIT 20":                     "CREATE INDEX posts_author_id_created_at ON posts (author_id, created_at);",
		"SELECT * FROM users WHERE email = 'user7@example.com' ORDER BY created_at":                      "CREATE INDEX users_email_created_at ON users (email, created_at);",
		"SELECT * FROM users WHERE email = 'nobody@example.com' AND status = 'active' ORDER BY name":     "CREATE INDEX users_email ON users (email);",
		"SELECT * FROM jobs WHERE state = 'waiting' AND run_at > 100 ORDER BY run_at LIMIT 10":           "CREATE INDEX jobs_run_at_where_state_waiting ON jobs (run_at) WHERE state = 'waiting';",
		"SELECT id FROM posts WHERE author_id = 9 AND status = 'draft' ORDER BY created_at DESC LIMIT 5": "CREATE INDEX posts_author_id_created_at ON posts (author_id, created_at);",
		"SELECT * FROM users WHERE instr(email, 'user7@example.com') > 0":                                "",
		"SELECT * FROM users WHERE ifnull(name, 'sk_live_1') = ?":                                        "",
		"SELECT * FROM users ORDER BY abs(created_at - 1700000000) LIMIT 5":                              "",
		"SELECT * FROM users WHERE ifnull(name, 'none') = ?":                                             "CREATE INDEX users_ifnull_name_none ON users (ifnull(name, 'none'));",
	} {
		advice := try(t, a, sql)
		if got := first(advice); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
		for _, s := range advice.Suggestions {
			if all := strings.Join(append(s.After, s.Indexes[0].SQL()), " "); strings.Contains(all, "user7@") || strings.Contains(all, "= 17") {
				t.Errorf("%s: %s", sql, all)
			}
		}
	}
}

func TestRowsThatAreSkippedOrLeftOutAreReadAllTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs rows")
	}
	target, path := filled(t)
	a := open(t, target, advise.Options{Data: path})
	for _, tt := range []struct {
		sql     string
		least   float64
		counted bool
	}{
		{"SELECT * FROM posts ORDER BY created_at DESC LIMIT 20", 20, true},
		{"SELECT * FROM posts ORDER BY created_at DESC LIMIT 20 OFFSET 1000", 1020, true},
		{"SELECT * FROM posts ORDER BY created_at DESC LIMIT 1000, 20", 1020, true},
		{"SELECT * FROM posts ORDER BY created_at DESC LIMIT 20 OFFSET ?", 20, false},
		{"SELECT * FROM users WHERE status IN ('blocked', 'gone') ORDER BY created_at LIMIT 3", 150, true},
	} {
		advice := try(t, a, tt.sql)
		if len(advice.Suggestions) == 0 {
			t.Errorf("%s: no suggestion", tt.sql)
		} else if s := advice.Suggestions[0]; s.Reads < tt.least || s.Counted != tt.counted {
			t.Errorf("%s: %v rows (counted %v), want %v (%v) or more", tt.sql, s.Reads, s.Counted, tt.least, tt.counted)
		}
	}
}
