package control_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"towline/control"
)

func TestTheSocketIsItsOwnersAloneAndNothingElseIsLeftInTheFolder(t *testing.T) {
	store, _ := serve(t, &desk{})
	info, err := os.Lstat(control.SocketPath(store))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("the socket's mode is %v", info.Mode())
	}
	if all, err := os.ReadDir(filepath.Dir(store)); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
}

func TestALiveSocketIsNeverReplacedAndItsProcessIsNamed(t *testing.T) {
	store := filepath.Join(t.TempDir(), "towline.db")
	o, line := startOther(t, "serve", "TOWLINE_TEST_STORE="+store)
	if line != "ready" {
		t.Fatal(line)
	}
	s := control.New(control.Options{Store: store, Desk: &desk{}})
	t.Cleanup(s.Stop)
	err := s.Start()
	live, ok := errors.AsType[*control.LiveError](err)
	if !ok || live.PID != o.Process.Pid || !strings.Contains(err.Error(), filepath.Base(os.Args[0])) {
		t.Fatalf("%v", err)
	}
	if c, err := control.Connect(t.Context(), store); err != nil || c.Process().PID != o.Process.Pid {
		t.Errorf("the other process no longer answers: %v", err)
	}
	o.kill()
	if err := s.Start(); err != nil {
		t.Fatalf("what a dead process left was not replaced: %v", err)
	}
	if c := connect(t, store); c.Process().PID != os.Getpid() {
		t.Errorf("process %d answers", c.Process().PID)
	}
}

func TestAProcessThatIsSuspendedIsAliveAndIsNamed(t *testing.T) {
	store := filepath.Join(t.TempDir(), "towline.db")
	l, err := net.Listen("unix", control.SocketPath(store)) // it listens, and will never answer
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	s := control.New(control.Options{Store: store, Desk: &desk{}})
	t.Cleanup(s.Stop)
	if _, ok := errors.AsType[*control.LiveError](s.Start()); !ok {
		t.Error("a socket with a listener was taken for a dead one")
	}
	_, err = control.ConnectWithin(t.Context(), store, 30*time.Millisecond)
	silent, ok := errors.AsType[*control.SilentError](err)
	if !ok || control.PeersAreTold && silent.PID != os.Getpid() {
		t.Errorf("%v", err)
	}
}

func TestWhatIsNoSocketStaysWhereItIs(t *testing.T) {
	store := filepath.Join(t.TempDir(), "towline.db")
	if err := os.WriteFile(control.SocketPath(store), []byte("notes"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := control.New(control.Options{Store: store, Desk: &desk{}})
	t.Cleanup(s.Stop)
	if err := s.Start(); err == nil || !strings.Contains(err.Error(), "in the way of the socket") {
		t.Errorf("%v", err)
	}
	if text, err := os.ReadFile(control.SocketPath(store)); err != nil || string(text) != "notes" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestASocketThatAnotherProcessPutInPlaceIsNotRemoved(t *testing.T) {
	store, s := serve(t, &desk{})
	if err := os.Remove(control.SocketPath(store)); err != nil {
		t.Fatal(err)
	}
	next := control.New(control.Options{Store: store, Desk: &desk{}, Version: "next"})
	t.Cleanup(next.Stop)
	if err := next.Start(); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if c := connect(t, store); c.Process().Version != "next" {
		t.Errorf("%q answers", c.Process().Version)
	}
}

func TestAStoreDeepInTheTreeHasASocketToo(t *testing.T) {
	deep := t.TempDir()
	for range 4 {
		deep = filepath.Join(deep, strings.Repeat("folder", 7))
	}
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(deep, "towline.db")
	s := control.New(control.Options{Store: store, Desk: &desk{}})
	t.Cleanup(s.Stop)
	err := s.Start()
	if long, ok := errors.AsType[*control.LongPathError](err); ok && !control.PeersAreTold {
		t.Skipf("this system has no other way to it: %v", long)
	}
	if err != nil {
		t.Fatal(err)
	}
	if a, err := connect(t, store).Line(t.Context(), control.Order{Words: []string{"status"}}); err != nil || a.Text != "status" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestANameThatNoSocketCanHaveIsRefusedWithItsLimit(t *testing.T) {
	store := filepath.Join(t.TempDir(), strings.Repeat("n", control.Longest+20))
	s := control.New(control.Options{Store: store, Desk: &desk{}})
	t.Cleanup(s.Stop)
	err := s.Start()
	if long, ok := errors.AsType[*control.LongPathError](err); !ok || long.Limit != control.Longest || !strings.Contains(err.Error(), "store.path") {
		t.Errorf("%v", err)
	}
}
