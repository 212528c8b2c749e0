package backups_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/backups"
	"towline/deploy/release"
)

const day = 24 * time.Hour

func ids(t *testing.T, f *backups.Folder) []string {
	t.Helper()
	list, err := f.List(t.Context(), "", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, b := range list {
		out = append(out, b.ID)
	}
	return out
}

func TestOldCopiesAreGivenUpButNeverTheNewestOfAnEnvironment(t *testing.T) {
	f, c := open(t, backups.Options{})
	old := keep(t, f, shop(), dumped).ID
	preview := shop()
	preview.Environment = release.Preview
	only := keep(t, f, preview, dumped).ID
	c.pass(20 * day)
	second := keep(t, f, shop(), dumped).ID
	c.pass(10 * day)
	if gone, err := f.Prune(t.Context()); err != nil || len(gone) != 0 {
		t.Errorf("after 30 days: %q, %v", gone, err)
	}
	c.pass(time.Second)
	if gone, err := f.Prune(t.Context()); err != nil || !slices.Equal(gone, []string{old}) {
		t.Errorf("%q, %v", gone, err)
	}
	c.pass(100 * day)
	if gone, err := f.Prune(t.Context()); err != nil || len(gone) != 0 {
		t.Errorf("the newest were given up: %q, %v", gone, err)
	}
	if got := ids(t, f); !slices.Equal(got, []string{second, only}) {
		t.Errorf("%q", got)
	}
	third := keep(t, f, shop(), dumped).ID // keeping one gives up what it replaces
	if got := ids(t, f); !slices.Equal(got, []string{third, only}) {
		t.Errorf("%q", got)
	}
}

func TestADamagedCopyIsNotTheNewest(t *testing.T) {
	dir := t.TempDir()
	f, c := open(t, backups.Options{Dir: dir, Keep: day})
	good := keep(t, f, shop(), dumped).ID
	c.pass(time.Hour)
	damaged := keep(t, f, shop(), dumped).ID
	must(t, os.Truncate(copyOf(t, dir, damaged), 5))
	c.pass(10 * day)
	if gone, err := f.Prune(t.Context()); err != nil || !slices.Equal(gone, []string{damaged}) {
		t.Errorf("%q, %v", gone, err)
	}
	must(t, os.Truncate(copyOf(t, dir, good), 5))
	if gone, err := f.Prune(t.Context()); err != nil || len(gone) != 0 {
		t.Errorf("where all are damaged: %q, %v", gone, err)
	}
}

func TestWhatIsNotACopyIsLeftAloneAndADeadWritersFileGoes(t *testing.T) {
	dir := t.TempDir()
	f, c := open(t, backups.Options{Dir: dir, Keep: day})
	keep(t, f, shop(), dumped)
	place := filepath.Join(dir, "shop", "production")
	for _, name := range []string{"README", "notes.json", "01ARZ3NDEKTSV4RRFFQ69G5FAV.sql.gz", ".hidden", ".towline-young"} {
		must(t, os.WriteFile(filepath.Join(place, name), []byte("mine"), 0o600))
	}
	must(t, os.WriteFile(filepath.Join(place, ".towline-dead"), []byte("half"), 0o600))
	must(t, os.MkdirAll(filepath.Join(dir, ".towline-check"), 0o700))
	for _, name := range []string{filepath.Join(place, ".towline-dead"), filepath.Join(dir, ".towline-check")} {
		must(t, os.Chtimes(name, start, start))
	}
	c.pass(2 * day)
	must(t, os.Chtimes(filepath.Join(place, ".towline-young"), c.Now(), c.Now()))
	if gone, err := f.Prune(t.Context()); err != nil || len(gone) != 0 {
		t.Errorf("%q, %v", gone, err)
	}
	got := strings.Join(files(t, dir), "\n")
	for _, name := range []string{"README", "notes.json", "ID.sql.gz 600\n", ".hidden", ".towline-young"} {
		if !strings.Contains(got, name) {
			t.Errorf("%q is gone:\n%s", name, got)
		}
	}
	if strings.Contains(got, "dead") || strings.Contains(got, "check") {
		t.Errorf("leftovers:\n%s", got)
	}
}

func TestADamagedManifestIsListedAsDamaged(t *testing.T) {
	dir := t.TempDir()
	f, _ := open(t, backups.Options{Dir: dir})
	kept := keep(t, f, shop(), dumped)
	path := filepath.Join(dir, "shop", "production", kept.ID+".json")
	for name, content := range map[string]string{
		"no JSON": "{", "another version": `{"version":2,"id":"` + kept.ID + `"}`, "another copy's": `{"version":1,"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}`,
	} {
		must(t, os.WriteFile(path, []byte(content), 0o600))
		list, err := f.List(t.Context(), "", "", 0)
		if err != nil || len(list) != 1 || list[0].ID != kept.ID || list[0].Problem == "" || list[0].Project != "shop" ||
			list[0].Environment != release.Production || !list[0].TakenAt.Equal(start) {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
		if _, err := f.Check(t.Context(), kept.ID); err == nil {
			t.Errorf("%s was checked", name)
		}
	}
}

func TestManyMayKeepAndListAtTheSameTime(t *testing.T) {
	f, _ := open(t, backups.Options{Key: newKey(t)})
	const many = 8
	done := make(chan error, 2*many)
	for range many {
		go func() { _, err := f.Keep(t.Context(), shop(), text(dumped)); done <- err }()
		go func() { _, err := f.List(t.Context(), "", "", 0); done <- err }()
	}
	for range 2 * many {
		must(t, <-done)
	}
	got := ids(t, f)
	if slices.Sort(got); len(slices.Compact(got)) != many {
		t.Errorf("%q", fmt.Sprint(got))
	}
}
