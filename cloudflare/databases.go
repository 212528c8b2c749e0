package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloudflare/cloudflare-go/v7/d1"
	"github.com/cloudflare/cloudflare-go/v7/option"

	"towline/deploy"
)

const (
	permissionRead = "Account > D1 > Read"
	permissionEdit = "Account > D1 > Edit"

	permissionAnalytics = "Account > Account Analytics > Read"

	permissionAccount = "access to the account"
	permissionValid   = "a valid API token"
)

// operation is what a call is for, in the words of its errors.
type operation struct {
	name       string
	permission string // that Cloudflare asks for
	purpose    string // "needed to ..."
	database   bool   // whether it is about one database, which may not exist
	write      bool
	silent     bool // a success need not say anything
}

var (
	opFind     = operation{name: "find a database", permission: permissionRead, purpose: "find databases"}
	opCreate   = operation{name: "create a database", permission: permissionEdit, purpose: "create databases", write: true}
	opRead     = operation{name: "read", permission: permissionRead, purpose: "read a database's schema and ledger", database: true}
	opApply    = operation{name: "apply", permission: permissionEdit, purpose: "apply migrations", database: true, write: true}
	opBookmark = operation{name: "take a bookmark", permission: permissionRead, purpose: "take restore points", database: true}
	opRestore  = operation{name: "restore", permission: permissionEdit, purpose: "restore a database", database: true, write: true}
	opDelete   = operation{name: "delete a database", permission: permissionEdit, purpose: "delete databases", database: true, write: true, silent: true}
	opExport   = operation{name: "export", permission: permissionEdit, purpose: "take copies of a database", database: true}
	opAfter    = operation{name: "ask after an import", permission: permissionEdit, purpose: "bring a copy back", database: true}
	opImport   = operation{name: "import", permission: permissionEdit, purpose: "bring a copy back", database: true, write: true}
	opVerify   = operation{name: "verify the token", permission: permissionValid, purpose: "use the API at all"}

	opAnalytics = operation{name: "ask analytics", permission: permissionAnalytics, purpose: "read what was counted"}
)

// perPage is how many databases are asked for at a time; maxPages ends a list that never ends: an account has at most 50,000
// databases (D1 documentation, "Limits").
const (
	perPage  = 100
	maxPages = 500
)

// Find implements deploy.Databases. The API searches by a part of the name; only the whole one counts here.
func (d *D1) Find(ctx context.Context, name string) (deploy.Database, error) {
	seen := 0
	for number := 1; number <= maxPages; number++ {
		list, err := d.page(ctx, name, number)
		if err != nil {
			return deploy.Database{}, err
		}
		for _, found := range list.Result {
			if found.Name == name {
				return described(opFind, found.UUID, found.Name, 0)
			}
		}
		seen += len(list.Result)
		if list.last(seen) {
			return deploy.Database{}, fmt.Errorf("find %q: %w", name, deploy.ErrNoDatabase)
		}
	}
	return deploy.Database{}, &deploy.UnansweredError{Err: fmt.Errorf("find %q: the list of databases does not end", name)}
}

// page is one page of the list of databases. It is decoded here and strictly: the SDK takes a result of another shape for an
// empty list, and an empty list means "create it".
type page struct {
	Result []struct {
		UUID    string    `json:"uuid"`
		Name    string    `json:"name"`
		Size    *float64  `json:"file_size"`
		Created time.Time `json:"created_at"`
	} `json:"result"`
	Info struct {
		Total int `json:"total_count"`
	} `json:"result_info"`
}

// last says whether a page ends the list, after so many databases with it. Where the server tells a total it may be that of
// the account, not that of the search; then an empty page ends the list.
func (p page) last(seen int) bool {
	if p.Info.Total > 0 {
		return len(p.Result) == 0 || seen >= p.Info.Total
	}
	return len(p.Result) < perPage
}

func (d *D1) page(ctx context.Context, name string, number int) (list page, err error) {
	var params d1.DatabaseListParams
	params.AccountID.Value, params.AccountID.Present = d.account, true
	params.Page.Value, params.Page.Present = float64(number), true
	params.PerPage.Value, params.PerPage.Present = perPage, true
	params.Name.Value, params.Name.Present = name, name != ""
	err = d.send(ctx, opFind, func(ctx context.Context, listen option.Middleware) error {
		list = page{}
		_, err := d.databases.List(ctx, params, option.WithMiddleware(listen), option.WithResponseBodyInto(&list))
		return err
	})
	return list, err
}

// Create implements deploy.Databases.
func (d *D1) Create(ctx context.Context, name string) (deploy.Database, error) {
	var params d1.DatabaseNewParams
	params.AccountID.Value, params.AccountID.Present = d.account, true
	params.Name.Value, params.Name.Present = name, true
	var made *d1.D1
	err := d.send(ctx, opCreate, func(ctx context.Context, listen option.Middleware) (err error) {
		made, err = d.databases.New(ctx, params, option.WithMiddleware(listen))
		return err
	})
	if err != nil {
		return deploy.Database{}, err
	}
	if made.Name != name {
		return deploy.Database{}, &deploy.UnansweredError{Err: fmt.Errorf("create %q: the answer names another database", name)}
	}
	return described(opCreate, made.UUID, made.Name, int64(made.FileSize))
}

