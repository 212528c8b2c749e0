package alert_test

import (
	"fmt"
	"testing"
	"time"

	"towline/usage"
	"towline/usage/alert"
	"towline/usage/tariff"
)

// BenchmarkMeasures is one look at an account of 50 databases with sixteen weeks of history.
func BenchmarkMeasures(b *testing.B) {
	table, err := tariff.Of(tariff.Free, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	r := alert.Rules{Table: table, Percents: []int{50, 80, 95}, BillingDay: 1}
	stored := func(t time.Time) map[usage.Figure]float64 {
		return map[usage.Figure]float64{usage.Storage: 200e6 + 1e6*t.Sub(noon).Hours()/24, usage.RowsRead: 1e5, usage.RowsWritten: 100, usage.Requests: 1000}
	}
	account := history(usage.Whole(), "", noon, 111, stored)
	var databases []alert.Known
	for i := range 50 {
		name := fmt.Sprintf("shop-%d", i)
		databases = append(databases, history(usage.Subject{Kind: usage.Database, ID: name}, name, noon, 111, stored))
	}
	b.ReportAllocs()
	for b.Loop() {
		if all := alert.Measures(r, noon, account, databases); len(all) != 54 {
			b.Fatalf("%d measures", len(all))
		}
	}
}
