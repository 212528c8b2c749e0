package dump_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
	"towline/migrations/dump"
	"towline/sandbox/cloudflare/workerd"
)

// remote is a database in Cloudflare's own runtime, asked over REST.
type remote struct{ *workerd.Database }

func (r *remote) query(ctx context.Context, sql string) ([][]any, error) {
	var result []struct{ Results struct{ Rows [][]any } }
	if err := r.Post(ctx, "/raw", map[string]any{"sql": sql}, &result); err != nil {
		return nil, err
	}
	return result[len(result)-1].Results.Rows, nil
}

// TestADatabaseOfCloudflaresRuntimeIsCopiedExactly copies one that cannot be exported, and compares the copy with the same
// database made here.
func TestADatabaseOfCloudflaresRuntimeIsCopiedExactly(t *testing.T) {
	r := &remote{workerd.Start(t, workerd.Options{}).Database(t, "dump")}
	if no := r.Run(t, rich()...); no != "" {
		t.Fatal(no)
	}
	var objects []migrations.Object
	rows, err := r.query(t.Context(), "SELECT type, name, tbl_name, coalesce(sql, '') AS s FROM sqlite_master WHERE substr(name, 1, 4) <> '_cf_' ORDER BY rowid")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		objects = append(objects, migrations.Object{Type: row[0].(string), Name: row[1].(string), Table: row[2].(string), SQL: row[3].(string)})
	}
	var text bytes.Buffer
	written, err := dump.Write(t.Context(), &text, dump.Source{Objects: objects, Query: r.query})
	if err != nil || len(written.Moving) > 0 {
		t.Fatalf("%+v %v", written, err)
	}
	path, _, err := load(t, text.String())
	if err != nil {
		t.Fatal(err)
	}
	here := filepath.Join(t.TempDir(), "here.db")
	source(t, here, rich()...)
	got, err := dump.Verify(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := dump.Verify(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	for i, table := range want.Tables {
		if table.Name == `od"d; name` { // it holds random bytes, which differ
			table.Hash, got.Tables[i].Hash = "", ""
		}
		if d := cmp.Diff(table, got.Tables[i]); d != "" {
			t.Error(d)
		}
	}
	// Its real numbers, too, are to the last bit what they are there.
	for _, value := range ask(t, path, `SELECT printf('%!.17g', "a b") FROM "od""d; name" WHERE abs("a b") < 1e300`)[:100] {
		rows, err := r.query(t.Context(), fmt.Sprintf(`SELECT count(*) AS n FROM "od""d; name" WHERE "a b" = %s`, value))
		if err != nil || len(rows) != 1 || rows[0][0] == float64(0) {
			t.Errorf("%v is not there: %v %v", value, rows, err)
		}
	}
}
