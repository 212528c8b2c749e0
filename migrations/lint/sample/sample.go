// Package sample makes folders of migrations as teams write them, for measuring: plain SQL, the output of Drizzle with its back quotes and
// breakpoints, and that of Prisma with its rebuilds. The same number gives the same folder. The shares of statements are those of public
// folders: out of a hundred, 18 create a table, 33 an index, 10 add a column, 3 drop or rename one or rebuild a table, 30 write rows.
package sample

import (
	"fmt"
	"strings"

	"towline/migrations"
)

// style is how a project writes its names.
type style struct{ open, close, end string }

// Projects makes n folders with about files files in all, 7 to 8 statements each.
func Projects(n, files int) [][]migrations.File {
	var list [][]migrations.File
	for i := range n {
		count := files / n
		if i < files%n {
			count++
		}
		list = append(list, Project(i, count))
	}
	return list
}

// Project makes one folder.
func Project(number, files int) []migrations.File {
	styles := []style{{"", "", ";\n"}, {"`", "`", ";--> statement-breakpoint\n"}, {`"`, `"`, ";\n"}}
	p := project{style: styles[number%len(styles)], seed: uint32(number)*2654435761 + 1}
	var list []migrations.File
	for i := range files {
		p.b.Reset()
		p.file(i)
		list = append(list, migrations.File{Name: fmt.Sprintf("%04d_change.sql", i+1), SQL: []byte(p.b.String())})
	}
	return list
}

type project struct {
	style  style
	seed   uint32
	b      strings.Builder
	tables []int // columns added to each so far
}

// pick is a number below n, from the project's own sequence (a linear congruential generator: repeatable, and random enough here).
func (p *project) pick(n int) int {
	p.seed = p.seed*1664525 + 1013904223
	return int(p.seed>>16) % n
}

func (p *project) q(name string) string { return p.style.open + name + p.style.close }

func (p *project) table(i int) string { return p.q(fmt.Sprintf("table_%d", i)) }

func (p *project) say(format string, args ...any) {
	fmt.Fprintf(&p.b, format, args...)
	p.b.WriteString(p.style.end)
}

// file writes one migration.
func (p *project) file(i int) {
	switch {
	case i == 0:
		for range 4 {
			p.create()
		}
	case i%3 == 0:
		p.create()
		p.rows(2)
	case i%9 == 4 && p.style.open == `"`:
		p.rebuild(p.pick(len(p.tables)))
	case i%9 == 7:
		t := p.pick(len(p.tables))
		if p.tables[t] > 0 {
			p.say("ALTER TABLE %s DROP COLUMN %s", p.table(t), p.q(fmt.Sprintf("extra_%d", p.tables[t])))
			p.tables[t]--
		}
		p.rows(5)
	default:
		for range 2 {
			p.add(p.pick(len(p.tables)))
		}
		p.rows(4)
	}
}

// create makes a table that refers to an earlier one, with its indexes.
func (p *project) create() {
	n := len(p.tables)
	p.tables = append(p.tables, 0)
	p.say("CREATE TABLE %s (\n\t%s TEXT PRIMARY KEY NOT NULL,\n\t%s TEXT,\n%s\t%s TEXT DEFAULT 'open' NOT NULL,\n\t%s INTEGER DEFAULT 0 NOT NULL,\n\t%s TEXT DEFAULT CURRENT_TIMESTAMP NOT NULL\n)",
		p.table(n), p.q("id"), p.q("name"), p.parent(n), p.q("state"), p.q("amount"), p.q("created_at"))
	p.say("CREATE INDEX %s ON %s (%s)", p.q(fmt.Sprintf("table_%d_name", n)), p.table(n), p.q("name"))
	if n > 0 {
		p.say("CREATE INDEX %s ON %s (%s, %s)", p.q(fmt.Sprintf("table_%d_parent", n)), p.table(n), p.q("parent_id"), p.q("created_at"))
	}
	if n%6 == 5 {
		p.say("CREATE TRIGGER %s AFTER UPDATE ON %s BEGIN UPDATE %s SET %s = %s + 1 WHERE %s = new.%s; END", p.q(fmt.Sprintf("table_%d_count", n)),
			p.table(n), p.table(0), p.q("amount"), p.q("amount"), p.q("id"), p.q("parent_id"))
	}
}

func (p *project) parent(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("\t%s TEXT REFERENCES %s(%s) ON DELETE CASCADE,\n", p.q("parent_id"), p.table(n/3), p.q("id"))
}

func (p *project) add(t int) {
	p.tables[t]++
	p.say("ALTER TABLE %s ADD COLUMN %s TEXT", p.table(t), p.q(fmt.Sprintf("extra_%d", p.tables[t])))
}

// rows writes rows, which most files of public folders do not, but a few do a hundredfold.
func (p *project) rows(n int) {
	for range n {
		t := p.pick(len(p.tables))
		if p.pick(3) == 0 {
			p.say("UPDATE %s SET %s = 'closed' WHERE %s = 'key %d'", p.table(t), p.q("state"), p.q("id"), p.pick(50))
			continue
		}
		p.say("INSERT INTO %s (%s, %s, %s) VALUES ('key %d', 'a name', %d)", p.table(t), p.q("id"), p.q("name"), p.q("amount"), int(p.seed), p.pick(1000))
	}
}

// rebuild is what Prisma writes.
func (p *project) rebuild(t int) {
	columns := []string{"id", "name", "state", "amount", "created_at"}
	for i := range p.tables[t] {
		columns = append(columns, fmt.Sprintf("extra_%d", i+1))
	}
	names := `"` + strings.Join(columns, `", "`) + `"`
	var extra strings.Builder
	for _, name := range columns[5:] {
		fmt.Fprintf(&extra, ",\n\t\"%s\" TEXT", name)
	}
	p.say("PRAGMA defer_foreign_keys=ON")
	p.say("PRAGMA foreign_keys=OFF")
	p.say("CREATE TABLE \"new_%d\" (\n\t\"id\" TEXT PRIMARY KEY NOT NULL,\n\t\"name\" TEXT,\n%s\t\"state\" TEXT NOT NULL DEFAULT 'new',\n\t\"amount\" INTEGER NOT NULL DEFAULT 0,\n\t\"created_at\" TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP%s\n)",
		t, p.parent(t), extra.String())
	p.say("INSERT INTO \"new_%d\" (%s) SELECT %s FROM %s", t, names, names, p.table(t))
	p.say("DROP TABLE %s", p.table(t))
	p.say("ALTER TABLE \"new_%d\" RENAME TO %s", t, p.table(t))
	p.say("PRAGMA foreign_keys=ON")
	p.say("PRAGMA defer_foreign_keys=OFF")
}
