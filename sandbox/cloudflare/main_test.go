package cloudflare_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"towline/sandbox/cloudflare"
	"towline/sandbox/cloudflare/conformance"
	"towline/sandbox/cloudflare/workerd"
)

// engine is the one workerd of this package's tests.
var engine workerd.Shared

func TestMain(m *testing.M) { engine.Main(m) }

const token = "local-token"

func account() string { return strings.Repeat("a1", 16) }

// served is a local Cloudflare behind HTTP.
type served struct {
	options cloudflare.Options
	server  *cloudflare.Server
	http    *httptest.Server
}

// serve starts a local Cloudflare for as long as the test runs.
func serve(t testing.TB, o cloudflare.Options) *served {
	t.Helper()
	o.AccountID, o.Token = account(), token
	s := &served{options: o}
	s.start(t)
	t.Cleanup(func() { s.stop(t) })
	return s
}

func (s *served) start(t testing.TB) {
	t.Helper()
	var err error
	if s.server, err = cloudflare.New(s.options); err != nil {
		t.Fatal(err)
	}
	s.http = httptest.NewServer(s.server)
}

func (s *served) stop(t testing.TB) {
	t.Helper()
	s.http.CloseClientConnections()
	s.http.Close()
	if err := s.server.Close(); err != nil {
		t.Error(err)
	}
}

func (s *served) url() string { return s.http.URL + "/client/v4" }

func (s *served) restart(t testing.TB) string {
	s.stop(t)
	s.start(t)
	return s.url()
}

func TestTheLocalCloudflareInAFolderConforms(t *testing.T) {
	conformance.Run(t, func(t testing.TB) conformance.Server {
		s := serve(t, cloudflare.Options{Dir: t.TempDir()})
		return conformance.Server{URL: s.url(), AccountID: account(), Token: token, Restart: s.restart}
	})
}

func TestTheLocalCloudflareInMemoryConforms(t *testing.T) {
	conformance.Run(t, func(t testing.TB) conformance.Server {
		return conformance.Server{URL: serve(t, cloudflare.Options{}).url(), AccountID: account(), Token: token}
	})
}

func TestTheRealEngineConforms(t *testing.T) {
	conformance.Run(t, func(t testing.TB) conformance.Server {
		i := engine.Get(t)
		return conformance.Server{URL: i.URL, AccountID: i.AccountID, Token: i.Token, Restart: func(t testing.TB) string {
			i.Restart(t)
			return i.URL
		}}
	})
}
