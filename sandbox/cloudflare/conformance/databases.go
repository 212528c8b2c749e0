package conformance

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// described is what the API tells of a database.
type described struct {
	UUID, Name, Version string
	CreatedAt           string `json:"created_at"`
	FileSize            *int64 `json:"file_size"`
	NumTables           *int64 `json:"num_tables"`
}

const unknownID = "00000000-0000-4000-8000-000000000000"

func testDatabases(t *testing.T, c *client) {
	t.Run("a new database is described, found by id and by name, and empty", func(t *testing.T) { testNewDatabase(t, c) })
	t.Run("fields limit what is told, in either spelling", func(t *testing.T) { testFields(t, c) })
	t.Run("the list is filtered by a part of the name and comes in pages", func(t *testing.T) { testList(t, c) })
	t.Run("a name that is taken is refused, and free again after the delete", func(t *testing.T) { testNameTaken(t, c) })
	t.Run("databases know nothing of each other", func(t *testing.T) { testSeparate(t, c) })
}

func testNewDatabase(t *testing.T, c *client) {
	db := c.create(t)
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(db.id) {
		t.Errorf("the id %q is no UUID", db.id)
	}
	for _, key := range []string{db.id, db.name} {
		var got described
		c.send(t, "GET", c.databases()+"/"+key, nil).decode(t, &got)
		if got.UUID != db.id || got.Name != db.name || got.Version != "production" || got.CreatedAt == "" || got.FileSize == nil || *got.NumTables != 0 {
			t.Errorf("by %s: %+v", key, got)
		}
	}
	db.query(t, "CREATE TABLE a(x); CREATE TABLE b(x)")
	var got described
	c.send(t, "GET", db.path(), nil).decode(t, &got)
	if *got.NumTables != 2 || *got.FileSize < 3*4096 {
		t.Errorf("two tables count as %d in %d bytes", *got.NumTables, *got.FileSize)
	}
}

func testFields(t *testing.T, c *client) {
	db := c.create(t)
	for _, query := range []string{"?fields=uuid%2Cname", "?fields=uuid&fields=name"} {
		var got map[string]any
		c.send(t, "GET", db.path()+query, nil).decode(t, &got)
		if len(got) != 2 || got["uuid"] != db.id || got["name"] != db.name {
			t.Errorf("%s: %v", query, got)
		}
	}
}

func testList(t *testing.T, c *client) {
	first, second, third := c.create(t), c.create2(t, "-b"), c.create2(t, "-c")
	shared := "?name=" + first.name
	pages := [][]string{{first.name, second.name}, {third.name}, {}}
	for i, want := range pages {
		a := c.send(t, "GET", fmt.Sprintf("%s%s&per_page=2&page=%d", c.databases(), shared, i+1), nil)
		var page []described
		a.decode(t, &page)
		var names []string
		for _, d := range page {
			names = append(names, d.Name)
		}
		if fmt.Sprint(names) != fmt.Sprint(want) || a.ResultInfo.TotalCount != 3 || a.ResultInfo.Count != len(want) || a.ResultInfo.Page != i+1 {
			t.Errorf("page %d holds %v, %+v", i+1, names, a.ResultInfo)
		}
	}
}

func testNameTaken(t *testing.T, c *client) {
	db := c.create(t)
	body := map[string]any{"name": db.name}
	c.send(t, "POST", c.databases(), body).refused(t, 400, 7502, "")
	if a := c.send(t, "DELETE", db.path(), nil); !a.Success || string(a.Result) != "null" {
		t.Errorf("delete: %s", a.text)
	}
	c.send(t, "GET", db.path(), nil).refused(t, 404, 7404, "")
	c.send(t, "DELETE", db.path(), nil).refused(t, 404, 7404, "")
	var again described
	c.send(t, "POST", c.databases(), body).decode(t, &again)
	if again.UUID == db.id {
		t.Error("the new database has the id of the old one")
	}
	database{c, again.UUID, db.name}.query(t, "CREATE TABLE t(a)")
	c.send(t, "DELETE", c.databases()+"/"+again.UUID, nil)
}

