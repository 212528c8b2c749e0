package lint

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// addColumnRefused runs an ADD COLUMN on a table that has a row, and returns what SQLite says; nil where it takes it, or where the table is
// new.
func (w *walk) addColumnRefused(s *step) (table, column string, e *sqlite.Error) {
	if s.refusal == nil {
		s.refusal = &refused{}
		s.refusal.table, s.refusal.column, s.refusal.err = w.tryAddColumn(s)
	}
	return s.refusal.table, s.refusal.column, s.refusal.err
}

// refused is what addColumnRefused returns, kept.
type refused struct {
	table, column string
	err           *sqlite.Error
}

func (w *walk) tryAddColumn(s *step) (table, column string, e *sqlite.Error) {
	if s.err != nil || s.alters() == "" || w.isNew(s, s.alters()) || s.calls("sqlite_rename_column") || s.calls("sqlite_drop_column") {
		return "", "", nil
	}
	table, added, _ := s.columnChange(w)
	if len(added) != 1 {
		return "", "", nil
	}
	if rows, known := w.rows(table); known && rows == 0 {
		return "", "", nil
	}
	was := w.shapes.table(s.before, table)
	if was == nil || was.virtual {
		return "", "", nil
	}
	err := w.shapes.scratch(func(c *sqlite.Conn) error {
		for _, sql := range []string{
			fmt.Sprintf("CREATE TABLE %s(%s)", migrations.QuoteName(was.name), quotedAll(columnNames(was))),
			fmt.Sprintf("INSERT INTO %s DEFAULT VALUES", migrations.QuoteName(was.name)),
			s.SQL,
		} {
			if _, err := c.Exec(w.shapes.ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
	errors.As(err, &e)
	return was.name, added[0].name, e
}

func quotedAll(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = migrations.QuoteName(n)
	}
	return strings.Join(list, ", ")
}

// addColumnRule is a rule about an ADD COLUMN that rows refuse with a certain message.
func addColumnRule(messages []string, why, advice string) func(*walk) []Finding {
	return func(w *walk) []Finding {
		var list []Finding
		for _, s := range w.steps {
			table, column, e := w.addColumnRefused(s)
			if e == nil || !slices.ContainsFunc(messages, func(m string) bool { return strings.Contains(e.Message, m) }) {
				continue
			}
			x := s.at()
			x.Table, x.Column = table, column
			x.Text = fmt.Sprintf("With rows in %s D1 refuses this: %s. %s", table, e.Message, why)
			x.Advice = advice
			x.Rewrite = w.addThenFill(s, table, column)
			list = append(list, x)
		}
		return list
	}
}

// addThenFill adds the column without what rows refuse, fills it in batches and leaves the constraint to a rebuild.
func (w *walk) addThenFill(s *step, table, column string) string {
	is := w.shapes.table(s.after, table)
	if is == nil {
		return ""
	}
	c, _ := is.column(column)
	kind := strings.TrimSpace(c.kind)
	references := ""
	for _, k := range is.keys {
		if len(k.from) == 1 && same(k.from[0], column) {
			references = " REFERENCES " + q(k.parent)
			if len(k.to) == 1 {
				references += "(" + q(k.to[0]) + ")"
			}
			if k.onDelete != "NO ACTION" {
				references += " ON DELETE " + k.onDelete
			}
		}
	}
	add := strings.TrimSpace(fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", q(table), q(column), kind)) + references + ";\n"
	if c.stored {
		return strings.TrimSpace(fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", q(table), q(column), kind)) + " GENERATED ALWAYS AS (" + generatedAs(s) + ") VIRTUAL;\n"
	}
	value := "'...'"
	if c.hasDefault && !strings.EqualFold(c.fallback, "NULL") {
		value = c.fallback
	}
	if key := is.primaryKey(); len(key) == 1 {
		block := backfillBlock(table, key[0], fmt.Sprintf("UPDATE %s SET %s = %s", q(table), q(column), value), q(column)+" IS NULL")
		add += "-- in the next migration, with the value that is meant\n" + block
	}
	return add
}

// generatedAs is the expression of a generated column in an ADD COLUMN.
func generatedAs(s *step) string {
	as := slices.IndexFunc(s.tokens, func(t migrations.Token) bool { return t.Is(s.SQL, "AS") })
	if as < 0 || as+1 >= len(s.tokens) {
		return "NULL"
	}
	text, _ := enclosed(s.SQL, s.tokens, as+1)
	return text
}

// enclosed returns what the parenthesis at list[open] encloses, and the index of the one that closes it.
func enclosed(sql string, list []migrations.Token, open int) (text string, end int) {
	depth := 0
	for i := open; i < len(list); i++ {
		switch list[i].Text(sql) {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return strings.TrimSpace(sql[list[open].End:list[i].Start]), i
			}
		}
	}
	return "", len(list)
}

// uniqueOnData finds UNIQUE indexes over rows that were not unique by any other.
func uniqueOnData(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		if s.err != nil || len(s.tokens) < 3 || !s.tokens[1].Is(s.SQL, "UNIQUE") {
			continue
		}
		name, table := s.createsIndex()
		if table == "" || w.isNew(s, table) || s.before == s.after {
			continue
		}
		is := w.shapes.table(s.after, table)
		was := w.shapes.table(s.file.before, table)
		if is == nil || was == nil {
			continue
		}
		i := slices.IndexFunc(is.indexes, func(x index) bool { return same(x.name, name) })
		if i < 0 || wasUnique(was, is.indexes[i]) || w.assertsUnique(s, table) || allNew(was, is.indexes[i].columns) {
			continue
		}
		list = append(list, w.uniqueFinding(s, table, is.indexes[i]))
	}
	return list
}

func (w *walk) uniqueFinding(s *step, table string, x index) Finding {
	f := s.at()
	f.Table, f.Column = table, strings.Join(x.columns, ", ")
	f.Text = fmt.Sprintf("With two rows of %s that are equal in %s D1 refuses this: UNIQUE constraint failed.", table, or(f.Column, "the expression"))
	if how := x.collides(); how != "" {
		f.Text += " " + strings.ToUpper(how[:1]) + how[1:] + "."
	}
	if n := w.duplicates(s); n > 0 {
		f.Severity = Error
		rows := fmt.Sprintf("%d rows of %s are", n, table)
		if n == 1 {
			rows = fmt.Sprintf("a row of %s is", table)
		}
		f.Text = fmt.Sprintf("D1 will refuse this: in the copy of the data %s in the way (UNIQUE constraint failed).", rows)
	}
	f.Advice = "Assert before it that there are no duplicates, so that it fails by name, or remove them in an earlier migration."
	if !slices.Contains(x.columns, "") {
		f.Rewrite = fmt.Sprintf("-- towline:assert SELECT NOT EXISTS (SELECT 1 FROM %s WHERE %s IS NOT NULL GROUP BY %s HAVING count(*) > 1)\n%s;\n",
			q(table), strings.ReplaceAll(qs(x.columns), ", ", " IS NOT NULL AND "), x.grouped(), s.SQL)
	}
	return f
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// createsIndex returns the index that a statement makes, and its table.
func (s *step) createsIndex() (name, table string) {
	for _, a := range s.actions {
		if a.Kind == sqlite.CreateIndex && a.Inner == "" {
			return a.Arg3, a.Arg4
		}
	}
	return "", ""
}

// wasUnique reports whether the columns of an index, or some of them, were unique before, by what the index takes for equal.
func wasUnique(was *table, x index) bool {
	if alias := was.rowIDAlias(); alias != "" && slices.ContainsFunc(x.columns, func(n string) bool { return same(n, alias) }) {
		return true // numbers, which are equal or not whatever the collation
	}
	within := func(o index) bool {
		for i, c := range o.columns {
			at := slices.IndexFunc(x.columns, func(n string) bool { return c != "" && same(n, c) })
			if at < 0 || coarser(x.collation(at), o.collation(i)) {
				return false
			}
		}
		return len(o.columns) > 0
	}
	return slices.ContainsFunc(was.indexes, func(o index) bool {
		alike := same(o.name, x.name) && slices.Equal(o.columns, x.columns) && slices.EqualFunc(x.collations, o.collations, func(is, was string) bool { return !coarser(is, was) })
		return o.unique && (!o.partial || x.partial) && (within(o) || alike)
	})
}

// collation is how the texts of a column are compared.
func (x index) collation(i int) string {
	if i >= len(x.collations) || x.collations[i] == "" {
		return "BINARY"
	}
	return x.collations[i]
}

// coarser reports whether a collation takes texts for equal that are not by the other one.
func coarser(is, was string) bool { return is != "BINARY" && is != was }

// collides says of the first column whose texts an index takes for equal though they differ how that is; empty: there is none.
func (x index) collides() string {
	for i, c := range x.columns {
		switch {
		case c == "" || x.collation(i) == "BINARY":
		case x.collation(i) == "NOCASE":
			return fmt.Sprintf("%s is compared without regard to case (COLLATE NOCASE), so that 'Ann' and 'ann' are equal", c)
		case x.collation(i) == "RTRIM":
			return fmt.Sprintf("%s is compared without the blanks at its end (COLLATE RTRIM), so that 'Ann' and 'Ann ' are equal", c)
		}
	}
	return ""
}

// grouped are the columns of an index as a query groups by them, to find what the index takes for equal.
func (x index) grouped() string {
	var list []string
	for i, c := range x.columns {
		text := q(c)
		if x.collation(i) != "BINARY" {
			text += " COLLATE " + x.collation(i)
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// allNew reports whether an index is over one column that the file adds without a value: NULLs are never duplicates.
func allNew(was *table, columns []string) bool {
	for _, name := range columns {
		if _, old := was.column(name); !old && name != "" {
			return true
		}
	}
	return false
}

// assertsUnique reports whether something before a statement makes sure that there are no duplicates: an assert directive about the table,
// or a statement that fills another table from groups of this one.
func (w *walk) assertsUnique(s *step, table string) bool {
	if s.assertedAbove(table, "") {
		return true
	}
	for _, b := range s.file.steps[:s.Index] {
		if b != s && b.err == nil && b.fills() != "" && !same(b.fills(), table) && b.reads(table, "") && b.word("GROUP", "DISTINCT", "HAVING") {
			return true
		}
		if b != s && b.err == nil && same(b.deletesFrom(), table) && b.word("GROUP", "DISTINCT", "HAVING", "EXISTS", "PARTITION") {
			return true // duplicates are removed
		}
	}
	return false
}

// mentionsWord reports whether a text of SQL has a name in it.
func mentionsWord(sql, name string) bool {
	return slices.ContainsFunc(meaning(sql), func(t migrations.Token) bool { return same(migrations.Unquote(t.Text(sql)), name) })
}

// duplicates is how many rows the copy of the data has that keep a UNIQUE index from being made.
func (w *walk) duplicates(s *step) (n int) {
	for _, r := range w.rehearsal.Rejected {
		if r.File == s.File && r.Index == s.Index {
			n++
		}
	}
	if f := w.rehearsal.Failed; n == 0 && f != nil && f.File == s.File && f.Index == s.Index {
		return 1
	}
	return n
}

// addUnique finds ADD COLUMN with UNIQUE or PRIMARY KEY, which SQLite always refuses.
func addUnique(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		if s.err == nil || !strings.HasPrefix(s.err.Message, "Cannot add a UNIQUE column") && !strings.HasPrefix(s.err.Message, "Cannot add a PRIMARY KEY column") {
			continue
		}
		x := s.at()
		x.Table = s.named()
		x.Text = "D1 always refuses this: " + s.err.Message + "."
		x.Advice = "Add the column without it, then make a UNIQUE index."
		x.Rewrite = addThenIndex(s)
		list = append(list, x)
	}
	return list
}

// addThenIndex is ALTER TABLE t ADD COLUMN c ... without UNIQUE, and the index.
func addThenIndex(s *step) string {
	var rest strings.Builder
	last := 0
	for i, t := range s.tokens {
		unique := t.Is(s.SQL, "UNIQUE") || t.Is(s.SQL, "PRIMARY") || t.Is(s.SQL, "KEY") && i > 0 && s.tokens[i-1].Is(s.SQL, "PRIMARY")
		if unique {
			rest.WriteString(strings.TrimRight(s.SQL[last:t.Start], " "))
			last = t.End
		}
	}
	rest.WriteString(s.SQL[last:])
	add := slices.IndexFunc(s.tokens, func(t migrations.Token) bool { return t.Is(s.SQL, "ADD") })
	if add < 1 || add+2 >= len(s.tokens) {
		return ""
	}
	at := add + 1
	if s.tokens[at].Is(s.SQL, "COLUMN") {
		at++
	}
	table, column := migrations.Unquote(s.tokens[add-1].Text(s.SQL)), migrations.Unquote(s.tokens[at].Text(s.SQL))
	return rest.String() + ";\n" + indexOn(s.before, true, table, []string{column})
}

// undroppable finds DROP COLUMN that SQLite refuses.
func undroppable(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		if s.err == nil || !strings.HasPrefix(s.err.Message, "cannot drop ") && !strings.Contains(s.err.Message, " after drop column: ") {
			continue
		}
		x := s.at()
		x.Table = s.named()
		x.Text = "D1 refuses this: " + s.err.Message + "."
		x.Advice = "Rebuild the table without the column (towline rebuild TABLE)."
		if name, ok := strings.CutPrefix(s.err.Message, "error in index "); ok {
			name, _, _ = strings.Cut(name, " ")
			x.Advice = "Drop the index first."
			x.Rewrite = "DROP INDEX " + q(name) + ";\n" + s.SQL + ";\n"
		}
		for _, kind := range []string{"view", "trigger"} {
			if name, ok := strings.CutPrefix(s.err.Message, "error in "+kind+" "); ok {
				name, _, _ = strings.Cut(name, " ")
				x.Advice = "Drop the " + kind + " first, and make it again without the column."
				x.Rewrite = "DROP " + strings.ToUpper(kind) + " " + q(name) + ";\n" + s.SQL + ";\n"
			}
		}
		list = append(list, x)
	}
	return list
}
