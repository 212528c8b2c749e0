package rehearse_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"towline/migrations"
	"towline/migrations/rehearse"
	"towline/sandbox/cloudflare/workerd"
)

// d1 is one fresh database in Cloudflare's own runtime.
type d1 struct{ *workerd.Database }

// objects reads the schema.
func (d *d1) objects(t *testing.T) []migrations.Object {
	t.Helper()
	var result []struct {
		Results []struct {
			Type, Name, SQL string
			Table           string `json:"tbl_name"`
		}
	}
	sql := "SELECT type, name, tbl_name, coalesce(sql, '') AS sql FROM sqlite_master"
	if message := d.Refusal(t, "/query", map[string]any{"sql": sql}, &result); message != "" {
		t.Fatal(message)
	}
	var objects []migrations.Object
	for _, r := range result[0].Results {
		objects = append(objects, migrations.Object{Type: r.Type, Name: r.Name, Table: r.Table, SQL: r.SQL})
	}
	return objects
}

// number reads one number; -1 if there is none.
func (d *d1) number(t *testing.T, sql string) int {
	t.Helper()
	var result []struct{ Results []struct{ N int } }
	if message := d.Refusal(t, "/query", map[string]any{"sql": sql}, &result); message != "" {
		return -1
	}
	return result[0].Results[0].N
}

// rowsOf gives rows for the tables of a schema, parents first.
func rowsOf(schema string) []string {
	var list []string
	for _, r := range []struct{ table, sql string }{
		{"users", "INSERT INTO users(id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c')"},
		{"sessions", "INSERT INTO sessions(id, user_id) VALUES (1, 1), (2, 2), (3, 3)"},
		{"clicks", "INSERT INTO clicks(id, session_id) VALUES (1, 1), (2, 2), (3, 3)"},
		{"node", "INSERT INTO node(id, up) VALUES (1, NULL), (2, 1), (3, 1)"},
		{"customers", "INSERT INTO customers(id, name, status) VALUES (1, 'a', 'lead'), (2, 'b', 'active'), (3, 'c', 'lead')"},
		{"invoices", "INSERT INTO invoices(id, customer_id) VALUES (1, 1), (2, 2), (3, 3)"},
		{"tickets", "INSERT INTO tickets(id, customer_id) VALUES (1, 1), (2, 2), (3, 3)"},
	} {
		if strings.Contains(schema, "TABLE "+r.table+"(") {
			list = append(list, r.sql)
		}
	}
	return list
}

func split(t *testing.T, sql string) []string {
	t.Helper()
	statements, err := migrations.Split("x.sql", []byte(sql))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, s := range statements {
		list = append(list, migrations.Canonical(s))
	}
	return list
}

// TestCloudflaresRuntimeDoesWhatTheRehearsalSays carries every case out on real D1, on a database with rows: what the
// rehearsal calls a loss is one, what it leaves alone is none, and the schema is afterwards what it said.
func TestCloudflaresRuntimeDoesWhatTheRehearsalSays(t *testing.T) {
	instance := workerd.Start(t, workerd.Options{})
	for i, tt := range slices.Concat(lossCases(), quietCases()) {
		t.Run(tt.name, func(t *testing.T) {
			d := &d1{instance.Database(t, fmt.Sprintf("case-%d", i))}
			if schema := split(t, tt.schema); len(schema) > 0 {
				if message := d.Run(t, append(schema, rowsOf(tt.schema)...)...); message != "" {
					t.Fatal(message)
				}
			}
			report := run(t, rehearse.Target{Objects: d.objects(t)}, bare(t, tt.sql))
			message := d.Run(t, split(t, tt.sql)...)
			if message == "" && rehearse.Fingerprint(d.objects(t), "") != rehearse.Fingerprint(report.After, "") {
				t.Errorf("another schema:\n%v\nrehearsed:\n%v", d.objects(t), report.After)
			}
			if len(tt.want) == 0 && message != "" {
				t.Errorf("refused: %s", message)
			}
			for _, l := range report.Losses {
				if l.Seen {
					confirm(t, d, l, message)
				}
			}
		})
	}
}

// confirm looks whether rows are gone. It knows the tables of rowsOf only.
func confirm(t *testing.T, d *d1, l rehearse.Loss, message string) {
	t.Helper()
	table := strings.TrimPrefix(l.Table, "__new_")
	if table != "sessions" && table != "clicks" && table != "node" {
		return
	}
	switch l.Kind {
	case rehearse.CommitRefused:
		if (message == "") != l.Hidden {
			t.Errorf("%+v: message %q", l, message)
		}
	case rehearse.RowsDeleted:
		// Rows above 70 are new ones.
		if n := d.number(t, "SELECT count(*) AS n FROM "+table+" WHERE id < 70"); message == "" && n >= 3 {
			t.Errorf("%+v: %d rows", l, n)
		}
	case rehearse.SetToNull:
		if n := d.number(t, fmt.Sprintf("SELECT count(%s) AS n FROM %s", l.Column, table)); message == "" && n >= 3 {
			t.Errorf("%+v: %d values", l, n)
		}
	}
}

// raw sends statements as one batch and returns the rows of each, with the values in the order of the columns.
func (d *d1) raw(t *testing.T, statements []string) [][][]any {
	t.Helper()
	var result []struct{ Results struct{ Rows [][]any } }
	if message := d.Refusal(t, "/raw", workerd.Batch(statements...), &result); message != "" {
		t.Fatal(message)
	}
	var answers [][][]any
	for _, r := range result {
		answers = append(answers, r.Results.Rows)
	}
	return answers
}
