// Package config reads config.yaml, strictly.
//
// Parse turns the text of the file into a Config or into Errors: every mistake at once, each with file, line, column, a
// caret under the place, what was expected and, for a misspelt key, what was probably meant. Nothing is guessed: a key
// that is not known, a value of another kind, a variable that is not set and two projects on one database are errors.
// What is legal but probably not meant (a secret that others on the machine can read, an environment on which too few may
// approve what somebody asks for) is a Warning.
//
// The file is decoded to YAML nodes (node.go); ${NAME} is expanded inside scalars only, so a value can never change the
// structure of the file (expand.go). The kinds of value are in values.go, the rules that look at several values
// together in rules.go, windows of time in calendar.go. Secrets have a type of their own that no log or error can print
// (secret.go). Effective writes the whole configuration back, defaults included and secrets hidden, for `towline check`.
// For the audit log, Changes says in sentences what differs between two configs, and Digest names one.
//
// config.example.yaml at the root of the repository is the reference: it has every key, and a test holds it to that.
package config

import (
	"time"

	"github.com/robfig/cron/v3"
)

// Config is the whole of config.yaml with defaults filled in. It is a plain value: read it, do not change it; a changed
// file is a new Config.
type Config struct {
	Telegram   Telegram   `yaml:"telegram"`
	Cloudflare Cloudflare `yaml:"cloudflare"`
	Store      Store      `yaml:"store"`
	Backups    Backups    `yaml:"backups"`
	// StopTimeout is how long a stop may wait for a step that has begun and for messages on their way.
	StopTimeout time.Duration `yaml:"stop_timeout"`
	People      []Person      `yaml:"people"`
	Projects    []Project     `yaml:"projects"`
	Usage       Usage         `yaml:"usage"`
	Admin       AdminListener `yaml:"admin"`

	secrets []string
}

// Telegram says which bot to be and how to hear from Telegram.
type Telegram struct {
	// Token is what BotFather gave out, "123456:ABC...".
	Token Secret `yaml:"token"`
	// APIURL is the Bot API server without a final slash.
	APIURL string `yaml:"api_url"`
	// Webhook is nil for long polling.
	Webhook *Webhook `yaml:"webhook"`
}

// Webhook is how Telegram reaches the bot, where it does not poll.
type Webhook struct {
	// URL is the public address that Telegram posts to.
	URL string `yaml:"url"`
	// Listen is the host:port that the bot itself listens on, behind whatever ends TLS.
	Listen string `yaml:"listen"`
	// Secret comes back in a header of every update (setWebhook, secret_token: 1 to 256 of A-Z a-z 0-9 _ -; from
	// 16 on it cannot be guessed).
	Secret Secret `yaml:"secret"`
}

// Cloudflare is the account whose databases are changed.
type Cloudflare struct {
	// AccountID is 32 lower-case hexadecimal digits.
	AccountID string `yaml:"account_id"`
	APIToken  Secret `yaml:"api_token"`
	// APIURL is the REST API without a final slash.
	APIURL string `yaml:"api_url"`
	// Plan is "paid" or "free": how far back Time Travel reaches, and which limits count.
	Plan string `yaml:"plan"`
	// PlanSaid: the file says which; else Plan is the default, of an account whose plan nobody told.
	PlanSaid bool `yaml:"-"`
	// BillingDay is the day of the month on which the account's billing period begins, 1 to 31, in a shorter month its last: monthly volumes count from then.
	BillingDay int `yaml:"billing_day"`
}

// Store is where Towline keeps its own records.
type Store struct {
	// Path is the database file; absolute once read, relative ones start at the config file's folder.
	Path string `yaml:"path"`
}

// Person is somebody whom the bot obeys, and how far.
type Person struct {
	// ID is Telegram's user id.
	ID   int64  `yaml:"id"`
	Name string `yaml:"name"`
	// Username is Telegram's, without the @, empty for none. It only finds somebody who is named in a command
	// (/delegate @robin); nobody is recognised by it, since whoever gives a username up frees it for anybody else.
	Username string `yaml:"username"`
	Role     Role   `yaml:"role"`
}

// Role is what a person may do; the higher includes the lower: viewer, deployer, approver, admin.
type Role string

// The roles, from the lowest to the highest.
const (
	Viewer   Role = "viewer"
	Deployer Role = "deployer"
	Approver Role = "approver"
	Admin    Role = "admin"
)

// Roles are all roles, from the lowest to the highest.
func Roles() []Role { return []Role{Viewer, Deployer, Approver, Admin} }

// Includes reports whether r may do what other may do. A role that is not one of the four includes nothing and is
// included by nothing.
func (r Role) Includes(other Role) bool {
	return r.rank() >= other.rank() && r.rank() > 0 && other.rank() > 0
}

func (r Role) rank() int {
	for i, role := range Roles() {
		if r == role {
			return i + 1
		}
	}
	return 0
}

