package migrations_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
	"towline/sandbox/cloudflare/workerd"
)

// d1 is a database in Cloudflare's own runtime.
type d1 struct {
	t    *testing.T
	http *http.Client
	at   *workerd.Instance
	path string
}

func newD1(t *testing.T, at *workerd.Instance, client *http.Client, name string) *d1 {
	t.Helper()
	d := &d1{t, client, at, "/accounts/" + at.AccountID + "/d1/database"}
	var created struct{ UUID string }
	if err := d.post("", map[string]any{"name": name}, &created); err != nil {
		t.Fatal(err)
	}
	d.path += "/" + created.UUID
	return d
}

// carryOut sends statements as one batch.
func (d *d1) carryOut(statements ...string) error {
	d.t.Helper()
	var batch []map[string]string
	for _, s := range statements {
		batch = append(batch, map[string]string{"sql": s})
	}
	return d.post("/query", map[string]any{"batch": batch}, nil)
}

// count is the answer to a query for one number.
func (d *d1) count(query string) int {
	d.t.Helper()
	var result []struct{ Results []struct{ N int } }
	if err := d.post("/query", map[string]any{"sql": "SELECT (" + query + ") AS N"}, &result); err != nil {
		d.t.Fatal(err)
	}
	return result[0].Results[0].N
}

func (d *d1) post(path string, body, result any) error {
	d.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		d.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.at.URL+d.path+path, bytes.NewReader(text))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.at.Token)
	res, err := d.http.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Success bool
		Errors  []struct{ Message string }
		Result  json.RawMessage
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		d.t.Fatal(err)
	}
	if !answer.Success {
		return fmt.Errorf("%v", answer.Errors)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}

func texts(tx migrations.Transaction) []string {
	var list []string
	for _, p := range tx.Statements {
		list = append(list, p.SQL)
	}
	return list
}

// setUp is a script as one batch, without the BEGIN and COMMIT that a batch does not need.
func setUp(t *testing.T, sql string) []string {
	t.Helper()
	list := []string{"PRAGMA defer_foreign_keys=ON"}
	for _, s := range split(t, "setup", strings.NewReplacer("BEGIN; ", "", "COMMIT;", "").Replace(sql)) {
		list = append(list, migrations.Canonical(s))
	}
	return list
}

