package cards

import (
	"fmt"

	"towline/deploy/release"
)

// Baseline is the verb of a button that asks for a database to be adopted.
const Baseline Verb = "baseline" // project, file

// records says what a baseline would write, and what speaks for another choice.
func records(l *lines, r release.Run) {
	b := r.Plan.Baseline
	if b == nil {
		return
	}
	l.gap()
	l.addf("Records %s as applied in %s. No migration is run, and no other table is touched.", count(len(r.Plan.Pending), "migration"), code(r.Plan.Ledger))
	l.spare(listed(r.Plan.Names(), 10, code)...)
	switch b.From {
	case release.BaselineSchema:
		l.add("✅ Carried out from nothing, the files give exactly the schema that is there.")
	case release.BaselineDrizzle:
		l.add("✅ Drizzle's own ledger has them.")
	case release.BaselineNamed:
		l.add("ℹ️ The last of them was named by " + name(r.Requester.Shown()) + ".")
	}
	if len(b.Unsure) > 0 {
		l.addf("⚠️ %s %s no schema, so whether %s ran cannot be seen. If not, name the file before: <code>/baseline %s production FILE</code>",
			and(shorten(b.Unsure, 4, code)), changesOf(len(b.Unsure)), itThey(len(b.Unsure)), name(r.Project))
	}
	if len(b.Differs) > 0 {
		l.add("⚠️ <b>What is there is not what they make:</b>")
		l.spare(driftLines(b.Differs, 8)...)
	}
	if len(b.Left) > 0 {
		l.addf("Not recorded, so that the next promote runs %s: %s", itThem(len(b.Left)), and(shorten(b.Left, 6, code)))
	}
}

func changesOf(n int) string {
	if n == 1 {
		return "changes"
	}
	return "change"
}

func itThey(n int) string {
	if n == 1 {
		return "it"
	}
	return "they"
}

// aboutBaseline: why a database is not adopted.
func aboutBaseline(r release.Refusal, run release.Run, f func(string) string) (said, bool) {
	switch r.Code {
	case release.CodeNothingToAdopt:
		switch f("why") {
		case "empty":
			return said{what: fmt.Sprintf("The database %s holds no tables, so there is nothing to adopt.", code(r.Facts["database"])), next: "Deploy, then promote: every migration is run."}, true
		case "complete":
			return said{what: "Every migration is recorded already. Nothing is to do.", next: "Promote as usual; wrangler and Towline read the same ledger."}, true
		default:
			return said{what: "The ledger agrees with the schema: what is not recorded is not there. Nothing is to do.", next: "Promote as usual; what is pending is run then."}, true
		}
	case release.CodeNoBaseline:
		s := said{
			what:  "No first part of the migrations makes exactly the schema that is there.",
			facts: listed(r.Items, 10, func(i string) string { return flat(i, 160) }),
			next:  fmt.Sprintf("Repair the files, or let an admin name the last one that is there: <code>/baseline %s production FILE</code>", orElse(name(run.Project), "project")),
		}
		if r.Facts["nearest"] != "" {
			s.what = fmt.Sprintf("No first part of the migrations makes exactly the schema that is there. Up to %s it is the nearest; beside that, in the database:", code(r.Facts["nearest"]))
		}
		if r.Facts["failed"] != "" {
			s.advice = fmt.Sprintf("%s cannot be carried out from nothing: %s", code(r.Facts["failed"]), flat(r.Facts["words"], 200))
		}
		return s, true
	case release.CodeUnknownFile:
		return said{what: fmt.Sprintf("Release #%s has no migration %s.", orElse(f("release"), "?"), code(r.Facts["file"])), next: "Name it as the ledger would: the path below the migrations folder."}, true
	}
	return said{}, false
}
