package migrations

import "strings"

// Canonical returns the text of a statement as it is sent to D1. Line ends are LF, and the BEGIN and END around the body
// of a CREATE TRIGGER are in upper case: the splitter behind D1's REST interface takes triggers apart that have them in
// lower case or lines that end in CRLF (cloudflare/workers-sdk issues 10998, 15314, 14991). Nothing else changes. Text
// in quotes stays byte for byte, so SQLite stores an equivalent object.
func Canonical(s Statement) string {
	src := s.SQL
	upper := triggerBody(src)
	var b strings.Builder
	b.Grow(len(src))
	for pos := 0; pos < len(src); {
		t, reason := scan(src, pos)
		if reason != "" {
			b.WriteString(src[pos:])
			break
		}
		switch {
		case t.kind == blank, t.kind == comment:
			text := t.text(src)
			if t.end < len(src) && src[t.end] == '\n' {
				text = strings.TrimSuffix(text, "\r") // a -- comment ends in front of its LF
			}
			b.WriteString(strings.ReplaceAll(text, "\r\n", "\n"))
		case upper[t.start]:
			b.WriteString(strings.ToUpper(t.text(src)))
		default:
			b.WriteString(t.text(src))
		}
		pos = t.end
	}
	return b.String()
}

// triggerBody returns where the BEGIN and the END of a trigger's body start; nil if src is no CREATE TRIGGER. Both words
// may be names as well: BEGIN is the one in front of a statement, END the last token.
func triggerBody(src string) map[int]bool {
	list, ok := tokens(src)
	if !ok || len(list) < 3 || !list[0].is(src, "CREATE") {
		return nil
	}
	i := 1
	if list[i].isAny(src, "TEMP", "TEMPORARY") {
		i++
	}
	if !list[i].is(src, "TRIGGER") {
		return nil
	}
	at := make(map[int]bool, 2)
	for ; i+1 < len(list) && list[i].kind != semi; i++ {
		if list[i].is(src, "BEGIN") && list[i-1].text(src) != "." &&
			list[i+1].isAny(src, "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH", "VALUES") && !triggerNamed(src, list, i) {
			at[list[i].start] = true
			break
		}
	}
	if last := list[len(list)-1]; last.is(src, "END") {
		at[last.start] = true
	}
	return at
}

// triggerNamed reports whether token i is the name of the trigger or of its table: "CREATE TRIGGER begin INSERT ON t".
func triggerNamed(src string, list []token, i int) bool {
	return list[i-1].isAny(src, "TRIGGER", "EXISTS", "ON", "OF") || list[i-1].text(src) == ","
}
