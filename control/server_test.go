package control_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/control"
)

// desk answers as its functions say.
type desk struct {
	line   func(context.Context, control.Order) (control.Answer, error)
	backup func(context.Context, io.Writer) error
	export func(control.AuditQuery, io.Writer) error
}

func (d *desk) Line(ctx context.Context, o control.Order) (control.Answer, error) {
	if d.line != nil {
		return d.line(ctx, o)
	}
	return control.Answer{Text: strings.Join(o.Words, " ")}, nil
}

func (d *desk) Backup(ctx context.Context, w io.Writer) error {
	if d.backup != nil {
		return d.backup(ctx, w)
	}
	_, err := io.WriteString(w, "the whole store")
	return err
}

func (d *desk) Verify(_ context.Context, q control.AuditQuery) (control.Answer, error) {
	return control.Answer{Text: q.Project + " is as it was written up to " + q.Head}, nil
}

func (d *desk) Export(_ context.Context, q control.AuditQuery, w io.Writer) error {
	if d.export != nil {
		return d.export(q, w)
	}
	_, err := io.WriteString(w, q.Format+" of "+q.Project)
	return err
}

func (d *desk) Usage(_ context.Context, q control.UsageQuery, w io.Writer) error {
	_, err := io.WriteString(w, q.Format+" by "+q.By+" of "+q.Project+" since "+q.From.Format(time.DateOnly))
	return err
}

// serve starts a server beside a store of this test's own.
func serve(t *testing.T, d *desk) (store string, s *control.Server) {
	t.Helper()
	store = filepath.Join(t.TempDir(), "towline.db")
	s = control.New(control.Options{Store: store, Desk: d, Version: "v9", Now: func() time.Time { return time.Unix(1700000000, 0).UTC() }, Grace: 50 * time.Millisecond})
	t.Cleanup(s.Stop)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return store, s
}

