package tariff_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"towline/usage/tariff"
)

func table(t *testing.T, p tariff.Plan, limits, prices map[string]string) tariff.Table {
	t.Helper()
	got, err := tariff.Of(p, limits, prices)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAPlanHasItsOwnLimits(t *testing.T) {
	for _, c := range []struct {
		key        string
		free, paid float64 // 0: none
		hard       bool    // on the paid plan
	}{
		{tariff.RowsReadPerDay, 5e6, 0, false},
		{tariff.RowsWrittenPerDay, 100e3, 0, false},
		{tariff.RowsReadPerMonth, 0, 25e9, false},
		{tariff.RowsWrittenPerMonth, 0, 50e6, false},
		{tariff.StorageIncluded, 0, 5e9, false},
		{tariff.DatabaseSize, 500e6, 10e9, true},
		{tariff.AccountStorage, 5e9, 1e12, true},
		{tariff.Databases, 10, 50e3, true},
		{tariff.APICallsPer5m, 1200, 1200, true},
		{tariff.WorkerRequestsPerDay, 100e3, 0, false},
		{tariff.WorkerRequestsPerMonth, 0, 10e6, false},
		{tariff.RestoresPer10m, 10, 10, true},
		{tariff.CallSeconds, 30, 30, true},
	} {
		free, hasFree := table(t, tariff.Free, nil, nil).Limit(c.key)
		paid, hasPaid := table(t, tariff.Paid, nil, nil).Limit(c.key)
		if free.Value != c.free || hasFree != (c.free > 0) || paid.Value != c.paid || hasPaid != (c.paid > 0) {
			t.Errorf("%s: %+v, %+v", c.key, free, paid)
		}
		if hasFree && !free.Hard || hasPaid && paid.Hard != c.hard {
			t.Errorf("%s: what it stops is %v, %v", c.key, free.Hard, paid.Hard)
		}
	}
}

func TestEveryNumberNamesItsPageAndDay(t *testing.T) {
	for _, p := range []tariff.Plan{tariff.Free, tariff.Paid} {
		tab := table(t, p, nil, nil)
		all := tab.Limits()
		for _, key := range tariff.PriceKeys() {
			if e, ok := tab.Price(key); ok {
				all = append(all, e)
			}
		}
		for _, e := range all {
			if e.Page == "" || len(e.Read) != len("2026-11-17") || e.Unit == "" {
				t.Errorf("%+v", e)
			}
		}
	}
}

func TestTheConfigMaySayOtherwise(t *testing.T) {
	tab := table(t, tariff.Paid, map[string]string{"account_storage": "2TB", "rows_read_per_month": "50B", "databases": "0", "rows_read_per_day": "10M"}, map[string]string{"rows_read": "0.0008"})
	for key, want := range map[string]float64{"account_storage": 2e12, "rows_read_per_month": 50e9, "rows_read_per_day": 10e6} {
		if e, _ := tab.Limit(key); e.Value != want || e.Page != tariff.OfConfig {
			t.Errorf("%s: %+v", key, e)
		}
	}
	if e, ok := tab.Limit(tariff.Databases); ok {
		t.Errorf("a limit of 0 is none: %+v", e)
	}
	if e, _ := tab.Limit(tariff.RowsReadPerMonth); e.Hard {
		t.Error("an included volume stops nothing, however large the config says it is")
	}
	if e, _ := tab.Limit(tariff.RowsReadPerDay); !e.Hard {
		t.Error("a limit that only the config knows stops what it limits")
	}
	if e, _ := tab.Price(tariff.RowsReadPrice); e.Value != 0.0008 || e.Page != tariff.OfConfig {
		t.Errorf("%+v", e)
	}
	if len(slices.Compact(tariff.LimitKeys())) != 13 || len(tariff.PriceKeys()) != 4 {
		t.Errorf("%q, %q", tariff.LimitKeys(), tariff.PriceKeys())
	}
}

func TestWhatIsNoLimitIsNamed(t *testing.T) {
	for _, c := range []struct {
		name           string
		plan           tariff.Plan
		limits, prices map[string]string
		says           string
	}{
		{"an unknown plan", "business", nil, nil, `"business"`},
		{"an unknown limit", tariff.Paid, map[string]string{"rows": "5"}, nil, `"rows"`},
		{"an unknown price", tariff.Paid, nil, map[string]string{"egress": "5"}, `"egress"`},
		{"words", tariff.Paid, map[string]string{"databases": "many"}, nil, "limit databases"},
		{"less than nothing", tariff.Paid, map[string]string{"databases": "-5"}, nil, "limit databases"},
		{"no number at all", tariff.Paid, nil, map[string]string{"storage": "GB"}, "price storage"},
		{"not a number", tariff.Paid, nil, map[string]string{"storage": "NaN"}, "price storage"},
		{"more than can be counted", tariff.Paid, map[string]string{"databases": "999999999999999TB"}, nil, "limit databases"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := tariff.Of(c.plan, c.limits, c.prices); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestAMonthCostsWhatIsBeyondTheIncludedVolume(t *testing.T) {
	within := tariff.Month{RowsRead: 25e9, RowsWritten: 50e6, StorageGBMonths: 5, Requests: 10e6}
	beyond := tariff.Month{RowsRead: 35e9, RowsWritten: 52e6, StorageGBMonths: 9, Requests: 20e6}
	paid := table(t, tariff.Paid, nil, nil)
	if d := paid.Cost(within); d.Total() != 0 {
		t.Errorf("%+v", d)
	}
	d := paid.Cost(beyond)
	if want := (tariff.Dollars{RowsRead: 10, RowsWritten: 2, Storage: 3, Requests: 3}); !near(d.RowsRead, want.RowsRead) || !near(d.RowsWritten, want.RowsWritten) || !near(d.Storage, want.Storage) ||
		!near(d.Requests, want.Requests) || !near(d.Total(), 18) {
		t.Errorf("%+v", d)
	}
	if d := table(t, tariff.Free, nil, map[string]string{"storage": "7"}).Cost(beyond); d.Total() != 0 {
		t.Errorf("on the free plan: %+v", d)
	}
	if d := table(t, tariff.Paid, map[string]string{"storage_included": "0"}, nil).Cost(beyond); !near(d.Storage, 6.75) {
		t.Errorf("nothing included: %+v", d)
	}
	if v := paid.Rows(1e9, 2e6); !near(v, 3) {
		t.Errorf("rows: %v", v)
	}
	if (tariff.Table{}).Cost(beyond).Total() != 0 {
		t.Error("no table, no price")
	}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }
