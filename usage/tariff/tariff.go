// Package tariff has what Cloudflare allows and what it charges: every limit and price that Towline judges by, with the page
// and the day it was read from.
//
// table.go is the one file with numbers. Of makes the table of a plan, with what the config says differently. Limit and
// Price answer with an Entry, which knows its source; Cost says what a month comes to.
//
// A GB is 10^9 bytes here. Cloudflare's pages do not say which of the two meanings they have in mind, and the smaller one
// warns earlier.
package tariff

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Plan is what an account pays for: the words are those of the config.
type Plan string

// The plans.
const (
	Free Plan = "free"
	Paid Plan = "paid"
)

// The limits. Which of them a plan has is in the table; the config may change any of them, or add one that the plan lacks.
const (
	RowsReadPerDay         = "rows_read_per_day"
	RowsWrittenPerDay      = "rows_written_per_day"
	RowsReadPerMonth       = "rows_read_per_month"
	RowsWrittenPerMonth    = "rows_written_per_month"
	StorageIncluded        = "storage_included"
	DatabaseSize           = "database_size"
	AccountStorage         = "account_storage"
	Databases              = "databases"
	APICallsPer5m          = "api_calls_per_5m"
	WorkerRequestsPerDay   = "worker_requests_per_day"
	WorkerRequestsPerMonth = "worker_requests_per_month"
	RestoresPer10m         = "restores_per_10m"
	CallSeconds            = "call_seconds"
)

// The prices.
const (
	RowsReadPrice       = "rows_read"
	RowsWrittenPrice    = "rows_written"
	StoragePrice        = "storage"
	WorkerRequestsPrice = "worker_requests"
)

// Unit is what an Entry's value counts.
type Unit string

// The units.
const (
	Rows           Unit = "rows"
	Bytes          Unit = "bytes"
	Stores         Unit = "databases"
	Calls          Unit = "calls"
	Requests       Unit = "requests"
	Seconds        Unit = "seconds"
	Restores       Unit = "restores"
	DollarsMillion Unit = "dollars per million"
	DollarsGBMonth Unit = "dollars per GB and month"
)

// Entry is one limit or price.
type Entry struct {
	Key   string
	Value float64
	Unit  Unit
	// Hard: reaching it stops something until it is left again. A volume that a paid plan includes only costs beyond it.
	Hard bool
	// Page is the title of the page that says so, and Read the day it was read, as 2026-11-21. Where the config says so, Page is "config".
	Page, Read string
}

// OfConfig is the Page of an entry whose value the config says.
const OfConfig = "config"

// Table is what one account may use and pays. The zero Table has no limits and no prices.
type Table struct {
	plan   Plan
	limits map[string]Entry
	prices map[string]Entry
}

// Of makes a plan's table. limits and prices replace the documented values, by key: numbers such as 5000000, 5M, 0.75 and 10GB. The
// error names the key that is none, or whose number is none, or the plan.
func Of(p Plan, limits, prices map[string]string) (Table, error) {
	if p != Free && p != Paid {
		return Table{}, fmt.Errorf("no plan is called %q", p)
	}
	t := Table{plan: p, limits: map[string]Entry{}, prices: map[string]Entry{}}
	for _, row := range documented() {
		if e, ok := row.of(p); ok {
			t.limits[e.Key] = e
		}
	}
	if p == Paid {
		for _, e := range pricelist() {
			t.prices[e.Key] = e
		}
	}
	for _, key := range slices.Sorted(maps.Keys(limits)) {
		if err := t.override(key, limits[key]); err != nil {
			return Table{}, err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(prices)) {
		if err := t.reprice(key, prices[key]); err != nil {
			return Table{}, err
		}
	}
	return t, nil
}

// override sets a limit.
func (t Table) override(key, text string) error {
	i := slices.IndexFunc(documented(), func(r row) bool { return r.key == key })
	if i < 0 {
		return fmt.Errorf("no limit is called %q", key)
	}
	v, err := number(text)
	if err != nil {
		return fmt.Errorf("limit %s: %w", key, err)
	}
	t.limits[key] = Entry{Key: key, Value: v, Unit: documented()[i].unit, Hard: documented()[i].hard(t.plan), Page: OfConfig}
	return nil
}

// reprice sets a price. What the free plan has no prices for costs nothing, whatever the config says.
func (t Table) reprice(key, text string) error {
	i := slices.IndexFunc(pricelist(), func(e Entry) bool { return e.Key == key })
	if i < 0 {
		return fmt.Errorf("no price is called %q", key)
	}
	v, err := number(text)
	if err != nil {
		return fmt.Errorf("price %s: %w", key, err)
	}
	if t.plan == Paid {
		t.prices[key] = Entry{Key: key, Value: v, Unit: pricelist()[i].Unit, Page: OfConfig}
	}
	return nil
}

// number reads 5000000, 5M, 0.75, 10GB. A limit of nothing would divide by it, so 0 is none.
func number(text string) (float64, error) {
	digits, times := text, 1.0
	for _, u := range []struct {
		suffix string
		times  float64
	}{{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"K", 1e3}, {"M", 1e6}, {"B", 1e9}} {
		if rest, ok := strings.CutSuffix(text, u.suffix); ok {
			digits, times = rest, u.times
			break
		}
	}
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil || strings.Trim(digits, "0123456789.") != "" || v*times > 1e18 {
		return 0, fmt.Errorf("%q is no number such as 5000000, 5M, 0.75 or 10GB", text)
	}
	return v * times, nil
}

// Plan is the table's plan.
func (t Table) Plan() Plan { return t.plan }

// Limit is the value of a limit; false: the plan has none of that name. A limit of 0 is none either.
func (t Table) Limit(key string) (Entry, bool) {
	e, ok := t.limits[key]
	return e, ok && e.Value > 0
}

// Price is a price in dollars; false: it costs nothing.
func (t Table) Price(key string) (Entry, bool) {
	e, ok := t.prices[key]
	return e, ok && e.Value > 0
}

// Limits are those that the plan has, in the order of LimitKeys.
func (t Table) Limits() []Entry {
	var all []Entry
	for _, key := range LimitKeys() {
		if e, ok := t.Limit(key); ok {
			all = append(all, e)
		}
	}
	return all
}

// LimitKeys are the names of all limits.
func LimitKeys() []string {
	var all []string
	for _, r := range documented() {
		all = append(all, r.key)
	}
	return all
}

// PriceKeys are the names of all prices.
func PriceKeys() []string {
	var all []string
	for _, e := range pricelist() {
		all = append(all, e.Key)
	}
	return all
}
