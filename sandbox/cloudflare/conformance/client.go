package conformance

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// client talks to one server.
type client struct {
	Server
	http *http.Client
}

func newClient(t testing.TB, s Server) *client {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{Server: s, http: &http.Client{Transport: transport}}
}

// answer is Cloudflare's envelope.
type answer struct {
	status int
	text   string

	Result     json.RawMessage
	Success    bool
	Errors     []problem
	Messages   []json.RawMessage
	ResultInfo struct {
		Page       int
		PerPage    int `json:"per_page"`
		Count      int
		TotalCount int `json:"total_count"`
	} `json:"result_info"`
}

type problem struct {
	Code    int
	Message string
}

// send makes one request below the base address. A nil body sends none; a string is sent as it is.
func (c *client) send(t testing.TB, method, path string, body any) answer {
	t.Helper()
	return c.sendAs(t, c.Token, method, path, body)
}

func (c *client) sendAs(t testing.TB, token, method, path string, body any) answer {
	t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, c.URL+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: res.StatusCode, text: string(text)}
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatalf("%s %s: the answer is not the envelope: %v\n%s", method, path, err, text)
	}
	if a.Success != (a.status == http.StatusOK) || a.Success != (len(a.Errors) == 0) {
		t.Errorf("%s %s: status, success and errors disagree: %d %s", method, path, a.status, text)
	}
	return a
}

func (c *client) databases() string { return "/accounts/" + c.AccountID + "/d1/database" }

// database is one database of the server.
type database struct {
	*client
	id, name string
}

// uniqueName is a database name that only this test has.
func uniqueName(t testing.TB) string {
	name := "conformance-" + strings.ToLower(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(t.Name(), "-"))
	return name[:min(len(name), 40)] + "-" + shortHash(t.Name())
}

// create makes a database for this test.
func (c *client) create(t testing.TB) database {
	t.Helper()
	return c.createNamed(t, uniqueName(t))
}

// createNamed makes a database and deletes it when the test ends.
func (c *client) createNamed(t testing.TB, name string) database {
	t.Helper()
	var created struct{ UUID string }
	c.send(t, "POST", c.databases(), map[string]any{"name": name}).decode(t, &created)
	db := database{c, created.UUID, name}
	t.Cleanup(func() {
		req, err := http.NewRequest("DELETE", c.URL+db.path(), nil) // not with the test's context, which has ended
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Authorization", "Bearer "+c.Token)
		if res, err := c.http.Do(req); err == nil {
			_ = res.Body.Close()
		}
	})
	return db
}

// post sends a body to an address and returns the text of the answer, or the error of a connection that broke.
func (c *client) post(t testing.TB, address, body string) (string, error) {
	req, err := http.NewRequestWithContext(t.Context(), "POST", address, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	res, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), err
}

func (d database) path() string { return d.databases() + "/" + d.id }

// query sends SQL, which must succeed, and returns the rows of the last statement.
func (d database) query(t testing.TB, sql string, params ...any) []map[string]any {
	t.Helper()
	a := d.send(t, "POST", d.path()+"/query", map[string]any{"sql": sql, "params": params})
	var results []struct{ Results []map[string]any }
	a.decode(t, &results)
	return results[len(results)-1].Results
}

// count returns the number that SQL selects as n.
func (d database) count(t testing.TB, sql string) int {
	t.Helper()
	n, ok := d.query(t, sql)[0]["n"].(float64)
	if !ok {
		t.Fatalf("%s selects no number n", sql)
	}
	return int(n)
}

// decode reads the result of an answer that must be a success.
func (a answer) decode(t testing.TB, into any) {
	t.Helper()
	if !a.Success {
		t.Fatalf("refused with %d: %s", a.status, a.text)
	}
	if err := json.Unmarshal(a.Result, into); err != nil {
		t.Fatalf("%v in %s", err, a.text)
	}
}

// refused checks that an answer is one refusal with these words. An empty text stands for any.
func (a answer) refused(t testing.TB, status, code int, text string) {
	t.Helper()
	if a.status != status || len(a.Errors) != 1 || a.Errors[0].Code != code {
		t.Fatalf("want a refusal with %d and code %d, got %d %s", status, code, a.status, a.text)
	}
	if text != "" && a.Errors[0].Message != text {
		t.Errorf("wrong words (-want +got):\n%s", cmp.Diff(text, a.Errors[0].Message))
	}
	if string(a.Result) != "null" {
		t.Errorf("a refusal has the result %s", a.Result)
	}
}
