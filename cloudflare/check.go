package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"towline/deploy"
)

// Token is what Cloudflare says about the API token.
type Token struct {
	Owner   string    // "user" or "account"
	Status  string    // "active", "disabled" or "expired"
	Expires time.Time // zero: never
}

// Verify asks Cloudflare whether the token is valid, as a user's and then as the account's own. An error that is a
// *deploy.RejectedError means that it is neither; any other, that it could not be found out. A valid token may still lack
// every permission.
func (d *D1) Verify(ctx context.Context) (Token, error) {
	t, err := d.verify(ctx, "user", "user/tokens/verify")
	var rejected *deploy.RejectedError
	if errors.As(err, &rejected) {
		return d.verify(ctx, "account", "accounts/"+d.account+"/tokens/verify")
	}
	return t, err
}

func (d *D1) verify(ctx context.Context, owner, path string) (Token, error) {
	body, err := d.get(ctx, opVerify, path)
	if err != nil {
		return Token{}, err
	}
	var answer struct {
		Result struct {
			Status  string    `json:"status"`
			Expires time.Time `json:"expires_on"`
		} `json:"result"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Result.Status == "" {
		return Token{}, &deploy.UnansweredError{Err: errors.New(opVerify.name + ": an answer without a status")}
	}
	return Token{Owner: owner, Status: answer.Result.Status, Expires: answer.Result.Expires}, nil
}

// Held says whether the token has a permission.
type Held string

// The answers to whether a permission is held.
const (
	HeldYes     Held = "yes"
	HeldNo      Held = "no"
	HeldUnknown Held = "could not be found out"
)

// Permission is one thing that the token has to be allowed.
type Permission struct {
	Name string // as the dashboard calls it
	For  string // what Towline does with it
	Held Held
	Err  error // why it is not held, or could not be found out
}

// probe is a statement that writes by its kind and changes nothing by its effect: it drops a view that nobody has, and a
// view holds no rows. SQLite does not count it among the statements that only read, so D1 demands the permission to edit.
const probe = `DROP VIEW IF EXISTS "towline checks the permission to edit"`

// nowhere is the id of no database: the highest that its form allows, of a version of UUID that nobody makes.
const nowhere = "ffffffff-ffff-ffff-ffff-ffffffffffff"

// Permissions finds out what the token may: reach the account and read its databases, and edit the database of the given
// id. Without a database (an empty id) the edit is tried on one that does not exist. A refusal because of who asks is an
// answer then as well; anything else is HeldUnknown, since nobody promises that permissions are looked at first. It changes
// nothing.
func (d *D1) Permissions(ctx context.Context, id string) []Permission {
	read := Permission{Name: permissionRead, For: "find databases, read their schema and ledger, and take restore points"}
	_, err := d.page(ctx, "", 1)
	read.decide(err)

	edit := Permission{Name: permissionEdit, For: "create databases, apply migrations and restore"}
	if id != "" {
		_, err := d.Apply(ctx, id, []string{probe})
		edit.decide(err)
		return []Permission{read, edit}
	}
	edit.Held, edit.Err = HeldUnknown, errors.New("there is no database yet to try it on")
	_, err = d.Apply(ctx, nowhere, []string{probe})
	var missing *PermissionError
	if read.Held == HeldYes && errors.As(err, &missing) && missing.Permission == permissionEdit {
		edit.Held, edit.Err = HeldNo, err
	}
	return []Permission{read, edit}
}

// AnalyticsPermission finds out whether the token may read the account's analytics, without which everything works but what is said of use: the
// report, the alerts, slow queries, the watch after a promote, and the price of a way back. It asks for the last hour of a database that nobody
// has.
func (d *D1) AnalyticsPermission(ctx context.Context) Permission {
	p := Permission{Name: permissionAnalytics, For: "report what is used, warn of limits, list slow queries, watch a promote, and say how many rows a way back would lose, updates counted"}
	_, _, err := d.RowsWritten(ctx, nowhere, d.now().Add(-time.Hour))
	p.decide(err)
	return p
}

func (p *Permission) decide(err error) {
	var missing *PermissionError
	switch {
	case err == nil:
		p.Held = HeldYes
	case errors.As(err, &missing):
		p.Held, p.Err = HeldNo, err
	default:
		p.Held, p.Err = HeldUnknown, err
	}
}
