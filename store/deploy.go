package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"towline/deploy"
	"towline/deploy/release"
)

// Deploy is the engine's store: releases, environments, runs, events and the audit log.
//
// Keys, all below "deploy/", with numbers of twenty digits so that they sort:
//
//	files/PROJECT/NUMBER        a release's migrations, apart, so that a list of releases does not carry them
//	release/PROJECT/NUMBER      a release           digest/PROJECT/DIGEST         its number
//	state/PROJECT/ENV           an environment      standing/PROJECT/ENV/NUMBER   how a release stands there
//	change/PROJECT/ENV/SEQ      what became live    sums/PROJECT/ENV              checksums of what was applied
//	run/ID                      a run               key/KEY                       the run that a request made
//	kept/PROJECT/ENV            present while the environment has a lock, a hold or a freeze
//	lifetimes/PROJECT           what is known of the tables and columns of production
//	known/DATABASE              what is remembered of a database
//	delegations                 the roles that people lent each other
//	config                      digest of the config that counted last
//	open/ID                     present while a run can still change something
//	event/SEQ                   an event
//	audit/LOG/SEQ               an audit entry      audit-head/LOG                the last one (audit.go)
//
// A value is a record: a version and the engine's type in JSON, whose package says what may change in it.
type Deploy struct{ s *Store }

// Deploy returns the engine's view of the store.
func (s *Store) Deploy() Deploy { return Deploy{s} }

// recordVersion is the version of every record written by this code. A record with a higher one was written by a newer
// Towline; it is refused and not guessed at. Version 2 has the form of 1: it came with format 2 of the store.
const recordVersion = 2

// record is how a value lies in the store.
type record struct {
	V    int             `json:"v"`
	Body json.RawMessage `json:"body"`
}

// View runs fn on one state of the store.
func (d Deploy) View(ctx context.Context, fn func(deploy.Tx) error) error {
	return d.run(ctx, d.s.View, fn)
}

// Update runs fn and commits what it wrote, unless it returns an error or a record could not be read.
func (d Deploy) Update(ctx context.Context, fn func(deploy.Tx) error) error {
	return d.run(ctx, d.s.Update, fn)
}

func (d Deploy) run(ctx context.Context, transact func(context.Context, func(Tx) error) error, fn func(deploy.Tx) error) error {
	return transact(ctx, func(tx Tx) error {
		t := &deployTx{tx: tx}
		err := fn(t)
		if len(t.errs) > 0 { // whatever fn decided, it decided without a record that is there
			return errors.Join(t.errs...)
		}
		return err
	})
}

// deployTx gathers the errors of single records, so that the engine's functions read like what they do.
type deployTx struct {
	tx   Tx
	errs []error
}

var _ deploy.Tx = (*deployTx)(nil)

func key(parts ...string) string { return "deploy/" + strings.Join(parts, "/") }

func number(n uint64) string { return fmt.Sprintf("%020d", n) }

// get reads a record into a value. It is false where there is none.
func get[T any](t *deployTx, k string) (v T, ok bool) {
	raw, ok := t.tx.Get(k)
	if !ok {
		return v, false
	}
	if err := decode(raw, &v); err != nil {
		t.errs = append(t.errs, fmt.Errorf("record %s: %w", k, err))
		return v, false
	}
	return v, true
}

// written is how every record begins that this code writes, so that reading one is decoding its body, once.
var written = []byte(fmt.Sprintf(`{"v":%d,"body":`, recordVersion))

func decode(raw []byte, v any) error {
	if body, ours := bytes.CutPrefix(raw, written); ours {
		return json.Unmarshal(bytes.TrimSuffix(body, []byte("}")), v)
	}
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	if r.V > recordVersion {
		return newerRecord(r.V)
	}
	return json.Unmarshal(r.Body, v)
}

// newerRecord is the version of a record that this Towline does not know.
type newerRecord int

func (v newerRecord) Error() string {
	return fmt.Sprintf("was written by a newer Towline (record version %d, this one knows %d): use that version, or restore a backup", int(v), recordVersion)
}

