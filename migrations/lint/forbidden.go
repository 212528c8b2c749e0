package lint

import (
	"fmt"
	"strings"

	"towline/migrations"
)

// sqliteAuth is the code of a refusal by the authorizer (https://sqlite.org/rescode.html#auth).
const sqliteAuth = 23

// forbidden finds what D1's authorizer denies.
func forbidden(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		if s.err == nil || s.newAlter() || !s.denied() {
			continue
		}
		x := s.at()
		x.Text, x.Advice = s.whyDenied()
		list = append(list, x)
	}
	return list
}

// denied reports whether D1 refuses the statement for what it would do, not for how it is written.
func (s *step) denied() bool {
	if s.err.Code == sqliteAuth || s.transactional() {
		return true
	}
	for _, words := range []string{"not authorized", "no such module", "unsafe use of", "object name reserved for internal use"} {
		if strings.Contains(s.err.Message, words) {
			return true
		}
	}
	return len(s.tokens) > 0 && s.tokens[0].Is(s.SQL, "ATTACH", "DETACH", "VACUUM")
}

// transactional reports whether the statement begins or ends a transaction.
func (s *step) transactional() bool {
	return len(s.tokens) > 0 && s.tokens[0].Is(s.SQL, "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE")
}

// whyDenied says what is wrong and what to do.
func (s *step) whyDenied() (text, advice string) {
	refused := fmt.Sprintf("D1 refuses this statement (%s), and with it the release.", s.err.Message)
	if s.transactional() {
		return fmt.Sprintf("D1 refuses %s, and with it the release; wrangler only removes a BEGIN TRANSACTION and a COMMIT.", strings.ToUpper(s.tokens[0].Text(s.SQL))),
			"Remove the statement: a migration runs in a transaction of its own."
	}
	first := s.tokens[0]
	switch {
	case first.Is(s.SQL, "CREATE") && len(s.tokens) > 1 && s.tokens[1].Is(s.SQL, "TEMP", "TEMPORARY"):
		return refused, "Make an ordinary table and drop it at the end of the file."
	case first.Is(s.SQL, "PRAGMA"):
		return refused, "Remove the pragma; D1 knows only a few, most of which ask and set nothing."
	case first.Is(s.SQL, "ATTACH", "DETACH"):
		return refused, "Remove the statement: a D1 database is alone."
	case first.Is(s.SQL, "VACUUM"):
		return refused, "Remove the statement: D1 takes care of its storage."
	case strings.Contains(s.err.Message, "function"):
		return refused, "Use a function that D1 has (\"SQL statements\", D1 docs), or work the value out in the app."
	case strings.Contains(s.err.Message, "module"):
		return refused, "Use one of the virtual tables that D1 has: fts5, fts5vocab, rtree, rtree_i32."
	case s.word("_cf_KV") || strings.Contains(fold(s.SQL), "_cf_"):
		return refused, "Choose another name: those that begin with _cf_ are Cloudflare's."
	}
	return refused, "Leave it out, or say it in a way that D1 allows."
}

// newAlter reports whether the statement is one of the forms of ALTER TABLE that came with SQLite 3.53.
func (s *step) newAlter() bool {
	list := s.tokens
	if len(list) < 5 || !list[0].Is(s.SQL, "ALTER") || !list[1].Is(s.SQL, "TABLE") {
		return false
	}
	i := 3
	if list[i].Text(s.SQL) == "." {
		i = 5
	}
	if i+1 >= len(list) {
		return false
	}
	verb, what := list[i], list[i+1]
	switch {
	case verb.Is(s.SQL, "ADD"):
		// A column may be called check or constraint only in quotes; these words without are table constraints.
		return what.Is(s.SQL, "CONSTRAINT", "CHECK")
	case verb.Is(s.SQL, "DROP"):
		return what.Is(s.SQL, "CONSTRAINT") && i+2 < len(list)
	}
	return verb.Is(s.SQL, "ALTER")
}

func newAlter(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		if !s.newAlter() || s.err == nil {
			continue
		}
		x := s.at()
		x.Table = s.alteredName()
		which := "which SQLite has had since 3.53"
		if strings.Contains(s.err.Message, "syntax error") {
			which = "which no SQLite has" // the one here is of 3.53
		}
		x.Text = fmt.Sprintf("D1 refuses this form of ALTER TABLE on %s, %s: %s.", x.Table, which, s.err.Message)
		x.Advice = "Rebuild the table with the new constraint: `towline rebuild " + x.Table + "` writes the migration."
		list = append(list, x)
	}
	return list
}

// alteredName is the table of an ALTER TABLE as it is written, without quotes.
func (s *step) alteredName() string {
	i := 2
	if i+2 < len(s.tokens) && s.tokens[i+1].Text(s.SQL) == "." {
		i += 2
	}
	if i >= len(s.tokens) {
		return ""
	}
	return migrations.Unquote(s.tokens[i].Text(s.SQL))
}
