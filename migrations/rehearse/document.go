package rehearse

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Document writes the whole report as a plain text for people, to be sent as a file. Facts come first, what follows from
// them after; nothing that is an estimate looks exact.
func Document(report Report) []byte {
	d := &document{r: &report}
	d.line("Rehearsal of %s, in %s", count(int64(report.Statements), "statement"), round(report.Duration))
	d.where()
	d.refusals()
	d.rejected()
	d.rowLosses()
	d.losses()
	d.rows()
	d.lost()
	d.plans()
	d.schema()
	d.notes()
	return d.b.Bytes()
}

// d1Limit is how long D1 lets a query take ("Limits", D1 docs: maximum SQL query duration).
const d1Limit = 30 * time.Second

type document struct {
	b bytes.Buffer
	r *Report
}

func (d *document) line(format string, args ...any) {
	fmt.Fprintf(&d.b, format+"\n", args...)
}

// section begins a part with an underlined heading.
func (d *document) section(heading string) {
	d.line("\n%s\n%s", heading, strings.Repeat("-", utf8.RuneCountInString(heading)))
}

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return grouped(n) + " " + what + "s"
}

// grouped writes a number with commas.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func round(t time.Duration) string {
	switch {
	case t >= 10*time.Second:
		return t.Round(time.Second).String()
	case t >= time.Second:
		return t.Round(100 * time.Millisecond).String()
	}
	return t.Round(time.Millisecond).String()
}

func (d *document) where() {
	switch {
	case d.r.Data:
		d.line("It ran on a copy of the schema without rows, on one with canary rows, and on a copy of the data.")
		if d.r.Failed != nil {
			break
		}
		d.line("On the copy of the data it took %s here. D1 is taken to be up to %d times slower: up to %s of the %s that it allows. Neither is a measurement of D1.",
			round(d.r.Local), SlowerOnD1, round(d.r.Estimated), round(d1Limit))
	case d.r.NoData != "":
		d.line("It ran on a copy of the schema without rows and on one with canary rows. The copy of the data was not used: %s.", d.r.NoData)
	default:
		d.line("It ran on a copy of the schema without rows and on one with canary rows, not on the data.")
	}
	if d.r.Known {
		d.line("About %s read and %s written, as D1 counts them (an estimate).", count(d.r.RowsRead, "row"), grouped(d.r.RowsWritten))
	}
}

func (d *document) refusals() {
	if f := d.r.Failure; f != nil {
		d.section("D1 would refuse it")
		d.failure(f)
	}
	if f := d.r.Failed; f != nil {
		d.section("The data refuses it")
		d.failure(f)
	}
}

func (d *document) failure(f *Failure) {
	if f.AtCommit {
		d.line("%s, at the end of the transaction: %s (%s)", f.Place, f.Message, f.Code)
		return
	}
	d.line("%s: %s (%s)", f.Place, f.Message, f.Code)
	d.quote(f.Statement)
}

// quote indents a statement.
func (d *document) quote(sql string) {
	if sql != "" {
		d.line("    %s", strings.ReplaceAll(sql, "\n", "\n    "))
	}
}

func (d *document) rejected() {
	if d.r.RejectedTotal > 0 {
		d.section(fmt.Sprintf("Rows that a constraint rejects: %s", grouped(d.r.RejectedTotal)))
		message := ""
		for _, row := range d.r.Rejected {
			if now := fmt.Sprintf("%s, %s: %s", row.Place, row.Table, row.Message); now != message {
				message = now
				d.line("%s", message)
			}
			d.row(row.Columns, row.Values)
		}
		d.shown(int64(len(d.r.Rejected)), d.r.RejectedTotal)
	}
	for _, c := range d.r.Cut {
		d.section(fmt.Sprintf("Rows of %s that do not reach %s: %s", c.From, c.To, grouped(c.Rows-c.Copied)))
		d.line("%s copies %s of %s", c.Place, grouped(c.Copied), grouped(c.Rows))
		d.quote(c.Statement)
		for _, row := range c.Left {
			d.row(c.Columns, row)
		}
		d.shown(int64(len(c.Left)), c.Rows-c.Copied)
	}
}

