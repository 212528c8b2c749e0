package rehearse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"towline/migrations/sqlite"
)

// queryPlan is how a query is carried out, or why it cannot be.
type queryPlan struct {
	lines []sqlite.PlanLine
	err   error
}

// readPlans asks for the plan of every query.
func readPlans(ctx context.Context, c *sqlite.Conn, queries []Query) ([]queryPlan, error) {
	plans := make([]queryPlan, len(queries))
	for i, q := range queries {
		plans[i].lines, plans[i].err = c.Plan(ctx, q.SQL)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return plans, nil
}

func (p queryPlan) text() []string {
	var lines []string
	for _, l := range p.lines {
		lines = append(lines, strings.Repeat("  ", max(0, l.Level))+l.Detail)
	}
	return lines
}

// comparePlans names the queries whose plan changes.
func comparePlans(queries []Query, before, after []queryPlan) []PlanChange {
	var changes []PlanChange
	for i, q := range queries {
		was, is := before[i], after[i]
		c := PlanChange{Query: q, Before: was.text(), After: is.text()}
		switch {
		case was.err != nil && is.err != nil:
			c.What = "fails before and after: " + reason(is.err)
		case is.err != nil:
			c.Worse, c.What = true, "breaks: "+reason(is.err)
		case was.err != nil:
			c.What = "fails before (" + reason(was.err) + ") and works afterwards"
		case slices.Equal(c.Before, c.After):
			continue
		default:
			worse := worsened(was.lines, is.lines)
			c.Worse, c.What = len(worse) > 0, strings.Join(worse, "; ")
			if !c.Worse {
				c.What = "another plan"
			}
		}
		changes = append(changes, c)
	}
	return changes
}

func reason(err error) string {
	if e, ok := err.(*sqlite.Error); ok {
		return e.Message
	}
	return err.Error()
}

// worsened names what costs more: tables that were searched and are now read as a whole, and rows that now have to be
// sorted or collected first.
func worsened(before, after []sqlite.PlanLine) []string {
	var list []string
	for _, l := range before {
		table, ok := planTable(l.Detail, "SEARCH ")
		if !ok || hasPlan(after, "SEARCH ", table) >= hasPlan(before, "SEARCH ", table) {
			continue
		}
		for _, now := range after {
			if t, ok := planTable(now.Detail, "SCAN "); ok && t == table && hasPlan(after, "SCAN ", table) > hasPlan(before, "SCAN ", table) {
				list = append(list, fmt.Sprintf("%s becomes %s", l.Detail, now.Detail))
				break
			}
		}
	}
	const tree = "USE TEMP B-TREE"
	for _, l := range after {
		same := func(p sqlite.PlanLine) bool { return p.Detail == l.Detail }
		if strings.HasPrefix(l.Detail, tree) && !slices.ContainsFunc(before, same) {
			list = append(list, l.Detail)
		}
	}
	return list
}

// planTable is the table, or its alias, that a line reads in this way.
func planTable(detail, way string) (string, bool) {
	rest, ok := strings.CutPrefix(detail, way)
	table, _, _ := strings.Cut(rest, " ")
	return table, ok && table != "CONSTANT"
}

func hasPlan(lines []sqlite.PlanLine, way, table string) int {
	n := 0
	for _, l := range lines {
		if t, ok := planTable(l.Detail, way); ok && t == table {
			n++
		}
	}
	return n
}
