//go:build unix

package backups_test

import (
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"towline/backups"
	"towline/deploy"
)

// noRoom lets no file of this process grow beyond a megabyte, until it is given back.
func noRoom(t *testing.T) (give func()) {
	t.Helper()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	little := was
	little.Cur = 1 << 20 // more than the notes that the go command keeps of the files which a test opens, and they must go on
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &little); err != nil {
		t.Fatal(err)
	}
	give = func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
			t.Error(err)
		}
		signal.Reset(syscall.SIGXFSZ)
	}
	t.Cleanup(give)
	return give
}

func TestABackupIsNotCondemnedForADiskThatHasNoRoomToRestoreIt(t *testing.T) {
	f, _ := open(t, backups.Options{})
	var rows strings.Builder
	rows.WriteString("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT);\n")
	for id := range 60_000 {
		fmt.Fprintf(&rows, "INSERT INTO \"item\" (\"id\",\"name\") VALUES(%d,'a rope of some length');\n", id)
	}
	b := shop()
	b.Rows = map[string]int64{"item": 60_000}
	kept := keep(t, f, b, rows.String())
	give := noRoom(t)
	if _, err := f.Check(t.Context(), kept.ID); !errors.Is(err, deploy.ErrUntried) {
		t.Errorf("checked without room: %v", err)
	}
	give()
	if got, err := f.Find(t.Context(), kept.ID); err != nil || got.Problem != "" || !got.CheckedAt.IsZero() {
		t.Errorf("afterwards it is %+v, %v", got, err)
	}
	if got, err := f.Check(t.Context(), kept.ID); err != nil || got.CheckedAt.IsZero() {
		t.Errorf("checked with room: %+v, %v", got, err)
	}
}
