// Package release holds the words of a release as values: the release itself, the plan that says what a run would do to
// one environment, the run that carries it out, and the restore point that leads back. Everything here is pure data and
// pure functions of it; package deploy moves it, package gate judges it, package cards says it.
//
// The JSON form of these types is what the store keeps. Fields may be added; a field that was once released is neither
// renamed nor given another meaning. States are strings, so that an old record stays readable by a person.
package release

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"towline/migrations"
)

// Environment is one of a project's two places: preview, shared by its branches, and production.
type Environment string

// The environments. Their order is the order of a release's way.
const (
	Preview    Environment = "preview"
	Production Environment = "production"
)

// Person is somebody as they are named in a record: the id is who they are, the name is what they were called then.
type Person struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	// Anonymous: they acted as an anonymous administrator of the chat. Who they are is in the store and its export alone.
	Anonymous bool `json:"anonymous,omitempty"`
}

// Shown is what people read of a person: never the name of somebody who acted anonymously.
func (p Person) Shown() string {
	if p.Anonymous {
		return "an anonymous admin"
	}
	return p.Name
}

// Release is the immutable content that a team ships, under a number that people can say. Its digest covers content alone:
// the same files from another commit are the same release.
type Release struct {
	Project    string      `json:"project"`
	Number     uint64      `json:"number"`
	Digest     string      `json:"digest"`               // sha256, hex, of the manifest
	Migrations []Migration `json:"migrations,omitempty"` // left out where releases are listed
	Files      int         `json:"files,omitempty"`      // how many migrations it has; kept by the store
	Seed       string      `json:"seed,omitempty"`       // blob digest of the seed for preview, outside the digest: production never sees it
	Origin     Origin      `json:"origin"`               // where this content was last seen
	Refs       []string    `json:"refs,omitempty"`       // every ref from which this content was deployed
	CreatedBy  Person      `json:"created_by"`
	CreatedAt  time.Time   `json:"created_at"`

	// Layout is how the migrations lie in the project: wrangler, drizzle-journal, drizzle-folders or plain.
	Layout string `json:"layout,omitempty"`
	// Folder is where they lie, below the source's folder.
	Folder string `json:"folder,omitempty"`
	// Ledger is the ledger's table, as Towline's config or wrangler's names it; empty: d1_migrations.
	Ledger string `json:"ledger_table,omitempty"`
	// Problems are what was found about the files where they lay.
	Problems []Finding `json:"problems,omitempty"`
	Queries  []Query   `json:"queries,omitempty"` // the project's own, outside the digest
	// Code is the blob of what the project's code names of the schema: name to place. Empty: it was not looked at.
	Code string `json:"code,omitempty"`

	Notes      []Note       `json:"notes,omitempty"`       // root causes, oldest first
	BreakGlass []BreakGlass `json:"break_glass,omitempty"` // gates that were skipped for it, for ever
}

