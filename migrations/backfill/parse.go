package backfill

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"towline/migrations"
)

// parser reads one file.
type parser struct {
	name, src string
	tokens    []token
	job       Job
}

func (p *parser) parse() (*Job, error) {
	list, err := migrations.Split(p.name, []byte(p.src))
	if err != nil {
		return nil, err
	}
	p.tokens = scan(p.src)
	p.job.File = p.name
	start, end, err := p.block()
	if err != nil {
		return nil, err
	}
	switch {
	case len(list) == 0:
		return nil, p.refuse(p.tokens[start].Start, "a backfill needs one UPDATE, DELETE or INSERT .. SELECT between its first line and -- towline:end")
	case len(list) > 1:
		return nil, p.refuse(list[1].Offset, "a backfill has a file to itself, with one statement: move this one to another migration")
	case list[0].Offset < p.tokens[start].Start:
		return nil, p.refuse(list[0].Offset, "a backfill has a file to itself: its statement comes after -- towline:backfill")
	case list[0].Offset > p.tokens[end].Start:
		return nil, p.refuse(list[0].Offset, "this statement comes after -- towline:end: move it up, or to another migration")
	}
	if err := p.header(p.tokens[start]); err != nil {
		return nil, err
	}
	if err := p.queries(start+1, list[0].Offset); err != nil {
		return nil, err
	}
	if err := p.statement(list[0], p.tokens[end].Start); err != nil {
		return nil, err
	}
	p.job.Line = p.line(p.tokens[start].Start)
	p.job.Checksum = p.checksum(p.tokens[start])
	return &p.job, nil
}

// block finds the comments between which the block stands.
func (p *parser) block() (start, end int, err error) {
	start, end = -1, -1
	for i, t := range p.tokens {
		name, _, ok := t.directive(p.src)
		switch {
		case !ok:
		case name == "assert":
			return 0, 0, p.refuse(t.Start, "a backfill goes through its rows in many transactions, so nothing asks this assertion: move it to another migration, or write it as the block's done: query")
		case name == "backfill" && start >= 0:
			return 0, 0, p.refuse(t.Start, "a second backfill in one file: give each a file of its own")
		case name == "backfill":
			start = i
		case name == "end" && (start < 0 || end >= 0):
			return 0, 0, p.refuse(t.Start, "-- towline:end without a -- towline:backfill before it")
		case name == "end":
			end = i
		}
	}
	switch {
	case start < 0:
		return 0, 0, p.refuse(0, "no -- towline:backfill in this file")
	case end < 0:
		return 0, 0, p.refuse(p.tokens[start].Start, "this block is never closed: add -- towline:end after its statement")
	}
	return start, end, nil
}

// header reads name=.. table=.. and so on.
func (p *parser) header(t token) error {
	_, rest, _ := t.directive(p.src)
	at := t.Start + strings.Index(t.Text(p.src), rest)
	values := map[string]string{}
	for rest != "" {
		m := regexp.MustCompile(`^([A-Za-z_]+)=("[^"]*"|\S+)\s*`).FindStringSubmatch(rest)
		if m == nil {
			return p.refuse(at, "expected name=value here: -- towline:backfill name=.. table=.. key=..")
		}
		if _, twice := values[m[1]]; twice {
			return p.refuse(at, m[1]+"= is given twice")
		}
		values[m[1]] = strings.Trim(m[2], `"`)
		if err := p.value(at, m[1], values[m[1]]); err != nil {
			return err
		}
		rest, at = rest[len(m[0]):], at+len(m[0])
	}
	for _, needed := range []string{"name", "table", "key"} {
		if values[needed] == "" {
			return p.refuse(t.Start, "this backfill needs "+needed+"=")
		}
	}
	if p.job.Batch == 0 {
		p.job.Batch = defaultBatch
	}
	if p.job.MaxBatch == 0 {
		p.job.MaxBatch = defaultDuration
	}
	if _, given := values["nice"]; !given {
		p.job.Nice = defaultNice
	}
	return nil
}