func TestD1ItselfCarriesOutWhatIsPlanned(t *testing.T) {
	at, client := workerd.Start(t, workerd.Options{}), &http.Client{}
	t.Cleanup(client.CloseIdleConnections)
	plan := func(t *testing.T, files ...migrations.File) []string {
		t.Helper()
		list, err := migrations.Apply(files, migrations.Options{})
		if err != nil || len(list) != 1 {
			t.Fatal(len(list), err)
		}
		return texts(list[0])
	}
	deferred := "PRAGMA defer_foreign_keys=ON;"
	t.Run("a rebuild under deferral, then a file that is judged by itself", func(t *testing.T) {
		d := newD1(t, at, client, "apply")
		if err := d.carryOut(setUp(t, family)...); err != nil {
			t.Fatal(err)
		}
		if err := d.carryOut(plan(t, file("7.sql", deferred+rebuild), file("8.sql", "INSERT INTO child VALUES (3, 99); INSERT INTO parent VALUES (99, 'late');"))...); err == nil {
			t.Error("the second file ran under the deferral of the first")
		}
		orphan := file("7_it's.sql", "PRAGMA ignore_check_constraints=ON;"+deferred+"INSERT INTO child VALUES (3, 99); PRAGMA defer_foreign_keys=OFF;")
		err := d.carryOut(plan(t, orphan)...)
		if err == nil {
			t.Fatal("an orphan was committed")
		}
		if name, _ := migrations.ForeignKeysAfter(err.Error()); name != "7_it's.sql" {
			t.Errorf("%v names %q", err, name)
		}
		if n := d.count("SELECT count(*) FROM sqlite_master WHERE name LIKE 'foreign_keys%' OR name = 'd1_migrations'"); n != 0 {
			t.Error("something is left of what failed")
		}
		settings := "PRAGMA legacy_alter_table=1;PRAGMA recursive_triggers(on);PRAGMA case_sensitive_like=on;PRAGMA reverse_unordered_selects=yes;"
		if err := d.carryOut(plan(t, file("7.sql", deferred+rebuild), file("9.sql", settings))...); err != nil {
			t.Error(err)
		}
		if n := d.count("SELECT count(*) FROM child JOIN parent ON parent.id = child.parent"); n != 2 {
			t.Errorf("%d rows are left", n)
		}
	})
	t.Run("assertions", func(t *testing.T) {
		d := newD1(t, at, client, "assert")
		if err := d.carryOut(setUp(t, family)...); err != nil {
			t.Fatal(err)
		}
		holds := "-- towline:assert SELECT count(*) = 2 FROM child\n"
		if err := d.carryOut(plan(t, file("6.sql", holds+"UPDATE parent SET name = 'x';\n"+holds))...); err != nil {
			t.Error(err)
		}
		err := d.carryOut(plan(t, file("7_it's.sql", "PRAGMA ignore_check_constraints=ON;\nDELETE FROM child;\n"+holds+"DROP TABLE child;"))...)
		if err == nil {
			t.Fatal("it passed")
		}
		if name, line, ok := migrations.AssertionFailed(err.Error()); !ok || name != "7_it's.sql" || line != 3 {
			t.Errorf("%v names %s line %d", err, name, line)
		}
		if n := d.count("SELECT (SELECT count(*) FROM child) * 10 + (SELECT count(*) FROM sqlite_master WHERE name LIKE 'assertion%')"); n != 20 {
			t.Errorf("left: %d", n)
		}
	})
	t.Run("an undo, once", func(t *testing.T) {
		d := newD1(t, at, client, "undo")
		if err := d.carryOut(plan(t, firstOfThree, second)...); err != nil {
			t.Fatal(err)
		}
		list, err := migrations.Undo([]migrations.File{second, firstOfThree}, migrations.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.carryOut(texts(list[0])...); err != nil {
			t.Fatal(err)
		}
		if err := d.carryOut(texts(list[0])...); err == nil || !strings.Contains(err.Error(), migrations.LedgerGuard+".ok") {
			t.Errorf("the second time: %v", err)
		}
	})
	t.Run("resets", func(t *testing.T) { resetsOnD1(t, at, client) })
}

func resetsOnD1(t *testing.T, at *workerd.Instance, client *http.Client) {
	production := openDatabase(t).must(shop)
	for i, c := range preview {
		if strings.Contains(c.sql, "_Cf_") {
			continue // D1 refuses to make one
		}
		t.Run(c.name, func(t *testing.T) {
			d := newD1(t, at, client, fmt.Sprintf("reset-%d", i))
			// D1 keeps foreign keys on, so there some of these have the schema without the rows.
			here := openDatabase(t).must(c.sql)
			var statements []string
			for _, s := range setUp(t, c.sql) {
				if !strings.Contains(c.sql, "foreign_keys=OFF") || !strings.HasPrefix(s, "INSERT") {
					statements = append(statements, s)
				}
			}
			if err := d.carryOut(statements...); err != nil {
				t.Fatal(err)
			}
			tx, err := migrations.Reset(here.objects(), production.objects(), production.ledger(""), split(t, "seed.sql", seed), migrations.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := d.carryOut(texts(tx)...); err != nil {
					t.Fatal(err)
				}
			}
			var got []struct{ Results []struct{ Type, Name string } }
			schema := "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_cf%' ESCAPE '\\' ORDER BY type, name"
			if err := d.post("/query", map[string]any{"sql": schema}, &got); err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, o := range got[0].Results {
				names = append(names, o.Type+"|"+o.Name)
			}
			want := production.rows("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name")
			if diff := cmp.Diff(want, names); diff != "" {
				t.Error(diff)
			}
		})
	}
}