func put(t *deployTx, k string, v any) {
	body, err := json.Marshal(v)
	if err == nil {
		body, err = json.Marshal(record{V: recordVersion, Body: body})
	}
	if err != nil {
		t.errs = append(t.errs, fmt.Errorf("record %s: %w", k, err))
		return
	}
	t.tx.Put(k, body)
}

// list reads up to limit records below a prefix, from a key on (exclusive), in either direction.
func list[T any](t *deployTx, prefix, from string, limit int, reverse bool) []T {
	var out []T
	for k, raw := range t.tx.Scan(prefix, from, limit+1, reverse) {
		if k == from {
			continue
		}
		if len(out) == limit {
			break
		}
		var v T
		if err := decode(raw, &v); err != nil {
			t.errs = append(t.errs, fmt.Errorf("record %s: %w", k, err))
			continue
		}
		out = append(out, v)
	}
	return out
}

// below is where a list that runs from new to old begins: before a number, or at the newest for 0.
func below(prefix string, n uint64) string {
	if n == 0 {
		return ""
	}
	return prefix + number(n)
}

func (t *deployTx) Release(project string, n uint64) (release.Release, bool) {
	r, ok := get[release.Release](t, key("release", project, number(n)))
	if ok && r.Migrations == nil && r.Files > 0 {
		if r.Migrations, ok = get[[]release.Migration](t, key("files", project, number(n))); !ok {
			t.errs = append(t.errs, fmt.Errorf("record %s: the migrations of release #%d are missing", key("files", project, number(n)), n))
		}
	}
	r.Files = max(r.Files, len(r.Migrations))
	return r, ok
}

func (t *deployTx) ReleaseOf(project, digest string) (uint64, bool) {
	return get[uint64](t, key("digest", project, digest))
}

func (t *deployTx) NextRelease(project string) uint64 { return t.tx.Next("release/" + project) }

func (t *deployTx) PutRelease(r release.Release) {
	if len(r.Migrations) > 0 {
		put(t, key("files", r.Project, number(r.Number)), r.Migrations)
		r.Files = len(r.Migrations)
	}
	r.Migrations = nil
	put(t, key("release", r.Project, number(r.Number)), r)
	put(t, key("digest", r.Project, r.Digest), r.Number)
}

func (t *deployTx) Releases(project string, before uint64, limit int) []release.Release {
	prefix := key("release", project) + "/"
	all := list[release.Release](t, prefix, below(prefix, before), limit, true)
	for i, r := range all {
		all[i].Files, all[i].Migrations = max(r.Files, len(r.Migrations)), nil
	}
	return all
}

func (t *deployTx) State(project string, env release.Environment) release.State {
	s, _ := get[release.State](t, key("state", project, string(env)))
	s.Project, s.Environment = project, env
	return s
}

func (t *deployTx) PutState(s release.State) {
	s.Revision = t.State(s.Project, s.Environment).Revision + 1
	put(t, key("state", s.Project, string(s.Environment)), s)
	kept := key("kept", s.Project, string(s.Environment))
	if s.Lock != nil || s.Hold != nil || s.Freeze != nil {
		put(t, kept, place{s.Project, s.Environment})
	} else {
		t.tx.Delete(kept)
	}
}

// place names an environment, where a key alone would have to be taken apart.
type place struct {
	Project     string              `json:"project"`
	Environment release.Environment `json:"environment"`
}

func (t *deployTx) Kept() []release.State {
	var out []release.State
	for _, p := range list[place](t, key("kept")+"/", "", openLimit, false) {
		out = append(out, t.State(p.Project, p.Environment))
	}
	return out
}

func (t *deployTx) Delegations() []release.Delegation {
	all, _ := get[[]release.Delegation](t, key("delegations"))
	return all
}

func (t *deployTx) PutDelegations(all []release.Delegation) { put(t, key("delegations"), all) }

