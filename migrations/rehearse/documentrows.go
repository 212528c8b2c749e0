package rehearse

import (
	"fmt"
	"strings"
)

// rowLosses are the rows that go and the values that lose something, table by table.
func (d *document) rowLosses() {
	for _, l := range d.r.RowLosses {
		d.section("What rows of " + l.Table + " lose")
		by := strings.Join(l.Key, ", ")
		if l.Gone > 0 {
			d.line("%s gone, by %s", count(l.Gone, "row"), by)
			for _, row := range l.GoneRows {
				d.row(l.GoneColumns, row)
			}
			d.shown(int64(len(l.GoneRows)), l.Gone)
		}
		for _, c := range l.Columns {
			d.line("%s: %s", c.Name, lossesOf(c))
			for _, v := range c.Shown {
				d.value(l.Key, v)
			}
			d.shown(int64(len(c.Shown)), c.Cut+c.Rounded+c.Nulled)
		}
	}
	if len(d.r.Uncompared) > 0 {
		d.section("Tables whose rows were counted and not compared one by one")
	}
	for _, u := range d.r.Uncompared {
		d.line("%s: %s", u.Table, u.Why)
	}
}

// lossesOf counts what the values of a column lose.
func lossesOf(c ColumnLosses) string {
	var parts []string
	for _, p := range []struct {
		n    int64
		what string
	}{{c.Cut, "cut off"}, {c.Rounded, "with fewer digits"}, {c.Nulled, "NULL afterwards"}} {
		if p.n > 0 {
			parts = append(parts, count(p.n, "value")+" "+p.what)
		}
	}
	return strings.Join(parts, ", ")
}

func (d *document) value(key []string, v LostValue) {
	names := make([]string, len(v.Key))
	for i, k := range v.Key {
		names[i] = key[i] + "=" + k
	}
	was, is := v.Was, v.Is
	if v.WasSize > 0 {
		unit := "characters"
		if strings.HasPrefix(v.Was, "x'") {
			unit = "bytes"
		}
		was, is = fmt.Sprintf("%s (%s %s)", v.Was, grouped(int64(v.WasSize)), unit), fmt.Sprintf("%s (%s)", v.Is, grouped(int64(v.IsSize)))
	}
	d.line("  %s: %s becomes %s", strings.Join(names, ", "), was, is)
}
