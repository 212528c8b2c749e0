package backfill

import "fmt"

// State is how far a job has come, as the database has it.
type State struct {
	Batches  int64 // transactions that moved the cursor: the fence between them
	Begun    bool  // the cursor stands somewhere
	Last     int64 // keys of the last window
	Passed   int64 // keys that this pass has gone over
	Rows     int64 // that were changed, in all passes
	Pass     int64 // from 1
	Estimate int64 // what Count said when it began
	Running  bool  // not paused
}

// StateQueries are the questions that ReadState takes the answers of. The second fails where the first says 0.
func (j *Job) StateQueries() (there, state string) {
	return `SELECT count(*) AS n FROM sqlite_master WHERE type = 'table' AND name = '` + JobTable + `'`,
		`SELECT batches, hi IS NOT NULL AS begun, last, passed, "rows" AS changed, pass, estimate, state = 'running' AS running FROM "` +
			JobTable + `" WHERE name = ` + text(j.Name) + ` AND checksum = ` + text(j.Checksum)
}

// ReadState reads the answer to the second of StateQueries, in the order of its columns. ok=false: there is no such job.
func ReadState(rows [][]any) (s State, ok bool, err error) {
	if len(rows) == 0 {
		return s, false, nil
	}
	row := rows[0]
	if len(row) != 8 {
		return s, false, fmt.Errorf("the job's row has %d columns", len(row))
	}
	n := make([]int64, len(row))
	for i, v := range row {
		switch v := v.(type) {
		case int64:
			n[i] = v
		case float64:
			n[i] = int64(v)
		default:
			return s, false, fmt.Errorf("column %d of the job's row is %T", i+1, v)
		}
	}
	return State{
		Batches: n[0], Begun: n[1] == 1, Last: n[2], Passed: n[3], Rows: n[4], Pass: n[5], Estimate: n[6], Running: n[7] == 1,
	}, true, nil
}

// Next is what the state is after a window that was not read back, as far as it can be known.
func (s State) Next() State {
	s.Batches, s.Begun = s.Batches+1, true
	return s
}
