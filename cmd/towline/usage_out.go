package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"

	"towline/usage"
)

// usageTable is what is to be written.
type usageTable struct {
	state    usage.State
	by       string
	subjects []counted
	read     func(usage.Subject) ([]usage.Sample, error)
}

func usageFormats() map[string]func(io.Writer, usageTable) error {
	return map[string]func(io.Writer, usageTable) error{"text": usageText, "json": usageJSON, "csv": usageCSV}
}

// usageColumns are the names that every row has before its figures. They stay, and so do those of the figures.
func usageColumns() []string {
	return []string{"time", "project", "environment", "kind", "name", "id", "hours"}
}

// figureText writes a figure so that it is read back as it was.
func figureText(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// usageCSV writes a row for each subject and time; a figure that was not counted is empty.
func usageCSV(w io.Writer, t usageTable) error {
	out := csv.NewWriter(w)
	header := usageColumns()
	for _, f := range usage.Figures() {
		header = append(header, f.String())
	}
	if err := out.Write(header); err != nil {
		return err
	}
	for _, c := range t.subjects {
		all, err := t.read(c.of)
		if err != nil {
			return err
		}
		for _, s := range all {
			row := []string{s.At.Format(time.RFC3339), c.project, c.environment, string(c.of.Kind), c.name, c.of.ID, strconv.Itoa(s.Hours)}
			for _, f := range usage.Figures() {
				text := ""
				if v, ok := s.Get(f); ok {
					text = figureText(v)
				}
				row = append(row, text)
			}
			if err := out.Write(row); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// usageDataset is what is known of a dataset, in JSON.
type usageDataset struct {
	Available bool       `json:"available"`
	Why       string     `json:"why,omitempty"`
	CountedTo *time.Time `json:"counted_to"`
}

// usageJSON writes an object: how far everything was counted, and the samples, each with all its names; a figure that was not counted is null.
func usageJSON(w io.Writer, t usageTable) error {
	head := struct {
		LastPass *time.Time               `json:"last_pass"`
		Datasets map[string]*usageDataset `json:"datasets"`
	}{moment(t.state.LastPass), map[string]*usageDataset{}}
	for d, s := range t.state.Datasets {
		head.Datasets[string(d)] = &usageDataset{Available: s.Available, Why: string(s.Why), CountedTo: moment(s.CountedTo)}
	}
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%s,\n\"samples\":[", strings.TrimSuffix(string(text), "}")); err != nil {
		return err
	}
	between := "\n"
	for _, c := range t.subjects {
		all, err := t.read(c.of)
		if err != nil {
			return err
		}
		for _, s := range all {
			row, err := usageObject(c, s)
			if err != nil {
				return err
			}
			if _, err := io.WriteString(w, between+row); err != nil {
				return err
			}
			between = ",\n"
		}
	}
	_, err = io.WriteString(w, "\n]}\n")
	return err
}

// usageObject is a sample in JSON, its names in the order of the columns.
func usageObject(c counted, s usage.Sample) (string, error) {
	values := []any{s.At.Format(time.RFC3339), c.project, c.environment, string(c.of.Kind), c.name, c.of.ID, s.Hours}
	var b strings.Builder
	for i, name := range usageColumns() {
		v, err := json.Marshal(values[i])
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%q:%s,", name, v)
	}
	for _, f := range usage.Figures() {
		text := "null"
		if v, ok := s.Get(f); ok {
			text = figureText(v)
		}
		fmt.Fprintf(&b, "%q:%s,", f.String(), text)
	}
	return "{" + strings.TrimSuffix(b.String(), ",") + "}", nil
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// figureHeads are what the table's columns are called.
func figureHeads() map[usage.Figure]string {
	return map[usage.Figure]string{
		usage.RowsRead: "rows read", usage.RowsWritten: "rows written", usage.ReadQueries: "reads", usage.WriteQueries: "writes", usage.Errors: "errors",
		usage.Storage: "storage", usage.BatchP90: "batch p90", usage.Requests: "requests", usage.CPUP50: "CPU p50", usage.CPUP99: "CPU p99",
		usage.Databases: "databases", usage.APICalls: "calls in 5 min",
	}
}

// figureWords writes a figure for people.
func figureWords(f usage.Figure, v float64) string {
	switch f {
	case usage.Storage:
		return humanize.Bytes(uint64(max(v, 0)))
	case usage.BatchP90:
		return humanize.CommafWithDigits(v, 1) + " ms"
	case usage.CPUP50, usage.CPUP99:
		return humanize.CommafWithDigits(v/1000, 1) + " ms"
	default:
		return humanize.Commaf(v)
	}
}

// usageText writes a table for each subject, and what was not counted.
func usageText(w io.Writer, t usageTable) error {
	var b strings.Builder
	for _, c := range t.subjects {
		all, err := t.read(c.of)
		if err != nil {
			return err
		}
		if len(all) > 0 {
			b.WriteString(c.heading() + "\n" + usageRows(all, t.by) + "\n")
		}
	}
	if b.Len() == 0 {
		b.WriteString("Nothing was counted in this time.\n\n")
	}
	b.WriteString(usageNotes(t.state))
	_, err := io.WriteString(w, b.String())
	return err
}

func (c counted) heading() string {
	if c.of.Kind == usage.Account {
		return "The account"
	}
	kind := "database"
	if c.of.Kind == usage.Worker {
		kind = "Worker"
	}
	parts := []string{c.project, c.environment, kind + " " + c.name}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

// usageRows is a table with a column for each figure that any sample has. A day of which not every hour is counted says so.
func usageRows(all []usage.Sample, by string) string {
	head := []string{by + " (UTC)"}
	var figures []usage.Figure
	for _, f := range usage.Figures() {
		if slices.ContainsFunc(all, func(s usage.Sample) bool { _, ok := s.Get(f); return ok }) {
			figures, head = append(figures, f), append(head, figureHeads()[f])
		}
	}
	rows := [][]string{head}
	for _, s := range all {
		name, whole := s.At.Format(time.DateOnly), 24
		if by == "hour" {
			name, whole = s.At.Format("2006-01-02 15:04"), 1
		}
		if s.Hours < whole {
			name += " *"
		}
		row := []string{name}
		for _, f := range figures {
			text := "–"
			if v, ok := s.Get(f); ok {
				text = figureWords(f, v)
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	return aligned(rows)
}

// aligned writes rows with their columns under one another: the first to the left, figures to the right.
func aligned(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, text := range row {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if i == 0 {
				b.WriteString("  " + text + space)
			} else {
				b.WriteString("  " + space + text)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// usageNotes says how far everything was counted, and what was not.
func usageNotes(s usage.State) string {
	if s.LastPass.IsZero() {
		return "Nothing was ever counted here: a bot counts when it starts, and each hour.\n"
	}
	stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }
	b := strings.Builder{}
	b.WriteString("* Cloudflare has not counted all of it, or not yet. – was not counted.\n")
	what := map[usage.Dataset]string{
		usage.Activity: "Rows, queries and times", usage.Sizes: "Storage", usage.Queries: "Failed queries", usage.Invocations: "Workers",
	}
	for _, d := range usage.AllDatasets() {
		is, asked := s.Datasets[d]
		to := ""
		if !is.CountedTo.IsZero() {
			to = "counted to " + stamp(is.CountedTo)
		}
		switch {
		case !asked || is.Available:
		case to == "":
			to = "not counted: " + whyNot(is.Why)
		default:
			to += ", and not now: " + whyNot(is.Why)
		}
		if to != "" {
			fmt.Fprintf(&b, "%s: %s.\n", what[d], to)
		}
	}
	if s.Trouble != "" {
		fmt.Fprintf(&b, "The last look, at %s, did not get everything: %s.\n", stamp(s.LastPass), whyNot(s.Trouble))
	}
	return b.String()
}

func whyNot(w usage.Why) string {
	switch w {
	case usage.NotAllowed:
		return "the API token may not read analytics; it needs the permission Account Analytics: Read"
	case usage.Busy:
		return "Cloudflare wants fewer questions for a while"
	case usage.Missing:
		return "Cloudflare does not keep this for the account"
	case usage.Disabled:
		return "the account may not query it"
	case usage.NoAnswer:
	}
	return "Cloudflare did not answer; the log says more"
}
