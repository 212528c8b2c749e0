package lint

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"towline/migrations"
)

// Printing is what the writers of a report have to know besides the report.
type Printing struct {
	// Dir is the migrations folder as it is shown, with "/" and relative to the root of the repository: "db/migrations". The
	// files of findings are names below it. Empty: they are shown as they are.
	Dir string
	// Docs is the address of docs/lint.md, an absolute URI: each rule has an anchor there. Empty: DefaultDocs.
	Docs string
	// Version is Towline's, for the formats that say which tool wrote them; may be empty.
	Version string
}

// DefaultDocs stands for the address of docs/lint.md as long as Towline has no public home: the top-level domain is one that
// never resolves (RFC 2606), so that nobody else can answer there.
const DefaultDocs = "https://towline.example/docs/lint.md"

// path is a finding's file as it is shown.
func (p Printing) path(f Finding) string {
	if p.Dir == "" || f.File == "" {
		return cmp.Or(f.File, p.Dir, ".")
	}
	return path.Join(p.Dir, f.File)
}

// help is the address of a rule's entry.
func (p Printing) help(code string) string {
	return cmp.Or(p.Docs, DefaultDocs) + "#" + Anchor(code)
}

// Anchor is the name of a rule's place in docs/lint.md, as a renderer of Markdown makes it of the heading.
func Anchor(code string) string {
	rule, ok := ruleOf(code)
	if !ok {
		return strings.ToLower(code)
	}
	return strings.ToLower(rule.Code + "-" + rule.Name)
}

// ruleOf finds a rule of the catalogue.
func ruleOf(code string) (Rule, bool) {
	for _, r := range Catalogue() {
		if r.Code == code {
			return r, true
		}
	}
	return Rule{}, false
}

// position is the finding's place, from 1 even where the finding is about a whole file.
func (f Finding) position() (line, col int) { return max(f.Line, 1), max(f.Col, 1) }

// message is all that a finding says, as plain text; the rewrite is not in it.
func (f Finding) message() string {
	parts := []string{f.Text}
	if f.Allowed != "" {
		parts = append(parts, "Allowed: "+f.Allowed)
	} else if f.Advice != "" {
		parts = append(parts, f.Advice)
	}
	return strings.Join(parts, " ")
}

// fingerprints tells findings apart over time: the same finding has the same one in the next version of the file, wherever
// its lines have moved. Several that are otherwise equal are numbered in their order.
func fingerprints(findings []Finding) []string {
	seen := make(map[string]int)
	list := make([]string, len(findings))
	for i, f := range findings {
		parts := []string{f.Code, f.File, words(f.Statement), f.Table, f.Column}
		sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
		digest := hex.EncodeToString(sum[:16])
		seen[digest]++
		list[i] = fmt.Sprintf("%s:%d", digest, seen[digest])
	}
	return list
}

// words is a statement without its blanks and comments.
func words(sql string) string {
	tokens, _ := migrations.Lex(sql)
	var b strings.Builder
	for _, t := range tokens {
		if t.Means() {
			b.WriteString(t.Text(sql))
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
