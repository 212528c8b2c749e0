package tariff_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"towline/usage/tariff"
)

var update = flag.Bool("update-docs", false, "write the tables of docs/alerts.md anew")

// said is a value as people write it.
func said(e tariff.Entry, ok bool) string {
	if !ok {
		return "–"
	}
	if strings.HasPrefix(string(e.Unit), "dollars") {
		return fmt.Sprintf("$%g", e.Value)
	}
	v, unit := e.Value, ""
	letters := []string{"", " k", " M", " bn"}
	if e.Unit == tariff.Bytes {
		letters = []string{" B", " kB", " MB", " GB", " TB"}
	}
	for i := range letters {
		if unit = letters[i]; v < 1000 || i == 0 && v < 10000 {
			break
		}
		v /= 1000
	}
	stops := ""
	if e.Hard {
		stops = ", stops"
	}
	return fmt.Sprintf("%g%s%s", v, unit, stops)
}

func TestThePageHasTheTablesNumbers(t *testing.T) {
	free, paid := table(t, tariff.Free, nil, nil), table(t, tariff.Paid, nil, nil)
	var b strings.Builder
	b.WriteString("| key | free | paid | page |\n|---|---|---|---|\n")
	line := func(key string, of func(tariff.Table) (tariff.Entry, bool)) {
		f, hasFree := of(free)
		p, hasPaid := of(paid)
		page := p.Page
		switch {
		case !hasPaid:
			page = f.Page
		case hasFree && f.Page != p.Page:
			page = f.Page + "; " + p.Page
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", key, said(f, hasFree), said(p, hasPaid), page)
	}
	for _, key := range tariff.LimitKeys() {
		line(key, func(t tariff.Table) (tariff.Entry, bool) { return t.Limit(key) })
	}
	b.WriteString("\nPrices beyond what is included, for a million, and of storage for a GB and month:\n\n| key | free | paid | page |\n|---|---|---|---|\n")
	for _, key := range tariff.PriceKeys() {
		line(key, func(t tariff.Table) (tariff.Entry, bool) { return t.Price(key) })
	}
	const path, begin, end = "../../docs/alerts.md", "<!-- limits -->\n", "<!-- end -->\n"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatal("docs/alerts.md has no place for the tables")
	}
	want := before + begin + b.String() + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(raw) != want {
		t.Errorf("docs/alerts.md differs from the table (run with -update-docs when this is meant); it should have:\n%s", b.String())
	}
}