func testSeparate(t *testing.T, c *client) {
	one, other := c.create(t), c.create2(t, "-b")
	one.query(t, "CREATE TABLE t(a)")
	other.send(t, "POST", other.path()+"/query", map[string]any{"sql": "SELECT * FROM t"}).refused(t, 400, 7500, "no such table: t: SQLITE_ERROR")
}

// create2 makes a second database for the same test, with an ending to its name.
func (c *client) create2(t testing.TB, ending string) database {
	t.Helper()
	first := uniqueName(t) + ending
	return c.createNamed(t, first)
}

func testRefusals(t *testing.T, c *client) {
	query := map[string]any{"sql": "SELECT 1"}
	t.Run("an unknown token is refused everywhere", func(t *testing.T) {
		for _, path := range []string{c.databases(), "/accounts/" + c.AccountID, "/nowhere"} {
			c.sendAs(t, "wrong", "GET", path, nil).refused(t, 401, 10000, "Authentication error")
		}
		c.sendAs(t, "wrong", "GET", "/user/tokens/verify", nil).refused(t, 401, 1000, "Invalid API Token")
	})
	t.Run("a good token verifies as active", func(t *testing.T) {
		var got struct{ ID, Status string }
		c.send(t, "GET", "/user/tokens/verify", nil).decode(t, &got)
		if got.Status != "active" || len(got.ID) != 32 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("the account can be read", func(t *testing.T) {
		var got struct{ ID, Name string }
		if c.send(t, "GET", "/accounts/"+c.AccountID, nil).decode(t, &got); got.ID != c.AccountID || got.Name == "" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("another account is refused", func(t *testing.T) {
		path := "/accounts/" + strings.Repeat("f", 32) + "/d1/database"
		const words = "The given account is not valid or is not authorized to access this service"
		c.send(t, "GET", path, nil).refused(t, 403, 7403, words)
		c.send(t, "POST", path+"/"+unknownID+"/query", query).refused(t, 403, 7403, words)
	})
	t.Run("a database that does not exist is not found", func(t *testing.T) {
		path := c.databases() + "/" + unknownID
		c.send(t, "GET", path, nil).refused(t, 404, 7404, "")
		c.send(t, "DELETE", path, nil).refused(t, 404, 7404, "")
		c.send(t, "POST", path+"/query", query).refused(t, 404, 7404, "")
		c.send(t, "GET", path+"/time_travel/bookmark", nil).refused(t, 404, 7404, "")
		c.send(t, "GET", c.databases()+"/no-such-name", nil).refused(t, 404, 7404, "")
	})
	t.Run("an id that is none is malformed", func(t *testing.T) {
		c.send(t, "POST", c.databases()+"/not-an-id/query", query).refused(t, 400, 7400, "The request is malformed: failed to decode id")
	})
	t.Run("a path that leads nowhere says so", func(t *testing.T) {
		for _, path := range []string{"/nowhere", c.databases() + "/" + unknownID + "/nowhere"} {
			c.send(t, "POST", path, query).refused(t, 404, 7003, "")
		}
	})
	t.Run("a name that no database can have is refused", func(t *testing.T) {
		for _, name := range []any{"", "with space", strings.Repeat("x", 65), 7, nil} {
			c.send(t, "POST", c.databases(), map[string]any{"name": name}).refused(t, 400, 7400, "")
		}
	})
	t.Run("every answer has all four parts of the envelope", func(t *testing.T) { testEnvelope(t, c) })
}

func testEnvelope(t *testing.T, c *client) {
	for _, path := range []string{c.databases(), c.databases() + "/" + unknownID} {
		var parts map[string]json.RawMessage
		if err := json.Unmarshal([]byte(c.send(t, "GET", path, nil).text), &parts); err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"result", "success", "errors", "messages"} {
			if _, ok := parts[part]; !ok {
				t.Errorf("%s: no %s", path, part)
			}
		}
	}
}