// Note is what somebody found out about a release that failed or was rolled back.
type Note struct {
	By   Person    `json:"by"`
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// BreakGlass is an administrator's decision to go past gates, with the reason that they typed and every gate that it skips.
type BreakGlass struct {
	By     Person    `json:"by"`
	At     time.Time `json:"at,omitzero"` // when it was confirmed
	Reason string    `json:"reason"`
	Run    string    `json:"run,omitempty"`
	Skips  []Refusal `json:"skips,omitempty"` // what each skipped gate said
}

// Codes are those of the gates that it skips.
func (b *BreakGlass) Codes() []Code {
	if b == nil {
		return nil
	}
	codes := make([]Code, len(b.Skips))
	for i, r := range b.Skips {
		codes[i] = r.Code
	}
	return codes
}

// Query is one of the queries that a project registers, so that a migration which makes it slow is noticed.
type Query struct {
	Name string `json:"name"`
	Blob string `json:"blob"`
}

// Migration is one file of a release: its name in the ledger, where its content lies, and its DOWN file if it has one.
type Migration struct {
	Name     string              `json:"name"`
	Checksum migrations.Checksum `json:"checksum"`
	Blob     string              `json:"blob"`           // digest of the content
	Down     string              `json:"down,omitempty"` // digest of the DOWN file's content, empty where there is none
}

// Origin says where the content was taken from. It is shown to people and never part of a digest.
type Origin struct {
	Ref     string    `json:"ref,omitempty"`
	Commit  string    `json:"commit,omitempty"`
	Author  string    `json:"author,omitempty"`
	Subject string    `json:"subject,omitempty"`
	Time    time.Time `json:"time,omitzero"`
	Web     string    `json:"web,omitempty"`   // https base of the repository on a host that can compare commits
	Dirty   bool      `json:"dirty,omitempty"` // a work tree with changes that no commit holds
}

// DigestOf names a bundle by its content: names in order, each with the checksum of its bytes and of its DOWN file.
func DigestOf(files []migrations.File) string {
	h := sha256.New()
	fmt.Fprintf(h, "towline bundle 1\n%d\n", len(files))
	for _, f := range files {
		down := "none"
		if f.Down != nil {
			sum := sha256.Sum256(f.Down)
			down = hex.EncodeToString(sum[:])
		}
		fmt.Fprintf(h, "%q %s %s\n", f.Name, f.Checksum().Raw, down)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Short is the part of a digest that people compare: its first eight characters.
func Short(digest string) string {
	return digest[:min(8, len(digest))]
}

// Standing is how a release stands in one environment.
type Standing string

// The standings of DESIGN's "release". Live alone means live on production.
const (
	Waiting    Standing = "waiting"
	Running    Standing = "running"
	Live       Standing = "live"
	Failed     Standing = "failed"
	Superseded Standing = "superseded"
	RolledBack Standing = "rolled back"
)

// RestorePoint is the state of a database at one moment, to which D1's Time Travel can return it.
type RestorePoint struct {
	Database   string    `json:"database"` // its name, as wrangler takes it
	DatabaseID string    `json:"database_id"`
	Bookmark   string    `json:"bookmark"`
	At         time.Time `json:"at"`
	// Kept is for how long Time Travel leads back to it, by the account's plan; 0: nobody told the plan.
	Kept time.Duration `json:"kept,omitempty"`

	Rows   map[string]int64 `json:"rows,omitzero"`   // rows per table then; nil: they were not counted
	Ledger []string         `json:"ledger,omitzero"` // names that the ledger held then
}

// Command is the literal wrangler command that returns to the point, for the day the bot is down.
func (p RestorePoint) Command() string {
	return fmt.Sprintf("wrangler d1 time-travel restore %s --bookmark=%s", p.Database, p.Bookmark)
}

// Retention is how long a bookmark can be returned to: 30 days on a paid plan. The free plan keeps 7.
// Source: D1 documentation, "Limits".
const (
	Retention     = 30 * 24 * time.Hour
	RetentionFree = 7 * 24 * time.Hour
)

// Days are the whole days of a retention.
func Days(d time.Duration) int { return int(d / (24 * time.Hour)) }

// Restores is how many Time Travel restores Cloudflare allows a database in RestoresIn. Source: D1 documentation, "Limits".
const (
	Restores   = 10
	RestoresIn = 10 * time.Minute
)

// RestoresLeft is how many restores may be made now, and where there is none when there is one again.
func (s State) RestoresLeft(now time.Time) (left int, again time.Time) {
	recent := s.recentRestores(now)
	if left = Restores - len(recent); left > 0 {
		return left, time.Time{}
	}
	return 0, recent[len(recent)-Restores].Add(RestoresIn)
}

// Restored adds a restore to those that count, and forgets older ones.
func (s *State) Restored(now time.Time) { s.Restores = append(s.recentRestores(now), now) }

func (s State) recentRestores(now time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(s.Restores), func(t time.Time) bool { return now.Sub(t) >= RestoresIn })
}

// State is what the store keeps of one environment of one project: what is live, who works on it, who waits.
type State struct {
	Project     string      `json:"project"`
	Environment Environment `json:"environment"`
	Revision    uint64      `json:"revision"`           // grows with every change of this record
	Database    string      `json:"database,omitempty"` // the name that DatabaseID belongs to: a config may name another one now
	DatabaseID  string      `json:"database_id,omitempty"`
	Live        uint64      `json:"live,omitempty"` // number of the release, 0: none that Towline knows
	LiveRun     string      `json:"live_run,omitempty"`
	LiveSince   time.Time   `json:"live_since,omitzero"`
	Lease       *Lease      `json:"lease,omitempty"`
	Unresolved  bool        `json:"unresolved,omitempty"` // the lease's run ended unknown: a person must look
	Queue       []string    `json:"queue,omitempty"`      // runs that wait for their turn, first first
	Request     string      `json:"request,omitempty"`    // the run that waits for approval
	Last        string      `json:"last,omitempty"`       // the newest run, whose card has the buttons
	Hold        *Hold       `json:"hold,omitempty"`
	Lock        *Lock       `json:"lock,omitempty"`
	Freeze      *Freeze     `json:"freeze,omitempty"`

	Seen     *Seen        `json:"seen,omitempty"`
	Drift    *Drift       `json:"drift,omitempty"`
	Drill    *Drill       `json:"drill,omitempty"`    // the last
	Backup   *BackupTaken `json:"backup,omitempty"`   // the last that a run took
	Restores []time.Time  `json:"restores,omitempty"` // Time Travel restores of the last ten minutes, of which Cloudflare allows ten

	// Points are the restore points that Time Travel may still reach, oldest first: those of the history, in short.
	Points []Reach `json:"points,omitempty"`
	// Wanted is a drill that somebody asked for and that is not over.
	Wanted *Wanted `json:"wanted,omitempty"`
	// Left are migrations that a rollback left applied though the live release lacks them: they only added to the schema.
	Left     []string     `json:"left,omitempty"`
	Backfill *Backfilling `json:"backfill,omitempty"` // one that is not done
	Watch    string       `json:"watch,omitempty"`    // the run of the last watch

	// Unfinished is the restore point of the first of those runs that changed the database and did not come to their end,
	// since the last that did. It is the way back to what was live before them.
	Unfinished *RestorePoint `json:"unfinished,omitempty"`
}

// Reach is a restore point in short: when it was taken, in which database, and which release it leads back to.
type Reach struct {
	At       time.Time `json:"at"`
	Database string    `json:"database"`          // its id
	Release  uint64    `json:"release,omitempty"` // 0: the time before the first
}

// Reached adds a restore point, and forgets those that are gone.
func (s *State) Reached(p RestorePoint, to uint64) {
	points := slices.DeleteFunc(slices.Clone(s.Points), func(r Reach) bool { return p.At.Sub(r.At) > Retention })
	s.Points = append(points, Reach{At: p.At, Database: p.DatabaseID, Release: to})
}

// Change is one entry of an environment's history: a release became live, and this is how the database could be returned
// to the moment before.
type Change struct {
	Seq     uint64        `json:"seq"`
	Release uint64        `json:"release"`
	Run     string        `json:"run"`
	Kind    Kind          `json:"kind"`
	At      time.Time     `json:"at"`
	Before  *RestorePoint `json:"before,omitempty"`
	Ledger  []string      `json:"ledger"`           // names that the ledger held afterwards
	Schema  string        `json:"schema,omitempty"` // blob of the objects that the database had afterwards
	Adds    bool          `json:"adds,omitempty"`   // it only added to the database, so that the code of before works on with it
}

// Applied is what Towline knows of a migration that it applied: the content's checksum and the release it came with.
type Applied struct {
	Checksum migrations.Checksum `json:"checksum"`
	Release  uint64              `json:"release"`
}
