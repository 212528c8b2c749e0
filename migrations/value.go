package migrations

import "regexp"

// common finds values that say what a statement is about: a kind or a state in few letters, a path into JSON, a format or a step of time.
var common = regexp.MustCompile(`^'(?:[a-z][a-z_]{0,15}|[A-Z][A-Z_]{0,15}|\$[\w.$\[\]#-]{0,60}|(?:%[A-Za-z%][-:/ T]?)+|[-+]?\d{1,4} (?:second|minute|hour|day|month|year)s?|start of (?:day|month|year)|)'$`)

// longNumber is how many digits a number has that may be somebody's.
const longNumber = 6

// Common reports whether a value, as it stands in SQL, is one that belongs to the statement: 'paid', '$.lang', '-7 days', 20. Any other may be
// that of one request, an address, a number or a key, and is nothing to be shown or kept.
func Common(value string) bool {
	switch {
	case value == "":
		return true
	case value[0] == '\'':
		return common.MatchString(value)
	case value[0] >= '0' && value[0] <= '9' || value[0] == '.':
		return len(value) < longNumber
	}
	return len(value) < 2 || value[0] != 'x' && value[0] != 'X' || value[1] != '\''
}
