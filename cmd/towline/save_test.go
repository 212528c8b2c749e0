package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v", filepath.Base(path), got, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := os.Lstat(path + ".partial"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something is left behind: %v", err)
	}
}

func TestAFileIsWholeOrNotThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backup.tar")
	broke := errors.New("the disk is full")
	for name, err := range map[string]error{
		"it breaks while it is written": save(path, false, func(w io.Writer) error { return errors.Join(text("half")(w), broke) }, nil),
		"it does not pass its check":    save(path, false, text("whole"), func(string) error { return broke }),
	} {
		if !errors.Is(err, broke) {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) > 0 {
			t.Errorf("%s: %v is left, %v", name, left, err)
		}
	}
	checked := ""
	if err := save(path, false, text("first"), func(partial string) error {
		content, err := os.ReadFile(partial)
		checked = string(content)
		return err
	}); err != nil || checked != "first" {
		t.Errorf("%q, %v", checked, err)
	}
	holds(t, path, "first")
}

func TestAFileIsReplacedOnlyByForce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backup.tar")
	if err := save(path, false, text("first"), nil); err != nil {
		t.Fatal(err)
	}
	asked := false
	err := save(path, false, func(io.Writer) error { asked = true; return nil }, nil)
	if e, ok := errors.AsType[*exitError](err); !ok || e.code != exitRefused || asked {
		t.Errorf("%v, asked for it all the same: %v", err, asked)
	}
	// Somebody else's appears while ours is written.
	other := filepath.Join(filepath.Dir(path), "other.tar")
	err = save(other, false, func(w io.Writer) error {
		return errors.Join(os.WriteFile(other, []byte("theirs"), 0o600), text("ours")(w))
	}, nil)
	if e, ok := errors.AsType[*exitError](err); !ok || e.code != exitRefused {
		t.Errorf("%v", err)
	}
	holds(t, other, "theirs")
	if err := save(path, true, text("second"), nil); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "second")
}

func TestWhatAKilledProcessLeftIsNoHindranceAndWhatALiveOneWritesIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backup.tar")
	if err := os.WriteFile(path+".partial", []byte("left behind, and longer than what follows"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := save(path, false, func(w io.Writer) error {
		inner := save(path, true, text("ours"), nil)
		if inner == nil || !strings.Contains(inner.Error(), "another process is writing") {
			t.Errorf("%v", inner)
		}
		return text("theirs")(w)
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, path, "theirs")
}

func TestALinkThatSomebodyLaidIsNotFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backup.tar")
	target := filepath.Join(t.TempDir(), "target")
	if err := os.Symlink(target, path+".partial"); err != nil {
		t.Fatal(err)
	}
	if err := save(path, false, text("secret"), nil); err == nil {
		t.Error("it was")
	}
	if _, err := os.Stat(target); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
