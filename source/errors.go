package source

import (
	"errors"
	"strings"
)

// The kinds of failure, for errors.Is. Each is carried by an *Error.
var (
	// ErrBadRef is a name that git would take for an option, a range or an expression, or that no ref can have.
	ErrBadRef = errors.New("not a ref")
	// ErrRefNotFound is a ref that the repository does not have.
	ErrRefNotFound = errors.New("ref not found")
	// ErrAuth is a host that refuses the key or token, or wants one.
	ErrAuth = errors.New("access refused")
	// ErrUnreachable is a repository or directory that could not be read at all.
	ErrUnreachable = errors.New("source unreachable")
	// ErrNoFolder is a ref without the configured path.
	ErrNoFolder = errors.New("no such folder")
	// ErrTooLarge is content beyond the limits of a snapshot.
	ErrTooLarge = errors.New("source too large")
	// ErrUnsupported is content that cannot be taken as it is: a link that leaves the tree, a submodule, an LFS pointer.
	ErrUnsupported = errors.New("content not supported")
)

// Error is a failure that says what to do about it. Its texts hold no secret.
type Error struct {
	// Kind is one of the Err values.
	Kind error
	// What happened, in one sentence without its final stop.
	What string
	// Do is what to do about it, in one sentence without its final stop.
	Do string
	// Suggestions are the names nearest to a ref that was not found, the best first.
	Suggestions []string
	// Detail is what git said, cleaned of tokens; for the log.
	Detail string
}

// Error gives what happened and what to do.
func (e *Error) Error() string {
	text := e.What
	if len(e.Suggestions) > 0 {
		text += "; nearest: " + strings.Join(e.Suggestions, ", ")
	}
	if e.Do != "" {
		text += ". " + e.Do
	}
	return text
}

// Unwrap gives the kind to errors.Is.
func (e *Error) Unwrap() error { return e.Kind }
