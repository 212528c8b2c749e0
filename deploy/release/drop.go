package release

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"
)

// Delete is the kind of run that takes a preview database away, after a copy of it was kept. It is about no release.
const Delete Kind = "delete"

// StepDelete is the step that deletes the database. It is bound to the database's id, so that it can be sent again.
const StepDelete = "delete"

// Drop is what somebody confirmed: that a preview database is emptied, or deleted, of which they were shown this.
type Drop struct {
	Database string    `json:"database"`
	ID       string    `json:"database_id"`
	Size     int64     `json:"size,omitempty"`      // bytes, 0 where it was not told
	Deployed time.Time `json:"deployed,omitzero"`   // when something was last put on it; zero: never, as far as Towline knows
	Used     time.Time `json:"used,omitzero"`       // when it was last used, as far as that is counted; zero: not known
	Foreign  bool      `json:"foreign,omitempty"`   // Towline did not make it, and it was named twice
	LeftOver bool      `json:"left_over,omitempty"` // its project is gone from the config, or has another preview now
}

// Known is what Towline remembers of a database by its name, as long as there is a store: for whom it was there, and whether
// Towline made it. What was once a production database is none that Towline deletes, whatever the config says later.
type Known struct {
	Database string `json:"database"`
	Uses     []Use  `json:"uses,omitempty"`
	Made     []Made `json:"made,omitempty"` // by Towline, under this name
	// Gone is since when there is no database of this name, as far as Towline knows; zero: there may be one.
	Gone time.Time `json:"gone,omitzero"`
}

// Use says that a database is, or was, an environment's.
type Use struct {
	Project     string      `json:"project"`
	Environment Environment `json:"environment"`
	Since       time.Time   `json:"since"`         // when Towline first knew it
	Left        time.Time   `json:"left,omitzero"` // since when the config does not name it any more; zero: it does
	Last        time.Time   `json:"last,omitzero"` // when a run ended there; zero: none did
	Run         string      `json:"run,omitempty"` // which
	Place       string      `json:"place,omitempty"`
}

// Made is one database that Towline created. Whoever deletes it and makes another one of its name makes one with another id.
type Made struct {
	ID  string    `json:"id"`
	Run string    `json:"run"`
	At  time.Time `json:"at"`
}

// MadeID reports whether Towline made the database of that id.
func (k Known) MadeID(id string) bool {
	return id != "" && slices.ContainsFunc(k.Made, func(m Made) bool { return m.ID == id })
}

// Was reports whether the database ever was some project's in that environment.
func (k Known) Was(env Environment) bool {
	return slices.ContainsFunc(k.Uses, func(u Use) bool { return u.Environment == env })
}

// Use finds, or adds, what the database is to an environment of a project. The pointer is good until the next call.
func (k *Known) Use(project string, env Environment, since time.Time) *Use {
	for i := range k.Uses {
		if u := &k.Uses[i]; u.Project == project && u.Environment == env {
			return u
		}
	}
	k.Uses = append(k.Uses, Use{Project: project, Environment: env, Since: since})
	return &k.Uses[len(k.Uses)-1]
}

// Touched is when somebody last did something with it, as far as is known; zero: it is not.
func (d Drop) Touched() time.Time {
	if d.Used.After(d.Deployed) {
		return d.Used
	}
	return d.Deployed
}

// Digest binds a confirmation to what was shown: which database, and when it was last touched. That an earlier use becomes known
// later, because counting lags behind, changes nothing.
func (d Drop) Digest() string {
	bound, err := json.Marshal(struct {
		V            int
		Database, ID string
		Touched      int64
		LeftOver     bool
	}{1, d.Database, d.ID, unix(d.Touched()), d.LeftOver})
	if err != nil {
		panic("release: a confirmation that cannot be marshalled: " + err.Error()) // strings and numbers only
	}
	sum := sha256.Sum256(bound)
	return hex.EncodeToString(sum[:])
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
