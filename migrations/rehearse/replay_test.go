package rehearse_test

import (
	"slices"
	"strings"
	"testing"

	"towline/migrations"
	"towline/migrations/rehearse"
)

func TestAReplayGivesTheSchemaAfterEachFileAndLeavesOutWhatFails(t *testing.T) {
	file := func(name, sql string) migrations.File { return migrations.File{Name: name, SQL: []byte(sql)} }
	states, err := rehearse.Replay(t.Context(), []migrations.File{
		file("1.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY);"),
		file("2.sql", "CREATE TABLE half (id INTEGER);\nALTER TABLE nowhere ADD COLUMN x TEXT;"),
		file("3.sql", "PRAGMA defer_foreign_keys = ON;\nCREATE TABLE b (a INTEGER REFERENCES a);\nDELETE FROM b WHERE a = 1 LIMIT 1;"),
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	tables := func(s rehearse.Replayed) (names []string) {
		for _, o := range s.Objects {
			if o.Type == "table" && o.Name != migrations.DefaultLedger {
				names = append(names, o.Name)
			}
		}
		return names
	}
	for i, want := range [][]string{{"a"}, {"a"}, {"a", "b"}} {
		if got := tables(states[i]); !slices.Equal(got, want) {
			t.Errorf("after %s there is %q, want %q", states[i].Name, got, want)
		}
	}
	if states[0].Failed != "" || !strings.Contains(states[1].Failed, "no such table: nowhere") || states[2].Failed != "" {
		t.Errorf("failed: %q, %q, %q", states[0].Failed, states[1].Failed, states[2].Failed)
	}
}
