package release

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// Rehearsal is what the plan's rehearsal measured, as far as a card shows it. The whole of it is the document that
// Plan.Report names. Nothing of it is part of a digest.
type Rehearsal struct {
	DurationMS int64 `json:"duration_ms,omitempty"` // here, on a local copy
	// EstimateMS is what D1 is expected to take, of the 30 s that it allows ("Limits", D1 docs); 0: not known.
	EstimateMS  int64 `json:"estimate_ms,omitempty"`
	RowsRead    int64 `json:"rows_read,omitempty"` // estimates of what D1 would bill
	RowsWritten int64 `json:"rows_written,omitempty"`

	Data     bool      `json:"data,omitempty"`     // on a copy of the data, not of the schema alone
	CopyAt   time.Time `json:"copy_at,omitzero"`   // when that copy was taken
	NoCopy   string    `json:"no_copy,omitempty"`  // why there was none, where the project asks for one
	Tables   []Rows    `json:"tables,omitempty"`   // whose number of rows the release changes
	Orphans  int64     `json:"orphans,omitempty"`  // rows that refer to nothing afterwards, and did to something before
	Rejected int64     `json:"rejected,omitempty"` // rows of the copy that a constraint refuses
	Fails    string    `json:"fails,omitempty"`    // where and why the copy of the data refuses the release; empty: it takes it
	Cut      int64     `json:"cut,omitempty"`      // rows that a copy from table to table leaves behind
	Gone     int64     `json:"gone,omitempty"`     // rows whose keys are not there afterwards
	Short    int64     `json:"short,omitempty"`    // values of which the release cuts something off
	Rounded  int64     `json:"rounded,omitempty"`  // numbers that lose digits
	Nulled   int64     `json:"nulled,omitempty"`   // values that become NULL
	Lost     []string  `json:"lost,omitempty"`     // indexes and triggers that are gone afterwards
	Slower   []string  `json:"slower,omitempty"`   // the project's queries with a worse plan: "name: what becomes what"
}

// Rows is how many rows a table has before and after a rehearsal.
type Rows struct {
	Table  string `json:"table"`
	Before int64  `json:"before"`
	After  int64  `json:"after"`
}

// BackupPlan says whether a run takes a copy of the data out of the database before it changes it, and why.
type BackupPlan struct {
	// Why names what makes the change destructive: "drops orders", "deletes from sessions"; empty: it is not, and there is
	// no backup.
	Why []string `json:"why,omitempty"`
	// Off is the project's reason for taking none all the same.
	Off string `json:"off,omitempty"`
	// Tables: the database has virtual tables, or the last backup told that an export of it is not exact, so that it is copied
	// table by table instead of exported.
	Tables bool `json:"tables,omitempty"`
	// Seconds is how long the export is expected to block the database; 0: not known.
	Seconds int `json:"seconds,omitempty"`
	// Guessed: no earlier backup has told how fast an export of the team's databases is.
	Guessed bool `json:"guessed,omitempty"`
}

// Wanted says that a backup is taken.
func (b *BackupPlan) Wanted() bool { return b != nil && len(b.Why) > 0 && b.Off == "" }

// BackupTaken is the backup that a run took.
type BackupTaken struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Bytes  int64     `json:"bytes"`
	Rows   int64     `json:"rows"`
	Millis int64     `json:"ms"` // how long the database was asked
	// Unexported is why the database was copied table by table instead of exported, where that is not for its virtual tables.
	Unexported string   `json:"unexported,omitempty"`
	Restored   bool     `json:"restored"`          // it was restored locally, to prove that it can be
	Missing    []string `json:"missing,omitempty"` // what an export does not hold faithfully, in words
}

// Seen is what an environment's database was when Towline last knew it: after a run, or when a change from outside was
// adopted.
type Seen struct {
	Fingerprint string    `json:"fingerprint"`
	Ledger      []string  `json:"ledger"`
	At          time.Time `json:"at"`
	Schema      string    `json:"schema,omitempty"` // blob of the objects, so that a change can be shown
}

// Kept is the blob of the objects, empty where nothing was seen.
func (s *Seen) Kept() string {
	if s == nil {
		return ""
	}
	return s.Schema
}

