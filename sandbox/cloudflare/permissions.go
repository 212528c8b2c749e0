package cloudflare

import "time"

// Permission is something an API token may do, by the name that Cloudflare's dashboard gives it.
type Permission string

// The permissions that the D1 API asks for. Reading queries need [D1Read] and writing ones [D1Edit], which includes it
// (D1 release notes of 2025-05-02).
const (
	D1Read              Permission = "D1:Read"
	D1Edit              Permission = "D1:Edit"
	AccountSettingsRead Permission = "Account Settings:Read"
)

// Token is an API token.
type Token struct {
	// Value is the secret that a client sends.
	Value string
	// Permissions are what it may do.
	Permissions []Permission
	// Account makes it a token that the account owns, not a person: it is verified at /accounts/ID/tokens/verify, and
	// /user/tokens/verify calls it invalid.
	Account bool
	// Disabled makes it known but useless.
	Disabled bool
	// Expires is from when on it is useless; zero means never.
	Expires time.Time
}