func (t *deployTx) Lifetimes(project string) []release.Lifetime {
	all, _ := get[[]release.Lifetime](t, key("lifetimes", project))
	return all
}

func (t *deployTx) PutLifetimes(project string, all []release.Lifetime) {
	put(t, key("lifetimes", project), all)
}

func (t *deployTx) Known(database string) (release.Known, bool) {
	return get[release.Known](t, key("known", database))
}

func (t *deployTx) PutKnown(k release.Known) { put(t, key("known", k.Database), k) }

// knownLimit is as many databases as an account can have (D1 documentation, "Limits").
const knownLimit = 50_000

func (t *deployTx) AllKnown() []release.Known {
	return list[release.Known](t, key("known")+"/", "", knownLimit, false)
}

func (t *deployTx) Config() string {
	digest, _ := get[string](t, key("config"))
	return digest
}

func (t *deployTx) PutConfig(digest string) { put(t, key("config"), digest) }

func (t *deployTx) Standing(project string, env release.Environment, n uint64) release.Standing {
	s, _ := get[release.Standing](t, key("standing", project, string(env), number(n)))
	return s
}

func (t *deployTx) PutStanding(project string, env release.Environment, n uint64, s release.Standing) {
	k := key("standing", project, string(env), number(n))
	if s == "" {
		t.tx.Delete(k)
		return
	}
	put(t, k, s)
}

func (t *deployTx) Changes(project string, env release.Environment, before uint64, limit int) []release.Change {
	prefix := key("change", project, string(env)) + "/"
	return list[release.Change](t, prefix, below(prefix, before), limit, true)
}

func (t *deployTx) AddChange(project string, env release.Environment, c release.Change) {
	c.Seq = t.tx.Next("change/" + project + "/" + string(env))
	put(t, key("change", project, string(env), number(c.Seq)), c)
}

func (t *deployTx) Checksums(project string, env release.Environment) map[string]release.Applied {
	sums, _ := get[map[string]release.Applied](t, key("sums", project, string(env)))
	return sums
}

func (t *deployTx) PutChecksums(project string, env release.Environment, sums map[string]release.Applied) {
	put(t, key("sums", project, string(env)), sums)
}

func (t *deployTx) Run(id string) (release.Run, bool) { return get[release.Run](t, key("run", id)) }

func (t *deployTx) RunOf(k string) (string, bool) { return get[string](t, key("key", k)) }

func (t *deployTx) PutRun(r release.Run) {
	put(t, key("run", r.ID), r)
	if r.Key != "" {
		put(t, key("key", r.Key), r.ID)
	}
	if r.Phase.Open() {
		put(t, key("open", r.ID), r.ID)
	} else {
		t.tx.Delete(key("open", r.ID))
	}
}

// openLimit is more open runs than one team, or a company, ever has.
const openLimit = 10_000

func (t *deployTx) Open() []string { return list[string](t, key("open")+"/", "", openLimit, false) }

func (t *deployTx) Append(e deploy.Event) {
	e.Seq = t.tx.Next("event")
	put(t, key("event", number(e.Seq)), e)
}

func (t *deployTx) Events(after uint64, limit int) []deploy.Event {
	prefix := key("event") + "/"
	return list[deploy.Event](t, prefix, prefix+number(after), limit, false)
}

// Cursor reads how far a follower of events has come; SetCursor moves it on.
func (d Deploy) Cursor(ctx context.Context, follower string) (seq uint64, err error) {
	err = d.s.View(ctx, func(tx Tx) error {
		if raw, ok := tx.Get(key("cursor", follower)); ok {
			seq, err = strconv.ParseUint(string(raw), 10, 64)
			return err
		}
		return nil
	})
	return seq, err
}

// SetCursor stores how far a follower of events has come.
func (d Deploy) SetCursor(ctx context.Context, follower string, seq uint64) error {
	return d.s.Update(ctx, func(tx Tx) error {
		tx.Put(key("cursor", follower), strconv.AppendUint(nil, seq, 10))
		return nil
	})
}
