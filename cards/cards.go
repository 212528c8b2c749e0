// Package cards turns state into words. Everything that Towline says to a person is said here, so that one voice speaks:
// sentence case, facts before advice, the next step last, an emoji never without its word, no exclamation marks and no
// jokes in failures.
//
// A card is a function of stored state alone, so that any card can be rendered again after a restart. text.go keeps what
// comes from outside (branches, files, authors) from being read as markup, and every message within Telegram's limits.
// run.go says how a run stands, request.go what people are asked to approve, ending.go how it went, refusal.go why not,
// status.go and help.go answer the commands that only ask.
package cards

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Card is one message: Telegram HTML and rows of buttons.
type Card struct {
	HTML    string
	Buttons [][]Button
	Notify  bool      // a person must act, or a release is in trouble
	OnReply Action    // what an answer to it in words means
	Until   time.Time // when its buttons are dead; zero: as long as such things last
	Asks    bool      // its buttons are the answers to a question
}

// Button says a verb and does exactly one thing: an action of Towline's, a page, or a text to copy.
type Button struct {
	Text   string
	Action Action
	URL    string
	Copy   string
	Style  Style
	For    []int64 // the only people who may press it; empty: whoever may do what it means
}

// Style is how a button looks in clients that can show it.
type Style string

// The styles of the Bot API.
const (
	Plain   Style = ""
	Primary Style = "primary"
	Success Style = "success"
	Danger  Style = "danger"
)

// Verb is what a button does.
type Verb string

// The verbs. They are kept in the store with every button that was sent, so they stay.
const (
	Approve   Verb = "approve"   // run, digest
	Reject    Verb = "reject"    // run, digest
	Because   Verb = "because"   // run, digest, reason; as what an answer means: run, digest, person
	Cancel    Verb = "cancel"    // project, run
	Deploy    Verb = "deploy"    // project, ref
	Promote   Verb = "promote"   // project, number
	Rollback  Verb = "rollback"  // project, number
	Reset     Verb = "reset"     // project, ref
	Status    Verb = "status"    // project
	Releases  Verb = "releases"  // project, below
	Look      Verb = "look"      // run
	Settle    Verb = "settle"    // run
	Rehearsal Verb = "rehearsal" // run; its report as a document
	// RefusedReport is the same of a request that was refused: project, release, the report's digest.
	RefusedReport Verb = "refused-report"
	Backfills     Verb = "backfill" // project
	Pause         Verb = "pause"    // project, run: a backfill's
	Resume        Verb = "resume"   // project, run
	Stop          Verb = "stop"     // project, run
	RunNow        Verb = "run-now"  // person, text of the command
	Freeze        Verb = "freeze"   // project, what the command takes
	Unlock        Verb = "unlock"   // project, environment, since when
	TakeOver      Verb = "takeover" // project, environment, since when
	Extend        Verb = "extend"   // project, environment, since when
)

// Action is what a button means: a verb and what it is about.
type Action struct {
	Verb Verb
	Args []string
}

// Do makes an action.
func Do(v Verb, args ...string) Action { return Action{Verb: v, Args: args} }

// String is the action as it is stored; ParseAction reads it.
func (a Action) String() string {
	parts := []string{string(a.Verb)}
	for _, arg := range a.Args {
		parts = append(parts, url.QueryEscape(arg))
	}
	return strings.Join(parts, " ")
}

// ParseAction reads what String wrote.
func ParseAction(s string) (Action, error) {
	parts := strings.Split(s, " ")
	a := Action{Verb: Verb(parts[0])}
	for _, p := range parts[1:] {
		arg, err := url.QueryUnescape(p)
		if err != nil {
			return Action{}, fmt.Errorf("action %q: %w", s, err)
		}
		a.Args = append(a.Args, arg)
	}
	return a, nil
}

// Arg is argument i, empty where there is none.
func (a Action) Arg(i int) string {
	if i < len(a.Args) {
		return a.Args[i]
	}
	return ""
}
