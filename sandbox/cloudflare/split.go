package cloudflare

import "strings"

// The tokens that sqlite3_complete() tells apart.
type token int

const (
	semi token = iota
	blank
	other
	explain
	create
	temp
	trigger
	end
)

// The states of that machine in which a statement is complete, and in which one begins.
const (
	stateBegin = 0
	stateDone  = 1
)

// step is the machine: by state (invalid, start, normal, explain, create, trigger, semicolon in a trigger, END in a
// trigger) and token. See complete.c of SQLite.
func step(state int, t token) int {
	return [8][8]int{
		{1, 0, 2, 3, 4, 2, 2, 2},
		{1, 1, 2, 3, 4, 2, 2, 2},
		{1, 2, 2, 2, 2, 2, 2, 2},
		{1, 3, 3, 2, 4, 2, 2, 2},
		{1, 4, 2, 2, 2, 4, 5, 2},
		{6, 5, 5, 5, 5, 5, 5, 5},
		{6, 6, 5, 5, 5, 5, 5, 7},
		{1, 7, 5, 5, 5, 5, 5, 5},
	}[state][t]
}

// split takes a request's text apart into statements, as the API does: unlike a migration file (package migrations), its
// last statement needs no ";", and whatever is left open is SQLite's to refuse. Blank statements are left out.
func split(sql string) []string {
	var statements []string
	state, begin, empty := stateBegin, 0, true
	for i := 0; i < len(sql); {
		t, next := scan(sql, i)
		state = step(state, t)
		empty = empty && (t == semi || t == blank)
		i = next
		if t != semi || state != stateDone {
			continue
		}
		if !empty {
			statements = append(statements, strings.TrimSpace(sql[begin:i]))
		}
		state, begin, empty = stateBegin, i, true
	}
	if !empty {
		statements = append(statements, strings.TrimSpace(sql[begin:]))
	}
	return statements
}

// scan returns the token at i and where the next one begins.
func scan(sql string, i int) (token, int) {
	switch c := sql[i]; c {
	case ';':
		return semi, i + 1
	case ' ', '\t', '\r', '\n', '\f':
		return blank, i + 1
	case '\'', '"', '`':
		return other, after(sql, string(c), i+1)
	case '[':
		return other, after(sql, "]", i+1)
	}
	if strings.HasPrefix(sql[i:], "--") {
		return blank, after(sql, "\n", i+2)
	}
	if strings.HasPrefix(sql[i:], "/*") {
		return blank, after(sql, "*/", i+2)
	}
	j := i
	for j < len(sql) && isWordByte(sql[j]) {
		j++
	}
	if j == i {
		return other, i + 1
	}
	return keyword(sql[i:j]), j
}

func keyword(word string) token {
	switch strings.ToUpper(word) {
	case "CREATE":
		return create
	case "TRIGGER":
		return trigger
	case "TEMP", "TEMPORARY":
		return temp
	case "END":
		return end
	case "EXPLAIN":
		return explain
	}
	return other
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func after(sql, mark string, from int) int {
	if i := strings.Index(sql[from:], mark); i >= 0 {
		return from + i + len(mark)
	}
	return len(sql)
}