func connect(t *testing.T, store string) *control.Client {
	t.Helper()
	c, err := control.Connect(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestACommandLineIsAnsweredAndSaysWhoTypedIt(t *testing.T) {
	var got control.Order
	store, _ := serve(t, &desk{line: func(_ context.Context, o control.Order) (control.Answer, error) {
		got = o
		return control.Answer{Text: "held", Code: "hold_active", Exit: 1}, nil
	}})
	c := connect(t, store)
	a, err := c.Line(t.Context(), control.Order{Words: []string{"unhold", "shop", "fixed – “ok”"}, As: 7, User: "somebody else"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(control.Answer{Text: "held", Code: "hold_active", Exit: 1}, a); diff != "" {
		t.Error(diff)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if control.PeersAreTold && got.User != me.Username {
		t.Errorf("the user is %q and not %q, whom the kernel tells", got.User, me.Username)
	}
	got.User = ""
	if diff := cmp.Diff(control.Order{Words: []string{"unhold", "shop", "fixed – “ok”"}, As: 7}, got); diff != "" {
		t.Error(diff)
	}
	want := control.Process{PID: os.Getpid(), Version: "v9", Since: time.Unix(1700000000, 0).UTC(), Store: store}
	if diff := cmp.Diff(want, c.Process()); diff != "" {
		t.Error(diff)
	}
	v, err := c.Verify(t.Context(), control.AuditQuery{Project: "shop", Head: "abc"})
	if err != nil || v.Text != "shop is as it was written up to abc" {
		t.Errorf("%+v, %v", v, err)
	}
	var out bytes.Buffer
	if err := c.Export(t.Context(), control.AuditQuery{Project: "shop", Format: "csv"}, &out); err != nil || out.String() != "csv of shop" {
		t.Errorf("%q, %v", out.String(), err)
	}
	out.Reset()
	q := control.UsageQuery{Project: "shop", Format: "json", By: "day", From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	if err := c.Usage(t.Context(), q, &out); err != nil || out.String() != "json by day of shop since 2026-11-01" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestAnErrorOfTheDeskIsNoAnswer(t *testing.T) {
	store, _ := serve(t, &desk{
		line: func(context.Context, control.Order) (control.Answer, error) {
			return control.Answer{}, errors.New("the disk is full")
		},
		export: func(control.AuditQuery, io.Writer) error {
			return &control.RefusedError{Answer: control.Answer{Text: "no such project", Code: "unknown_project", Exit: 1}}
		},
	})
	c := connect(t, store)
	if _, err := c.Line(t.Context(), control.Order{Words: []string{"status"}}); err == nil || err.Error() != "the disk is full" {
		t.Errorf("%v", err)
	}
	if _, err := c.Line(t.Context(), control.Order{}); err == nil || !strings.Contains(err.Error(), "at least one word") {
		t.Errorf("%v", err)
	}
	if _, err := c.Line(t.Context(), control.Order{Words: []string{strings.Repeat("x", 64<<10)}}); err == nil || !strings.Contains(err.Error(), "64 KB") {
		t.Errorf("%v", err)
	}
	var out bytes.Buffer
	err := c.Export(t.Context(), control.AuditQuery{}, &out)
	if r, ok := errors.AsType[*control.RefusedError](err); !ok || r.Answer.Code != "unknown_project" || out.Len() > 0 {
		t.Errorf("%v, %q", err, out.String())
	}
}

func TestABotOfAnotherVersionSaysSo(t *testing.T) {
	store, _ := serve(t, &desk{})
	h := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", control.SocketPath(store))
	}}}
	r, err := h.Post("http://towline/v2/line", "application/json", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err := errors.Join(err, r.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "version v9, does not know /v2/line") {
		t.Errorf("%s: %s", r.Status, body)
	}
	r, err = h.Post("http://towline/v1/line", "application/json", strings.NewReader(`{"words":["unhold"],"dry_run":true}`))
	if err != nil {
		t.Fatal(err)
	}
	body, err = io.ReadAll(r.Body)
	if err := errors.Join(err, r.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "dry_run") {
		t.Errorf("a key that this version does not know was passed over: %s: %s", r.Status, body)
	}
}

func TestTheLineIsAnsweredWhileABackupStreams(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	store, _ := serve(t, &desk{backup: func(_ context.Context, w io.Writer) error {
		if _, err := io.WriteString(w, strings.Repeat("a page of the store ", 10000)); err != nil {
			return err
		}
		close(begun)
		<-end
		_, err := io.WriteString(w, "the end")
		return err
	}})
	c := connect(t, store)
	var copied bytes.Buffer
	done := make(chan error, 1)
	go func() { done <- c.Backup(t.Context(), &copied) }()
	<-begun
	if a, err := c.Line(t.Context(), control.Order{Words: []string{"status"}}); err != nil || a.Text != "status" {
		t.Errorf("%+v, %v", a, err)
	}
	close(end)
	if err := <-done; err != nil || copied.Len() != 200007 || !strings.HasSuffix(copied.String(), "the end") {
		t.Errorf("%d bytes, %v", copied.Len(), err)
	}
}

func TestABackupThatBreaksHalfWayIsNotTakenForAWholeOne(t *testing.T) {
	for _, c := range []struct {
		name string
		fail func() error
		want string
	}{
		{"the store fails", func() error { return errors.New("page 7 cannot be read") }, "page 7 cannot be read"},
		{"the process falls over", func() error { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, _ := serve(t, &desk{backup: func(_ context.Context, w io.Writer) error {
				if _, err := io.WriteString(w, strings.Repeat("half ", 4000)); err != nil {
					return err
				}
				return c.fail()
			}})
			err := connect(t, store).Backup(t.Context(), io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestStopWaitsBreaksOffAndLeavesNothing(t *testing.T) {
	asked := make(chan struct{})
	var mu sync.Mutex
	finished := false
	store, s := serve(t, &desk{line: func(ctx context.Context, _ control.Order) (control.Answer, error) {
		close(asked)
		<-ctx.Done() // longer than the grace
		mu.Lock()
		defer mu.Unlock()
		finished = true
		return control.Answer{}, ctx.Err()
	}})
	c := connect(t, store)
	done := make(chan error, 1)
	go func() {
		_, err := c.Line(t.Context(), control.Order{Words: []string{"deploy"}})
		done <- err
	}()
	<-asked
	s.Stop()
	mu.Lock()
	if !finished {
		t.Error("the stop did not wait for the answer")
	}
	mu.Unlock()
	if _, lost := errors.AsType[*control.LostError](<-done); !lost {
		t.Error("whoever asked was not told that it may or may not have been done")
	}
	if _, err := os.Lstat(control.SocketPath(store)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	s.Stop()
	if err := s.Start(); !errors.Is(err, control.ErrStopped) {
		t.Errorf("%v", err)
	}
	if _, err := control.Connect(t.Context(), store); !errors.Is(err, control.ErrNobody) {
		t.Errorf("%v", err)
	}
	never := control.New(control.Options{Store: store, Desk: &desk{}})
	never.Stop()
	never.Stop()
}

func TestRunEndsWithItsContext(t *testing.T) {
	store := filepath.Join(t.TempDir(), "towline.db")
	ctx, cancel := context.WithCancel(t.Context())
	s := control.New(control.Options{Store: store, Desk: &desk{}})
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Dir(store)); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestWhoeverGoesAwayEndsWhatTheyAskedFor(t *testing.T) {
	asked, ended := make(chan struct{}), make(chan struct{})
	store, _ := serve(t, &desk{line: func(ctx context.Context, _ control.Order) (control.Answer, error) {
		close(asked)
		<-ctx.Done()
		close(ended)
		return control.Answer{}, ctx.Err()
	}})
	c := connect(t, store)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := c.Line(ctx, control.Order{Words: []string{"deploy"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	<-ended
}
