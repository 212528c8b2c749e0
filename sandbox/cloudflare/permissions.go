package cloudflare

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Permission is something an API token may do, by the name that Cloudflare's dashboard gives it.
type Permission string

// The permissions that the API here asks for. Reading queries need [D1Read] and writing ones [D1Edit], which includes it
// (D1 release notes, 2025-05-02).
const (
	D1Read              Permission = "D1:Read"
	D1Edit              Permission = "D1:Edit"
	AccountSettingsRead Permission = "Account Settings:Read"
	// AccountAnalyticsRead is for the GraphQL API.
	AccountAnalyticsRead Permission = "Account Analytics:Read"
)

// Token is an API token.
type Token struct {
	// Value is the secret that a client sends.
	Value string
	// Permissions are what it may do. A request that needs another one is answered with 403 and 10000.
	Permissions []Permission
	// Account makes it a token that the account owns, not a person: it is verified at /accounts/ID/tokens/verify, and
	// /user/tokens/verify calls it invalid.
	Account bool
	// Disabled makes it known but useless.
	Disabled bool
	// Expires is from when on it is useless; zero means never.
	Expires time.Time
}

func (t Token) may(p Permission) bool {
	return slices.Contains(t.Permissions, p) || p == D1Read && slices.Contains(t.Permissions, D1Edit)
}

// status is the token's state as the API words it.
func (t Token) status(now time.Time) string {
	switch {
	case t.Disabled:
		return "disabled"
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return "expired"
	}
	return "active"
}

// verified is the answer to a token's verification.
type verified struct {
	ID      string     `json:"id"`
	Status  string     `json:"status"`
	Expires *time.Time `json:"expires_on,omitempty"`
}

func (t Token) verified(now time.Time) verified {
	sum := sha256.Sum256([]byte(t.Value)) // an id that tells tokens apart and does not give the secret away
	v := verified{ID: hex.EncodeToString(sum[:16]), Status: t.status(now)}
	if !t.Expires.IsZero() {
		v.Expires = &t.Expires
	}
	return v
}

// bearer finds the token that a request names.
func (s *Server) bearer(r *http.Request) (Token, bool) {
	value, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return Token{}, false
	}
	t, ok := s.tokens[value]
	return t, ok
}
