package cloudflare

import (
	"fmt"
	"time"
)

// PermissionError is a refusal because of who asks: the token is not valid, does not reach the account, or lacks a
// permission. errors.As finds in it the *deploy.RejectedError with Cloudflare's words.
type PermissionError struct {
	Permission string // what is missing, as the dashboard calls it: "Account > D1 > Edit"; or "access to the account", "a valid API token"
	For        string // what it is needed for: "apply migrations"
	Err        error
}

// Error names the permission, what it is for, and Cloudflare's words.
func (e *PermissionError) Error() string {
	return fmt.Sprintf("Cloudflare demands %s to %s: %v", e.Permission, e.For, e.Err)
}

// Unwrap returns the *deploy.RejectedError.
func (e *PermissionError) Unwrap() error { return e.Err }

// RateLimitedError is a refusal because of how much is asked. errors.As finds in it what it means for the call: a
// *deploy.RejectedError for a write that was turned away at the door, a *deploy.UnansweredError for a read, and for a write
// that D1 had taken into its queue.
type RateLimitedError struct {
	After time.Duration // when to come back, from the moment of the error; 0: Cloudflare did not say
	Err   error
}

// Error says when to come back.
func (e *RateLimitedError) Error() string {
	if e.After <= 0 {
		return fmt.Sprintf("Cloudflare limits the rate of requests: %v", e.Err)
	}
	return fmt.Sprintf("Cloudflare limits the rate of requests, come back in %s: %v", e.After, e.Err)
}

// Unwrap returns the error of package deploy that it is.
func (e *RateLimitedError) Unwrap() error { return e.Err }

// BusyError is a refusal because the database is being exported or imported. errors.As finds in it what it means for the
// call: a *deploy.RejectedError for a write, a *deploy.UnansweredError for a read.
type BusyError struct{ Err error }

// Error names the cause.
func (e *BusyError) Error() string {
	return fmt.Sprintf("the database answers nobody while it is exported or imported: %v", e.Err)
}

// Unwrap returns the error of package deploy that it is.
func (e *BusyError) Unwrap() error { return e.Err }