// Project is one app.
type Project struct {
	// Name is how the chat calls it: 1 to 39 of a-z 0-9 -, not beginning with a dash.
	Name   string `yaml:"name"`
	Place  Place  `yaml:"chat"`
	Source Source `yaml:"source"`
	// ProductionRefs are the refs that may be promoted: whole names, or "release/*" for every name that begins with
	// "release/". Empty means any.
	ProductionRefs []string `yaml:"production_refs"`
	// Migrations is the folder of migration files below the source's root, with slashes. Empty is what wrangler's config
	// in the source names, else "migrations".
	Migrations string `yaml:"migrations"`
	// MigrationsTable is the ledger's table. Empty is wrangler's migrations_table in the source, else "d1_migrations".
	MigrationsTable string     `yaml:"migrations_table"`
	Preview         Preview    `yaml:"preview"`
	Production      Production `yaml:"production"`
	// Approvals is what a promote to production needs, whether the file has it as approvals or as
	// production.approvals. What a deploy to preview needs is Preview.Approvals.
	Approvals Approvals `yaml:"approvals"`
	// Freeze is when production does not change; nil where it always may. Otherwise there is at least one window.
	Freeze *Freeze `yaml:"freeze"`

	Lint Lint `yaml:"lint"`
	// Renames are migrations that were renamed on purpose after they were applied: old name to new.
	Renames Pairs `yaml:"renames"`
	// Queries is the folder of the project's own queries (*.sql) below the source's root; empty for none.
	Queries  string    `yaml:"queries"`
	Rehearse Rehearse  `yaml:"rehearse"`
	Backups  NoBackups `yaml:"backups"`
	Backfill Backfill  `yaml:"backfill"`
	// Workers are the script names of the app's Workers, whose requests are counted.
	Workers []string `yaml:"workers"`
	// Watch is how long production is watched after a promote.
	Watch OrOff `yaml:"watch"`
}

// Place is a chat, or a topic of it.
type Place struct {
	// Chat is a group's id, a negative number.
	Chat int64
	// Topic is a forum topic's message_thread_id, 0 for the chat itself.
	Topic int
}

// Source is where a project's releases come from: either Dir or Git is set.
type Source struct {
	// Dir is a directory, absolute once read.
	Dir string `yaml:"dir"`
	// Git is an https or ssh address.
	Git string `yaml:"git"`
	// Ref is what /deploy takes when it is given none. Empty is, for Git, the repository's default branch; for Dir, the
	// directory as it is.
	Ref string `yaml:"ref"`
	// Path is the folder of the app below the root, with slashes; empty is the root itself.
	Path string `yaml:"path"`
	// KeyFile is a private ssh key's file, absolute once read.
	KeyFile string `yaml:"key_file"`
	// TokenFile holds an access token for https, absolute once read. It is read again for each fetch, so that a token
	// can be changed without a restart.
	TokenFile string `yaml:"token_file"`
	// Token is what TokenFile held when the config was read, for Secrets alone.
	Token Secret `yaml:"-"`
}

// Preview is the database that every /deploy goes to first.
type Preview struct {
	Database string `yaml:"database"`
	// Seed is an SQL file below the source's root that `/preview reset` runs; empty for none.
	Seed string `yaml:"seed"`
	// Approvals is what a deploy needs: Required is 0, which is nobody's yes, unless the file says more.
	Approvals Approvals `yaml:"approvals"`
}

// Production is the database that /promote goes to.
type Production struct {
	Database string `yaml:"database"`
}

// Approvals is what a change of an environment needs.
type Approvals struct {
	// Required is how many people have to say yes, the requester not counted.
	Required int `yaml:"required"`
	// Role is the lowest role whose yes counts: Approver or Admin.
	Role Role `yaml:"role"`
	// Expire is how long a request stays open.
	Expire time.Duration `yaml:"expire"`
}

// Freeze is a project's calendar of windows in which production does not change. What they mean together is in package
// deploy/freeze.
type Freeze struct {
	// Timezone is the zone whose clocks all windows are read on.
	Timezone *time.Location `yaml:"timezone"`
	// Deny are windows in which production does not change; they win over Allow.
	Deny []Window `yaml:"deny"`
	// Allow are windows outside of which production does not change; none of them means that it may at any time.
	Allow []Window `yaml:"allow"`
}

// Window is one window of a Freeze: either Cron and For, or From and To.
type Window struct {
	// Cron is when the window begins, as written; Schedule is the same, parsed, and nil for a range of dates. Its own
	// time zone means nothing: Freeze.Timezone does.
	Cron     string             `yaml:"cron"`
	Schedule *cron.SpecSchedule `yaml:"-"`
	// For is how long the window is, on the clock of the zone: 1m to 31d.
	For time.Duration `yaml:"for"`
	// From and To are the range as written, "2026-12-20" or "2026-12-24 12:00".
	From string `yaml:"from"`
	To   string `yaml:"to"`
	// Begins and Ends are the same as instants, the end not included: where To is a date, the midnight after it.
	Begins time.Time `yaml:"-"`
	Ends   time.Time `yaml:"-"`
	// Reason is what people are told; it may be empty.
	Reason string `yaml:"reason"`
}

// Text is the window as people read it: "0 16 * * FRI for 64h", "2026-12-20 to 2027-01-04".
func (w Window) Text() string {
	if w.Cron != "" {
		return w.Cron + " for " + spanText(w.For)
	}
	return w.From + " to " + w.To
}
