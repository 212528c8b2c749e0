package experiments_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"towline/migrations/sqlite/experiments"
	"towline/sandbox/cloudflare/workerd"
	"towline/sandbox/parts"
)

func TestMain(m *testing.M) { parts.Main(m) }

func read(t *testing.T) []experiments.Case {
	t.Helper()
	cases, err := experiments.Read()
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestOurSQLiteDoesWhatTheTableSays needs nothing but the table.
func TestOurSQLiteDoesWhatTheTableSays(t *testing.T) {
	names := make(map[string]bool)
	for _, c := range read(t) {
		t.Run(c.Name, func(t *testing.T) {
			if names[c.Name] {
				t.Error("this name stands twice in the table")
			}
			names[c.Name] = true
			o, err := experiments.Here(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(c.Differs, "LimitedWrite") != o.Unrehearsed {
				t.Errorf("%s:%d: told from a mistake: %t", c.File, c.Line, o.Unrehearsed)
			}
			if c.Differs == "" && !c.Fits(o) {
				t.Errorf("%s:%d: got %q (%s), want %q", c.File, c.Line, o.Refused, o.Message, c.Refused)
			}
		})
	}
}

// TestOurSQLiteAgreesWithCloudflaresRuntime carries the whole table out on both.
func TestOurSQLiteAgreesWithCloudflaresRuntime(t *testing.T) {
	at := workerd.Start(t, workerd.Options{})
	client := &http.Client{}
	t.Cleanup(client.CloseIdleConnections)
	remote := experiments.Remote{URL: at.URL, AccountID: at.AccountID, Token: at.Token, HTTP: client}
	r, err := experiments.Compare(t.Context(), read(t), remote, "experiment")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Different {
		t.Error(d)
	}
	if r.Cases < 160 {
		t.Errorf("the table has %d cases", r.Cases)
	}
	t.Log(fmt.Sprint(r))
}
