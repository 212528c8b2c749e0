package backups_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"towline/backups"
	"towline/deploy"
	"towline/deploy/release"
)

// dumped is an export as D1 makes it.
const dumped = `PRAGMA defer_foreign_keys=TRUE;
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT);
INSERT INTO "item" ("id","name") VALUES(1,'rope');
INSERT INTO "item" ("id","name") VALUES(2,replace('two\nlines','\n',char(10)));
CREATE INDEX by_name ON item (name);
`

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// clock is a time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newKey(t *testing.T) string {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return "# created for a test\n# public key: " + identity.Recipient().String() + "\n" + identity.String() + "\n"
}

func open(t *testing.T, o backups.Options) (*backups.Folder, *clock) {
	t.Helper()
	c := &clock{now: start}
	o.Now = c.Now
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "copies")
	}
	f, err := backups.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return f, c
}

func shop() deploy.Backup {
	return deploy.Backup{Project: "shop", Environment: release.Production, Database: "shop", DatabaseID: "an-id", Release: 42, Run: "r1", Bookmark: "b1",
		Rows: map[string]int64{"item": 2}, Took: 1500 * time.Millisecond}
}

func text(sql string) func(io.Writer, *deploy.Backup) error {
	return func(w io.Writer, _ *deploy.Backup) error {
		_, err := io.WriteString(w, sql)
		return err
	}
}

func keep(t *testing.T, f *backups.Folder, b deploy.Backup, sql string) deploy.Backup {
	t.Helper()
	kept, err := f.Keep(t.Context(), b, text(sql))
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func read(f *backups.Folder, id string) (string, error) {
	r, err := f.Open(context.Background(), id)
	if err != nil {
		return "", err
	}
	defer r.Close()
	all, err := io.ReadAll(r)
	return string(all), err
}

// files lists what a folder holds, with permissions, ids replaced.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		out = append(out, fmt.Sprintf("%s %o", regexp.MustCompile(`[0-9A-Z]{26}`).ReplaceAllString(name, "ID"), info.Mode().Perm()))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// copyOf finds the one file of a copy.
func copyOf(t *testing.T, dir, id string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", "*", id+".sql.*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%q, %v", found, err)
	}
	return found[0]
}

func TestACopyIsKeptListedAndReadAgain(t *testing.T) {
	for name, key := range map[string]string{"plain": "", "encrypted": newKey(t)} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "copies")
			f, _ := open(t, backups.Options{Dir: dir, Key: key})
			kept := keep(t, f, shop(), dumped)
			if kept.ID == "" || !kept.TakenAt.Equal(start) || kept.Size != int64(len(dumped)) || len(kept.Sum) != 64 || kept.Bytes == 0 || kept.Encrypted != (key != "") {
				t.Errorf("%+v", kept)
			}
			got, err := read(f, kept.ID)
			if err != nil || got != dumped {
				t.Errorf("%q, %v", got, err)
			}
			again, _ := open(t, backups.Options{Dir: dir, Key: key})
			found, err := again.Find(t.Context(), kept.ID)
			if err != nil || fmt.Sprint(found) != fmt.Sprint(kept) {
				t.Errorf("found\n%+v, %v; kept\n%+v", found, err, kept)
			}
			end := ""
			if key != "" {
				end = ".age"
			}
			want := []string{". 700", "shop 700", "shop/production 700", "shop/production/ID.json 600", "shop/production/ID.sql.gz" + end + " 600"}
			if got := files(t, dir); !slices.Equal(got, want) {
				t.Errorf("%q", got)
			}
			raw, err := os.ReadFile(copyOf(t, dir, kept.ID))
			if err != nil || key != "" && (!bytes.HasPrefix(raw, []byte("age-encryption.org/v1\n")) || bytes.Contains(raw, []byte("rope"))) {
				t.Errorf("%v, %q", err, raw[:40])
			}
		})
	}
}

// TestACopyIsOfUseWithoutTowline decrypts with the age library and restores with the sqlite3 shell, as
// `age -d -i KEY FILE | gunzip | sqlite3 out.db` does.
func TestACopyIsOfUseWithoutTowline(t *testing.T) {
	shell, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("no sqlite3 shell on this machine")
	}
	key, dir := newKey(t), t.TempDir()
	f, _ := open(t, backups.Options{Dir: dir, Key: key})
	kept := keep(t, f, shop(), dumped)
	identities, err := age.ParseIdentities(strings.NewReader(key))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(copyOf(t, dir, kept.ID))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	opened, err := age.Decrypt(file, identities...)
	if err != nil {
		t.Fatal(err)
	}
	gunzip := exec.Command("gunzip")
	gunzip.Stdin = opened
	sql, err := gunzip.Output()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out.db")
	restore := exec.Command(shell, out)
	restore.Stdin = bytes.NewReader(sql)
	if said, err := restore.CombinedOutput(); err != nil || len(said) > 0 {
		t.Fatalf("%v: %s", err, said)
	}
	rows, err := exec.Command(shell, out, "SELECT id, hex(name) FROM item; PRAGMA quick_check; SELECT name FROM sqlite_master WHERE type = 'index'").Output()
	if want := "1|726F7065\n2|74776F0A6C696E6573\nok\nby_name\n"; err != nil || string(rows) != want {
		t.Errorf("%v: %s", err, rows)
	}
}

