package cloudflare_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"towline/cloudflare"
	"towline/deploy"
	sandbox "towline/sandbox/cloudflare"
)

// fault is a way of not getting an answer, and what a write makes of it.
type fault struct {
	name  string
	fault sandbox.Fault
	isNo  bool // a definite no: nothing was done
}

func faults() []fault {
	page := func(status int, body string, header http.Header) sandbox.Reply {
		return sandbox.Reply{Status: status, Body: body, Header: header}
	}
	json := http.Header{"Content-Type": {"application/json"}}
	return []fault{
		{name: "500 before anything is done", fault: sandbox.Fault{Reply: sandbox.APIError(500, 7500, "internal error; reference = e_1")}},
		{name: "500 after everything is done", fault: sandbox.Fault{Execute: true, Reply: sandbox.APIError(500, 7500, "internal error; reference = e_1")}},
		{name: "500 that asks to be retried", fault: sandbox.Fault{Reply: page(500, "{}", http.Header{"X-Should-Retry": {"true"}})}},
		{name: "400 that asks to be retried", fault: sandbox.Fault{Reply: page(400, "{}", http.Header{"X-Should-Retry": {"true"}})}},
		{name: "409", fault: sandbox.Fault{Reply: sandbox.APIError(409, 7500, "conflict")}},
		{name: "408", fault: sandbox.Fault{Reply: sandbox.APIError(408, 0, "timeout")}},
		{name: "429 of the API's own limit", fault: sandbox.Fault{Reply: sandbox.APIError(429, 971, "Please wait")}, isNo: true},
		{name: "502 with a gateway's page", fault: sandbox.Fault{Execute: true, Reply: sandbox.HTML(502)}},
		{name: "504 with a gateway's page", fault: sandbox.Fault{Execute: true, Reply: sandbox.HTML(504)}},
		{name: "403 with a page that is not Cloudflare's", fault: sandbox.Fault{Reply: sandbox.HTML(403)}},
		{name: "200 with a page", fault: sandbox.Fault{Execute: true, Reply: sandbox.HTML(200)}},
		{name: "a connection that breaks before anything is done", fault: sandbox.Fault{Reply: sandbox.Drop()}},
		{name: "a connection that breaks after everything is done", fault: sandbox.Fault{Execute: true, Reply: sandbox.Drop()}},
		{name: "an answer that breaks off", fault: sandbox.Fault{Execute: true, Reply: sandbox.Truncated(20)}},
		{name: "200 with success false", fault: sandbox.Fault{Reply: sandbox.Unsuccessful(7500, "no such table: t: SQLITE_ERROR")}},
		{name: "200 with an empty object", fault: sandbox.Fault{Execute: true, Reply: page(200, "{}", json)}},
		{name: "200 with success and no result", fault: sandbox.Fault{Execute: true, Reply: page(200, `{"success":true,"errors":[],"result":null}`, json)}},
		{name: "200 with success and an empty result", fault: sandbox.Fault{Execute: true, Reply: page(200, `{"success":true,"errors":[],"result":[]}`, json)}},
		{name: "a redirect that would keep method and body", fault: sandbox.Fault{Reply: page(307, "elsewhere", http.Header{"Location": {"/client/v4/elsewhere"}})}},
		{name: "a redirect that would become a GET", fault: sandbox.Fault{Reply: page(302, "elsewhere", http.Header{"Location": {"/client/v4/elsewhere"}})}},
		{name: "no answer in time", fault: sandbox.Fault{Execute: true, Before: untilGone, Reply: sandbox.Drop()}},
	}
}

// untilGone holds a request until its client has given up.
func untilGone(ctx context.Context) { <-ctx.Done() }

// writes are the calls that change something.
func writes(id, point string) map[string]func(ctx context.Context, d *cloudflare.D1) error {
	return map[string]func(ctx context.Context, d *cloudflare.D1) error{
		"Apply": func(ctx context.Context, d *cloudflare.D1) error {
			_, err := d.Apply(ctx, id, []string{"INSERT INTO item VALUES (1)"})
			return err
		},
		"Create":  func(ctx context.Context, d *cloudflare.D1) error { _, err := d.Create(ctx, "shop-new"); return err },
		"Restore": func(ctx context.Context, d *cloudflare.D1) error { _, err := d.Restore(ctx, id, point); return err },
	}
}

