package control_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"towline/control"
)

// pipes is a listener in memory, so that a test of time limits can run on fake time.
type pipes struct {
	ends   chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.ends:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

// onPipe starts a server in a bubble and connects to it. theirs may wrap the server's end of the connection.
func onPipe(t *testing.T, d *desk, theirs func(net.Conn) net.Conn) (s *control.Server, c net.Conn) {
	t.Helper()
	s = control.New(control.Options{Desk: d})
	l := pipes{ends: make(chan net.Conn, 1), closed: make(chan struct{})}
	s.ServeOn(l)
	t.Cleanup(s.Stop)
	c, end := net.Pipe()
	t.Cleanup(func() { _ = c.Close() })
	if theirs != nil {
		end = theirs(end)
	}
	l.ends <- end
	return s, c
}

// ask writes a request.
func ask(t *testing.T, c net.Conn, request string) {
	t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		t.Error(err)
	}
}

func TestWhoeverConnectsAndSaysNothingIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := onPipe(t, &desk{}, nil)
		if got, err := io.ReadAll(c); err != nil || len(got) > 0 {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestARequestWhoseBodyNeverComesIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := onPipe(t, &desk{}, nil)
		ask(t, c, "POST /v1/line HTTP/1.1\r\nHost: towline\r\nContent-Length: 10\r\n\r\n{")
		if got, err := io.ReadAll(c); err != nil || !bytes.Contains(got, []byte("400 Bad Request")) {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestACopyWhoseReaderTakesNothingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		_, c := onPipe(t, &desk{backup: func(_ context.Context, w io.Writer) error {
			for page := strings.Repeat("page", 16<<10); ; {
				if _, err := io.WriteString(w, page); err != nil {
					ended <- err
					return err
				}
			}
		}}, nil)
		ask(t, c, "POST /v1/backup HTTP/1.1\r\nHost: towline\r\nContent-Length: 0\r\n\r\n")
		select {
		case <-ended:
		case <-time.After(time.Hour): // of fake time
			t.Error("the copy goes on")
		}
	})
}

const deploy = "POST /v1/line HTTP/1.1\r\nHost: towline\r\nConnection: close\r\nContent-Length: 20\r\n\r\n" + `{"words":["deploy"]}`

func TestAnAnswerMayTakeLongerThanAskingForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := onPipe(t, &desk{line: func(ctx context.Context, _ control.Order) (control.Answer, error) {
			select {
			case <-time.After(2 * time.Minute): // longer than every limit
				return control.Answer{Text: "at last"}, nil
			case <-ctx.Done():
				return control.Answer{}, ctx.Err()
			}
		}}, nil)
		ask(t, c, deploy)
		if got, err := io.ReadAll(c); err != nil || !bytes.Contains(got, []byte("at last")) {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// lingering is a connection that takes a while to close, as on a machine that is busy.
type lingering struct{ net.Conn }

func (l lingering) Close() error {
	<-time.After(time.Second)
	return l.Conn.Close()
}

func TestWhatAStopBreaksOffIsLostAndNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, stopped := make(chan struct{}), make(chan struct{})
		s, c := onPipe(t, &desk{line: func(ctx context.Context, _ control.Order) (control.Answer, error) {
			close(asked)
			<-ctx.Done()
			return control.Answer{}, ctx.Err()
		}}, func(c net.Conn) net.Conn { return lingering{c} })
		ask(t, c, deploy)
		<-asked
		go func() { defer close(stopped); s.Stop() }()
		if got, err := io.ReadAll(c); err != nil || len(got) > 0 {
			t.Errorf("whoever asked got %q, %v", got, err)
		}
		<-stopped
		<-time.After(time.Minute) // and the connection's own goroutine has ended
	})
}