func TestACopyThatTookLessThanAMillisecondStillTellsHowLong(t *testing.T) {
	f, _ := open(t, backups.Options{Dir: t.TempDir()})
	quick := shop()
	quick.Took = 300 * time.Microsecond
	keep(t, f, quick, "SELECT 1;\n")
	list, err := f.List(t.Context(), "shop", release.Production, 1)
	if err != nil || len(list) != 1 || list[0].Took != time.Millisecond {
		t.Errorf("%+v, error %v", list, err)
	}
}

func TestListsAreNewestFirstAndOfOneEnvironmentOrAll(t *testing.T) {
	f, c := open(t, backups.Options{})
	var ids []string
	for _, where := range []struct {
		project string
		env     release.Environment
	}{{"shop", release.Production}, {"shop", release.Preview}, {"blog", release.Production}, {"shop", release.Production}} {
		b := shop()
		b.Project, b.Environment = where.project, where.env
		ids = append(ids, keep(t, f, b, dumped).ID)
		c.pass(time.Minute)
	}
	for _, c := range []struct {
		project string
		env     release.Environment
		limit   int
		want    []int
	}{
		{"", "", 0, []int{3, 2, 1, 0}}, {"shop", "", 0, []int{3, 1, 0}}, {"shop", release.Production, 0, []int{3, 0}},
		{"shop", release.Production, 1, []int{3}}, {"", release.Production, 2, []int{3, 2}}, {"nobody", "", 0, nil}, {"../x", "", 0, nil},
	} {
		list, err := f.List(t.Context(), c.project, c.env, c.limit)
		var got []string
		for _, b := range list {
			got = append(got, b.ID)
		}
		var want []string
		for _, i := range c.want {
			want = append(want, ids[i])
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
}

func TestNothingIsKeptWhereTheWriterFails(t *testing.T) {
	dir := t.TempDir()
	f, _ := open(t, backups.Options{Dir: dir, Key: newKey(t)})
	broken := errors.New("D1 went away")
	ended, cancel := context.WithCancel(t.Context())
	for name, c := range map[string]struct {
		ctx   context.Context
		b     deploy.Backup
		write func(io.Writer, *deploy.Backup) error
		want  error
	}{
		"an error half way":    {t.Context(), shop(), func(w io.Writer, b *deploy.Backup) error { _ = text("half")(w, b); return broken }, broken},
		"nothing at all":       {t.Context(), shop(), func(io.Writer, *deploy.Backup) error { return nil }, nil},
		"a context that ended": {ended, shop(), func(w io.Writer, b *deploy.Backup) error { cancel(); return text(dumped)(w, b) }, context.Canceled},
		"a name that climbs":   {t.Context(), deploy.Backup{Project: "..", Environment: release.Preview}, text(dumped), nil},
		"no name":              {t.Context(), deploy.Backup{Environment: release.Preview}, text(dumped), nil},
	} {
		if b, err := f.Keep(c.ctx, c.b, c.write); err == nil || c.want != nil && !errors.Is(err, c.want) || b.ID != "" {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
	for _, name := range files(t, dir) {
		if strings.Contains(name, ".") && !strings.HasPrefix(name, ". ") {
			t.Errorf("%s was left behind", name)
		}
	}
}

func TestAWriterMaySayWhatItHasLearned(t *testing.T) {
	f, _ := open(t, backups.Options{})
	b := shop()
	b.Rows = nil
	kept, err := f.Keep(t.Context(), b, func(w io.Writer, about *deploy.Backup) error {
		about.Rows, about.Took, about.ID = map[string]int64{"item": 2}, time.Minute, "another"
		return text(dumped)(w, about)
	})
	if err != nil || kept.Rows["item"] != 2 || kept.Took != time.Minute || len(kept.ID) != 26 {
		t.Errorf("%+v, %v", kept, err)
	}
	if found, err := f.Find(t.Context(), kept.ID); err != nil || found.Rows["item"] != 2 {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestACheckProvesThatACopyCanBeRestored(t *testing.T) {
	dir := t.TempDir()
	f, c := open(t, backups.Options{Dir: dir, Key: newKey(t)})
	sql := strings.Replace(dumped, "'rope'", "9007199254740994", 1)
	kept := keep(t, f, shop(), sql)
	c.pass(time.Hour)
	checked, err := f.Check(t.Context(), kept.ID)
	if err != nil || !checked.CheckedAt.Equal(start.Add(time.Hour)) || checked.Problem != "" || checked.Rows["item"] != 2 {
		t.Errorf("%+v, %v", checked, err)
	}
	if _, err := f.Check(t.Context(), kept.ID); err != nil {
		t.Error(err)
	}
	if found, _ := f.Find(t.Context(), kept.ID); !found.CheckedAt.Equal(start.Add(time.Hour)) {
		t.Errorf("%+v", found)
	}
	if got := files(t, dir); len(got) != 5 {
		t.Errorf("the check left something behind: %q", got)
	}
}

func TestACheckSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		sql   string
		spoil func(t *testing.T, path string)
		words string
	}{
		"a row is missing":        {sql: strings.Replace(dumped, "INSERT INTO \"item\" (\"id\",\"name\") VALUES(1,'rope');\n", "", 1), words: "table item has 1 rows when restored, and had 2"},
		"a table is missing":      {sql: "CREATE TABLE other (x);", words: "table item is not in it"},
		"it is no SQL":            {sql: "CREATE TABEL item;", words: "syntax error"},
		"it breaks off":           {sql: dumped[:len(dumped)-10], words: "ends"},
		"a byte was turned":       {sql: dumped, spoil: turn, words: "content is not what was written"},
		"the file was cut":        {sql: dumped, spoil: func(t *testing.T, path string) { must(t, os.Truncate(path, 30)) }, words: ""},
		"the file is gone":        {sql: dumped, spoil: func(t *testing.T, path string) { must(t, os.Remove(path)) }, words: "no such file"},
		"it is another gzip file": {sql: dumped, spoil: func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte("x"), 0o600)) }, words: "content is not what was written"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			f, _ := open(t, backups.Options{Dir: dir})
			kept := keep(t, f, shop(), c.sql)
			if c.spoil != nil {
				c.spoil(t, copyOf(t, dir, kept.ID))
			}
			checked, err := f.Check(t.Context(), kept.ID)
			if err == nil || !strings.Contains(err.Error(), c.words) || checked.Problem == "" || !checked.CheckedAt.IsZero() {
				t.Errorf("%+v, %v", checked, err)
			}
			if list, err := f.List(t.Context(), "shop", "", 0); err != nil || len(list) != 1 || list[0].Problem == "" {
				t.Errorf("listed as %+v, %v", list, err)
			}
		})
	}
}