func TestADeletionIsSentExactlyOnceWhateverComesOfIt(t *testing.T) {
	for _, f := range faults() {
		if strings.HasPrefix(f.name, "200 with success and") {
			continue // an answer without a result is what Cloudflare gives here
		}
		bubble(t, f.name, func(t *testing.T) {
			server, o := bubbled(t)
			id, _ := shopOf(t, o)
			d := open(t, o)
			server.Forget()
			f.fault.Times = sandbox.Always
			server.Inject(f.fault)
			err := d.Delete(t.Context(), id)
			server.Heal()
			expectClass(t, "Delete", err, f.isNo)
			if calls := server.Calls(); len(calls) != 1 || calls[0].Method != http.MethodDelete {
				t.Errorf("the server saw %+v; want one DELETE", calls)
			}
		})
	}
}

func TestADeletionWhoseAnswerSaysNothingIsDone(t *testing.T) {
	for _, body := range []string{`{"success":true,"errors":[],"result":null}`, `{"success":true,"errors":[]}`, `{"success":true,"result":{}}`} {
		d, seen := answering(t, 200, body)
		if err := d.Delete(t.Context(), anID); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if got := seen(); !slices.Equal(got, []string{"DELETE /client/v4/accounts/" + account + "/d1/database/" + anID}) {
			t.Errorf("sent %q", got)
		}
	}
	for _, body := range []string{`{"success":false,"errors":[],"result":null}`, `{}`, `null`, ``} {
		d, _ := answering(t, 200, body)
		expectClass(t, "Delete "+body, d.Delete(t.Context(), anID), false)
	}
}

// shop is a database with a table and a restore point, made without faults.
func shop(t *testing.T, url string) (id, point string) {
	t.Helper()
	return shopOf(t, cloudflare.Options{APIURL: url})
}

func shopOf(t *testing.T, o cloudflare.Options) (id, point string) {
	t.Helper()
	d := open(t, o)
	db, err := d.Create(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Apply(t.Context(), db.ID, []string{"CREATE TABLE item (id INTEGER)"}); err != nil {
		t.Fatal(err)
	}
	point, err = d.Bookmark(t.Context(), db.ID)
	if err != nil {
		t.Fatal(err)
	}
	return db.ID, point
}

func TestAWriteIsSentExactlyOnceWhateverComesOfIt(t *testing.T) {
	for _, f := range faults() {
		bubble(t, f.name, func(t *testing.T) {
			server, o := bubbled(t)
			id, point := shopOf(t, o)
			for name, write := range writes(id, point) {
				d := open(t, o)
				if _, err := d.Find(t.Context(), "shop"); err != nil { // leaves a connection to be used again
					t.Fatal(err)
				}
				server.Forget()
				f.fault.Times = sandbox.Always
				server.Inject(f.fault)
				err := write(t.Context(), d)
				server.Heal()
				expectClass(t, name, err, f.isNo)
				if calls := server.Calls(); len(calls) != 1 || calls[0].Method != http.MethodPost {
					t.Errorf("%s: the server saw %+v; want one POST", name, calls)
				}
			}
		})
	}
}

// bubble is a subtest whose time passes only while everything in it waits.
func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// expectClass checks that an error is one of the two that a write may end with, and which.
func expectClass(t *testing.T, name string, err error, isNo bool) {
	t.Helper()
	var no *deploy.RejectedError
	var unknown *deploy.UnansweredError
	if errors.As(err, &no) != isNo || errors.As(err, &unknown) == isNo {
		t.Errorf("%s: %v (%T); want a definite no: %t", name, err, err, isNo)
	}
}

func TestAReplyLostAfterTheCommitLeavesOneWriteAndItsEffect(t *testing.T) {
	server, url := embedded(t)
	id, _ := shop(t, url)
	d := open(t, cloudflare.Options{APIURL: url})
	server.Forget()
	server.Inject(sandbox.Fault{Writes: true, Execute: true, Reply: sandbox.Drop()})
	_, err := d.Apply(t.Context(), id, []string{"INSERT INTO item VALUES (1)"})
	expectClass(t, "Apply", err, false)
	if n := len(server.Writes()); n != 1 {
		t.Errorf("%d writes were sent", n)
	}
	rows, err := d.Read(t.Context(), id, []string{"SELECT count(*) FROM item"})
	if err != nil || rows[0].Values[0][0] != int64(1) {
		t.Errorf("read back %v, %v; want one row", rows, err)
	}
}

func TestACallThatItsCallerGivesUpSaysSo(t *testing.T) {
	server, url := embedded(t)
	id, _ := shop(t, url)
	d := open(t, cloudflare.Options{APIURL: url})
	arrived := make(chan struct{})
	server.Inject(sandbox.Fault{Times: sandbox.Always, Before: func(ctx context.Context) { arrived <- struct{}{}; <-ctx.Done() }})
	server.Forget()
	for name, call := range map[string]func(context.Context) error{
		"Apply": func(ctx context.Context) error {
			_, err := d.Apply(ctx, id, []string{"INSERT INTO item VALUES (1)"})
			return err
		},
		"Read": func(ctx context.Context) error { _, err := d.Read(ctx, id, []string{"SELECT 1"}); return err },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- call(ctx) }()
		<-arrived
		cancel()
		err := <-done
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v; want context.Canceled", name, err)
		}
		expectClass(t, name, err, false)
	}
	if n := len(server.Calls()); n != 2 {
		t.Errorf("%d calls were sent; want one each", n)
	}
}

func TestACallThatTakesTooLongEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, o := bubbled(t)
		id, _ := shopOf(t, o)
		d := open(t, o)
		server.Inject(sandbox.Fault{Times: sandbox.Always, Before: untilGone})
		began := time.Now()
		_, err := d.Apply(t.Context(), id, []string{"INSERT INTO item VALUES (1)"})
		if err == nil || !strings.Contains(err.Error(), "no answer within 35s") || time.Since(began) != cloudflare.DefaultTimeout {
			t.Errorf("Apply after %v: %v", time.Since(began), err)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			t.Error("the error looks as if the caller's own time had run out")
		}
	})
}

func TestBytesThatJSONCannotCarryAreNotSent(t *testing.T) {
	server, url := embedded(t)
	id, _ := shop(t, url)
	d := open(t, cloudflare.Options{APIURL: url})
	server.Forget()
	for name, statements := range map[string][]string{
		"no UTF-8": {"SELECT 1", "INSERT INTO item VALUES ('\xff')"},
		"nothing":  nil,
	} {
		_, err := d.Apply(t.Context(), id, statements)
		expectClass(t, name, err, true)
	}
	if calls := server.Calls(); len(calls) != 0 {
		t.Errorf("sent %+v", calls)
	}
}

func TestABatchThatIsAnsweredForAPartOnlyIsInDoubt(t *testing.T) {
	one := `{"success":true,"results":[],"meta":{}}`
	for name, result := range map[string]string{
		"fewer results than statements": one,
		"more results than statements":  strings.Join([]string{one, one, one}, ","),
		"a result without success":      one + `,{"success":false,"results":[]}`,
		"a result of nothing":           one + `,null`,
	} {
		d, seen := answering(t, 200, `{"success":true,"errors":[],"result":[`+result+`]}`)
		_, err := d.Apply(t.Context(), anID, []string{"DELETE FROM a", "DELETE FROM b"})
		expectClass(t, name, err, false)
		if got := seen(); !slices.Equal(got, []string{"POST /client/v4/accounts/" + account + "/d1/database/" + anID + "/query"}) {
			t.Errorf("%s: sent %q", name, got)
		}
	}
	d, _ := answering(t, 200, `{"success":false,"errors":[],"result":[`+one+","+one+`]}`)
	_, err := d.Apply(t.Context(), anID, []string{"DELETE FROM a", "DELETE FROM b"})
	expectClass(t, "results without success", err, false)
}
