package cloudflare_test

import (
	"fmt"
	"testing"

	"towline/sandbox/cloudflare"
)

// BenchmarkAMonthOfFiftyDatabases asks for every hour of the month of an account with fifty busy databases, as a sampler does at its first start.
func BenchmarkAMonthOfFiftyDatabases(b *testing.B) {
	tr := busy()
	shop := tr.Databases[0]
	for i := range 49 {
		shop.Name = fmt.Sprintf("shop-%d", i)
		tr.Databases = append(tr.Databases, shop)
	}
	s, server := lively(b, cloudflare.Analytics{}, tr)
	server.server.SetAnalytics(cloudflare.Analytics{Budget: 1 << 30, Page: 100_000})
	b.ReportAllocs()
	for b.Loop() {
		got := groupsOf(b, s, activitySet, "limit: 100000, filter: {"+between(noon().AddDate(0, 0, -30), noon())+"}",
			"sum { rowsRead rowsWritten readQueries writeQueries } dimensions { datetimeHour databaseId }")
		if len(got) != 50*720 {
			b.Fatal(len(got))
		}
	}
}
