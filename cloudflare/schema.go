package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"towline/deploy"
	"towline/usage"
)

// schema is what is known of the account's analytics. It is safe for concurrent use.
type schema struct {
	mu      sync.Mutex
	missing map[usage.Dataset][]figure
	bounds  map[usage.Dataset]usage.Bounds
	asked   time.Time
}

// schemaKept is how long what analytics allow is believed; a plan may change.
const schemaKept = time.Hour

func (s *schema) lacks(set usage.Dataset, f figure) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.missing[set], f)
}

// forget notes that a field does not exist, and says whether the question can do without: it can without a figure or a part of them,
// and not without a dimension or the dataset.
func (s *schema) forget(q question, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := false
	for _, f := range q.figures {
		if name != "" && (f.name == name || f.part == name) {
			found = true
			if s.missing == nil {
				s.missing = map[usage.Dataset][]figure{}
			}
			s.missing[q.set] = append(s.missing[q.set], f)
		}
	}
	return found
}

// learn replaces all that is known.
func (s *schema) learn(bounds map[usage.Dataset]usage.Bounds, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bounds, s.asked, s.missing = bounds, now, nil
}

func (s *schema) known(now time.Time) (map[usage.Dataset]usage.Bounds, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bounds, s.bounds != nil && now.Sub(s.asked) < schemaKept && !now.Before(s.asked)
}

// margin is taken off how far back analytics go: for the way there, clocks that differ, and times that are rounded down to the hour.
const margin = 2 * time.Hour

// Datasets implements usage.Source. Back is two hours less than Cloudflare says: what is asked for at its very edge is refused as too old a
// moment later.
func (d *D1) Datasets(ctx context.Context) (map[usage.Dataset]usage.Bounds, error) {
	sets := usage.AllDatasets()
	for len(sets) > 0 {
		bounds, err := d.settings(ctx, sets)
		if err == nil {
			d.schema.learn(bounds, d.now())
			return bounds, nil
		}
		if unknownField(err) == "settings" { // an API that does not tell; the questions themselves show what it has
			d.schema.learn(usual(), d.now())
			return usual(), nil
		}
		left := slices.DeleteFunc(slices.Clone(sets), func(s usage.Dataset) bool { return string(s) == unknownField(err) })
		if len(left) == len(sets) {
			return nil, told(err)
		}
		sets = left
	}
	return map[usage.Dataset]usage.Bounds{}, nil
}

// settings asks the settings node ("Settings node", GraphQL Analytics API). Times there are seconds.
func (d *D1) settings(ctx context.Context, sets []usage.Dataset) (map[usage.Dataset]usage.Bounds, error) {
	text := "query Towline($accountTag: string!) { viewer { accounts(filter: {accountTag: $accountTag}) { settings {"
	for _, s := range sets {
		text += " " + string(s) + " { enabled maxDuration maxPageSize notOlderThan }"
	}
	var answer accounts[struct {
		Settings map[usage.Dataset]*struct {
			Enabled      *bool  `json:"enabled"`
			MaxDuration  number `json:"maxDuration"`
			MaxPageSize  number `json:"maxPageSize"`
			NotOlderThan number `json:"notOlderThan"`
		} `json:"settings"`
	}]
	if err := d.ask(ctx, text+" } } } }", map[string]string{"accountTag": d.account}, &answer); err != nil {
		return nil, err
	}
	a, err := one(answer)
	if err != nil {
		return nil, err
	}
	bounds := map[usage.Dataset]usage.Bounds{}
	for _, s := range sets {
		told := a.Settings[s]
		if told == nil && len(a.Settings) == len(sets) {
			continue // null: the account does not have this one, which says nothing of the others
		}
		if told == nil || told.Enabled == nil {
			return nil, strange("settings that lack %s", s)
		}
		back := time.Duration(told.NotOlderThan) * time.Second
		if back > 2*margin {
			back -= margin
		}
		bounds[s] = usage.Bounds{Enabled: *told.Enabled, Back: back, Longest: time.Duration(told.MaxDuration) * time.Second, Page: max(int(told.MaxPageSize), 0)}
	}
	return bounds, nil
}

// The bounds of a question where Cloudflare does not tell them ("Metrics and analytics" of D1 and of Workers).
const (
	pageOtherwise    = 10_000
	longestOtherwise = 7 * 24 * time.Hour
	backOtherwise    = 31 * 24 * time.Hour
)

// usual is what may be asked where the API has no settings node.
func usual() map[usage.Dataset]usage.Bounds {
	all := map[usage.Dataset]usage.Bounds{}
	for _, s := range usage.AllDatasets() {
		all[s] = usage.Bounds{Enabled: true, Back: backOtherwise - margin, Longest: longestOtherwise, Page: pageOtherwise}
	}
	return all
}

// absent says that an account does without a dataset, which is no reason to know nothing of the others.
func absent(set usage.Dataset, err error) bool {
	return errors.Is(err, usage.ErrMissing) || unknownField(err) == string(set)
}

// boundsOf is what may be asked of a dataset: as it was told lately, else as it is told now, and where that cannot be found out, what is usual.
func (d *D1) boundsOf(ctx context.Context, set usage.Dataset) (usage.Bounds, error) {
	all, known := d.schema.known(d.now())
	if !known {
		var err error
		if all, err = d.Datasets(ctx); err != nil {
			if errors.Is(err, usage.ErrNotAllowed) || errors.Is(err, usage.ErrBusy) || ctx.Err() != nil {
				return usage.Bounds{}, err
			}
			return usage.Bounds{Enabled: true, Longest: longestOtherwise, Page: pageOtherwise}, nil
		}
	}
	b, there := all[set]
	switch {
	case !there:
		return b, fmt.Errorf("%w: %w", usage.ErrMissing, &deploy.RejectedError{Words: fmt.Sprintf("the account has no %s", set)})
	case !b.Enabled:
		return b, fmt.Errorf("%w: %w", usage.ErrMissing, &deploy.RejectedError{Words: fmt.Sprintf("%s is not enabled for the account", set)})
	}
	if b.Longest == 0 {
		b.Longest = longestOtherwise
	}
	if b.Page == 0 {
		b.Page = pageOtherwise
	}
	return b, nil
}

// told gives an error its meaning for a usage.Source.
func told(err error) error {
	var missing *PermissionError
	var limited *RateLimitedError
	switch {
	case errors.Is(err, usage.ErrNotAllowed), errors.Is(err, usage.ErrBusy):
		return err
	case errors.As(err, &missing):
		return fmt.Errorf("%w: %w", usage.ErrNotAllowed, err)
	case errors.As(err, &limited):
		return fmt.Errorf("%w: %w", usage.ErrBusy, err)
	}
	return err
}
