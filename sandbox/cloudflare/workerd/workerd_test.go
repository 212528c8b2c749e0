package workerd_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"towline/sandbox/cloudflare/workerd"
	"towline/sandbox/parts"
)

func TestMain(m *testing.M) {
	parts.Main(m)
}

// post sends a body to a path below the account's databases and returns the answer's text.
func post(t *testing.T, i *workerd.Instance, path, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", i.URL+"/accounts/"+i.AccountID+"/d1/database"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	req.Header.Set("Authorization", "Bearer "+i.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// create makes a database and returns its path.
func create(t *testing.T, i *workerd.Instance, name string) string {
	t.Helper()
	var created struct{ Result struct{ UUID string } }
	text := post(t, i, "", `{"name":"`+name+`"}`)
	if err := json.Unmarshal([]byte(text), &created); err != nil || created.Result.UUID == "" {
		t.Fatalf("%v in %s", err, text)
	}
	return "/" + created.Result.UUID
}

func TestAnInstanceComesBackAtTheSameAddressWithItsRows(t *testing.T) {
	i := workerd.Start(t, workerd.Options{})
	url := i.URL
	db := create(t, i, "shop")
	post(t, i, db+"/query", `{"sql":"CREATE TABLE t(a); INSERT INTO t VALUES ('kept')"}`)
	i.Kill()
	i.Kill()
	if _, err := http.Get(url + "/user/tokens/verify"); err == nil {
		t.Error("a killed instance answers")
	}
	i.Restart(t)
	if text := post(t, i, db+"/query", `{"sql":"SELECT a FROM t"}`); i.URL != url || !strings.Contains(text, `"kept"`) {
		t.Errorf("at %s, was %s: %s", i.URL, url, text)
	}
}

func TestAFolderIsGoneOnWithByAnotherInstance(t *testing.T) {
	o := workerd.Options{Dir: t.TempDir(), AccountID: strings.Repeat("0f", 16), Token: "another-token"}
	first := workerd.Start(t, o)
	db := create(t, first, "shop")
	first.Kill()
	second := workerd.Start(t, o)
	if text := post(t, second, db+"/query", `{"sql":"SELECT 1 AS a"}`); !strings.Contains(text, `"success":true`) {
		t.Error(text)
	}
	if second.AccountID != o.AccountID || second.Token != o.Token {
		t.Errorf("account %s, token %s", second.AccountID, second.Token)
	}
}

func TestSnapshotsOfADatabaseAreBoundedAndGoWithIt(t *testing.T) {
	o := workerd.Options{Dir: t.TempDir()}
	i := workerd.Start(t, o)
	db := create(t, i, "shop")
	for range 45 {
		post(t, i, db+"/query", `{"sql":"CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES (1)"}`)
	}
	if n := len(snapshots(t, o.Dir)); n != 40 {
		t.Errorf("%d snapshots are kept", n)
	}
	req, err := http.NewRequestWithContext(t.Context(), "DELETE", i.URL+"/accounts/"+i.AccountID+"/d1/database"+db, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	req.Header.Set("Authorization", "Bearer "+i.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if n := len(snapshots(t, o.Dir)); n != 0 {
		t.Errorf("a deleted database leaves %d snapshots", n)
	}
}

// snapshots returns the snapshots' files that hold anything.
func snapshots(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "state", "snapshots", "*.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	var full []string
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && info.Size() > 0 {
			full = append(full, f)
		}
	}
	return full
}

func TestASharedInstanceIsStartedOnceAndStopped(t *testing.T) {
	var shared workerd.Shared
	shared.Stop()
	one, other := shared.Get(t), shared.Get(t)
	if one != other {
		t.Error("two instances")
	}
	shared.Stop()
	shared.Stop()
	if _, err := http.Get(one.URL + "/user/tokens/verify"); err == nil {
		t.Error("a stopped instance answers")
	}
}

func TestTheTokenIsNotInTheLog(t *testing.T) {
	i := workerd.Start(t, workerd.Options{Token: "a-token-of-its-own"})
	post(t, i, "/x/query", "{")
	if strings.Contains(i.Log(), i.Token) {
		t.Error(i.Log())
	}
}
