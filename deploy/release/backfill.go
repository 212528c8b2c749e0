package release

import "time"

// Backfill is the kind of run that changes many rows of a live database a few at a time. It is nobody's request: the run that
// applied the release begins it.
const Backfill Kind = "backfill"

// Paused is the phase of a backfill that rests without holding its environment: somebody paused it, it came upon too many errors,
// or its hours or its rows for the day are over. It is open.
const Paused Phase = "paused"

// StepBackfill is the step of a backfill run that goes through the windows. Its intent stands as long as it is under way; how far it has
// come is in the database itself.
const StepBackfill = "backfill"

// BackfillPlan says that a release's last file is a backfill, which begins when the release is live.
type BackfillPlan struct {
	File  string `json:"file"`
	Name  string `json:"name"`
	Table string `json:"table"`
	// Checksum names what it does, whatever its pace.
	Checksum string `json:"checksum"`
}

// file is the file's name, empty where there is no backfill.
func (b *BackfillPlan) file() string {
	if b == nil {
		return ""
	}
	return b.File
}

// Progress is how far a backfill has come, as it was stored last.
type Progress struct {
	BackfillPlan
	Total   int64 `json:"total"`          // rows that were to be done when it began
	Rows    int64 `json:"rows"`           // that were changed
	Passed  int64 `json:"passed"`         // keys that this pass went over
	Pass    int64 `json:"pass,omitempty"` // from 1
	Windows int64 `json:"windows"`
	Batch   int   `json:"batch,omitempty"` // rows of the next window

	PerSecond int64         `json:"per_second,omitempty"` // keys, lately
	Left      time.Duration `json:"left,omitempty"`       // as long as that goes on; 0: not known

	// Day is the day, in UTC, on which Written rows were written, as D1 counts them.
	Day     string `json:"day,omitempty"`
	Written int64  `json:"written,omitempty"`

	Why   Rest      `json:"why,omitempty"` // it rests; empty: it does not
	By    *Person   `json:"by,omitempty"`  // who paused it
	Until time.Time `json:"until,omitzero"`
	Words string    `json:"words,omitempty"` // D1's, of the last error
	Code  string    `json:"code,omitempty"`  // of a rest because of errors: plan, left, refused, lost, overloaded
	At    time.Time `json:"at,omitzero"`     // when this was stored
}

// Rest is why a backfill rests.
type Rest string

// The reasons.
const (
	RestPerson Rest = "person" // somebody paused it
	RestErrors Rest = "errors" // too many in a row, or one that will not go away
	RestHours  Rest = "hours"  // outside the hours of the project
	RestBudget Rest = "budget" // the project's rows for the day are written
	RestLimit  Rest = "limit"  // Cloudflare's limit of the day is reached
	RestKept   Rest = "kept"   // the environment is locked, held or frozen
)

// Part is how much is done, from 0 to 1.
func (p Progress) Part() float64 {
	if p.Total <= 0 {
		return 0
	}
	return min(float64(p.Rows)/float64(p.Total), 1)
}

// Backfilling is a backfill of an environment that is not done.
type Backfilling struct {
	Run     string `json:"run"` // the one that works on it, or did last
	Release uint64 `json:"release"`
	BackfillPlan
	Stopped bool `json:"stopped,omitempty"` // by a person: it goes on when somebody says so
	Void    bool `json:"void,omitempty"`    // its release is not live any more: what it left in the database is taken away
	// Day and Written are the last run's.
	Day     string `json:"day,omitempty"`
	Written int64  `json:"written,omitempty"`
}
