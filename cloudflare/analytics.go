package cloudflare

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"towline/deploy"
	"towline/usage"
)

var _ deploy.Analytics = (*D1)(nil)

// RowsWritten implements deploy.Analytics. The newest minute is asked for first: what is counted then covers it.
func (d *D1) RowsWritten(ctx context.Context, id string, from time.Time) (rows int64, asOf time.Time, err error) {
	if err := usable(opAnalytics, id); err != nil {
		return 0, time.Time{}, err
	}
	bounds, err := d.boundsOf(ctx, usage.Activity)
	if err != nil {
		return 0, time.Time{}, err
	}
	parts := pieces(from.UTC().Truncate(time.Second), upTo(d.now()).Add(time.Second), bounds.Longest)
	for _, p := range slices.Backward(parts) {
		if asOf, err = d.newest(ctx, usage.Activity, "datetimeMinute", p.conditions(id)); err != nil || !asOf.IsZero() {
			break
		}
	}
	if err != nil || asOf.IsZero() {
		return 0, time.Time{}, err
	}
	for _, p := range parts {
		some, err := d.rowsWritten(ctx, p.conditions(id))
		if err != nil {
			return 0, time.Time{}, err
		}
		rows += some
	}
	return rows, asOf, nil
}

// rowsWritten is a sum over a stretch that one question may span.
func (d *D1) rowsWritten(ctx context.Context, where []condition) (int64, error) {
	written := figure{"sum", "rowsWritten"}
	groups, err := d.groups(ctx, question{set: usage.Activity, where: where, figures: []figure{written}, limit: 1})
	if err != nil || len(groups) == 0 {
		return 0, err
	}
	if v, ok := groups[0].get(written); ok && len(groups) == 1 {
		return whole(v), nil
	}
	return 0, strange("an answer that lacks a part")
}

// ask sends a GraphQL query and decodes its data. The API answers without Cloudflare's envelope, and with status 200 whatever
// is wrong ("Error responses", GraphQL Analytics API): data beside errors is a part of the truth, and counts as none.
func (d *D1) ask(ctx context.Context, query string, variables map[string]string, data any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	return d.repeat(ctx, opAnalytics, func() error {
		limited, cancel := context.WithTimeout(ctx, d.timeout)
		defer cancel()
		req, err := http.NewRequestWithContext(limited, http.MethodPost, d.base.JoinPath("graphql").String(), bytes.NewReader(body))
		if err != nil {
			return err
		}
		d.authorize(req.Header)
		req.Header.Set("Content-Type", "application/json")
		began := d.now()
		ended := d.calls.sent(kindOf(req.URL.Path), began)
		res, err := d.http.Do(req)
		ended(res)
		if err != nil {
			if ctx.Err() == nil && limited.Err() != nil {
				return fmt.Errorf("no answer within %s", d.timeout)
			}
			return plain(ctx, err)
		}
		text, err := readAnswer(res)
		d.log.DebugContext(ctx, "cloudflare: answer", "call", opAnalytics.name, "status", res.StatusCode, "bytes", len(text), "took", d.now().Sub(began))
		if err != nil {
			return err
		}
		return d.judgeData(res, text, data)
	})
}

// judgeData returns nil where there is data and no error, and decodes it.
func (d *D1) judgeData(res *http.Response, text []byte, data any) error {
	var answer struct {
		Data   json.RawMessage   `json:"data"`
		Errors []json.RawMessage `json:"errors"`
	}
	r := &refusal{status: res.StatusCode, after: d.retryAfter(res.Header), challenge: res.Header.Get("Cf-Mitigated") == "challenge"}
	if err := json.Unmarshal(text, &answer); err != nil {
		return r
	}
	r.envelope = true
	if res.StatusCode == http.StatusOK && len(answer.Errors) == 0 && len(answer.Data) > 0 && string(answer.Data) != "null" {
		decoder := json.NewDecoder(bytes.NewReader(answer.Data))
		if err := decoder.Decode(data); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("an answer of another shape: %w", err)
		}
		return nil
	}
	for _, e := range answer.Errors {
		if r.code, r.words = complaint(e); r.words != "" {
			break
		}
	}
	r.words = d.scrub(r.words)
	r.graphQL()
	if r.status == http.StatusTooManyRequests && r.after == 0 {
		r.after = blocked // a budget that is used up is not asked again at once
	}
	return r
}

// graphQL gives an error that came with status 200 the status that its words stand for ("Error responses", GraphQL Analytics
// API).
func (r *refusal) graphQL() {
	words := strings.ToLower(r.words)
	has := func(texts ...string) bool {
		for _, text := range texts {
			if strings.Contains(words, text) {
				return true
			}
		}
		return false
	}
	switch {
	case r.status != http.StatusOK || r.words == "":
	case has("not authorized", "does not have access", "unauthorized", "authentication error"):
		r.status, r.code = http.StatusForbidden, codeNotAllowed
	case has("rate limiter", "limit reached", "quota exceeded"):
		r.status = http.StatusTooManyRequests
	case has("try again later"):
		r.status = http.StatusServiceUnavailable
	case has("cannot request data", "must be positive", "can't be more", "cannot be more", "too large", "parsing", "unknown field", "not available for your plan"):
		r.status, r.code = http.StatusBadRequest, codeMalformed
	}
}
