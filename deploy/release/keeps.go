package release

import "time"

// Hold stops every change of an environment until a person lifts it.
type Hold struct {
	Reason string    `json:"reason"`
	By     Person    `json:"by"`
	Run    string    `json:"run,omitempty"`
	At     time.Time `json:"at"`

	Reminded time.Time `json:"reminded,omitzero"` // when its owner was last asked whether it is still wanted
}

// Lock is a person's claim on an environment: until it is given back, taken over or over, only they may change it. It is
// another thing than a run's Lease, which no person holds.
type Lock struct {
	By     Person    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until"`
	Place  string    `json:"place,omitempty"` // opaque to the engine: where it was asked for

	Reminded time.Time `json:"reminded,omitzero"`
}

// Active reports whether the lock still counts.
func (l *Lock) Active(now time.Time) bool { return l != nil && now.Before(l.Until) }

// Freeze stops the changes of production for a time, because somebody said so. Those of the calendar are in the config.
type Freeze struct {
	By     Person    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until"`
}

// Active reports whether the freeze still counts.
func (f *Freeze) Active(now time.Time) bool { return f != nil && now.Before(f.Until) }

// Lease is a runner's claim on an environment. It belongs to a run and is given back by that run alone, so that an older
// run can never release a newer one's.
type Lease struct {
	Run   string    `json:"run"`
	Token string    `json:"token"`
	Since time.Time `json:"since"`

	// Cancel asks the run to stop at its next safe step.
	Cancel *Cancel `json:"cancel,omitempty"`
	// Pause asks a backfill to rest after its window.
	Pause *Cancel `json:"pause,omitempty"`
}

// Cancel is somebody's wish that a run should stop.
type Cancel struct {
	By Person    `json:"by"`
	At time.Time `json:"at"`
}

// Delegation lends a person a role until a day. It never outlives the lender's own, and cannot be lent on.
type Delegation struct {
	To    Person    `json:"to"`
	By    Person    `json:"by"`
	Role  string    `json:"role"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}
