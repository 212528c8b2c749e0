package cards_test

import (
	"testing"
	"time"

	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
)

// found are findings of every severity.
func found() []release.Finding {
	return []release.Finding{
		{Code: "D1-DS01", Name: "drop-table", Severity: "error", File: "0007_orders.sql", Line: 3, Table: "orders", Text: "orders and its rows are gone; only the restore point has them."},
		{Code: "D1-FK07", Name: "fk-without-index", Severity: "warning", File: "0008_totals.sql", Line: 9, Text: "Rebuilding customers reads all of invoices for each row."},
		{Code: "D1-DS02", Name: "drop-column", Severity: "info", File: "0008_totals.sql", Line: 12, Text: "users.fax goes.", Allowed: "unused since v412"},
		{Code: "F-NODOWN", Name: "no-down", Severity: "info", File: "0008_totals.sql", Text: "There is no DOWN file."},
	}
}

func TestARequestSaysWhatTheRehearsalFound(t *testing.T) {
	asking := func(change func(*release.Run)) cards.View { return with(run(release.Promote, release.Asking), change) }
	rehearsed := func(h release.Rehearsal) cards.View {
		return asking(func(r *release.Run) { r.Plan.Rehearsal, r.Plan.Report = &h, "blob" })
	}
	golden(t, "rehearsed", rendered(map[string]cards.View{
		"on the schema":             rehearsed(release.Rehearsal{DurationMS: 12}),
		"on the schema, rows known": rehearsed(release.Rehearsal{RowsRead: 10030, RowsWritten: 10005}),
		"on the data": rehearsed(release.Rehearsal{Data: true, CopyAt: noon.Add(-3 * time.Hour), EstimateMS: 1200, RowsRead: 2_010_030, RowsWritten: 1_010_005,
			Tables:  []release.Rows{{Table: "orders", Before: 10000, After: 9988}, {Table: "notes", Before: -1, After: 3}, {Table: "carts", Before: 412, After: -1}},
			Orphans: 12, Rejected: 3, Cut: 1, Lost: []string{"orders_by_day"},
			Slower: []string{"by_user: SEARCH orders USING INDEX orders_user (user=?) becomes SCAN orders", "b: breaks: no such table: carts", "c: SCAN", "d: SCAN"}}),
		"rows lose something": rehearsed(release.Rehearsal{Data: true, CopyAt: noon, Tables: []release.Rows{{Table: "orders", Before: 10, After: 9}}, Gone: 1, Short: 1200, Rounded: 2, Nulled: 1}),
		"texts get shorter":   rehearsed(release.Rehearsal{Data: true, CopyAt: noon, Short: 3}),
		"fails on the data":   rehearsed(release.Rehearsal{Data: true, CopyAt: noon, Fails: "0007_orders.sql line 2: malformed JSON"}),
		"rejected by a CHECK": rehearsed(release.Rehearsal{Data: true, CopyAt: noon, Rejected: 5, Fails: "0007_orders.sql line 2: CHECK constraint failed: total >= 0"}),
		"the copy is no use":  rehearsed(release.Rehearsal{NoCopy: deploy.NoCopyUnfit}),
		"too slow for D1":     rehearsed(release.Rehearsal{Data: true, CopyAt: noon, EstimateMS: 28_000}),
		"data too large":      rehearsed(release.Rehearsal{NoCopy: deploy.NoCopyTooLarge}),
		"not at this hour":    rehearsed(release.Rehearsal{NoCopy: deploy.NoCopyHours}),
		"a copy is coming":    rehearsed(release.Rehearsal{NoCopy: deploy.NoCopyComing}),
		"the copy failed":     rehearsed(release.Rehearsal{NoCopy: deploy.NoCopyFailed}),
		"no copies kept here": rehearsed(release.Rehearsal{NoCopy: deploy.NoCopyHere}),
		"findings":            asking(func(r *release.Run) { r.Plan.Findings, r.Plan.Report = found(), "blob" }),
		"many findings": asking(func(r *release.Run) {
			for range 4 {
				r.Plan.Findings = append(r.Plan.Findings, found()...)
			}
		}),
		"a backup first": asking(func(r *release.Run) {
			r.Plan.Backup = &release.BackupPlan{Why: []string{"drops table orders"}, Seconds: 12}
		}),
		"a backup, time guessed": asking(func(r *release.Run) {
			r.Plan.Backup = &release.BackupPlan{Why: []string{"drops table orders"}, Seconds: 2, Guessed: true}
		}),
		"a backup, time not known": asking(func(r *release.Run) {
			r.Plan.Backup = &release.BackupPlan{Why: []string{"drops table orders", "updates rows of users"}}
		}),
		"a backup by tables": asking(func(r *release.Run) {
			r.Plan.Backup = &release.BackupPlan{Why: []string{"drops table orders"}, Tables: true}
		}),
		"no backup": asking(func(r *release.Run) {
			r.Plan.Backup = &release.BackupPlan{Why: []string{"drops table orders"}, Off: "every table is rebuilt from the warehouse"}
		}),
	}))
}