func (d *document) row(columns, values []string) {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = v
		if i < len(columns) {
			parts[i] = columns[i] + "=" + v
		}
	}
	d.line("  %s", strings.Join(parts, ", "))
}

func (d *document) shown(shown, total int64) {
	if shown < total {
		d.line("  (%s of %s shown)", grouped(shown), grouped(total))
	}
}

func (d *document) losses() {
	if len(d.r.Losses) > 0 {
		d.section("What is lost in other tables")
	}
	for _, l := range d.r.Losses {
		seen := "seen with canary rows"
		if !l.Seen {
			seen = "by SQLite's word, not seen"
		}
		if l.Hidden {
			seen += "; a PRAGMA in the file makes D1 forget it"
		}
		d.line("%s: %s of %s, because of %s (%s)", l.Place, l.Kind, dotted(l.Table, l.Column), l.By, seen)
	}
	if len(d.r.Orphans) > 0 {
		d.section("Rows that refer to nothing afterwards, and did to something before")
	}
	for _, o := range d.r.Orphans {
		d.line("%s: %s to %s", o.Table, count(o.Rows, "row"), o.Parent)
	}
}

func dotted(table, column string) string {
	if column == "" {
		return table
	}
	return table + "." + column
}

func (d *document) rows() {
	if len(d.r.Tables) == 0 {
		return
	}
	d.section("Rows in the tables that it touches")
	for _, t := range d.r.Tables {
		d.line("%s: %s before, %s after%s", t.Name, present(t.Before), present(t.After), change(t))
		for _, c := range t.Columns {
			d.line("  %s: %s before, %s after", c.Name, count(c.Before, "value"), grouped(c.After))
		}
	}
}

func present(rows int64) string {
	if rows < 0 {
		return "not there"
	}
	return grouped(rows)
}

func change(t TableRows) string {
	if t.Before < 0 || t.After < 0 || t.Before == t.After {
		return ""
	}
	sign := ""
	if t.After > t.Before {
		sign = "+"
	}
	return fmt.Sprintf(" (%s%s)", sign, grouped(t.After-t.Before))
}

func (d *document) lost() {
	if len(d.r.LostIndexes)+len(d.r.LostTriggers) == 0 {
		return
	}
	d.section("Indexes and triggers that go with a rebuilt table")
	for _, name := range d.r.LostIndexes {
		d.line("index %s", name)
	}
	for _, name := range d.r.LostTriggers {
		d.line("trigger %s", name)
	}
}

func (d *document) plans() {
	if len(d.r.Plans) == 0 {
		return
	}
	d.section("Queries that are carried out in another way")
	for _, p := range d.r.Plans {
		mark := ""
		if p.Worse {
			mark = "worse: "
		}
		d.line("%s: %s%s", p.Name, mark, p.What)
		d.plan("before", p.Before)
		d.plan("after", p.After)
	}
}

func (d *document) plan(when string, lines []string) {
	if len(lines) > 0 {
		d.line("  %s:", when)
	}
	for _, l := range lines {
		d.line("    %s", l)
	}
}

func (d *document) schema() {
	if d.r.Diff.Empty() {
		return
	}
	d.section("Changes of the schema")
	for _, t := range d.r.Diff.TablesAdded {
		d.line("table %s added", t)
	}
	for _, t := range d.r.Diff.TablesRemoved {
		d.line("table %s removed", t)
	}
	for _, c := range d.r.Diff.ColumnsAdded {
		d.line("column %s.%s added", c.Table, c.Name)
	}
	for _, c := range d.r.Diff.ColumnsRemoved {
		d.line("column %s.%s removed", c.Table, c.Name)
	}
	for _, line := range d.r.Diff.Other {
		d.line("%s", line)
	}
}

func (d *document) notes() {
	if len(d.r.Warnings)+len(d.r.Unrehearsed) == 0 {
		return
	}
	d.section("Notes")
	for _, list := range [][]Note{d.r.Warnings, d.r.Unrehearsed} {
		for _, n := range list {
			d.line("%s: %s", n.Place, n.Message)
		}
	}
}
