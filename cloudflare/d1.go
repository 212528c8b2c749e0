package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/cloudflare/cloudflare-go/v7/d1"
	"github.com/cloudflare/cloudflare-go/v7/option"

	"towline/deploy"
)

// The defaults of Options.
const (
	// DefaultAPIURL is Cloudflare's public API.
	DefaultAPIURL = "https://api.cloudflare.com/client/v4"
	// DefaultTimeout ends a call that D1 should have ended: "a REST call must finish in 30 s", a whole batch included
	// (D1 documentation, "Limits"), and five seconds for the way.
	DefaultTimeout = 35 * time.Second
	// DefaultWait is the pause before the first repetition of a read; each further one is twice as long.
	DefaultWait = 500 * time.Millisecond
)

// Options say which account to use and how. AccountID and Token are required; every other zero value has a meaning.
type Options struct {
	AccountID string           // 32 hexadecimal digits
	Token     string           // an API token with "Account > D1 > Edit"
	APIURL    string           // empty: DefaultAPIURL. Plain http is accepted for this machine only
	HTTP      *http.Client     // nil: one of our own. It is copied, and the copy follows no redirect
	Timeout   time.Duration    // of one request with its answer; 0: DefaultTimeout
	Wait      time.Duration    // before a read's first repetition; 0: DefaultWait
	Logger    *slog.Logger     // one debug line for each request; nil: none
	Now       func() time.Time // nil: time.Now
	Random    func() float64   // in [0,1), to spread repetitions; nil: math/rand/v2
}

// Format hides the token from every verb of package fmt.
func (o Options) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "{AccountID:%s APIURL:%s Timeout:%s}", o.AccountID, o.APIURL, o.Timeout)
}

// LogValue hides the token from slog.
func (o Options) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(o)) }

// D1 is the D1 databases of one account. It implements deploy.Databases and is safe for concurrent use.
type D1 struct {
	account   string
	base      *url.URL
	http      *http.Client
	databases *d1.DatabaseService
	authorize func(http.Header)   // the token lives in this closure alone, where fmt does not find it
	scrub     func(string) string // takes the token out of a text
	timeout   time.Duration
	wait      time.Duration
	log       *slog.Logger
	now       func() time.Time
	random    func() float64
	calls     tally
	schema    schema
}

var _ deploy.Databases = (*D1)(nil)

var (
	accountID  = regexp.MustCompile(`^[0-9a-f]{32}$`)
	databaseID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	tokenShape = regexp.MustCompile(`^[!-~]+$`)
)

// New checks the options and makes a D1; it sends nothing. It reads no environment variable. Its errors do not contain the
// token.
func New(o Options) (*D1, error) {
	if !accountID.MatchString(o.AccountID) {
		return nil, fmt.Errorf("cloudflare: account id %q is not 32 lower-case hexadecimal digits", o.AccountID)
	}
	if !tokenShape.MatchString(o.Token) {
		return nil, errors.New("cloudflare: the API token is empty or contains a space, a line end or a character outside ASCII")
	}
	base, err := parseBase(o.APIURL)
	if err != nil {
		return nil, err
	}
	d := &D1{
		account: o.AccountID, base: base, http: httpClient(o.HTTP), timeout: o.Timeout, wait: o.Wait,
		log: o.Logger, now: o.Now, random: o.Random,
	}
	token := o.Token
	d.authorize = func(h http.Header) { h.Set("Authorization", "Bearer "+token) }
	d.scrub = func(s string) string { return strings.ReplaceAll(s, token, "[token]") }
	d.defaults()
	d.databases = d1.NewDatabaseService(
		option.WithBaseURL(base.String()),
		option.WithAPIToken(token),
		option.WithHTTPClient(d.http),
		option.WithMaxRetries(0), // the SDK's default re-sends a POST twice, INSERT or not
	)
	return d, nil
}

func (d *D1) defaults() {
	if d.timeout <= 0 {
		d.timeout = DefaultTimeout
	}
	if d.wait <= 0 {
		d.wait = DefaultWait
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.now == nil {
		d.now = time.Now
	}
	if d.random == nil {
		d.random = rand.Float64
	}
	d.calls.since = d.now()
}

// Format prints the account and the server, whatever the verb.
func (d *D1) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "D1 of account %s at %s", d.account, d.base.Redacted())
}

// parseBase accepts https, and http where it does not leave this machine: a token sent in the clear is a token lost.
func parseBase(text string) (*url.URL, error) {
	if text == "" {
		text = DefaultAPIURL
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("cloudflare: the API's address must look like " + DefaultAPIURL)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, fmt.Errorf("cloudflare: the API's address must begin with https:// (http:// only for this machine), not %s://", u.Scheme)
	}
	u.Path = strings.TrimRight(u.Path, "/") + "/" // the SDK resolves paths against it as a folder
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// httpClient copies a client, or makes one. A redirect would re-send a write's body (307, 308) or turn it into a read (302).
func httpClient(given *http.Client) *http.Client {
	c := http.Client{Transport: transport()}
	if given != nil {
		c = *given
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

func transport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	// A connection that died silently is noticed by a ping, not by one call after another running into its timeout.
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second}
	return t
}

// get reads an address that the SDK's package d1 does not know, with the same judgement.
func (d *D1) get(ctx context.Context, op operation, path string) ([]byte, error) {
	var body []byte
	err := d.send(ctx, op, func(ctx context.Context, listen option.Middleware) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base.JoinPath(path).String(), nil)
		if err != nil {
			return err
		}
		d.authorize(req.Header)
		req.Header.Set("Accept", "application/json")
		res, err := listen(req, d.http.Do)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		body, err = io.ReadAll(res.Body)
		return err
	})
	return body, err
}