// Drift is a change of a database that Towline did not make.
type Drift struct {
	Fingerprint string    `json:"fingerprint"`
	Ledger      []string  `json:"ledger"`
	At          time.Time `json:"at"` // when it was noticed
	Changes     []string  `json:"changes,omitempty"`
	// Applied are migrations of a release that something else than Towline applied.
	Applied []string `json:"applied,omitempty"`
	Schema  string   `json:"schema,omitempty"` // blob of the objects as they are now
	// Replaced: it is not the database that Towline knew, but the one of the id Database; empty: there is none.
	Replaced bool   `json:"replaced,omitempty"`
	Database string `json:"database_id,omitempty"`
	// Looking is who said that they look into it; nobody is told again meanwhile.
	Looking *Person `json:"looking,omitempty"`
}

// Key names the change, whenever it was noticed.
func (d Drift) Key() string {
	text := d.Fingerprint + "\n" + strings.Join(d.Ledger, "\n")
	if d.Replaced {
		text += "\nin database " + d.Database
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// Drill is a restore of the last backup on this machine, to know that it works.
type Drill struct {
	At     time.Time `json:"at"`
	Backup string    `json:"backup,omitempty"` // its id
	Taken  time.Time `json:"taken,omitzero"`   // when the backup was taken
	Passed bool      `json:"passed"`
	Words  string    `json:"words,omitempty"` // what was wrong
	// Untried: what was wrong is with the bot's machine, such as a full disk, and nothing is known against the backup.
	Untried bool   `json:"untried,omitempty"`
	Rows    int64  `json:"rows,omitempty"`
	Millis  int64  `json:"ms,omitempty"`
	By      Person `json:"by,omitzero"` // empty: the calendar
}

// BaselinePlan says of a baseline where its names come from, and what speaks for another choice.
type BaselinePlan struct {
	From    BaselineFrom `json:"from"`
	Left    []string     `json:"left,omitempty"`    // files that are not recorded: a promote runs them
	Unsure  []string     `json:"unsure,omitempty"`  // recorded, though they change no schema, so that nobody can see whether they ran
	Differs []string     `json:"differs,omitempty"` // how the schema that is there differs from what the files make, in words
}

// BaselineFrom is where the names of a baseline come from.
type BaselineFrom string

// The sources of a baseline.
const (
	BaselineSchema  BaselineFrom = "schema"  // the files replayed give exactly the schema that is there
	BaselineDrizzle BaselineFrom = "drizzle" // Drizzle's own ledger
	BaselineNamed   BaselineFrom = "named"   // a person named the last file
)

// Wanted is what somebody asked for that takes a while, so that it is done after a restart as well.
type Wanted struct {
	By      Person    `json:"by"`
	Key     string    `json:"key"`
	ReplyTo string    `json:"reply_to,omitempty"` // opaque to the engine
	At      time.Time `json:"at"`
}

// Lifetime is what is known of a table or column of production, for the way of expanding first and contracting later.
type Lifetime struct {
	Table  string `json:"table"`
	Column string `json:"column,omitempty"` // empty: the table itself
	Added  uint64 `json:"added,omitempty"`  // the release that brought it; 0: it was there before Towline
	// Unused is the release since which the code does not name it any more, and Since when that became live on production;
	// 0: it is used.
	Unused uint64    `json:"unused,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	// At is a place in the code that names it.
	At string `json:"at,omitempty"`
}

// Compared is how a database after a change stands to what its rehearsal and its state before led to expect.
type Compared struct {
	Tables      int        `json:"tables,omitempty"` // whose rows were counted
	Rows        int64      `json:"rows,omitempty"`   // in all of them
	Differences []Mismatch `json:"differences,omitempty"`
	// Grown are tables with more rows than expected. A migration does not make rows that the rehearsal did not see; the app does.
	Grown []Mismatch `json:"grown,omitempty"`
	// Changed are tables that the release writes to, of which nothing was expected since it was not rehearsed on these rows, and that
	// have another number of them now.
	Changed []Rows `json:"changed,omitempty"`
	Problem string `json:"problem,omitempty"` // why it could not be compared
}

// Mismatch is one thing that is not as expected.
type Mismatch struct {
	What     string `json:"what"` // schema, index, rows, foreign keys, quick_check
	Name     string `json:"name"` // of a table or object
	Expected string `json:"expected,omitempty"`
	Got      string `json:"got,omitempty"`
}
