package cards

import (
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
)

// inlineSQL is how much SQL stands on a card; more goes out as a document.
const inlineSQL = 1200

// Script renders transactions literally as they will be sent, with where each statement comes from.
func Script(txs []migrations.Transaction) string {
	var b strings.Builder
	for i, tx := range txs {
		if len(txs) > 1 {
			fmt.Fprintf(&b, "-- transaction %d of %d\n", i+1, len(txs))
		}
		statements(&b, tx.Statements)
	}
	return b.String()
}

// Excerpt is the same for a card: what people wrote comes first. The ledger rows that a transaction begins with are
// shown at its end, and a comment says so.
func Excerpt(txs []migrations.Transaction) string {
	var b strings.Builder
	for i, tx := range txs {
		if len(txs) > 1 {
			fmt.Fprintf(&b, "-- transaction %d of %d\n", i+1, len(txs))
		}
		first := slices.IndexFunc(tx.Statements, func(s migrations.Planned) bool { return s.Origin.File != "" })
		if first <= 0 {
			statements(&b, tx.Statements)
			continue
		}
		statements(&b, tx.Statements[first:])
		b.WriteString("-- Towline, sent before these in the same transaction\n")
		for _, s := range tx.Statements[:first] {
			b.WriteString(strings.TrimSpace(s.SQL) + ";\n")
		}
	}
	return b.String()
}

func statements(b *strings.Builder, list []migrations.Planned) {
	last := ""
	for _, s := range list {
		from := "Towline"
		if s.Origin.File != "" {
			from = s.Origin.File
		}
		if from != last {
			fmt.Fprintf(b, "-- %s\n", strings.Join(strings.Fields(clean(from)), " "))
			last = from
		}
		b.WriteString(strings.TrimSpace(s.SQL))
		b.WriteString(";\n")
	}
}

// Inline reports whether a script is short enough to stand on a card.
func Inline(script string) bool { return units(script) <= inlineSQL }

// Long reports whether an error is cut on its card, so that the whole goes out as a document.
func Long(words string) bool { return units(words) > 300 }
