package migrations

import "strings"

// Fold lowers the ASCII letters of a name, and no others, as SQLite does where it compares names.
func Fold(name string) string {
	for i := range len(name) {
		if 'A' <= name[i] && name[i] <= 'Z' {
			b := []byte(name)
			for ; i < len(b); i++ {
				b[i] = lowerByte(b[i])
			}
			return string(b)
		}
	}
	return name
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// SameName compares names as SQLite does.
func SameName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && lowerByte(a[i]) != lowerByte(b[i]) {
			return false
		}
	}
	return true
}

// Reserved reports whether an object of this name is SQLite's (sqlite_*) or Cloudflare's (_cf_*).
func Reserved(name string) bool {
	return len(name) >= 7 && SameName(name[:7], "sqlite_") || len(name) >= 4 && SameName(name[:4], "_cf_")
}

// QuoteName writes a name as an identifier. It always quotes, since any word may be a keyword in some SQLite.
func QuoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// QuoteText writes a text as a string literal.
func QuoteText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// Unquote takes the quotes off a name; one without quotes stays as it is.
func Unquote(name string) string {
	if len(name) < 2 {
		return name
	}
	inner := name[1 : len(name)-1]
	switch name[0] {
	case '[':
		return inner
	case '"', '\'', '`':
		return strings.ReplaceAll(inner, name[:1]+name[:1], name[:1])
	}
	return name
}

// Virtual reports whether an object is a virtual table.
func (o Object) Virtual() bool {
	seen := 0
	for pos := 0; pos < len(o.SQL); {
		t, reason := scan(o.SQL, pos)
		switch {
		case reason != "":
			return false
		case !t.means():
		case seen == 0 && !t.is(o.SQL, "CREATE"):
			return false
		case seen == 1:
			return o.Type == "table" && t.is(o.SQL, "VIRTUAL")
		default:
			seen++
		}
		pos = t.end
	}
	return false
}