func (p *parser) value(at int, key, value string) error {
	j := &p.job
	switch key {
	case "name":
		if j.Name = value; !regexp.MustCompile(`^[A-Za-z0-9_]{1,80}$`).MatchString(value) {
			return p.refuse(at, "name= takes letters, digits and _, at most 80 of them")
		}
	case "table":
		j.Table = value
	case "key":
		if j.Key = value; strings.Contains(value, ",") {
			return p.refuse(at, "key= takes one column: where the primary key has several, name another unique column, or add one")
		}
	case "as":
		j.Alias = value
	case "batch":
		n, err := strconv.Atoi(value)
		if j.Batch = n; err != nil || n < MinBatch || n > MaxBatch {
			return p.refuse(at, fmt.Sprintf("batch= takes %d to %d rows", MinBatch, MaxBatch))
		}
	case "max_batch_ms":
		n, err := strconv.Atoi(value)
		if j.MaxBatch = time.Duration(n) * time.Millisecond; err != nil || j.MaxBatch < minDuration || j.MaxBatch > maxDuration {
			return p.refuse(at, fmt.Sprintf("max_batch_ms= takes %d to %d milliseconds", minDuration.Milliseconds(), maxDuration.Milliseconds()))
		}
	case "nice":
		n, err := strconv.ParseFloat(value, 64)
		if j.Nice = n; err != nil || math.IsNaN(n) || n < 0 || n > maxNice {
			return p.refuse(at, fmt.Sprintf("nice= takes a number from 0 to %d", maxNice))
		}
	default:
		return p.refuse(at, key+"= is not known here: name, table, key, as, batch, max_batch_ms and nice are")
	}
	return nil
}

// queries reads count: and done:, each of which may go on in the comments below it.
func (p *parser) queries(from, before int) error {
	var into *string
	for _, t := range p.tokens[from:] {
		if t.Start >= before {
			break
		}
		text, ok := t.note(p.src)
		if _, _, other := t.directive(p.src); !ok || other {
			continue // another directive is for somebody else
		}
		switch rest, count := strings.CutPrefix(text, "count:"); {
		case count:
			into, text = &p.job.Count, rest
		default:
			if rest, done := strings.CutPrefix(text, "done:"); done {
				into, text = &p.job.Done, rest
			}
		}
		if into == nil {
			return p.refuse(t.Start, "expected count: or done: after the block's first line")
		}
		*into += strings.TrimSpace(text) + "\n"
	}
	for _, q := range []struct {
		what string
		sql  *string
	}{{"count:", &p.job.Count}, {"done:", &p.job.Done}} {
		if *q.sql == "" {
			return p.refuse(before, "this backfill needs a line -- "+q.what+" SELECT .. above its statement")
		}
		list, err := migrations.Split(p.name, []byte(*q.sql+";"))
		if err != nil || len(list) != 1 {
			return p.refuse(before, q.what+" has to be one SELECT that can be read")
		}
		if *q.sql = strings.TrimSpace(bare(list[0].SQL, 0, len(list[0].SQL))); !scan(*q.sql)[0].Is(*q.sql, "SELECT") {
			return p.refuse(before, q.what+" has to be a SELECT")
		}
	}
	return nil
}

func (p *parser) refuse(at int, reason string) error {
	line := p.line(at)
	begin := strings.LastIndexByte(p.src[:at], '\n') + 1
	return &migrations.SyntaxError{File: p.name, Line: line, Col: utf8.RuneCountInString(p.src[begin:at]) + 1, Reason: reason}
}

func (p *parser) line(at int) int { return strings.Count(p.src[:at], "\n") + 1 }

// checksum names the job by what it does: pace apart, which may be mended while it runs.
func (p *parser) checksum(header token) string {
	j := p.job
	text := strings.Join([]string{j.Name, j.Table, j.Key, j.Alias}, "\n") + "\n;" + j.Count + "\n;" + j.Done + "\n;" + j.with("towline_window()") + ";"
	return migrations.File{SQL: []byte(text)}.Checksum().Tokens
}
