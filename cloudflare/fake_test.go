package cloudflare_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"towline/cloudflare"
)

const anID = "6f1c2a3e-0b4d-4c5f-8a7b-9c0d1e2f3a4b"

// answering is a D1 whose server gives one answer to everything. seen lists what it was asked.
func answering(t *testing.T, status int, body string, header ...string) (d *cloudflare.D1, seen func() []string) {
	t.Helper()
	return serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func serving(t *testing.T, handler http.HandlerFunc) (d *cloudflare.D1, seen func() []string) {
	t.Helper()
	var mu sync.Mutex
	var requests []string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		requests = append(requests, r.Method+" "+r.URL.RequestURI())
		mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(web.Close)
	return open(t, cloudflare.Options{APIURL: web.URL + "/client/v4"}), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(requests)
	}
}

// refusing is the body of a refusal in Cloudflare's envelope.
func refusing(code int, words string) string {
	return fmt.Sprintf(`{"success":false,"errors":[{"code":%d,"message":%q}],"messages":[],"result":null}`, code, words)
}
