package cards

import (
	"fmt"
	"strings"

	"towline/migrations"
)

// inlineSQL is how much SQL stands on a card; more goes out as a document.
const inlineSQL = 1200

// Script renders transactions as they will be sent, with where each statement comes from.
func Script(txs []migrations.Transaction) string {
	var b strings.Builder
	for i, tx := range txs {
		if len(txs) > 1 {
			fmt.Fprintf(&b, "-- transaction %d of %d\n", i+1, len(txs))
		}
		last := ""
		for _, s := range tx.Statements {
			from := "Towline"
			if s.Origin.File != "" {
				from = s.Origin.File
			}
			if from != last {
				fmt.Fprintf(&b, "-- %s\n", strings.ReplaceAll(from, "\n", " "))
				last = from
			}
			b.WriteString(strings.TrimSpace(s.SQL))
			b.WriteString(";\n")
		}
	}
	return b.String()
}

// Inline reports whether a script is short enough to stand on a card.
func Inline(script string) bool { return units(script) <= inlineSQL }

// Long reports whether an error is cut on its card, so that the whole goes out as a document.
func Long(words string) bool { return units(words) > 300 }
