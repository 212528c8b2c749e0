package cloudflare

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"towline/deploy"
)

// refusal is an answer that is no success, as it arrived.
type refusal struct {
	status    int
	envelope  bool // Cloudflare's JSON, not a gateway's page
	challenge bool // the firewall in front of the API took it for an attack
	code      int64
	words     string
	after     time.Duration // of Retry-After; 0: none
}

// Error is for logs.
func (r *refusal) Error() string {
	switch {
	case r.words == "":
		return fmt.Sprintf("HTTP %d without a usable answer", r.status)
	case r.code == 0:
		return fmt.Sprintf("HTTP %d: %s", r.status, r.words)
	default:
		return fmt.Sprintf("HTTP %d, code %d: %s", r.status, r.code, r.words)
	}
}

// judge returns nil for a success: a status of 2xx, "success": true and, but for a silent operation, a result.
func (d *D1) judge(op operation, res *http.Response, body []byte) *refusal {
	var e struct {
		Success *bool             `json:"success"`
		Errors  []json.RawMessage `json:"errors"`
		Result  json.RawMessage   `json:"result"`
	}
	r := &refusal{status: res.StatusCode, after: d.retryAfter(res.Header), challenge: res.Header.Get("Cf-Mitigated") == "challenge"}
	if err := json.Unmarshal(body, &e); err != nil || e.Success == nil {
		return r
	}
	r.envelope = true
	says := len(e.Result) > 0 && string(e.Result) != "null"
	if *e.Success && res.StatusCode/100 == 2 && (says || op.silent) {
		return nil
	}
	for _, text := range e.Errors {
		if r.code, r.words = complaint(text); r.words != "" {
			break
		}
	}
	r.words = d.scrub(strings.TrimPrefix(r.words, "D1_ERROR: "))
	return r
}

// complaint takes one element of "errors" apart. Codes arrive as numbers and as strings, and whole elements as strings.
func complaint(text json.RawMessage) (code int64, words string) {
	var e struct {
		Code    json.RawMessage `json:"code"`
		Message string          `json:"message"`
	}
	if json.Unmarshal(text, &e) != nil {
		_ = json.Unmarshal(text, &words) // not a string either: no words
		return 0, words
	}
	code, _ = strconv.ParseInt(strings.Trim(string(e.Code), `"`), 10, 64) // not a number: none
	return code, e.Message
}

// retryAfter reads seconds or a date. Anything else, and anything in the past, is no wait.
func (d *D1) retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), 24*60*60)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(d.now()), 0), 24*time.Hour)
	}
	return 0
}

// verdict is what a refusal means for what was asked.
type verdict int

const (
	unknown      verdict = iota // it may have been done, or may still be
	rejected                    // it was not done, because of what it is
	noDatabase                  // it was not done: there is no such database
	nameTaken                   // it was not done: there is one of this name
	notPermitted                // it was not done, because of who asked
	turnedAway                  // it was not done, because of how much is asked
	overloaded                  // D1 had it in its queue, and gave up on it
	busy                        // it was not done: the database is being exported or imported
)

type meaning struct {
	verdict   verdict
	transient bool // a read may be repeated
}

// The codes of errors that are known to be definite. 7502 and 7406: a name that exists, and too many databases. 7400 and 7003:
// a malformed request, and a path that leads nowhere. 10000, 9109 and 7403: not allowed; 6003: an Authorization header that
// is none. Sources: Cloudflare's issues workers-sdk#4636, #10609, #15467, #3977; community, "API authentication failing".
const (
	codeUnroutable = 7003
	codeMalformed  = 7400
	codeAccount    = 7403
	codeNoDatabase = 7404
	codeTooMany    = 7406
	codeSQL        = 7500
	codeNameTaken  = 7502
	codeHeaders    = 6003
	codeNoAccess   = 9109
	codeNotAllowed = 10000
)

// broken are D1's words for a call that died on the way or half way, whatever status they come with. Source: D1
// documentation, "Debug D1".
var broken = []string{
	"internal error", "network connection lost", "object to be reset", "was reset", "db reset", "transient issue",
	"client disconnected", "exceeded timeout", "memory limit", "cpu time limit", "timed out",
}

// SQLite's result codes after which D1 has rolled back, for certain: the statement itself is at fault. An I/O error, a full
// disk or an interrupt is not among them.
var atFault = []string{"ERROR", "CONSTRAINT", "AUTH", "TOOBIG", "MISMATCH", "RANGE", "READONLY"}

var sqliteCode = regexp.MustCompile(`\bSQLITE_([A-Z]+)`)

