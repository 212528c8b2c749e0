package dump_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
	"towline/migrations/dump"
	"towline/sandbox/cloudflare/workerd"
)

// remote is a database in Cloudflare's own runtime, asked over REST.
type remote struct {
	http     *http.Client
	instance *workerd.Instance
	path     string
}

func newRemote(t *testing.T) *remote {
	t.Helper()
	r := &remote{http: &http.Client{}, instance: workerd.Start(t, workerd.Options{})}
	t.Cleanup(r.http.CloseIdleConnections)
	r.path = "/accounts/" + r.instance.AccountID + "/d1/database"
	var created struct{ UUID string }
	if err := r.post(t.Context(), "", map[string]any{"name": "dump"}, &created); err != nil {
		t.Fatal(err)
	}
	r.path += "/" + created.UUID
	return r
}

func (r *remote) post(ctx context.Context, path string, body, result any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.instance.URL+r.path+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.instance.Token)
	res, err := r.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer struct {
		Success bool
		Errors  []struct{ Message string }
		Result  json.RawMessage
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return err
	}
	if !answer.Success {
		return fmt.Errorf("refused: %v", answer.Errors)
	}
	return json.Unmarshal(answer.Result, result)
}

func (r *remote) query(ctx context.Context, sql string) ([][]any, error) {
	var result []struct{ Results struct{ Rows [][]any } }
	if err := r.post(ctx, "/raw", map[string]any{"sql": sql}, &result); err != nil {
		return nil, err
	}
	return result[len(result)-1].Results.Rows, nil
}

// TestADatabaseOfCloudflaresRuntimeIsCopiedExactly copies one that cannot be exported, and compares the copy with the same
// database made here.
func TestADatabaseOfCloudflaresRuntimeIsCopiedExactly(t *testing.T) {
	r := newRemote(t)
	var batch []map[string]string
	for _, sql := range rich() {
		batch = append(batch, map[string]string{"sql": sql})
	}
	if err := r.post(t.Context(), "/raw", map[string]any{"batch": batch}, new([]json.RawMessage)); err != nil {
		t.Fatal(err)
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
