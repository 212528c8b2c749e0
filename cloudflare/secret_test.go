package cloudflare_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"towline/cloudflare"
	sandbox "towline/sandbox/cloudflare"
)

// sqlOf returns the one statement of a batch.
func sqlOf(t *testing.T, body string) string {
	t.Helper()
	var sent struct{ Batch []struct{ SQL string } }
	if err := json.Unmarshal([]byte(body), &sent); err != nil || len(sent.Batch) != 1 {
		t.Fatalf("%s: %v", body, err)
	}
	return sent.Batch[0].SQL
}

func TestTheTokenIsNeitherInErrorsNorInLogsNorInAnythingPrinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen strings.Builder
		log := &bytes.Buffer{}
		logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))
		server, o := bubbled(t)
		id, point := shopOf(t, o)
		o.AccountID, o.Token, o.Logger = account, token, logger
		d := open(t, o)

		all := faults()
		for _, status := range []int{200, 400, 403, 404, 429, 500} {
			echo := sandbox.APIError(status, 7500, "you sent Authorization: Bearer "+token+": SQLITE_ERROR")
			all = append(all, fault{name: "an echo", fault: sandbox.Fault{Reply: echo}})
		}
		calls := reads(id)
		for name, write := range writes(id, point) {
			calls[name] = write
		}
		for _, f := range all {
			f.fault.Times = sandbox.Always
			server.Inject(f.fault)
			for _, call := range calls {
				fmt.Fprintf(&seen, "%v %+v %#v\n", call(t.Context(), d), call(t.Context(), d), call(t.Context(), d))
			}
			for _, err := range asks(t, d, id) {
				fmt.Fprintf(&seen, "%v %+v %#v\n", err, err, err)
			}
			_, err := d.Verify(t.Context())
			fmt.Fprintln(&seen, err, d.Permissions(t.Context(), id), d.AnalyticsPermission(t.Context()))
			server.Heal()
		}
		logger.Debug("printed", "d", d, "options", o)
		slog.New(slog.NewJSONHandler(log, nil)).Info("printed", "d", d, "options", o)
		fmt.Fprintf(&seen, "%v %+v %#v %s %q %x\n", d, d, d, d, d, d)
		fmt.Fprintf(&seen, "%v %+v %#v %s %q %v\n", o, o, o, o, o, &o)

		for name, text := range map[string]string{"errors": seen.String(), "logs": log.String()} {
			if i := strings.Index(text, token); i >= 0 {
				t.Errorf("the token is in the %s: ...%s...", name, text[max(0, i-200):min(len(text), i+100)])
			}
			if len(text) < 1000 {
				t.Errorf("hardly any %s to search: %q", name, text)
			}
		}
		if !strings.Contains(seen.String(), "[token]") {
			t.Error("no answer contained the token: the test proves nothing")
		}
	})
}

func TestNothingIsReadFromTheEnvironment(t *testing.T) {
	for _, name := range []string{"TOKEN", "KEY", "EMAIL", "USER_SERVICE_KEY"} {
		t.Setenv("CLOUDFLARE_API_"+name, "from-the-environment")
	}
	t.Setenv("CLOUDFLARE_BASE_URL", "http://127.0.0.1:1")
	t.Setenv("CLOUDFLARE_CUSTOM_HEADERS", "X-Extra: from-the-environment")
	var header http.Header
	d, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		_, _ = w.Write([]byte(`{"success":true,"result":{"bookmark":"b1"}}`))
	})
	if _, err := d.Bookmark(t.Context(), anID); err != nil {
		t.Fatal(err)
	}
	if got := header.Get("Authorization"); got != "Bearer "+token {
		t.Error("another token was sent")
	}
	for name, values := range header {
		if strings.Contains(strings.Join(values, " "), "from-the-environment") {
			t.Errorf("%s: %q", name, values)
		}
	}
}

func TestOptionsThatCannotWorkAreRefusedBeforeAnythingIsSent(t *testing.T) {
	good := cloudflare.Options{AccountID: account, Token: token}
	for name, change := range map[string]func(o *cloudflare.Options){
		"an account id that is too short": func(o *cloudflare.Options) { o.AccountID = "0123" },
		"an account id that is a path":    func(o *cloudflare.Options) { o.AccountID = "../" + account[3:] },
		"an account id in capitals":       func(o *cloudflare.Options) { o.AccountID = strings.ToUpper(account) },
		"no token":                        func(o *cloudflare.Options) { o.Token = "" },
		"a token with a line end":         func(o *cloudflare.Options) { o.Token = token + "\n" },
		"a token with a space":            func(o *cloudflare.Options) { o.Token = "Bearer " + token },
		"an address without a host":       func(o *cloudflare.Options) { o.APIURL = "client/v4" },
		"an address in the clear":         func(o *cloudflare.Options) { o.APIURL = "http://api.example.com/client/v4" },
		"an address with a password":      func(o *cloudflare.Options) { o.APIURL = "https://me:" + token + "@api.example.com/" },
		"an address with a query":         func(o *cloudflare.Options) { o.APIURL = "https://api.example.com/client/v4?a=b" },
		"an address that is none":         func(o *cloudflare.Options) { o.APIURL = "https://%zz" },
		"another scheme":                  func(o *cloudflare.Options) { o.APIURL = "ftp://api.example.com" },
	} {
		o := good
		change(&o)
		if d, err := cloudflare.New(o); err == nil || d != nil || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v, %v", name, d, err)
		}
	}
	for _, address := range []string{"", "https://api.example.com", "https://api.example.com/client/v4/", "http://127.0.0.1:8787/client/v4", "http://localhost/client/v4", "http://[::1]:1/v4"} {
		o := good
		o.APIURL = address
		if _, err := cloudflare.New(o); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}
