package cards_test

import (
	"strings"
	"testing"
	"time"

	"towline/cards"
	"towline/usage"
	"towline/usage/report"
	"towline/usage/tariff"
)

func TestALimitThatIsNotReachedIsNotSaidToBeUsedWhole(t *testing.T) {
	table, err := tariff.Of(tariff.Free, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	limit, _ := table.Limit(tariff.AccountStorage)
	for stored, want := range map[float64]string{4.98e9: ", more than 99 % of 5 GB", 4.96e9: ", 99 % of 5 GB", 5e9: ", 100 % of 5 GB", 5.2e9: ", 104 % of 5 GB", 1e6: ", less than 1 % of 5 GB"} {
		u := cards.Usage{Span: cards.Week, Counting: true, Report: report.Report{
			From: noon.Add(-7 * 24 * time.Hour), To: noon, Now: noon, Plan: tariff.Free,
			Stored: report.Measure{Figure: usage.Storage, Sum: stored, Hours: 168, Of: 168, Limit: &limit, PerDay: limit.Value},
		}}
		if html, _ := cards.UsageCaption(u); !strings.Contains(html, want) {
			t.Errorf("%.0f bytes: %s", stored, html)
		}
	}
}
