package cloudflare

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Analytics are what the account's analytics are like. The zero value is a paid account's whose token may ask: every dataset, at once.
type Analytics struct {
	// Lag is how late the figures are: Cloudflare's come minutes after what they count.
	Lag time.Duration
	// NotAllowed refuses every token, as one without "Account Analytics: Read" is refused.
	NotAllowed bool
	// Busy refuses every question with status 429.
	Busy bool
	// Budget is how many questions each token may ask in five minutes; 0 is Cloudflare's 300 ("Limits", GraphQL Analytics API).
	Budget int
	// Partial answers every question with an error beside the data.
	Partial bool
	// Disabled are datasets that the settings node calls not enabled, and that are refused.
	Disabled []string
	// Missing are datasets and fields that the account's schema does not have, such as "queryBatchTimeMsP90" or "quantiles".
	Missing []string
	// Page is how many groups an answer has at most; 0 is 10,000. Back and Longest are how far back, and how much time at once, may be asked; 0
	// leaves the datasets' own.
	Page          int
	Back, Longest time.Duration
}

// budget is how many questions there may be in budgetTime.
const (
	budget     = 300
	budgetTime = 5 * time.Minute
	maxFields  = 40 // of one question about a dataset; the settings node tells it
)

// analytics is the state behind the GraphQL API. It is safe for concurrent use.
type analytics struct {
	mu      sync.Mutex
	opened  time.Time
	like    Analytics
	traffic []Traffic
	asked   map[string][]time.Time // by token
}

// SetAnalytics changes what the account's analytics are like, from the next question on.
func (s *Server) SetAnalytics(a Analytics) {
	s.analytics.mu.Lock()
	defer s.analytics.mu.Unlock()
	s.analytics.like = a
}

// look is what the analytics are like now, and the traffic.
func (a *analytics) look() (Analytics, []Traffic) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.like, a.traffic
}

// spend takes one question off a token's budget, and says whether there was one left.
func (a *analytics) spend(token string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked == nil {
		a.asked = map[string][]time.Time{}
	}
	lately := slices.DeleteFunc(a.asked[token], func(t time.Time) bool { return now.Sub(t) >= budgetTime })
	most := a.like.Budget
	if most == 0 {
		most = budget
	}
	left := len(lately) < most && !a.like.Busy
	if left {
		lately = append(lately, now)
	}
	a.asked[token] = lately
	return left
}

// graphql is the analytics API. Its errors come without the envelope, and with status 200 but where too much is asked.
func (s *Server) graphql(r *request) (reply, error) {
	token, ok := s.bearer(r.Request)
	if !ok || token.status(s.now()) != "active" {
		return reply{}, authenticationError(http.StatusUnauthorized)
	}
	if !s.analytics.spend(token.Value, s.now()) {
		return reply{status: http.StatusTooManyRequests, plain: s.failed(errors.New("rate limiter budget depleted, try again after 5 minutes"))}, nil
	}
	var body struct {
		Query     string
		Variables map[string]any
	}
	decoder := json.NewDecoder(strings.NewReader(string(r.body)))
	decoder.UseNumber()
	if err := decoder.Decode(&body); err != nil {
		return reply{}, malformed("the body is not a GraphQL request")
	}
	data, err := s.ask(token, body.Query, body.Variables)
	if err != nil {
		return reply{plain: s.failed(err)}, nil
	}
	answer := map[string]any{"data": data, "errors": nil}
	if like, _ := s.analytics.look(); like.Partial {
		answer["errors"] = s.failed(errors.New("some data could not be fetched"))["errors"]
	}
	return reply{plain: answer}, nil
}

// failed is the answer to a question that cannot be answered.
func (s *Server) failed(err error) map[string]any {
	failure := map[string]any{"message": err.Error(), "path": nil, "extensions": map[string]any{"timestamp": s.now().UTC()}}
	return map[string]any{"data": nil, "errors": []any{failure}}
}

func (s *Server) ask(token Token, query string, variables map[string]any) (any, error) {
	fields, err := parseGraphQL(query, variables)
	if err != nil {
		return nil, err
	}
	data := map[string]any{}
	for _, viewer := range fields {
		if viewer.name != "viewer" {
			return nil, unknownField(viewer.name)
		}
		accounts := map[string]any{}
		for _, account := range viewer.fields {
			if account.name != "accounts" {
				return nil, unknownField(account.name)
			}
			groups, err := s.ofAccount(token, account)
			if err != nil {
				return nil, err
			}
			accounts[account.alias] = []any{groups}
		}
		data[viewer.alias] = accounts
	}
	return data, nil
}

func unknownField(name string) error { return fmt.Errorf("unknown field %q", name) }

// ofAccount answers what is asked of the account: groups of datasets, and the settings node.
func (s *Server) ofAccount(token Token, account field) (map[string]any, error) {
	like, _ := s.analytics.look()
	filter, _ := account.args["filter"].(map[string]any)
	if filter["accountTag"] != s.account || !token.may(AccountAnalyticsRead) || like.NotAllowed {
		return nil, errors.New("not authorized for that account")
	}
	out := map[string]any{}
	for _, f := range account.fields {
		var err error
		if f.name == "settings" {
			out[f.alias], err = settings(f, like)
		} else {
			out[f.alias], err = s.groups(f)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// settings is the settings node: what may be asked of each dataset. Its times are seconds.
func settings(node field, like Analytics) (map[string]any, error) {
	out := map[string]any{}
	for _, f := range node.fields {
		set, ok := datasetOf(f.name, like)
		if !ok || len(f.fields) == 0 {
			return nil, unknownField(f.name)
		}
		all := map[string]any{
			"enabled": !slices.Contains(like.Disabled, set.name), "maxDuration": int(set.longest.Seconds()), "maxPageSize": set.page,
			"maxNumberOfFields": maxFields, "notOlderThan": int(set.back.Seconds()),
		}
		shown := map[string]any{}
		for _, inner := range f.fields {
			v, ok := all[inner.name]
			if !ok {
				return nil, unknownField(inner.name)
			}
			shown[inner.alias] = v
		}
		out[f.alias] = shown
	}
	return out, nil
}
