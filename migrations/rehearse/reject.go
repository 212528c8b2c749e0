package rehearse

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// reject looks for the rows for which the copy of the data has just refused a statement: it carries the statement out once
// more for each row by itself. What it does goes with the transaction. A statement that cannot be taken apart so has no
// rejected rows, only its failure.
func (r *dataRun) reject(ctx context.Context, s *step, refused *sqlite.Error) error {
	if refused.Name() != "SQLITE_CONSTRAINT" || len(s.planned.Params) > 0 {
		return nil
	}
	kind, table := s.work()
	pieces := lex(s.planned.SQL)
	j := rejection{r: r, step: s, table: table}
	var err error
	switch kind {
	case sqlite.Insert:
		err = j.insert(ctx, pieces)
	case sqlite.Update:
		err = j.update(ctx, pieces)
	case sqlite.CreateIndex:
		err = j.unique(ctx, pieces, refused)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil { // our own rewriting met something that it does not know
		r.effects.Rejected, r.effects.RejectedTotal = nil, 0
	}
	return nil
}

// rejection is the search for the rows of one statement.
type rejection struct {
	r     *dataRun
	step  *step
	table string
}

func (j *rejection) add(err *sqlite.Error, columns []string, row []any) {
	e := j.r.effects
	e.RejectedTotal++
	if len(e.Rejected) >= MaxRowsShown {
		return
	}
	e.Rejected = append(e.Rejected, RejectedRow{
		Place: j.step.place, Table: j.table, Message: err.Message, Code: err.ExtendedName(), Columns: columns, Values: literals(row),
	})
}

// insert feeds the rows of INSERT INTO t SELECT ... one by one.
func (j *rejection) insert(ctx context.Context, pieces []piece) error {
	sql := j.step.planned.SQL
	at := find(pieces, 0, "select", "with", "values")
	if at < 0 || pieces[0].word != "insert" && pieces[0].word != "replace" {
		return nil
	}
	end := endOfQuery(sql, pieces, at)
	query := sql[pieces[at].start:end]
	none, err := j.r.c.Exec(ctx, "SELECT * FROM ("+query+"\n) LIMIT 0")
	if err != nil {
		return err
	}
	columns := j.targetColumns(pieces[:at])
	if len(columns) != len(none.Columns) {
		columns = none.Columns
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(none.Columns)), ", ")
	statement := sql[:pieces[at].start] + "VALUES (" + marks + ")\n" + sql[end:]
	_, err = j.r.c.Feed(ctx, query, statement, func(row []any, err *sqlite.Error) error {
		j.add(err, columns, row)
		return nil
	})
	return err
}

// endOfQuery is where the query of an INSERT ends, which begins with piece at.
func endOfQuery(sql string, pieces []piece, at int) int {
	for i := at; i < len(pieces); i++ {
		if p := pieces[i]; p.depth == 0 && (p.word == "returning" || p.word == "on" && i+1 < len(pieces) && pieces[i+1].word == "conflict") {
			return p.start
		}
	}
	return len(sql)
}

// targetColumns are the columns that an INSERT names, or all of its table.
func (j *rejection) targetColumns(head []piece) []string {
	var columns []string
	for _, p := range head {
		if p.depth == 1 && p.word != "," && p.word != "(" {
			columns = append(columns, strings.Trim(p.text, "\"`[]"))
		}
	}
	if len(columns) > 0 {
		return columns
	}
	res, err := j.r.c.Exec(context.Background(), "SELECT * FROM "+quoteName(j.table)+" LIMIT 0")
	if err != nil {
		return nil
	}
	return res.Columns
}

// update carries an UPDATE out for one rowid after the other.
func (j *rejection) update(ctx context.Context, pieces []piece) error {
	sql := j.step.planned.SQL
	if pieces[0].word != "update" || find(pieces, 0, "from", "returning", "order", "limit") >= 0 {
		return nil
	}
	statement := sql + "\nWHERE rowid = ?1"
	if at := find(pieces, 0, "where"); at >= 0 {
		statement = sql[:pieces[at].end] + " (" + sql[pieces[at].end:] + "\n) AND rowid = ?1"
	}
	name := quoteName(j.table)
	_, err := j.r.c.Feed(ctx, "SELECT rowid FROM "+name+" NOT INDEXED ORDER BY rowid", statement, func(row []any, refused *sqlite.Error) error {
		if len(j.r.effects.Rejected) >= MaxRowsShown {
			j.add(refused, nil, nil)
			return nil
		}
		res, err := j.r.c.Exec(ctx, "SELECT * FROM "+name+" WHERE rowid = ?1", row[0])
		if err != nil || len(res.Rows) == 0 {
			return err
		}
		j.add(refused, res.Columns, res.Rows[0])
		return nil
	})
	return err
}

