package cloudflare

import (
	"slices"
	"time"
)

// retention is how long Cloudflare keeps D1's figures ("Metrics and analytics", D1 documentation).
const retention = 31 * 24 * time.Hour

// sum is a figure that adds up.
type sum int

const (
	readQueries sum = iota
	writeQueries
	rowsRead
	rowsWritten
	rowsReturned
	queryDurationMs
	requests
	requestErrors
	sums
)

// row is what happened in one moment, minute or hour to one thing of one kind.
type row struct {
	at      time.Time
	id      string // of the database, or the Worker's name
	query   string
	failure string // of a query; empty: it succeeded
	status  string // of a request
	count   float64
	sum     [sums]float64
	size    float64
	times   []timing
}

// timing is a value that so many things took.
type timing struct{ value, weight float64 }

// dataset is what can be asked of one kind of rows.
type dataset struct {
	name       string
	key        string   // what row.id is called
	dimensions []string // besides key and times
	times      []string // the dimensions of time
	count      bool
	sum        map[string]sum
	average    []string // those of sum, or "" with the name of the timing
	max        string
	timing     string // what the quantiles are of
	quantiles  []string
	back       time.Duration
	longest    time.Duration
	page       int
	rows       func(s *Server, w window, yield func(row)) error
}

// window is the stretch of time that a question is about.
type window struct {
	from, to time.Time
	minutes  bool   // whether the minutes of an hour are told apart. They are besides where only a part of the hour is asked about
	only     string // the one id that is asked about; empty: all
}

// buckets are the units of time by which figures are grouped.
func buckets() map[string]time.Duration {
	return map[string]time.Duration{
		"datetime": time.Second, "datetimeMinute": time.Minute, "datetimeFiveMinutes": 5 * time.Minute,
		"datetimeFifteenMinutes": 15 * time.Minute, "datetimeHour": time.Hour, "datetimeSixHours": 6 * time.Hour, "date": 24 * time.Hour,
	}
}

// datasets are those of D1 and of Workers ("Metrics and analytics", D1; "Querying Workers metrics", GraphQL Analytics API), as far as
// somebody asks for them here.
func datasets() []dataset {
	every := []string{
		"date", "datetime", "datetimeMinute", "datetimeFiveMinutes", "datetimeFifteenMinutes", "datetimeHour", "datetimeSixHours",
	}
	rows := map[string]sum{"rowsRead": rowsRead, "rowsWritten": rowsWritten}
	activity := map[string]sum{"readQueries": readQueries, "writeQueries": writeQueries}
	queries := map[string]sum{"rowsReturned": rowsReturned, "queryDurationMs": queryDurationMs}
	for name, s := range rows {
		activity[name], queries[name] = s, s
	}
	return []dataset{
		{
			name: "d1AnalyticsAdaptiveGroups", key: "databaseId", times: every, sum: activity, timing: "queryBatchTimeMs", average: []string{"queryBatchTimeMs"},
			quantiles: []string{"P50", "P90", "P99"}, back: retention, longest: retention, page: 10_000, rows: (*Server).activity,
		},
		{
			name: "d1StorageAdaptiveGroups", key: "databaseId", times: []string{"date", "datetimeHour"}, max: "databaseSizeBytes",
			back: retention, longest: retention, page: 10_000, rows: (*Server).sizes,
		},
		{
			name: "d1QueriesAdaptiveGroups", key: "databaseId", dimensions: []string{"query", "error"}, times: every, count: true, sum: queries,
			timing: "queryDurationMs", average: []string{"queryDurationMs", "rowsRead", "rowsWritten", "rowsReturned"},
			quantiles: []string{"P50", "P95", "P99"}, back: retention, longest: retention, page: 10_000, rows: (*Server).queries,
		},
		{
			name: "workersInvocationsAdaptive", key: "scriptName", dimensions: []string{"status"}, times: []string{"date", "datetime", "datetimeHour"},
			sum: map[string]sum{"requests": requests, "errors": requestErrors}, timing: "cpuTime", quantiles: []string{"P50", "P99"},
			back: 90 * 24 * time.Hour, longest: 7 * 24 * time.Hour, page: 10_000, rows: (*Server).invocations,
		},
	}
}

// datasetOf finds a dataset by its name, with the bounds that the account has.
func datasetOf(name string, like Analytics) (dataset, bool) {
	all := datasets()
	i := slices.IndexFunc(all, func(d dataset) bool { return d.name == name })
	if i < 0 || slices.Contains(like.Missing, name) {
		return dataset{}, false
	}
	d := all[i]
	if like.Page > 0 {
		d.page = like.Page
	}
	if like.Back > 0 {
		d.back = like.Back
	}
	if like.Longest > 0 {
		d.longest = like.Longest
	}
	return d, true
}

// dimension is a row's value of one dimension; null is told apart from the empty string.
func (d dataset) dimension(r row, name string) (value string, null bool) {
	switch name {
	case d.key:
		return r.id, false
	case "query":
		return r.query, false
	case "status":
		return r.status, false
	case "error":
		return r.failure, r.failure == ""
	}
	return stamp(name, r.at.Truncate(buckets()[name])), false
}

func stamp(dimension string, t time.Time) string {
	if dimension == "date" {
		return t.UTC().Format(time.DateOnly)
	}
	return t.UTC().Format(time.RFC3339)
}

// has says whether a field of a part exists: "sum", "rowsRead".
func (d dataset) has(part, name string) bool {
	switch part {
	case "sum":
		_, ok := d.sum[name]
		return ok
	case "avg":
		return slices.Contains(d.average, name)
	case "max":
		return d.max == name
	case "quantiles":
		return slices.ContainsFunc(d.quantiles, func(q string) bool { return d.timing+q == name })
	case "dimensions":
		return name == d.key || slices.Contains(d.dimensions, name) || slices.Contains(d.times, name)
	}
	return false
}
