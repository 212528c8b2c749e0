package release

import "time"

// Watch is the kind of run that looks at production after a promote. It is nobody's request: the run that made the release live begins it.
// It only reads, holds no lease, and keeps nothing else from running; the next change of production ends it as Overtaken.
const Watch Kind = "watch"

// Watching is what a watch looks at, and what it found.
type Watching struct {
	Of         string    `json:"of"` // the promote's run, whose card tells of the watch
	Database   string    `json:"database"`
	DatabaseID string    `json:"database_id"`
	Workers    []string  `json:"workers,omitempty"`
	From       time.Time `json:"from"` // whole minutes: Cloudflare counts by them
	To         time.Time `json:"to"`
	Before     time.Time `json:"before"` // when the promote began, of which the hours before are what it was like
	// Trouble are the words of why Cloudflare's figures cannot be had at the moment; empty: nothing is wrong.
	Trouble string `json:"trouble,omitempty"`

	Verdict WatchVerdict `json:"verdict,omitempty"` // empty: it is not over, or was superseded
	Why     WatchBlind   `json:"why,omitempty"`     // of Blind
	Words   string       `json:"words,omitempty"`   // with it, from outside
	// Counted is up to when Cloudflare had counted; Early: it was bad enough to be told before its time was over.
	Counted time.Time `json:"counted,omitzero"`
	Early   bool      `json:"early,omitempty"`
	// Queries and Requests are what there was to look at.
	Queries  int64         `json:"queries,omitempty"`
	Requests int64         `json:"requests,omitempty"`
	Against  WatchAgainst  `json:"against,omitempty"`
	Weeks    int           `json:"weeks,omitempty"` // of AgainstWeeks: how many there were
	Worse    []WatchFigure `json:"worse,omitempty"`
	Well     []WatchFigure `json:"well,omitempty"`
	Aside    []string      `json:"aside,omitempty"` // codes of what was not compared; package watch has them
}

// Over reports whether there is a verdict.
func (w Watching) Over() bool { return w.Verdict != "" }

// WatchVerdict is what a watch came to.
type WatchVerdict string

// The verdicts.
const (
	WatchWell   WatchVerdict = "well"
	WatchWorse  WatchVerdict = "worse"
	WatchLittle WatchVerdict = "little" // too little traffic to tell
	WatchAlone  WatchVerdict = "alone"  // nothing to compare it with
	WatchUnseen WatchVerdict = "unseen" // it could not be watched
)

// WatchVerdicts are all of them.
func WatchVerdicts() []WatchVerdict {
	return []WatchVerdict{WatchWell, WatchWorse, WatchLittle, WatchAlone, WatchUnseen}
}

// WatchBlind is why a release could not be watched.
type WatchBlind string

// The reasons.
const (
	BlindTrouble   WatchBlind = "trouble"   // Cloudflare did not give its figures; Words says why
	BlindUncounted WatchBlind = "uncounted" // nothing of the time was counted until the patience was over
	BlindOff       WatchBlind = "off"       // the config turned it off meanwhile
	BlindGone      WatchBlind = "gone"      // the project left the config
)

// WatchAgainst is what the time after a promote is compared with.
type WatchAgainst string

// What there is.
const (
	AgainstWeeks WatchAgainst = "weeks" // the same hours of the same weekday, in the weeks before
	AgainstHours WatchAgainst = "hours" // those before the promote
)

// WatchFigure is one thing that was compared. Its units go with What: errors are parts of one, latency and cpu and slow are milliseconds,
// rows are rows of one query; gone and worker_gone are how many there were.
type WatchFigure struct {
	What  string  `json:"what"` // errors, latency, rows, failing, slow, scans, worker_errors, worker_cpu, gone, worker_gone
	Now   float64 `json:"now"`
	Usual float64 `json:"usual"`
	// New: there was no such query before, so that Usual says nothing.
	New   bool   `json:"new,omitempty"`
	Query string `json:"query,omitempty"` // the text, where it is about one
	Runs  int64  `json:"runs,omitempty"`  // of it
}
