package control

import (
	"context"
	"io"
	"time"
)

// Desk answers the command line. Implementations are safe for concurrent use. An error means that the answer could not
// be found out; what is refused is an Answer, or a *RefusedError where bytes were asked for.
type Desk interface {
	// Line carries out one command of the chat.
	Line(ctx context.Context, o Order) (Answer, error)
	// Backup writes a copy of the store, as of one moment, to w. When it returns an error, what was written is no backup.
	Backup(ctx context.Context, w io.Writer) error
	// Verify says whether the audit log is as it was written.
	Verify(ctx context.Context, q AuditQuery) (Answer, error)
	// Export writes the audit log to w, oldest entries first.
	Export(ctx context.Context, q AuditQuery, w io.Writer) error
	// Usage writes what databases and Workers used to w.
	Usage(ctx context.Context, q UsageQuery, w io.Writer) error
}

// Order is one command line as a person typed it.
type Order struct {
	// Words are the command and its arguments, without a slash.
	Words []string `json:"words"`
	// As is the id of the person of the config who orders it, 0 for the operating system's user.
	As int64 `json:"as,omitempty"`
	// User is that user's name. A server puts in the name of who opened the socket, where it can tell.
	User string `json:"user,omitempty"`
}

// Answer is what an order came to.
type Answer struct {
	// Text is for people, on one or more lines.
	Text string `json:"text"`
	// Code is the stable reason of a refusal, empty where nothing was refused.
	Code string `json:"code,omitempty"`
	// Exit is the exit code of a command line that got this answer: 0 fine, 1 refused, 2 usage, 3 could not find out.
	Exit int `json:"exit,omitempty"`
}

// AuditQuery says which part of the audit log is meant.
type AuditQuery struct {
	// Project is empty for every project and the team's own log.
	Project string `json:"project,omitempty"`
	// Head is a hash that the log must contain, as a weekly report printed it, or empty.
	Head string `json:"head,omitempty"`
	// Format of an export: jsonl or csv.
	Format string `json:"format,omitempty"`
}

// UsageQuery says which samples are meant, and how to write them.
type UsageQuery struct {
	// Project is empty for every project and the account.
	Project string `json:"project,omitempty"`
	// Format is text, json or csv, and By hour or day.
	Format string `json:"format"`
	By     string `json:"by"`
	// From (inclusive) and To (exclusive) are where samples begin.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// RefusedError is a refusal where bytes were asked for.
type RefusedError struct{ Answer Answer }

// Error is the answer's text.
func (e *RefusedError) Error() string { return e.Answer.Text }

// Process is who answers on a socket.
type Process struct {
	PID     int       `json:"pid"`
	Version string    `json:"version"`
	Since   time.Time `json:"since"`
	Store   string    `json:"store"`
}
