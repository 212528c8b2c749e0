package cloudflare_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"towline/sandbox/cloudflare/wrangler"
)

// message is an entry of the envelope's errors.
type message struct {
	Code    int
	Message string
}

// got is an answer: the status, Cloudflare's envelope where there is one, and the text.
type got struct {
	status  int
	text    string
	Result  json.RawMessage
	Success bool
	Errors  []message
}

// call makes one request below the base address; the error is that of a broken connection or a broken answer.
func call(t testing.TB, s wrangler.Server, method, path, body string) (got, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true // no connection outlives the test
	req.Header.Set("Authorization", "Bearer "+s.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return got{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	g := got{status: res.StatusCode, text: string(text)}
	if err != nil {
		return g, err
	}
	_ = json.Unmarshal(text, &g) // an HTML page leaves the envelope empty
	return g, nil
}

// must is call where nothing may break.
func must(t testing.TB, s wrangler.Server, method, path, body string) got {
	t.Helper()
	g, err := call(t, s, method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func databases(s wrangler.Server) string { return "/accounts/" + s.AccountID + "/d1/database" }

// create makes a database and returns its path.
func create(t testing.TB, s wrangler.Server, name string) string {
	t.Helper()
	g := must(t, s, "POST", databases(s), `{"name":"`+name+`"}`)
	if !g.Success {
		t.Fatal(g.text)
	}
	return databases(s) + "/" + databaseID(t, s, name)
}

func databaseID(t testing.TB, s wrangler.Server, name string) string {
	t.Helper()
	var d struct{ UUID string }
	if err := json.Unmarshal(must(t, s, "GET", databases(s)+"/"+name, "").Result, &d); err != nil {
		t.Fatal(err)
	}
	return d.UUID
}

// query sends SQL to the database at path.
func query(t testing.TB, s wrangler.Server, path, sql string) got {
	t.Helper()
	return must(t, s, "POST", path+"/query", sqlBody(sql))
}

func sqlBody(sql string) string {
	body, err := json.Marshal(map[string]string{"sql": sql})
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(body)
}
