package control_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"towline/control"
)

// impatient starts a server with short limits and connects to it.
func impatient(t *testing.T, d *desk) net.Conn {
	t.Helper()
	store := filepath.Join(t.TempDir(), "towline.db")
	s := control.New(control.Options{Store: store, Desk: d})
	s.SetLimits(30 * time.Millisecond)
	t.Cleanup(s.Stop)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("unix", control.SocketPath(store))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhoeverConnectsAndSaysNothingIsLetGo(t *testing.T) {
	c := impatient(t, &desk{})
	if got, err := io.ReadAll(c); err != nil || len(got) > 0 {
		t.Errorf("%q, %v", got, err)
	}
}

func TestARequestWhoseBodyNeverComesIsRefused(t *testing.T) {
	c := impatient(t, &desk{})
	if _, err := io.WriteString(c, "POST /v1/line HTTP/1.1\r\nHost: towline\r\nContent-Length: 10\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || !bytes.Contains(got, []byte("400 Bad Request")) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestACopyWhoseReaderTakesNothingEnds(t *testing.T) {
	ended := make(chan error, 1)
	c := impatient(t, &desk{backup: func(_ context.Context, w io.Writer) error {
		for page := strings.Repeat("page", 16<<10); ; {
			if _, err := io.WriteString(w, page); err != nil {
				ended <- err
				return err
			}
		}
	}})
	if _, err := io.WriteString(c, "POST /v1/backup HTTP/1.1\r\nHost: towline\r\nContent-Length: 0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the copy goes on")
	}
}

func TestAnAnswerMayTakeLongerThanAskingForIt(t *testing.T) {
	c := impatient(t, &desk{line: func(ctx context.Context, _ control.Order) (control.Answer, error) {
		select {
		case <-time.After(100 * time.Millisecond): // three times every limit
			return control.Answer{Text: "at last"}, nil
		case <-ctx.Done():
			return control.Answer{}, ctx.Err()
		}
	}})
	body := `{"words":["deploy"]}`
	if _, err := io.WriteString(c, "POST /v1/line HTTP/1.1\r\nHost: towline\r\nConnection: close\r\nContent-Length: 20\r\n\r\n"+body); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || !bytes.Contains(got, []byte("at last")) {
		t.Errorf("%q, %v", got, err)
	}
}
