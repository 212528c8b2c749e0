// Package gate decides: facts in, refusal out. Nothing here reads a clock, a store or the network, so that every decision
// can be made twice, at the request and again in the transaction that starts a run, and tested as a table.
//
// What could not be read, or was read too long ago, counts as no.
package gate

import (
	"fmt"

	"towline/deploy/release"
)

// Role is what a person may do. Roles are ordered, the higher includes the lower.
type Role int

// The roles, lowest first. Stranger is who is not in the config.
const (
	Stranger Role = iota
	Viewer
	Deployer
	Approver
	Admin
)

// ParseRole reads a role as the config writes it.
func ParseRole(name string) (Role, error) {
	for r := Viewer; r <= Admin; r++ {
		if r.String() == name {
			return r, nil
		}
	}
	return Stranger, fmt.Errorf("no role is called %q: viewer, deployer, approver or admin", name)
}

// String returns the role as the config writes it.
func (r Role) String() string {
	switch r {
	case Viewer:
		return "viewer"
	case Deployer:
		return "deployer"
	case Approver:
		return "approver"
	case Admin:
		return "admin"
	default:
		return "stranger"
	}
}

// Actor is a person who asks for something, with the role they have at that moment.
type Actor struct {
	release.Person
	Role Role
}

// Needs refuses an actor whose role is lower than what the act takes.
func Needs(a Actor, role Role, act string) *release.Refusal {
	if a.Role >= role {
		return nil
	}
	if a.Role == Stranger {
		return release.Refuse(release.CodeUnknownPerson, "id", fmt.Sprint(a.ID))
	}
	return release.Refuse(release.CodeNotAllowed, "role", a.Role.String(), "needs", role.String(), "act", act)
}
