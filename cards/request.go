package cards

import (
	"fmt"
	"strings"
	"time"

	"towline/deploy/release"
)

// request asks people to approve: what would happen, what it costs to go back, who may say yes.
func request(v View, l lines) Card {
	r := v.Run
	if len(r.Changes) > 0 {
		l.gap()
		l.add("⚠️ <b>Changed since it was approved, so it needs a new yes:</b>")
		for _, d := range r.Changes {
			l.spare("• " + difference(d))
		}
	}
	drifts(&l, r)
	if r.Kind == release.Rollback {
		waysBack(&l, r)
	} else {
		work(&l, r)
	}
	if r.Breaking != nil {
		breaking(&l, r)
	}
	if r.Kind != release.Rollback {
		rehearsed(&l, *r.Plan)
	}
	backupFirst(&l, *r.Plan)
	findings(&l, r)
	if v.SQL != "" {
		l.spare("<blockquote expandable>" + sql(v.SQL, 2*inlineSQL) + "</blockquote>")
	}
	if v.Attached {
		l.add("📎 The SQL that will run is attached below.")
	}
	if v.Unreadable {
		l.add("⚠️ The SQL that would run cannot be read any more. Reject this and ask again.")
	}
	if v.Compare != "" {
		l.addf(`<a href="%s">Compare the commits</a>`, esc(v.Compare))
	}
	l.gap()
	if r.Kind == release.Promote && r.Breaking == nil {
		l.add(checked(r))
	}
	approve := Button{Text: approveLabel(r), Action: Do(Approve, r.ID, r.Approved), Style: Success}
	if r.Breaking != nil {
		approve.Text, approve.Style, approve.For = "Break glass "+release.Short(r.Approved), Danger, []int64{r.Breaking.By.ID}
		l.addf("%s confirms it, or anybody who may approve stops it with Reject.", mention(r.Breaking.By))
	} else {
		votes(&l, v)
	}
	for _, note := range keptNote(v) {
		l.add(note)
	}
	l.addf("Expires %s · plan <code>%s</code>", when(r.ExpiresAt), release.Short(r.Approved))
	reject := Button{Text: "Reject", Action: Do(Reject, r.ID, r.Approved), Style: Danger}
	return Card{HTML: l.String(), Notify: true, Buttons: withReport([][]Button{{approve, reject}}, r), Until: r.ExpiresAt.Add(requestGrace)}
}

// requestGrace is how long after its end a request's buttons still say that it has expired, rather than nothing.
const requestGrace = 24 * time.Hour

func approveLabel(r release.Run) string {
	if r.Kind == release.Rollback {
		return fmt.Sprintf("Approve going back to #%d", r.Release)
	}
	if r.Kind == release.Baseline {
		return fmt.Sprintf("Approve recording %d", len(r.Plan.Pending))
	}
	return "Approve " + release.Short(r.Approved)
}

// checked says what stands behind the request already.
func checked(r release.Run) string {
	switch {
	case len(r.Plan.Pending) == 0:
		return "✅ live on preview"
	case r.Plan.Target.ID == "":
		return "✅ live on preview · ✅ rehearsed on an empty database"
	}
	if r.Plan.Rehearsal != nil {
		return "✅ live on preview\n↩️ a restore point is taken and read back first"
	}
	return "✅ live on preview · ✅ rehearsed on production's schema\n↩️ a restore point is taken and read back first"
}

func votes(l *lines, v View) {
	r := v.Run
	shown := 0
	hidden := map[int64]bool{} // whoever was missing below would be known as the one who voted anonymously
	for _, vote := range r.Votes {
		if vote.Yes && vote.Digest == r.Approved && vote.Void == "" {
			if shown++; shown <= 4 {
				l.addf("✅ Approved by %s %s", name(vote.By.Shown()), when(vote.At))
			}
			hidden[vote.By.ID] = vote.By.Anonymous
		}
	}
	if open := r.Required - len(r.Approvers()); r.Required > 1 && open > 0 {
		l.addf("%s needed.", count(open, "more approval"))
	}
	var may []string
	left := 0
	for _, p := range v.Approvers {
		if !r.Voted(p.ID) {
			left++
		}
		if !r.Voted(p.ID) || hidden[p.ID] {
			may = append(may, mention(p))
		}
	}
	if left == 0 && len(r.Approvers()) < r.Required {
		l.add("⚠️ Nobody else may approve this. An admin can give somebody the role in the config.")
		return
	}
	if more := len(may) - 6; more > 0 {
		may = append(may[:6], fmt.Sprintf("%d more", more))
	}
	if len(may) > 0 {
		l.addf("May approve: %s", and(may))
	}
}

// difference says what is not the same in two plans.
func difference(d release.Difference) string {
	var parts []string
	for _, n := range d.Added {
		parts = append(parts, "+"+name(n))
	}
	for _, n := range d.Removed {
		parts = append(parts, "−"+name(n))
	}
	if more := len(parts) - 4; more > 0 {
		parts = append(parts[:4], fmt.Sprintf("and %d more", more))
	}
	list := strings.Join(parts, ", ")
	switch d.What {
	case "release":
		return fmt.Sprintf("the release: %s → %s", name(d.Before), name(d.After))
	case "target":
		return fmt.Sprintf("the database: %s → %s", name(d.Before), name(d.After))
	case "applied":
		return "what is already applied: " + orElse(list, "another order")
	case "pending":
		return "the migrations: " + orElse(list, "another order")
	case "schema":
		return "the database's schema was changed from outside"
	case "findings":
		return "what the rehearsal found: " + list
	case "live":
		return fmt.Sprintf("another release went live: %s → %s", name(d.Before), name(d.After))
	case "approver":
		return "no longer counted, since the role ended: " + list
	case "policy":
		return fmt.Sprintf("approvals needed: %s → %s", name(d.Before), name(d.After))
	case "way":
		return fmt.Sprintf("the way back: %s → %s", orElse(name(d.Before), "none"), orElse(name(d.After), "none"))
	default:
		return "the statements that will be sent"
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func hasHave(n int) string {
	if n == 1 {
		return "has"
	}
	return "have"
}

func shorten(items []string, n int, show func(string) string) []string {
	var out []string
	for i, item := range items {
		if i == n {
			return append(out, fmt.Sprintf("%d more", len(items)-n))
		}
		out = append(out, show(item))
	}
	return out
}

func dropped(l *lines, b *release.Back) {
	if len(b.Tables) == 0 && len(b.Columns) == 0 {
		l.add("• no table and no column is dropped")
	}
	l.spare(listed(b.Tables, 6, func(t string) string {
		if !b.Price.Counted {
			return "drops table " + code(t) + ", rows could not be counted"
		}
		return fmt.Sprintf("drops table %s, %s by count just now", code(t), count(b.Price.Tables[t], "row"))
	})...)
	l.spare(listed(b.Columns, 6, func(c string) string { return "drops column " + code(c) + " and its values" })...)
}
