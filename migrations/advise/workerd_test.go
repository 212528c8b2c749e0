package advise_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"towline/sandbox/cloudflare/workerd"
)

// d1 is one fresh database in Cloudflare's own runtime.
type d1 struct {
	http     *http.Client
	instance *workerd.Instance
	path     string
}

func newD1(t *testing.T, instance *workerd.Instance, client *http.Client, name string) *d1 {
	t.Helper()
	d := &d1{http: client, instance: instance, path: "/accounts/" + instance.AccountID + "/d1/database"}
	var created struct{ UUID string }
	d.post(t, "", map[string]any{"name": name}, &created)
	d.path += "/" + created.UUID
	return d
}

// read carries a statement out and returns the rows that the engine says it read.
func (d *d1) read(t *testing.T, sql string, params ...any) int64 {
	t.Helper()
	var result []struct {
		Meta struct {
			Read int64 `json:"rows_read"`
		}
	}
	d.post(t, "/query", map[string]any{"sql": sql, "params": params}, &result)
	return result[0].Meta.Read
}

func (d *d1) post(t *testing.T, path string, body, result any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.instance.URL+d.path+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.instance.Token)
	req.Header.Set("Content-Type", "application/json")
	res, err := d.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Success bool
		Errors  []struct{ Message string }
		Result  json.RawMessage
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if !answer.Success {
		t.Fatalf("%s: %v", text, answer.Errors)
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		t.Fatal(err)
	}
}
func TestProbe(t *testing.T) {
	instance := workerd.Start(t, workerd.Options{})
	client := &http.Client{}
	t.Cleanup(client.CloseIdleConnections)
	d := newD1(t, instance, client, "x")
	for _, q := range []string{
		"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, status TEXT)",
		"CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id) ON DELETE CASCADE, total REAL, created_at INTEGER)",
		"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000) INSERT INTO users SELECT x, 'user' || x, CASE WHEN x % 10 THEN 'ok' ELSE 'bad' END FROM n",
		"INSERT INTO orders(user_id, total, created_at) SELECT id, 1.5, id FROM users UNION ALL SELECT id, 2.5, -id FROM users",
	} {
		d.read(t, q)
	}
	p := func(q string) { t.Logf("%6d %s", d.read(t, q), q) }
	p("SELECT * FROM users WHERE email = 'user5'")
	p("SELECT * FROM users ORDER BY email")
	p("SELECT * FROM users ORDER BY email LIMIT 10")
	p("SELECT id FROM users WHERE status = 'bad' ORDER BY email LIMIT 10")
	p("SELECT status, count(*) FROM users GROUP BY status")
	p("SELECT DISTINCT status FROM users")
	p("SELECT count(*) FROM users")
	p("SELECT max(email) FROM users")
	p("SELECT u.email, o.total FROM users u JOIN orders o ON o.user_id = u.id WHERE u.email = 'user5'")
	p("SELECT u.email, o.total FROM users u JOIN orders o ON o.user_id = u.id WHERE o.total = 2.5 LIMIT 10")
	p("SELECT u.email, (SELECT count(*) FROM orders o WHERE o.user_id = u.id) FROM users u WHERE u.id < 11")
	p("DELETE FROM users WHERE id = 1")
	d.read(t, "CREATE INDEX o_u ON orders(user_id)")
	d.read(t, "CREATE INDEX u_e ON users(email)")
	d.read(t, "CREATE INDEX u_s ON users(status)")
	t.Log("with indexes")
	p("SELECT * FROM users WHERE email = 'user5'")
	p("SELECT * FROM users WHERE status = 'bad'")
	p("SELECT id FROM users WHERE status = 'bad'")
	p("SELECT * FROM users WHERE status = 'bad' ORDER BY email")
	p("SELECT * FROM users ORDER BY email")
	p("SELECT * FROM users ORDER BY email LIMIT 10")
	p("SELECT status, count(*) FROM users GROUP BY status")
	p("SELECT DISTINCT status FROM users")
	p("SELECT max(email) FROM users")
	p("SELECT count(*) FROM users")
	p("SELECT u.email, o.total FROM users u JOIN orders o ON o.user_id = u.id WHERE u.email = 'user5'")
	p("SELECT u.email, (SELECT count(*) FROM orders o WHERE o.user_id = u.id) FROM users u WHERE u.id < 11")
	p("SELECT * FROM users WHERE email = 'user5' OR status='bad'")
	p("SELECT * FROM users WHERE status='bad' LIMIT 10 OFFSET 20")
	p("DELETE FROM users WHERE id = 2")
}