// meaning is the table of answers. What is in none of its lines is unknown.
func (r *refusal) meaning() meaning {
	words := strings.ToLower(r.words)
	has := func(text string) bool { return strings.Contains(words, text) }
	switch {
	case r.status >= 500 || r.status == http.StatusRequestTimeout || r.status/100 == 2:
		return meaning{unknown, true}
	case r.status/100 != 4:
		return meaning{unknown, false}
	case r.challenge:
		return meaning{rejected, false}
	case !r.envelope && r.status == http.StatusTooManyRequests:
		return meaning{turnedAway, true}
	case !r.envelope:
		return meaning{unknown, false}
	case slices.ContainsFunc(broken, has):
		return meaning{unknown, true}
	case has("currently processing a long-running"):
		return meaning{busy, true}
	case has("requests queued for too long"):
		return meaning{overloaded, true}
	case has("free tier daily"):
		return meaning{rejected, false}
	case r.status == http.StatusTooManyRequests || has("too many requests queued"):
		return meaning{turnedAway, true}
	}
	return meaning{verdict: r.byCode()}
}

func (r *refusal) byCode() verdict {
	switch r.code {
	case codeHeaders, codeNoAccess, codeAccount, codeNotAllowed:
		return notPermitted
	case codeMalformed, codeUnroutable, codeTooMany:
		return rejected
	case codeNoDatabase:
		return noDatabase
	case codeNameTaken:
		return nameTaken
	case codeSQL:
		if r.status == http.StatusBadRequest && r.statementAtFault() {
			return rejected
		}
		return unknown
	}
	switch r.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return notPermitted
	case http.StatusNotFound:
		return noDatabase
	case http.StatusRequestEntityTooLarge:
		return rejected
	}
	return unknown
}

// statementAtFault reports whether a 400 with D1's own code blames the statement, as it does but for the codes of SQLite
// that blame the database.
func (r *refusal) statementAtFault() bool {
	found := sqliteCode.FindStringSubmatch(r.words)
	return r.words != "" && (found == nil || slices.Contains(atFault, found[1]))
}

// outcome turns what came of a call into the errors that deploy.Databases promises.
func outcome(op operation, err error) error {
	if err == nil {
		return nil
	}
	unanswered := &deploy.UnansweredError{Err: fmt.Errorf("%s: %w", op.name, err)}
	var r *refusal
	if !errors.As(err, &r) {
		return unanswered
	}
	// A gateway that gives up says nothing of the call behind it; an error of the API's own comes at the call's end.
	unanswered.Ended = r.envelope && r.status == http.StatusInternalServerError
	no := &deploy.RejectedError{Words: r.words, Code: r.code, Status: r.status}
	switch r.meaning().verdict {
	case rejected:
		if r.challenge {
			no.Words = "the firewall in front of Cloudflare's API took the request for an attack"
		}
		return no
	case noDatabase:
		if op.database {
			return missing(op, no)
		}
		return no
	case nameTaken:
		return fmt.Errorf("%w: %w", deploy.ErrDatabaseExists, no)
	case notPermitted:
		return &PermissionError{Permission: r.permission(op), For: op.purpose, Err: no}
	case turnedAway:
		if op.write {
			return &RateLimitedError{After: r.comeBack(), Err: no}
		}
		return &RateLimitedError{After: r.comeBack(), Err: unanswered}
	case busy:
		if op.write {
			return &BusyError{Err: no}
		}
		return &BusyError{Err: unanswered}
	case overloaded:
		return &RateLimitedError{After: r.after, Err: unanswered}
	}
	return unanswered
}

// missing is ErrNoDatabase. For a write it is a *deploy.RejectedError besides: nothing was done. For a read it is not, since
// there that would mean SQLite's words.
func missing(op operation, no *deploy.RejectedError) error {
	if op.write {
		return fmt.Errorf("%s: %w: %w", op.name, deploy.ErrNoDatabase, no)
	}
	return fmt.Errorf("%s: %w: %s", op.name, deploy.ErrNoDatabase, no.Words)
}

func (r *refusal) permission(op operation) string {
	switch r.code {
	case codeAccount:
		return permissionAccount
	case codeHeaders, codeNoAccess:
		return permissionValid
	}
	return op.permission
}

// comeBack is Retry-After, or the length of a block where it was the API's own limit.
func (r *refusal) comeBack() time.Duration {
	if r.after == 0 && strings.Contains(r.words, "restore") {
		return restoresWithin
	}
	if r.after == 0 && !strings.Contains(r.words, "queued") {
		return blocked
	}
	return r.after
}
