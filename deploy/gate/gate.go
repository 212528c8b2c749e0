package gate

import (
	"time"

	"towline/deploy/release"
)

// MaxAge is how old a fact may be when a run starts on it.
const MaxAge = 10 * time.Second

// Fact is something read outside, with the time at which it was true.
type Fact[T any] struct {
	Value   T
	At      time.Time
	Problem string // why it could not be read; empty: it was
}

// Known is a fact that was read.
func Known[T any](v T, at time.Time) Fact[T] { return Fact[T]{Value: v, At: at} }

// Unknown is a fact that could not be read.
func Unknown[T any](problem string) Fact[T] { return Fact[T]{Problem: problem} }

func (f Fact[T]) check(what string, now time.Time) *release.Refusal {
	if f.Problem != "" || f.At.IsZero() {
		return release.Refuse(release.CodeFactsMissing, "what", what, "problem", f.Problem)
	}
	if age := now.Sub(f.At); age > MaxAge || age < -MaxAge {
		return release.Refuse(release.CodeFactsOld, "what", what, "age", age.Round(time.Second).String())
	}
	return nil
}
