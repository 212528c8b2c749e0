package deploy_test

import (
	"strings"
	"testing"

	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
)

// TestANoThatIsNotAboutTheStatementsDoesNotBlameThem: a limit on the rate of requests or a missing permission is not "one of
// these N statements", and says what it is.
func TestANoThatIsNotAboutTheStatementsDoesNotBlameThem(t *testing.T) {
	limited := sandbox.APIError(429, 971, "Please wait and consider throttling your request speed")
	limited.Header.Set("Retry-After", "300")
	for _, c := range []struct {
		name  string
		reply sandbox.Reply
		says  string
	}{
		{"too many requests", limited, "come back in 5m0s"},
		{"a permission that is missing", sandbox.APIError(403, 10000, "Authentication error"), "Account > D1 > Edit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t)
			s.version("v1", counted)
			s.api.Inject(sandbox.Fault{Writes: true, Path: "/query", Body: "0003_up.sql", Reply: c.reply})
			run := s.deploy("v1")
			s.wants(run, release.Broken)
			if f := run.Failure; f.Code != "turned_away" || f.OneOf != 0 || !strings.Contains(f.Words, c.says) {
				t.Errorf("failure %+v", *f)
			}
			s.holds(release.Preview, tables)
			s.wants(s.deploy("v1"), release.Done)
		})
	}
}
