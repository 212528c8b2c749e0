package deploy

import (
	"context"
	"slices"
	"strings"

	"towline/deploy/release"
	"towline/migrations"
)

// notOurs leaves out what Towline asked itself: about the schema and the ledger, and the statements of the migrations that are applied. Cloudflare
// counts those like any other, and nothing that ran once for a release is the app's to make faster.
func (e *Engine) notOurs(ctx context.Context, p Project, list []QueryCount) []QueryCount {
	var migrated map[string]bool
	return slices.DeleteFunc(list, func(q QueryCount) bool {
		if bookkeeping(q.SQL, p.ledger()) {
			return true
		}
		if migrated == nil {
			migrated = e.migrated(ctx, p)
		}
		return migrated[tokens(q.SQL)]
	})
}

// bookkeeping reports whether a query is none of the app's: about the schema or the ledger.
func bookkeeping(sql, ledger string) bool {
	sql = strings.ToLower(sql)
	for _, word := range []string{"sqlite_master", "sqlite_schema", "sqlite_stat1", "pragma_", "pragma ", ownPrefix, "_cf_", strings.ToLower(ledger)} {
		if strings.Contains(sql, word) {
			return true
		}
	}
	return false
}

// migrated are the statements of the release that is live on production, as tokens writes them. Where they cannot be read there are none: too much
// is listed then.
func (e *Engine) migrated(ctx context.Context, p Project) map[string]bool {
	out := map[string]bool{}
	var live release.Release
	err := e.store.View(ctx, func(tx Tx) error {
		live, _ = tx.Release(p.Name, tx.State(p.Name, release.Production).Live)
		return nil
	})
	var files []migrations.File
	if err == nil {
		files, err = e.files(ctx, live)
	}
	if err != nil {
		e.log.WarnContext(ctx, "which queries are of migrations could not be read", "project", p.Name, "error", err)
		return out
	}
	for _, f := range files {
		list, _ := migrations.SplitLoose(f.Name, f.SQL) // what was applied can be read, and the rest does not matter here
		for _, s := range list {
			out[tokens(s.SQL)] = true
		}
	}
	return out
}

// tokens is a statement without comments, and with one space between any two of its tokens.
func tokens(sql string) string {
	list, _ := migrations.Lex(sql)
	var parts []string
	for _, t := range list {
		if t.Means() {
			parts = append(parts, t.Text(sql))
		}
	}
	return strings.TrimSuffix(strings.Join(parts, " "), " ;")
}