// turn changes one byte in the middle.
func turn(t *testing.T, path string) {
	raw, err := os.ReadFile(path)
	must(t, err)
	raw[len(raw)/2] ^= 1
	must(t, os.WriteFile(path, raw, 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestADamagedEncryptedCopyEndsWithAnErrorAndNoWrongText(t *testing.T) {
	dir := t.TempDir()
	f, _ := open(t, backups.Options{Dir: dir, Key: newKey(t)})
	kept := keep(t, f, shop(), dumped)
	path := copyOf(t, dir, kept.ID)
	whole, err := os.ReadFile(path)
	must(t, err)
	for i := 0; i < len(whole); i += 7 {
		raw := bytes.Clone(whole)
		raw[i] ^= 4
		must(t, os.WriteFile(path, raw, 0o600))
		if got, err := read(f, kept.ID); err == nil {
			t.Fatalf("byte %d was changed and nobody noticed: %q", i, got)
		}
	}
}

func TestTheWrongKeyIsSaidToBeWrongAndNotHeldAgainstTheCopy(t *testing.T) {
	dir := t.TempDir()
	f, _ := open(t, backups.Options{Dir: dir, Key: newKey(t)})
	kept := keep(t, f, shop(), dumped)
	for name, key := range map[string]string{"another": newKey(t), "none": ""} {
		other, _ := open(t, backups.Options{Dir: dir, Key: key})
		if _, err := read(other, kept.ID); !errors.Is(err, backups.ErrNoKey) {
			t.Errorf("%s: %v", name, err)
		}
		if b, err := other.Check(t.Context(), kept.ID); !errors.Is(err, backups.ErrNoKey) || b.Problem != "" {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
	both, _ := open(t, backups.Options{Dir: dir, Key: newKey(t) + newKey(t)})
	plain := keep(t, both, shop(), dumped)
	if got, err := read(both, plain.ID); err != nil || got != dumped {
		t.Errorf("with two identities: %v", err)
	}
}

func TestAKeyThatIsNoneIsRefusedWithoutBeingShown(t *testing.T) {
	for _, key := range []string{"AGE-SECRET-KEY-1NOTAKEY", "age1publickeyonly", "hello"} {
		if _, err := backups.Open(backups.Options{Dir: t.TempDir(), Key: key}); err == nil || strings.Contains(err.Error(), key) {
			t.Errorf("%v", err)
		}
	}
	key := newKey(t)
	f, _ := open(t, backups.Options{Key: key})
	if shown := fmt.Sprintf("%v %+v %#v %v", f, f, backups.Options{Key: key}, backups.Options{Key: key}.LogValue()); strings.Contains(shown, "SECRET") {
		t.Error("the key is printed")
	}
}

func TestUnknownIDsAreNoBackups(t *testing.T) {
	f, _ := open(t, backups.Options{})
	for _, id := range []string{"", "../../etc/passwd", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "*"} {
		_, findErr := f.Find(t.Context(), id)
		_, openErr := f.Open(t.Context(), id)
		_, checkErr := f.Check(t.Context(), id)
		for _, err := range []error{findErr, openErr, checkErr} {
			if !errors.Is(err, deploy.ErrNoBackup) {
				t.Errorf("%q: %v", id, err)
			}
		}
	}
}