// unique looks for the duplicates that keep a unique index from being made: one entry for each value that is there more
// than once, with how often it is.
func (j *rejection) unique(ctx context.Context, pieces []piece, refused *sqlite.Error) error {
	sql := j.step.planned.SQL
	on := find(pieces, 0, "on")
	if on < 0 {
		return nil
	}
	opening := on + 1
	for opening < len(pieces) && pieces[opening].word != "(" {
		opening++
	}
	var terms []string
	closing := opening + 1
	for from := closing; closing < len(pieces); closing++ {
		p := pieces[closing]
		if p.depth == 1 && p.word == "," || p.depth == 0 && p.word == ")" {
			last := pieces[closing-1]
			if last.word == "asc" || last.word == "desc" {
				last = pieces[closing-2]
			}
			terms = append(terms, sql[pieces[from].start:last.end])
			from = closing + 1
		}
		if p.depth == 0 {
			break
		}
	}
	where := " WHERE " + strings.Join(terms, " IS NOT NULL AND ") + " IS NOT NULL"
	if at := find(pieces, 0, "where"); at > closing {
		where += " AND (" + sql[pieces[at].end:] + "\n)"
	}
	list := strings.Join(terms, ", ")
	query := fmt.Sprintf("SELECT %s, count(*) FROM %s%s GROUP BY %s HAVING count(*) > 1", list, quoteName(j.table), where, list)
	columns := append(append([]string{}, terms...), "rows")
	return j.r.c.Each(ctx, query, func(row []any) error {
		j.add(refused, columns, row)
		j.r.effects.RejectedTotal += number(row[len(row)-1]) - 2 // all but one of them, of which add has counted one
		return nil
	})
}

// piece is a token of a statement.
type piece struct {
	start, end int
	text, word string // word in lower case
	depth      int    // of parentheses; a parenthesis has that of what is around it
}

// lex takes a statement apart, without blanks and comments.
func lex(sql string) []piece {
	var pieces []piece
	depth := 0
	tokens, _ := migrations.Lex(sql)
	for _, token := range tokens {
		if !token.Means() {
			continue
		}
		t := token.Text(sql)
		if t == ")" {
			depth--
		}
		pieces = append(pieces, piece{token.Start, token.End, t, fold(t), depth})
		if t == "(" {
			depth++
		}
	}
	return pieces
}

// find is the place of the first of the words at a depth, -1 if there is none.
func find(pieces []piece, depth int, words ...string) int {
	for i, p := range pieces {
		for _, w := range words {
			if p.depth == depth && p.word == w {
				return i
			}
		}
	}
	return -1
}

// literals writes values as SQL, long ones cut.
func literals(row []any) []string {
	list := make([]string, len(row))
	for i, v := range row {
		switch v := v.(type) {
		case nil:
			list[i] = "NULL"
		case int64:
			list[i] = strconv.FormatInt(v, 10)
		case float64:
			list[i] = strconv.FormatFloat(v, 'g', -1, 64)
		case []byte:
			list[i] = cut("x'"+hex.EncodeToString(v[:min(len(v), MaxValueShown)])+"'", len(v) > MaxValueShown)
		case string:
			list[i] = cut(migrations.QuoteText(v[:min(len(v), MaxValueShown)]), len(v) > MaxValueShown)
		}
	}
	return list
}

func cut(literal string, longer bool) string {
	for len(literal) > MaxValueShown || !utf8.ValidString(literal) && longer && len(literal) > 0 {
		literal, longer = literal[:len(literal)-1], true
	}
	if longer {
		return strings.TrimSuffix(literal, "'") + "…"
	}
	return literal
}
