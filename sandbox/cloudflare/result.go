package cloudflare

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"time"

	"towline/migrations/sqlite"
)

// statementResult is what one statement gave, before it takes the form of an answer.
type statementResult struct {
	sqlite.Result
	size     int64 // of the database afterwards, in bytes
	duration time.Duration
}

// queryResult is one element of the answer of /query and /raw.
type queryResult struct {
	Results any  `json:"results"`
	Success bool `json:"success"`
	Meta    meta `json:"meta"`
}

type meta struct {
	ServedBy        string  `json:"served_by"`
	ServedByRegion  string  `json:"served_by_region"`
	ServedByColo    string  `json:"served_by_colo"`
	ServedByPrimary bool    `json:"served_by_primary"`
	Timings         timings `json:"timings"`
	Duration        float64 `json:"duration"` // milliseconds
	Changes         int64   `json:"changes"`
	LastRowID       int64   `json:"last_row_id"`
	ChangedDB       bool    `json:"changed_db"`
	SizeAfter       int64   `json:"size_after"`
	RowsRead        int64   `json:"rows_read"`
	RowsWritten     int64   `json:"rows_written"`
	TotalAttempts   int     `json:"total_attempts"`
}

type timings struct {
	SQLDurationMS float64 `json:"sql_duration_ms"`
}

// rawRows is the result of /raw: rows without names, in which columns of the same name stay apart.
type rawRows struct {
	Columns []string `json:"columns"`
	Rows    [][]any  `json:"rows"`
}

func (r statementResult) answer(raw bool) queryResult {
	milliseconds := float64(r.duration) / float64(time.Millisecond)
	q := queryResult{Success: true, Meta: meta{
		ServedBy: "local", ServedByRegion: "LOCAL", ServedByColo: "LOC", ServedByPrimary: true,
		Timings: timings{milliseconds}, Duration: milliseconds,
		Changes: r.Changes, LastRowID: r.LastRowID, ChangedDB: r.Changed, SizeAfter: r.size,
		RowsRead: r.RowsRead, RowsWritten: r.RowsWritten, TotalAttempts: 1,
	}}
	rows := make([][]any, len(r.Rows))
	for i, row := range r.Rows {
		rows[i] = make([]any, len(row))
		for j, value := range row {
			rows[i][j] = jsonValue(value)
		}
	}
	if raw {
		q.Results = rawRows{Columns: append([]string{}, r.Columns...), Rows: rows}
		return q
	}
	objects := make([]object, len(rows))
	for i, row := range rows {
		objects[i] = object{r.Columns, row}
	}
	q.Results = objects
	return q
}

// jsonValue is a column's value as it passes through JavaScript: numbers are doubles, a BLOB is the list of its bytes.
func jsonValue(value any) any {
	switch v := value.(type) {
	case int64:
		return float64(v)
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return nil
		}
	case []byte:
		list := make([]int, len(v))
		for i, b := range v {
			list[i] = int(b)
		}
		return list
	}
	return value
}

// object is a row by column names, in their order. Of columns with the same name the last one counts.
type object struct {
	columns []string
	values  []any
}

// MarshalJSON implements [json.Marshaler].
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range o.columns {
		if slices.Index(o.columns, name) != i {
			continue
		}
		if i > 0 {
			b.WriteByte(',')
		}
		last := len(o.columns) - 1
		for o.columns[last] != name {
			last--
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(o.values[last])
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
