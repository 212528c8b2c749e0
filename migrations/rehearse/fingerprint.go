package rehearse

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"towline/migrations"
)

// Fingerprint returns a digest of a schema that is equal for schemas which differ only in the order of their objects, in
// blanks, comments, the case of words outside quotes, and in how identifiers are quoted. Left out are the ledger table,
// what belongs to it, and what SQLite (sqlite_*) and Cloudflare (_cf_*) keep for themselves. An empty ledgerTable is
// wrangler's d1_migrations.
//
// A double-quoted word counts as an identifier, although D1 may read it as a text: "Abc" and "abc" are the same here.
func Fingerprint(objects []migrations.Object, ledgerTable string) string {
	var lines []string
	for _, o := range objects {
		if reserved(o.Name) || reserved(o.Table) || sameName(o.Table, ledgerName(ledgerTable)) {
			continue
		}
		lines = append(lines, strings.Join([]string{o.Type, fold(o.Name), fold(o.Table), normalize(o.SQL)}, "\x00"))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte("schema 1\n" + strings.Join(lines, "\x01")))
	return hex.EncodeToString(sum[:])
}

// ledgerName is the ledger table that is meant.
func ledgerName(table string) string {
	if table == "" {
		return migrations.DefaultLedger
	}
	return table
}

// reserved, sameName, fold and normalize are package migrations' under shorter names.
func reserved(name string) bool { return migrations.Reserved(name) }

func sameName(a, b string) bool { return migrations.SameName(a, b) }

func fold(name string) string { return migrations.Fold(name) }

func normalize(sql string) string { return migrations.NormalSQL(sql) }

// quoteName writes a name as an SQL identifier.
func quoteName(name string) string { return migrations.QuoteName(name) }