func TestAnEndSaysHowTheDatabaseWasFoundAndWhatProductionWouldRefuse(t *testing.T) {
	golden(t, "compared", rendered(map[string]cards.View{
		"as rehearsed": with(run(release.Promote, release.Done), func(r *release.Run) { r.Compared = &release.Compared{Tables: 12, Rows: 12034} }),
		"as rehearsed, while others wrote": with(run(release.Promote, release.Done), func(r *release.Run) {
			r.Compared = &release.Compared{Tables: 12, Rows: 12034, Grown: []release.Mismatch{{What: "rows", Name: "orders", Expected: "10000", Got: "11012"}, {What: "rows", Name: "users", Expected: "2", Got: "3"}}}
		}),
		"as rehearsed on the schema, and rows went": with(run(release.Promote, release.Done), func(r *release.Run) {
			r.Compared = &release.Compared{Tables: 12, Rows: 12034, Changed: []release.Rows{{Table: "orders", Before: 9, After: 0}, {Table: "users", Before: 2, After: 3}}}
		}),
		"not compared": with(run(release.Promote, release.Done), func(r *release.Run) { r.Compared = &release.Compared{Problem: "D1 DB is overloaded."} }),
		"not as rehearsed": with(run(release.Promote, release.Done), func(r *release.Run) {
			r.Compared = &release.Compared{Tables: 12, Rows: 12034, Differences: []release.Mismatch{
				{What: "rows", Name: "orders", Expected: "10000", Got: "9990"}, {What: "schema", Name: "trigger users_ai", Expected: "as rehearsed", Got: "none"},
				{What: "quick_check", Got: "row 3 missing from index orders_by_day"}, {What: "foreign keys", Name: "orders", Expected: "0", Got: "2"},
			}}
		}),
		"on preview, production would refuse": with(run(release.Deploy, release.Done), func(r *release.Run) { r.Plan.Findings, r.Plan.Report = found(), "blob" }),
		"on preview, a warning":               with(run(release.Deploy, release.Done), func(r *release.Run) { r.Plan.Findings = found()[1:] }),
	}))
}

func TestContractShowsWhatIsUnusedAndWhenItMayGo(t *testing.T) {
	unused := []deploy.Contractable{
		{Lifetime: release.Lifetime{Table: "users", Column: "fax", Added: 12, Unused: 15, Since: noon.Add(-time.Hour)}, May: noon.Add(23 * time.Hour)},
		{Lifetime: release.Lifetime{Table: "carts", Unused: 9, Since: noon.Add(-72 * time.Hour)}, May: noon.Add(-48 * time.Hour)},
	}
	golden(t, "contract", map[string]cards.Card{
		"nothing known": cards.ContractOf("shop", deploy.Contract{}, noon),
		"all used":      cards.ContractOf("shop", deploy.Contract{Known: true, Used: 31}, noon),
		"some unused":   cards.ContractOf("shop", deploy.Contract{Known: true, Used: 29, After: 24 * time.Hour, Unused: unused}, noon),
	})
}
