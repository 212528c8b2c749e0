package dump

import (
	"strings"

	"towline/migrations"
)

// tableKind says how the rows of a table are read and written again.
type tableKind int

const (
	plain       tableKind = iota
	contained             // a virtual table that gives its rows back: FTS5 with its own content, R*Tree
	external              // FTS5 over another table, from which it is rebuilt
	contentless           // FTS5 with content='': only its shadow tables have it
	derived               // fts5vocab: nothing is in it
)

// tableInfo is a table of a schema.
type tableInfo struct {
	migrations.Object
	kind    tableKind
	module  string
	shadows []string // the tables in which a virtual one keeps its content
}

func (t tableInfo) virtual() bool { return t.kind != plain }

// tablesOf are the tables of a schema in its order, without what SQLite and Cloudflare keep and without shadow tables,
// which are named by their virtual table.
func tablesOf(objects []migrations.Object) []tableInfo {
	var list []tableInfo
	exists := make(map[string]string)
	for _, o := range objects {
		if o.Type == "table" {
			exists[strings.ToLower(o.Name)] = o.Name
		}
	}
	shadow := make(map[string]bool)
	for _, o := range objects {
		if o.Type != "table" || reserved(o.Name) {
			continue
		}
		t := tableInfo{Object: o}
		t.module, t.kind = virtualKind(o.SQL)
		if t.virtual() && t.kind != derived {
			for _, suffix := range []string{"data", "idx", "content", "docsize", "config", "node", "parent", "rowid"} {
				if name, ok := exists[strings.ToLower(o.Name)+"_"+suffix]; ok {
					t.shadows = append(t.shadows, name)
					shadow[strings.ToLower(name)] = true
				}
			}
		}
		list = append(list, t)
	}
	kept := list[:0]
	for _, t := range list {
		if !shadow[strings.ToLower(t.Name)] {
			kept = append(kept, t)
		}
	}
	return kept
}

// virtualKind reads CREATE VIRTUAL TABLE name USING module(arguments).
func virtualKind(sql string) (module string, kind tableKind) {
	words := tokensOf(sql)
	at := 0
	for at < len(words) && !strings.EqualFold(words[at], "USING") {
		at++
	}
	if len(words) < 2 || !strings.EqualFold(words[1], "VIRTUAL") || at+1 >= len(words) {
		return "", plain
	}
	module = strings.ToLower(unquote([]byte(words[at+1])))
	if module == "fts5vocab" {
		return module, derived
	}
	for i := at + 2; i+2 < len(words) && module == "fts5"; i++ {
		starts := words[i-1] == "(" || words[i-1] == ","
		if !starts || !strings.EqualFold(words[i], "content") || words[i+1] != "=" {
			continue
		}
		if v := unquote([]byte(words[i+2])); v == "" || v == "," || v == ")" {
			return module, contentless
		}
		return module, external
	}
	return module, contained
}

// tokensOf are the tokens of a statement, without blanks and comments.
func tokensOf(sql string) []string {
	var words []string
	for pos := 0; pos < len(sql); {
		end, class, _ := token([]byte(sql), pos)
		if class != isNothing {
			words = append(words, sql[pos:end])
		}
		pos = end
	}
	return words
}

// reserved reports whether an object of this name is none of the team's.
func reserved(name string) bool { return migrations.Reserved(name) }

// quoteName writes a name as an SQL identifier.
func quoteName(name string) string { return migrations.QuoteName(name) }

// quoteText writes a text as an SQL literal.
func quoteText(text string) string { return migrations.QuoteText(text) }
