package cloudflare_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/cloudflare"
	"towline/usage"
)

func TestTheAccountsStorageCountsDatabasesThatAreMeasuredNowAndThen(t *testing.T) {
	const settings = `{"enabled":true,"maxDuration":2678400,"maxPageSize":10000,"notOlderThan":2678400}`
	const size = `{"max":{"databaseSizeBytes":%d},"dimensions":{%q:%q,"databaseId":%q}}`
	hour := usage.Hour(countedAt()).Add(-12 * time.Hour) // 23:00, the day before
	at := func(hours int) string { return hour.Add(time.Duration(hours) * time.Hour).Format(time.RFC3339) }
	for _, c := range []struct {
		name   string
		before []string // by date
		during []string // by hour
		from   time.Time
		want   map[int]float64 // by hours after from
	}{
		{
			name: "measured before, during, and both", from: hour,
			before: []string{fmt.Sprintf(size, 100, "date", "2026-03-10", "old"), fmt.Sprintf(size, 7, "date", "2026-03-11", "both"), fmt.Sprintf(size, 1000, "date", "2026-03-09", "ended")},
			during: []string{fmt.Sprintf(size, 20, "datetimeHour", at(1), "new"), fmt.Sprintf(size, 8, "datetimeHour", at(2), "both")},
			// "ended" was measured on the 9th, perhaps at midnight: from the 12th on it may be gone.
			want: map[int]float64{0: 1107, 1: 127, 2: 128},
		},
		{
			name: "nothing is measured in the stretch", from: hour,
			before: []string{fmt.Sprintf(size, 100, "date", "2026-03-10", "old")},
			want:   map[int]float64{},
		},
		{
			name: "at the beginning of what is kept", from: usage.Hour(countedAt()).Add(-30 * 24 * time.Hour),
			during: []string{
				fmt.Sprintf(size, 5, "datetimeHour", usage.Hour(countedAt()).Add(-30*24*time.Hour).Format(time.RFC3339), "new"),
				fmt.Sprintf(size, 6, "datetimeHour", usage.Hour(countedAt()).Add(-28*24*time.Hour+5*time.Hour).Format(time.RFC3339), "new"),
			},
			// Of what is kept, the first hours are left alone; three days later every database was measured.
			want: map[int]float64{51: 5, 52: 5, 53: 6},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				groups := c.during
				switch {
				case strings.Contains(string(body), "settings"):
					_, _ = fmt.Fprintf(w, `{"data":{"viewer":{"accounts":[{"settings":{"d1AnalyticsAdaptiveGroups":%[1]s,"d1StorageAdaptiveGroups":%[1]s,"d1QueriesAdaptiveGroups":%[1]s,"workersInvocationsAdaptive":%[1]s}}]}}}`, settings)
					return
				case strings.Contains(string(body), "dimensions { date "):
					groups = c.before
				}
				_, _ = fmt.Fprintf(w, `{"data":{"viewer":{"accounts":[{"d1StorageAdaptiveGroups":[%s]}]}}}`, strings.Join(groups, ","))
			}))
			t.Cleanup(web.Close)
			d := open(t, cloudflare.Options{APIURL: web.URL + "/client/v4", Now: countedAt})
			all, err := d.Hours(t.Context(), usage.Sizes, []usage.Subject{usage.Whole()}, c.from, usage.Hour(countedAt()))
			if err != nil {
				t.Fatal(err)
			}
			got := map[int]float64{}
			for _, one := range all {
				v, _ := one.Sample.Get(usage.Storage)
				got[int(one.Sample.At.Sub(c.from)/time.Hour)] = v
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
