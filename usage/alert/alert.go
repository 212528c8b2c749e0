// Package alert compares use with limits, and says what people should hear of it.
//
// A Measure is one limit of one subject: how much of it is used, and how that goes on. Measures makes them of what the store has. Judge
// takes the alerts as they were and the measures of now, and returns the alerts as they are: what is new, what changed, what is over, and
// whether people are told. It is pure; its caller stores what it returns and shows it. Rules are what an account wants to hear of.
//
// An Alert is one crossing of one limit, one message in each chat that it concerns, from the first warning to the recovery. A later crossing is another alert.
package alert

import (
	"context"
	"time"

	"towline/usage"
	"towline/usage/tariff"
)

// Alert is one crossing of a limit, from its first warning until it is over. It is stored as JSON: fields may be added, never renamed.
type Alert struct {
	// ID is unique: the limit, the subject, and when it began.
	ID string `json:"id"`
	// Limit is a key of package tariff.
	Limit string `json:"limit"`
	// Subject is what it is about, Name what people call it: a database's name. Empty for the account.
	Subject usage.Subject `json:"subject"`
	Name    string        `json:"name,omitempty"`
	// Since is when it began, Counted up to when use is known.
	Since   time.Time `json:"since"`
	Counted time.Time `json:"counted"`

	// Used and Most are in Unit, and so is Last, what the whole day before came to, of a limit by the day. Hard: reaching Most stops something.
	Used float64     `json:"used"`
	Last float64     `json:"last,omitempty"`
	Most float64     `json:"most"`
	Unit tariff.Unit `json:"unit"`
	Hard bool        `json:"hard"`
	// Percent is the highest configured percentage that was passed; 0: none, the alert is about a date to come.
	Percent int `json:"percent,omitempty"`
	// Resets is when Used begins anew; zero: never.
	Resets time.Time `json:"resets,omitzero"`
	// Reaches is when Most is reached at this pace, from Earliest to Latest by the band; zero: not within the horizon. Latest may be zero alone.
	Reaches  time.Time `json:"reaches,omitzero"`
	Earliest time.Time `json:"earliest,omitzero"`
	Latest   time.Time `json:"latest,omitzero"`

	// Over is when it recovered; zero: it is open. Why is how.
	Over time.Time `json:"over,omitzero"`
	Why  Ending    `json:"why,omitempty"`

	// Shown: a message may be there; until then quiet hours or a mute hold it back. Repost counts the times that it was posted anew.
	Shown  bool   `json:"shown,omitempty"`
	Repost uint64 `json:"repost,omitempty"`
	// Urgent: it was posted as what stops production within a day. Calm is since when it has not been that; zero: it is, or never was.
	Urgent bool      `json:"urgent,omitempty"`
	Calm   time.Time `json:"calm,omitzero"`
	// Loud: its newest message makes a sound.
	Loud bool `json:"loud,omitempty"`
	// Told: its last frame was handed over, and nothing of it will change.
	Told bool `json:"told,omitempty"`
	// Muted is until when it is silent, By who said so.
	Muted   time.Time `json:"muted,omitzero"`
	MutedBy string    `json:"muted_by,omitempty"`
	// Clear is since when its reason has been gone, and Settle how long that must last until it is over; zero: the reason is there.
	Clear  time.Time     `json:"clear,omitzero"`
	Settle time.Duration `json:"settle,omitempty"`
	// Again is how many alerts of the same limit came before it, each within Kept of the end of the one before.
	Again int `json:"again,omitempty"`
}

// Ending is how an alert came to its end.
type Ending string

// The endings.
const (
	// Recovered: use is well below what was warned of, or the date moved out of sight.
	Recovered Ending = "recovered"
	// Reset: a new day or month began.
	Reset Ending = "reset"
	// Gone: the subject or the limit is no more, or nobody wants to hear of it any longer.
	Gone Ending = "gone"
)

// Open reports whether it is not over.
func (a Alert) Open() bool { return a.Over.IsZero() }

// Same reports whether two alerts are the same once they are stored: a moment in another zone is the same moment.
func (a Alert) Same(b Alert) bool { return a.plain() == b.plain() }

// plain is the alert with moments as they come back from a store: in UTC, without a reading of the monotonic clock.
func (a Alert) plain() Alert {
	for _, t := range []*time.Time{&a.Since, &a.Counted, &a.Resets, &a.Reaches, &a.Earliest, &a.Latest, &a.Over, &a.Calm, &a.Muted, &a.Clear} {
		*t = t.UTC().Round(0)
	}
	return a
}

// Store keeps alerts. It is safe for concurrent use.
type Store interface {
	// Alerts are all that are kept, in order of ID.
	Alerts(ctx context.Context) ([]Alert, error)
	// PutAlerts stores alerts under their IDs, and drops those of other IDs, in one transaction: either all of it happened or nothing. There are
	// never more than MostStored in one call. Dropping what is not there is no error.
	PutAlerts(ctx context.Context, put []Alert, drop []string) error
}

// MostStored is how many alerts one call of a Store changes at most: two replicas on etcd take 128 operations in a transaction.
const MostStored = 100