// described refuses an id that could not be used: it comes from outside and becomes part of a path.
func described(op operation, id, name string, size int64) (deploy.Database, error) {
	if !databaseID.MatchString(id) {
		return deploy.Database{}, &deploy.UnansweredError{Err: fmt.Errorf("%s %q: the answer has no usable id", op.name, name)}
	}
	return deploy.Database{ID: id, Name: name, Size: size}, nil
}

// batch is a request for /query, the endpoint that wrangler uses as well: one transaction, one result for each statement.
func (d *D1) batch(statements []string) d1.DatabaseQueryParams {
	var params d1.DatabaseQueryParams
	params.AccountID.Value, params.AccountID.Present = d.account, true
	var body d1.DatabaseQueryParamsBodyMultipleQueries
	body.Batch.Present = true
	body.Batch.Value = make([]d1.DatabaseQueryParamsBodyMultipleQueriesBatch, len(statements))
	for i, s := range statements {
		body.Batch.Value[i].Sql.Value, body.Batch.Value[i].Sql.Present = s, true
	}
	params.Body = body
	return params
}

// Apply implements deploy.Databases: each element is one statement, all of them go out as one batch in one request.
func (d *D1) Apply(ctx context.Context, id string, statements []string) (deploy.Cost, error) {
	if err := sendable(opApply, id, statements); err != nil {
		return deploy.Cost{}, err
	}
	params := d.batch(statements)
	var results []result
	err := d.send(ctx, opApply, func(ctx context.Context, listen option.Middleware) error {
		var envelope answer
		_, err := d.databases.Query(ctx, id, params, option.WithMiddleware(listen), option.WithResponseBodyInto(&envelope))
		results = envelope.Result
		return err
	})
	if err != nil {
		return deploy.Cost{}, err
	}
	if err := complete(opApply, results, len(statements)); err != nil {
		return deploy.Cost{}, err
	}
	return cost(results), nil
}

// Read implements deploy.Databases. Whole numbers come back exactly up to 2^53; beyond, D1 itself has rounded them (D1
// documentation, "D1 Database: type conversion").
func (d *D1) Read(ctx context.Context, id string, statements []string) ([]deploy.Rows, error) {
	if len(statements) == 0 {
		return nil, nil
	}
	if err := sendable(opRead, id, statements); err != nil {
		return nil, err
	}
	params := d.batch(statements)
	send := d.send
	if slices.ContainsFunc(statements, mayWrite) {
		send = d.once
	}
	var results []result
	err := send(ctx, opRead, func(ctx context.Context, listen option.Middleware) error {
		var envelope answer
		_, err := d.databases.Query(ctx, id, params, option.WithMiddleware(listen), option.WithResponseBodyInto(&envelope))
		results = envelope.Result
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := complete(opRead, results, len(statements)); err != nil {
		return nil, err
	}
	return rows(results)
}

// Bookmark implements deploy.Databases.
func (d *D1) Bookmark(ctx context.Context, id string) (string, error) {
	if err := usable(opBookmark, id); err != nil {
		return "", err
	}
	var params d1.DatabaseTimeTravelGetBookmarkParams
	params.AccountID.Value, params.AccountID.Present = d.account, true
	var bookmark string
	err := d.send(ctx, opBookmark, func(ctx context.Context, listen option.Middleware) error {
		res, err := d.databases.TimeTravel.GetBookmark(ctx, id, params, option.WithMiddleware(listen))
		if err == nil {
			bookmark = res.Bookmark
		}
		return err
	})
	if err == nil && bookmark == "" {
		err = &deploy.UnansweredError{Err: errors.New(opBookmark.name + ": an answer without a bookmark")}
	}
	return bookmark, err
}

// Restore implements deploy.Databases.
func (d *D1) Restore(ctx context.Context, id, bookmark string) (string, error) {
	if err := usable(opRestore, id); err != nil {
		return "", err
	}
	if bookmark == "" {
		return "", &deploy.RejectedError{Words: "there is no bookmark to restore to"}
	}
	var params d1.DatabaseTimeTravelRestoreParams
	params.AccountID.Value, params.AccountID.Present = d.account, true
	params.Bookmark.Value, params.Bookmark.Present = bookmark, true
	var previous string
	err := d.send(ctx, opRestore, func(ctx context.Context, listen option.Middleware) error {
		res, err := d.databases.TimeTravel.Restore(ctx, id, params, option.WithMiddleware(listen))
		if err == nil {
			previous = res.PreviousBookmark
		}
		return err
	})
	if err == nil && previous == "" {
		err = &deploy.UnansweredError{Err: errors.New(opRestore.name + ": an answer without the bookmark that leads back")}
	}
	return previous, err
}

// Delete implements deploy.Databases. The API answers with "result": null (API reference, "Delete D1 Database").
func (d *D1) Delete(ctx context.Context, id string) error {
	if err := usable(opDelete, id); err != nil {
		return err
	}
	var params d1.DatabaseDeleteParams
	params.AccountID.Value, params.AccountID.Present = d.account, true
	return d.send(ctx, opDelete, func(ctx context.Context, listen option.Middleware) error {
		_, err := d.databases.Delete(ctx, id, params, option.WithMiddleware(listen))
		return err
	})
}
